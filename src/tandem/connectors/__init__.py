"""The replicas: what speaks to the two services. Read `replica.py`, the port, before anything in here.

Rules: `http.py` is the only door to the network; a connector imports core, the port and `http.py`, never the store, the engine
or another connector; JSON stops at each connector's `codec.py`.
"""
