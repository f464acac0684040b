"""Promise: idle hours of an installation, on a virtual clock, costs what the published prices say, and edits are found in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

import databases
from replica.worlds import START, WorldClock
from tandem.app import Tandem
from tandem.app.linking import Wish
from tandem.config import Config, load
from tandem.connectors.pipedrive.webhook import hints_of
from tandem.core.policy import ConflictRule, Policy
from tandem.core.state import LinkId, Side
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World
from tandem.store.archive import Archive

#: Pipedrive's published prices of what an idle link calls.
PRICES = {"getPersons": 10, "getOrganizations": 10, "getPerson": 1, "getWebhooks": 10, "getOrganization": 1}
QUARTER = 30_000 * 0.5 * 0.25


@dataclass
class Day:
    """An installation with one link beside a small world, as for a real service: one Lite seat."""

    world: World
    tandem: Tandem
    clock: WorldClock
    link: int

    def live(self, hours: float, *, hears: bool = False) -> int:
        """Do what `tandem run` does for so long; returns the cycles."""
        end, cycles = self.clock.now() + timedelta(hours=hours), 0
        row = self.tandem.links.one(self.link)
        while True:
            if hears:
                if self.tandem.hearing.is_due(row, self.clock.now()):
                    self.tandem.hearing.ensure(row, "https://tandem.example.com")
                for delivery in self.world.pipedrive.due_deliveries(self.clock.now()):
                    self.world.pipedrive.delivered(delivery.id, 200)
                    self.tandem.hearing.take(self.link, hints_of(delivery.body))
            for link in self.tandem.schedule.due(self.clock.now()):
                self.tandem.cycle(link, cause="due")
                cycles += 1
            due_at = self.tandem.links.one(self.link).next_due_at
            assert due_at is not None
            if due_at >= end:
                self.clock.sleep((end - self.clock.now()).total_seconds())
                return cycles
            self.clock.sleep(max(1.0, (due_at - self.clock.now()).total_seconds()))

    def calls(self) -> Counter[str]:
        """What was asked of Pipedrive since the log was last cleared."""
        return Counter(entry.kind for entry in self.world.log if entry.service == "pipedrive")

    def tokens(self) -> int:
        """What that cost, by the published prices, and as the sandbox counts."""
        calls = self.calls()
        cost = sum(PRICES[kind] * number for kind, number in calls.items())
        assert cost == sum(sum(entry.tokens.values()) for entry in self.world.log if entry.service == "pipedrive")
        return cost


def config(folder: Path) -> Config:
    """As for the real services, but for the addresses."""
    place = "http://127.0.0.1:1"
    return load(
        {
            "TANDEM_DATA_DIR": str(folder / "data"), "TANDEM_GOOGLE_API_URL": f"{place}/google",
            "TANDEM_GOOGLE_TOKEN_URL": f"{place}/google/token",
            "TANDEM_PIPEDRIVE_API_URL": f"{place}/pipedrive", "TANDEM_GOOGLE_CLIENT_ID": "sandbox-client",
            "TANDEM_GOOGLE_CLIENT_SECRET": "sandbox-secret",
            **databases.lend_for_test(),
        },
        folder,
    )  # fmt: skip


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    """Twenty people, synced."""
    world = World(clock=SandboxClock(frozen_at=START), seed=7)
    world.google.human("create_group", {"name": "Pipedrive"})
    for number in range(20):
        world.pipedrive.human(
            "create_person", {"name": f"P{number} Test", "emails": [{"value": f"p{number}@example.com", "primary": True}]}
        )
    clock = WorldClock(world)
    one_by_one = lambda tasks: [task() for task in tasks]  # noqa: E731
    with Tandem(config(tmp_path), clock=clock, transport=SandboxTransport(world), run_all=one_by_one) as tandem:
        accounts = tandem.connecting.google("sandbox-google-refresh"), tandem.connecting.pipedrive("sandbox-pipedrive-token")
        google, pipedrive = (str(account.settings["label"]) for account in accounts)
        made = tandem.make_link(Wish(google, pipedrive, "Pipedrive", Policy(conflicts=ConflictRule.RIGHT, region="PL")))
        assert tandem.cycle(made.row.id, cause="first").state.value == "in-sync"
        made_day = Day(world, tandem, clock, made.row.id)
        clock.sleep(3_600)
        made_day.live(0.1)
        world.log.clear()
        yield made_day


def test_idle_hours_without_webhooks(day: Day) -> None:
    """Persons every five minutes, organisations every thirty: within a quarter of our share."""
    day.live(2)
    calls = day.calls()
    assert 23 <= calls["getPersons"] <= 25
    assert 3 <= calls["getOrganizations"] <= 5
    assert set(calls) == {"getPersons", "getOrganizations"}
    assert day.tokens() <= QUARTER * 2 / 24
    google = Counter(entry.kind for entry in day.world.log if entry.service == "google")
    assert sum(google.values()) < 2 * 60


def test_an_idle_night_with_webhooks(day: Day) -> None:
    """One look an hour, one walk at night, and a look after the webhooks every six hours."""
    day.clock.sleep(13 * 3_600)
    day.live(0.1, hears=True)
    day.world.log.clear()
    day.live(4, hears=True)
    calls = day.calls()
    assert 4 <= calls["getPersons"] <= 4 + 2
    assert 4 <= calls["getOrganizations"] <= 4 + 2
    assert calls["getWebhooks"] <= 1
    assert day.tokens() <= 6 * 20 + 10


def test_a_change_without_webhooks_is_found_within_the_pace(day: Day) -> None:
    """An edit in Pipedrive arrives with the next look, five minutes later at most."""
    day.live(0.3)
    day.world.pipedrive.human("update_person", {"id": 3, "first_name": "Edited"})
    day.live(0.1)
    assert "Edited" in str(day.world.google.state())


def test_a_change_with_webhooks_is_carried_over_at_once(day: Day) -> None:
    """The hint makes the link due now; nothing else is asked of Pipedrive than that person."""
    day.live(0.1, hears=True)
    day.world.log.clear()
    day.world.pipedrive.human("update_person", {"id": 3, "first_name": "Edited"})
    day.live(0.001, hears=True)
    assert "Edited" in str(day.world.google.state())
    assert day.calls() == {"getPerson": 1}


def test_a_deletion_with_webhooks_does_not_wait_for_the_night(day: Day) -> None:
    """The hint has that person read, and one list of what moved lets the deletion rest; nobody lists everything."""
    day.live(0.1, hears=True)
    day.world.log.clear()
    listed_at = Archive(day.tandem.alias, LinkId(day.link)).feed(Side.RIGHT).listed_at
    day.world.pipedrive.human("delete_person", {"id": 3})
    day.live(0.05, hears=True)
    assert sum(one["life"] == "live" for one in day.world.google.state()["contacts"]) == 19
    assert Archive(day.tandem.alias, LinkId(day.link)).feed(Side.RIGHT).listed_at == listed_at
    assert day.calls()["getPersons"] <= 2
    assert day.tokens() <= 2 * 20 + 5
