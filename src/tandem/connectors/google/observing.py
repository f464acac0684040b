"""From persons of the People API to sightings: what one answer, or one page, says about which record.

Rules: an item that cannot be understood is `Unreadable`, never left out and never taken for deleted; a deletion is only what
the service calls one (`metadata.deleted`), a 404 is `Absent`.

Source: the reference of `people.connections.list` (deleted persons, previous resource names); observed tombstones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tandem.connectors.google import codec
from tandem.connectors.wire import JsonObject, as_object, number_at, object_at, objects_at, parse, text_at
from tandem.core.state import RecordId, Version
from tandem.errors import Malformed
from tandem.replica import Absent, Handle, Observation, Sighting, Tombstone, Unreadable

#: A time of the service: UTC, the seconds with any number of decimals.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z")
#: google.rpc.Code.NOT_FOUND
_NOT_FOUND = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """One person of a page, and the resource names that it had before."""

    sighting: Sighting
    former_names: tuple[str, ...] = ()


def raw_of(person: JsonObject) -> bytes:
    """The raw record of a person that came inside another answer."""
    return json.dumps(person, ensure_ascii=False, separators=(",", ":")).encode()


def observe(person: JsonObject, group: str, *, raw: bytes | None = None, is_whole: bool = False) -> Observation:
    """A live person. `is_whole`: the answer is of a kind that cuts no lists. Malformed when it is no contact."""
    source = codec.contact_source(person)
    locator = text_at(person, "resourceName")
    if not locator or not text_at(source, "id"):
        raise Malformed("a contact lacks its id or its name")
    return Observation(
        handle=Handle(codec.record_id(person), locator),
        version=version_of(source),
        contact=codec.get(person),
        raw=raw_of(person) if raw is None else raw,
        in_scope=codec.is_member(person, group),
        marker=codec.marker_of(person),
        is_partial=not is_whole and bool(codec.cut_lists(person)),
    )


def version_of(source: JsonObject) -> Version:
    """The time of the last change, and the etag: of one contact, a later state sorts behind an earlier one. Malformed without both.

    The time has six decimals or fewer, so they are filled up: as it comes, `...22Z` would sort behind `...22.5Z`.
    """
    etag, changed = text_at(source, "etag"), _TIME.fullmatch(text_at(source, "updateTime"))
    if changed is None:
        raise Malformed("a contact lacks the time of its last change")
    if not etag:
        raise Malformed("a contact lacks its etag")
    return Version(f"{changed[1]}.{(changed[2] or '')[:6]:0<6} {etag}")


def see(raw: bytes, group: str) -> Seen:
    """One person of a listing. Malformed when not even its id can be told."""
    person = as_object(parse(raw))
    metadata = object_at(person, "metadata")
    former = tuple(name for name in _names(metadata))
    if metadata.get("deleted") is True:
        return Seen(Tombstone(_handle(person)), former)
    try:
        return Seen(observe(person, group, raw=raw), former)
    except Malformed:
        return Seen(Unreadable(_handle(person), "Google's answer about this contact could not be understood."), former)


def answers(responses: Sequence[JsonObject], handles: Sequence[Handle], group: str) -> list[Sighting]:
    """What a read of several contacts says about each of them, in the order of the handles."""
    by_name = {text_at(response, "requestedResourceName"): response for response in responses}
    return [_answer(by_name.get(handle.locator), handle, group) for handle in handles]


def _answer(response: JsonObject | None, handle: Handle, group: str) -> Sighting:
    if response is None:
        return Unreadable(handle, "Google left this contact out of its answer.")
    if "person" in response:
        return about(object_at(response, "person"), handle, group)
    if number_at(object_at(response, "status"), "code") == _NOT_FOUND or number_at(response, "httpStatusCode") == 404:
        return Absent(handle)
    return Unreadable(handle, "Google did not show this contact.")


def about(person: JsonObject, handle: Handle, group: str, *, is_whole: bool = False) -> Sighting:
    """What a person that was asked for by a handle says about that record."""
    try:
        found = observe(person, group, is_whole=is_whole)
    except Malformed:
        return Unreadable(handle, "Google's answer about this contact could not be understood.")
    return found if found.handle.id == handle.id else Tombstone(handle, merged_into=found.handle.id)


def _handle(person: JsonObject) -> Handle:
    """How to reach it. A tombstone has little more than this."""
    name = text_at(person, "resourceName")
    try:
        found: RecordId | None = codec.record_id(person)
    except Malformed:
        found = codec.id_of_name(name)
    if not found or not name:
        raise Malformed("a person of the listing has no id")
    return Handle(found, name)


def _names(metadata: JsonObject) -> list[str]:
    value = metadata.get("previousResourceNames")
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def created(answer: JsonObject, group: str) -> list[Observation]:
    """What a batch has made, as far as it can be read."""
    return [found for response in objects_at(answer, "createdPeople") if (found := _made(response, group))]


def _made(response: JsonObject, group: str) -> Observation | None:
    try:
        return observe(object_at(response, "person"), group)
    except Malformed:
        return None
