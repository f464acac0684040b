"""Pipedrive as a replica: persons, the organisations they point at, and the fields that hold what Pipedrive has no place for.

Read `replica.py` first; `codec.py` says how a person becomes a contact and back, `reading.py` and `writing.py` do the port's work.
"""
