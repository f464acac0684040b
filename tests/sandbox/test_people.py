"""Promises of the made-up address book: its numbers, its truth, that it is invented, and that it enters both services."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from typing import Any

import pytest

from tandem.sandbox.people import NAME_WAYS, OTHER_WAYS, Book, demo_book, load_demo
from tandem.sandbox.people_making import plain
from tandem.sandbox.world import World

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def book(request: pytest.FixtureRequest) -> Book:
    """Books of several seeds."""
    return demo_book(request.param)


def values(fields: dict[str, Any], key: str) -> list[str]:
    """The texts of a list of either side."""
    return [one["value"] for one in fields.get(key, [])]


def digits(phone: str) -> str:
    """The last nine digits, the same for all ways of writing a Polish number."""
    return re.sub(r"\D", "", phone)[-9:]


def test_shape(book: Book) -> None:
    """300 contacts, 250 persons, 80 in common; 120 labelled Pipedrive, 60 of them common."""
    assert (len(book.contacts), len(book.persons), len(book.pairs), len(book.labels)) == (300, 250, 80, 5)
    labelled = {place for place, contact in enumerate(book.contacts) if "Pipedrive" in contact.labels}
    assert len(labelled) == 120
    assert len(labelled & {pair.contact for pair in book.pairs}) == 60
    assert all(contact.labels and set(contact.labels) <= set(book.labels) for contact in book.contacts)
    assert len({label for contact in book.contacts for label in contact.labels}) == 5


def test_same_seed_same_book() -> None:
    """A book follows from its seed, and another seed makes another one."""
    assert demo_book(5) == demo_book(5)
    assert demo_book(5) != demo_book(6)


def test_pairs_are_one_to_one_and_differ_in_every_way(book: Book) -> None:
    """No contact and no person stands in two pairs; every way is met at least eight times."""
    assert len({pair.contact for pair in book.pairs}) == len({pair.person for pair in book.pairs}) == 80
    met = Counter(way for pair in book.pairs for way in pair.ways)
    assert set(met) == {*NAME_WAYS, *OTHER_WAYS}
    assert min(met.values()) >= 8, met


def test_every_pair_can_be_told(book: Book) -> None:
    """The two of a pair share a phone number or an e-mail address, however they are written."""
    for pair in book.pairs:
        contact, person = book.contacts[pair.contact].fields, book.persons[pair.person].fields
        phones = {digits(one) for one in values(contact, "phoneNumbers")} & {digits(one) for one in values(person, "phones")}
        emails = set(values(contact, "emailAddresses")) & set(values(person, "emails"))
        assert phones or emails, pair


def test_ways_are_what_they_say(book: Book) -> None:
    """A pair differs as its ways say."""
    for pair in book.pairs:
        name: Any = book.contacts[pair.contact].fields["names"][0]
        person = book.persons[pair.person].fields
        given, family = str(name["givenName"]), str(name.get("familyName", ""))
        first, last = person.get("first_name", person.get("name")), person.get("last_name", "")
        if "swapped" in pair.ways:
            assert (first, last) == (family, given)
        if "initials" in pair.ways:
            assert (first, last) == (f"{given[0]}.", family)
        if "upper-case" in pair.ways:
            assert (first, last) == (given.upper(), family.upper())
        if "diacritics" in pair.ways:
            assert (first, last) == (plain(given), plain(family))
            assert (first, last) != (given, family)
        if "nickname" in pair.ways:
            assert first != given
            assert last == family
        if not set(NAME_WAYS) & set(pair.ways):
            assert (first, last) == (given, family)
        if "no-email" in pair.ways:
            assert person["emails"] == []
        if "no-phone" in pair.ways:
            assert person["phones"] == []


def test_strangers_share_something_and_are_no_pairs(book: Book) -> None:
    """Switchboards, family mailboxes and namesakes are all there and marked as not the same."""
    pairs = {(pair.contact, pair.person) for pair in book.pairs}
    assert not pairs & {(one.contact, one.person) for one in book.strangers}
    shared = Counter(one.shared for one in book.strangers)
    assert shared["phone"] >= 10
    assert shared["email"] >= 3
    assert shared["name"] >= 8
    for one in book.strangers:
        contact, person = book.contacts[one.contact].fields, book.persons[one.person].fields
        if one.shared == "email":
            assert set(values(contact, "emailAddresses")) & set(values(person, "emails"))
        if one.shared == "phone":
            assert {digits(phone) for phone in values(contact, "phoneNumbers")} & {digits(phone) for phone in values(person, "phones")}


def test_all_sharing_is_known(book: Book) -> None:
    """Whoever shares an e-mail address across the sides is a pair or marked as strangers: the truth is complete."""
    known = {(one.contact, one.person) for one in (*book.pairs, *book.strangers)}
    for place, contact in enumerate(book.contacts):
        for other, person in enumerate(book.persons):
            if set(values(contact.fields, "emailAddresses")) & set(values(person.fields, "emails")):
                assert (place, other) in known


def test_nobody_is_real(book: Book) -> None:
    """E-mail addresses are in domains that belong to nobody; German, French and British numbers are in the ranges for fiction."""
    for contact in book.contacts:
        for address in values(contact.fields, "emailAddresses"):
            domain = address.split("@")[1]
            assert domain.endswith(".test") or domain.split(".")[-2:] in (["example", "com"], ["example", "org"]), domain
        for phone in values(contact.fields, "phoneNumbers"):
            number = re.sub(r"[^+\d]", "", phone)
            for code, fiction in (("+49", "+493023125"), ("+33", "+3363998"), ("+44", "+447700900")):
                assert not number.startswith(code) or number.startswith(fiction)


def test_many_alphabets_and_shapes(book: Book) -> None:
    """There are Latin letters with marks, Cyrillic and Arabic names, and people with one name only."""
    text = json.dumps([contact.fields["names"] for contact in book.contacts], ensure_ascii=False)
    scripts = {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}
    assert {"LATIN", "CYRILLIC"} <= scripts
    assert any("familyName" not in contact.fields["names"][0] for contact in book.contacts)


def test_both_services_take_the_book() -> None:
    """The book enters both services through their human operations, and the true pairs have ids there."""
    world = World(seed=1)
    loaded = load_demo(world, 1)
    state: Any = world.pipedrive.state()
    assert len(state["persons"]) == len(set(loaded.persons)) == 250
    assert len(set(loaded.contacts)) == 300
    assert len(loaded.pairs) == 80
    assert len(world.pipedrive.human_log) > 250
    assert {person["owner_id"] for person in state["persons"]} == {1, 2}
    assert any(person["counts"].get("open_deals_count") for person in state["persons"])
    assert not any("job_title" in person for person in state["persons"])


def test_contact_sync_values_where_the_company_has_them() -> None:
    """With contact sync set up beforehand, job titles and addresses are entered too."""
    world = World(seed=1)
    world.pipedrive.human("enable_contact_sync", {})
    load_demo(world, 1)
    state: Any = world.pipedrive.state()
    assert any(person["job_title"] for person in state["persons"])
    assert any(person["postal_address"] for person in state["persons"])
