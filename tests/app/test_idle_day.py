"""Promise: idle hours of an installation, on a virtual clock, costs what the published prices say, and edits are found in time."""

from __future__ import annotations

from collections import Counter

from app.idle import QUARTER, Day
from tandem.core.state import LinkId, Side
from tandem.store.archive import Archive


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
