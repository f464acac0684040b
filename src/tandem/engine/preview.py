"""What the next cycle would do if nothing changed meanwhile - shown without doing any of it.

Theory: a preview is the very cycle, without its hands. Both sides are read first, with no transaction open; then everything
that a cycle would conclude is written into one transaction, the plan is read off, and the transaction is rolled back. So a
preview cannot differ from the cycle, and cannot leave a trace.

Rules: sends no write; the result holds contact data and is for its owner's eyes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.db import transaction

from tandem.core.contact import FIRST_NAME, LAST_NAME, ORGANISATION, Address, Change, Contact, Edit, Entry, FieldName, Value
from tandem.core.plan import Action, ActionKind
from tandem.core.state import Side
from tandem.engine.bench import Bench
from tandem.engine.decide import Decided, decide
from tandem.engine.observe import absorb, gather
from tandem.store.contents import decode_contact
from tandem.store.pairs import record_of


@dataclass(frozen=True, slots=True)
class FoundPair:
    """Two records found to be the same person, and why."""

    left: str
    right: str
    name: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one record: what stands there, and what would. Both as text; an empty text is nothing."""

    field: FieldName
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One write. `record` is the record written, or for a creation the record of the other side that it comes from."""

    kind: ActionKind
    side: Side
    record: str
    name: str
    changes: tuple[FieldChange, ...]
    #: Why it would be held for a person; empty when it would be carried out.
    held: str = ""


@dataclass(frozen=True, slots=True)
class PlannedConflict:
    """One value that both sides changed differently. Without a winner it waits for a person."""

    name: str
    field: FieldName
    left: str
    right: str
    winner: Side | None


@dataclass(frozen=True, slots=True)
class PlannedQuestion:
    """Records that wait for a person, and why."""

    doubt: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    names: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Preview:
    """The plan of the next cycle."""

    pairs: list[FoundPair] = field(default_factory=list)
    actions: list[PlannedAction] = field(default_factory=list)
    conflicts: list[PlannedConflict] = field(default_factory=list)
    questions: list[PlannedQuestion] = field(default_factory=list)
    #: (side, record, name, reason)
    left_out: list[tuple[Side, str, str, str]] = field(default_factory=list)
    #: Records seen in scope, by side.
    seen: dict[Side, int] = field(default_factory=dict)
    #: Fields that enabling would make, by side.
    to_create: dict[Side, tuple[str, ...]] = field(default_factory=dict)
    #: Fields that stay unsynced, with the sentence that says why.
    lacking: Mapping[FieldName, str] = field(default_factory=dict)
    settling: int = 0

    def count(self, side: Side, kind: ActionKind) -> int:
        """Writes of a kind on a side that would be carried out."""
        return sum(1 for action in self.actions if action.side is side and action.kind is kind and not action.held)


def preview(bench: Bench) -> Preview:
    """Look at both sides and show the plan. Nothing is written, here or there."""
    gathered = [gather(bench, side) for side in Side]
    with transaction.atomic(using=bench.alias):
        for item in gathered:
            absorb(bench, item)
        shown = _show(bench, decide(bench))
        transaction.set_rollback(True, using=bench.alias)
    return shown


def _show(bench: Bench, decided: Decided) -> Preview:
    # What was asked to be taken back was shown by its own preview, and is under way.
    settling = decided.settling + decided.births.quiet + len(bench.past.wanted())
    shown = Preview(lacking=dict(bench.lacking), settling=settling)
    shown.seen = {side: len(bench.archive.live_ids(side)) for side in Side}
    for left, right, evidence in decided.births.matched:
        shown.pairs.append(
            FoundPair(left.record_id, right.record_id, name_of(decode_contact(left.content) or decode_contact(right.content)), evidence)
        )
    shown.actions = [_action(bench, decided, action, "") for action in decided.plan.actions]
    shown.actions += [_action(bench, decided, held.action, held.reason.value) for held in decided.plan.held]
    for pair_id, conflicts in decided.conflicts.items():
        name = name_of(_contact(bench, Side.LEFT, record_of(bench.pairs.one(pair_id), Side.LEFT)))
        shown.conflicts += [PlannedConflict(name, item.part.field, item.left, item.right, item.winner) for item in conflicts]
    for doubtful in decided.births.doubtful:
        names = [*_names(bench, Side.LEFT, doubtful.left), *_names(bench, Side.RIGHT, doubtful.right)]
        shown.questions.append(PlannedQuestion(doubtful.kind.value, doubtful.left, doubtful.right, tuple(names), doubtful.evidence))
    shown.left_out = [(side, record, name_of(_contact(bench, side, record)), reason) for side, record, reason in decided.births.left_out]
    return shown


def _action(bench: Bench, decided: Decided, action: Action, held: str) -> PlannedAction:
    newborn = decided.newborn.get(action.pair)
    if newborn is not None:
        changes = tuple(FieldChange(name, "", said(value)) for name, value in newborn.contact.values.items())
        return PlannedAction(action.kind, action.side, newborn.record_id, name_of(newborn.contact), changes, held)
    record = record_of(bench.pairs.one(action.pair), action.side) or ""
    contact = _contact(bench, action.side, record)
    changes = tuple(_changes(contact, action.delta))
    return PlannedAction(action.kind, action.side, record, name_of(contact), changes, held)


def _changes(contact: Contact, delta: Mapping[FieldName, Change]) -> Iterator[FieldChange]:
    for name, change in delta.items():
        if not isinstance(change, tuple):
            yield FieldChange(name, said(contact.values.get(name, "")), said(change))
            continue
        for edit in change:
            yield FieldChange(name, _said_entry(edit.old), _said_entry(edit.new))


def said(value: Value | tuple[Edit, ...]) -> str:
    """A value as one line of text."""
    match value:
        case str():
            return value
        case Address():
            parts = [value.street, " ".join(filter(None, [value.postal_code, value.city])), value.region, value.country]
            return ", ".join(filter(None, parts)) or value.text.replace("\n", ", ")
        case tuple():
            return "; ".join(_said_entry(item) for item in value if isinstance(item, Entry))


def _said_entry(entry: Entry | None) -> str:
    if entry is None:
        return ""
    return f"{entry.value} ({entry.label})" if entry.label else entry.value


def _contact(bench: Bench, side: Side, record: str | None) -> Contact:
    shadow = bench.archive.shadow(side, record) if record else None
    return decode_contact(shadow.content if shadow else None)


def _names(bench: Bench, side: Side, records: tuple[str, ...]) -> list[str]:
    return [name for record in records if (name := name_of(_contact(bench, side, record)))]


def name_of(contact: Contact) -> str:
    """How a person would call it; empty when nothing is known of it."""
    full = " ".join(filter(None, [contact.text(FIRST_NAME), contact.text(LAST_NAME)]))
    return (
        full
        or contact.text(ORGANISATION)
        or next((entry.value for value in contact.values.values() if isinstance(value, tuple) for entry in value), "")
    )
