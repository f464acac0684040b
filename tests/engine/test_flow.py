"""One contact flows: created, changed and cleared on each side, it arrives on the other."""

from __future__ import annotations

from collections import Counter

from django.db import connections
from django.test.utils import CaptureQueriesContext

from engine.scenarios import NAMES, contacts
from engine.stage import Stage


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
