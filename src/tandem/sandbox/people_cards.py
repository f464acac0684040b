"""How a made-up human is written down: as a Google contact, and, somewhat differently, as a Pipedrive person."""

from __future__ import annotations

import random

from tandem.sandbox.people_making import Email, Human, Phone, plain
from tandem.sandbox.people_names import NICKNAMES, NOTES
from tandem.sandbox.pipedrive_model import ADDRESS_PARTS, Object
from tandem.sandbox.wire import Json


def contact_card(human: Human, ways: tuple[str, ...], rng: random.Random) -> Object:
    """The fields of a Google contact, in the shapes of the People API."""
    name: Object = {"givenName": human.given}
    if human.family:
        name["familyName"] = human.family
    card: Object = {
        "names": [name],
        "phoneNumbers": [{"value": _written(one, ways, rng), "type": one.label} for one in human.phones],
        "emailAddresses": [{"value": one.value, "type": one.label} for one in human.emails],
    }
    if human.firm is not None:
        card["organizations"] = [{"name": human.firm, "type": "work", **({"title": human.title} if human.title else {})}]
    if human.place is not None:
        street, city, code, country, iso = human.place
        place: Object = {"streetAddress": street, "city": city, "postalCode": code, "country": country, "countryCode": iso, "type": "home"}
        card["addresses"] = [place]
    if human.birthday is not None:
        year, month, day = human.birthday
        card["birthdays"] = [{"date": {"year": year, "month": month, "day": day}}]
    if rng.random() < 0.15:
        card["imClients"] = [{"username": human.emails[0].value.split("@")[0], "protocol": rng.choice(("skype", "jabber"))}]
    if rng.random() < 0.2:
        card["biographies"] = [{"value": rng.choice(NOTES), "contentType": "TEXT_PLAIN"}]
    return card


def _written(phone: Phone, ways: tuple[str, ...], rng: random.Random) -> str:
    """Polish numbers stand in a Polish address book without their country code, too; those of other countries never do."""
    if "phone-format" in ways:
        return phone.number
    national = (phone.national,) if phone.number.startswith("+48") else ()
    forms: list[str] = [*national, phone.international, phone.number]
    return forms[rng.randrange(len(forms))]


def person_card(human: Human, ways: tuple[str, ...]) -> tuple[Object, Object]:
    """The body of a Pipedrive person, and the values of contact sync fields where there are such."""
    fields: Object = {**_name(human, ways), "emails": _emails(human, ways), "phones": _phones(human, ways)}
    sync: Object = {}
    if human.title is not None:
        sync["job_title"] = human.title
    if human.place is not None and "other-label" not in ways:
        street, city, code, country, _ = human.place
        known: Object = {"locality": city, "postal_code": code, "country": country}
        sync["postal_address"] = {"value": f"{street}, {code} {city}, {country}", **{part: known.get(part) for part in ADDRESS_PARTS}}
    return fields, sync


def _name(human: Human, ways: tuple[str, ...]) -> Object:
    given, family = human.given, human.family
    if "diacritics" in ways:
        given, family = plain(given), plain(family)
    if "nickname" in ways:
        given = NICKNAMES[given]
    if "upper-case" in ways:
        given, family = given.upper(), family.upper()
    if "initials" in ways:
        given = f"{given[0]}."
    if "swapped" in ways:
        given, family = family, given
    return {"first_name": given, "last_name": family} if family else {"name": given}


def _emails(human: Human, ways: tuple[str, ...]) -> list[Json]:
    chosen = list(human.emails)
    if "no-email" in ways:
        chosen = []
    if "second-email" in ways:
        local = human.emails[0].value.split("@")[0]
        chosen = [Email(f"{local}.praca@example.org", "work"), *chosen[1:]]
    return [{"value": one.value, "label": _label(one.label, ways), "primary": place == 0} for place, one in enumerate(chosen)]


def _phones(human: Human, ways: tuple[str, ...]) -> list[Json]:
    chosen = [] if "no-phone" in ways else list(human.phones)
    return [
        {
            "value": one.national if "phone-format" in ways else one.international,
            "label": _label(one.label, ways),
            "primary": place == 0,
        }
        for place, one in enumerate(chosen)
    ]


def _label(label: str, ways: tuple[str, ...]) -> str:
    if "other-label" not in ways:
        return label
    return {"work": "other", "home": "work", "mobile": "work"}[label]
