"""Promises of the schedule: one worker at a time, and a worker that has slept too long writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tandem.core.state import LinkId
from tandem.errors import LeaseLost
from tandem.store.links import Links, LinkState
from tandem.store.schedule import LEASE_S, RENEW_AFTER_S, Lease, Schedule

from .conftest import NOW

if TYPE_CHECKING:
    from tandem.store import models

Make = Callable[..., "models.Link"]


def taken(schedule: Schedule, link: int, owner: str, seconds: float = 0, *, is_alone: bool = False) -> Lease:
    """A lease that must be given."""
    lease = schedule.claim(LinkId(link), owner, NOW + timedelta(seconds=seconds), is_alone=is_alone)
    assert lease is not None
    return lease


def test_two_workers_do_not_get_one_link(alias: str, make_link: Make) -> None:
    """While a lease runs nobody else gets the link; when it has ended, anybody does, under a newer epoch."""
    schedule, link = Schedule(alias), make_link().id
    first = taken(schedule, link, "a")
    assert schedule.claim(LinkId(link), "b", NOW + timedelta(seconds=LEASE_S - 1)) is None
    second = taken(schedule, link, "b", LEASE_S)
    assert second.epoch > first.epoch


def test_a_worker_that_slept_is_fenced_off(alias: str, make_link: Make) -> None:
    """The epoch decides, not the time: the first worker wakes up and may not commit, whatever its own clock says."""
    schedule, link = Schedule(alias), make_link().id
    first = taken(schedule, link, "a")
    second = taken(schedule, link, "b", LEASE_S)
    for seconds in (0, LEASE_S, 10 * LEASE_S):
        with pytest.raises(LeaseLost):
            schedule.hold(first, NOW + timedelta(seconds=seconds))
    schedule.hold(second, NOW + timedelta(seconds=LEASE_S))


def test_holding_renews_when_it_is_due(alias: str, make_link: Make) -> None:
    """A working worker keeps its link for as long as it works, without a write for every look."""
    schedule, link = Schedule(alias), make_link().id
    lease = taken(schedule, link, "a")
    schedule.hold(lease, NOW + timedelta(seconds=RENEW_AFTER_S - 1))
    assert lease.until == NOW + timedelta(seconds=LEASE_S)
    schedule.hold(lease, NOW + timedelta(seconds=RENEW_AFTER_S))
    assert lease.until == NOW + timedelta(seconds=RENEW_AFTER_S + LEASE_S)
    assert schedule.claim(LinkId(link), "b", NOW + timedelta(seconds=LEASE_S + 1)) is None


def test_who_is_alone_takes_over_at_once(alias: str, make_link: Make) -> None:
    """After a crash the only process does not wait for the dead one's lease."""
    schedule, link = Schedule(alias), make_link().id
    dead = taken(schedule, link, "dead")
    assert taken(schedule, link, "next", 1, is_alone=True).epoch == dead.epoch + 1


def test_what_a_dead_worker_left_is_due_at_once_for_who_is_alone(alias: str, make_link: Make) -> None:
    """Killed in the middle of a cycle, it still has its lease, and has taken the request away: who is alone waits for neither."""
    schedule, link = Schedule(alias), make_link().id
    Links(alias).activate(LinkId(link))
    schedule.release(taken(schedule, link, "done"), next_due_at=NOW + timedelta(seconds=300))
    taken(schedule, link, "dead")
    later = NOW + timedelta(seconds=1)
    assert (schedule.due(later), schedule.due(later, is_alone=True)) == ([], [link])
    schedule.release(taken(schedule, link, "next", 1, is_alone=True), next_due_at=NOW + timedelta(seconds=300))
    assert schedule.due(later, is_alone=True) == []


def test_releasing_makes_it_due_later(alias: str, make_link: Make) -> None:
    """A released link is free at once and due at the given time; an old lease releases nothing."""
    schedule, link = Schedule(alias), make_link().id
    Links(alias).activate(LinkId(link))
    assert schedule.due(NOW) == [link]
    lease = taken(schedule, link, "a")
    assert schedule.due(NOW) == []
    later = NOW + timedelta(seconds=60)
    schedule.release(lease, next_due_at=later)
    assert (schedule.due(NOW), schedule.due(later)) == ([], [link])
    newer = taken(schedule, link, "b", 60)
    schedule.release(lease, next_due_at=NOW)
    assert schedule.claim(LinkId(link), "c", later) is None
    schedule.hold(newer, later)


def test_asking_makes_it_due_now(alias: str, make_link: Make) -> None:
    """Who asks for a cycle gets one at once, and once."""
    schedule, link = Schedule(alias), make_link().id
    Links(alias).activate(LinkId(link))
    schedule.release(taken(schedule, link, "a"), next_due_at=NOW + timedelta(days=1))
    assert schedule.due(NOW) == []
    schedule.request(LinkId(link))
    assert schedule.due(NOW) == [link]
    schedule.release(taken(schedule, link, "a"), next_due_at=NOW + timedelta(days=1))
    assert schedule.due(NOW) == []


@pytest.mark.parametrize(("state", "is_due"), [(state, state in {LinkState.ACTIVE, LinkState.WAITING}) for state in LinkState])
def test_only_running_links_are_due(alias: str, make_link: Make, state: LinkState, is_due: bool) -> None:
    """A draft, a paused, a stopped or a removed link is left alone."""
    link = make_link().id
    Links(alias).stop(LinkId(link), state, "", "")
    Schedule(alias).request(LinkId(link))
    assert bool(Schedule(alias).due(NOW)) is is_due
