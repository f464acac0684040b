"""What the service makes of the data it is given: derived parts, item metadata, etags, and the person that a reader sees.

Composition happens once, when a contact is written; a read picks the fields of its mask and adds what depends on the mask.
Sources: shapes seen in public logs. The line form of addresses and the split of a free name are simplified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

import phonenumbers

from tandem.sandbox.google_model import ContactState, Life, Shelf, timestamp
from tandem.sandbox.google_schema import ETAG_ALWAYS, ETAG_NUMBERS, FIELDS, formatted
from tandem.sandbox.wire import Json, JsonObject

LISTED_ITEMS = 100
_SHOWN_NAME = ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")
_TYPED = frozenset(name for name, field in FIELDS.items() if "formattedType" in field.derived)
_PROFILE = "READ_SOURCE_TYPE_PROFILE"
_CONTACT = "READ_SOURCE_TYPE_CONTACT"


def compose(name: str, items: Iterable[JsonObject], source: JsonObject, shelf: Shelf) -> list[JsonObject]:
    """The items of one field as the service stores them; `source` is their origin (type and id)."""
    given = [dict(item) for item in items]
    primary = next((n for n, item in enumerate(given) if item.get("metadata")), 0)
    composed = []
    for n, item in enumerate(given):
        item.pop("metadata", None)
        metadata: JsonObject = {"primary": True, "sourcePrimary": True, "source": source} if n == primary else {"source": source}
        composed.append({"metadata": metadata, **_derive(name, item, shelf)})
    return composed


def bare(items: Mapping[str, list[JsonObject]]) -> dict[str, list[JsonObject]]:
    """The items as a client would send them: no derived parts, metadata only where it names the primary one out of turn."""
    result: dict[str, list[JsonObject]] = {}
    for name, values in items.items():
        derived = FIELDS[name].derived | {"metadata"}
        result[name] = [{key: value for key, value in item.items() if key not in derived} for item in values]
        for n, item in enumerate(values):
            metadata = item["metadata"]
            if n and isinstance(metadata, dict) and metadata.get("sourcePrimary"):
                result[name][n]["metadata"] = {"sourcePrimary": True}
    return result


def _derive(name: str, item: JsonObject, shelf: Shelf) -> JsonObject:
    """One item with what the service adds to it."""
    if name in _TYPED and isinstance(kind := item.get("type"), str):
        if shelf.is_on("fold_type_case"):
            kind = next((known for known in _KNOWN_TYPES if known.lower() == kind.lower()), kind)
        item["type"], item["formattedType"] = kind, formatted(kind)
    match name:
        case "names":
            _name(item, shelf)
        case "phoneNumbers":
            _phone(item, shelf)
        case "addresses":
            _address(item)
        case "birthdays":
            _birthday(item)
        case "biographies":
            item["value"] = _text(item, "value").replace("\r\n", "\n")
            item.setdefault("contentType", "TEXT_PLAIN")
        case "genders" if item.get("value"):
            item["formattedValue"] = formatted(_text(item, "value"))
        case "imClients" if item.get("protocol"):
            item["formattedProtocol"] = formatted(_text(item, "protocol"))
        case _:
            pass
    return item


_KNOWN_TYPES = (
    "home",
    "work",
    "mobile",
    "other",
    "main",
    "pager",
    "homeFax",
    "workFax",
    "otherFax",
    "workMobile",
    "workPager",
    "googleVoice",
)


def _text(item: JsonObject, key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _name(item: JsonObject, shelf: Shelf) -> None:
    """Names in both orders. A free name that says something else than the parts is split anew and wins (switch)."""
    free = _text(item, "unstructuredName")
    shown = _joined(item)
    if free and (not shown or (free != shown and shelf.is_on("unstructured_name_wins"))):
        for key in _SHOWN_NAME:
            item.pop(key, None)
        words = free.split()
        parts = {"givenName": words[:1], "middleName": words[1:-1], "familyName": words[1:][-1:]}
        item.update({key: " ".join(value) for key, value in parts.items() if value})
        shown = _joined(item)
    family = _text(item, "familyName")
    rest = " ".join(" ".join(_text(item, key) for key in ("givenName", "middleName")).split())
    if shown:
        item["displayName"] = shown
        item["displayNameLastFirst"] = f"{family}, {rest}" if family and rest else shown
        item["unstructuredName"] = free or shown


def _joined(item: JsonObject) -> str:
    return " ".join(" ".join(_text(item, key) for key in _SHOWN_NAME).split())


def _phone(item: JsonObject, shelf: Shelf) -> None:
    canonical = _e164(_text(item, "value"), str(shelf.switches["account_region"]) or None)
    if canonical:
        item["canonicalForm"] = canonical


@lru_cache(maxsize=4096)
def _e164(value: str, region: str | None) -> str:
    """The number in E.164, empty when it cannot be told."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _address(item: JsonObject) -> None:
    """A two-letter country and its code stand for each other; the written form is built unless the user set one."""
    country, code = _text(item, "country"), _text(item, "countryCode")
    if code and not country:
        item["country"] = code
    elif len(country) == 2 and not code and country.upper() in phonenumbers.SUPPORTED_REGIONS:
        item["countryCode"] = country.upper()
    if not item.get("formattedValue"):
        place = " ".join(filter(None, (_text(item, "region"), _text(item, "postalCode"))))
        line = ", ".join(filter(None, (_text(item, "city"), place)))
        parts = [_text(item, key) for key in ("streetAddress", "extendedAddress", "poBox")]
        built = "\n".join(filter(None, [*parts, line, _text(item, "countryCode") or _text(item, "country")]))
        if built:
            item["formattedValue"] = built


def _birthday(item: JsonObject) -> None:
    date = item.get("date")
    if isinstance(date, dict) and date and not item.get("text"):
        item["text"] = "/".join(str(date[key]) for key in ("month", "day", "year") if key in date)


@lru_cache(maxsize=256)
def _etag_head(mask: frozenset[str]) -> bytes:
    """The part of a person etag that depends on the mask alone."""
    numbers = bytes(sorted({*ETAG_ALWAYS, *(ETAG_NUMBERS[name] for name in mask if name in ETAG_NUMBERS)}))
    return b"\x12" + bytes([len(numbers)]) + numbers + b"\x1a\x04\x01\x02\x05\x07"


def person_etag(mask: frozenset[str], source_etag: str) -> str:
    """The etag of a person read under a mask; without a source etag that of a tombstone."""
    tail = b'"' + bytes([len(source_etag)]) + source_etag.encode() if source_etag else b""
    return "%" + base64.b64encode(_etag_head(mask) + tail).decode()


def embedded_etag(etag: str) -> str | None:
    """The source etag inside a person etag; None when it is none."""
    try:
        data = base64.b64decode(etag.removeprefix("%"), validate=True)
    except (ValueError, binascii.Error):
        return None
    at = 0
    while etag.startswith("%") and at + 1 < len(data):
        tag, length = data[at], data[at + 1]
        chunk = data[at + 2 : at + 2 + length]
        if tag == 0x22:
            return chunk.decode("ascii", "replace")
        at += 2 + length
    return None


def person(
    state: ContactState, source_id: str, mask: frozenset[str], sources: frozenset[str], *, merge_profile: bool, listed: bool = False
) -> JsonObject:
    """A live contact as a reader sees it. `listed` cuts each field at 100 items."""
    with_profile = bool(state.profile_id) and merge_profile and _PROFILE in sources
    with_contact = _CONTACT in sources
    result: JsonObject = {"resourceName": state.name, "etag": person_etag(mask, state.etag)}
    if "metadata" in mask:
        result["metadata"] = {"sources": _sources(state, source_id, with_contact, with_profile), "objectType": "PERSON"}
    if with_contact:
        for name, items in state.items.items():
            if name in mask and items:
                result[name] = list(items[:LISTED_ITEMS] if listed else items)
        if "memberships" in mask:
            result["memberships"] = [_membership(group_id, source_id) for group_id in state.groups]
        if "photos" in mask:
            result["photos"] = [_photo(state, source_id)]
    if with_profile:
        for name, items in state.profile.items():
            if name in mask:
                own = result.get(name)
                result[name] = [*(own if isinstance(own, list) else []), *items]
    return result


def tombstone(state: ContactState, source_id: str, mask: frozenset[str]) -> JsonObject:
    """A deleted contact as an incremental listing shows it: no source etag, no time."""
    result: JsonObject = {"resourceName": state.name, "etag": person_etag(mask, "")}
    if "metadata" in mask:
        source: JsonObject = {"type": "CONTACT", "id": source_id}
        result["metadata"] = {"sources": [source], "deleted": True, "objectType": "PERSON"}
    return result


def is_there(state: ContactState) -> bool:
    """Whether a reader finds the contact."""
    return state.life is Life.LIVE


def _sources(state: ContactState, source_id: str, with_contact: bool, with_profile: bool) -> list[Json]:
    sources: list[Json] = []
    if with_contact:
        sources.append({"type": "CONTACT", "id": source_id, "etag": f"#{state.etag}", "updateTime": timestamp(state.updated_at)})
    if with_profile:
        seen: JsonObject = {"objectType": "PERSON", "userTypes": ["GOOGLE_USER"]}
        etag = base64.b64encode(hashlib.sha256(state.profile_id.encode()).digest()[:8]).decode()
        sources.append({"type": "PROFILE", "id": state.profile_id, "etag": f"#{etag}", "profileMetadata": seen})
    return sources


def _membership(group_id: str, source_id: str) -> JsonObject:
    group: JsonObject = {"contactGroupId": group_id, "contactGroupResourceName": f"contactGroups/{group_id}"}
    return {"metadata": {"source": {"type": "CONTACT", "id": source_id}}, "contactGroupMembership": group}


def _photo(state: ContactState, source_id: str) -> JsonObject:
    """The contact's photo, or the one that the service draws."""
    metadata: JsonObject = {"primary": True, "source": {"type": "CONTACT", "id": source_id}}
    if state.photo_url:
        return {"metadata": metadata, "url": state.photo_url}
    drawn = hashlib.sha256(source_id.encode()).hexdigest()[:24]
    return {"metadata": metadata, "url": f"https://lh3.googleusercontent.com/cm/{drawn}=s100", "default": True}
