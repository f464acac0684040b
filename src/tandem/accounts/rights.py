"""Which rights Tandem asks for, which it cannot do without, and what each of the others is good for.

Rules: the service's answer counts, never what was asked for; where an answer names no rights at all, nothing is said to be missing.
Sources: Google's guides to OAuth scopes and granular permissions; the scopes of each call in Pipedrive's OpenAPI files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CONTACTS = "https://www.googleapis.com/auth/contacts"
#: The account's own address, so that a person sees which account is connected.
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PERSONS = "contacts:full"


@dataclass(frozen=True, slots=True)
class Right:
    """One right: any of these names brings it. `lack`: what there is without it."""

    names: frozenset[str]
    lack: str


#: Rights that Tandem gets along without, by service.
USEFUL: dict[str, tuple[Right, ...]] = {
    "google": (),
    "pipedrive": (
        Right(frozenset({"admin"}), "admin (no webhooks: Pipedrive is asked for changes at intervals)"),
        Right(
            frozenset({"contact-fields:full", "admin"}),
            "contact-fields:full (Tandem cannot make its fields: no messengers and addresses where Pipedrive's own fields are missing)",
        ),
    ),
}
REFUSED: dict[str, str] = {
    "google": 'The box "See, edit, download, and permanently delete your contacts" was not ticked, so nothing was stored. '
    "Try again, and tick it.",
    "pipedrive": "The app in Pipedrive does not have the scope contacts:full, so nothing was stored. Add it to the app in Pipedrive's "
    "Developer Hub, then try again.",
}


def lacking(service: str, scopes: Iterable[str]) -> list[str]:
    """What is missing among the rights granted, and what there is without it. Nothing when none are named."""
    granted = frozenset(scopes)
    return [right.lack for right in USEFUL.get(service, ()) if granted and not granted & right.names]
