"""The laws of Pipedrive's lens, on persons full of things that Tandem does not know."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from codec.pipedrive_persons import CUSTOM, LAYOUTS, ORG_ID, ORGANISATION_NAME, OTHER_ID, changes, patched, persons, view
from tandem.connectors.pipedrive import codec
from tandem.connectors.pipedrive.layout import OWN_MESSENGERS, held_at
from tandem.core.contact import ADDRESS, EMAILS, FIRST_NAME, LAST_NAME, MESSENGERS, ORGANISATION, PHONES, Contact, Edit, apply_delta

#: Which parameters a field may touch; the name follows what it is made from.
TOUCHES = {FIRST_NAME: "name", LAST_NAME: "name", ORGANISATION: "org_id", EMAILS: "emails", PHONES: "phones"}


def put(delta: dict[str, object], person: dict[str, object], layout: object) -> dict[str, object]:
    """The body of the change, with the one other organisation there is."""
    present = ORGANISATION_NAME if person["org_id"] == ORG_ID else ""
    return codec.put(delta, person, layout, organisation=present, org_id=OTHER_ID if delta.get(ORGANISATION) else None)


def seen(person: dict[str, object], layout: object) -> Contact:
    """The person as a contact, whatever organisation it is in."""
    names = {None: "", ORG_ID: ORGANISATION_NAME, OTHER_ID: "Another"}
    return codec.get(person, layout, names[person["org_id"]])


def comparable(contact: Contact, layout: object) -> dict[str, object]:
    """What must be equal: without what the server decides (one primary) and what a text cannot hold."""
    plain: dict[str, object] = {}
    for name, value in contact.values.items():
        if name == ADDRESS:
            plain[name] = (value.street, value.city, value.region, value.postal_code, value.country, "" if value.has_parts else value.text)
        elif isinstance(value, tuple):
            plain[name] = [(entry.value, entry.label) for entry in value]
        else:
            plain[name] = value
    return plain


@given(st.data())
def test_no_change_is_no_request(data: st.DataObject) -> None:
    """An empty delta makes an empty body."""
    layout = data.draw(LAYOUTS)

    assert put({}, data.draw(persons(layout)), layout) == {}


@given(st.data())
def test_putting_what_is_there_changes_nothing(data: st.DataObject) -> None:
    """GetPut: the values that were read, written again, leave the view as it was and every foreign thing byte for byte."""
    layout = data.draw(LAYOUTS)
    person = data.draw(persons(layout))
    before = seen(person, layout)
    delta = {name: tuple(Edit(one, one) for one in value) if isinstance(value, tuple) else value for name, value in before.values.items()}
    delta.pop(ORGANISATION, None)

    after = patched(person, put(delta, person, layout))

    assert comparable(seen(after, layout), layout) == comparable(before, layout)
    assert held_at(after, layout.marker) == held_at(person, layout.marker)


@given(st.data())
def test_what_is_put_is_read_again_and_nothing_else(data: st.DataObject) -> None:
    """PutGet: after the write the view shows the change, and shows no other change."""
    layout = data.draw(LAYOUTS)
    person = data.draw(persons(layout))
    before = seen(person, layout)
    delta = data.draw(changes(before))
    wanted = apply_delta(before, delta)
    try:
        body = put(delta, person, layout)
    except codec.Nameless:
        assert not any(wanted.values.get(name) for name in (FIRST_NAME, LAST_NAME, ORGANISATION, EMAILS, PHONES))
        return

    after = seen(patched(person, body), layout)

    values = {wanted.text(ORGANISATION), *(entry.value for name in (EMAILS, PHONES) for entry in wanted.entries(name))}
    if not layout.marker and " ".join(filter(None, (wanted.text(FIRST_NAME), wanted.text(LAST_NAME)))) in values:
        wanted = wanted.replacing({FIRST_NAME: "", LAST_NAME: ""})  # without a mark a name that equals a value counts as made up
    assert comparable(after, layout) == comparable(wanted, layout)


@given(st.data())
def test_lists_have_one_primary_the_one_that_was_asked_for(data: st.DataObject) -> None:
    """Pipedrive would settle a list with several or no primary by itself; what is sent never leaves that to it."""
    layout = data.draw(LAYOUTS)
    person = data.draw(persons(layout))
    delta = data.draw(changes(seen(person, layout)))
    try:
        body = put(delta, person, layout)
    except codec.Nameless:
        return

    for name, key in ((EMAILS, "emails"), (PHONES, "phones"), (MESSENGERS, OWN_MESSENGERS)):
        if body.get(key):
            primary = [item for item in body[key] if item["primary"]]
            assert len(primary) == 1
            asked = [edit.new.value for edit in delta[name] if edit.new is not None and edit.new.primary]
            assert not asked or primary[0]["value"] == asked[-1]


@given(st.data())
def test_what_the_view_does_not_show_stays_to_the_byte(data: st.DataObject) -> None:
    """The complement: untouched fields are not in the body, and entries that no edit names stand in it as they stood."""
    layout = data.draw(LAYOUTS)
    person = data.draw(persons(layout))
    delta = data.draw(changes(seen(person, layout)))
    try:
        body = put(delta, person, layout)
    except codec.Nameless:
        return

    allowed = {TOUCHES.get(name, "") for name in delta} | {layout.messengers, layout.address, "custom_fields"}
    touches_name = {FIRST_NAME, LAST_NAME, ORGANISATION, EMAILS, PHONES} & delta.keys()
    assert set(body) <= allowed | ({"first_name", "last_name"} if touches_name else set())
    assert set(body.get("custom_fields", {})) <= {layout.messengers, layout.address, layout.marker}
    for name, key in ((EMAILS, "emails"), (PHONES, "phones"), (MESSENGERS, OWN_MESSENGERS)):
        if key in body:
            named = {edit.old.value for edit in delta[name] if edit.old is not None}
            foreign = [frozen(item) for item in person[key] if item["value"].strip() and item["value"] not in named]
            written = [frozen(item) for item in body[key]]
            assert [item for item in written if item in foreign][: len(foreign)] == foreign


def frozen(item: dict[str, object]) -> str:
    """An entry as text, but for the primary mark, which is one of the whole list."""
    return json.dumps({key: value for key, value in item.items() if key != "primary"})


def test_the_view_of_the_sample() -> None:
    """The strategies make what they say: a person with an organisation is seen with its name."""
    person = {"id": 1, "name": "A B", "first_name": "A", "last_name": "B", "org_id": ORG_ID, "custom_fields": {}}

    assert view(person, CUSTOM) == Contact({FIRST_NAME: "A", LAST_NAME: "B", ORGANISATION: ORGANISATION_NAME})
