"""One contact flows: created, changed and cleared on each side, it arrives on the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from engine.scenarios import NAMES, contacts, persons
from engine.stage import Stage
from tandem.core.canonical import MatchKey
from tandem.core.contact import PHONES, FieldName
from tandem.core.policy import ConflictRule, Policy
from tandem.core.state import Side
from tandem.engine.cycle import run_cycle
from tandem.store import models
from tandem.store.contents import decode_contact


def test_a_contact_typed_in_google_becomes_a_person(stage: Stage) -> None:
    """A7: a new contact in the chosen group is entered in Pipedrive, with all six fields."""
    stage.contact(
        names=[{"givenName": "Anna", "familyName": "Nowak"}],
        phoneNumbers=[{"value": "+48 600 123 456", "type": "mobile"}],
        emailAddresses=[{"value": "anna@example.com", "type": "work"}],
        organizations=[{"name": "Acme", "title": "Plumber"}],
        imClients=[{"username": "anna.n", "protocol": "skype"}],
        addresses=[{"streetAddress": "Długa 5", "city": "Gdańsk", "postalCode": "80-831", "country": "Polska", "type": "home"}],
    )
    report = stage.settle()
    assert report.state.value == "in-sync"
    (person,) = stage.pipedrive()
    assert (person["first_name"], person["last_name"]) == ("Anna", "Nowak")
    assert person["phones"] == [{"label": "mobile", "value": "+48 600 123 456", "primary": True}]
    assert person["emails"] == [{"label": "work", "value": "anna@example.com", "primary": True}]
    assert person["im"] == [{"label": "skype", "value": "anna.n", "primary": True}]
    assert person["postal_address"]["locality"] == "Gdańsk"


def test_a_person_typed_in_pipedrive_becomes_a_contact(stage: Stage) -> None:
    """A7, the other way: in the chosen group, and in My contacts."""
    stage.person(name="Jan Kowalski", emails=[{"value": "jan@example.com"}])
    stage.settle()
    (contact,) = stage.in_group()
    assert contact["fields"]["names"][0]["givenName"] == "Jan"
    assert "myContacts" in contact["groups"]


def test_a_look_that_finds_nothing_asks_little_of_the_archive(stage: Stage) -> None:
    """With both sides agreed, nobody waiting and nothing new, a cycle asks what it needs to know that (once: 79 statements)."""
    contacts(*NAMES)(stage)
    stage.settle()
    stage.wait(300)
    stage.cycle()
    stage.wait(61)
    with CaptureQueriesContext(connections[stage.alias]) as found:
        assert stage.cycle().writes == 0
    assert len(found) <= 55, Counter(item["sql"].partition(" ")[0] for item in found.captured_queries)


@pytest.mark.parametrize("fields", [Policy().fields, Policy().fields - {PHONES}])
def test_what_was_made_is_recognised_like_its_source(make_stage: Callable[..., Stage], fields: frozenset[FieldName]) -> None:
    """Each record is kept with its own match keys, though those of a copy are taken from its source where they are the same."""
    stage = make_stage(policy=Policy(conflicts=ConflictRule.RIGHT, region="PL", fields=fields))
    contacts(*NAMES)(stage)
    persons("Maria", "Ewa")(stage)
    stage.settle()
    bench = stage.bench()
    rows = models.Shadow.objects.using(stage.alias).all()
    assert {side: sum(row.side == side.value for row in rows) for side in Side} == dict.fromkeys(Side, len(NAMES) + 2)
    for row in rows:
        assert row.keys == bench.keys_of(decode_contact(row.content)), row.record_id


def test_match_keys_of_a_copy_are_not_made_again(stage: Stage) -> None:
    """A first sync hashes the keys of what it copies once."""
    contacts(*NAMES)(stage)
    bench, made = stage.bench(), list[MatchKey]()
    digest = bench.digest

    def counted(key: MatchKey) -> str:
        made.append(key)
        return digest(key)

    bench.digest = counted
    bench.lease = bench.schedule.claim(bench.link, "test", stage.clock.now(), is_alone=True)
    assert run_cycle(bench, cause="first").writes >= len(NAMES)
    sources = models.Shadow.objects.using(stage.alias).filter(side="left")
    assert len(made) == sum(len(row.keys) for row in sources)


def test_references_of_a_wave_are_settled_together(stage: Stage) -> None:
    """Ten employers that Pipedrive does not know are ten calls, and one statement."""
    for number in range(10):
        stage.contact(names=[{"givenName": "Anna", "familyName": f"Nowak{number}"}], organizations=[{"name": f"Firma {number}"}])
    with CaptureQueriesContext(connections[stage.alias]) as found:
        stage.cycle()
    assert models.Reference.objects.using(stage.alias).count() == 10
    assert sum('INSERT INTO "store_reference"' in item["sql"] for item in found.captured_queries) == 1


def test_changes_of_people_who_were_just_made_ask_little_each(make_stage: Callable[..., Stage]) -> None:
    """Whether a source has grown into somebody who was there is asked for all together (once: twelve statements for each change)."""

    def asked(changed: int) -> int:
        stage = make_stage()
        contacts(*NAMES)(stage)
        stage.settle()
        stage.wait(300)
        stage.cycle()
        for one in stage.google()[:changed]:
            stage.google_does("update", id=one["id"], fields={"phoneNumbers": [{"value": f"+48 22 555 01 0{changed}"}]})
        stage.wait(300)
        with CaptureQueriesContext(connections[stage.alias]) as found:
            assert stage.cycle().writes == changed
        return len(found)

    assert asked(5) - asked(2) <= 3 * 5
