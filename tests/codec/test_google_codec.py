"""The lens of Google: what is read, what is written, and above all what stays as it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codec.google_people import DERIVED, SOURCE, deltas, persons, replace_lists, settle
from tandem.connectors.google import codec
from tandem.connectors.google.lenses import LENSES
from tandem.core.contact import Address, Contact, Edit, Entry, apply_delta
from tandem.errors import Malformed

FIXED = settings(max_examples=60, print_blob=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
SPLIT = ("givenName", "middleName", "familyName", "honorificSuffix")


def person(**fields: list[dict]) -> dict:
    """A person with these lists, each item the contact's own."""
    own = {name: [{"metadata": {"source": SOURCE}, **item} for item in items] for name, items in fields.items()}
    return {"resourceName": "people/c1", "etag": "%x", "metadata": {"sources": [{**SOURCE, "etag": "#1"}]}, **own}


@FIXED
@given(persons)
def test_writing_what_was_read_is_no_request(raw: dict) -> None:
    """GetPut: an empty change, and a change to what stands there anyway, name no field."""
    seen = codec.get(raw)
    assert not codec.put({}, raw)
    assert not codec.put({name: value for name, value in seen.values.items() if not isinstance(value, tuple)}, raw)
    same = {name: tuple(Edit(entry, entry) for entry in value) for name, value in seen.values.items() if isinstance(value, tuple)}
    assert not codec.put(same, raw)


@FIXED
@given(persons, st.data())
def test_reading_shows_what_was_written(raw: dict, data: st.DataObject) -> None:
    """PutGet: after the service has replaced the lists, the change is there and nothing else has moved."""
    before = codec.get(raw)
    delta = data.draw(deltas(before))
    after = codec.get(replace_lists(raw, codec.put(delta, raw)))
    expected = apply_delta(before, delta)
    uncovered = _uncovered(raw, delta)
    assert settle(after).restricted(LENSES.keys() - uncovered) == settle(expected).restricted(LENSES.keys() - uncovered)


def _uncovered(raw: dict, delta: dict) -> set[str]:
    """Fields that were cleared while others of their kind stand behind: the next one comes into view."""
    return {name for name in ("address", "organisation") if name in delta and not delta[name] and len(raw.get(LENSES[name].field, [])) > 1}


@FIXED
@given(persons, st.data())
def test_what_is_not_in_the_view_is_byte_identical(raw: dict, data: st.DataObject) -> None:
    """P5: items that the change does not concern go back as they came, in their order; of the others only named parts differ."""
    delta = data.draw(deltas(codec.get(raw)))
    patch = codec.put(delta, raw)
    assert set(patch.mask) <= {LENSES[name].field for name in delta}
    for field, items in patch.fields.items():
        own = codec.contact_items(raw, field)
        kept = [item for item in items if any(item is old for old in own)]
        assert [json.dumps(item) for item in kept] == [json.dumps(old) for old in own if any(item is old for item in items)]
        assert all(item.get("metadata", {}).get("source", SOURCE) == SOURCE for item in items)
        strangers = [_strange_parts(field, item) for item in own]
        assert all(_strange_parts(field, item) in [*strangers, {}] for item in items)


def _strange_parts(field: str, item: dict) -> dict:
    """The parts of an item that no lens of ours may touch."""
    ours = {
        "names": {*SPLIT, "unstructuredName"},
        "organizations": {"name"},
        "phoneNumbers": {"value", "type"},
        "emailAddresses": {"value", "type"},
        "imClients": {"username", "protocol"},
        "addresses": {"streetAddress", "extendedAddress", "city", "region", "postalCode", "country", "countryCode", "formattedValue"},
    }[field]
    derived = DERIVED - {"displayName"} if field == "emailAddresses" else DERIVED
    return {key: part for key, part in item.items() if key not in ours | derived | {"metadata"}}


@FIXED
@given(persons, st.data())
def test_a_new_contact_reads_as_it_was_made(raw: dict, data: st.DataObject) -> None:
    """Out of nothing: what is put is what is got."""
    wanted = apply_delta(codec.get(raw), data.draw(deltas(codec.get(raw))))
    made = replace_lists({}, codec.put(codec.creating(wanted), None))
    assert settle(codec.get(made)) == settle(wanted)


NAME = {"honorificPrefix": "Dr.", "givenName": "Anna", "middleName": "Maria", "familyName": "Nowak", "honorificSuffix": "PhD"}


@pytest.mark.parametrize(
    ("delta", "parts"),
    [
        ({"first_name": "Hanna Maria"}, {"givenName": "Hanna", "middleName": "Maria"}),
        ({"first_name": "Hanna"}, {"givenName": "Hanna"}),
        ({"first_name": "Hanna Eva"}, {"givenName": "Hanna Eva"}),
        ({"first_name": "Maria"}, {"givenName": "Maria"}),
        ({"first_name": ""}, {}),
        ({"last_name": "Kowalska PhD"}, {"familyName": "Kowalska", "honorificSuffix": "PhD"}),
        ({"last_name": "Kowalska"}, {"familyName": "Kowalska"}),
        ({"last_name": ""}, {}),
    ],
)
def test_a_name_is_split_anew_only_where_it_changed(delta: dict, parts: dict) -> None:
    """The end of a part stays while the text still ends with it; prefix and phonetics always stay; derived twins are left out."""
    item = {**NAME, "phoneticGivenName": "Ana", "displayName": "Dr. Anna Maria Nowak PhD", "unstructuredName": "Dr. Anna Maria Nowak PhD"}
    (written,) = codec.put(delta, person(names=[item])).fields["names"]
    touched = ("givenName", "middleName") if "first_name" in delta else ("familyName", "honorificSuffix")
    untouched = {key: NAME[key] for key in NAME if key not in touched}
    rest = {key: part for key, part in written.items() if key != "metadata"}
    assert rest == {**untouched, **parts, "phoneticGivenName": "Ana"}


def test_a_name_that_was_never_split_is_a_first_name() -> None:
    """It is shown whole, and giving it a last name does not lose it."""
    raw = person(names=[{"unstructuredName": "Prince", "displayName": "Prince"}])
    assert codec.get(raw) == Contact({"first_name": "Prince"})
    (written,) = codec.put({"last_name": "Rogers"}, raw).fields["names"]
    assert (written["givenName"], written["familyName"]) == ("Prince", "Rogers")


def test_the_last_part_of_a_name_takes_the_item_along() -> None:
    """A name without parts is sent as no name at all; one with a prefix keeps it."""
    assert codec.put({"first_name": ""}, person(names=[{"givenName": "Ann", "displayName": "Ann"}])).fields == {"names": []}
    assert codec.put({"first_name": ""}, person(names=[{"givenName": "Ann", "honorificPrefix": "Dr."}])).fields["names"] != []


@pytest.mark.parametrize(
    ("type_", "label"),
    [
        ("mobile", "mobile"),
        ("Mobile", "mobile"),
        ("workMobile", "work mobile"),
        ("homeFax", "home fax"),
        ("Ferienhaus", "Ferienhaus"),
        ("", ""),
    ],
)
def test_types_and_labels_mean_the_same(type_: str, label: str) -> None:
    """Predefined types are known in any case, others are their owner's words; a type that means the label is never rewritten."""
    raw = person(phoneNumbers=[{"value": "1", **({"type": type_} if type_ else {})}])
    (entry,) = codec.get(raw).entries("phones")
    assert entry.label == label
    (written,) = codec.put({"phones": (Edit(entry, Entry("2", label)),)}, raw).fields["phoneNumbers"]
    assert written.get("type", "") == type_


def test_a_changed_number_loses_what_was_derived_from_it() -> None:
    """The old canonical form would contradict the new number; its type and its mark as primary stay."""
    marks = {"source": SOURCE, "primary": True, "sourcePrimary": True}
    item = {"metadata": marks, "value": "1", "canonicalForm": "+481", "type": "work", "formattedType": "Work"}
    raw = person() | {"phoneNumbers": [item]}
    edit = Edit(Entry("1", "work", primary=True), Entry("2", "work", primary=True))
    expected = {"metadata": marks, "value": "2", "type": "work", "formattedType": "Work"}
    assert codec.put({"phones": (edit,)}, raw).fields["phoneNumbers"] == [expected]


def test_the_primary_mark_moves() -> None:
    """One entry gains it by the writable mark, the other loses both; nothing else is touched."""
    first = {"metadata": {"source": SOURCE, "primary": True, "sourcePrimary": True}, "value": "1"}
    second, third = ({"metadata": {"source": SOURCE}, "value": value} for value in "23")
    raw = person() | {"phoneNumbers": [first, second, third]}
    delta = {"phones": (Edit(Entry("2"), Entry("2", primary=True)), Edit(Entry("1", primary=True), Entry("1")))}
    written = codec.put(delta, raw).fields["phoneNumbers"]
    assert [item["metadata"].get("sourcePrimary", False) for item in written] == [False, True, False]
    assert not any("primary" in item["metadata"] for item in written)
    assert written[2] is third


def test_there_is_never_a_second_primary() -> None:
    """Even when only the gaining entry is named, the service is not sent two claims."""
    raw = person() | {"phoneNumbers": [{"metadata": {"source": SOURCE, "sourcePrimary": True}, "value": "1"}]}
    written = codec.put({"phones": (Edit(None, Entry("2", primary=True)),)}, raw).fields["phoneNumbers"]
    assert written == [{"metadata": {"source": SOURCE}, "value": "1"}, {"metadata": {"sourcePrimary": True}, "value": "2"}]


def test_an_edit_of_what_is_not_there_is_an_error() -> None:
    """A change that was planned on something else must not be written."""
    with pytest.raises(ValueError, match="not there"):
        codec.put({"phones": (Edit(Entry("1"), None),)}, person(phoneNumbers=[{"value": "2"}]))


def test_the_primary_address_is_the_synced_one() -> None:
    """Wherever it stands in the list; the others go back as they came."""
    marks = {"source": SOURCE, "primary": True, "sourcePrimary": True}
    home, work = {"metadata": {"source": SOURCE}, "city": "Gdynia", "type": "home"}, {"metadata": marks, "city": "Gdańsk", "poBox": "12"}
    raw = person() | {"addresses": [home, work]}
    assert codec.get(raw).address() == Address(city="Gdańsk")
    written = codec.put({"address": Address(city="Sopot", country="Polska")}, raw).fields["addresses"]
    assert written == [home, {"metadata": marks, "city": "Sopot", "poBox": "12", "country": "Polska"}]


def test_a_flat_is_part_of_the_street() -> None:
    """What stands in the second line of an address travels with the street, and stays apart while the text still ends with it."""
    raw = person(addresses=[{"streetAddress": "Długa 1", "extendedAddress": "m. 7", "city": "Gdańsk"}])
    before = codec.get(raw).address()
    assert before.street == "Długa 1, m. 7"
    (moved,) = codec.put({"address": replace(before, street="Krótka 2, m. 7")}, raw).fields["addresses"]
    assert (moved["streetAddress"], moved["extendedAddress"]) == ("Krótka 2", "m. 7")
    (gone,) = codec.put({"address": replace(before, street="Krótka 2")}, raw).fields["addresses"]
    assert (gone["streetAddress"], gone.get("extendedAddress")) == ("Krótka 2", None)
    (elsewhere,) = codec.put({"address": replace(before, city="Sopot")}, raw).fields["addresses"]
    assert (elsewhere["streetAddress"], elsewhere["extendedAddress"]) == ("Długa 1", "m. 7")


def test_an_address_of_text_only_stays_text() -> None:
    """Without parts the written form is the address; a new text replaces it, parts replace it too."""
    raw = person(addresses=[{"formattedValue": "Długa 1\nGdańsk", "type": "home"}])
    assert codec.get(raw).address() == Address(text="Długa 1\nGdańsk")
    (text,) = codec.put({"address": Address(text="Długa 2")}, raw).fields["addresses"]
    assert text["formattedValue"] == "Długa 2"
    (parts,) = codec.put({"address": Address(street="Długa 2", text="Długa 2")}, raw).fields["addresses"]
    assert (parts.get("formattedValue"), parts["streetAddress"], parts["type"]) == (None, "Długa 2", "home")


def test_a_country_known_by_its_code() -> None:
    """The code is shown where the name is missing, stays with it, and goes when the country does."""
    raw = person(addresses=[{"city": "Reston", "countryCode": "US"}])
    assert codec.get(raw).address().country == "US"
    (moved,) = codec.put({"address": Address(city="Herndon", country="US")}, raw).fields["addresses"]
    assert (moved.get("country"), moved["countryCode"]) == (None, "US")
    (abroad,) = codec.put({"address": Address(city="Lyon", country="France")}, raw).fields["addresses"]
    assert (abroad["country"], abroad.get("countryCode")) == ("France", None)


def test_an_organisation_keeps_its_title() -> None:
    """Only the name is ours; without any name left, an item with a title stays."""
    raw = person(organizations=[{"name": "Acme", "title": "Plumber", "type": "work"}, {"name": "Beta"}])
    first, second = codec.put({"organisation": "Gamma"}, raw).fields["organizations"]
    assert (first["name"], first["title"], second["name"]) == ("Gamma", "Plumber", "Beta")
    assert codec.put({"organisation": ""}, raw).fields["organizations"][0]["title"] == "Plumber"


def test_what_a_profile_says_is_not_ours() -> None:
    """The other person's own account is neither read nor echoed into the contact."""
    alien = {"metadata": {"source": {"type": "PROFILE", "id": "1"}}, "value": "own@example.com"}
    raw = person(emailAddresses=[{"value": "a@example.com"}])
    raw["emailAddresses"].insert(0, alien)
    assert [entry.value for entry in codec.get(raw).entries("emails")] == ["a@example.com"]
    written = codec.put({"emails": (Edit(None, Entry("b@example.com")),)}, raw).fields["emailAddresses"]
    assert [item["value"] for item in written] == ["a@example.com", "b@example.com"]


def test_the_marker_is_found_among_others() -> None:
    """`clientData` belongs to all programs."""
    raw = person(clientData=[{"key": "CtsContactHash", "value": "x"}, {"key": "tandem", "value": "tandem1:a:b:c:d"}])
    assert codec.marker_of(raw) == "tandem1:a:b:c:d"
    assert codec.marker_of(person(clientData=[{"key": "other", "value": "x"}])) is None


def test_ids_and_names_are_the_same_number() -> None:
    """A resource name of the ordinary form is the id in decimal; any other form tells nothing."""
    assert codec.id_of_name("people/c641236038399901854") == "8e620c78e01409e"
    assert codec.id_of_name("people/107050") is None
    assert codec.id_of_name("people/cx") is None


@pytest.mark.parametrize("damage", [{"names": "Ann"}, {"names": ["Ann"]}, {"phoneNumbers": [{"value": 5}]}, {"names": [{"metadata": []}]}])
def test_another_shape_is_malformed(damage: dict) -> None:
    """Nothing is concluded from what is not of the documented form."""
    with pytest.raises(Malformed):
        codec.get(person() | damage)


def test_refusals_name_the_field() -> None:
    """What is too long or too much is known before it is sent, field by field, and never cut."""
    long = "x" * 1025
    delta = {
        "first_name": long,
        "last_name": "x" * 1024,
        "address": Address(street=long),
        "phones": (Edit(None, Entry("1", long)),),
        "emails": tuple(Edit(None, Entry(f"{n}@example.com")) for n in range(501)),
    }
    assert codec.refusals(delta).keys() == {"first_name", "address", "phones", "emails"}
