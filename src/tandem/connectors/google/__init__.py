"""Google Contacts as a replica: People API v1, one account, one group.

Read `api.py` (the calls), `codec.py` (what stands where in a person) and `replica.py` (the port), in this order.
"""
