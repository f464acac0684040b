"""Promise: in Sandbox CRM a person does with forms what people do in a CRM, and nothing else changes by it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.site_visitor import Visitor
from sandbox.test_sites_contacts import names
from tandem.sandbox.control import handle
from tandem.sandbox.pipedrive_company import API_TOKEN
from tandem.sandbox.wire import Request
from tandem.sandbox.world import World


@pytest.fixture
def visitor(world: World) -> Visitor:
    """Somebody before the pages."""
    return Visitor(world)


def make(world: World, op: str = "create_person", **given: Any) -> int:
    """A record's number."""
    made = world.pipedrive.human(op, given)
    assert isinstance(made, dict)
    return int(str(made["id"]))


def state(world: World, kind: str, number: int) -> Any:
    """A record, raw."""
    whole: Any = world.pipedrive.state()
    return next(one for one in whole[kind] if one["id"] == number)


def api(world: World, number: int) -> Any:
    """A person as an application reads it."""
    request = Request("GET", f"/pipedrive/api/v2/persons/{number}", (), {"x-api-token": API_TOKEN})
    return json.loads(handle(world, request).body)["data"]


def anna(world: World) -> int:
    """Somebody with a bit of everything."""
    firm = make(world, "create_organization", name="ACME")
    phones = [{"value": "+48 600 100 200", "label": "work", "primary": False}, {"value": "22 100 20 30", "label": "home", "primary": True}]
    return make(
        world, first_name="Anna", last_name="Nowak", org_id=firm, phones=phones, emails=[{"value": "anna@example.com"}], label_ids=[2]
    )


def test_an_edit_arrives_in_the_api_and_in_the_human_log(world: World, visitor: Visitor) -> None:
    """One edit for all that was typed; what was not touched stays, the main number too."""
    world.pipedrive.switches["admin_sees_all"] = True
    number = anna(world)
    before = api(world, number)
    requests, edits = len(world.log), len(world.pipedrive.human_log)
    form = visitor.form(f"/crm/person/{number}/edit", "/edit")
    form["last_name"], form["phones_value"], form["owner"], form["visible_to"] = "Kowalska", "+48 600 999 999", "2", "1"
    form.put("emails_value", 1, "second@example.com")
    form.put("emails_kind", 1, "home")
    assert visitor.send(form) == f"/crm/person/{number}?done=saved"
    assert len(world.log) == requests
    assert [edit.op for edit in world.pipedrive.human_log[edits:]] == ["update_person"]
    after = state(world, "persons", number)
    assert (after["name"], after["owner_id"], after["visible_to"], after["label_ids"]) == ("Anna Kowalska", 2, 1, [2])
    assert after["org_id"] == before["org_id"]
    assert [(one["value"], one["primary"]) for one in after["phones"]] == [("+48 600 999 999", False), ("22 100 20 30", True)]
    assert [(one["value"], one["label"], one["primary"]) for one in api(world, number)["emails"]] == [
        ("anna@example.com", "work", True),
        ("second@example.com", "home", False),
    ]


def test_a_form_sent_unchanged_changes_nothing(world: World, visitor: Visitor) -> None:
    """Opening and saving writes nothing, with contact sync fields and custom fields of every type."""
    world.pipedrive.human("enable_contact_sync", {})
    number = anna(world)
    custom = {}
    for type_, value in CUSTOM.items():
        made: Any = world.pipedrive.human("add_field", {"name": type_, "type": type_, "options": ["red", "blue"]})
        chosen = {"enum": made["options"] and made["options"][0]["id"], "set": [one["id"] for one in made["options"] or []]}
        custom[made["field_code"]] = chosen.get(type_, value)
    sync = {
        "notes": "a\n\nb",
        "birthday": "1980-05-31",
        "im": [{"value": "anna"}],
        "postal_address": {"value": "Dębowa 1", "locality": "Kraków"},
    }
    world.pipedrive.human("update_person", {"id": number, "custom_fields": custom, **sync})
    before, edits = state(world, "persons", number), len(world.pipedrive.human_log)
    assert visitor.send(visitor.form(f"/crm/person/{number}/edit", "/edit")).endswith("done=unchanged")
    assert (state(world, "persons", number), len(world.pipedrive.human_log)) == (before, edits)


CUSTOM: dict[str, Any] = {
    "varchar": "text", "text": "two\nlines", "double": 12.5, "phone": "+1 212", "date": "2026-03-01", "address": {"value": "Lipowa 1"},
    "monetary": {"value": 5, "currency": "PLN"}, "enum": None, "set": None, "time": {"value": "10:00:00"}, "user": 1,
}  # fmt: skip


def test_custom_fields(world: World, visitor: Visitor) -> None:
    """A text is set, a number is read as one, a wrong one refused with the form, an emptied one cleared."""
    number = anna(world)
    codes = {}
    for name, type_ in (("Instant messenger", "varchar"), ("Postal address", "address"), ("Size", "double")):
        made: Any = world.pipedrive.human("add_field", {"name": name, "type": type_})
        codes[name] = made["field_code"]
    form = visitor.form(f"/crm/person/{number}/edit", "/edit")
    form[f"custom_{codes['Instant messenger']}"] = "skype: anna"
    form[f"custom_{codes['Postal address']}"] = "Dębowa 1, Kraków"
    form[f"custom_{codes['Size']}"] = "many"
    assert "Size is a number" in visitor.refused(form)
    form[f"custom_{codes['Size']}"] = "12,5"
    visitor.send(form)
    held = api(world, number)["custom_fields"]
    assert (held[codes["Instant messenger"]], held[codes["Size"]]) == ("skype: anna", 12.5)
    assert held[codes["Postal address"]]["value"] == "Dębowa 1, Kraków"
    form = visitor.form(f"/crm/person/{number}/edit", "/edit")
    form[f"custom_{codes['Size']}"] = ""
    visitor.send(form)
    assert api(world, number)["custom_fields"][codes["Size"]] is None


def test_contact_sync_fields_stand_there_only_where_the_company_has_them(world: World, visitor: Visitor) -> None:
    """Birthday, job title, messengers, address and notes."""
    number = anna(world)
    assert 'name="birthday"' not in visitor.get(f"/crm/person/{number}/edit")
    world.pipedrive.human("enable_contact_sync", {})
    form = visitor.form(f"/crm/person/{number}/edit", "/edit")
    form["birthday"], form["job_title"], form["messengers_value"], form["notes"] = "1980-05-31", "Boss", "anna.n", "One\r\ntwo"
    form["postal_address"] = "Dębowa 1"
    visitor.send(form)
    held = api(world, number)
    assert (held["birthday"], held["job_title"], held["notes"]) == ("1980-05-31", "Boss", "One\ntwo")
    assert (held["im"][0]["value"], held["postal_address"]["value"]) == ("anna.n", "Dębowa 1")
    form = visitor.form(f"/crm/person/{number}/edit", "/edit")
    form["birthday"], form["job_title"] = "", ""
    visitor.send(form)
    assert (api(world, number)["birthday"], api(world, number)["job_title"]) == (None, None)


def test_a_new_person_with_a_new_organisation(world: World, visitor: Visitor) -> None:
    """A name that is known is linked, another is made; somebody without a name is refused."""
    form = visitor.form("/crm/new", "/new")
    form["organization"] = "ACME"
    assert "Give the person a first name" in visitor.refused(form)
    assert not [one for one in world.pipedrive.human_log if one.op == "create_organization"]
    form["first_name"], form["last_name"] = "Jan", "Nowak"
    first = int(visitor.send(form).split("/")[-1].split("?")[0])
    form["organization"], form["first_name"] = "acme", "Ewa"
    second = int(visitor.send(form).split("/")[-1].split("?")[0])
    assert api(world, first)["org_id"] == api(world, second)["org_id"]
    form = visitor.form(f"/crm/person/{second}/edit", "/edit")
    form["organization"] = ""
    form.put("phones_primary", 0, "0")
    visitor.send(form)
    assert api(world, second)["org_id"] is None


def test_the_main_number_is_chosen(world: World, visitor: Visitor) -> None:
    """The ticked row is the main one, also a new one."""
    number = anna(world)
    form = visitor.form(f"/crm/person/{number}/edit", "/edit")
    assert form["phones_primary"] == "1"
    form.put("phones_value", 2, "+1 212 555 0100")
    form["phones_primary"] = "2"
    visitor.send(form)
    assert [(one["value"], one["primary"]) for one in api(world, number)["phones"]] == [
        ("+48 600 100 200", False),
        ("22 100 20 30", False),
        ("+1 212 555 0100", True),
    ]


def test_delete_and_restore(world: World, visitor: Visitor) -> None:
    """A deleted person stands among those deleted for 30 days, and comes back from there."""
    number = anna(world)
    assert visitor.send(visitor.form(f"/crm/person/{number}", "/delete")) == "/crm/deleted?done=deleted"
    assert "Anna Nowak" in visitor.get("/crm/deleted")
    visitor.get(f"/crm/person/{number}", 404)
    visitor.send(visitor.form("/crm/deleted", "/restore"))
    assert names(visitor.get("/crm/")) == ["Anna Nowak"]
    form = visitor.form("/crm/", "/chosen")
    form.fields += [("id", str(number))]
    visitor.send(form, do="delete")
    world.clock.advance(31 * 86_400)
    assert "Nothing was deleted" in visitor.get("/crm/deleted")


def test_merge(world: World, visitor: Visitor) -> None:
    """The one that is kept wins; the other one's page says where it went."""
    kept, lost = anna(world), make(world, name="Ania Nowak", emails=[{"value": "ania@example.com"}])
    assert f"id={lost}" in visitor.get(f"/crm/merge?id={kept}&q=ania")
    form = visitor.form(f"/crm/merge?id={lost}&id={kept}", "/merge")
    form["keep"] = str(kept)
    assert visitor.send(form) == f"/crm/person/{kept}?done=merged"
    assert [one["value"] for one in api(world, kept)["emails"]] == ["anna@example.com", "ania@example.com"]
    assert f"merged into number {kept}" in visitor.get(f"/crm/person/{lost}", 404)


def test_organisations(world: World, visitor: Visitor) -> None:
    """Make one, refuse one without a name, rename it, see who belongs to it, delete and restore it."""
    form = visitor.form("/crm/organizations", "/organizations/new")
    assert "Give the organisation a name." in visitor.refused(form)
    form["name"] = "ACME"
    address = visitor.send(form).split("?")[0]
    number = int(address.split("/")[-1])
    make(world, name="Anna Nowak", org_id=number)
    form = visitor.form(address, "/rename")
    form["name"] = "ACME & Sons"
    visitor.send(form)
    page = visitor.get(address)
    assert "ACME &amp; Sons" in page
    assert names(page) == ["Anna Nowak"]
    visitor.send(visitor.form(address, "/delete"))
    assert "ACME &amp; Sons (deleted)" in visitor.get("/crm/person/1")
    visitor.send(visitor.form("/crm/deleted", "/restore"))
    assert "1 person" in visitor.get("/crm/organizations")
    ops = [edit.op for edit in world.pipedrive.human_log if edit.op != "create_person"]
    assert ops == ["create_organization", "update_organization", "delete_organization", "restore_person"]


def test_deals_and_activities(world: World, visitor: Visitor) -> None:
    """How many there are can be set; nonsense is refused."""
    number = anna(world)
    form = visitor.form(f"/crm/person/{number}", "/counts")
    form["open_deals_count"] = "many"
    assert "as whole numbers" in visitor.refused(form)
    form["open_deals_count"], form["undone_activities_count"] = "2", "3"
    visitor.send(form)
    counts = state(world, "persons", number)["counts"]
    assert (counts["open_deals_count"], counts["undone_activities_count"], counts["activities_count"]) == (2, 3, 3)


def test_users_see_what_they_may(world: World, visitor: Visitor) -> None:
    """A person that only the owner may see is not there for the other user, and an edit bears its user's name."""
    number = make(world, name="Secret Friend", visible_to=1, user=2)
    assert names(visitor.get("/crm/")) == []
    visitor.get(f"/crm/person/{number}", 404)
    assert "Secret Friend" in visitor.get("/crm/u/2/")
    form = visitor.form("/crm/u/2/new", "/new")
    form["first_name"] = "Mine"
    made = int(visitor.send(form).split("/")[-1].split("?")[0])
    assert state(world, "persons", made)["owner_id"] == 2


def test_everything_is_escaped(world: World, visitor: Visitor) -> None:
    """What people write stays text."""
    bad = "<script>alert(1)</script>"
    firm = make(world, "create_organization", name=bad)
    number, other = make(world, name=bad, org_id=firm), make(world, name=bad)
    world.pipedrive.human("add_field", {"name": bad})
    pages = [
        "/crm/?q=%3Cscript%3E",
        f"/crm/person/{number}",
        f"/crm/person/{number}/edit",
        "/crm/organizations",
        f"/crm/organization/{firm}",
    ]
    for address in [*pages, f"/crm/merge?id={number}&id={other}", f"/crm/merge?id={number}&q=%3Cscript%3E"]:
        page = visitor.get(address)
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_search_and_pages(world: World, visitor: Visitor) -> None:
    """Fifty to a page, by name; found without regard to case and diacritics, by number, and by organisation."""
    firm = make(world, "create_organization", name="Łoś")
    for number in range(70):
        make(world, name=f"Żaneta {number:03}", phones=[{"value": f"600-100-{number:03}"}], **({"org_id": firm} if number == 9 else {}))
    assert names(visitor.get("/crm/?page=2")) == [f"Żaneta {number:03}" for number in range(50, 70)]
    assert names(visitor.get("/crm/?q=ZANETA+05")) == [f"Żaneta {number:03}" for number in (5, *range(50, 60))]
    assert names(visitor.get("/crm/?q=600+100+042")) == ["Żaneta 042"]
    assert names(visitor.get("/crm/?q=los")) == ["Żaneta 009"]
