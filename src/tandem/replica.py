"""The port: what the engine may ask of one side of a link. Read this before any connector.

Terminology
    replica       one of the two sides' contact collections, narrowed to what one link may touch (its scope)
    record        a contact as a replica holds it, with an id and a version
    handle        a record's id and its locator (where it is addressed now; the id stays, the locator may change)
    version       opaque proof of the state we saw, behind the server's own time of that state (see `is_older`)
    observation   a record as seen at a moment: content in the common view, and the raw remote record as bytes of JSON
    tombstone     evidence of a deletion; absence from a listing is none
    cursor        opaque position in the replica's change stream
    reference     a named record that contacts point at (an organisation) where the replica keeps such
    marker        our random id inside a record that we created, so that it can be found again
    layout        where the synced fields live on this side (opaque, kept with the link)

Rules: a replica decides nothing, keeps nothing between calls but its connection, and sends a write exactly once (but for a
burst limit, which says that nothing was done): what an answer leaves open is an outcome (`Unanswered`), never a repetition.
Reads may be repeated inside. Errors that stop the link (see errors.py) are raised by reads and returned as `Untouched` by
writes, so that the outcomes of a wave are never lost. Results of a wave stand in the order of what was asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from tandem.core.canonical import fold_organisation
from tandem.core.contact import Contact, Delta, FieldName
from tandem.core.state import Cursor, Marker, RecordId, Version
from tandem.errors import TandemError


@dataclass(frozen=True, slots=True)
class Handle:
    """How to reach one record."""

    id: RecordId
    locator: str


@dataclass(frozen=True, slots=True)
class Observation:
    """A live record as seen at a moment."""

    handle: Handle
    version: Version
    contact: Contact
    #: The remote record, JSON in UTF-8; the only source for the parts of a write that Tandem does not know.
    raw: bytes
    #: Whether the link may touch it (label, owner, filter). Of others nothing but keys may be kept.
    in_scope: bool = True
    marker: Marker | None = None
    #: Id of the reference it points at, if any.
    reference: str = ""
    #: A list in it may have been cut short by the listing: fetch it before comparing or writing that list.
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The replica says that this record is deleted. `merged_into` is set where it says that, too."""

    handle: Handle
    merged_into: RecordId | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A direct read found nothing (404). Not yet evidence: reads lag."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The record is there but was refused or could not be understood."""

    handle: Handle
    sentence: str
    #: What hides it is a field of the layout that is not there any more: survey again, conclude nothing meanwhile.
    is_layout: bool = False


Sighting = Observation | Tombstone | Absent | Unreadable


@dataclass(frozen=True, slots=True)
class Reference:
    """A named record that contacts point at. `is_gone`: deleted."""

    id: str
    name: str
    version: Version
    is_gone: bool = False


#: A version that was not told.
UNSAID = Version("")


@dataclass(frozen=True, slots=True)
class Hint:
    """Somebody says that a record (or a reference) has moved. Never content: what it announces is believed when a read shows it.

    `version` is the state announced, empty where that was not said; `is_gone`: it announces a deletion; `trace` names the delivery.
    """

    handle: Handle
    version: Version = UNSAID
    is_gone: bool = False
    is_reference: bool = False
    merged_into: RecordId | None = None
    trace: str = ""


class Work(Enum):
    """What calls are made for; a budget may be divided by it."""

    #: Carrying over what people changed, and whatever they ask for by name.
    PEOPLE = "people"
    #: Looking whether anything has changed.
    LOOKING = "looking"
    #: The first sync of a link.
    FIRST = "first"


class Listing(Enum):
    """What the pages of one drain are."""

    #: Everything that is there: what it does not show is missing.
    FULL = "full"
    #: Only what moved since the cursor.
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a drain. Only the last page has a cursor; without it the drain was cut short and proves nothing."""

    listing: Listing
    sightings: tuple[Sighting, ...] = ()
    references: tuple[Reference, ...] = ()
    #: Records whose locator changed: old locator -> handle now.
    relocated: Mapping[str, Handle] = field(default_factory=dict)
    cursor: Cursor | None = None


class References:
    """The index of references of one side: ours, made from listings, never by searching.

    `load` gives the names by id, `count` how many records of the link point at an id; they are asked when that is first needed, because
    most looks at a side use neither.
    """

    def __init__(self, load: Callable[[], Mapping[str, str]] | None = None, count: Callable[[], Mapping[str, int]] | None = None) -> None:
        self._load = load
        self._count = count
        self._names: dict[str, str] = {}
        self._ids: dict[str, set[str]] = {}
        self._uses: Mapping[str, int] = {}
        self._lock = threading.Lock()

    def _loaded(self) -> None:
        with self._lock:
            if self._load is None:
                return
            known = self._load()
            self._load = None
            for id_, name in known.items():
                self._learn(Reference(id_, name, Version("")))

    def _counted(self) -> None:
        with self._lock:
            if self._count is not None:
                self._uses, self._count = self._count(), None

    def learn(self, reference: Reference) -> None:
        """Take in what was seen of one reference."""
        self._loaded()
        self._learn(reference)

    def _learn(self, reference: Reference) -> None:
        known = self._names.pop(reference.id, None)
        if known is not None:
            self._ids[fold_organisation(known)].discard(reference.id)
        if not reference.is_gone:
            self._names[reference.id] = reference.name
            self._ids.setdefault(fold_organisation(reference.name), set()).add(reference.id)

    def name_of(self, id_: str) -> str:
        """The name, or nothing when the id is not known."""
        self._loaded()
        return self._names.get(id_, "")

    def find(self, name: str, present: str = "") -> str | None:
        """The id that a name means: the present one if it bears that name, else the most used, else the lowest id."""
        self._loaded()
        found = self._ids.get(fold_organisation(name), set())
        if present in found:
            return present
        if len(found) > 1:
            self._counted()
        return min(found, key=lambda id_: (-self._uses.get(id_, 0), len(id_), id_), default=None)


@dataclass(frozen=True, slots=True)
class Creation:
    """A record to be made, inside the scope of the link, bearing the marker where the replica can hold one."""

    contact: Contact
    marker: Marker
    #: An earlier record, raw, whose other parts are put back as far as the side takes them.
    like: bytes = b""


@dataclass(frozen=True, slots=True)
class Update:
    """A change to a record, built on exactly the state that was planned on. One that was outside the scope then may be so still."""

    planned_on: Observation
    delta: Delta


@dataclass(frozen=True, slots=True)
class Deletion:
    """A record to be deleted, if it still is what was decided upon."""

    planned_on: Observation


@dataclass(frozen=True, slots=True)
class Written:
    """Done; `observation` is what the replica holds now, as it stored it."""

    observation: Observation


@dataclass(frozen=True, slots=True)
class Removed:
    """Done: the record is deleted."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Not done: the record is no longer what was planned on. `sighting` is what it is now, where that is known."""

    sighting: Sighting | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, for certain, and trying the same again is useless. `fields` names what was refused; empty: the whole record."""

    sentence: str
    fields: frozenset[FieldName] = frozenset()
    #: What refused it is a field of the layout (removed, forbidden): survey again instead of parking the record.
    is_layout: bool = False


@dataclass(frozen=True, slots=True)
class Untouched:
    """Not done, for certain, because of something that concerns the whole link."""

    error: TandemError


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Sent, and the answer is missing: it may have happened."""

    sentence: str


Outcome = Written | Removed | Moved | Refused | Untouched | Unanswered


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is different about this replica."""

    #: Writes are refused when the version has moved (compare-and-set). Without it the replica reads right before a write.
    has_compare_and_set: bool
    #: Its change stream shows deletions.
    streams_tombstones: bool
    #: Contacts point at named records that have to exist first.
    has_references: bool
    #: How many may be in flight at once.
    wave_creations: int
    wave_updates: int
    #: A read may show a state this old.
    read_lag_s: float
    #: How often everything must be listed anew.
    full_listing_every_s: float
    #: `adopt` brings a record into the scope. Without it such a record is followed by the link's own word.
    can_adopt: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose account this is: an id that never changes, and a name to show to its owner."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Preparation:
    """Where the synced fields live on this side."""

    layout: str = ""
    #: Where a field lives, for those that may live in several places. A field that moves has no base: it is united anew.
    places: Mapping[FieldName, str] = field(default_factory=dict)
    #: Names of fields that enabling would make.
    to_create: tuple[str, ...] = ()
    #: Fields that stay unsynced on this side, each with the sentence that says why and whom to ask.
    lacking: Mapping[FieldName, str] = field(default_factory=dict)
    #: The replica can hold a marker in what it creates.
    holds_marker: bool = True
    #: What the user should know about the places, each a sentence.
    notices: tuple[str, ...] = ()


class Replica(Protocol):
    """One side of a link."""

    capabilities: Capabilities

    def identity(self) -> Identity:
        """Whose account the token opens (one cheap call)."""
        ...

    def survey(self) -> Preparation:
        """Where the fields live, and what enabling would create. Sends no write."""
        ...

    def enable(self) -> Preparation:
        """Create what the survey named (found again by name, so repeating it is harmless) and return the final layout."""
        ...

    def changes(self, cursor: Cursor | None, *, is_brief: bool = False) -> Iterator[Page]:
        """Everything (no cursor), or what moved since the cursor, page by page, records outside the scope too.

        `is_brief`: nothing is concluded from there being nothing new, so whether the scope itself is still there may be asked less often.
        Raises CursorExpired where the position is not known any more, at any page.
        """
        ...

    def fetch(self, handles: Sequence[Handle]) -> list[Sighting]:
        """Direct reads, in the order of the handles."""
        ...

    def fetch_references(self, ids: Sequence[str]) -> list[Reference]:
        """Direct reads of references; those that cannot be read are left out."""
        ...

    def disputed(self, listed: frozenset[RecordId]) -> frozenset[RecordId]:
        """Ids of the scope on which a second, independent look at the replica disagrees with a full listing just made."""
        ...

    def decode(self, raw: bytes) -> Contact:
        """The common view of a raw record, with the references as they are named now. Pure."""
        ...

    def refusals(self, delta: Delta) -> Mapping[FieldName, str]:
        """What this side certainly cannot take (too long, too many, no permission), by field, each with a sentence. Sends nothing."""
        ...

    def has_attachments(self, handle: Handle) -> bool:
        """Whether something hangs on the record that a deletion would take along (deals, activities). Unknown counts as yes."""
        ...

    def is_anothers(self, raw: bytes) -> bool:
        """Whether a raw record belongs to somebody else than the user of this link: never deleted on one user's word alone. Pure."""
        ...

    def create(self, creations: Sequence[Creation]) -> list[Outcome]:
        """Make records; at most `capabilities.wave_creations`."""
        ...

    def update(self, updates: Sequence[Update]) -> list[Outcome]:
        """Change records; at most `capabilities.wave_updates`."""
        ...

    def delete(self, deletion: Deletion) -> Outcome:
        """Delete one record after looking at it once more."""
        ...

    def adopt(self, handles: Sequence[Handle]) -> None:
        """Bring existing records into the scope. May be repeated freely."""
        ...

    def release(self, handles: Sequence[Handle]) -> None:
        """Take records out of the scope that `adopt` brought in; they stay otherwise. May be repeated freely."""
        ...

    def create_references(self, names: Sequence[str]) -> list[Reference | TandemError]:
        """Make named records. OutcomeUnknown in the place of one whose answer is missing; repeating then makes a second one."""
        ...
