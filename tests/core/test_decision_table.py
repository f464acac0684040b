"""The whole decision table: every pair of changes, under every direction and deletion rule, each cell written out."""

from __future__ import annotations

import itertools

import pytest

from core.worlds import mirrored
from tandem.core.contact import FIRST_NAME, LAST_NAME, Contact
from tandem.core.merge import Part
from tandem.core.policy import DeletionRule, Direction, Policy
from tandem.core.reconcile import (
    AskDeletion,
    Change,
    Close,
    CloseReason,
    Decision,
    Delete,
    DeletionAgainstEdit,
    Freeze,
    Meet,
    Nothing,
    Wait,
    WaitReason,
    Write,
    change_of,
    reconcile,
)
from tandem.core.state import Presence, Side, Sight

KINDS = ["unchanged", "modified", "deleted", "out-of-scope", "never", "missing", "unreadable"]

#: Rows: what happened on the left; columns, in the order of KINDS: what happened on the right.
TABLE = {
    "unchanged":    ["nothing",      "<-",           "remove left",   "freeze",     "meet",       "missing",    "unreadable"],
    "modified":     ["->",           "<->",          "deleted right", "freeze",     "meet",       "missing",    "unreadable"],
    "deleted":      ["remove right", "deleted left", "both gone",     "gone, out",  "both gone",  "missing",    "unreadable"],
    "out-of-scope": ["freeze",       "freeze",       "gone, out",     "freeze",     "freeze",     "missing",    "unreadable"],
    "never":        ["meet",         "meet",         "both gone",     "freeze",     "meet",       "missing",    "unreadable"],
    "missing":      ["missing",      "missing",      "missing",       "missing",    "missing",    "missing",    "unreadable"],
    "unreadable":   ["unreadable",   "unreadable",   "unreadable",    "unreadable", "unreadable", "unreadable", "unreadable"],
}  # fmt: skip

BOTH, TO_LEFT, TO_RIGHT = Direction.BOTH, Direction.TO_LEFT, Direction.TO_RIGHT
PROPAGATE, ASK, NEVER = DeletionRule.PROPAGATE, DeletionRule.ASK, DeletionRule.NEVER

#: What is written for "<-", "->" and "<->" under each direction: (to the left, to the right).
WRITTEN = {
    ("<-", BOTH): (True, False),
    ("<-", TO_LEFT): (True, False),
    ("<-", TO_RIGHT): (False, False),
    ("->", BOTH): (False, True),
    ("->", TO_LEFT): (False, False),
    ("->", TO_RIGHT): (False, True),
    ("<->", BOTH): (True, True),
    ("<->", TO_LEFT): (True, False),
    ("<->", TO_RIGHT): (False, True),
}

#: What "remove SIDE" becomes: by side, direction and the deletion rule of that side.
REMOVED = {
    ("left", BOTH, PROPAGATE): "delete",
    ("left", BOTH, ASK): "ask",
    ("left", BOTH, NEVER): "left alone",
    ("left", TO_LEFT, PROPAGATE): "delete",
    ("left", TO_LEFT, ASK): "ask",
    ("left", TO_LEFT, NEVER): "left alone",
    ("left", TO_RIGHT, PROPAGATE): "left alone",
    ("left", TO_RIGHT, ASK): "left alone",
    ("left", TO_RIGHT, NEVER): "left alone",
    ("right", BOTH, PROPAGATE): "delete",
    ("right", BOTH, ASK): "ask",
    ("right", BOTH, NEVER): "left alone",
    ("right", TO_LEFT, PROPAGATE): "left alone",
    ("right", TO_LEFT, ASK): "left alone",
    ("right", TO_LEFT, NEVER): "left alone",
    ("right", TO_RIGHT, PROPAGATE): "delete",
    ("right", TO_RIGHT, ASK): "ask",
    ("right", TO_RIGHT, NEVER): "left alone",
}

#: What "deleted SIDE" against an edit on the other becomes: a deletion on a receiving side ends the pair, whatever was edited.
AGAINST_EDIT = {
    ("left", BOTH): "against edit",
    ("left", TO_LEFT): "left alone",
    ("left", TO_RIGHT): "against edit",
    ("right", BOTH): "against edit",
    ("right", TO_LEFT): "against edit",
    ("right", TO_RIGHT): "left alone",
}

BASE = Contact({FIRST_NAME: "Anna", LAST_NAME: "Nowak"})
EDITED = {Side.LEFT: BASE.replacing({FIRST_NAME: "Hanna"}), Side.RIGHT: BASE.replacing({LAST_NAME: "Kowalska"})}
PRESENCES = {
    "deleted": Presence.GONE,
    "out-of-scope": Presence.OUT_OF_SCOPE,
    "never": Presence.NEVER,
    "missing": Presence.MISSING,
    "unreadable": Presence.UNREADABLE,
}


def sight(kind: str, side: Side) -> Sight:
    """A side to which this happened."""
    if kind in PRESENCES:
        return Sight(PRESENCES[kind], Contact(), BASE)
    return Sight(Presence.LIVE, EDITED[side] if kind == "modified" else BASE, BASE)


def expected(cell: str, policy: Policy) -> Decision | tuple[bool, bool]:
    """What a cell of the table means under a policy; of a write: which sides are written."""
    fixed: dict[str, Decision] = {
        "nothing": Nothing(),
        "freeze": Freeze(),
        "meet": Meet(),
        "missing": Wait(WaitReason.MISSING),
        "unreadable": Wait(WaitReason.UNREADABLE),
        "both gone": Close(CloseReason.BOTH_GONE),
        "gone, out": Close(CloseReason.GONE_AND_OUT_OF_SCOPE),
    }
    if cell in fixed:
        return fixed[cell]
    if (cell, policy.direction) in WRITTEN:
        return WRITTEN[cell, policy.direction]
    verb, word = cell.split()
    side = Side(word)
    if verb == "remove":
        meant = REMOVED[word, policy.direction, policy.deletion_rule(side)]
        meanings: dict[str, Decision] = {"delete": Delete(side), "ask": AskDeletion(side), "left alone": Close(CloseReason.LEFT_ALONE)}
        return meanings[meant]
    meant = AGAINST_EDIT[word, policy.direction]
    return DeletionAgainstEdit(side) if meant == "against edit" else Close(CloseReason.LEFT_ALONE)


POLICIES = [
    Policy(direction=direction, deletions={Side.LEFT: left, Side.RIGHT: right})
    for direction, left, right in itertools.product(Direction, DeletionRule, DeletionRule)
]


@pytest.mark.parametrize(
    "policy", POLICIES, ids=lambda policy: "/".join([policy.direction.value, *(r.value for r in policy.deletions.values())])
)
@pytest.mark.parametrize("row", KINDS)
def test_each_cell_is_decided_as_written(row: str, policy: Policy) -> None:
    """Promise: 7 x 7 changes x 3 directions x 9 pairs of deletion rules are decided as the table says."""
    for column, cell in zip(KINDS, TABLE[row], strict=True):
        decision = reconcile(sight(row, Side.LEFT), sight(column, Side.RIGHT), policy)
        wanted = expected(cell, policy)
        if not isinstance(wanted, tuple):
            assert decision == wanted, (row, column)
        elif wanted == (False, False):
            assert decision == Nothing(), (row, column)
        else:
            assert isinstance(decision, Write), (row, column)
            assert (bool(decision.merged.to_left), bool(decision.merged.to_right)) == wanted, (row, column)


def test_the_table_names_every_change() -> None:
    """Promise: a new kind of change cannot be forgotten in the table."""
    assert list(TABLE) == KINDS == [change.value for change in Change]
    assert all(len(cells) == len(KINDS) for cells in TABLE.values())
    assert {change_of(sight(kind, Side.LEFT), Policy().fields).value for kind in KINDS} == set(KINDS)


def _swapped(decision: Decision) -> Decision | tuple[object, object]:
    match decision:
        case Delete(side):
            return Delete(side.other)
        case AskDeletion(side):
            return AskDeletion(side.other)
        case DeletionAgainstEdit(side):
            return DeletionAgainstEdit(side.other)
        case Write(merged):
            return (merged.to_right, merged.to_left)
        case _:
            return decision


@pytest.mark.parametrize(
    "policy", POLICIES, ids=lambda policy: "/".join([policy.direction.value, *(r.value for r in policy.deletions.values())])
)
def test_exchanging_the_sides_exchanges_the_decision(policy: Policy) -> None:
    """P8: the table is its own mirror."""
    for row, column in itertools.product(KINDS, KINDS):
        left, right = sight(row, Side.LEFT), sight(column, Side.RIGHT)
        mirror = reconcile(right, left, mirrored(policy))
        found = (mirror.merged.to_left, mirror.merged.to_right) if isinstance(mirror, Write) else mirror
        assert found == _swapped(reconcile(left, right, policy)), (row, column)


def test_both_changed_alike_only_moves_the_bases() -> None:
    """Promise: the same edit on both sides writes nothing, and the bases learn of it."""
    now = BASE.replacing({FIRST_NAME: "Hanna"})
    assert reconcile(Sight(Presence.LIVE, now, BASE), Sight(Presence.LIVE, now, BASE), Policy()) == Nothing(frozenset({Part(FIRST_NAME)}))


def test_fields_outside_the_policy_decide_nothing() -> None:
    """Promise: an edit of a field that is not synced leaves a side unchanged; deleting the other side then deletes it."""
    policy = Policy(fields=frozenset({LAST_NAME}))
    edited = Sight(Presence.LIVE, EDITED[Side.LEFT], BASE)
    assert reconcile(edited, sight("unchanged", Side.RIGHT), policy) == Nothing()
    assert reconcile(edited, sight("deleted", Side.RIGHT), policy) == Delete(Side.LEFT)
