"""The brake: what is held, and that more never passes where less was held (P9)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.core.contact import EMAILS, FIRST_NAME, PHONES, Contact, Edit, Entry
from tandem.core.plan import Action, ActionKind, Approval, Held, HoldReason, Plan, Tally, count_blanks, plan
from tandem.core.policy import BrakeLimits
from tandem.core.state import PairId, Side

NOTHING_DONE = Tally()
CREATE, UPDATE, DELETE = ActionKind.CREATE, ActionKind.UPDATE, ActionKind.DELETE


def actions_of(kind: ActionKind, count: int, *, first: int = 1, side: Side = Side.LEFT, blanks: int = 0) -> list[Action]:
    """So many actions on pairs of their own."""
    return [Action(kind, side, PairId(first + number), blanks=blanks) for number in range(count)]


def planned(
    actions: list[Action],
    *,
    pairs: int = 1000,
    tally: Tally = NOTHING_DONE,
    removals_held: bool = False,
    released: frozenset[PairId] = frozenset(),
    approval: Approval | None = None,
) -> Plan:
    """A plan under the default limits."""
    return plan(actions, pairs=pairs, tally=tally, limits=BrakeLimits(), removals_held=removals_held, released=released, approval=approval)


@pytest.mark.parametrize(
    ("pairs", "done", "new", "is_held"),
    [
        (1000, 0, 50, False),
        (1000, 0, 51, True),
        (1000, 50, 1, True),
        (1000, 49, 1, False),
        (100, 0, 5, False),
        (100, 0, 6, True),
        (5, 0, 2, False),
        (5, 0, 3, True),
        (6, 0, 3, False),
        (2, 0, 2, False),
        (0, 0, 3, True),
    ],
)
@pytest.mark.parametrize(("kind", "blanks"), [(DELETE, 0), (UPDATE, 1)])
def test_removals_over_the_limit_are_held_all_together(
    pairs: int, done: int, new: int, is_held: bool, kind: ActionKind, blanks: int
) -> None:
    """Promise: deletions and blankings above max(5, 5 %), or three and more that are over half, are held, every one."""
    found = planned(actions_of(kind, new, blanks=blanks), pairs=pairs, tally=Tally(removals=done))
    assert len(found.held) == (new if is_held else 0)
    assert all(held.reason is HoldReason.REMOVALS for held in found.held)


@pytest.mark.parametrize(("kind", "reason"), [(CREATE, HoldReason.CREATIONS), (UPDATE, HoldReason.UPDATES)])
@pytest.mark.parametrize(("pairs", "new", "is_held"), [(100, 200, False), (100, 201, True), (1000, 500, False), (1000, 501, True)])
def test_a_flood_is_held(kind: ActionKind, reason: HoldReason, pairs: int, new: int, is_held: bool) -> None:
    """Promise: creations and updates above max(200, 50 %) are held, all of that kind in the cycle, and nothing else."""
    found = planned([*actions_of(kind, new), *actions_of(DELETE, 1, first=9000)], pairs=pairs)
    assert len(found.held) == (new if is_held else 0)
    assert all(held.reason is reason for held in found.held)
    assert any(action.kind is DELETE for action in found.actions)


def test_later_removals_wait_with_those_that_are_held() -> None:
    """Promise: while removals wait undecided, not even one passes."""
    assert planned(actions_of(DELETE, 1), removals_held=True).held == (Held(actions_of(DELETE, 1)[0], HoldReason.REMOVALS),)
    assert not planned(actions_of(UPDATE, 1), removals_held=True).held


def test_what_was_released_passes_and_is_not_counted() -> None:
    """Promise: a person's word lets an action pass, and leaves the day's allowance to the others."""
    many = actions_of(DELETE, 60)
    assert not planned(many, released=frozenset(action.pair for action in many)).held
    assert not planned(many, released=frozenset(action.pair for action in many[:10])).held
    assert len(planned(many, released=frozenset(action.pair for action in many[:9])).held) == 51


def test_deletions_come_last() -> None:
    """Promise: creates and updates before deletes, otherwise the order given."""
    mixed = [*actions_of(DELETE, 2), *actions_of(UPDATE, 2, first=10), *actions_of(CREATE, 2, first=20)]
    assert [action.pair for action in planned(mixed).actions] == [10, 11, 20, 21, 1, 2]


def test_an_approval_lets_pass_what_was_shown() -> None:
    """Promise: in an approved first sync as many pass as were approved, per side; the rest is held; nothing may be deleted."""
    approval = Approval(creations_left={Side.LEFT: 300}, updates_left={Side.RIGHT: 1})
    births = [*actions_of(CREATE, 301), *actions_of(UPDATE, 2, first=1000, side=Side.RIGHT)]
    found = planned(births, approval=approval)
    assert [held.reason for held in found.held] == [HoldReason.CREATIONS, HoldReason.UPDATES]
    assert len(found.actions) == 301
    with pytest.raises(ValueError, match="deletes nothing"):
        planned(actions_of(DELETE, 1), approval=approval)


def test_blanks_are_fields_emptied_and_lists_shortened() -> None:
    """Promise: a replaced entry or a field that was empty before is no blanking."""
    one, two = Entry("112"), Entry("113")
    before = Contact({FIRST_NAME: "Anna", PHONES: (one, two)})
    assert count_blanks(before, {FIRST_NAME: "", PHONES: (Edit(one, None),)}) == 2
    assert count_blanks(before, {FIRST_NAME: "Ewa", PHONES: (Edit(one, Entry("114")),)}) == 0
    assert count_blanks(before, {PHONES: (Edit(one, None), Edit(two, None), Edit(None, Entry("114")))}) == 1
    assert count_blanks(before, {EMAILS: (Edit(None, Entry("a@example.com")),)}) == 0
    assert count_blanks(Contact(), {FIRST_NAME: ""}) == 0


@st.composite
def many_actions(draw: st.DrawFn) -> list[Action]:
    """A cycle with so many actions that some limits are crossed."""
    kinds = st.tuples(st.sampled_from([(DELETE, 0), (UPDATE, 1), (UPDATE, 0), (CREATE, 0)]), st.sampled_from(Side))
    drawn = draw(st.lists(kinds, max_size=30))
    return [Action(kind, side, PairId(number), blanks=blanks) for number, ((kind, blanks), side) in enumerate(drawn)]


small = st.builds(
    BrakeLimits,
    removals=st.integers(0, 4),
    creations=st.integers(0, 6),
    updates=st.integers(0, 6),
)
tallies = st.builds(Tally, removals=st.integers(0, 5), creations=st.integers(0, 9), updates=st.integers(0, 9))


@given(many_actions(), many_actions(), small, tallies, st.integers(0, 40), st.booleans())
def test_more_never_passes_where_fewer_were_held(
    some: list[Action], further: list[Action], limits: BrakeLimits, tally: Tally, pairs: int, removals_held: bool
) -> None:  # fmt: skip
    """P9: adding removals, or having done more before, never lets a removal pass that was held."""
    more = [*some, *(replace(action, pair=PairId(1000 + action.pair)) for action in further)]
    fewer_plan, more_plan = (
        plan(each, pairs=pairs, tally=tally, limits=limits, removals_held=removals_held, released=frozenset(), approval=None)
        for each in (some, more)
    )
    if any(held.reason is HoldReason.REMOVALS for held in fewer_plan.held):
        assert not any(action.is_removal for action in more_plan.actions)
    passed = sum(action.is_removal for action in more_plan.actions)
    done = tally.removals + passed
    assert not passed or done <= limits.removals or done * 100 <= pairs * limits.removals_percent


@given(many_actions(), small, tallies, st.integers(0, 40), st.booleans(), st.sets(st.integers(0, 30)))
def test_every_action_is_planned_or_held_once(
    actions: list[Action], limits: BrakeLimits, tally: Tally, pairs: int, removals_held: bool, released: set[int]
) -> None:  # fmt: skip
    """Promise: nothing is lost or doubled, what was released is never held, and the sides may be exchanged (P8)."""
    freed = frozenset(PairId(number) for number in released)

    def under_brake(each: list[Action]) -> Plan:
        return plan(each, pairs=pairs, tally=tally, limits=limits, removals_held=removals_held, released=freed, approval=None)

    found = under_brake(actions)
    assert sorted([*found.actions, *(held.action for held in found.held)], key=lambda action: action.pair) == actions
    assert not freed & {held.action.pair for held in found.held}
    mirror = under_brake([replace(action, side=action.side.other) for action in actions])
    assert [action.pair for action in mirror.actions] == [action.pair for action in found.actions]
