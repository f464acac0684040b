"""A whole installation in this process beside a sandbox world, for what lies above a cycle: fields, groups, budgets, words."""

from __future__ import annotations

import tempfile
from pathlib import Path

import databases
from engine.stage import GROUP
from replica.worlds import START, WorldClock
from tandem.app import Tandem
from tandem.app.linking import Wish
from tandem.app.overview import Overview, overview
from tandem.app.results import Result
from tandem.app.sandboxed import API_TOKEN, REFRESH_TOKEN
from tandem.config import load
from tandem.core.policy import ConflictRule, Policy
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


class Installed:
    """One installation, its world, and one link on the usual group. Close it."""

    def __init__(self, *, contact_sync: bool = False, limits: bool = False, scope: str = "mine", **settings: str) -> None:
        self.world = World(clock=SandboxClock(frozen_at=START), seed=7)
        self.world.pipedrive.switches["limits"] = limits
        self.world.google.switches["quotas"] = False
        if contact_sync:
            self.pipedrive_does("enable_contact_sync")
        self.google_does("create_group", name=GROUP)
        folder = Path(tempfile.mkdtemp(prefix="tandem-installed-"))
        values = {
            "TANDEM_DATA_DIR": str(folder),
            "TANDEM_SANDBOX_URL": "http://localhost",
            "TANDEM_BIRTH_QUIET_S": "0",
        } | databases.lend_for_test()
        config = load({**values, **{f"TANDEM_{name}": value for name, value in settings.items()}}, folder)
        self.tandem = Tandem(config, clock=WorldClock(self.world), transport=SandboxTransport(self.world))
        self.tandem.connecting.google(REFRESH_TOKEN)
        self.tandem.connecting.pipedrive(API_TOKEN)
        wish = Wish("google-1", "pipedrive-1", GROUP, Policy(conflicts=ConflictRule.RIGHT, region="PL"), scope=scope)
        self.link = self.tandem.make_link(wish).row.id

    def close(self) -> None:
        """Give everything back."""
        self.tandem.close()

    def google_does(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit by hand in Google Contacts."""
        return self.world.google.human(op, arguments)

    def pipedrive_does(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit by hand in Pipedrive."""
        return self.world.pipedrive.human(op, arguments)

    def contacts(self, *firsts: str) -> None:
        """People typed in Google, each with an e-mail, a phone and a messenger."""
        for number, first in enumerate(firsts):
            fields = {
                "names": [{"givenName": first, "familyName": "Nowak"}],
                "emailAddresses": [{"value": f"{first.lower()}@example.com", "type": "work"}],
                "phoneNumbers": [{"value": f"+48 600 123 4{number:02d}", "type": "mobile"}],
                "imClients": [{"username": first.lower(), "protocol": "skype"}],
            }
            self.google_does("create", fields=fields, groups=[GROUP])

    def cycle(self, *, is_full: bool = False) -> Result:
        """One cycle."""
        return self.tandem.cycle(self.link, cause="test", is_full=is_full)

    def settle(self, *, limit: int = 12) -> Result:
        """Cycles with time between them, until one writes nothing."""
        result = self.cycle()
        for _ in range(limit):
            if result.state.value == "in-sync" and not result.writes:
                return result
            self.wait(61)
            result = self.cycle()
        assert not result.writes, result
        return result

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.clock.advance(seconds)

    def status(self) -> Overview:
        """What `tandem status` says."""
        return overview(self.tandem, self.tandem.links.one(self.link))

    def google(self) -> list[dict[str, object]]:
        """All contacts that are there."""
        return [one for one in self.world.google.state()["contacts"] if one["life"] == "live"]

    def pipedrive(self) -> list[dict[str, object]]:
        """All persons that are there."""
        return [one for one in self.world.pipedrive.state()["persons"] if not one["is_deleted"]]
