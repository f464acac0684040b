"""How each synced field stands in a person of the People API, and how a change is put there.

A lens is a pair of pure functions over the items of one list of the person (`names`, `phoneNumbers`, ...):
`read(items) -> value` and `write(items, change) -> items`. Its laws, held by tests:
    GetPut   writing what was read changes nothing
    PutGet   reading after writing shows what was written, and nothing else moved
    rest     an item that the change does not concern comes out as the very same object; of a changed item only the parts that
             the change names are touched, and the twins that the service derives from these are left out

Where several addresses or organisations stand, the one marked as primary is the synced one, else the first. When it is cleared
the next one comes into view: the service has no way to hold an empty one in front of it.

Source: the People API's discovery document (schemas Name, Organization, PhoneNumber, EmailAddress, ImClient, Address,
FieldMetadata) and observed answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tandem.connectors.google.labels import EMAIL_TYPES, PHONE_TYPES, PROTOCOLS, Vocabulary
from tandem.connectors.wire import JsonObject, object_at, text_at
from tandem.core.contact import (
    ADDRESS,
    EMAILS,
    FIRST_NAME,
    LAST_NAME,
    MESSENGERS,
    ORGANISATION,
    PHONES,
    Address,
    Change,
    Edit,
    Entry,
    FieldName,
    Value,
)

Items = list[JsonObject]


@dataclass(frozen=True, slots=True)
class Lens:
    """One synced field: the list of the person in which it stands, and the two functions."""

    field: str
    read: Callable[[Items], Value]
    write: Callable[[Items, Change], Items]


def _with(item: JsonObject, values: Mapping[str, str], twins: Sequence[str] = ()) -> JsonObject:
    """A copy of an item with texts set in place (empty ones removed) and without the twins derived from them."""
    gone = {key for key, value in values.items() if not value} | set(twins)
    kept: JsonObject = {key: values.get(key, value) for key, value in item.items() if key not in gone}
    kept.update({key: value for key, value in values.items() if value})
    return kept


def _says_something(item: JsonObject) -> bool:
    """Whether more than the service's own notes and a type is left in an item."""
    return any(key not in {"metadata", "type", "formattedType", "current"} for key in item)


def _put_first(items: Items, old: JsonObject, new: JsonObject) -> Items:
    """The items with one of them replaced (or added, or dropped when nothing is left of it)."""
    replacement = [new] if _says_something(new) else []
    if not any(item is old for item in items):
        return [*items, *replacement]
    return [kept for item in items for kept in (replacement if item is old else [item])]


def _is_primary(item: JsonObject, mark: str) -> bool:
    return object_at(item, "metadata").get(mark) is True


def _primary_of(items: Items) -> JsonObject | None:
    """The item that its owner, else the service, marks as the primary one."""
    for mark in ("sourcePrimary", "primary"):
        for item in items:
            if _is_primary(item, mark):
                return item
    return None


def _chosen(items: Items) -> JsonObject:
    """The item that is synced where the common view knows only one."""
    return _primary_of(items) or (items[0] if items else {})


# Names. first = given + middle, last = family + suffix; prefix and phonetics are Google's own.

_NAME_TWINS = ("displayName", "displayNameLastFirst", "unstructuredName")
_NAME_PARTS = ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")


_COMMA = ", "


def _joined(front: str, back: str, between: str = " ") -> str:
    return between.join(part for part in (front, back) if part.strip())


def _unsplit(name: JsonObject) -> str:
    """A name that stands there only as a whole; it counts as a first name."""
    if any(text_at(name, part) for part in _NAME_PARTS):
        return ""
    return text_at(name, "unstructuredName") or text_at(name, "displayName")


def _read_name(front: str, back: str) -> Callable[[Items], Value]:
    def read(items: Items) -> Value:
        name = _chosen(items)
        whole = _unsplit(name) if front == "givenName" else ""
        return whole or _joined(text_at(name, front), text_at(name, back))

    return read


def _write_name(front: str, back: str) -> Callable[[Items, Change], Items]:
    """A part is split anew only when it changes: its end (middle name, suffix) stays while the text still ends with it."""
    read = _read_name(front, back)

    def write(items: Items, change: Change) -> Items:
        text, name = _text(change), _chosen(items)
        if text == read(items):
            return items
        end = text_at(name, back)
        head = text.removesuffix(end).rstrip() if end else ""
        keeps_end = bool(head) and _joined(head, end) == text
        parts = {"givenName": whole} if (whole := _unsplit(name)) else {}
        parts |= {front: head, back: end} if keeps_end else {front: text, back: ""}
        return _put_first(items, name, _with(name, parts, _NAME_TWINS))

    return write


# Organisation: the name of the synced one; its title, department and so on are Google's own.


def _read_organisation(items: Items) -> Value:
    return text_at(_chosen(items), "name")


def _write_organisation(items: Items, change: Change) -> Items:
    old = _chosen(items)
    return _put_first(items, old, _with(old, {"name": _text(change)}))


# Addresses: parts where there are any, else the text. The second line (flat, suite) belongs to the street; a post box is Google's own.

_ADDRESS_PARTS = {
    "city": "city",
    "region": "region",
    "postal_code": "postalCode",
    "country": "country",
}


def _read_address(items: Items) -> Address:
    item = _chosen(items)
    parts = {ours: text_at(item, theirs) for ours, theirs in _ADDRESS_PARTS.items()}
    parts["country"] = parts["country"] or text_at(item, "countryCode")
    street = _joined(text_at(item, "streetAddress"), text_at(item, "extendedAddress"), _COMMA)
    return Address(street, **parts, text=text_at(item, "formattedValue"))


def _split_street(street: str, old: JsonObject) -> dict[str, str]:
    """The street's two lines: the second one stays while the text still ends with it."""
    second = text_at(old, "extendedAddress")
    first = street.removesuffix(f"{_COMMA}{second}") if second else ""
    if first.strip() and _joined(first, second, _COMMA) == street:
        return {"streetAddress": first, "extendedAddress": second}
    return {"streetAddress": street, "extendedAddress": ""}


def _write_address(items: Items, change: Change) -> Items:
    if not isinstance(change, Address):
        raise TypeError("an address wants an address")
    old, before = _chosen(items), _read_address(items)
    if change == (replace(before, text=change.text) if change.has_parts else before):
        return items
    if not change:
        return [item for item in items if item is not old]
    parts: dict[str, str] = {theirs: getattr(change, ours) for ours, theirs in _ADDRESS_PARTS.items()}
    if change.street != before.street:
        parts |= _split_street(change.street, old)
    if change.country == before.country:
        parts["country"] = text_at(old, "country")  # where only its code stands there, that stays
        twins = []
    else:
        twins = ["countryCode"]  # it would contradict the new country
    whole = "" if change.has_parts else change.text
    return _put_first(items, old, _with(old, {**parts, "formattedValue": whole}, twins))


# Listed fields.


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where value and label of an entry stand in an item, and what the service derives from each."""

    value: str
    label: str
    vocabulary: Vocabulary
    value_twins: tuple[str, ...] = ()
    label_twins: tuple[str, ...] = ("formattedType",)

    def entry(self, item: JsonObject, primary: JsonObject | None) -> Entry | None:
        """The item in the common view; None when it holds no value."""
        value = text_at(item, self.value)
        if not value.strip():
            return None
        return Entry(value, self.vocabulary.label(text_at(item, self.label)), item is primary)

    def item(self, old: JsonObject, before: Entry, after: Entry) -> JsonObject:
        """An item that says `after`, made from one that says `before`."""
        new = dict(old)
        if after.value != before.value:
            new = _with(new, {self.value: after.value}, self.value_twins)
        if after.label != before.label:
            type_ = self.vocabulary.type_of(after.label, text_at(old, self.label))
            new = _with(new, {self.label: type_}, self.label_twins)
        return _marked(new, after.primary) if after.primary != before.primary else new


def _marked(item: JsonObject, is_primary: bool) -> JsonObject:
    """An item whose owner says that it is, or is not, the primary one. `primary` itself is the service's to set."""
    metadata: JsonObject = {key: value for key, value in object_at(item, "metadata").items() if key not in {"primary", "sourcePrimary"}}
    if is_primary:
        metadata["sourcePrimary"] = True
    rest: JsonObject = {key: value for key, value in item.items() if key != "metadata"}
    return {"metadata": metadata, **rest} if metadata else rest


def _read_entries(shape: _Shape) -> Callable[[Items], Value]:
    def read(items: Items) -> Value:
        primary = _primary_of(items)
        return tuple(entry for item in items if (entry := shape.entry(item, primary)))

    return read


def _write_entries(shape: _Shape) -> Callable[[Items, Change], Items]:
    def write(items: Items, change: Change) -> Items:
        if not isinstance(change, tuple):
            raise TypeError("a list wants edits")
        primary = _primary_of(items)
        rows: list[tuple[Entry | None, JsonObject]] = [(shape.entry(item, primary), item) for item in items]
        for edit in change:
            _apply(shape, rows, edit)
        if any(_makes_primary(edit) for edit in change):
            rows = _with_one_primary(rows)
        return [item for _, item in rows]

    return write


def _makes_primary(edit: Edit) -> bool:
    return edit.new is not None and edit.new.primary and not (edit.old is not None and edit.old.primary)


def _apply(shape: _Shape, rows: list[tuple[Entry | None, JsonObject]], edit: Edit) -> None:
    """Carry out one edit. ValueError when the entry to change is not there."""
    if edit.old is None:
        if edit.new is not None:
            rows.append((edit.new, shape.item({}, Entry(""), edit.new)))
        return
    position = next((n for n, (entry, _) in enumerate(rows) if entry == edit.old), None)
    if position is None:
        raise ValueError("the entry to change is not there")
    old = rows[position][1]
    rows[position : position + 1] = [] if edit.new is None else [(edit.new, shape.item(old, edit.old, edit.new))]


def _with_one_primary(rows: list[tuple[Entry | None, JsonObject]]) -> list[tuple[Entry | None, JsonObject]]:
    """Where an edit has made one entry the primary one, no other item may claim it."""
    wanted = [item for entry, item in rows if entry is not None and entry.primary][-1]
    return [(entry, item if item is wanted or not _claims(item) else _marked(item, is_primary=False)) for entry, item in rows]


def _claims(item: JsonObject) -> bool:
    return _is_primary(item, "primary") or _is_primary(item, "sourcePrimary")


def _text(change: Change) -> str:
    if not isinstance(change, str):
        raise TypeError("a text wants a text")
    return change


def _listed(field: str, shape: _Shape) -> Lens:
    return Lens(field, _read_entries(shape), _write_entries(shape))


LENSES: Mapping[FieldName, Lens] = {
    FIRST_NAME: Lens("names", _read_name("givenName", "middleName"), _write_name("givenName", "middleName")),
    LAST_NAME: Lens("names", _read_name("familyName", "honorificSuffix"), _write_name("familyName", "honorificSuffix")),
    ORGANISATION: Lens("organizations", _read_organisation, _write_organisation),
    PHONES: _listed("phoneNumbers", _Shape("value", "type", PHONE_TYPES, value_twins=("canonicalForm",))),
    EMAILS: _listed("emailAddresses", _Shape("value", "type", EMAIL_TYPES)),
    MESSENGERS: _listed("imClients", _Shape("username", "protocol", PROTOCOLS, label_twins=("formattedProtocol",))),
    ADDRESS: Lens("addresses", _read_address, _write_address),
}
