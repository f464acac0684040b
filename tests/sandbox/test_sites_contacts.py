"""Promise: in Sandbox Contacts a person does with forms what people do in an address book, and nothing else changes by it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.google_calls import Google
from sandbox.site_visitor import Visitor
from tandem.sandbox.world import World

RICH = {
    "names": [{"givenName": "Anna", "middleName": "Maria", "familyName": "Nowak", "honorificPrefix": "Dr", "phoneticGivenName": "Anna"}],
    "phoneNumbers": [{"value": "+48 600 100 200", "type": "mobile"}, {"value": "22 100 20 30", "type": "workFax"}],
    "emailAddresses": [{"value": "anna@example.com", "type": "home", "displayName": "Anna N."}],
    "organizations": [{"name": "ACME", "title": "Boss", "department": "Sales", "type": "work"}, {"name": "Second"}],
    "addresses": [
        {"streetAddress": "Dębowa 1", "city": "Kraków", "postalCode": "30-001", "country": "PL", "countryCode": "PL", "type": "home"},
        {"streetAddress": "Lipowa 2", "city": "Łódź", "type": "work"},
    ],
    "imClients": [{"username": "anna", "protocol": "skype", "type": "home"}],
    "birthdays": [{"date": {"month": 5, "day": 31}}],
    "biographies": [{"value": "First line\nsecond line", "contentType": "TEXT_PLAIN"}],
    "urls": [{"value": "https://example.com", "type": "homePage"}],
    "userDefined": [{"key": "Shoe size", "value": "38"}],
}


@pytest.fixture
def visitor(world: World) -> Visitor:
    """Somebody before the pages."""
    return Visitor(world)


def make(world: World, **fields: Any) -> str:
    """A contact's id."""
    made = world.google.human("create", {"fields": fields or RICH})
    assert isinstance(made, dict)
    return str(made["id"])


def fields(world: World, record_id: str) -> Any:
    """What a contact holds."""
    state = world.google.state()
    assert isinstance(state, dict)
    contacts: Any = state["contacts"]
    return next(one for one in contacts if one["id"] == record_id)


def names(page: str) -> list[str]:
    """The people of a list, in order."""
    return [part.split("</a>")[0].rpartition(">")[2] for part in page.split('<td class="name"><a')[1:]]


def test_an_edit_arrives_in_the_api_and_in_the_human_log(world: World, google: Google, visitor: Visitor) -> None:
    """What is typed is what a client reads; it stands in the log of people's edits, and not among the requests."""
    record_id = make(world)
    before = len(world.log)
    form = visitor.form(f"/contacts/person/{record_id}/edit", "/edit")
    form["phones_value"] = "+48 600 999 999"
    assert visitor.send(form).startswith(f"/contacts/person/{record_id}?done=saved")
    assert len(world.log) == before
    assert (world.google.human_log[-1].op, world.google.human_log[-1].record_id) == ("update", record_id)
    person = google.get(fields(world, record_id)["resourceName"], "phoneNumbers")
    assert [one["value"] for one in person["phoneNumbers"]] == ["+48 600 999 999", "22 100 20 30"]
    assert "+48 600 999 999" in visitor.get(f"/contacts/person/{record_id}")


def test_a_form_sent_unchanged_changes_nothing(world: World, visitor: Visitor) -> None:
    """Opening and saving writes nothing, whatever stands in the contact."""
    record_id = make(world)
    odd = make(
        world, names=[{"unstructuredName": " A\u0007 \ufffe "}], biographies=[{"value": "\n\n <b> \t"}], birthdays=[{"text": "spring"}]
    )
    for one in (record_id, odd):
        before, edits = fields(world, one), len(world.google.human_log)
        assert visitor.send(visitor.form(f"/contacts/person/{one}/edit", "/edit")).endswith("done=unchanged")
        assert (fields(world, one), len(world.google.human_log)) == (before, edits)


def test_an_edit_keeps_what_the_form_does_not_show(world: World, visitor: Visitor) -> None:
    """Other parts of the name, further companies and addresses, other fields, and hidden parts of an item stay."""
    record_id = make(world)
    before = fields(world, record_id)["fields"]
    form = visitor.form(f"/contacts/person/{record_id}/edit", "/edit")
    for name, value in {
        "last_name": "Kowalska",
        "job_title": "Chief",
        "city": "Nowy Sącz",
        "notes": "Other",
        "birthday": "1980-05-31",
    }.items():
        form[name] = value
    form["emails_value"], form["messengers_value"] = "a@example.com", ""
    form.put("phones_value", 1, "")
    visitor.send(form)
    after = fields(world, record_id)["fields"]
    assert after["names"] == [
        {**without(before["names"][0], "unstructuredName"), "familyName": "Kowalska", "unstructuredName": "Dr Anna Maria Kowalska"}
    ]
    assert after["organizations"] == [{**before["organizations"][0], "title": "Chief"}, before["organizations"][1]]
    assert without(after["addresses"][0], "formattedValue") == {**without(before["addresses"][0], "formattedValue"), "city": "Nowy Sącz"}
    assert "Nowy Sącz" in after["addresses"][0]["formattedValue"]
    assert after["addresses"][1] == before["addresses"][1]
    assert after["emailAddresses"] == [{"value": "a@example.com", "type": "home", "displayName": "Anna N."}]
    assert after["phoneNumbers"] == before["phoneNumbers"][:1]
    assert after["birthdays"][0]["date"] == {"year": 1980, "month": 5, "day": 31}
    assert after["biographies"] == [{"value": "Other", "contentType": "TEXT_PLAIN"}]
    assert not after.get("imClients")
    assert {name: after[name] for name in ("urls", "userDefined")} == {name: before[name] for name in ("urls", "userDefined")}


def without(item: dict[str, Any], key: str) -> dict[str, Any]:
    """All but one part."""
    return {name: value for name, value in item.items() if name != key}


def test_an_edit_made_meanwhile_stays(world: World, visitor: Visitor) -> None:
    """While the form was open, somebody added a number and changed the notes; only what was typed here is put in."""
    record_id = make(world)
    form = visitor.form(f"/contacts/person/{record_id}/edit", "/edit")
    phones = [*RICH["phoneNumbers"], {"value": "+1 212 555 0100", "type": "home"}]
    world.google.human("update", {"id": record_id, "fields": {"phoneNumbers": phones, "biographies": [{"value": "Meanwhile"}]}})
    form["phones_value"] = "+48 600 999 999"
    form.put("phones_value", 2, "+48 600 888 888")
    visitor.send(form)
    after = fields(world, record_id)["fields"]
    assert [one["value"] for one in after["phoneNumbers"]] == ["+48 600 999 999", "22 100 20 30", "+1 212 555 0100", "+48 600 888 888"]
    assert after["biographies"][0]["value"] == "Meanwhile"


def test_wrong_input_gives_the_form_again(world: World, visitor: Visitor) -> None:
    """With all that was typed, and with what to do; nothing is stored."""
    record_id = make(world)
    before = fields(world, record_id)
    form = visitor.form(f"/contacts/person/{record_id}/edit", "/edit")
    form["birthday"], form["first_name"] = "31 May", "Zofia"
    page = visitor.refused(form)
    assert "Write the birthday as 1980-05-31" in page
    assert 'value="31 May"' in page
    assert 'value="Zofia"' in page
    form["birthday"], form["first_name"] = "", "x" * 2000
    assert "Correct or shorten what you entered." in visitor.refused(form)
    empty = visitor.form("/contacts/new", "/new")
    assert "Enter at least a name" in visitor.refused(empty)
    assert fields(world, record_id) == before


def test_a_new_contact_with_more_rows(world: World, visitor: Visitor) -> None:
    """A button adds a row and keeps what was typed; a contact made under a label bears it."""
    label = world.google.human("create_group", {"name": "Club"})
    assert isinstance(label, dict)
    form = visitor.form(f"/contacts/new?label={label['id']}", "/new")
    form["first_name"], form["phones_value"], form["phones_kind"] = "Jan", "+48 600 100 100", "mobile"
    page = visitor.refused(form, more="phones")
    assert page.count('name="phones_value"') == 2
    assert 'value="+48 600 100 100"' in page
    address = visitor.send(form)
    record = fields(world, address.split("/")[-1].split("?")[0])
    assert record["fields"]["phoneNumbers"] == [{"value": "+48 600 100 100", "type": "mobile"}]
    assert record["groups"] == ["myContacts", label["id"]]


def test_everything_is_escaped(world: World, visitor: Visitor) -> None:
    """What people write stays text, in lists, pages, forms, searches and labels; no page has code of its own."""
    bad = "<script>alert(1)</script>\"'"
    record_id = make(
        world, names=[{"givenName": bad}], biographies=[{"value": "</textarea><script>"}], userDefined=[{"key": bad, "value": bad}]
    )
    other = make(world, names=[{"givenName": bad}])
    group = world.google.human("create_group", {"name": bad})
    assert isinstance(group, dict)
    world.google.human("add_label", {"id": record_id, "group": group["id"]})
    pages = ["/contacts/?q=%3Cscript%3E", f"/contacts/person/{record_id}", f"/contacts/person/{record_id}/edit", "/contacts/labels"]
    for address in [*pages, f"/contacts/?label={group['id']}", f"/contacts/merge?id={record_id}&id={other}"]:
        page = visitor.get(address)
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert " style=" not in page


def test_delete_trash_and_restore(world: World, visitor: Visitor) -> None:
    """A deleted contact stands in the trash for 30 days, and comes back from there."""
    record_id = make(world)
    assert visitor.send(visitor.form(f"/contacts/person/{record_id}", "/delete")) == "/contacts/trash?done=trashed"
    assert "not here any more" not in visitor.get("/contacts/trash")
    visitor.get(f"/contacts/person/{record_id}", 404)
    assert visitor.send(visitor.form("/contacts/trash", "/restore")).startswith(f"/contacts/person/{record_id}")
    visitor.send(visitor.form(f"/contacts/person/{record_id}", "/delete"))
    world.clock.advance(31 * 86_400)
    assert "The trash is empty." in visitor.get("/contacts/trash")
    assert [edit.op for edit in world.google.human_log[1:]] == ["delete", "restore", "delete"]


def test_merge_two_that_were_ticked(world: World, visitor: Visitor) -> None:
    """Tick two, choose which one is kept: it has everything, the other is gone."""
    first, second = make(world), make(world, names=[{"givenName": "Ania"}], phoneNumbers=[{"value": "+1 212 555 0100"}])
    form = visitor.form("/contacts/", "/chosen")
    form.fields += [("id", first), ("id", second)]
    address = visitor.send(form, do="merge")
    form = visitor.form(address, "/merge")
    form["keep"] = second
    assert visitor.send(form) == f"/contacts/person/{second}?done=merged"
    kept = fields(world, second)["fields"]
    assert [one["value"] for one in kept["phoneNumbers"]] == ["+1 212 555 0100", "+48 600 100 200", "22 100 20 30"]
    assert fields(world, first)["life"] == "gone"
    assert world.google.human_log[-1].op == "merge"
    assert "Merge Ania with" in visitor.get(f"/contacts/merge?id={second}&q=x")


def test_labels(world: World, visitor: Visitor) -> None:
    """Make one, refuse a second of that name, rename it, put people in from the list and take them out, delete it."""
    record_id = make(world)
    form = visitor.form("/contacts/labels", "/labels/new")
    form["name"] = "Klub"
    visitor.send(form)
    assert "Choose another name." in visitor.refused(form)
    form = visitor.form("/contacts/labels", "/rename")
    form["name"] = "Chór"
    visitor.send(form)
    label = form.action.split("/")[-2]
    chosen = visitor.form("/contacts/", "/chosen")
    chosen.fields += [("id", record_id)]
    assert "Choose the label, too." in visitor.refused(chosen, do="add")
    chosen["chosen_label"] = label
    assert visitor.send(chosen, do="add") == "/contacts/?page=1&done=labels"
    assert names(visitor.get(f"/contacts/?label={label}")) == ["Dr Anna Maria Nowak"]
    form = visitor.form(f"/contacts/person/{record_id}", "/labels")
    form.fields = [(name, value) for name, value in form.fields if (name, value) != ("has", label)]
    visitor.send(form)
    assert fields(world, record_id)["groups"] == ["myContacts"]
    visitor.send(visitor.form("/contacts/labels", "/delete"))
    visitor.get(f"/contacts/?label={label}", 404)
    ops = [edit.op for edit in world.google.human_log[1:]]
    assert ops == ["create_group", "rename_group", "add_label", "remove_label", "delete_group"]


def test_a_label_deleted_with_its_contacts(world: World, visitor: Visitor) -> None:
    """Only if that is chosen."""
    group = world.google.human("create_group", {"name": "Club"})
    record_id = make(world)
    assert isinstance(group, dict)
    world.google.human("add_label", {"id": record_id, "group": group["id"]})
    form = visitor.form("/contacts/labels", "/delete")
    assert form["contacts"] == "keep"
    form["contacts"] = "delete"
    visitor.send(form)
    assert fields(world, record_id)["life"] == "trashed"


def test_search_and_pages(world: World, visitor: Visitor) -> None:
    """Fifty to a page, by name; found without regard to case, diacritics, and how a number is written."""
    for number in range(120):
        make(world, names=[{"givenName": f"Łucja {number:03}"}], phoneNumbers=[{"value": f"+48 600-100-{number:03}"}])
    page = visitor.get("/contacts/?page=3")
    assert names(page) == [f"Łucja {number:03}" for number in range(100, 120)]
    assert "Page 3 of 3 · 120 contacts" in page
    assert 'href="/contacts/?page=2" rel="prev"' in page
    assert names(visitor.get("/contacts/?page=99")) == names(page)
    assert names(visitor.get("/contacts/?page=nonsense"))[0] == "Łucja 000"
    assert names(visitor.get("/contacts/?q=lucja+07")) == [f"Łucja {number:03}" for number in (7, *range(70, 80), 107)]
    assert names(visitor.get("/contacts/?q=600100042")) == ["Łucja 042"]
    assert "No contact holds" in visitor.get("/contacts/?q=nobody")


def test_each_account_has_its_own_book(world: World, visitor: Visitor) -> None:
    """Another account's pages stand under its number, and do nothing to the first one."""
    world.google.human("add_account", {"email": "second@example.com"})
    mine = make(world)
    form = visitor.form("/contacts/u/2/new", "/new")
    form["first_name"] = "Elsewhere"
    assert visitor.send(form).startswith("/contacts/u/2/person/")
    assert names(visitor.get("/contacts/")) == ["Dr Anna Maria Nowak"]
    assert names(visitor.get("/contacts/u/2/")) == ["Elsewhere"]
    visitor.get(f"/contacts/u/2/person/{mine}", 404)
    visitor.get("/contacts/u/3/", 404)
