"""An installation beside a small world, on a virtual clock, as for the real services; and what `tandem run` does in so many hours."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import databases
from replica.worlds import WorldClock
from tandem.app import Tandem
from tandem.config import Config, load
from tandem.connectors.pipedrive.webhook import hints_of
from tandem.sandbox.world import World

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
