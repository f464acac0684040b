"""The idle installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.idle import Day, config
from replica.worlds import START, WorldClock
from tandem.app import Tandem
from tandem.app.linking import Wish
from tandem.core.policy import ConflictRule, Policy
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


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
