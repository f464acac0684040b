"""The contact as both sides can express it (the common view), and changes to one.

Rules: the set of fields is data (`FIELDS`): a further field is a row here and a line in each codec, nowhere a new branch.
Absent and empty are the same: an empty value is dropped when a contact is made.
What only one side can say never stands here; it is that side's complement and stays in its raw record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

FieldName = NewType("FieldName", str)


class Kind(Enum):
    """What the text of a field means; chooses its normal form in `canonical.py`."""

    PLAIN = "plain"
    PERSON_NAME = "person name"
    ORGANISATION = "organisation"
    ADDRESS = "address"
    PHONE = "phone"
    EMAIL = "email"
    MESSENGER = "messenger"
    DATE = "date"


#: Kinds whose value is a list of entries; every other kind is one value.
LISTED = frozenset({Kind.PHONE, Kind.EMAIL, Kind.MESSENGER})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One synced field."""

    name: FieldName
    kind: Kind
    #: Synced without being asked for (opt-in fields are not).
    default: bool = True

    @property
    def is_listed(self) -> bool:
        """Whether the value is a list of entries."""
        return self.kind in LISTED


FIRST_NAME = FieldName("first_name")
LAST_NAME = FieldName("last_name")
ORGANISATION = FieldName("organisation")
PHONES = FieldName("phones")
EMAILS = FieldName("emails")
MESSENGERS = FieldName("messengers")
ADDRESS = FieldName("address")

FIELDS: Mapping[FieldName, FieldSpec] = {
    spec.name: spec
    for spec in (
        FieldSpec(FIRST_NAME, Kind.PERSON_NAME),
        FieldSpec(LAST_NAME, Kind.PERSON_NAME),
        FieldSpec(ORGANISATION, Kind.ORGANISATION),
        FieldSpec(PHONES, Kind.PHONE),
        FieldSpec(EMAILS, Kind.EMAIL),
        FieldSpec(MESSENGERS, Kind.MESSENGER),
        FieldSpec(ADDRESS, Kind.ADDRESS),
    )
}
DEFAULT_FIELDS = frozenset(name for name, spec in FIELDS.items() if spec.default)


@dataclass(frozen=True, slots=True)
class Entry:
    """One phone, e-mail or messenger.

    `label` is the common word where both sides have one (work, home, mobile, ...), else the text as its owner wrote it; of a
    messenger it is the protocol (skype, jabber, ...), which belongs to the entry's identity.
    """

    value: str
    label: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """One postal address: parts where a side has them, and the whole as text. With any part, the text is only their rendering."""

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return any((self.street, self.city, self.region, self.postal_code, self.country, self.text))

    @property
    def has_parts(self) -> bool:
        """Whether anything but the text is known."""
        return any((self.street, self.city, self.region, self.postal_code, self.country))


Value = str | Address | tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in the common view. Construction drops empty values, so equal contents are equal contacts."""

    values: Mapping[FieldName, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {name: value for name, value in sorted(self.values.items()) if value})

    def text(self, name: FieldName) -> str:
        """The value of a field of plain text; empty when absent."""
        value = self.values.get(name, "")
        if not isinstance(value, str):
            raise TypeError(f"{name} is not a text field")
        return value

    def address(self, name: FieldName = ADDRESS) -> Address:
        """The value of an address field; an empty address when absent."""
        value = self.values.get(name, Address())
        if not isinstance(value, Address):
            raise TypeError(f"{name} is not an address field")
        return value

    def entries(self, name: FieldName) -> tuple[Entry, ...]:
        """The entries of a listed field in their own order; empty when absent."""
        value = self.values.get(name, ())
        if not isinstance(value, tuple):
            raise TypeError(f"{name} is not a listed field")
        return value

    def replacing(self, values: Mapping[FieldName, Value]) -> Contact:
        """A copy with the named values put in their places (empty ones removed)."""
        return Contact({**self.values, **values})

    def restricted(self, names: Iterable[FieldName]) -> Contact:
        """Only the named fields."""
        kept = frozenset(names)
        return Contact({name: value for name, value in self.values.items() if name in kept})

    def __bool__(self) -> bool:
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a list: add (no old), remove (no new) or replace (both). `old` equals the target's entry to the letter."""

    old: Entry | None
    new: Entry | None


#: What shall become of one field: the new value of a single-valued one (empty clears it), or edits of a listed one.
Change = str | Address | tuple[Edit, ...]
#: What shall become of a record: only the fields that change. No entry means untouched.
Delta = Mapping[FieldName, Change]


def apply_delta(contact: Contact, delta: Delta) -> Contact:
    """What a perfect side would hold after a write: the law that codecs are tested against.

    An added entry goes to the end; a replaced one keeps its place; an edit whose old entry is not there is a ValueError.
    """
    return contact.replacing({name: _changed(contact, name, change) for name, change in delta.items()})


def _changed(contact: Contact, name: FieldName, change: Change) -> Value:
    if not isinstance(change, tuple):
        return change
    entries = list(contact.entries(name))
    for edit in change:
        if edit.old is None:
            entries.extend(() if edit.new is None else (edit.new,))
            continue
        position = entries.index(edit.old)
        entries[position : position + 1] = () if edit.new is None else (edit.new,)
    return tuple(entries)
