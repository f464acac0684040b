"""Reading a person out of a request body: first the schema, strictly, as the real service does; then the rules for contacts.

Schema errors refuse the whole request, even a batch; the errors of `check` belong to one contact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from phonenumbers import SUPPORTED_REGIONS

from tandem.sandbox.google_errors import ApiError, bad_field, exhausted, invalid
from tandem.sandbox.google_schema import ENUMS, FIELDS, IGNORED_IN_BODY, Field, Part
from tandem.sandbox.wire import Json, JsonObject

MAX_TEXT = 1024
MAX_ITEMS = 500
MAX_CONTACT_BYTES = 128 * 1024
_PERSON_KEYS = frozenset({"resourceName", "etag", "metadata", "memberships"}) | IGNORED_IN_BODY


@dataclass(slots=True)
class PersonBody:
    """A person as it was sent: only contact data, only parts that a client may write. `memberships` is None when not sent."""

    etag: str = ""
    source_etag: str = ""
    resource_name: str = ""
    items: dict[str, list[JsonObject]] = field(default_factory=dict)
    memberships: list[str] | None = None


def read_json(body: bytes) -> JsonObject:
    """The body as an object; an empty one is `{}`."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise bad_field("", "Invalid JSON payload received. Unexpected token.") from None
    return as_object(value, "")


def as_object(value: Json, path: str) -> JsonObject:
    """Take an object, refuse all else."""
    if isinstance(value, dict):
        return value
    raise bad_field(path, f"Invalid value at '{path}' (type.googleapis.com/google.protobuf.Struct), {json.dumps(value)}")


def as_list(value: Json, path: str) -> list[Json]:
    """Take a list, refuse all else; a missing one is empty."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise bad_field(
        path, f"Invalid JSON payload received. Unknown name \"{path.rpartition('.')[2]}\" at '{path}': Proto field is not repeating."
    )


def as_text(value: Json, path: str) -> str:
    """Take a text, refuse all else; a missing one is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise bad_field(path, f"Invalid value at '{_proto(path)}' (TYPE_STRING), {json.dumps(value)}")


def only(value: JsonObject, names: frozenset[str], path: str) -> JsonObject:
    """Refuse a key that the message does not have."""
    for key in value:
        if key not in names:
            where = f" at '{path}'" if path else ""
            raise bad_field(path, f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.')
    return value


def read_person(value: Json, path: str = "person") -> PersonBody:
    """A person by the schema. ApiError 400 for an unknown name, a wrong kind of value, or one object where a list belongs."""
    body = only(as_object(value, path), _PERSON_KEYS | frozenset(FIELDS), path)
    person = PersonBody(as_text(body.get("etag"), f"{path}.etag"), _source_etag(body.get("metadata"), path))
    person.resource_name = as_text(body.get("resourceName"), f"{path}.resource_name")
    if "memberships" in body:
        person.memberships = [name for item in as_list(body["memberships"], f"{path}.memberships") if (name := _membership(item))]
    for name, field_ in FIELDS.items():
        if name in body:
            items = as_list(body[name], f"{path}.{_proto(name)}")
            read = [_item(field_, item, f"{path}.{_proto(name)}[{n}]") for n, item in enumerate(items)]
            person.items[name] = [item for item in read if item]
    return person


def _source_etag(metadata: Json, path: str) -> str:
    """The etag that the body names for the contact source, or nothing."""
    if metadata is None:
        return ""
    sources = as_list(as_object(metadata, f"{path}.metadata").get("sources"), f"{path}.metadata.sources")
    for source in sources:
        if isinstance(source, dict) and source.get("type") == "CONTACT" and isinstance(etag := source.get("etag"), str):
            return etag
    return ""


def _membership(item: Json) -> str:
    """The resource name of the group, from either of its two spellings; empty for a domain membership."""
    group = as_object(as_object(item, "person.memberships").get("contactGroupMembership", {}), "person.memberships")
    name = as_text(group.get("contactGroupResourceName"), "person.memberships")
    group_id = as_text(group.get("contactGroupId"), "person.memberships")
    return name or (f"contactGroups/{group_id}" if group_id else "")


def _item(field_: Field, value: Json, path: str) -> JsonObject:
    """One item without derived and empty parts; empty itself when it is not the contact's or holds nothing."""
    sent = only(as_object(value, path), frozenset(field_.parts) | field_.derived | {"metadata"}, path)
    item: JsonObject = {}
    for key, part in field_.parts.items():
        if (given := sent.get(key)) is not None:
            taken = _value(field_, key, part, given, f"{path}.{_proto(key)}")
            if taken not in ("", 0, False, {}):
                item[key] = taken
    metadata = sent.get("metadata")
    if item and isinstance(metadata, dict):
        source = metadata.get("source")
        if isinstance(source, dict) and source.get("type", "CONTACT") != "CONTACT":
            return {}
        if metadata.get("sourcePrimary") is True:
            item["metadata"] = {"sourcePrimary": True}
    return item


def _value(field_: Field, key: str, part: Part, given: Json, path: str) -> Json:
    """One part, of the right kind."""
    match part, given:
        case (Part.TEXT, str()) | (Part.FLAG, bool()):
            return given
        case Part.NUMBER, int() if not isinstance(given, bool):
            return given
        case Part.DATE, dict():
            return _date(given, path)
        case Part.ENUM, str() if given in ENUMS[field_.message, key]:
            return given
        case Part.ENUM, _:
            kind = f"type.googleapis.com/google.people.v1.{field_.message}.{key[0].upper()}{key[1:]}"
        case Part.DATE, _:
            kind = "type.googleapis.com/google.type.Date"
        case _:
            kind = part.value
    raise bad_field(path, f"Invalid value at '{path}' ({kind}), {json.dumps(given)}")


def _date(given: JsonObject, path: str) -> JsonObject:
    """A date whose year, month or day may be missing."""
    date: JsonObject = {}
    for key, value in only(given, frozenset({"year", "month", "day"}), path).items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_field(path, f"Invalid value at '{path}.{key}' (TYPE_INT32), {json.dumps(value)}")
        if value:
            date[key] = value
    return date


def check(items: Mapping[str, list[JsonObject]]) -> None:
    """The rules for one contact, all fields together as they would be stored. ApiError for the first one broken."""
    for name, values in items.items():
        if FIELDS[name].singleton and len(values) > 1:
            raise invalid(f"Request person.{name} must not contain more than one value for a contact source.")
    if sum(len(values) for values in items.values()) > MAX_ITEMS:
        raise invalid()
    for name, values in items.items():
        for item in values:
            _check_item(name, item)
    if len(json.dumps(items, ensure_ascii=False).encode()) > MAX_CONTACT_BYTES:
        raise exhausted()


def _check_item(name: str, item: JsonObject) -> None:
    for key, value in item.items():
        if isinstance(value, str) and len(value) > MAX_TEXT and name != "biographies" and key not in FIELDS[name].derived:
            raise invalid()
        if isinstance(value, dict) and key in {"date", "startDate", "endDate"} and not _possible(value):
            raise invalid(f"Invalid date at person.{name}.")
    country = item.get("countryCode") if name == "addresses" else None
    if isinstance(country, str) and country.upper() not in SUPPORTED_REGIONS:
        raise invalid(f"Invalid country code: {country}")


def _possible(date: JsonObject) -> bool:
    """Whether month and day are in range; the calendar is not asked."""
    month, day, year = (number if isinstance(number := date.get(key, 0), int) else -1 for key in ("month", "day", "year"))
    return 0 <= month <= 12 and 0 <= day <= 31 and 0 <= year <= 9999


_MASK_SYNTAX = re.compile(r"[A-Za-z0-9_.,]*")


def read_mask(text: str, name: str, allowed: frozenset[str], documented_at: str) -> frozenset[str]:
    """The paths of a mask that must not be empty. ApiError 400 as the service words it."""
    url = f"https://developers.google.com/people/api/rest/v1/{documented_at}"
    if not _MASK_SYNTAX.fullmatch(text):
        place = _proto(name)
        kind = "type.googleapis.com/google.protobuf.FieldMask"
        raise bad_field(place, f"Invalid value at '{place}' ({kind}), Field '{place}', Invalid FieldMask '{text}'")
    paths = [path for path in text.split(",") if path]
    if not paths:
        label = name if name == "readMask" else f"{name} mask"
        raise invalid(f"{label} is required. Please specify one or more valid paths. Valid paths are documented at {url}.")
    for path in paths:
        if path not in allowed:
            raise invalid(f'Invalid {name} mask path: "{path}". Valid paths are documented at {url}.')
    return frozenset(paths)


def _proto(name: str) -> str:
    """A JSON name as the service's messages spell it."""
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


__all__ = ["ApiError", "PersonBody", "as_list", "as_object", "as_text", "check", "only", "read_json", "read_mask", "read_person"]
