"""What people do on both sides, at random, and the log of it: whatever an edit changed stands there value by value.

Every value that is typed is new (`Words`), except where somebody types again what was there before; so that a value which is gone,
or stands where nobody typed it, can be told from all others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.stage import Stage
from simulation.views import GOOGLE, LISTS, PIPEDRIVE, TEXTS, View, is_untouched, rests, views
from tandem.sandbox.service import HumanError

Raw: TypeAlias = dict[str, object]
SIDES = (GOOGLE, PIPEDRIVE)


@dataclass(frozen=True)
class Edit:
    """One field of one record changed by a human: values that went, and values that came. Labels and marks are no values."""

    n: int
    side: str
    record: str
    field: str
    gone: frozenset[str]
    come: frozenset[str]


@dataclass(frozen=True)
class Event:
    """A record that a human made, deleted, restored, or took out of what is synced or back in; and what it said then."""

    n: int
    what: str
    side: str
    record: str
    view: View


@dataclass
class Log:
    """Everything that people did, and what the unsynced rest of each record was when a human last let go of it."""

    edits: list[Edit] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rest: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)
    #: Marks that somebody moved and that nobody touched since: (side, record, field) -> the entry.
    marks: dict[tuple[str, str, str], str] = field(default_factory=dict)
    #: Organisations that somebody renamed: when, from what, to what.
    renames: list[tuple[int, str, str]] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    #: What was found wrong on the way.
    faults: list[str] = field(default_factory=list)
    n: int = 0

    def later_names(self, organisation: str, since: int = 0) -> set[str]:
        """What an organisation of this name was renamed to afterwards."""
        names = {organisation}
        for n, old, new in self.renames:
            if n >= since and old in names:
                names.add(new)
        return names - {organisation}

    def made(self, side: str) -> set[str]:
        """Records that a human made or restored."""
        return {event.record for event in self.events if event.side == side and event.what == "made"}

    def last(self, what: str, side: str, record: str) -> Event | None:
        """The last event of a kind of one record."""
        found = [event for event in self.events if (event.what, event.side, event.record) == (what, side, record)]
        return found[-1] if found else None

    def of(self, *records: tuple[str, str], name: str = "") -> list[Edit]:
        """The edits of some records, given as (side, id), oldest first."""
        return [edit for edit in self.edits if (edit.side, edit.record) in records and name in {"", edit.field}]


class Words:
    """Values that nobody has typed yet."""

    def __init__(self) -> None:
        self._n = 0

    def _next(self) -> int:
        self._n += 1
        return self._n

    def name(self) -> str:
        """A name in letters, that folds to nothing else."""
        n, letters = self._next() * 7919 % 17576, ""
        for _ in range(3):
            n, rest = divmod(n, 26)
            letters += "abcdefghijklmnopqrstuvwxyz"[rest]
        return f"{letters.capitalize()}{'aeiou'[self._n % 5]}ko{'bdgklmnrst'[self._n % 10]}"

    def phone(self) -> str:
        """A phone number."""
        n = self._next()
        return f"+48 6{n // 1000 % 100:02d} {n % 1000:03d} {(n * 37) % 1000:03d}"

    def email(self) -> str:
        """An address of e-mail."""
        return f"u{self._next()}@example.com"

    def handle(self) -> str:
        """A name in a messenger."""
        return f"handle{self._next()}"

    def company(self) -> str:
        """A name of an organisation."""
        return f"Firma {self.name()} {self._n}"

    def street(self) -> tuple[str, str]:
        """Street and town."""
        return f"{self.name()} {self._next()}", self.name()

    def note(self) -> str:
        """Some text."""
        return f"Note {self._next()}"


@dataclass
class Hands:
    """People at both services."""

    stage: Stage
    rng: random.Random
    #: What they do, by name: the deed, and how likely it is.
    deeds: Mapping[str, tuple[Callable[[Hands], None], int]]
    log: Log = field(default_factory=Log)
    words: Words = field(default_factory=Words)
    #: Where somebody edited last: the next edit is likely to meet it on the other side.
    hot: tuple[str, str] = ("", "")

    def do(self, what: str = "") -> None:
        """Let somebody do something (or the named thing); what is impossible just now is left."""
        name = what or self.rng.choices(list(self.deeds), [weight for _, weight in self.deeds.values()])[0]
        self.watched(name, lambda: self.deeds[name][0](self))

    def watched(self, name: str, act: Callable[[], None]) -> None:
        """Do something, and keep what it changed."""
        log = self.log
        log.n += 1
        before = {side: views(self.stage, side) for side in SIDES}
        self._check_rest()
        try:
            act()
        except HumanError as error:
            log.trace.append(f"{log.n} {name}: not possible ({error})")
            return
        log.trace.append(f"{log.n} {name}")
        for side in SIDES:
            after = views(self.stage, side)
            for record in sorted(before[side].keys() | after.keys()):
                self._keep(side, record, before[side].get(record), after.get(record))
            log.rest.update({(side, record): rest for record, rest in rests(self.stage, side).items()})

    def _check_rest(self) -> None:
        """What no human touched has not moved (P5)."""
        for side in SIDES:
            for record, rest in rests(self.stage, side).items():
                known = self.log.rest.get((side, record))
                if known is not None and not is_untouched(known, rest):
                    self.log.faults.append(f"P5 {side} {record}: {known} became {rest}")
                self.log.rest[side, record] = rest

    def _keep(self, side: str, record: str, before: View | None, after: View | None) -> None:
        log = self.log
        if after is None:
            assert before is not None
            log.events.append(Event(log.n, "deleted", side, record, before))
            log.trace.append(f"    {side} {record} deleted")
            return
        was = before
        if before is None:
            deleted = log.last("deleted", side, record)
            what, was = ("restored", deleted.view) if deleted else ("made", None)
            log.events.append(Event(log.n, what, side, record, after))
            log.trace.append(f"    {side} {record} {what}: {sorted(after.values())}")
        if before is not None and before.in_scope != after.in_scope:
            log.events.append(Event(log.n, "entered" if after.in_scope else "left", side, record, after))
            log.trace.append(f"    {side} {record} {'entered' if after.in_scope else 'left'}")
        for name in (*TEXTS, *LISTS):
            gone, come = _values(was, name) - _values(after, name), _values(after, name) - _values(before, name)
            if gone or come:
                log.edits.append(Edit(log.n, side, record, name, gone, come))
                if before is not None:
                    log.trace.append(f"    {side} {record} {name}: {sorted(gone)} -> {sorted(come)}")
            if name in LISTS and before is not None and before.lists[name] != after.lists[name]:
                log.marks.pop((side, record, name), None)
                is_meant = before.lists[name].keys() == after.lists[name].keys() and before.primary(name) != after.primary(name)
                if is_meant:
                    log.marks[side, record, name] = after.primary(name)
                if not (gone or come):
                    log.trace.append(f"    {side} {record} {name}: {dict(after.lists[name])}")

    # Choosing

    def some(self, side: str, rows: Sequence[Raw]) -> Raw:
        """A record, often the one where something just happened. HumanError when there is none."""
        if not rows:
            raise HumanError("nobody there")
        hot = [one for one in rows if (side, str(one["id"])) == self.hot]
        return hot[0] if hot and self.rng.random() < 0.4 else self.rng.choice(sorted(rows, key=lambda one: str(one["id"])))

    def contact(self) -> Raw:
        """A living contact."""
        return self.some(GOOGLE, self.stage.google())

    def person(self) -> Raw:
        """A living person."""
        return self.some(PIPEDRIVE, self.stage.pipedrive())

    def warm(self, side: str, record: object) -> None:
        """Make the partner of a record likely to be edited next."""
        from tandem.store import models

        column, other = ("left_id", "right_id") if side == GOOGLE else ("right_id", "left_id")
        pair = models.Pair.objects.using(self.stage.alias).filter(**{column: str(record)}).first()
        if pair is not None and getattr(pair, other):
            self.hot = (PIPEDRIVE if side == GOOGLE else GOOGLE, str(getattr(pair, other)))

    # Editing

    def change_contact(self, one: Raw, **fields: object) -> None:
        """Save a contact with some lists changed."""
        self.stage.google_does("update", id=one["id"], fields=fields)
        self.warm(GOOGLE, one["id"])

    def change_person(self, one: Raw, **values: object) -> None:
        """Save a person with some fields changed."""
        self.stage.pipedrive_does("update_person", id=one["id"], **values)
        self.warm(PIPEDRIVE, one["id"])

    def earlier(self, side: str, record: object, name: str) -> str:
        """What stood in a field before; empty when nothing did."""
        texts = [value for edit in self.log.of((side, str(record)), name=name) for value in sorted(edit.gone)]
        return self.rng.choice(texts) if texts else ""


def _values(view: View | None, name: str) -> frozenset[str]:
    if view is None:
        return frozenset()
    return frozenset(view.lists[name]) if name in LISTS else frozenset({view.texts[name]} - {""})
