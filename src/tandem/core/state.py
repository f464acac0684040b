"""Sides, ids, and what is known of a record on one side.

Rules: ids, versions and cursors are opaque here; only the replica that made one may look inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

from tandem.core.contact import Contact

LinkId = NewType("LinkId", int)
PairId = NewType("PairId", int)
RecordId = NewType("RecordId", str)
Version = NewType("Version", str)
Cursor = NewType("Cursor", str)
Marker = NewType("Marker", str)


def is_older(version: Version, other: Version) -> bool:
    """Whether a version of a record was made before another of its versions.

    Opaque but for one thing: the text before the first space is the server's own time of that state, and sorts as text.
    """
    return version.partition(" ")[0] < other.partition(" ")[0]


class Side(Enum):
    """One of the two replicas of a link. Which product stands where is decided in the composition root alone."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Presence(Enum):
    """What observation established about one record on one side."""

    #: Never paired there.
    NEVER = "never"
    LIVE = "live"
    #: Readable, but outside what the link may touch (label, owner, filter).
    OUT_OF_SCOPE = "out-of-scope"
    #: A complete listing did not show it and nobody has confirmed why: nothing may be concluded.
    MISSING = "missing"
    #: There, but not to be read or understood (403, malformed): never taken for deleted.
    UNREADABLE = "unreadable"
    #: Deleted, with evidence (a tombstone).
    GONE = "gone"


class PairState(Enum):
    """What a pair is waiting for."""

    LINKED = "linked"
    #: One side exists; the other is waiting to be created.
    ONE_SIDED = "one-sided"
    #: A person must say which record it is.
    AMBIGUOUS = "ambiguous"
    #: Out of scope on a side: no traffic, base kept.
    FROZEN = "frozen"
    #: Its replica refused it as a whole.
    PARKED = "parked"
    #: Deleted or unlinked: kept for ever, so that it is not created again.
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Sight:
    """One side of a pair as the decision table sees it: what it looks like now, and looked like when both last agreed.

    `base` is this side's own image, never the other's: a rewriting server or a lossy mapping then never looks like an edit.
    An empty base means that the sides have not met yet; every value then counts as newly added.
    """

    presence: Presence
    contact: Contact = field(default_factory=Contact)
    base: Contact = field(default_factory=Contact)
