"""Contacts and changes in words, for their owner's eyes.

Rules: what is told here may hold contact data; it never goes into a log or an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tandem.core.contact import FIRST_NAME, LAST_NAME, ORGANISATION, Address, Change, Contact, Edit, Entry, FieldName, Value


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one record: what stands there, and what would. Both as text; an empty text is nothing."""

    field: FieldName
    old: str
    new: str


def changes_of(contact: Contact, delta: Mapping[FieldName, Change]) -> Iterator[FieldChange]:
    """What a change would make of a contact, value by value."""
    for name, change in delta.items():
        if not isinstance(change, tuple):
            yield FieldChange(name, said(contact.values.get(name, "")), said(change))
            continue
        for edit in change:
            yield FieldChange(name, _said_entry(edit.old), _said_entry(edit.new))


def said(value: Value | tuple[Edit, ...]) -> str:
    """A value as one line of text."""
    match value:
        case str():
            return value
        case Address():
            parts = [value.street, " ".join(filter(None, [value.postal_code, value.city])), value.region, value.country]
            return ", ".join(filter(None, parts)) or value.text.replace("\n", ", ")
        case tuple():
            return "; ".join(_said_entry(item) for item in value if isinstance(item, Entry))


def _said_entry(entry: Entry | None) -> str:
    if entry is None:
        return ""
    return f"{entry.value} ({entry.label})" if entry.label else entry.value


def name_of(contact: Contact) -> str:
    """How a person would call it; empty when nothing is known of it."""
    full = " ".join(filter(None, [contact.text(FIRST_NAME), contact.text(LAST_NAME)]))
    return (
        full
        or contact.text(ORGANISATION)
        or next((entry.value for value in contact.values.values() if isinstance(value, tuple) for entry in value), "")
    )
