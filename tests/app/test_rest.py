"""Promise: a link at rest costs next to nothing, and whatever may give it something to do makes a whole cycle of the next look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from app.idle import Day
from tandem.app.forgetting import forget
from tandem.core.state import LinkId, Side
from tandem.errors import LeaseLost
from tandem.replica import Handle, Hint
from tandem.sandbox.faults import Rule
from tandem.store import models
from tandem.store.watches import Watches


def cycles(day: Day) -> int:
    """Whole cycles so far."""
    return models.Cycle.objects.using(day.tandem.alias).count()


def come_to_rest(day: Day) -> None:
    """Nothing is left to do."""
    day.live(0.5)
    row = day.tandem.links.one(day.link)
    assert row.epoch == row.rest_epoch > 0
    day.world.log.clear()


def look(day: Day, after_s: float = 700) -> int:
    """One look when it is due; the whole cycles that it made."""
    before = cycles(day)
    day.clock.sleep(after_s)
    day.tandem.cycle(day.link, cause="due")
    return cycles(day) - before


def a_contact(day: Day) -> str:
    """The id of some contact."""
    return str(day.world.google.state()["contacts"][0]["id"])


def test_a_look_at_a_link_at_rest_is_cheap(day: Day) -> None:
    """One call to Google, none to Pipedrive between its looks; nine statements; no line in the journal; the success is noted."""
    come_to_rest(day)
    models.Watch.objects.using(day.tandem.alias).filter(side="right").update(subscriptions=["1"], has_gap=False, next_look_at=None)
    assert look(day) == 0
    before = day.tandem.links.one(day.link).last_success_at
    day.world.log.clear()
    statements = []
    for _ in range(6):
        with CaptureQueriesContext(connections[day.tandem.alias]) as found:
            day.clock.sleep(600)
            day.tandem.cycle(day.link, cause="due")
        statements.append(len(found))
    # Once an hour: the label, another access token, and how many share the budgets.
    calls = Counter(entry.kind for entry in day.world.log)
    assert calls == {"people.connections.list": 6, "contactGroups.get": 1, "oauth.token": 1, "getPersons": 1, "getOrganizations": 1}, calls
    assert sorted(statements)[3] <= 9, statements
    assert sum(statements) <= 74, statements
    row = day.tandem.links.one(day.link)
    assert before is not None
    assert row.last_success_at is not None
    assert row.last_success_at > before
    assert (row.lease_owner, row.epoch) == ("", row.rest_epoch)


def edit_in_google(day: Day) -> None:
    """Somebody edits a contact."""
    day.world.google.human("update", {"id": a_contact(day), "fields": {"names": [{"givenName": "Edited", "familyName": "There"}]}})


def delete_in_google(day: Day) -> None:
    """Somebody deletes a contact."""
    day.world.google.human("delete", {"id": a_contact(day)})


def delete_the_group(day: Day) -> None:
    """Somebody deletes the label."""
    group = next(one for one in day.world.google.state()["groups"] if one["name"] == "Pipedrive")
    day.world.google.human("delete_group", {"group": f"contactGroups/{group['id']}"})


def edit_in_pipedrive(day: Day) -> None:
    """Somebody edits a person."""
    day.world.pipedrive.human("update_person", {"id": 3, "first_name": "Edited"})


def new_in_pipedrive(day: Day) -> None:
    """Somebody types a new person."""
    day.world.pipedrive.human("create_person", {"name": "Somebody New", "emails": [{"value": "new@example.com", "primary": True}]})


def ask(day: Day) -> None:
    """Somebody asks for a cycle."""
    day.tandem.schedule.request(LinkId(day.link))


def pause_and_resume(day: Day) -> None:
    """Somebody pauses the link and lets it go on."""
    day.tandem.pause(day.link)
    day.tandem.resume(day.link)


def tell(day: Day) -> None:
    """A webhook tells of a change."""
    day.tandem.hearing.take(day.link, [Hint(Handle("3", "3"), "2099-01-01T00:00:00Z")])  # type: ignore[arg-type]


def come_to_harm(day: Day) -> None:
    """Google does not answer."""
    day.world.faults.add(Rule("google", "people.connections.list", "500", times=20))


@pytest.mark.parametrize(
    "stir",
    [edit_in_google, delete_in_google, delete_the_group, edit_in_pipedrive, new_in_pipedrive, ask, pause_and_resume, tell, come_to_harm],
)
def test_what_stirs_a_link(day: Day, stir: Callable[[Day], None]) -> None:
    """Edits and deletions on both sides, a person's wish, a hint, trouble: the next look is a whole cycle."""
    come_to_rest(day)
    stir(day)
    assert look(day) == 1


def test_a_group_that_went_while_it_was_empty_is_missed_within_the_hour(day: Day) -> None:
    """Where the service tells of no contact that has lost its group, the group itself is asked for once an hour."""
    come_to_rest(day)
    group = next(one for one in day.world.google.state()["groups"] if one["name"] == "Pipedrive")
    day.world.google.switches["read_lag_s"] = 100_000.0
    day.world.google.human("delete_group", {"group": f"contactGroups/{group['id']}"})
    looks = [look(day, 600) for _ in range(7)]
    assert day.tandem.links.one(day.link).reason == "GroupGone"
    assert 0 in looks


def test_forgetting_somebody_leaves_the_rest_alone(day: Day) -> None:
    """What is erased is found again by no look, and nothing is written."""
    come_to_rest(day)
    forget(day.tandem, "p3@example.com")
    day.live(2)
    assert not any(entry.is_write for entry in day.world.log)


def test_what_was_heard_during_a_look_stays(day: Day) -> None:
    """A look writes down when it looks again, and nothing of what hearing knows."""
    come_to_rest(day)
    kept = Watches(day.tandem.alias, LinkId(day.link))
    before = kept.of(Side.RIGHT)
    kept.hear(Side.RIGHT, day.clock.now())
    models.Watch.objects.using(day.tandem.alias).filter(side="right").update(subscriptions=["7"])
    before.why = "because"
    kept.save_pace(before)
    after = kept.of(Side.RIGHT)
    assert (after.why, after.subscriptions, after.heard_at) == ("because", ["7"], day.clock.now())


def test_a_hint_that_comes_between_makes_a_whole_cycle(day: Day) -> None:
    """What is told after the link was read, and before it is taken, is not passed over."""
    come_to_rest(day)
    row = day.tandem.links.one(day.link)
    tell(day)
    assert day.tandem.schedule.claim_unchanged(row, "late", day.clock.now()) is None


def test_a_hint_that_comes_during_a_look_is_followed_at_once(day: Day) -> None:
    """What is told while a look is under way does not wait for the next one."""
    come_to_rest(day)
    day.clock.sleep(700)
    now = day.clock.now()
    lease = day.tandem.schedule.claim_unchanged(day.tandem.links.one(day.link), "busy", now)
    assert lease is not None
    tell(day)
    day.tandem.schedule.release_at_rest(lease, next_due_at=now + timedelta(minutes=10), now=now)
    assert day.tandem.schedule.due(now) == [day.link]
    assert look(day, 0) == 1


def test_who_took_the_link_meanwhile_has_it(day: Day) -> None:
    """A look that was overtaken writes nothing down."""
    come_to_rest(day)
    row = day.tandem.links.one(day.link)
    day.clock.sleep(700)
    lease = day.tandem.schedule.claim_unchanged(row, "slow", day.clock.now())
    assert lease is not None
    day.clock.sleep(200)
    taken = day.tandem.schedule.claim(LinkId(day.link), "quick", day.clock.now())
    assert taken is not None
    with pytest.raises(LeaseLost):
        day.tandem.schedule.release_at_rest(lease, next_due_at=day.clock.now(), now=day.clock.now())
    assert day.tandem.links.one(day.link).lease_owner == "quick"
    assert day.tandem.schedule.claim_unchanged(row, "late", day.clock.now()) is None
