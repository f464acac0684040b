"""Everything that decides: pure, symmetrical in both sides, and knowing no product.

Read `reconcile.py` first: the decision table. Rules: standard library and phone-number parsing only; no input or output, no
clock, no randomness; the same arguments give the same answer.
"""
