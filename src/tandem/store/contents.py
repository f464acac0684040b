"""Contacts and intents as bytes for binary columns, and back: JSON, so that a database can be read with any tool.

Rules: the only place where the values of core become text. What does not parse is a `StorageError` that names no content.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import msgspec

from tandem.core.contact import Change, Contact, FieldName, Value
from tandem.core.policy import Policy
from tandem.errors import StorageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Payload:
    """What an intent wants, and the two views it was planned on.

    A creation has `contact` (what is to be made) and no delta; an update has a delta against `target`; a reference has `name`.
    """

    source: Contact = field(default_factory=Contact)
    target: Contact = field(default_factory=Contact)
    contact: Contact = field(default_factory=Contact)
    delta: Mapping[FieldName, Change] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Loser:
    """A value that lost a conflict, as kept in the history."""

    field: FieldName
    key: str
    left: str
    right: str
    winner: str


_values: msgspec.json.Decoder[Mapping[FieldName, Value]] = msgspec.json.Decoder(Mapping[FieldName, Value])
_payloads = msgspec.json.Decoder(Payload)
_losers = msgspec.json.Decoder(Loser)
_policies = msgspec.json.Decoder(Policy)


def encode_contact(contact: Contact) -> bytes:
    """The values of a contact as JSON; equal contacts give equal bytes."""
    return msgspec.json.encode(contact.values)


def decode_contact(content: bytes | memoryview | None) -> Contact:
    """The contact of a column; an empty one where there is none."""
    return Contact(_decode(_values, content)) if content else Contact()


def encode_payload(payload: Payload) -> bytes:
    """The payload of an intent."""
    return msgspec.json.encode(payload)


def decode_payload(content: bytes | memoryview) -> Payload:
    """The payload of an intent."""
    return _decode(_payloads, content)


def encode_loser(loser: Loser) -> bytes:
    """One side of history: a value that lost."""
    return msgspec.json.encode(loser)


def decode_loser(content: bytes | memoryview) -> Loser:
    """One side of history: a value that lost."""
    return _decode(_losers, content)


def policy_data(policy: Policy) -> object:
    """A policy as plain JSON data."""
    return msgspec.to_builtins(policy, str_keys=True)


def data_policy(data: object) -> Policy:
    """The policy of plain JSON data."""
    return _decode(_policies, msgspec.json.encode(data))


def _decode(decoder: msgspec.json.Decoder[T], content: bytes | memoryview) -> T:
    try:
        return decoder.decode(content)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise StorageError("A stored value does not parse: was the database written by another version?") from error


def chunks(items: Iterable[T], size: int = 900) -> Iterator[list[T]]:
    """Slices of at most `size`: databases take only so many values in one statement."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def folded_text(text: str) -> str:
    """A text for searching."""
    return unicodedata.normalize("NFC", text).casefold()


def holds(content: bytes, text: str) -> bool:
    """Whether any value of some JSON holds a text, in whatever case."""
    needle = folded_text(text)
    try:
        return any(needle in folded_text(text) for text in _texts(json.loads(content)))
    except ValueError:
        return needle in folded_text(content.decode("utf-8", "replace"))


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case _:
            return
