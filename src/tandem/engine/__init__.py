"""One cycle over one link: recover, observe, reconcile, guard, record, apply, settle. Read `cycle.py` first.

Rules: knows the port (replica.py) and the store, never a concrete service; holds no transaction while the network is used;
every transaction begins by holding the lease; what was decided is written down before it is done.
"""
