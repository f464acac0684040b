"""Parts: the smallest things that are agreed upon, and how a base advances by exactly them.

A part of a single-valued field is the field (empty key). A listed field has, for each entry, the entry itself (its key: whether
it is there, and its spelling) and its label; and, for the whole list, which entry is the primary one (empty key).
Rules: keys are opaque to everybody else. A base advances by the parts that were settled and by nothing else, so that what has
not travelled yet still counts as changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tandem.core.canonical import entry_key, field_kind, same_text, same_value
from tandem.core.contact import LISTED, Contact, Delta, Edit, Entry, FieldName, apply_delta
from tandem.core.folding import trimmed
from tandem.core.state import Side

#: End the key of a part that is only one aspect of an entry. No normal form contains a tab.
_LABEL, _SPELLING = "\tlabel", "\tspelling"


class Part(NamedTuple):
    """One thing that both sides agree upon or not. The key is opaque; it can be stored and compared."""

    field: FieldName
    key: str = ""

    @property
    def label(self) -> Part:
        """The label of this entry, a part of its own."""
        return Part(self.field, self.key + _LABEL)

    @property
    def spelling(self) -> Part:
        """Only how this entry is written, and only where the base knows it at all."""
        return Part(self.field, self.key + _SPELLING)

    @property
    def is_label(self) -> bool:
        """Whether this is the label of an entry."""
        return self.key.endswith(_LABEL)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One part that both sides changed differently, with both texts as they stand, for the history.

    `winner` None: nothing was written for this part, a person decides.
    """

    part: Part
    left: str
    right: str
    winner: Side | None


Groups = Mapping[str, Sequence[Entry]]


def grouped(name: FieldName, entries: Iterable[Entry], region: str) -> dict[str, list[Entry]]:
    """Entries by their keys; several of one key count as one entry. Keys and entries keep their order."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry_key(field_kind(name), entry, region), []).append(entry)
    return groups


def primary_key(groups: Groups) -> str | None:
    """The key of the primary entry, the first one if a side names several."""
    return next((key for key, group in groups.items() if any(entry.primary for entry in group)), None)


def texts(group: Iterable[Entry]) -> list[str]:
    """The spellings within a group, for comparing."""
    return sorted(trimmed(entry.value) for entry in group)


def labels(group: Iterable[Entry]) -> list[str]:
    """The labels within a group, for comparing."""
    return sorted(trimmed(entry.label) for entry in group)


def parts_of(delta: Delta, region: str = "") -> frozenset[Part]:
    """What a delta touches."""
    return frozenset(part for name, change in delta.items() for part in _touched(name, change, region))


def _touched(name: FieldName, change: object, region: str) -> Iterator[Part]:
    if not isinstance(change, tuple):
        yield Part(name)
        return
    for edit in change:
        yield from _edited(name, edit, region)


def _edited(name: FieldName, edit: Edit, region: str) -> Iterator[Part]:
    entries = [entry for entry in (edit.old, edit.new) if entry is not None]
    parts = [Part(name, entry_key(field_kind(name), entry, region)) for entry in entries]
    is_same = len(parts) == 2 and parts[0] == parts[1]
    marks = {entry.primary for entry in entries}
    if True in marks and not (is_same and len(marks) == 1):
        yield Part(name)
    if not is_same or entries[0].value != entries[1].value:
        yield from parts
    if not is_same or entries[0].label != entries[1].label:
        yield from (part.label for part in parts)


def settled_parts(delta: Delta, before: Contact, answer: Contact, region: str = "") -> frozenset[Part]:
    """What a write settled: what its delta touches, and what the server made on its own of the same lists (`answer`).

    A whole list was sent, so whatever in it differs from what was meant is the server's doing: entries that appeared or were
    dropped, other spellings, labels and marks. What humans changed before (`before`) is not settled by it.
    """
    parts, meant = set(parts_of(delta, region)), apply_delta(before, delta)
    for name in delta:
        if field_kind(name) in LISTED:
            wanted, is_ = (grouped(name, contact.entries(name), region) for contact in (meant, answer))
            parts |= set(_rewritten(name, wanted, is_))
    return frozenset(parts)


def _rewritten(name: FieldName, wanted: Groups, is_: Groups) -> Iterator[Part]:
    for key in wanted.keys() | is_.keys():
        part = Part(name, key)
        if key not in wanted or key not in is_:
            yield from (part, part.label)
            continue
        if texts(wanted[key]) != texts(is_[key]):
            yield part.spelling
        if labels(wanted[key]) != labels(is_[key]):
            yield part.label
    if primary_key(wanted) != primary_key(is_):
        yield Part(name)


def was_applied(part: Part, before: Contact, sent: Contact, now: Contact, region: str = "") -> bool:
    """Whether one part of a write whose answer is missing has arrived.

    `before`: what the target held when it was planned, `sent`: what it shall hold, `now`: what it holds. A value that is the
    same but for its writing counts as ours if its text is no longer the one before; a label only if it is ours.
    """
    name = part.field
    if field_kind(name) not in LISTED:
        old, new, found = (contact.values.get(name, "") for contact in (before, sent, now))
        is_same = (not new and not found) or same_value(field_kind(name), new, found, region)
        return is_same and (same_text(new, found) or not same_text(old, found))
    was, wanted, is_ = (grouped(name, contact.entries(name), region) for contact in (before, sent, now))
    if not part.key:
        return primary_key(wanted) in {None, primary_key(is_)}
    key = part.key.partition("\t")[0]
    if (key in wanted) != (key in is_):
        return False
    if key not in wanted or part.is_label:
        return labels(wanted.get(key, [])) == labels(is_.get(key, []))
    return texts(is_[key]) == texts(wanted[key]) or texts(is_[key]) != texts(was.get(key, []))


def advance(base: Contact, parts: frozenset[Part], now: Contact, region: str = "") -> Contact:
    """The base with exactly these parts taken from `now`, or dropped where `now` lacks them."""
    names = {part.field for part in parts}
    single = {name: now.values.get(name, "") for name in names if field_kind(name) not in LISTED}
    listed = {name: _advanced(name, base, parts, now, region) for name in names if field_kind(name) in LISTED}
    return base.replacing({**single, **listed})


def _advanced(name: FieldName, base: Contact, parts: frozenset[Part], now: Contact, region: str) -> tuple[Entry, ...]:
    was, is_ = (grouped(name, contact.entries(name), region) for contact in (base, now))
    groups: dict[str, list[Entry]] = {}
    for key in [*was, *(key for key in is_ if key not in was)]:
        part = Part(name, key)
        is_entry = part in parts or (part.spelling in parts and key in was and key in is_)
        groups[key] = _advanced_group(was.get(key, []), is_.get(key, []), is_entry=is_entry, is_label=part.label in parts)
    if Part(name) in parts:
        groups = {key: _marked_like(group, is_.get(key, [])) for key, group in groups.items()}
    return tuple(entry for group in groups.values() for entry in group)


def _advanced_group(was: list[Entry], is_: list[Entry], *, is_entry: bool, is_label: bool) -> list[Entry]:
    """A group with spellings and labels each from where they belong.

    The primary mark stays as it was, also where the very spelling that bore it went. An entry that is new to the base brings its
    own: where the base names another one before it, that one counts, so that a move of the mark which has not travelled still is a
    change.
    """
    spellings = is_ if is_entry else was
    called = (is_ if is_label else was) or spellings
    marked_at = next((min(place, len(spellings) - 1) for place, entry in enumerate(was or is_) if entry.primary), None)
    return [Entry(entry.value, called[min(place, len(called) - 1)].label, place == marked_at) for place, entry in enumerate(spellings)]


def _marked_like(group: list[Entry], now: list[Entry]) -> list[Entry]:
    return [replace(entry, primary=place < len(now) and now[place].primary) for place, entry in enumerate(group)]
