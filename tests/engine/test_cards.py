"""Promise: what real address books hold goes over whole, and then nothing is left to do."""

from __future__ import annotations

from pathlib import Path

from engine.stage import Stage
from tandem.sandbox.vcard_lines import Card, read_cards
from tandem.sandbox.vcards import contact_of

CARDS = Path(__file__).parents[1] / "sandbox" / "cards"
READABLE = ("old-phone.vcf", "grouped.vcf", "newest.vcf", "several.vcf")


def load(stage: Stage) -> list[dict[str, object]]:
    """The cards as contacts of the label; the fields of each, as the service keeps them."""
    for name in READABLE:
        for card in read_cards((CARDS / name).read_bytes()):
            assert isinstance(card, Card)
            stage.google_does("create", fields=contact_of(card), groups=[stage.group])
    return [one["fields"] for one in stage.in_group()]


def values(items: object, key: str) -> list[str]:
    """The values of a list of the service's."""
    return [one[key] for one in items or ()]


def names(fields: dict[str, object]) -> tuple[str, str]:
    """First and last name of a contact, as Pipedrive knows names."""
    name = fields.get("names", [{}])[0]
    first = " ".join(filter(None, (name.get("givenName"), name.get("middleName"))))
    return first, " ".join(filter(None, (name.get("familyName"), name.get("honorificSuffix"))))


def test_cards_go_over_and_come_back(make_stage: object) -> None:
    """Each card is one person with all its numbers, addresses, handles and its place; the contacts are left as they were; an edit of
    every person comes back and moves nothing else; a second cycle writes nothing.
    """  # noqa: D205 - one promise
    stage: Stage = make_stage()
    loaded = load(stage)
    stage.wait(300)
    stage.settle()
    persons = {tuple(values(one["emails"], "value")): one for one in stage.pipedrive()}
    assert len(stage.pipedrive()) == len(loaded) == 6
    firms = {one["id"]: one["name"] for one in stage.world.pipedrive.state()["organizations"]}
    for fields in loaded:
        emails = tuple(values(fields.get("emailAddresses"), "value"))
        person = persons[emails] if emails else next(one for one in stage.pipedrive() if not one["emails"] and matches(one, fields))
        assert values(person["phones"], "value") == values(fields.get("phoneNumbers"), "value")
        assert values(person["im"], "value") == values(fields.get("imClients"), "username")
        assert (firms.get(person["org_id"]) or "") == next(iter(values(fields.get("organizations"), "name")), "")
        if any(names(fields)):
            assert (person["first_name"] or "", person["last_name"] or "") == names(fields)
        for place in fields.get("addresses", []):
            held = person["postal_address"]
            street = ", ".join(filter(None, (place.get("streetAddress"), place.get("extendedAddress"))))
            assert (held["route"], held["locality"], held["postal_code"]) == (street, place["city"], place["postalCode"])
    assert without_marker(stage) == loaded
    for person in stage.pipedrive():
        stage.pipedrive_does("update_person", id=person["id"], phones=[*person["phones"], {"value": f"+48 600 100 3{person['id']:02d}"}])
    stage.settle()
    for before, after in zip(loaded, without_marker(stage), strict=True):
        assert {**after, "phoneNumbers": []} == {**before, "phoneNumbers": []}
        numbers = values(before.get("phoneNumbers"), "value")
        assert values(after["phoneNumbers"], "value")[: len(numbers)] == numbers
        assert len(after["phoneNumbers"]) == len(numbers) + 1


def matches(person: dict[str, object], fields: dict[str, object]) -> bool:
    """Whether these are one: they have no address to be told by."""
    return values(person["phones"], "value") == values(fields.get("phoneNumbers"), "value")


def without_marker(stage: Stage) -> list[dict[str, object]]:
    """The fields of the contacts, without what Tandem notes there."""
    return [{name: items for name, items in one["fields"].items() if name != "clientData"} for one in stage.in_group()]
