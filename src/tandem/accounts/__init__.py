"""Connecting accounts: how each proves to its service that it may, and how that proof is renewed.

Rules: credentials come from the vault and go nowhere else; what a token endpoint says is told apart into "later", "connect again"
and "the installation is configured wrongly", and its texts are never passed on.
"""
