"""The plan of a cycle, and the brake that holds what is too much for one day without a person's word.

Rules: removals are deletions and blankings; over their limit all of a cycle are held, and later ones with them until somebody
decided, so that more removals never pass where fewer were held. Creations and updates over theirs are held as well, all of
that kind in the cycle. What a person released passes and is not counted. Creates and updates come before deletes.
Limits are per link and rolling day: an amount or a share of the pairs, whichever is more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tandem.core.canonical import same_text
from tandem.core.contact import Change, Contact, Delta, FieldName
from tandem.core.policy import BrakeLimits
from tandem.core.state import PairId, Side


class ActionKind(Enum):
    """What shall be done to a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Action:
    """One write to one record. `blanks`: fields that it empties and lists that it shortens; `cost`: in the replica's own tokens."""

    kind: ActionKind
    side: Side
    pair: PairId
    delta: Delta = field(default_factory=dict)
    blanks: int = 0
    cost: int = 0

    @property
    def is_removal(self) -> bool:
        """Whether it takes away something that a human once entered."""
        return self.kind is ActionKind.DELETE or self.blanks > 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What this link did in the last 24 hours without a person's word, in records."""

    removals: int = 0
    creations: int = 0
    updates: int = 0


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person approved for a first sync and is not used up yet, by the side that is written."""

    creations_left: Mapping[Side, int] = field(default_factory=dict)
    updates_left: Mapping[Side, int] = field(default_factory=dict)


class HoldReason(Enum):
    """Why an action waits for a person's word."""

    REMOVALS = "removals"
    CREATIONS = "creations"
    UPDATES = "updates"
    #: Something hangs on the record that a deletion would take along.
    ATTACHMENTS = "attachments"
    #: The deletion rule of the link says so.
    ASKED = "asked"
    #: The other record is not to be found any more, but nothing says that it was deleted: it may have been hidden.
    ABSENT = "absent"
    #: The archive came out of a backup: it may have been done before, and undone by somebody since.
    BACKUP = "since-backup"


@dataclass(frozen=True, slots=True)
class Held:
    """An action that waits, and why."""

    action: Action
    reason: HoldReason


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order, and what waits."""

    actions: tuple[Action, ...] = ()
    held: tuple[Held, ...] = ()


def count_blanks(before: Contact, delta: Delta) -> int:
    """How many fields of the record a delta empties, and lists that lose more entries than they gain."""
    return sum(_is_blanking(before, name, change) for name, change in delta.items())


def _is_blanking(before: Contact, name: FieldName, change: Change) -> bool:
    if not isinstance(change, tuple):
        return same_text(change, None) and not same_text(before.values.get(name), None)
    return sum((edit.new is not None) - (edit.old is not None) for edit in change) < 0


def plan(
    actions: Sequence[Action],
    *,
    pairs: int,
    tally: Tally,
    limits: BrakeLimits,
    removals_held: bool,
    released: frozenset[PairId],
    approval: Approval | None,
    doubted: frozenset[PairId] = frozenset(),
) -> Plan:
    """Order the actions of a cycle and hold what is too much. What is `doubted` waits by itself and is not counted.

    `removals_held`: earlier removals still wait undecided. `approval`: this is a first sync, whose creations and updates pass
    up to the approved numbers and not beyond; a deletion in it is a ValueError.
    """
    if approval is not None and any(action.kind is ActionKind.DELETE for action in actions):
        raise ValueError("a first sync deletes nothing")
    counted = [action for action in actions if action.pair not in released | doubted]
    too_much = _too_much(counted, pairs, tally, limits, is_approved=approval is not None)
    if removals_held:
        too_much |= {HoldReason.REMOVALS}
    allowance = _allowance(approval)
    passing: list[Action] = []
    held: list[Held] = []
    for action in actions:
        reason = HoldReason.BACKUP if action.pair in doubted else None
        if reason is None and action.pair not in released:
            reason = _hold(action, too_much, allowance)
        if reason is None:
            passing.append(action)
        else:
            held.append(Held(action, reason))
    return Plan(tuple(sorted(passing, key=lambda action: action.kind is ActionKind.DELETE)), tuple(held))


def _too_much(actions: Iterable[Action], pairs: int, tally: Tally, limits: BrakeLimits, *, is_approved: bool) -> frozenset[HoldReason]:
    """What is over its limit for the day. Under an approval creations and updates are counted one by one instead."""
    new = Counter(action.kind for action in actions)
    removals = sum(action.is_removal for action in actions)
    over = {HoldReason.REMOVALS: bool(removals) and _is_too_many_removals(tally.removals + removals, pairs, limits)}
    if not is_approved:
        creations, updates = tally.creations + new[ActionKind.CREATE], tally.updates + new[ActionKind.UPDATE]
        over[HoldReason.CREATIONS] = _is_over(creations, pairs, limits.creations, limits.creations_percent)
        over[HoldReason.UPDATES] = _is_over(updates, pairs, limits.updates, limits.updates_percent)
    return frozenset(reason for reason, is_over in over.items() if is_over)


def _is_over(count: int, pairs: int, amount: int, percent: int) -> bool:
    return count > amount and count * 100 > pairs * percent


def _is_too_many_removals(count: int, pairs: int, limits: BrakeLimits) -> bool:
    is_most_of_small_book = count >= limits.removals_small_book and count * 100 > pairs * limits.removals_small_book_percent
    return is_most_of_small_book or _is_over(count, pairs, limits.removals, limits.removals_percent)


def _allowance(approval: Approval | None) -> Counter[tuple[ActionKind, Side]] | None:
    """How many of each kind may still pass on each side; None: no approval, the limits of the day decide."""
    if approval is None:
        return None
    left: Counter[tuple[ActionKind, Side]] = Counter()
    left.update({(ActionKind.CREATE, side): count for side, count in approval.creations_left.items()})
    left.update({(ActionKind.UPDATE, side): count for side, count in approval.updates_left.items()})
    return left


def _hold(action: Action, too_much: frozenset[HoldReason], allowance: Counter[tuple[ActionKind, Side]] | None) -> HoldReason | None:
    """Why this action waits, or None. An action that passes uses up the allowance."""
    if action.is_removal and HoldReason.REMOVALS in too_much:
        return HoldReason.REMOVALS
    if action.kind is ActionKind.DELETE:
        return None
    reason = HoldReason.CREATIONS if action.kind is ActionKind.CREATE else HoldReason.UPDATES
    if allowance is None:
        return reason if reason in too_much else None
    if allowance[action.kind, action.side] <= 0:
        return reason
    allowance[action.kind, action.side] -= 1
    return None
