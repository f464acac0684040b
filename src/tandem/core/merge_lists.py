"""Merging one list (phones, e-mails, messengers): entry by entry, each side against its own base.

Rules
    an entry is what its key says; several of one key on a side count as one, and all stay
    added and removed are both respected; a removal stands against a change of spelling, label or mark (listed as a conflict),
    an addition stands against a removal
    spelling and label of an entry that both bases know are merged like single values; at a first meeting each side keeps its own
    a phone number that was replaced by one with the same last nine digits is the same entry, changed in its place
    which entry is primary is one value of the whole list; a mark that only came with a new first entry or filled the place of
    a removed one is soft: it asks for the other side's mark only where that side has none; there are never two
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tandem.core.canonical import field_kind, fold_organisation
from tandem.core.contact import Change, Edit, Entry, FieldName, Kind
from tandem.core.folding import trimmed
from tandem.core.parts import Conflict, Part, grouped, labels, parts_of, primary_key, texts
from tandem.core.phones import phone_tail
from tandem.core.policy import Policy
from tandem.core.state import Side, Sight


@dataclass(frozen=True, slots=True)
class FieldMerge:
    """The outcome for one field; None: nothing to write."""

    to_left: Change | None = None
    to_right: Change | None = None
    agreed: frozenset[Part] = frozenset()
    conflicts: tuple[Conflict, ...] = ()


@dataclass(slots=True)
class _List:
    """One side of the list, and what shall become of it. A replaced number stands under the key of what it replaced (`moved`)."""

    now: dict[str, list[Entry]]
    base: dict[str, list[Entry]]
    #: Key of the base -> key of the number that replaced it.
    moved: dict[str, str] = field(default_factory=dict)
    #: What to write: other spellings, other labels, keys to remove, keys to add, all of one entry (its other spellings go).
    values: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    added: dict[str, Entry] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    #: The entry that shall bear the mark; None: leave the marks alone.
    mark: str | None = None

    def will_hold(self, key: str | None) -> bool:
        """Whether the entry is there after the merge."""
        return key is not None and (key in self.added or (key in self.now and key not in self.removed))

    def new_value(self, key: str) -> str | None:
        """A spelling that the base does not know, or the number that took the place; None: it was not edited."""
        return _gained([entry.value for entry in self.now[key]], [entry.value for entry in self.base[key]])

    def new_label(self, key: str) -> str | None:
        """A label that the base does not know; None: it was not edited."""
        return _gained([entry.label for entry in self.now[key]], [entry.label for entry in self.base[key]])

    def is_touched(self, key: str) -> bool:
        """Whether an entry of the base was respelled, relabelled or marked."""
        return self.new_value(key) is not None or self.new_label(key) is not None or _is_marked(self.now[key]) > _is_marked(self.base[key])

    def spokesman(self, key: str) -> Entry:
        """The entry that speaks for all of its key: the primary one, else the first."""
        return self.now[key][_place(self.now[key])]

    def is_mark_meant(self) -> bool:
        """Whether somebody moved the mark. One that came with a new entry into a list without mark, or filled a gap, is not meant."""
        mark, was = primary_key(self.now), primary_key(self.base)
        return mark is not None and mark != was and (mark in self.base if was is None else was in self.now)


def _gained(now: Iterable[str], base: Iterable[str]) -> str | None:
    known = {trimmed(text) for text in base}
    return next((text for text in now if trimmed(text) not in known), None)


def _is_marked(group: Iterable[Entry]) -> bool:
    return any(entry.primary for entry in group)


def _place(group: list[Entry]) -> int:
    return next((place for place, entry in enumerate(group) if entry.primary), 0)


def merge_lists(name: FieldName, left: Sight, right: Sight, policy: Policy, chosen: Mapping[Part, Side]) -> FieldMerge:
    """Merge one listed field of two live sides. Nothing is written for what both sides have alike."""
    merging = _Merging(name, left, right, policy, chosen)
    return merging.outcome()


class _Merging:
    """The merge of one list: entries first, then the mark, then what is left of both as edits."""

    def __init__(self, name: FieldName, left: Sight, right: Sight, policy: Policy, chosen: Mapping[Part, Side]) -> None:
        self._name, self._policy, self._chosen = name, policy, chosen
        self._lists = {side: self._list(sight) for side, sight in ((Side.LEFT, left), (Side.RIGHT, right))}
        self._conflicts: list[Conflict] = []
        #: Parts that stay as they are until a person decides.
        self._waiting: set[Part] = set()
        self._changed = {part for list_ in self._lists.values() for part in self._changed_parts(list_)}
        if field_kind(name) is Kind.PHONE:
            self._align_replaced()

    def _list(self, sight: Sight) -> _List:
        now, base = (grouped(self._name, contact.entries(self._name), self._policy.region) for contact in (sight.contact, sight.base))
        return _List(now, base)

    def _changed_parts(self, list_: _List) -> Iterator[Part]:
        for key in list_.now.keys() | list_.base.keys():
            now, base = list_.now.get(key, []), list_.base.get(key, [])
            part = Part(self._name, key)
            if texts(now) != texts(base):
                yield part
            if labels(now) != labels(base):
                yield part.label
        if primary_key(list_.now) != primary_key(list_.base):
            yield Part(self._name)

    def _align_replaced(self) -> None:
        """Put a replaced number under the key of what it replaced, where the other side still has that one."""
        found = {side: _replacements(list_) for side, list_ in self._lists.items()}
        for side, moved in found.items():
            mine, yours = self._lists[side], self._lists[side.other]
            mine.moved = {old: new for old, new in moved.items() if old in yours.now and old in yours.base and new not in yours.now}
        for list_ in self._lists.values():
            back = {new: old for old, new in list_.moved.items()}
            list_.now = {back.get(key, key): group for key, group in list_.now.items()}

    def outcome(self) -> FieldMerge:
        left, right = self._lists.values()
        for key in sorted(left.now.keys() | right.now.keys()):
            self._merge_entry(key)
        self._merge_mark()
        to_left, to_right = _edits(left, right), _edits(right, left)
        written = {part for edits in (to_left, to_right) for part in parts_of({self._name: edits}, self._policy.region)}
        return FieldMerge(
            to_left=to_left or None,
            to_right=to_right or None,
            agreed=frozenset(self._changed - written - self._waiting),
            conflicts=tuple(self._conflicts),
        )

    def _merge_entry(self, key: str) -> None:
        """One entry that at least one side has."""
        holders = [side for side, list_ in self._lists.items() if key in list_.now]
        if len(holders) == 1:
            self._merge_lone(key, holders[0])
        elif all(key in list_.base for list_ in self._lists.values()):
            self._merge_label(key)
            self._merge_value(key)

    def _merge_lone(self, key: str, side: Side) -> None:
        """An entry that only `side` has: added here, or removed there, or something the other side could not take."""
        mine, yours = self._lists[side], self._lists[side.other]
        if key not in mine.base or (key not in yours.base and mine.new_value(key) is not None):
            yours.added[key] = mine.spokesman(key)
        elif key in yours.base:
            mine.removed.add(key)
            if mine.is_touched(key):
                texts_ = {side: mine.spokesman(key).value, side.other: ""}
                self._conflicts.append(Conflict(Part(self._name, key), texts_[Side.LEFT], texts_[Side.RIGHT], side.other))

    def _merge_value(self, key: str) -> None:
        """The spelling, or the number itself where one side replaced it. Two spellings of one number both stay."""
        left, right = self._lists.values()
        for side, mine in self._lists.items():
            yours = self._lists[side.other]
            value = mine.new_value(key)
            if value is None or (key not in mine.moved and yours.new_value(key) is not None):
                continue
            if key in mine.moved:
                if Part(self._name, key).label in self._waiting:
                    self._waiting |= {Part(self._name, key), Part(self._name, mine.moved[key]), Part(self._name, mine.moved[key]).label}
                    continue
                yours.replaced.add(key)
                if yours.new_value(key) is not None:
                    part = Part(self._name, key)
                    self._conflicts.append(Conflict(part, left.spokesman(key).value, right.spokesman(key).value, side))
            if trimmed(value) not in texts(yours.now[key]):
                yours.values[key] = value

    def _merge_label(self, key: str) -> None:
        """The label of an entry that both bases know."""
        left, right = self._lists.values()
        mine, yours = left.new_label(key), right.new_label(key)
        if mine is not None and yours is not None:
            if fold_organisation(mine) != fold_organisation(yours):
                self._label_conflict(key, mine, yours)
        elif mine is not None and trimmed(mine) not in labels(right.now[key]):
            right.labels[key] = mine
        elif yours is not None and trimmed(yours) not in labels(left.now[key]):
            left.labels[key] = yours

    def _label_conflict(self, key: str, mine: str, yours: str) -> None:
        part = Part(self._name, key).label
        winner = self._chosen.get(part) or _edit_over_clearing(mine, yours) or self._policy.conflict_rule(self._name).winner
        self._conflicts.append(Conflict(part, mine, yours, winner))
        match winner:
            case None:
                self._waiting.add(part)
            case Side.LEFT:
                self._lists[Side.RIGHT].labels[key] = mine
            case Side.RIGHT:
                self._lists[Side.LEFT].labels[key] = yours

    def _merge_mark(self) -> None:
        """Which entry is the primary one: a meant move travels, a soft one only fills a gap."""
        marks = {side: primary_key(list_.now) for side, list_ in self._lists.items()}
        if marks[Side.LEFT] == marks[Side.RIGHT]:
            return
        meant = [
            side
            for side, list_ in self._lists.items()
            if list_.is_mark_meant() and all(each.will_hold(marks[side]) for each in self._lists.values())
        ]
        speaker = meant[0] if len(meant) == 1 else self._mark_conflict(marks) if meant else None
        if speaker is not None:
            self._lists[speaker.other].mark = marks[speaker]
        elif not meant:
            for side, list_ in self._lists.items():
                self._fill_gap(list_, self._lists[side.other])

    def _mark_conflict(self, marks: Mapping[Side, str | None]) -> Side | None:
        part = Part(self._name)
        winner = self._chosen.get(part) or self._policy.conflict_rule(self._name).winner
        said = {side: self._lists[side].spokesman(key).value for side, key in marks.items() if key is not None}
        self._conflicts.append(Conflict(part, said[Side.LEFT], said[Side.RIGHT], winner))
        if winner is None:
            self._waiting.add(part)
        return winner

    def _fill_gap(self, target: _List, source: _List) -> None:
        """Mark what the source newly marked, where it is new on the target as well or the target loses its own primary entry."""
        mark, own = primary_key(source.now), primary_key(target.now)
        is_new = mark is not None and mark != primary_key(source.base)
        is_gap = not target.will_hold(own) and (own is not None or mark in target.added)
        if is_new and is_gap:
            target.mark = mark


def _replacements(list_: _List) -> dict[str, str]:
    """Removed key -> added key of the same last digits, where that is the only way to read it."""
    gone = _by_tail(key for key in list_.base if key not in list_.now)
    come = _by_tail(key for key in list_.now if key not in list_.base)
    return {gone[tail][0]: come[tail][0] for tail in gone.keys() & come.keys() if len(gone[tail]) == len(come[tail]) == 1}


def _by_tail(keys: Iterable[str]) -> dict[str, list[str]]:
    tails: dict[str, list[str]] = {}
    for key in keys:
        if tail := phone_tail(key):
            tails.setdefault(tail, []).append(key)
    return tails


def _edit_over_clearing(left: str, right: str) -> Side | None:
    if bool(trimmed(left)) == bool(trimmed(right)):
        return None
    return Side.LEFT if trimmed(left) else Side.RIGHT


def _edits(target: _List, source: _List) -> tuple[Edit, ...]:
    """What turns the target's entries into what was decided: its own order kept, additions last in the order of their source."""
    edits = [Edit(old, new) for key, group in target.now.items() for old, new in zip(group, _after(target, key, group), strict=True)]
    edits += [Edit(None, replace(target.added[key], primary=key == target.mark)) for key in source.now if key in target.added]
    return tuple(edit for edit in edits if edit.old != edit.new)


def _after(target: _List, key: str, group: list[Entry]) -> list[Entry | None]:
    """What becomes of each entry of a key; None: it goes."""
    if key in target.removed:
        return [None for _ in group]
    speaking = _place(group)
    after: list[Entry | None] = []
    for place, entry in enumerate(group):
        if place != speaking:
            after.append(None if key in target.replaced else replace(entry, primary=entry.primary and target.mark is None))
            continue
        is_primary = entry.primary if target.mark is None else key == target.mark
        after.append(Entry(target.values.get(key, entry.value), target.labels.get(key, entry.label), is_primary))
    return after
