"""Promises of the composition root: several installations live in one process, and nothing is written without a lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import databases
from tandem.app import Tandem
from tandem.app.linking import Wish
from tandem.config import load
from tandem.connectors.pipedrive.reading import one_by_one
from tandem.core.policy import ConflictRule, Policy
from tandem.core.state import Marker, Side
from tandem.engine.report import CycleState
from tandem.errors import LeaseLost, WrongInput
from tandem.replica import Creation, Untouched
from tandem.sandbox.clock import Clock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

Open = Callable[..., Tandem]


@dataclass
class WorldClock:
    """The world's clock; waiting moves it."""

    world: World

    def now(self) -> datetime:
        """The world's time."""
        return self.world.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.world.clock.advance(max(0.0, seconds))


@pytest.fixture
def world() -> World:
    """Two contacts in the label, one person."""
    world = World(clock=Clock(frozen_at=datetime(2026, 3, 1, tzinfo=UTC)), seed=1)
    world.google.human("create_group", {"name": "Pipedrive"})
    for name in ("Anna", "Jan"):
        world.google.human("create", {"groups": ["Pipedrive"], "fields": {"names": [{"givenName": name, "familyName": "Nowak"}]}})
    world.pipedrive.human("create_person", {"name": "Ewa Lis"})
    return world


@pytest.fixture
def open_at(world: World, tmp_path: Path) -> Iterator[Open]:
    """Open installations in folders of this test, by name."""
    places: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:

        def open_one(name: str, **more: str) -> Tandem:
            known = places.setdefault(name, {"TANDEM_DATA_DIR": str(tmp_path / name), **databases.lend_for_test()})
            config = load({"TANDEM_SANDBOX_URL": "http://127.0.0.1:1", **known, **more}, tmp_path)
            clock, transport = WorldClock(world), SandboxTransport(world)
            return stack.enter_context(Tandem(config, clock=clock, transport=transport, run_all=one_by_one))

        yield open_one


def linked(tandem: Tandem) -> int:
    """A link in an installation."""
    tandem.connecting.google("sandbox-google-refresh")
    tandem.connecting.pipedrive("sandbox-pipedrive-token")
    policy = Policy(conflicts=ConflictRule.RIGHT)
    return tandem.make_link(Wish("google-1", "pipedrive-1", "Pipedrive", policy)).row.id


def test_installations_do_not_see_each_other(open_at: Open) -> None:
    """Each has its own database, key, id and lock, whatever the others do; opened twice it is the same."""
    first, second = open_at("first"), open_at("second")
    link = linked(first)
    assert first.cycle(link, cause="test").state is CycleState.IN_SYNC
    assert (second.links.all(), second.accounts.all()) == ([], [])
    assert first.place.ring("") != second.place.ring("")
    assert first.place.lock()
    assert second.place.lock()
    again = open_at("first")
    assert not again.place.lock()
    assert [row.id for row in again.links.all()] == [link]
    assert again.cycle(link, cause="test").writes == 0


def test_nothing_is_written_without_a_lease(open_at: Open, world: World) -> None:
    """A bench that was made to look cannot write, even when it is asked to."""
    tandem = open_at("one")
    bench = tandem.bench(linked(tandem))
    seen = next(item for page in bench.replicas[Side.LEFT].changes(None) for item in page.sightings)
    before = len(world.log)
    for side in Side:
        (outcome,) = bench.replicas[side].create([Creation(seen.contact, Marker("m"))])  # type: ignore[union-attr]
        assert isinstance(outcome, Untouched)
        assert isinstance(outcome.error, LeaseLost)
    assert not [entry for entry in world.log[before:] if entry.is_write]


def test_a_pause_ends_the_cycle_under_way(open_at: Open) -> None:
    """Paused in the midst of a first sync, the cycle ends without another write, and the link stays paused until it is resumed."""
    tandem = open_at("one")
    link = linked(tandem)

    def pause(line: str, /, **_: object) -> None:
        if line == "plan":
            tandem.pause(link)

    with pytest.raises(LeaseLost):
        tandem.cycle(link, cause="test", news=pause)
    assert tandem.links.one(link).state == "paused"
    with pytest.raises(WrongInput, match="paused"):
        tandem.cycle(link, cause="test")
    tandem.resume(link)
    result = tandem.cycle(link, cause="test")
    assert (result.state, result.writes) == (CycleState.IN_SYNC, 3)


def test_a_company_without_the_right_to_fields(open_at: Open, world: World) -> None:
    """Messengers and addresses stay unsynced with a sentence that says whom to ask; everything else flows."""
    world.pipedrive.switches["user.1.add_fields"] = False
    tandem = open_at("one")
    link = linked(tandem)
    result = tandem.cycle(link, cause="test")
    assert (result.state, result.writes) == (CycleState.IN_SYNC, 3)
    lacking = tandem.preview(link).lacking
    assert set(lacking) == {"messengers", "address"}
    assert all("administrator" in sentence for sentence in lacking.values())


def test_enabling_is_tried_again(open_at: Open, world: World) -> None:
    """When the fields cannot be made because the service is down, the cycle says so, is written down, and the next one goes on."""
    from tandem.sandbox.faults import Rule

    tandem = open_at("one")
    link = linked(tandem)
    world.faults.add(Rule("pipedrive", match="addPersonField", effect="refused"))
    failed = tandem.cycle(link, cause="test")
    assert (failed.state, failed.writes, failed.cycle > 0) == (CycleState.UNFINISHED, 0, True)
    assert tandem.links.one(link).state == "waiting"
    assert tandem.cycle(link, cause="test").state is CycleState.IN_SYNC
    names = [field["field_name"] for field in world.pipedrive.state()["person_fields"]]  # type: ignore[index, call-overload]
    assert len({"Instant messenger", "Postal address", "Tandem ID"} & set(names)) == 3
    assert len(names) == len(set(names))


def test_tokens_are_booked(open_at: Open) -> None:
    """What a cycle says that it cost stands in the company's ledger, with what came before it."""
    from tandem.app.overview import overview

    tandem = open_at("one")
    link = linked(tandem)
    before = overview(tandem, tandem.links.one(link)).tokens_today
    result = tandem.cycle(link, cause="test")
    assert result.pipedrive_tokens > 0
    assert overview(tandem, tandem.links.one(link)).tokens_today == before + result.pipedrive_tokens


def test_history_is_forgotten_in_time(open_at: Open, world: World) -> None:
    """After the wished number of days no content of what was written is left in history or journal."""
    from tandem.app.stories import lines
    from tandem.store import models

    tandem = open_at("one", TANDEM_HISTORY_DAYS="5")
    link = linked(tandem)
    tandem.cycle(link, cause="test")
    assert lines(tandem.alias, link, limit=10)
    world.clock.advance(6 * 86_400)
    tandem.cycle(link, cause="test")
    assert lines(tandem.alias, link, limit=10) == []
    assert {bytes(row.payload) for row in models.Intent.objects.using(tandem.alias)} == {b"{}"}
