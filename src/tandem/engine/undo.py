"""Take writes back, on a person's word: the plan of returned.py, carried out through the same journal as any other.

Theory: an undo is data - lines of history that a person wants taken back - and every cycle goes on with it until it is done, so a
process may die anywhere in it. It counts as a person's edit on the side where it writes: its settling moves the shadow and not
the base, and the next round of the same cycle carries the return to the other side. What it writes is history again, and can be
taken back in its turn.

Rules: a pair is closed before our copy is removed, so that the source is never born again; nothing is planned twice: what an
undo has applied, or a side has refused, is finished for it. The person's confirmation is the word for the brake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from tandem.core.plan import Action, ActionKind, Plan
from tandem.core.state import Marker, PairId, RecordId, Side
from tandem.engine.apply import Flight, Hand
from tandem.engine.bench import Bench
from tandem.engine.decide import without_unsettled_references
from tandem.engine.decided import Decided, Newborn, as_delta
from tandem.engine.observe import absorb, gather
from tandem.engine.reopening import UNDONE, close, meet
from tandem.engine.returned import Kept, Return, Returns, Step, returns_of
from tandem.engine.settle import Acted
from tandem.errors import TandemError
from tandem.replica import Creation, Handle
from tandem.store import models
from tandem.store.contents import Payload, encode_payload
from tandem.store.journal import Note, OutcomeKind
from tandem.store.moments import linked

_ATTACHED = "something hangs on it by now (deals, activities)"


def note_matches(bench: Bench, cycle: models.Cycle, decided: Decided) -> None:
    """Write the pairs that were found into the history, so that they can be taken back. The caller holds the transaction."""
    found = bench.pairs.of(Side.LEFT, [left.record_id for left, _, _ in decided.births.matched])
    notes = [Note(found[left.record_id].id, Side.LEFT, "match", left.record_id) for left, _, _ in decided.births.matched]
    bench.journal.note(cycle, notes, bench.now())


def preview_undo(bench: Bench, rows: Sequence[models.History]) -> Returns:
    """What the undo of these lines would do now. Looks at both sides; writes nothing, here or there."""
    gathered = [gather(bench, side) for side in Side]
    with linked(bench.alias, bench.link):
        for item in gathered:
            absorb(bench, item)
        found = returns_of(bench, rows)
        locators = {(item.side, item.record): _handle(bench, item) for item in found.of(Step.REMOVE)}
        transaction.set_rollback(True, using=bench.alias)
    return _without_attached(bench, found, locators)


def take_back(bench: Bench, cycle: models.Cycle) -> Acted | None:
    """Go on with what persons want taken back. None when there is nothing to do; then everything wanted is done.

    Errors of the whole link are in the result, as those of any plan.
    """
    for undo in bench.past.wanted():
        acted = _Undoing(bench, cycle, undo).run()
        if acted is not None:
            return acted
    return None


def _handle(bench: Bench, item: Return) -> Handle:
    shadow = bench.archive.shadow(item.side, item.record)
    return Handle(RecordId(item.record), shadow.locator if shadow else item.record)


def _without_attached(bench: Bench, found: Returns, handles: Mapping[tuple[Side, str], Handle]) -> Returns:
    """Keep our copies on which something hangs."""
    for item in found.of(Step.REMOVE):
        if bench.replicas[item.side].has_attachments(handles[item.side, item.record]):
            found.returns.remove(item)
            found.kept.append(Kept(item.pair, item.side, item.record, item.contact, _ATTACHED))
    return found


@dataclass(slots=True)
class _ReturningHand(Hand):
    """Carries the plan of an undo out. What is made again keeps its pair and what else it held."""

    raws: dict[PairId, bytes] = field(default_factory=dict)

    def _record_creations(self, flight: Flight, actions: Sequence[Action]) -> None:
        for action in actions:
            newborn = self.decided.newborn[action.pair]
            pair = self.bench.pairs.one(newborn.pair or 0)
            marker = self.bench.journal.last_marker(pair.id, action.side) or self.bench.new_marker(newborn.record_id)
            self._intent(flight, Payload(contact=newborn.contact, source=newborn.contact), pair=pair, marker=marker)
            flight.requests.append(Creation(newborn.contact, Marker(marker), self.raws[action.pair]))


@dataclass(slots=True)
class _Undoing:
    """One pass over one undo."""

    bench: Bench
    cycle: models.Cycle
    undo: models.Undo

    def run(self) -> Acted | None:
        """Do what can be done now. None when nothing is left to do."""
        found = returns_of(self.bench, self.bench.past.lines(self.undo.changes), self.undo.id)
        handles = {(item.side, item.record): _handle(self.bench, item) for item in found.of(Step.REMOVE)}
        _without_attached(self.bench, found, handles)
        if not found.returns and not found.settling and not found.reopened:
            with self.bench.commit():
                self._count(found)
                self._finish()
            return None
        with self.bench.commit():
            self._count(found)
            self._rearrange(found)
        acted = self._write(found)
        if acted.stopped_by is None and not acted.is_restless:
            # The last step: what is out of the scope is not written any more.
            try:
                self._release(found)
            except TandemError as error:
                acted.stopped_by = error
        acted.is_restless |= bool(found.settling or found.reopened)
        if acted.stopped_by is None and not acted.is_restless and not self.bench.past.is_pending(self.undo.id):
            with self.bench.commit():
                self._finish()
        return acted

    def _count(self, found: Returns) -> None:
        """Keep the numbers of the first pass: a later one finds less to do."""
        if not self.undo.counts:
            self.undo.counts = {"returned": len(found.returns), "kept": len(found.kept)}
            self.bench.past.keep(self.undo)

    def _finish(self) -> None:
        self.undo.done_at = self.bench.now()
        self.bench.past.keep(self.undo)

    def _rearrange(self, found: Returns) -> None:
        """Close and open pairs, before anything is sent."""
        notes: list[Note] = []
        pairs = self.bench.pairs.by_id([*(item.pair for item in found.returns), *found.reopened])
        for item in found.of(Step.REMOVE, Step.UNPAIR):
            close(self.bench, pairs[item.pair], UNDONE)
        for item in found.of(Step.PAIR):
            meet(self.bench, pairs[item.pair])
        for pair_id in found.reopened:
            pairs[pair_id].state, pairs[pair_id].reason, pairs[pair_id].is_dirty = "linked", "", True
            self.bench.pairs.save(pairs[pair_id])
        for step, kind in ((Step.UNPAIR, "unpair"), (Step.PAIR, "match")):
            notes += [Note(item.pair, item.side, kind, item.record, undo=self.undo.id) for item in found.of(step)]
        self.bench.journal.note(self.cycle, notes, self.bench.now())

    def _release(self, found: Returns) -> None:
        """Take records out of the scope. May be repeated freely, so that an answer that is missing is asked for again."""
        for side in Side:
            items = [item for item in found.of(Step.RELEASE) if item.side is side]
            if not items:
                continue
            with self.bench.commit():
                intents = self.bench.journal.record([self._release_intent(item) for item in items])
            self.bench.replicas[side].release([_handle(self.bench, item) for item in items])
            with self.bench.commit():
                for intent in intents:
                    self.bench.journal.settle(intent, OutcomeKind.APPLIED, self.bench.now())
                self.bench.journal.save_settled(intents)
                notes = [Note(item.pair, item.side, "release", item.record, undo=self.undo.id) for item in items]
                self.bench.journal.note(self.cycle, notes, self.bench.now())

    def _release_intent(self, item: Return) -> models.Intent:
        return models.Intent(
            link_id=self.bench.link, cycle=self.cycle, pair_id=item.pair, side=item.side.value, kind="release", record_id=item.record,
            payload=encode_payload(Payload()), sends=[self.bench.now().isoformat()], is_approved=True, undo=self.undo,
        )  # fmt: skip

    def _write(self, found: Returns) -> Acted:
        """Carry out what is to be written, in the usual waves."""
        decided, raws = Decided(), dict[PairId, bytes]()
        actions = [Action(ActionKind.UPDATE, item.side, PairId(item.pair), delta=item.delta) for item in found.of(Step.UPDATE)]
        actions += [Action(ActionKind.DELETE, item.side, PairId(item.pair)) for item in found.of(Step.REMOVE)]
        for item in found.of(Step.RESTORE):
            refusals = self.bench.refusals(item.side, as_delta(item.contact))
            kept = item.contact.restricted(item.contact.values.keys() - refusals.keys())
            key = PairId(-1 - len(decided.newborn))
            decided.newborn[key] = Newborn(item.side.other, item.record, kept, refusals, item.pair)
            raws[key] = item.raw
            actions.append(Action(ActionKind.CREATE, item.side, key))
        ready = without_unsettled_references(self.bench, decided, actions)
        decided.plan = Plan(tuple(ready))
        decided.released = frozenset(PairId(item.pair) for item in found.returns)
        acted = _ReturningHand(self.bench, self.cycle, decided, is_approved=True, undo=self.undo.id, raws=raws).carry_out()
        acted.is_restless |= len(ready) < len(actions)
        return acted
