"""Strict reading of v2 queries and bodies: unknown names, wrong types and overlong texts are refused with the vendor's words.

Rules: a check takes a value and returns the cleaned one or raises `WrongError`; all complaints about a request are collected into one
answer. Query values are text and are read as their type; body values must already be of their type (no "5" for 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias

from tandem.sandbox.pipedrive_errors import invalid
from tandem.sandbox.pipedrive_model import ADDRESS_PARTS, Object, instant
from tandem.sandbox.wire import Json

Check: TypeAlias = Callable[[Json], Json]

SHORT_TEXT = 255
NOTES_MAX = 10_000
LONG_TEXT = 65_535
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class WrongError(Exception):
    """What is wrong with one value; `where` is the path below the parameter."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


def not_a(kind: str) -> WrongError:
    """The vendor's words for a wrong type."""
    return WrongError(f"The value is not a valid '{kind}'")


@dataclass(frozen=True, slots=True)
class Column:
    """How a body parameter is checked; `null` is what null may do there: the name of the switch that decides, or "" for never."""

    check: Check
    null: str = ""


def query(given: tuple[tuple[str, str], ...], allowed: Mapping[str, Callable[[str], Json]]) -> Object:
    """The query read by type; refuses names that the call does not know."""
    complaints: list[str] = []
    values: Object = {}
    for name, text in given:
        check = allowed.get(name)
        if check is None:
            complaints.append(_unknown(name))
            continue
        try:
            values[name] = check(text)
        except WrongError as wrong:
            complaints.append(f"{name}: {wrong}")
    if complaints:
        raise invalid(*complaints)
    return values


def body(given: Object, columns: Mapping[str, Column], accepts_null: Callable[[str], bool]) -> Object:
    """The body cleaned column by column; refuses names that the call does not know."""
    complaints: list[str] = []
    values: Object = {}
    for name, value in given.items():
        column = columns.get(name)
        if column is None:
            complaints.append(_unknown(name))
        elif value is None and column.null and accepts_null(column.null):
            values[name] = None
        else:
            try:
                values[name] = column.check(value)
            except WrongError as wrong:
                complaints.append(f"{name}{wrong.where}: {wrong}")
    if complaints:
        raise invalid(*complaints)
    return values


def _unknown(name: str) -> str:
    return f"{name}: Parameter '{name}' is not allowed for this request"


# --- query values -----------------------------------------------------------------------------------------------------------


def q_integer(text: str) -> Json:
    """A whole number."""
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise not_a("integer")
    return int(text)


def q_boolean(text: str) -> Json:
    """`true` or `false`, nothing else."""
    if text not in ("true", "false"):
        raise not_a("boolean")
    return text == "true"


def q_text(text: str) -> Json:
    """Any text."""
    return text


def q_datetime(text: str) -> Json:
    """RFC 3339 without a fraction of a second; becomes UTC with Z."""
    if not _DATETIME.fullmatch(text):
        raise WrongError(f"The value '{text[:40]}' is not a valid datetime")
    try:
        return instant(datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC))
    except ValueError as error:
        raise WrongError(f"The value '{text[:40]}' is not a valid datetime") from error


def q_choice(*choices: str) -> Callable[[str], Json]:
    """One of the given words."""

    def check(text: str) -> Json:
        if text not in choices:
            raise WrongError(f"The value must be one of {', '.join(choices)}")
        return text

    return check


def q_list(most: int = 0, choices: tuple[str, ...] = ()) -> Callable[[str], Json]:
    """A comma list of words."""

    def check(text: str) -> Json:
        words: list[Json] = [word.strip() for word in text.split(",") if word.strip()]
        if most and len(words) > most:
            raise WrongError(f"The value must not contain more than {most} items")
        strange = [word for word in words if choices and word not in choices]
        if strange:
            raise WrongError(f"The value must be one of {', '.join(choices)}")
        return words

    return check


def q_ids(text: str) -> Json:
    """A comma list of at most 100 ids."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if len(words) > 100:
        raise WrongError("The value must not contain more than 100 items")
    ids: list[Json] = [q_integer(word) for word in words]
    return ids


# --- body values ------------------------------------------------------------------------------------------------------------


def text_up_to(most: int) -> Check:
    """A text, trimmed; at most so many characters."""

    def check(value: Json) -> Json:
        if not isinstance(value, str):
            raise not_a("string")
        if len(value.strip()) > most:
            raise WrongError(f"The value must not be longer than {most} characters")
        return value.strip()

    return check


short_text = text_up_to(SHORT_TEXT)


def integer(value: Json) -> Json:
    """A whole number, not a text that looks like one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise not_a("integer")
    return value


def number(value: Json) -> Json:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise not_a("number")
    return value


def boolean(value: Json) -> Json:
    """True or false."""
    if not isinstance(value, bool):
        raise not_a("boolean")
    return value


def anything(value: Json) -> Json:
    """An object whose inside is of no interest here."""
    if not isinstance(value, dict):
        raise not_a("object")
    return value


def choice(*choices: Json) -> Check:
    """One of the given values."""

    def check(value: Json) -> Json:
        if isinstance(value, bool) or value not in choices:
            raise WrongError(f"The value must be one of {', '.join(str(one) for one in choices)}")
        return value

    return check


def day(value: Json) -> Json:
    """`YYYY-MM-DD`."""
    text = short_text(value)
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise not_a("date")
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise not_a("date") from error
    return text


def birthday(value: Json) -> Json:
    """A day; the empty text is taken and kept as the vendor's zero day."""
    return "0000-00-00" if value == "" else day(value)


def moment(value: Json) -> Json:
    """RFC 3339 without a fraction."""
    if not isinstance(value, str):
        raise not_a("string")
    return q_datetime(value)


def integers(value: Json) -> Json:
    """A list of whole numbers."""
    if not isinstance(value, list):
        raise not_a("array")
    return [integer(one) for one in value]


def contact_list(value: Json) -> Json:
    """E-mails, phones or messengers: label "work" unless given; the last primary wins; without any the first is primary."""
    if not isinstance(value, list):
        raise not_a("array")
    items: list[Json] = []
    primary = 0
    for place, one in enumerate(value):
        if not isinstance(one, dict):
            raise WrongError("The value is not a valid 'object'", f".{place}")
        strange = next((key for key in one if key not in ("value", "label", "primary")), None)
        if strange is not None:
            raise WrongError(f"Parameter '{strange}' is not allowed for this request", f".{place}.{strange}")
        if "value" not in one:
            raise WrongError("The value is required", f".{place}.value")
        text = inner(short_text, one["value"], f".{place}.value")
        label = inner(short_text, one.get("label", "work"), f".{place}.label")
        if inner(boolean, one.get("primary", False), f".{place}.primary"):
            primary = len(items)
        if text:
            items.append({"label": label, "value": text, "primary": False})
    if items:
        chosen = items[min(primary, len(items) - 1)]
        if isinstance(chosen, dict):
            chosen["primary"] = True
    return items


def address(value: Json) -> Json:
    """`value` is required; every part that is not given becomes null."""
    if not isinstance(value, dict):
        raise not_a("object")
    strange = next((key for key in value if key != "value" and key not in ADDRESS_PARTS), None)
    if strange is not None:
        raise WrongError(f"Parameter '{strange}' is not allowed for this request", f".{strange}")
    if "value" not in value:
        raise WrongError("The value is required", ".value")
    cleaned: Object = {"value": inner(text_up_to(LONG_TEXT), value["value"], ".value")}
    for part in ADDRESS_PARTS:
        given = value.get(part)
        cleaned[part] = None if given is None else inner(short_text, given, f".{part}")
    return cleaned


def inner(check: Check, value: Json, where: str) -> Json:
    """Check a part; what is wrong with it is told with the part's place."""
    try:
        return check(value)
    except WrongError as wrong:
        raise WrongError(str(wrong), where) from wrong
