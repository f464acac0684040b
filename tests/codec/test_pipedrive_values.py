"""Promise: what people of many countries write in names, messengers and addresses is read as they meant it, and stays as they wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.pipedrive_persons import COMMON_PROTOCOL, CUSTOM, NO_MARKER, TEXT, patched
from tandem.connectors.pipedrive import codec, limits
from tandem.connectors.pipedrive.addresses import get_address, put_address
from tandem.connectors.pipedrive.entries import PHONE_LABELS, put_entries
from tandem.connectors.pipedrive.layout import Layout
from tandem.connectors.pipedrive.messengers import get_messengers, put_messengers
from tandem.core.contact import (
    ADDRESS,
    EMAILS,
    FIRST_NAME,
    LAST_NAME,
    MESSENGERS,
    ORGANISATION,
    PHONES,
    Address,
    Contact,
    Edit,
    Entry,
)
from tandem.core.state import Marker

MARKER = Marker("tandem1:install:7:c1:0123456789abcdef")


# --- messengers in a text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("skype: anna; jabber: x@example.com", [("anna", "skype"), ("x@example.com", "jabber")]),
        ("Skype:anna\nWhatsApp: +48 600 100 200", [("anna", "skype"), ("+48 600 100 200", "WhatsApp")]),
        ("skype: live:anna.k", [("live:anna.k", "skype")]),
        ("anna.k", [("anna.k", "")]),
        ("@anna; https://t.example.com/anna", [("@anna", ""), ("https://t.example.com/anna", "")]),
        ("ask her after five; Note: only in the morning", []),
        ("  ;;  ", []),
        ('"my own": "a\\u003b b"', [("a; b", "my own")]),
        ("", []),
    ],
)
def test_messengers_are_found_in_what_people_write(text: str, found: list[tuple[str, str]]) -> None:
    """Known protocols and single words read as messengers; sentences do not."""
    assert [(entry.value, entry.label) for entry in get_messengers(text)] == found


def test_foreign_text_stays_to_the_letter() -> None:
    """An edit changes its own piece; notes, blanks and separators around it stay."""
    text = "call after five;  skype:  anna ;\njabber: x@example.com"

    changed = put_messengers(text, [Edit(Entry("anna", "skype"), Entry("anna.k", "skype")), Edit(None, Entry("123", "icq"))])
    removed = put_messengers(text, [Edit(Entry("x@example.com", "jabber"), None)])

    assert changed == "call after five;  skype: anna.k;\njabber: x@example.com; icq: 123"
    assert removed == "call after five;  skype:  anna ;"
    assert put_messengers(text, []) == text


@given(st.lists(st.builds(Entry, TEXT, COMMON_PROTOCOL | TEXT), max_size=4))
def test_any_messenger_survives_the_text(entries: list[Entry]) -> None:
    """Whatever protocol and handle: what is written is read again."""
    text = put_messengers("", [Edit(None, entry) for entry in entries])

    assert [entry.value for entry in get_messengers(text)] == [entry.value for entry in entries]
    assert [entry.label.casefold() for entry in get_messengers(text)] == [
        {"google talk": "google", "googletalk": "google", "gtalk": "google"}.get(entry.label.casefold(), entry.label.casefold())
        for entry in entries
    ]


def test_what_a_text_cannot_hold_is_no_change() -> None:
    """A primary mark on a messenger has no place in a text: the text stays, and nothing is sent."""
    person = {"id": 1, "first_name": "Anna", "org_id": None, "custom_fields": {CUSTOM.messengers: "skype: anna"}}
    edit = Edit(Entry("anna", "skype"), Entry("anna", "skype", primary=True))

    assert codec.put({MESSENGERS: (edit,)}, person, CUSTOM, organisation="") == {}


def test_messengers_that_outgrow_their_field_are_told_before() -> None:
    """The text of all messengers together is measured; nothing is cut."""
    many = tuple(Edit(None, Entry("x" * 60, "skype")) for _ in range(5))
    body = codec.put({MESSENGERS: many}, {"id": 1, "first_name": "Anna"}, CUSTOM, organisation="")

    assert limits.is_overlong(body, CUSTOM)
    assert not limits.is_overlong(body, NO_MARKER)


# --- addresses ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "parts", "street"),
    [
        ("ul. Prosta 5/7, 00-001 Warszawa", {"route": "ul. Prosta", "street_number": "5", "subpremise": "7"}, "ul. Prosta 5/7"),
        ("Lindenstraße 12, 10969 Berlin", {"route": "Lindenstraße", "street_number": "12"}, "Lindenstraße 12"),
        ("123 Main St Apt 1, Springfield", {"route": "Main St", "street_number": "123", "subpremise": "Apt 1"}, "123 Main St Apt 1"),
        ("3/14 Kent Street, Sydney", {"route": "Kent Street", "street_number": "14", "subpremise": "3"}, "3/14 Kent Street"),
        ("Rua das Flores, 25, Lisboa", {"route": "Rua das Flores", "street_number": "25"}, "Rua das Flores, 25"),
        ("12 rue de la Paix, Paris", {"route": "rue de la Paix", "street_number": "12"}, "12 rue de la Paix"),
        ("Praha", {"route": "Na Příkopě", "street_number": "1", "subpremise": "2"}, "Na Příkopě 1, 2"),
        ("Somewhere", {"subpremise": "Hut 3"}, "Hut 3"),
    ],
)
def test_street_and_number_come_in_the_order_of_the_country(value: str, parts: dict[str, str], street: str) -> None:
    """The order is taken from the whole address."""
    assert get_address({"value": value, **parts}).street == street


RAW = {
    "value": "123 Main St Apt 1, Sunnyvale",
    "route": "Main St",
    "street_number": "123",
    "subpremise": "Apt 1",
    "locality": "Sunnyvale",
    "sublocality": "Downtown",
    "admin_area_level_1": "CA",
    "admin_area_level_2": "Santa Clara",
    "postal_code": "94085",
    "country": "USA",
    "formatted_address": "derived",
    "lat": 37.4,
}


def test_details_stay_with_the_part_that_they_detail() -> None:
    """Another postal code moves nothing else; another city takes district and county along; another street number and flat."""
    seen = get_address(RAW)
    recoded = put_address(Address(seen.street, seen.city, seen.region, "94086", seen.country, seen.text), RAW)
    moved = put_address(Address(seen.street, "San Jose", seen.region, seen.postal_code, seen.country), RAW)
    housed = put_address(Address("1 Oak Ave", seen.city, seen.region, seen.postal_code, seen.country), RAW)

    kept = {key: value for key, value in RAW.items() if key != "formatted_address"}
    assert recoded == {**kept, "postal_code": "94086"}
    assert moved is not None
    assert (moved["locality"], moved["route"], moved["street_number"]) == ("San Jose", "Main St", "123")
    assert not {"sublocality", "admin_area_level_2"} & moved.keys()
    assert housed is not None
    assert (housed["route"], housed["sublocality"]) == ("1 Oak Ave", "Downtown")
    assert not {"street_number", "subpremise"} & housed.keys()


def test_the_whole_is_one_line_beside_the_parts() -> None:
    """Pipedrive wants the whole whatever the parts say: it is what the other side shows, in one line; parts without value are not sent."""
    written = put_address(Address("Prosta 5", "Warszawa", "", "00-001", "Polska", text="Prosta 5\n00-001 Warszawa,\nPolska"), None)

    whole = "Prosta 5, 00-001 Warszawa, Polska"
    assert written == {"value": whole, "route": "Prosta 5", "locality": "Warszawa", "postal_code": "00-001", "country": "Polska"}
    assert put_address(Address("Prosta 5", "Warszawa", "", "00-001", "Polska"), None) == written
    assert put_address(Address(text="Bei Müller\nHinterhof"), RAW)["value"] == "Bei Müller\nHinterhof"


def test_an_address_without_parts_is_a_text() -> None:
    """A bare text in either form reads as an address."""
    assert get_address("Prosta 5") == get_address({"value": "Prosta 5", "route": None}) == Address(text="Prosta 5")
    assert get_address(None) == Address()
    assert put_address(Address(), RAW) is None


def test_district_and_county_belong_to_city_and_region() -> None:
    """The same city in another region is another city."""
    seen = get_address(RAW)

    moved = put_address(Address(seen.street, seen.city, "NY", seen.postal_code, seen.country), RAW)

    assert moved is not None
    assert (moved["locality"], moved["admin_area_level_1"]) == ("Sunnyvale", "NY")
    assert not {"sublocality", "admin_area_level_2"} & moved.keys()


# --- lists --------------------------------------------------------------------------------------------------------------------


def test_an_entry_keeps_what_nobody_changed() -> None:
    """A new value keeps the spelling of a label that means the same and what Tandem does not know of the entry; a new label is written."""
    raw = [{"value": "1", "label": "MOBILE", "primary": True, "verified": [1]}, {"value": "2", "label": "Cell", "primary": False}]

    changed = put_entries(raw, [Edit(Entry("1", "mobile", primary=True), Entry("3", "mobile", primary=True))], PHONE_LABELS)
    labelled = put_entries(raw, [Edit(Entry("2", "mobile"), Entry("2", "work fax"))], PHONE_LABELS)

    assert changed == [{"value": "3", "label": "MOBILE", "primary": True, "verified": [1]}, raw[1]]
    assert labelled == [raw[0], {"value": "2", "label": "work fax", "primary": False}]


def test_the_one_primary() -> None:
    """What an edit asks for; else what Pipedrive itself would take: the last of several marked ones, the first where none is."""
    several = [{"value": str(number), "label": "work", "primary": number < 3} for number in range(1, 4)]
    none = [{**item, "primary": False} for item in several]

    def primaries(raw: list[object], *edits: Edit) -> list[str]:
        return [item["value"] for item in put_entries(raw, edits, PHONE_LABELS) if item["primary"]]

    assert primaries(several, Edit(None, Entry("4", "work"))) == ["2"]
    assert primaries(none, Edit(None, Entry("4", "work"))) == ["1"]
    assert primaries(several, Edit(None, Entry("4", "work", primary=True))) == ["4"]
    assert primaries(several, Edit(Entry("3", "work"), Entry("3", "work", primary=True))) == ["3"]
    assert primaries(several, Edit(Entry("2", "work", primary=True), None)) == ["1"]


# --- names --------------------------------------------------------------------------------------------------------------------


def body_for(**values: object) -> dict[str, object]:
    """The body that makes a person of these values."""
    return codec.put_new(Contact(values), CUSTOM, MARKER, org_id=5 if ORGANISATION in values else None)


@pytest.mark.parametrize(
    "name",
    [
        ("Ana Maria", "de Souza"),
        ("Łukasz", "Żółć"),
        ("", "Sukarno"),
        ("李", "小龍"),
        ("Jean-Luc", "O'Brien"),
        ("J. R. R.", "Tolkien"),
        ("Cher", ""),
    ],
)
def test_names_go_by_parts(name: tuple[str, str]) -> None:
    """Both parts, always; never the whole name, which Pipedrive would split in its own way."""
    body = body_for(first_name=name[0], last_name=name[1])

    assert (body["first_name"], body["last_name"]) == name
    assert "name" not in body
    assert body["custom_fields"] == {CUSTOM.marker: MARKER}


@pytest.mark.parametrize(
    ("values", "made_up"),
    [
        ({ORGANISATION: "Acme", EMAILS: (Entry("a@example.com"),)}, "Acme"),
        ({EMAILS: (Entry("a@example.com"),), PHONES: (Entry("600 100 200"),)}, "a@example.com"),
        ({PHONES: (Entry("600 100 200"),)}, "600 100 200"),
    ],
)
@pytest.mark.parametrize("layout", [CUSTOM, NO_MARKER])
def test_a_made_up_name_never_flows_back(values: dict[str, object], made_up: str, layout: Layout) -> None:
    """A contact without name is called after what it has, and is still seen without a name, with its marker unharmed."""
    body = codec.put_new(Contact(values), layout, MARKER, org_id=5 if ORGANISATION in values else None)
    person = patched({"id": 1, "org_id": None, "custom_fields": {}}, body)
    seen = codec.get(person, layout, "Acme" if ORGANISATION in values else "")

    assert person["name"] == made_up
    assert seen.text(FIRST_NAME) == seen.text(LAST_NAME) == ""
    assert codec.marker_of(person, layout) == (MARKER if layout.marker else None)


def test_a_made_up_name_follows_what_it_is_made_from() -> None:
    """It moves with the organisation; a renamed organisation does not turn it into a name; a name that a human gives is one."""
    person = patched({"id": 1, "org_id": None, "custom_fields": {}}, body_for(organisation="Acme"))

    assert codec.get(person, CUSTOM, "Acme Renamed") == Contact({ORGANISATION: "Acme Renamed"})
    moved = patched(person, codec.put({ORGANISATION: "Beta"}, person, CUSTOM, organisation="Acme", org_id=6))
    assert (moved["name"], codec.get(moved, CUSTOM, "Beta")) == ("Beta", Contact({ORGANISATION: "Beta"}))
    human = {**moved, "name": "Anna", "first_name": "Anna"}
    assert codec.get(human, CUSTOM, "Beta").text(FIRST_NAME) == "Anna"
    named = patched(moved, codec.put({FIRST_NAME: "Beta"}, moved, CUSTOM, organisation="Beta"))
    assert codec.get(named, CUSTOM, "Beta").text(FIRST_NAME) == "Beta"
    assert codec.marker_of(named, CUSTOM) == MARKER


def test_a_cleared_name_is_made_up_where_there_is_anything_to_make_it_from() -> None:
    """Pipedrive keeps no nameless person: the view shows none, the record has one; without anything it is refused."""
    person = {"id": 1, "name": "Anna", "first_name": "Anna", "last_name": None, "org_id": 5, "custom_fields": {CUSTOM.marker: None}}

    cleared = patched(person, codec.put({FIRST_NAME: ""}, person, CUSTOM, organisation="Acme"))

    assert (cleared["name"], codec.get(cleared, CUSTOM, "Acme")) == ("Acme", Contact({ORGANISATION: "Acme"}))
    assert codec.marker_of(cleared, CUSTOM) is None
    with pytest.raises(codec.Nameless):
        codec.put({FIRST_NAME: ""}, {**person, "org_id": None}, CUSTOM, organisation="")
    with pytest.raises(codec.Nameless):
        body_for(address=Address(text="Somewhere"))


def test_a_whole_name_splits_back_into_its_parts() -> None:
    """For a server that refuses parts: the last part holds no ordinary blank, and a server splits at the last of those."""
    body = codec.joined_name({"first_name": "Ana Maria", "last_name": "de Souza", "emails": []})

    assert body == {"name": "Ana Maria de\u00a0Souza", "emails": []}
    assert body["name"].rpartition(" ")[::2] == ("Ana Maria", "de\u00a0Souza")


def test_what_is_too_long_is_told_before_it_is_sent() -> None:
    """By field, each with a sentence; fields without a place say whom to ask."""
    delta = {
        FIRST_NAME: "x" * 200,
        LAST_NAME: "y" * 100,
        EMAILS: (Edit(None, Entry("e" * 256)),),
        PHONES: (Edit(Entry("p" * 300), None),),
        ADDRESS: Address(street="s" * 256),
        MESSENGERS: (Edit(None, Entry("anna", "skype")),),
    }

    assert set(limits.refusals(delta, CUSTOM)) == {FIRST_NAME, LAST_NAME, EMAILS, ADDRESS}
    assert set(limits.refusals(delta, Layout())) == {FIRST_NAME, LAST_NAME, EMAILS, ADDRESS, MESSENGERS}
    assert "administrator" in limits.refusals(delta, Layout())[MESSENGERS]
