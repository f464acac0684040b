"""The six fields: created, changed and cleared on each side, they arrive on the other; and nothing else moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from engine.scenarios import change_contact, change_person, contact_named, person_named
from engine.stage import Stage

Json = dict[str, object]


@dataclass(frozen=True)
class Case:
    """One field in both services' own forms: two values each, and the empty one. `read_*` take it out of a record."""

    name: str
    google: tuple[Json, Json, Json]
    pipedrive: tuple[Json, Json, Json]
    read_google: Callable[[Json], object]
    read_pipedrive: Callable[[Json, Stage], object]


def _entries(items: object, key: str) -> list[tuple[str, str]]:
    return [(str(item[key]), str(item.get("type") or item.get("label") or "")) for item in items or []]


def _organization(one: Json, stage: Stage) -> str:
    return next((str(row["name"]) for row in stage.world.pipedrive.state()["organizations"] if row["id"] == one["org_id"]), "")


CASES = (
    Case(
        "name",
        (
            {"names": [{"givenName": "Ala", "familyName": "Lis"}]},
            {"names": [{"givenName": "Ala", "familyName": "Żuk"}]},
            {"names": [{"givenName": "Ala"}]},
        ),
        ({"first_name": "Ala", "last_name": "Lis"}, {"first_name": "Ala", "last_name": "Żuk"}, {"first_name": "Ala", "last_name": ""}),
        lambda one: one["fields"]["names"][0].get("familyName", ""),
        lambda one, _: one["last_name"] or "",
    ),
    Case(
        "organisation",
        ({"organizations": [{"name": "Acme"}]}, {"organizations": [{"name": "Łódź i Spółka"}]}, {"organizations": []}),
        ({"org_id": "Acme"}, {"org_id": "Łódź i Spółka"}, {"org_id": None}),
        lambda one: next((item["name"] for item in one["fields"].get("organizations", [])), ""),
        _organization,
    ),
    Case(
        "phones",
        (
            {"phoneNumbers": [{"value": "+48 600 123 456", "type": "mobile"}]},
            {"phoneNumbers": [{"value": "+48 22 555 01 02", "type": "work"}, {"value": "+48 600 123 456", "type": "home"}]},
            {"phoneNumbers": []},
        ),
        (
            {"phones": [{"value": "+48 600 123 456", "label": "mobile", "primary": True}]},
            {
                "phones": [
                    {"value": "+48 22 555 01 02", "label": "work", "primary": True},
                    {"value": "+48 600 123 456", "label": "home", "primary": False},
                ]
            },
            {"phones": []},
        ),
        lambda one: sorted(_entries(one["fields"].get("phoneNumbers"), "value")),
        lambda one, _: sorted(_entries(one["phones"], "value")),
    ),
    Case(
        "e-mails",
        (
            {"emailAddresses": [{"value": "ala@example.com", "type": "work"}]},
            {"emailAddresses": [{"value": "ala.lis@example.net", "type": "home"}]},
            {"emailAddresses": []},
        ),
        (
            {"emails": [{"value": "ala@example.com", "label": "work", "primary": True}]},
            {"emails": [{"value": "ala.lis@example.net", "label": "home", "primary": True}]},
            {"emails": []},
        ),
        lambda one: sorted(_entries(one["fields"].get("emailAddresses"), "value")),
        lambda one, _: sorted(_entries(one["emails"], "value")),
    ),
    Case(
        "messengers",
        (
            {"imClients": [{"username": "ala", "protocol": "skype"}]},
            {"imClients": [{"username": "ala.l", "protocol": "jabber"}]},
            {"imClients": []},
        ),
        (
            {"im": [{"value": "ala", "label": "skype", "primary": True}]},
            {"im": [{"value": "ala.l", "label": "jabber", "primary": True}]},
            {"im": []},
        ),
        lambda one: [(item["username"], item["protocol"]) for item in one["fields"].get("imClients", [])],
        lambda one, _: [(item["value"], item["label"]) for item in one["im"] or []],
    ),
    Case(
        "address",
        (
            {"addresses": [{"city": "Kielce", "postalCode": "25-001"}]},
            {"addresses": [{"city": "Radom", "postalCode": "26-600"}]},
            {"addresses": []},
        ),
        (
            {"postal_address": {"value": "25-001 Kielce", "locality": "Kielce", "postal_code": "25-001"}},
            {"postal_address": {"value": "26-600 Radom", "locality": "Radom", "postal_code": "26-600"}},
            {"postal_address": None},
        ),
        lambda one: next(((item.get("city"), item.get("postalCode")) for item in one["fields"].get("addresses", [])), None),
        lambda one, _: (one["postal_address"]["locality"], one["postal_address"]["postal_code"]) if one["postal_address"] else None,
    ),
)
ANCHOR = {"emailAddresses": [{"value": "anchor@example.com", "type": "other"}]}


def _in_pipedrive(stage: Stage, values: Json) -> Json:
    """Organisations are meant by name."""
    name = values.get("org_id")
    if not isinstance(name, str):
        return values
    known = [row["id"] for row in stage.world.pipedrive.state()["organizations"] if row["name"] == name]
    return {"org_id": known[0] if known else stage.pipedrive_does("create_organization", name=name)["id"]}


def _agree(stage: Stage, case: Case) -> None:
    said = case.read_google(contact_named(stage, "Ala")), case.read_pipedrive(person_named(stage, "Ala"), stage)
    assert said[0] == said[1], said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_field_typed_in_google_arrives(stage: Stage, case: Case) -> None:
    """A10: created, changed and cleared in Google, with its label, the field is the same in Pipedrive."""
    stage.contact(**{"names": [{"givenName": "Ala", "familyName": "Lis"}], **ANCHOR, **case.google[0]})
    stage.settle()
    _agree(stage, case)
    for fields in case.google[1:]:
        change_contact(stage, "Ala", **fields)
        wanted = case.read_google(contact_named(stage, "Ala"))
        stage.settle()
        assert case.read_google(contact_named(stage, "Ala")) == wanted
        _agree(stage, case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_field_typed_in_pipedrive_arrives(stage: Stage, case: Case) -> None:
    """A10: created, changed and cleared in Pipedrive, with its label, the field is the same in Google."""
    stage.person(**{"first_name": "Ala", "last_name": "Lis", **_in_pipedrive(stage, case.pipedrive[0])})
    stage.settle()
    _agree(stage, case)
    for values in case.pipedrive[1:]:
        stage.wait(2)
        change_person(stage, "Ala", **_in_pipedrive(stage, values))
        wanted = case.read_pipedrive(person_named(stage, "Ala"), stage)
        stage.settle()
        assert case.read_pipedrive(person_named(stage, "Ala"), stage) == wanted
        _agree(stage, case)


def test_different_fields_changed_on_both_sides_both_arrive(stage: Stage) -> None:
    """B2: two people who change different things both win."""
    stage.contact(names=[{"givenName": "Ala", "familyName": "Lis"}], phoneNumbers=[{"value": "+48 600 123 456"}], **ANCHOR)
    stage.settle()
    change_contact(stage, "Ala", phoneNumbers=[{"value": "+48 600 123 456"}, {"value": "+48 600 654 321", "type": "home"}])
    change_person(stage, "Ala", first_name="Ala", last_name="Żuk")
    stage.settle()
    assert contact_named(stage, "Ala")["fields"]["names"][0]["familyName"] == "Żuk"
    assert [item["value"] for item in person_named(stage, "Ala")["phones"]] == ["+48 600 123 456", "+48 600 654 321"]


def test_what_is_not_synced_stays_byte_for_byte(stage: Stage) -> None:
    """B12, P5: notes, photos, other labels, further addresses, custom fields, owner and visibility stay as they are."""
    stage.google_does("create_group", name="Family")
    id_ = stage.contact(
        names=[{"givenName": "Ala", "middleName": "Ewa", "familyName": "Lis", "honorificPrefix": "dr"}],
        biographies=[{"value": "met in\nSopot"}],
        organizations=[{"name": "Acme", "title": "Boss", "department": "Roof"}],
        phoneNumbers=[{"value": "600 123 456", "type": "Hytte"}],
        addresses=[{"city": "Kielce", "type": "home"}, {"city": "Radom", "type": "work", "poBox": "12"}],
        birthdays=[{"date": {"year": 1980, "month": 2, "day": 3}}],
        userDefined=[{"key": "shoe", "value": "42"}],
        clientData=[{"key": "other-app", "value": "x"}],
        relations=[{"person": "Jan", "type": "spouse"}],
        **ANCHOR,
    )
    stage.google_does("add_label", id=id_, group="Family")
    stage.google_does("set_photo", id=id_, url="https://photos.example/ala.jpg")
    stage.settle()
    field = stage.pipedrive_does("add_field", name="Shoe size")
    person = person_named(stage, "Ala Ewa")
    values = {"label_ids": [], "visible_to": 1, "notes": "likes cats", "custom_fields": {field["field_code"]: "42"}}
    stage.pipedrive_does("update_person", id=person["id"], **values)
    stage.settle()
    before_google, before_pipedrive = contact_named(stage, "Ala"), person_named(stage, "Ala Ewa")
    stage.wait(2)
    change_person(stage, "Ala Ewa", phones=[{"value": "+48 600 999 888", "label": "work", "primary": True}])
    change_contact(stage, "Ala", emailAddresses=[{"value": "new@example.com", "type": "home"}])
    stage.settle()
    after_google, after_pipedrive = contact_named(stage, "Ala"), person_named(stage, "Ala Ewa")
    moved_google = {name for name in after_google["fields"] if after_google["fields"][name] != before_google["fields"].get(name)}
    moved_pipedrive = {name for name in after_pipedrive if json.dumps(after_pipedrive[name]) != json.dumps(before_pipedrive[name])}
    assert moved_google == {"phoneNumbers", "emailAddresses"}
    assert (after_google["groups"], after_google["photo"]) == (before_google["groups"], before_google["photo"])
    assert moved_pipedrive == {"phones", "emails", "update_time"}


def test_a_contact_without_name_gets_one_in_pipedrive_that_never_flows_back(stage: Stage) -> None:
    """The name that Pipedrive demands is made up from the organisation, and stays there."""
    stage.contact(organizations=[{"name": "Acme"}], phoneNumbers=[{"value": "+48 600 123 456"}])
    stage.settle()
    stage.settle()
    (contact,), (person,) = stage.google(), stage.pipedrive()
    assert "names" not in contact["fields"]
    assert person["name"] == "Acme"


def test_an_organisation_renamed_in_pipedrive_changes_its_contacts(stage: Stage) -> None:
    """A renamed organisation reaches every contact of its persons, though no person has moved; none is renamed from Google."""
    organization = stage.pipedrive_does("create_organization", name="Acme")["id"]
    for first in ("Ala", "Ewa"):
        stage.person(first_name=first, last_name="Lis", org_id=organization, emails=[{"value": f"{first}@example.com"}])
    stage.settle()
    stage.wait(5)
    stage.pipedrive_does("rename_organization", id=organization, name="Acme i Synowie")
    stage.settle()
    assert {one["fields"]["organizations"][0]["name"] for one in stage.google()} == {"Acme i Synowie"}
    change_contact(stage, "Ala", organizations=[{"name": "Inna"}])
    stage.settle()
    names = {row["name"] for row in stage.world.pipedrive.state()["organizations"]}
    assert names == {"Acme i Synowie", "Inna"}
    assert contact_named(stage, "Ewa")["fields"]["organizations"][0]["name"] == "Acme i Synowie"
