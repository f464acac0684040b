"""A made-up address book of 300 Google contacts and 250 Pipedrive persons, 80 of them the same people written differently.

Rules: the same seed gives the same book; everything is invented, e-mail addresses end in example.com, example.org or `.test`.
Shape: five labels; 120 contacts carry "Pipedrive", 60 of the 80 common people among them, the other 20 common people stand under
other labels. The truth is known: `pairs` are the same people and how they differ; `strangers` share a name, a phone number or an
e-mail address and are not the same: colleagues behind one switchboard, families with one mailbox, namesakes.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from tandem.sandbox.people_cards import contact_card, person_card
from tandem.sandbox.people_making import Human, People
from tandem.sandbox.people_names import FIRMS
from tandem.sandbox.pipedrive_model import Object
from tandem.sandbox.service import Service

LABELS = ("Rodzina", "Pipedrive", "Klub", "Szkoła", "Sąsiedzi")
CONTACTS, PERSONS, COMMON, COMMON_LABELLED, LABELLED = 300, 250, 80, 60, 120
_FAMILIES, _NAMESAKES = 10, 4

#: The ways in which a common person is written differently in Pipedrive: in the name, and in what else stands there.
NAME_WAYS = ("diacritics", "nickname", "swapped", "initials", "upper-case")
OTHER_WAYS = ("phone-format", "second-email", "other-label", "no-email", "no-phone")


@dataclass(frozen=True, slots=True)
class Contact:
    """One Google contact: the fields as the People API has them, and the labels it carries."""

    fields: Object
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """One Pipedrive person: a body as API v2 takes it, with the organisation by name; `sync` holds the contact sync fields."""

    fields: Object
    organization: str | None
    sync: Object
    counts: Object
    user: int = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """The same human on both sides (places in the book), and how the two are written differently."""

    contact: int
    person: int
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Strangers:
    """Two humans who are easily taken for one, and what they share: name, phone or e-mail."""

    contact: int
    person: int
    shared: str


@dataclass(frozen=True, slots=True)
class Book:
    """The whole address book and the truth about it."""

    seed: int
    labels: tuple[str, ...]
    contacts: tuple[Contact, ...]
    persons: tuple[Person, ...]
    organizations: tuple[str, ...]
    pairs: tuple[Pair, ...]
    strangers: tuple[Strangers, ...]


def demo_book(seed: int = 1) -> Book:
    """Make the book of a seed."""
    rng = random.Random(f"book {seed}")  # noqa: S311 - made-up people need repeatable chance
    makers = People(rng)
    common = [makers.human(at_work=True) for _ in range(COMMON)]
    private = [makers.human(at_work=rng.random() < 0.5) for _ in range(CONTACTS - COMMON - _FAMILIES - _NAMESAKES)]
    clients = [makers.human(at_work=True) for _ in range(PERSONS - COMMON - _NAMESAKES)]
    private += [makers.relative(common[place * 3]) for place in range(_FAMILIES)]
    private += [makers.namesake(clients[place * 5]) for place in range(_NAMESAKES)]
    clients += [makers.namesake(private[place * 7]) for place in range(_NAMESAKES)]
    on_left = [*common, *private]
    on_right = [*common, *clients]
    ways = _all_ways(common, rng) + [()] * CONTACTS
    contacts = [Contact(contact_card(human, ways[place], rng), _labels(place, rng)) for place, human in enumerate(on_left)]
    persons = [_person(human, ways[place], place, rng) for place, human in enumerate(on_right)]
    left, right = _shuffled(CONTACTS, rng), _shuffled(PERSONS, rng)
    pairs = tuple(
        sorted((Pair(left.index(place), right.index(place), ways[place]) for place in range(COMMON)), key=lambda one: one.contact)
    )
    book_contacts = tuple(contacts[place] for place in left)
    book_persons = tuple(persons[place] for place in right)
    strangers = _strangers(on_left, list(zip(on_right, ways, strict=False)), left, right)
    used = {one.organization for one in book_persons}
    return Book(seed, LABELS, book_contacts, book_persons, tuple(firm for firm in FIRMS if firm in used), pairs, strangers)


def _shuffled(count: int, rng: random.Random) -> list[int]:
    order = list(range(count))
    rng.shuffle(order)
    return order


def _all_ways(common: list[Human], rng: random.Random) -> list[tuple[str, ...]]:
    """One or two ways for each: the rarest so far that fits, so that every way is met often enough; the last fifth keep the name."""
    met: Counter[str] = Counter()
    every: list[tuple[str, ...]] = []
    for place, human in enumerate(common):
        groups = (NAME_WAYS, OTHER_WAYS) if place % 5 else (OTHER_WAYS,)
        if len(groups) == 2 and rng.random() < 0.4:
            groups = (NAME_WAYS,)
        chosen = [min(fitting, key=lambda way: met[way]) for group in groups if (fitting := [way for way in group if human.allows(way)])]
        met.update(chosen)
        every.append(tuple(chosen) or ("other-label",))
    return every


def _labels(place: int, rng: random.Random) -> tuple[str, ...]:
    """The common people's first 60 and 60 others carry "Pipedrive", some of these a second label; everybody has at least one."""
    others = [label for label in LABELS if label != "Pipedrive"]
    other = others[rng.randrange(len(others))]
    labelled = place < COMMON_LABELLED or COMMON <= place < COMMON + LABELLED - COMMON_LABELLED
    if not labelled:
        return (other,)
    return ("Pipedrive", other) if rng.random() < 0.1 else ("Pipedrive",)


def _person(human: Human, ways: tuple[str, ...], place: int, rng: random.Random) -> Person:
    fields, sync = person_card(human, ways)
    counts: Object = {}
    if place % 7 == 0:
        counts = {"open_deals_count": rng.randint(1, 3)}
    if place % 11 == 0:
        counts = {**counts, "undone_activities_count": 1, "activities_count": 2, "done_activities_count": 1}
    labels = [rng.randint(1, 4)] if rng.random() < 0.3 else []
    colleague = place >= COMMON and place % 12 == 0
    visible = 1 if colleague and place % 36 == 0 else 3
    return Person({**fields, "label_ids": list(labels), "visible_to": visible}, human.firm, sync, counts, 2 if colleague else 1)


def _strangers(
    on_left: list[Human], on_right: list[tuple[Human, tuple[str, ...]]], left: list[int], right: list[int]
) -> tuple[Strangers, ...]:
    """Every two different humans across the sides who share something that is written down, in the order of the book."""
    keys: dict[tuple[str, str], list[int]] = {}
    for place, (human, ways) in enumerate(on_right):
        for key in _keys(human, ways):
            keys.setdefault(key, []).append(place)
    found: dict[tuple[int, int], str] = {}
    for place, human in enumerate(on_left):
        for key in _keys(human, ()):
            for other in keys.get(key, []):
                if on_right[other][0] is not human:
                    found.setdefault((left.index(place), right.index(other)), key[0])
    return tuple(Strangers(contact, person, shared) for (contact, person), shared in sorted(found.items()))


def _keys(human: Human, ways: tuple[str, ...]) -> list[tuple[str, str]]:
    """What others may take the human for somebody else by, as far as it is written down."""
    emails = [] if "no-email" in ways else human.emails["second-email" in ways :]
    phones = [] if "no-phone" in ways else human.phones
    name = unicodedata.normalize("NFKD", f"{human.given} {human.family}").casefold()
    return [*(("email", one.value.casefold()) for one in emails), *(("phone", one.number) for one in phones), ("name", name)]


# --- into the sandbox -------------------------------------------------------------------------------------------------------


class BothServices(Protocol):
    """What a world offers for this purpose."""

    @property
    def google(self) -> Service:
        """The imitated Google."""

    @property
    def pipedrive(self) -> Service:
        """The imitated Pipedrive."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The book as it stands in a sandbox: ids by place in the book, and the true pairs by id."""

    book: Book
    contacts: tuple[str, ...]
    persons: tuple[int, ...]
    pairs: tuple[tuple[str, int], ...]


def load_demo(world: BothServices, seed: int = 1) -> Loaded:
    """Enter the book into both services as people would; contact sync fields only where the company has them."""
    book = demo_book(seed)
    for label in book.labels:
        world.google.human("create_group", {"name": label})
    contacts = tuple(_enter_contact(world.google, one) for one in book.contacts)
    organizations = {name: _id(world.pipedrive.human("create_organization", {"name": name})) for name in book.organizations}
    persons = tuple(_enter_person(world.pipedrive, one, organizations) for one in book.persons)
    pairs = tuple((contacts[pair.contact], persons[pair.person]) for pair in book.pairs)
    return Loaded(book, contacts, persons, pairs)


def _enter_contact(google: Service, contact: Contact) -> str:
    made = google.human("create", {"fields": contact.fields, "groups": list(contact.labels)})
    return str(made["resourceName"]) if isinstance(made, dict) else ""


def _enter_person(pipedrive: Service, person: Person, organizations: dict[str, int]) -> int:
    sync = person.sync if pipedrive.switches.get("contact_sync_enabled") else {}
    org_id = organizations[person.organization] if person.organization is not None else None
    link: Object = {"org_id": org_id} if org_id is not None else {}
    id_ = _id(pipedrive.human("create_person", {**person.fields, **sync, **link, "user": person.user}))
    if person.counts:
        pipedrive.human("set_counts", {"id": id_, "user": person.user, **person.counts})
    return id_


def _id(made: object) -> int:
    id_ = made.get("id") if isinstance(made, dict) else None
    if not isinstance(id_, int):
        raise TypeError("the service gave no id")
    return id_
