"""The decision table: what becomes of one pair, from what is known of both sides. Read this first.

Rules: whatever is not known for certain (missing, unreadable) means wait; nothing is deleted where somebody edited, and nothing
is created again; scope decides births only, so a pair that left it is frozen with its bases; on a one-way link a deletion on
the receiving side ends the pair, and nothing of that side is ever written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from tandem.core.canonical import same_text
from tandem.core.contact import FieldName
from tandem.core.merge import Merged, Part, merge
from tandem.core.policy import DeletionRule, Policy
from tandem.core.state import Presence, Side, Sight


class Change(Enum):
    """What happened to one side since both last agreed."""

    UNCHANGED = "unchanged"
    MODIFIED = "modified"
    DELETED = "deleted"
    OUT_OF_SCOPE = "out-of-scope"
    NEVER = "never"
    MISSING = "missing"
    UNREADABLE = "unreadable"


class CloseReason(Enum):
    """Why a pair ends without anything being written."""

    #: Neither side is there any more; a side that was never made counts as such.
    BOTH_GONE = "both-gone"
    #: One side was deleted, the other is out of scope and stays.
    GONE_AND_OUT_OF_SCOPE = "gone-and-out-of-scope"
    #: One side was deleted, and the rules leave the other alone.
    LEFT_ALONE = "left-alone"


class WaitReason(Enum):
    """Why nothing may be decided in this cycle."""

    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to write; the bases advance by what both sides changed alike."""

    agreed: frozenset[Part] = frozenset()


@dataclass(frozen=True, slots=True)
class Write:
    """Values to write to one side or both, or conflicts to tell of."""

    merged: Merged


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the record on `side`, since the other was deleted."""

    side: Side


@dataclass(frozen=True, slots=True)
class AskDeletion:
    """As `Delete`, after a person's word."""

    side: Side


@dataclass(frozen=True, slots=True)
class DeletionAgainstEdit:
    """`deleted` was deleted while the other was edited: nothing is deleted, nothing made again, a person decides."""

    deleted: Side


@dataclass(frozen=True, slots=True)
class Freeze:
    """Out of scope on a side: no traffic, the bases stay for its return."""


@dataclass(frozen=True, slots=True)
class Close:
    """The pair ends, and is remembered so that nothing is created again."""

    reason: CloseReason


@dataclass(frozen=True, slots=True)
class Wait:
    """Leave the pair alone this time."""

    reason: WaitReason


@dataclass(frozen=True, slots=True)
class Meet:
    """Not paired yet: matching decides, else one is created."""


Decision = Nothing | Write | Delete | AskDeletion | DeletionAgainstEdit | Freeze | Close | Wait | Meet

_NO_CHOICE: Mapping[Part, Side] = {}


def reconcile(left: Sight, right: Sight, policy: Policy, chosen: Mapping[Part, Side] = _NO_CHOICE) -> Decision:
    """Decide about one pair. `chosen` is a person's word on conflicts that waited for one."""
    changes = {Side.LEFT: change_of(left, policy.fields), Side.RIGHT: change_of(right, policy.fields)}
    kinds = frozenset(changes.values())
    if Change.UNREADABLE in kinds:
        return Wait(WaitReason.UNREADABLE)
    if Change.MISSING in kinds:
        return Wait(WaitReason.MISSING)
    if kinds == {Change.UNCHANGED}:
        return Nothing()
    if kinds <= {Change.UNCHANGED, Change.MODIFIED}:
        return _written(merge(left, right, policy, chosen))
    if Change.DELETED in kinds and kinds <= {Change.DELETED, Change.NEVER}:
        return Close(CloseReason.BOTH_GONE)
    if kinds == {Change.DELETED, Change.OUT_OF_SCOPE}:
        return Close(CloseReason.GONE_AND_OUT_OF_SCOPE)
    if Change.OUT_OF_SCOPE in kinds:
        return Freeze()
    if Change.NEVER in kinds:
        return Meet()
    deleted = Side.LEFT if changes[Side.LEFT] is Change.DELETED else Side.RIGHT
    if not policy.direction.allows(deleted.other):
        return Close(CloseReason.LEFT_ALONE)
    if Change.MODIFIED in kinds:
        return DeletionAgainstEdit(deleted)
    return _deletion(deleted.other, policy)


def change_of(sight: Sight, fields: frozenset[FieldName]) -> Change:
    """What happened to a side, as far as the synced fields can tell."""
    match sight.presence:
        case Presence.LIVE:
            return Change.MODIFIED if is_modified(sight, fields) else Change.UNCHANGED
        case Presence.GONE:
            return Change.DELETED
        case Presence.OUT_OF_SCOPE:
            return Change.OUT_OF_SCOPE
        case Presence.NEVER:
            return Change.NEVER
        case Presence.MISSING:
            return Change.MISSING
        case Presence.UNREADABLE:
            return Change.UNREADABLE
    assert_never(sight.presence)


def is_modified(sight: Sight, fields: frozenset[FieldName]) -> bool:
    """Whether a synced field differs from the base in its text."""
    now, base = sight.contact.values, sight.base.values
    return now != base and any(not same_text(now.get(name), base.get(name)) for name in fields)


def _written(merged: Merged) -> Decision:
    if merged.to_left or merged.to_right or merged.conflicts:
        return Write(merged)
    return Nothing(merged.agreed)


def _deletion(survivor: Side, policy: Policy) -> Decision:
    rule = policy.deletion_rule(survivor)
    match rule:
        case DeletionRule.PROPAGATE:
            return Delete(survivor)
        case DeletionRule.ASK:
            return AskDeletion(survivor)
        case DeletionRule.NEVER:
            return Close(CloseReason.LEFT_ALONE)
    assert_never(rule)
