"""JSON as the services speak it, taken apart safely.

Rules: whatever is not of the expected shape is `Malformed`, never an AttributeError or a KeyError somewhere deep; messages name
what was expected and where, never what stood there.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from tandem.errors import Malformed

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"


#: Escapes of a JSON text: a whole surrogate pair, half of one, anything else.
_ESCAPES = re.compile(rb"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(\\ud[89a-f][0-9a-f]{2})|\\.", re.IGNORECASE | re.DOTALL)


def whole_characters(content: bytes) -> bytes:
    """JSON text in which half a character (a lone surrogate, which no parser takes) is U+FFFD: one such name must not hide a page."""
    if b"\\ud" not in content and b"\\uD" not in content:
        return content
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], content)


def parse(content: bytes) -> Json:
    """JSON text in UTF-8. Malformed for anything else."""
    try:
        parsed: Json = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("an answer is no JSON") from None
    return parsed


def as_object(value: Json, where: str = "an answer") -> JsonObject:
    """The value as an object. Malformed otherwise."""
    if not isinstance(value, dict):
        raise Malformed(f"{where} is no object")
    return value


def as_list(value: Json, where: str = "an answer") -> list[Json]:
    """The value as a list. Malformed otherwise."""
    if not isinstance(value, list):
        raise Malformed(f"{where} is no list")
    return value


def as_text(value: Json, where: str = "an answer") -> str:
    """The value as text. Malformed otherwise."""
    if not isinstance(value, str):
        raise Malformed(f"{where} is no text")
    return value


def as_number(value: Json, where: str = "an answer") -> int:
    """The value as a whole number. Malformed otherwise."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"{where} is no whole number")
    return value


def object_at(parent: JsonObject, key: str) -> JsonObject:
    """The object under a key; an empty one when the key is absent or null. Malformed for another shape."""
    value = parent.get(key)
    if isinstance(value, dict):  # nearly always; listings are long
        return value
    return {} if value is None else as_object(value, key)


def objects_at(parent: JsonObject, key: str) -> list[JsonObject]:
    """The list of objects under a key; empty when the key is absent or null. Malformed for another shape."""
    value = parent.get(key)
    return [] if value is None else [as_object(item, key) for item in as_list(value, key)]


def text_at(parent: JsonObject, key: str) -> str:
    """The text under a key; empty when the key is absent or null. Malformed for another shape."""
    value = parent.get(key)
    if isinstance(value, str):
        return value
    return "" if value is None else as_text(value, key)


def number_at(parent: JsonObject, key: str) -> int:
    """The whole number under a key; 0 when the key is absent or null. Malformed for another shape."""
    value = parent.get(key)
    return 0 if value is None else as_number(value, key)
