"""The form of a contact: what it shows of a record, and what a sent form changes in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from tandem.sandbox.pages.contact_book import day_text
from tandem.sandbox.pages.forms import Values, WrongEntry, changed_texts, merge_rows, row_of, text_at
from tandem.sandbox.pages.frame import many_lines, one_line
from tandem.sandbox.wire import Json, JsonObject

#: The lists of the form: the API's field, and the keys of value and kind.
LISTS: Mapping[str, tuple[str, str, str]] = {
    "phones": ("phoneNumbers", "value", "type"),
    "emails": ("emailAddresses", "value", "type"),
    "messengers": ("imClients", "username", "protocol"),
}
_NAME = {"first_name": "givenName", "last_name": "familyName"}
_FIRM = {"company": "name", "job_title": "title"}
_PLACE = {
    "street": "streetAddress",
    "more_street": "extendedAddress",
    "city": "city",
    "region": "region",
    "postal_code": "postalCode",
    "country": "country",
}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})|-{0,2}(\d{2})-(\d{2})")

Items = Mapping[str, list[JsonObject]]


def shown(items: Items) -> Values:
    """A contact's values as the form shows them: of names, companies and addresses the first."""
    texts = {"birthday": "", "notes": ""}
    for field, parts in (("names", _NAME), ("organizations", _FIRM), ("addresses", _PLACE)):
        item = next(iter(items.get(field, ())), {})
        texts |= {name: one_line(text_at(item, part)) for name, part in parts.items()}
        if field == "addresses":
            texts["street"] = many_lines(text_at(item, "streetAddress"))
            if not any(texts[name] for name in _PLACE):
                texts["street"] = many_lines(text_at(item, "formattedValue"))
    for born in items.get("birthdays", ()):
        texts["birthday"] = day_text(born.get("date")) or one_line(text_at(born, "text"))
    for note in items.get("biographies", ()):
        texts["notes"] = many_lines(text_at(note, "value"))
    rows = {name: [row_of(item, value, kind) for item in items.get(field, ())] for name, (field, value, kind) in LISTS.items()}
    return Values(texts, rows)


def changes(items: Items, was: Values, now: Values) -> dict[str, Json]:
    """The fields, as whole lists in the API's form, that the person has changed. WrongEntry."""
    changed = changed_texts(was, now)
    sent: dict[str, Json] = {}
    for field, parts, forgotten in (("names", _NAME, ("unstructuredName",)), ("organizations", _FIRM, ()), ("addresses", _PLACE, _STALE)):
        if changed & set(parts):
            sent[field] = _first_replaced(items.get(field, []), {part: now.text(name) for name, part in parts.items()}, forgotten, changed)
    if "birthday" in changed:
        sent["birthdays"] = _birthdays(now.text("birthday"))
    if "notes" in changed:
        sent["biographies"] = [{"value": now.text("notes"), "contentType": "TEXT_PLAIN"}] if now.text("notes") else []
    for name, (field, value, kind) in LISTS.items():
        if now.rows[name] != was.rows.get(name, []):
            merged = merge_rows(items.get(field, []), was.rows.get(name, []), now.rows[name], value, kind)
            if merged.items != items.get(field, []):
                sent[field] = [*merged.items]
    return sent


#: What the service has built out of the parts, and builds again.
_STALE = ("formattedValue",)


def _first_replaced(items: list[JsonObject], parts: Mapping[str, str], forgotten: tuple[str, ...], changed: set[str]) -> list[Json]:
    """The list with the parts put into its first item; an item in which only a type is left goes."""
    old = items[0] if items else {}
    gone = {*forgotten, *(["countryCode"] if "country" in changed else [])}
    new: JsonObject = {key: value for key, value in {**old, **parts}.items() if value != "" and key not in gone}
    is_empty = not set(new) - {"type", "current", "metadata", "countryCode"}
    return [*([] if is_empty else [new]), *items[1:]]


def _birthdays(text: str) -> list[Json]:
    """A day with or without its year. WrongEntry."""
    if not text:
        return []
    match = _DAY.fullmatch(text)
    year, month, day = (0, 0, 0) if match is None else (int(match[1] or 0), int(match[2] or match[4]), int(match[3] or match[5]))
    try:
        date(year or 2000, month, day)
    except ValueError:
        raise WrongEntry("Write the birthday as 1980-05-31, or without the year as --05-31.") from None
    return [{"date": {**({"year": year} if year else {}), "month": month, "day": day}}]
