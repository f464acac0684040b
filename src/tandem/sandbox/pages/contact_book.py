"""Reading a book of contacts for the pages: rows of lists, the labels with their counts, and a contact with all it holds.

Rules: what is read here is the book itself, without copies; a list looks at every contact once, and shapes only those of its page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from tandem.sandbox.google_model import (
    MY_CONTACTS,
    STARRED,
    SYSTEM_GROUPS,
    TRASH_S,
    Book,
    ContactState,
    GroupState,
    Life,
    Record,
    counts,
)
from tandem.sandbox.google_person import bare
from tandem.sandbox.pages.forms import text_at
from tandem.sandbox.pages.frame import folded
from tandem.sandbox.wire import Json, JsonObject

#: The labels that can be given to a contact beside the owner's own.
GIVEN = (MY_CONTACTS, STARRED)
#: What a list shows and a search looks at: field and part.
_SEARCHED = (
    ("names", "displayName"),
    ("nicknames", "value"),
    ("organizations", "name"),
    ("organizations", "title"),
    ("emailAddresses", "value"),
    ("imClients", "username"),
    ("biographies", "value"),
)
#: What a line of a contact's page begins with, by field; other parts stand below it.
_MAIN = {
    "names": ("displayName",),
    "organizations": ("title", "department", "name"),
    "addresses": ("formattedValue",),
    "birthdays": ("text",),
    "imClients": ("username",),
    "relations": ("person",),
    "events": ("date",),
    **dict.fromkeys(("phoneNumbers", "emailAddresses", "urls", "nicknames", "biographies"), ("value",)),
}
#: Parts that are said already by the composed text.
_WHOLE = {
    "names": frozenset({"givenName", "familyName", "middleName", "honorificPrefix", "honorificSuffix", "unstructuredName"}),
    "addresses": frozenset({"streetAddress", "extendedAddress", "poBox", "city", "region", "postalCode", "country", "countryCode"}),
}
_UNSAID = frozenset({"metadata", "type", "protocol", "contentType"})


@dataclass(frozen=True, slots=True)
class Label:
    """A label, and how many contacts bear it."""

    id: str
    name: str
    count: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A contact as lists show it."""

    id: str
    name: str
    company: str
    email: str
    phone: str
    labels: tuple[str, ...]


def name_of(state: ContactState) -> str:
    """What a contact is called: the name, else the company, else an address or number."""
    for field, part in _NAMING:
        if text := _first(state, field, part):
            return text
    return "(no name)"


_NAMING = (("names", "displayName"), ("organizations", "name"), ("emailAddresses", "value"), ("phoneNumbers", "value"))


def _first(state: ContactState, field: str, part: str) -> str:
    for item in state.items.get(field, ()):
        if text := text_at(item, part):
            return text
    return ""


def living(book: Book) -> Iterator[Record[ContactState]]:
    """The contacts that are there."""
    return (record for record in book.contacts.values() if record.versions[-1].state.life is Life.LIVE)


def trashed(book: Book, now: float) -> list[tuple[Row, int]]:
    """The trash, the latest first, with the days that are left."""
    there = [record for record in book.contacts.values() if record.state.life is Life.TRASHED and counts(record.state, now)]
    there.sort(key=lambda record: record.state.updated_at, reverse=True)
    return [(row(book, record), int((record.state.updated_at + TRASH_S - now) // 86_400)) for record in there]


def found(book: Book, text: str = "", label: str = "") -> list[Record[ContactState]]:
    """The living contacts with a label and a text, by name."""
    chosen = list(living(book))
    if label:
        chosen = [record for record in chosen if label in record.state.groups]
    if text:
        fits = _search(text)
        chosen = [record for record in chosen if fits(record.state)]
    return sorted(chosen, key=lambda record: folded(name_of(record.state)))


def _search(text: str) -> Callable[[ContactState], bool]:
    """Whether a contact holds every word; a number is found however it is written."""
    words = [folded(word) for word in text.split()]
    digits = "".join(one for one in text if one.isdecimal())
    is_number = len(digits) > 2 and not any(one.isalpha() for one in text)

    def fits(state: ContactState) -> bool:
        if is_number and any(digits in _digits(text_at(item, "value")) for item in state.items.get("phoneNumbers", ())):
            return True
        items = state.items
        held = folded("\n".join([text_at(item, part) for field, part in _SEARCHED if field in items for item in items[field]]))
        return all(word in held for word in words)

    return fits


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdecimal())


def row(book: Book, record: Record[ContactState]) -> Row:
    """A contact for a list."""
    state = record.state
    own = tuple(group.name for group in _groups(book, state) if not group.is_system)
    company, email, phone = (
        _first(state, "organizations", "name"),
        _first(state, "emailAddresses", "value"),
        _first(state, "phoneNumbers", "value"),
    )
    return Row(record.record_id, name_of(state), company, email, phone, own)


def _groups(book: Book, state: ContactState) -> list[GroupState]:
    return [group.state for group_id in state.groups if (group := book.live_group(group_id)) is not None]


def labels(book: Book) -> tuple[list[Label], int]:
    """All labels that can be given, the service's own ones first, then by name; and how many contacts there are."""
    there = [record.versions[-1].state.groups for record in living(book)]
    tally = Counter(chain.from_iterable(there))
    groups = [record.state for record in book.groups.values() if record.state.life is Life.LIVE]
    shown = [
        group for group in groups if not group.is_system or group.group_id in GIVEN or (tally[group.group_id] and group.group_id != "all")
    ]
    made = [Label(group.group_id, label_name(group), tally[group.group_id], not group.is_system) for group in shown]
    return sorted(made, key=lambda label: (label.is_own, folded(label.name))), len(there)


def label_name(group: GroupState) -> str:
    """A label as people read it."""
    return SYSTEM_GROUPS.get(group.group_id, group.name)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a contact's page: what kind it is, what it says, and what else is kept with it."""

    kind: str
    text: str
    rest: str


@dataclass(frozen=True, slots=True)
class Section:
    """Everything a contact holds of one kind."""

    title: str
    lines: tuple[Line, ...]


_TITLES = {
    "names": "Name",
    "nicknames": "Nickname",
    "organizations": "Company",
    "phoneNumbers": "Phone",
    "emailAddresses": "E-mail",
    "imClients": "Messenger",
    "addresses": "Address",
    "birthdays": "Birthday",
    "biographies": "Notes",
    "urls": "Website",
    "userDefined": "Custom field",
    "relations": "Related person",
    "events": "Event",
}


def sections(state: ContactState) -> list[Section]:
    """All that a contact holds, in the order of an address book; unknown kinds at the end under their own names."""
    order = [*_TITLES, *sorted(set(state.items) - set(_TITLES))]
    return [
        Section(_TITLES.get(name, _spaced(name)), tuple(_line(name, item) for item in state.items[name]))
        for name in order
        if state.items.get(name)
    ]


def profile_sections(state: ContactState) -> list[Section]:
    """What the other person's own profile adds."""
    return [Section(_TITLES.get(name, _spaced(name)), tuple(_line(name, item) for item in items)) for name, items in state.profile.items()]


def _line(name: str, item: JsonObject) -> Line:
    kind = text_at(item, "formattedType") or text_at(item, "formattedProtocol")
    main = _MAIN.get(name, ())
    told = [_plain(value) for part in main if (value := item.get(part))]
    rest = {key: value for key, value in bare({name: [item]})[name][0].items() if key not in main and key not in _UNSAID}
    if name in _WHOLE:
        rest = {key: value for key, value in rest.items() if key not in _WHOLE[name]}
    if name == "userDefined":
        kind, told, rest = text_at(item, "key"), [text_at(item, "value")], {}
    elif name == "birthdays" and day_text(item.get("date")):
        told, rest = [day_text(item.get("date"))], {}
    return Line(kind, ", ".join(told), ", ".join(f"{_spaced(key)}: {_plain(value)}" for key, value in rest.items()))


def _plain(value: Json) -> str:
    return day_text(value) if isinstance(value, dict) else str(value)


def day_text(date: Json) -> str:
    """A date whose parts may be missing: 1980-05-31, --05-31, 1980."""
    if not isinstance(date, dict):
        return ""
    year, month, day = (number if isinstance(number := date.get(part), int) else 0 for part in ("year", "month", "day"))
    if month and day:
        return f"{year:04}-{month:02}-{day:02}" if year else f"--{month:02}-{day:02}"
    return f"{year:04}" if year else ""


def _spaced(name: str) -> str:
    """A field's name as words: sipAddresses -> Sip addresses."""
    words = "".join(f" {one.lower()}" if one.isupper() else one for one in name)
    return words.capitalize()


def groups_of(book: Book, state: ContactState) -> list[Label]:
    """The labels of one contact."""
    return [Label(group.group_id, label_name(group), 0, not group.is_system) for group in _groups(book, state)]
