"""Promise: cards as real programs write them become contacts, and one that cannot be read is said to be so and stops nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tandem.sandbox.vcard_lines import CardError, Unreadable, read_cards
from tandem.sandbox.vcards import contact_of
from tandem.sandbox.world import World

CARDS = Path(__file__).parent / "cards"


def contacts(name: str) -> list[dict[str, Any]]:
    """The contacts of a file in which every card can be read."""
    found = []
    for card in read_cards((CARDS / name).read_bytes()):
        assert not isinstance(card, Unreadable), card
        found.append(contact_of(card))
    return found


def test_a_card_of_an_old_telephone() -> None:
    """2.1: quoted-printable over two lines, another character set, types without a name, a date without hyphens."""
    (contact,) = contacts("old-phone.vcf")
    assert contact["names"] == [{"familyName": "Świętek", "givenName": "Jałowiec"}]
    assert contact["phoneNumbers"] == [{"value": "600 100 201", "type": "mobile"}, {"value": "22 100 02 01", "type": "workFax"}]
    assert contact["emailAddresses"] == [{"value": "swietek@example.com", "type": "home"}]
    assert contact["organizations"] == [{"name": "Zażółcony Dom"}]
    (address,) = contact["addresses"]
    assert (address["streetAddress"], address["extendedAddress"], address["city"]) == ("ul. Długa 1", "m. 7", "Gdańsk")
    assert contact["birthdays"] == [{"date": {"year": 1980, "month": 2, "day": 29}}]


def test_a_card_with_groups() -> None:
    """3.0 as Apple writes it: labels beside their items, folded lines, lists, escapes, a preferred address that is not the first,
    a birthday without its year; the photo is passed over.
    """  # noqa: D205 - one promise
    (contact,) = contacts("grouped.vcf")
    assert contact["names"] == [
        {"familyName": "Vidal", "givenName": "Inés", "middleName": "María Luz", "honorificPrefix": "Dra.", "honorificSuffix": "PhD"}
    ]
    assert contact["organizations"] == [{"name": "Talleres Sol, S.L.", "department": "Ventas, Sur", "title": "Directora"}]
    assert contact["phoneNumbers"] == [
        {"value": "+34 600 100 202", "type": "assistantphone"},
        {"value": "+34 600 100 203", "type": "workMobile"},
    ]
    assert contact["emailAddresses"] == [
        {"value": "ines@example.com", "type": "work"},
        {"value": "ines.vidal@example.org", "type": "home", "metadata": {"sourcePrimary": True}},
    ]
    assert contact["imClients"] == [
        {"username": "ines@jabber.example.com", "protocol": "jabber"},
        {"username": "ines.vidal", "protocol": "skype"},
    ]
    (address,) = contact["addresses"]
    assert (address["streetAddress"], address["countryCode"], address["type"]) == ("Calle Mayor 3\nPiso 2", "ES", "work")
    assert contact["birthdays"] == [{"date": {"month": 5, "day": 21}}]
    assert contact["biographies"] == [{"value": "Una línea\ny otra; fin"}]


def test_a_card_of_the_newest_kind() -> None:
    """4.0: a mark at the beginning, a letter folded in its middle, addresses as URIs, a preference by number, a label as a parameter."""
    (contact,) = contacts("newest.vcf")
    assert contact["names"] == [{"familyName": "Коваленко", "givenName": "Олена"}]
    assert contact["phoneNumbers"] == [
        {"value": "+380-50-100-0204", "type": "home"},
        {"value": "+380-50-100-0205", "type": "mobile", "metadata": {"sourcePrimary": True}},
    ]
    assert contact["emailAddresses"] == [{"value": "olena@example.com"}]
    assert contact["imClients"] == [{"username": "olena.k", "protocol": "skype"}]
    assert contact["addresses"][0]["formattedValue"] == "Khreshchatyk 1\nKyiv"
    assert contact["birthdays"] == [{"date": {"month": 8, "day": 24}}]


def test_several_cards_in_a_file() -> None:
    """A name that is not taken apart, a card within a card, a firm without a person."""
    assert contacts("several.vcf") == [
        {"names": [{"unstructuredName": "Only A. Name"}]},
        {"names": [{"familyName": "Agent", "givenName": "Has"}], "emailAddresses": [{"value": "has@example.com"}]},
        {"organizations": [{"name": "Just a Firm Ltd"}], "phoneNumbers": [{"value": "+44 7700 900206"}]},
    ]


def test_what_cannot_be_read() -> None:
    """Each bad card has its reason, which holds nothing of it; the good one after them is read."""
    reasons, good = [], []
    for card in read_cards((CARDS / "broken.vcf").read_bytes()):
        if isinstance(card, Unreadable):
            reasons.append((card.number, card.reason))
            continue
        try:
            good.append(contact_of(card))
        except CardError as error:
            reasons.append((card.number, str(error)))
    assert reasons == [
        (1, "it stands for a group of cards"),
        (2, "line 4 of it is no property"),
        (3, "its version is unknown"),
        (4, "it holds nothing that a contact can hold"),
        (5, "it has no end"),
    ]
    assert [one["emailAddresses"] for one in good] == [[{"value": "greta@example.com"}]]


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\xfe", b"no card", b"BEGIN:VCARD\nFN:A", "BEGIN:VCARD\nFN:A\nEND:VCARD".encode("utf-16")[:-3]]
)
def test_no_card_at_all(content: bytes) -> None:
    """What is no card, or half of one, is one reason and no more."""
    (only,) = read_cards(content)
    assert isinstance(only, Unreadable)


def test_two_bytes_a_letter() -> None:
    """A file in UTF-16 is read like any other."""
    (card,) = read_cards("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Łucja\r\nEND:VCARD\r\n".encode("utf-16"))
    assert not isinstance(card, Unreadable)
    assert contact_of(card) == {"names": [{"unstructuredName": "Łucja"}]}


@pytest.mark.parametrize("name", ["old-phone.vcf", "grouped.vcf", "newest.vcf", "several.vcf"])
def test_the_service_takes_them(world: World, name: str) -> None:
    """Every contact made of a card is one that the API would take."""
    for fields in contacts(name):
        made = world.google.human("create", {"fields": fields})
        assert isinstance(made, dict)
