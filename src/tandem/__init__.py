"""Tandem keeps the persons of a CRM and the contacts of an address book the same."""

__version__ = "0.1.0"
