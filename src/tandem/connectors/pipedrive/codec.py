"""A Pipedrive person as a contact, and changes of a contact as the body of a write.

Rules: pure. `get` shows what both sides can say; `put` names only the top-level fields that change, each list and address whole as it
stands in the raw person with the change in it; a change of nothing is an empty body.
    - Names go by parts, always both: what `name` alone would be split into is Pipedrive's secret.
    - Pipedrive wants a name. A contact without one is called after its organisation, else its first e-mail, else its first phone.
      Such a name is made up: it never flows back, and follows what it was made from. That it is made up stands in the field of
      the marker, as a digest of the name, so that a name which a human puts in its place is a name; where the company has no such
      field, a name that equals the organisation, an e-mail or a phone counts as made up.
    - The organisation is a reference: `get` is told its name, `put` its id.
Laws (tests/codec): put of get is nothing; get of put shows the change and nothing else; what `get` does not show stays byte by byte.
Sources: Pipedrive's guide to API v2 (names, wholesale lists); live reports that `name` beside the parts is refused.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

from tandem.connectors.http import Json, JsonObject, as_number, object_at, text_at
from tandem.connectors.pipedrive.addresses import get_address, put_address
from tandem.connectors.pipedrive.entries import EMAIL_LABELS, MESSENGER_LABELS, PHONE_LABELS, get_entries, put_entries
from tandem.connectors.pipedrive.layout import Layout, held_at, is_own, put_at
from tandem.connectors.pipedrive.messengers import get_messengers, put_messengers
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
    Contact,
    Delta,
    Edit,
    Entry,
    FieldName,
    Value,
    apply_delta,
)
from tandem.core.state import Marker, Version
from tandem.errors import Malformed

NAMES = frozenset({FIRST_NAME, LAST_NAME})
#: Of an earlier person, what a new one may be given besides.
_REST = ("label_ids", "visible_to", "marketing_status", "birthday", "job_title", "notes")
_MADE_UP = ";name="
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
#: What a made-up name is made from.
_NAMING = frozenset({FIRST_NAME, LAST_NAME, ORGANISATION, EMAILS, PHONES})
#: Parameter of a write -> what it carries. The places of the layout come on top.
_CARRIES: Mapping[str, frozenset[FieldName]] = {
    "name": NAMES,
    "first_name": NAMES,
    "last_name": NAMES,
    "org_id": frozenset({ORGANISATION}),
    "emails": frozenset({EMAILS}),
    "phones": frozenset({PHONES}),
}


class Nameless(ValueError):
    """A person must be called something, and there is nothing to call this one by."""


# --- reading ----------------------------------------------------------------------------------------------------------------


def get(person: JsonObject, layout: Layout, organisation: str) -> Contact:
    """The common view of a person whose organisation bears that name. Malformed for what is no person."""
    values: dict[FieldName, Value] = {
        ORGANISATION: organisation,
        EMAILS: get_entries(person.get("emails"), EMAIL_LABELS),
        PHONES: get_entries(person.get("phones"), PHONE_LABELS),
        MESSENGERS: _messengers(person, layout),
        ADDRESS: get_address(held_at(person, layout.address)),
    }
    if not _is_name_made_up(person, layout, values):
        values |= _parts(person)
    return Contact(values)


def id_of(record: JsonObject) -> str:
    """The id of a record. Malformed without."""
    return str(as_number(record.get("id"), "an id"))


def version_of(record: JsonObject) -> Version:
    """The time of the last change in one spelling, so that later versions of a record are greater texts. Malformed without."""
    return Version(whole_seconds(text_at(record, "update_time")))


def whole_seconds(text: str) -> str:
    """A time of the API in UTC and whole seconds, as the API wants it. Malformed for no time."""
    if _PLAIN_TIME.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Malformed("an update time is no time") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def organisation_of(person: JsonObject) -> str:
    """The id of the organisation, or nothing."""
    org_id = person.get("org_id")
    return str(org_id) if isinstance(org_id, int) and not isinstance(org_id, bool) else ""


def marker_of(person: JsonObject, layout: Layout) -> Marker | None:
    """Our marker, if the person bears one."""
    held = _marker_text(person, layout).partition(_MADE_UP)[0]
    return Marker(held) if held else None


def is_deleted(record: JsonObject) -> bool:
    """Whether the record lies in Pipedrive's bin."""
    return record.get("is_deleted") is True


def _is_name_made_up(person: JsonObject, layout: Layout, values: Mapping[FieldName, Value]) -> bool:
    """Whether the person is called after what else it holds, for want of a name."""
    if layout.marker:
        told = _marker_text(person, layout).partition(_MADE_UP)[2]
        return bool(told) and told == _digest(_whole_name(person))
    contact = Contact(values)
    sources = {contact.text(ORGANISATION), *(entry.value for entry in (*contact.entries(EMAILS), *contact.entries(PHONES)))}
    return _whole_name(person) in {source.strip() for source in sources}


def _parts(person: JsonObject) -> dict[FieldName, Value]:
    first, last = text_at(person, "first_name"), text_at(person, "last_name")
    return {FIRST_NAME: first, LAST_NAME: last} if first or last else {FIRST_NAME: text_at(person, "name")}


def _whole_name(person: JsonObject) -> str:
    parts = (text_at(person, "first_name").strip(), text_at(person, "last_name").strip())
    return " ".join(part for part in parts if part) or text_at(person, "name").strip()


def _messengers(person: JsonObject, layout: Layout) -> tuple[Entry, ...]:
    held = held_at(person, layout.messengers)
    if isinstance(held, str):
        return get_messengers(held)
    return get_entries(held, MESSENGER_LABELS)


def _marker_text(person: JsonObject, layout: Layout) -> str:
    held = held_at(person, layout.marker)
    return held if isinstance(held, str) else ""


def _digest(name: str) -> str:
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode()).hexdigest()[:12]


# --- writing ----------------------------------------------------------------------------------------------------------------


def put(delta: Delta, person: JsonObject, layout: Layout, *, organisation: str, org_id: int | None = None) -> JsonObject:
    """The body that changes a person; empty when there is nothing to write.

    `organisation` is what the present one is called; `org_id` is the one that a new name means, None to leave the organisation.
    Nameless when no name would be left; ValueError when an edit's old entry is not there. Fields without a place are left out.
    """
    before = get(person, layout, organisation)
    body: JsonObject = {}
    if ORGANISATION in delta:
        body["org_id"] = org_id
    for name, key, labels in ((EMAILS, "emails", EMAIL_LABELS), (PHONES, "phones", PHONE_LABELS)):
        if name in delta:
            body[key] = put_entries(person.get(key), _edits(delta[name]), labels)
    _put_messengers(body, delta, person, layout)
    if ADDRESS in delta and layout.address:
        put_at(body, layout.address, put_address(_address(delta[ADDRESS]), held_at(person, layout.address)))
    if _NAMING & delta.keys():
        _put_name(body, delta, person, layout, before)
    return body


def put_new(contact: Contact, layout: Layout, marker: Marker, *, org_id: int | None = None) -> JsonObject:
    """The body that makes a person. Nameless for a contact without name, organisation, e-mail and phone."""
    delta: dict[FieldName, Change] = {
        name: tuple(Edit(None, entry) for entry in value) if isinstance(value, tuple) else value for name, value in contact.values.items()
    }
    empty: JsonObject = {}
    body = put({**delta, FIRST_NAME: contact.text(FIRST_NAME)}, empty, layout, organisation="", org_id=org_id)
    if layout.marker:
        told = text_at(_custom(body), layout.marker).partition(_MADE_UP)[2]
        put_at(body, layout.marker, f"{marker}{_MADE_UP}{told}" if told else marker)
    return body


def with_rest(body: JsonObject, person: JsonObject) -> JsonObject:
    """The body that makes a person, with what an earlier one held besides: other custom fields, labels, visibility."""
    custom = {code: _as_sent(value) for code, value in object_at(person, "custom_fields").items() if value is not None}
    rest: JsonObject = {name: person[name] for name in _REST if person.get(name) not in (None, [], "")}
    return {**rest, **body, "custom_fields": {**custom, **object_at(body, "custom_fields")}}


def _as_sent(value: Json) -> Json:
    """An option of a field is shown with its name, and sent by its id."""
    return value["id"] if isinstance(value, dict) and isinstance(value.get("id"), int) else value


def fields_in(parameters: frozenset[str], layout: Layout) -> frozenset[FieldName]:
    """Which fields the parameters of a write carry."""
    places = {layout.messengers: frozenset({MESSENGERS}), layout.address: frozenset({ADDRESS})}
    return frozenset[FieldName]().union(*(_CARRIES.get(name, places.get(name, frozenset())) for name in parameters))


def joined_name(body: JsonObject) -> JsonObject:
    """The body with one name in the place of its parts, for a server that wants it so.

    A server splits at the last blank: blanks inside the last part become no-break ones, so that the parts come back.
    """
    first, last = text_at(body, "first_name"), text_at(body, "last_name")
    name = " ".join(part for part in (first.strip(), "\u00a0".join(last.split())) if part)
    return {"name": name, **{key: value for key, value in body.items() if key not in ("first_name", "last_name")}}


def _put_name(body: JsonObject, delta: Delta, person: JsonObject, layout: Layout, before: Contact) -> None:
    """Both parts, where the name changes; a made-up name where none is left."""
    after = apply_delta(before, delta)
    first, last = after.text(FIRST_NAME), after.text(LAST_NAME)
    if first or last:
        if NAMES & delta.keys():
            body |= {"first_name": first, "last_name": last}
            _put_digest(body, person, layout, "")
        return
    made_up = _made_up(after)
    if made_up:
        was_made_up = _is_name_made_up(person, layout, before.values)
        if not was_made_up or _whole_name(person) != made_up:
            body |= {"first_name": made_up, "last_name": ""}
            _put_digest(body, person, layout, _digest(made_up))
    elif NAMES & delta.keys():
        raise Nameless


def _made_up(contact: Contact) -> str:
    entries = (*contact.entries(EMAILS), *contact.entries(PHONES))
    return contact.text(ORGANISATION).strip() or next((entry.value.strip() for entry in entries), "")


def _put_digest(body: JsonObject, person: JsonObject, layout: Layout, digest: str) -> None:
    """Note beside the marker whether the name is made up, where that changes."""
    marker, _, told = _marker_text(person, layout).partition(_MADE_UP)
    if layout.marker and told != digest:
        put_at(body, layout.marker, (f"{marker}{_MADE_UP}{digest}" if digest else marker) or None)


def _put_messengers(body: JsonObject, delta: Delta, person: JsonObject, layout: Layout) -> None:
    if MESSENGERS not in delta or not layout.messengers:
        return
    held, edits = held_at(person, layout.messengers), _edits(delta[MESSENGERS])
    if is_own(layout.messengers):
        body[layout.messengers] = put_entries(held, edits, MESSENGER_LABELS)
        return
    before = held if isinstance(held, str) else ""
    after = put_messengers(before, edits)
    if after != before:
        put_at(body, layout.messengers, after or None)


def _custom(body: JsonObject) -> JsonObject:
    held = body.get("custom_fields")
    return held if isinstance(held, dict) else {}


def _edits(change: Change) -> tuple[Edit, ...]:
    if not isinstance(change, tuple):
        raise TypeError("a list changes by edits")
    return change


def _address(change: Change) -> Address:
    if not isinstance(change, Address):
        raise TypeError("an address changes to an address")
    return change
