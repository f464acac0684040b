"""People as contacts, and the same people as somebody else writes them down: the ground truth for matching.

Shape: `Crowd` holds two sides. Of every ten people on a side nine have their counterpart on the other, written in up to three other
ways; the tenth is a stranger there, and one stranger in three is made to be mistaken for somebody: a relative with the same mailbox or
landline, a namesake, or a colleague behind the same switchboard.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.people import Human, Humans, plain, spaced
from tandem.core.contact import ADDRESS, EMAILS, FIRST_NAME, LAST_NAME, ORGANISATION, PHONES, Address, Contact, Entry, FieldName, Value
from tandem.sandbox.people_names import NICKNAMES

#: How often each way of writing somebody differently is met, in a hundred.
WAYS: Mapping[str, int] = {
    "as it is": 30, "diacritics": 14, "typing error": 8, "swapped": 6, "nickname": 8, "initial": 4, "upper case": 6, "no e-mail": 14,
    "no phone": 14, "national phone": 20, "other e-mail": 10, "no organisation": 12, "organisation differs": 8,
}  # fmt: skip
_SWITCHBOARDS = 40


@dataclass(slots=True)
class Crowd:
    """Both sides by id, and who is who: (left, right)."""

    left: dict[str, Contact] = field(default_factory=dict)
    right: dict[str, Contact] = field(default_factory=dict)
    truth: set[tuple[str, str]] = field(default_factory=set)


def contact_of(human: Human) -> Contact:
    """A human as one side knows him or her."""
    phones = [Entry(f"+48 {spaced(human.mobile)}", "mobile", primary=True)]
    phones += [Entry(f"+48 {human.landline}", "work")] if human.landline else []
    emails = [Entry(human.email, "home", primary=True), *([Entry(human.work_email, "work")] if human.work_email else [])]
    values: dict[FieldName, Value] = {
        FIRST_NAME: human.given, LAST_NAME: human.family, ORGANISATION: human.firm, PHONES: tuple(phones), EMAILS: tuple(emails),
    }  # fmt: skip
    if human.city:
        values[ADDRESS] = Address(street=human.street, city=human.city)
    return Contact(values)


def crowd(size: int, seed: object = 1) -> Crowd:
    """Two sides with so many people in common, and a ninth of it more of strangers on each."""
    made, humans = Crowd(), Humans(f"crowd {seed}")
    rng = random.Random(f"ways {seed}")  # noqa: S311 - made-up people need repeatable chance
    common = [_at_switchboard(humans.human(), rng) for _ in range(size)]
    for number, human in enumerate(common):
        made.left[f"l{number}"] = contact_of(human)
        made.right[f"r{number}"] = otherwise(human, rng)
        made.truth.add((f"l{number}", f"r{number}"))
    for number in range(size // 9):
        made.left[f"ls{number}"] = contact_of(stranger(humans, common, rng))
        made.right[f"rs{number}"] = contact_of(stranger(humans, common, rng))
    return made


def _at_switchboard(human: Human, rng: random.Random) -> Human:
    """Some share the number of their firm's switchboard."""
    return replace(human, landline=f"2299900{rng.randrange(_SWITCHBOARDS):02d}") if human.firm and rng.random() < 0.1 else human


def stranger(humans: Humans, known: list[Human], rng: random.Random) -> Human:
    """Somebody else; one in three is easily taken for somebody known."""
    new = humans.human()
    if rng.random() > 1 / 3:
        return new
    other = rng.choice(known)
    match rng.randrange(4):
        case 0:
            return replace(new, family=other.family, email=other.email, firm="", work_email="")
        case 1:
            return replace(new, family=other.family, landline=other.landline or f"22{other.mobile[2:]}", firm="", work_email="")
        case 2:
            return replace(new, given=other.given, family=other.family, firm="", work_email="")
        case _:
            return replace(new, firm=other.firm, landline=other.landline)


def otherwise(human: Human, rng: random.Random) -> Contact:
    """A human as another side knows him or her. What is left always holds a name, and an e-mail address or a phone number."""
    ways = {way for way in rng.choices(list(WAYS), list(WAYS.values()), k=3) if way != "as it is"}
    if {"no e-mail", "no phone"} <= ways:
        ways.discard("no phone")
    values = {**contact_of(_renamed(human, ways, rng)).values}
    phones = [f"{spaced(human.mobile)}" if "national phone" in ways else f"+48{human.mobile}", human.landline]
    values[PHONES] = tuple(Entry(text, "work") for text in phones if text)
    if "no e-mail" in ways:
        del values[EMAILS]
    elif "other e-mail" in ways:
        values[EMAILS] = (Entry(f"{plain(human.given).lower()}{human.mobile[-4:]}@example.org", "work"),)
    if "no phone" in ways:
        del values[PHONES]
    if "no organisation" in ways:
        values[ORGANISATION] = ""
    elif "organisation differs" in ways and human.firm:
        values[ORGANISATION] = human.firm.split()[0]
    return Contact(values)


def _renamed(human: Human, ways: set[str], rng: random.Random) -> Human:
    given, family = human.given, human.family
    if "nickname" in ways:
        given = NICKNAMES.get(given, given)
    if "diacritics" in ways:
        given, family = plain(given), plain(family)
    if "typing error" in ways:
        place = rng.randrange(1, len(family))
        family = family[:place] + family[place - 1] + family[place:]
    if "initial" in ways:
        given = f"{given[0]}."
    if "upper case" in ways:
        given, family = given.upper(), family.upper()
    if "swapped" in ways:
        given, family = family, given
    return replace(human, given=given, family=family)
