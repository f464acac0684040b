"""What Pipedrive certainly cannot take, told before anything is sent.

Rules: a value is never cut; the field waits with a sentence. What only the company's own rights decide comes as a refusal of the write.
Sources: Pipedrive's reference (custom fields of type varchar and phone hold 255 characters); the limit of names, e-mails, phones and
parts of addresses is not published, and assumed to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tandem.connectors.http import JsonObject, object_at
from tandem.connectors.pipedrive.layout import Layout
from tandem.core.contact import ADDRESS, FIRST_NAME, LAST_NAME, MESSENGERS, Address, Change, Delta, FieldName

SHORT_TEXT = 255
TOO_LONG = f"Pipedrive takes at most {SHORT_TEXT} characters here."
_NO_PLACE: Mapping[FieldName, str] = {
    MESSENGERS: "This Pipedrive company has no field for messengers: ask an administrator of the company to allow custom fields.",
    ADDRESS: "This Pipedrive company has no field for a person's address: ask an administrator of the company to allow custom fields.",
}


def refusals(delta: Delta, layout: Layout) -> Mapping[FieldName, str]:
    """By field, why it cannot be written."""
    found = {name: TOO_LONG for name, change in delta.items() if any(len(text) > SHORT_TEXT for text in _texts(change))}
    names = [change for name in (FIRST_NAME, LAST_NAME) if isinstance(change := delta.get(name), str)]
    if len(" ".join(names)) > SHORT_TEXT:
        found |= {name: TOO_LONG for name in (FIRST_NAME, LAST_NAME) if name in delta}
    places = {MESSENGERS: layout.messengers, ADDRESS: layout.address}
    return found | {name: sentence for name, sentence in _NO_PLACE.items() if name in delta and not places[name]}


def is_overlong(body: JsonObject, layout: Layout) -> bool:
    """Whether the text that holds all messengers of a person has become longer than its field."""
    text = object_at(body, "custom_fields").get(layout.messengers)
    return isinstance(text, str) and len(text) > SHORT_TEXT


def _texts(change: Change) -> Iterator[str]:
    """The texts that Pipedrive must hold."""
    match change:
        case str():
            yield change
        case Address():
            yield from (change.street, change.city, change.region, change.postal_code, change.country)
        case tuple():
            for edit in change:
                if edit.new is not None:
                    yield from (edit.new.value, edit.new.label)
