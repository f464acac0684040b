"""The rules of a link as frozen values: direction, fields, conflicts, deletions. No behaviour beyond look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tandem.core.contact import DEFAULT_FIELDS, FieldName
from tandem.core.state import Side


class Direction(Enum):
    """Which sides may be written."""

    BOTH = "both"
    TO_LEFT = "to-left"
    TO_RIGHT = "to-right"

    def allows(self, side: Side) -> bool:
        """Whether that side may be written."""
        return self is Direction.BOTH or (self is Direction.TO_LEFT) == (side is Side.LEFT)


class ConflictRule(Enum):
    """Who wins when both sides changed one value differently."""

    LEFT = "left"
    RIGHT = "right"
    ASK = "ask"

    @property
    def winner(self) -> Side | None:
        """The side that wins, or None when a person decides."""
        return None if self is ConflictRule.ASK else Side(self.value)


class DeletionRule(Enum):
    """What a deletion on one side means for the other side."""

    PROPAGATE = "propagate"
    ASK = "ask"
    NEVER = "never"


class OutsideRule(Enum):
    """What becomes of a match that stands outside the chosen group or scope."""

    ASK = "ask"
    ADOPT = "adopt"
    SEPARATE = "separate"


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """How much one link may do in a rolling day without a person's word: an amount, or a share of its pairs, whichever is more."""

    removals: int = 5
    removals_percent: int = 5
    #: In small books three or more that are over this share are too many.
    removals_small_book: int = 3
    removals_small_book_percent: int = 50
    creations: int = 200
    creations_percent: int = 50
    updates: int = 200
    updates_percent: int = 50


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one link."""

    direction: Direction = Direction.BOTH
    fields: frozenset[FieldName] = DEFAULT_FIELDS
    conflicts: ConflictRule = ConflictRule.LEFT
    conflicts_by_field: Mapping[FieldName, ConflictRule] = field(default_factory=dict)
    #: What a deletion does to the named side.
    deletions: Mapping[Side, DeletionRule] = field(default_factory=dict)
    outside: OutsideRule = OutsideRule.ASK
    brake: BrakeLimits = BrakeLimits()
    #: ISO country code in which numbers without country code are read; empty: none.
    region: str = ""

    def conflict_rule(self, name: FieldName) -> ConflictRule:
        """The rule for one field."""
        return self.conflicts_by_field.get(name, self.conflicts)

    def deletion_rule(self, side: Side) -> DeletionRule:
        """What a deletion seen on the other side does to `side`."""
        return self.deletions.get(side, DeletionRule.PROPAGATE)
