"""Staying under Google's limits: waiting instead of being refused."""

from __future__ import annotations

import httpx2

from replica.google_bench import Bench, contact
from replica.worlds import WorldClock
from tandem.connectors.google import api
from tandem.connectors.google.budget import MinuteBudget
from tandem.connectors.http import Call
from tandem.replica import Creation
from tandem.sandbox.world import World


def test_a_burst_waits_for_the_window(world: World, clock: WorldClock) -> None:
    """So many units in any minute; the next call waits until the oldest have left it, and costs by bucket are kept apart."""
    budget = MinuteBudget(clock, {"a": 10, "b": 1})
    two = Call("x", "GET", "/", cost={"a": 2, "unlimited": 99})
    for _ in range(5):
        budget.before(two)
    assert clock.waits == []
    clock.sleep(20.0)
    clock.waits.clear()
    budget.before(two)
    assert clock.waits == [40.0]
    budget.before(Call("x", "GET", "/", cost={"b": 1}))
    assert clock.waits == [40.0]


def test_a_call_dearer_than_the_limit_still_goes(world: World, clock: WorldClock) -> None:
    """With an empty window; otherwise it could never be sent."""
    budget = MinuteBudget(clock, {"a": 5})
    dear = Call("x", "POST", "/", cost={"a": 6})
    budget.before(dear)
    budget.before(dear)
    assert clock.waits == [60.0]


def test_the_service_never_has_to_refuse(world: World, clock: WorldClock, client: httpx2.Client) -> None:
    """A long run against the lowest limits ever seen meets no 429, though the service's windows are not ours."""
    world.google.switches.update(quota_critical_read=60, quota_critical_write=30, quota_read=60, quota_write=30)
    bench = Bench(world, clock, client)
    world.clock.advance(37.0)
    for n in range(40):
        bench.replica.create([Creation(contact(first_name=f"Nr {n} {m}"), f"m{n}.{m}") for m in range(7 if n % 3 == 0 else 2)])
        bench.drain()
        api.list_groups(bench.door)
    assert {entry.status for entry in world.log} == {200}
    assert clock.waits
