"""Promise: a Tandem that is killed with SIGKILL at any moment, again and again, loses, doubles and revives nobody."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import databases
from depth import seeds

from .dying import People, addresses, run_and_kill, sandbox, settle

#: What each life has come to, before it is killed some random time later.
FIRST_SYNC = ('"connected"', '"preview"')
LATER = ('"watching"', '"watching"')


def begin(people: People) -> None:
    """Seven on both sides (of whom four are going to be deleted), seven more on each: a label of Google's, and the company."""
    people.edit("google", "create_group", name="Pipedrive")
    for number in range(7):
        people.born(in_google=True, in_pipedrive=True).may_be_edited = number > 3
    for number in range(14):
        people.born(in_google=number % 2 == 0, in_pipedrive=number % 2 == 1)


@pytest.mark.parametrize("seed", seeds(1, 10, 4))
def test_killed_at_random_moments(seed: int, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """In the first sync and in later life, among people who type on both sides: at the end everybody stands on both sides once, with
    everything that was typed; who was deleted is gone on both; organisations are not doubled; one more cycle writes nothing.
    """  # noqa: D205 - one promise
    rng = random.Random(seed)
    with sandbox(tmp_path / "none") as control:
        environment = {"TANDEM_DATA_DIR": str(tmp_path / "data"), "TANDEM_SANDBOX_URL": control.url, "TANDEM_BIRTH_QUIET_S": "0"}
        environment.update(databases.lend_for_test())
        people = People(control, rng, environment)
        begin(people)
        deaths = []
        for event in FIRST_SYNC:
            deaths.append(run_and_kill(people, environment, rng, event))
            for _ in range(rng.randrange(2, 8)):
                people.do_something()
        settle(people, environment)
        for number, event in enumerate(LATER):
            for _ in range(rng.randrange(2, 8)):
                people.do_something()
            people.delete(in_google=number == 0)
            deaths.append(run_and_kill(people, environment, rng, event))
        record_property("killed at", deaths)
        settle(people, environment)
        assert any(one.is_deleted for one in people.all)
        check(people, f"seed {seed}, killed at {deaths}")


def check(people: People, told: str) -> None:
    """Hold both sides against what people typed."""
    contacts, persons = people.contacts(), people.persons()
    alive = [one for one in people.all if not one.is_deleted]
    expected = Counter(one.email for one in alive)
    assert Counter(email for one in contacts for email in addresses(one)) == expected, told
    assert Counter(email for one in persons for email in addresses(one)) == expected, told
    assert len(contacts) == len(persons) == len(alive), told
    organizations = [one for one in people.control.call("GET", "state", service="pipedrive")["organizations"] if not one["is_deleted"]]  # type: ignore[union-attr,index,call-overload,misc]
    names = {one["id"]: one["name"] for one in organizations}
    assert len(set(names.values())) == len(names), told
    by_contact = {addresses(one)[0]: one["fields"] for one in contacts}
    by_person = {addresses(one)[0]: one for one in persons}
    for human in alive:
        fields, person = by_contact[human.email], by_person[human.email]
        assert sorted(one["value"] for one in fields.get("phoneNumbers", [])) == sorted(human.phones), (human, told)  # type: ignore[attr-defined]
        assert sorted(one["value"] for one in person["phones"]) == sorted(human.phones), (human, told)  # type: ignore[attr-defined]
        assert fields["names"][0]["familyName"] == person["last_name"] == human.last_name, (human, told)  # type: ignore[index]
        known = [one.get("name", "") for one in fields.get("organizations", [])] or [""]  # type: ignore[attr-defined]
        assert known[0] == names.get(person["org_id"], "") == human.organization, (human, told)
