"""What the next cycle would do if nothing changed meanwhile - shown without doing any of it.

Theory: a preview is the very cycle, without its hands. Both sides are read first, with no transaction open; then everything
that a cycle would conclude is written into one transaction, the plan is read off, and the transaction is rolled back. So a
preview cannot differ from the cycle, and cannot leave a trace.

Rules: sends no write; the result holds contact data and is for its owner's eyes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from tandem.core.contact import Contact, FieldName
from tandem.core.plan import Action, ActionKind
from tandem.core.state import Side
from tandem.engine.adoption import conclude, nominated, planned
from tandem.engine.aged import BACKUP, check_rested, pair_by_marker
from tandem.engine.bench import Bench
from tandem.engine.decide import decide
from tandem.engine.decided import Decided
from tandem.engine.observe import absorb, gather
from tandem.engine.outside import Seen, keep, read
from tandem.engine.telling import FieldChange, changes_of, name_of, said
from tandem.engine.twins import twins_of
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.moments import linked
from tandem.store.pairs import record_of

__all__ = ["FieldChange", "FoundPair", "PlannedAction", "PlannedConflict", "PlannedQuestion", "Preview", "name_of", "preview", "said"]


#: Why a deletion is not carried out yet: its other half was not listed, which is no proof.
_UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class FoundPair:
    """Two records found to be the same person, and why."""

    left: str
    right: str
    name: str
    evidence: tuple[str, ...]


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
    #: Pairs of which one record stands outside and would be brought in.
    adoptions: list[FoundPair] = field(default_factory=list)
    #: Groups of records that look like one person standing twice on a side.
    twins: Mapping[Side, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
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
    """Look at both sides and show the plan. Nothing is written, here or there. Raises LinkStopped and Unavailable as the cycle would."""
    check_rested(bench)
    gathered = [gather(bench, side) for side in Side]
    seen: Seen = []
    while True:
        shown: Preview | None = None
        with linked(bench.alias, bench.link):
            for item in gathered:
                absorb(bench, item)
            keep(bench, seen)
            pair_by_marker(bench)
            wanted = {} if seen else nominated(bench)
            if not wanted:
                conclude(bench)
                decided = decide(bench)
                if decided.stopped_by is not None:
                    raise decided.stopped_by
                shown = _show(bench, decided)
            transaction.set_rollback(True, using=bench.alias)
        if shown is not None:
            return shown
        seen = read(bench, wanted)


def _show(bench: Bench, decided: Decided) -> Preview:
    # What was asked to be taken back was shown by its own preview, and is under way.
    settling = decided.settling + decided.births.quiet + len(bench.past.wanted())
    shown = Preview(lacking=dict(bench.lacking), settling=settling)
    shown.seen = {side: len(bench.archive.live_ids(side)) for side in Side}
    shown.twins = twins_of(bench.archive)
    for left, right, evidence in decided.births.matched:
        shown.pairs.append(
            FoundPair(left.record_id, right.record_id, name_of(decode_contact(left.content) or decode_contact(right.content)), evidence)
        )
    shown.adoptions = [FoundPair(pair.left_id or "", pair.right_id or "", _name_of_pair(bench, pair), ()) for pair in planned(bench)]
    shown.actions = [_action(bench, decided, action, "") for action in decided.plan.actions]
    shown.actions += [_action(bench, decided, held.action, held.reason.value) for held in decided.plan.held]
    for pair_id, side in decided.expected:
        shown.actions.append(_action(bench, decided, Action(ActionKind.DELETE, side, pair_id), _UNCONFIRMED))
    for pair_id in decided.unclear:
        pair = bench.pairs.one(pair_id)
        ids = (pair.left_id or "", pair.right_id or "")
        shown.questions.append(PlannedQuestion(BACKUP, ids[:1], ids[1:], (_name_of_pair(bench, pair),), tuple(pair.doubted)))
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
    changes = tuple(changes_of(contact, action.delta))
    return PlannedAction(action.kind, action.side, record, name_of(contact), changes, held)


def _contact(bench: Bench, side: Side, record: str | None) -> Contact:
    shadow = bench.archive.shadow(side, record) if record else None
    return decode_contact(shadow.content if shadow else None)


def _name_of_pair(bench: Bench, pair: models.Pair) -> str:
    return next((name for side in Side if (name := name_of(_contact(bench, side, record_of(pair, side))))), "")


def _names(bench: Bench, side: Side, records: tuple[str, ...]) -> list[str]:
    return [name for record in records if (name := name_of(_contact(bench, side, record)))]
