"""Lists of phones, e-mails and messengers: Pipedrive's entries and the common ones.

Rules: a list is always written whole, because Pipedrive replaces it whole; entries that no edit touches stay as they stood, and so
does what an entry holds beside value, label and primary. Exactly one entry is primary in what is written: of several marked ones
Pipedrive would take the last, of none the first. An entry without text is a placeholder, no value; it is not in the view and is
dropped from a list that is written. A label that already means what it shall mean keeps its spelling.
Sources: Pipedrive's guide to API v2 (wholesale replacement, primary); its lists of labels are what its own pages offer, any text is
taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tandem.connectors.http import Json, JsonObject
from tandem.core.contact import Edit, Entry


@dataclass(frozen=True, slots=True)
class Labels:
    """Which labels mean the same: the text, folded, to the common word. Common words are written as they are."""

    common: Mapping[str, str]

    def read(self, raw: Json) -> str:
        """The common word, or the text itself."""
        text = raw.strip() if isinstance(raw, str) else ""
        return self.common.get(text.casefold(), text)


def _labels(*words: str, also: Mapping[str, str] | None = None) -> Labels:
    return Labels({**{word: word for word in words}, **(also or {})})


PHONE_LABELS = _labels(
    *("work", "home", "mobile", "other", "main", "pager", "work mobile", "work pager", "work fax", "home fax", "other fax", "google voice"),
    also={"cell": "mobile"},
)
EMAIL_LABELS = _labels("work", "home", "other")
MESSENGER_LABELS = _labels(
    *("skype", "jabber", "google", "icq", "aim", "msn", "yahoo", "qq", "netmeeting"),
    also={"google talk": "google", "googletalk": "google", "gtalk": "google"},
)


def get_entries(raw: Json, labels: Labels) -> tuple[Entry, ...]:
    """The entries of a list in its own order; what is no entry is left out."""
    items = raw if isinstance(raw, list) else []
    return tuple(entry for item in items if (entry := _entry(item, labels)) is not None)


def put_entries(raw: Json, edits: Sequence[Edit], labels: Labels) -> list[Json]:
    """The whole list to write. ValueError when the old entry of an edit is not there."""
    items = [item for item in (raw if isinstance(raw, list) else []) if not _is_placeholder(item)]
    chosen: Json = None
    for edit in edits:
        if edit.old is None:
            if edit.new is not None:
                items.append(_item(edit.new, {}, labels))
                chosen = items[-1] if edit.new.primary else chosen
            continue
        place = [_entry(item, labels) for item in items].index(edit.old)
        if edit.new is None:
            del items[place]
            continue
        items[place] = _item(edit.new, _object(items[place]), labels)
        chosen = items[place] if edit.new.primary else chosen
    return _with_one_primary(items, chosen)


def _with_one_primary(items: list[Json], chosen: Json) -> list[Json]:
    """The list with one primary: what an edit made so, else the last that was so, else the first."""
    marked = [place for place, item in enumerate(items) if _object(item).get("primary") is True]
    picked = next((place for place, item in enumerate(items) if item is chosen and chosen is not None), None)
    if picked is None:
        picked = marked[-1] if marked else 0
    return [
        item if not isinstance(item, dict) or (item.get("primary") is True) == (place == picked) else {**item, "primary": place == picked}
        for place, item in enumerate(items)
    ]


def _entry(item: Json, labels: Labels) -> Entry | None:
    if not isinstance(item, dict):
        return None
    value = item.get("value")
    if not isinstance(value, str) or not value.strip():
        return None
    return Entry(value, labels.read(item.get("label")), item.get("primary") is True)


def _item(entry: Entry, old: JsonObject, labels: Labels) -> JsonObject:
    label = old.get("label")
    kept = label if isinstance(label, str) and labels.read(label) == labels.read(entry.label) else labels.read(entry.label)
    return {**old, "value": entry.value, "label": kept, "primary": entry.primary}


def _is_placeholder(item: Json) -> bool:
    value = _object(item).get("value")
    return isinstance(item, dict) and (value is None or (isinstance(value, str) and not value.strip()))


def _object(item: Json) -> JsonObject:
    return item if isinstance(item, dict) else {}
