"""One call on its way through the imitated Google: what it asks for, and what it works on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tandem.sandbox.google_body import read_mask
from tandem.sandbox.google_errors import invalid
from tandem.sandbox.google_model import Account, ContactState, Shelf
from tandem.sandbox.google_person import person
from tandem.sandbox.google_schema import READ_PATHS, SOURCES, UNDOCUMENTED_PATHS, UPDATE_PATHS
from tandem.sandbox.wire import JsonObject, Request

DEFAULT_SOURCES = frozenset({"READ_SOURCE_TYPE_CONTACT", "READ_SOURCE_TYPE_PROFILE"})
READABLE = READ_PATHS | UNDOCUMENTED_PATHS
UPDATABLE = UPDATE_PATHS | UNDOCUMENTED_PATHS


@dataclass(slots=True)
class Asked:
    """One call on its way: the request, whom it concerns, the names in its path, the scopes it came with, what it works on."""

    request: Request
    account: Account
    shelf: Shelf
    secret: bytes
    names: tuple[str, ...]
    scopes: frozenset[str]

    def mask(self, name: str, documented_at: str, *, default_all: bool = False) -> frozenset[str]:
        """The read mask in the query; `requestMask.includeField` is its old twin."""
        text = self.request.one(name)
        if not text and name == "personFields":
            text = self.request.one("requestMask.includeField").replace("person.", "")
        if not text and default_all:
            return READABLE
        return read_mask(text, name, READABLE, documented_at)

    def sources(self) -> frozenset[str]:
        """The sources in the query."""
        return read_sources(self.request.every("sources"))

    def show(
        self, state: ContactState, source_id: str, mask: frozenset[str], sources: frozenset[str], *, listed: bool = False
    ) -> JsonObject:
        """The person that this reader sees."""
        return person(state, source_id, mask, sources, merge_profile=self.shelf.is_on("merge_profiles"), listed=listed)


def read_sources(given: Iterable[str]) -> frozenset[str]:
    """The sources asked for, by default the contact's and the profile's. ApiError 400 for an unknown one."""
    sources = frozenset(given)
    if unknown := sources - SOURCES:
        raise invalid(f"Invalid value at 'sources' (type.googleapis.com/google.people.v1.ReadSourceType), \"{min(unknown)}\"")
    return sources or DEFAULT_SOURCES


def page_size(request: Request, default: int) -> int:
    """The size asked for; 0 and none mean the default. ApiError 400 outside 1..1000."""
    text = request.one("pageSize", "0")
    if not text.isdecimal() or int(text) > 1000:
        raise invalid()
    return int(text) or default
