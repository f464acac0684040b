"""Imitations of both services, for tests and for trying Tandem without accounts.

Rules: nothing here imports anything from the rest of Tandem, so that a mistake in Tandem cannot be mirrored by what it is
tested against; nothing here is used by Tandem when it works on the real services.
"""
