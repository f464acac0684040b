"""The values of custom fields: each type has its own shape, and none is coerced.

Sources: the vendor's v2 migration guide and its page on custom fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tandem.sandbox.pipedrive_model import Field, Object
from tandem.sandbox.pipedrive_validate import (
    LONG_TEXT,
    Check,
    WrongError,
    address,
    choice,
    day,
    inner,
    integer,
    not_a,
    number,
    short_text,
    text_up_to,
)
from tandem.sandbox.wire import Json

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


def clock_time(value: Json) -> Json:
    """`HH:MM:SS`."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise not_a("time")
    return value


def custom_values(fields: Mapping[str, Field]) -> Check:
    """The `custom_fields` object: keys of custom fields only; null clears; errors name the field."""

    def check(value: Json) -> Json:
        if not isinstance(value, dict):
            raise not_a("object")
        cleaned: Object = {}
        for code, given in value.items():
            known = fields.get(code)
            if known is None or not known.is_custom:
                raise WrongError(f"Unknown key '{code}'")
            cleaned[code] = None if given is None else inner(_custom_check(known), given, f".{code}")
        return cleaned

    return check


def _custom_check(known: Field) -> Check:
    ids = tuple(option.id for option in known.options or ())
    pairs: dict[str, Check] = {"value": number, "currency": short_text}
    checks: dict[str, Check] = {
        "text": text_up_to(LONG_TEXT),
        "double": number,
        "date": day,
        "time": _parts({"value": clock_time, "timezone_name": short_text}),
        "timerange": _parts({"value": clock_time, "until": clock_time, "timezone_name": short_text}),
        "daterange": _parts({"value": day, "until": day}),
        "monetary": _parts(pairs),
        "address": address,
        "enum": choice(*ids),
        "set": _set_of(ids),
        "org": integer,
        "people": integer,
        "user": integer,
    }
    return checks.get(known.type, short_text)


def _parts(parts: Mapping[str, Check]) -> Check:
    def check(value: Json) -> Json:
        if not isinstance(value, dict):
            raise not_a("object")
        strange = next((key for key in value if key not in parts), None)
        if strange is not None:
            raise WrongError(f"Parameter '{strange}' is not allowed for this request", f".{strange}")
        return {key: inner(parts[key], one, f".{key}") if one is not None else None for key, one in value.items()}

    return check


def _set_of(ids: tuple[int, ...]) -> Check:
    def check(value: Json) -> Json:
        if not isinstance(value, list) or not value:
            raise not_a("set")
        return [choice(*ids)(one) for one in value]

    return check
