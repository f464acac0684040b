"""What the imitated Google keeps: accounts, each with a book of contacts and groups, every record with its recent past.

Theory: each change gets the next number of its book (`seq`). A sync token is nothing but the highest number that its reader has
seen, and a read that lags shows, record by record, the last version that is old enough. The past is kept as far back as the
longest lag allowed and no further. States are never changed in place: a change is a new state.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Generic, TypeVar

from tandem.sandbox.service import Switch
from tandem.sandbox.wire import JsonObject

MAX_LAG_S = 3600.0
TRASH_S = 30 * 86400.0
MY_CONTACTS = "myContacts"
STARRED = "starred"
SYSTEM_GROUPS: dict[str, str] = {
    "all": "All",
    "blocked": "Blocked",
    "chatBuddies": "Chat contacts",
    "coworkers": "Coworkers",
    "family": "Family",
    "friends": "Friends",
    MY_CONTACTS: "My Contacts",
    STARRED: "Starred",
}


class Life(Enum):
    """Whether a record is there, in the trash (contacts, 30 days), or gone for good."""

    LIVE = "live"
    TRASHED = "trashed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ContactState:
    """One version of a contact. `items` are composed: derived parts and metadata included; `etag` is the bare source etag."""

    name: str
    items: Mapping[str, list[JsonObject]]
    groups: tuple[str, ...]
    etag: str
    updated_at: float
    life: Life = Life.LIVE
    photo_url: str = ""
    former_names: tuple[str, ...] = ()
    #: What the other person's own Google profile adds: list fields in the API's form, composed likewise.
    profile: Mapping[str, list[JsonObject]] = field(default_factory=dict)
    profile_id: str = ""


@dataclass(frozen=True, slots=True)
class GroupState:
    """One version of a contact group."""

    group_id: str
    name: str
    etag: str
    updated_at: float
    created_at: float = 0.0
    life: Life = Life.LIVE
    client_data: tuple[tuple[str, str], ...] = ()

    @property
    def is_system(self) -> bool:
        """Whether the group is one of those that every account has."""
        return self.group_id in SYSTEM_GROUPS


StateT = TypeVar("StateT", ContactState, GroupState)


@dataclass(frozen=True, slots=True)
class Version(Generic[StateT]):
    """A state, its number in the book, and the moment it came about."""

    seq: int
    at: float
    state: StateT


@dataclass(slots=True)
class Record(Generic[StateT]):
    """A contact or group with its recent past, oldest first, never empty."""

    record_id: str
    versions: list[Version[StateT]]

    @property
    def state(self) -> StateT:
        """What it is now."""
        return self.versions[-1].state

    def seen(self, at: float) -> Version[StateT] | None:
        """The version that a reader sees who sees everything up to `at`; None when the record is younger."""
        return next((version for version in reversed(self.versions) if version.at <= at), None)

    def add(self, version: Version[StateT]) -> None:
        """Put a new version on top, and forget what no reader can see any more."""
        if self.versions[-1].at >= version.at:
            self.versions.pop()
        self.versions.append(version)
        horizon = version.at - MAX_LAG_S
        while len(self.versions) > 1 and self.versions[1].at <= horizon:
            self.versions.pop(0)


@dataclass(slots=True)
class Book:
    """The contacts and groups of one account."""

    contacts: dict[str, Record[ContactState]] = field(default_factory=dict)
    groups: dict[str, Record[GroupState]] = field(default_factory=dict)
    #: Every name that a contact has or had, and its source id.
    names: dict[str, str] = field(default_factory=dict)
    seq: int = 0

    def put_contact(self, source_id: str, state: ContactState, now: float) -> None:
        """Store a new version, or a new contact."""
        self.names[state.name] = source_id
        self.contacts[source_id] = self._put(self.contacts.get(source_id), source_id, state, now)

    def put_group(self, state: GroupState, now: float) -> None:
        """Store a new version, or a new group."""
        self.groups[state.group_id] = self._put(self.groups.get(state.group_id), state.group_id, state, now)

    def _put(self, record: Record[StateT] | None, record_id: str, state: StateT, now: float) -> Record[StateT]:
        self.seq += 1
        version = Version(self.seq, now, state)
        if record is None:
            return Record(record_id, [version])
        record.add(version)
        return record

    def contact(self, name: str) -> Record[ContactState] | None:
        """The contact of that name, present or former, whatever its state."""
        source_id = self.names.get(name)
        return None if source_id is None else self.contacts[source_id]

    def live_contact(self, name: str) -> Record[ContactState] | None:
        """The contact of that name, if it is there now."""
        record = self.contact(name)
        return record if record is not None and record.state.life is Life.LIVE else None

    def live_group(self, group_id: str) -> Record[GroupState] | None:
        """The group, if it is there now."""
        record = self.groups.get(group_id)
        return record if record is not None and record.state.life is Life.LIVE else None

    def members(self, group_id: str) -> Iterator[str]:
        """The names of the live contacts in a group; everyone is in `all`."""
        for record in self.contacts.values():
            state = record.state
            if state.life is Life.LIVE and (group_id == "all" or group_id in state.groups):
                yield state.name

    def horizon(self, at: float) -> int:
        """The highest number that a reader sees who sees everything up to `at`."""
        contacts = (version.seq for record in self.contacts.values() if (version := record.seen(at)))
        groups = (found.seq for record in self.groups.values() if (found := record.seen(at)))
        return max(max(contacts, default=0), max(groups, default=0))

    def stored(self, now: float) -> int:
        """How many contacts count against the limit: those in the trash do for 30 days."""
        return sum(1 for record in self.contacts.values() if counts(record.state, now))


def counts(state: ContactState, now: float) -> bool:
    """Whether the contact takes room: live, or still in the trash."""
    return state.life is Life.LIVE or (state.life is Life.TRASHED and now - state.updated_at < TRASH_S)


@dataclass(slots=True)
class Account:
    """One Google user."""

    account_id: str
    email: str
    name: str
    book: Book = field(default_factory=Book)
    #: Spent per quota bucket: the window's start and the sum.
    spent: dict[str, tuple[float, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Shelf:
    """What every part of the service works with: one book, the time, the randomness, the switches."""

    book: Book
    now: float
    rng: random.Random
    switches: Mapping[str, Switch]

    def is_on(self, name: str) -> bool:
        """A switch as yes or no."""
        return bool(self.switches[name])

    def number(self, name: str) -> float:
        """A switch as a number."""
        return float(self.switches[name])

    def fresh_etag(self) -> str:
        """The text of a source etag that was never used before."""
        return base64.b64encode(self.rng.randbytes(8)).decode()

    def fresh_id(self) -> str:
        """A source id: hexadecimal, lower case, no leading zero."""
        while True:
            source_id = f"{self.rng.getrandbits(63) | 1 << 52:x}"
            if source_id not in self.book.contacts and source_id not in self.book.groups:
                return source_id


def contact_name(source_id: str) -> str:
    """The resource name that a source id makes: the same number, in decimal."""
    return f"people/c{int(source_id, 16)}"


@lru_cache(maxsize=4096)
def timestamp(at: float) -> str:
    """A moment as the API writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_book(shelf: Shelf) -> None:
    """Put the eight system groups into an empty book."""
    for group_id in SYSTEM_GROUPS:
        shelf.book.put_group(GroupState(group_id, group_id, shelf.fresh_etag(), shelf.now), shelf.now)
