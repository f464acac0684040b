"""Forms that change only what the person has changed.

Theory: a form carries along what it showed when it was made. What was sent is compared with that, and only the differences are put
into the record as it is by then: an edit that somebody else made meanwhile stays, and so does what the form never showed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tandem.sandbox.pages.frame import Form, one_line
from tandem.sandbox.wire import Json, JsonObject

#: A value and what it is called (its type or label).
Row: TypeAlias = tuple[str, str]


class WrongEntry(ValueError):
    """A field cannot be what was entered; the text says what to do."""


def told(error: ValueError) -> str:
    """What a form says when what was entered is refused, here or by the service."""
    return (
        str(error) if isinstance(error, WrongEntry) else f"Not saved, the service refused it: {error} Correct or shorten what you entered."
    )


@dataclass(slots=True)
class Values:
    """What a form shows or was sent: single texts, lists of rows, and sets of ticked boxes, by name."""

    texts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    ticks: dict[str, list[str]] = field(default_factory=dict)

    def dump(self) -> str:
        """As a text that a form carries along."""
        return json.dumps([self.texts, self.rows, self.ticks])

    def text(self, name: str) -> str:
        """One text without blanks round it; empty when missing."""
        return self.texts.get(name, "").strip()


def entered(form: Form, like: Values) -> Values:
    """What was sent, in the shape of what the form showed."""
    return Values(
        {name: form.one(name, shown) for name, shown in like.texts.items()},
        {name: list(zip(form.every(f"{name}_value"), form.every(f"{name}_kind"), strict=False)) for name in like.rows},
        {name: form.every(name) for name in like.ticks},
    )


def carried(form: Form, default: Values) -> Values:
    """What the form showed; the default when it does not say so readably."""
    try:
        texts, rows, ticks = json.loads(form.one("was"))
        return Values(
            {str(name): str(text) for name, text in texts.items()},
            {str(name): [(str(value), str(kind)) for value, kind in some] for name, some in rows.items()},
            {str(name): [str(one) for one in some] for name, some in ticks.items()},
        )
    except (ValueError, TypeError, AttributeError):
        return default


def changed_texts(was: Values, now: Values) -> set[str]:
    """The names of the texts that differ."""
    return {name for name, text in now.texts.items() if text != was.texts.get(name, "")}


@dataclass(frozen=True, slots=True)
class Merged:
    """The items of a list after an edit, and which of the form's rows each of them comes from."""

    items: list[JsonObject]
    origins: list[int | None]


def merge_rows(items: Iterable[JsonObject], was: Sequence[Row], now: Sequence[Row], value: str, kind: str) -> Merged:
    """Put the changed rows into the items; `value` and `kind` are the keys of the two parts. An emptied row takes its item along."""
    present = [dict(item) for item in items]
    origins: list[int | None] = [None] * len(present)
    for place, row in enumerate(now):
        before = was[place] if place < len(was) else ("", "")
        same = (n for n, item in enumerate(present) if origins[n] is None and row_of(item, value, kind) == before != ("", ""))
        at = next(same, None)
        if row == before:
            if at is not None:
                origins[at] = place
            continue
        text, name = row[0].strip(), row[1].strip()
        if at is None and text:
            present.append(_with({}, {value: text, kind: name}))
            origins.append(place)
        elif at is not None and text:
            present[at], origins[at] = _with(present[at], {value: text, kind: name}), place
        elif at is not None:
            del present[at], origins[at]
    return Merged(present, origins)


def with_blank(rows: Sequence[Row], *, keeps: bool) -> list[Row]:
    """The rows with one empty one at the end; `keeps` leaves those that are empty already, so that there is one more each time."""
    shown = list(rows)
    while shown and shown[-1] == ("", "") and not keeps:
        shown.pop()
    return [*shown, ("", "")]


def row_of(item: JsonObject, value: str, kind: str) -> Row:
    """An item as a row of a form."""
    return one_line(text_at(item, value)), one_line(text_at(item, kind))


def _with(item: JsonObject, parts: JsonObject) -> JsonObject:
    return {key: part for key, part in {**item, **parts}.items() if part != ""}


def text_at(item: JsonObject, key: str) -> str:
    """A text in an object; empty when there is none."""
    value = item.get(key)
    return value if isinstance(value, str) else ""


def objects(value: Json) -> list[JsonObject]:
    """The objects in a list; nothing for all else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
