"""Reconcile the pairs that moved since they were last settled, one by one: what the decision table says, and what persons said.

Rules: no network. A pair's state and what both its sides agree on are written; what is to be sent is returned as actions.
A pair with a write that has no answer, or whose record another link is writing, is left for later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tandem.core.contact import Contact, Delta, FieldName
from tandem.core.merge import Merged
from tandem.core.plan import Action, ActionKind, HoldReason, count_blanks
from tandem.core.reconcile import (
    AskDeletion,
    Close,
    CloseReason,
    Delete,
    DeletionAgainstEdit,
    Freeze,
    Meet,
    Nothing,
    Wait,
    Write,
    reconcile,
)
from tandem.core.state import PairId, PairState, Presence, Side, Sight
from tandem.engine.aged import BACKUP, Age, age_of, follow, judge, shown_of, still_doubted
from tandem.engine.answers import REJECT, Said, ask_about_survivor, reject_update, survivor_print
from tandem.engine.bases import agree, base_of, field_print, fit_mapping, park
from tandem.engine.bench import Bench
from tandem.engine.decided import Decided, add_newborn
from tandem.engine.holds import BY_ITSELF, action_print, hold_deletion
from tandem.engine.outside import ADOPTING, is_not_ours
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.journal import Note
from tandem.store.pairs import record_of


class Moved:
    """Reconciles the pairs that moved since they were last settled."""

    def __init__(self, bench: Bench, decided: Decided) -> None:
        self._bench = bench
        self._decided = decided
        self._moved = bench.pairs.moved()
        self._shadows = {
            side: bench.archive.shadows(side, [record for pair in self._moved if (record := record_of(pair, side))]) for side in Side
        }
        self._settling = {intent.pair_id for intent in bench.journal.pending()} if self._moved else set()
        self._busy = {side: bench.journal.busy_elsewhere(side) if self._moved else set() for side in Side}
        self._said = Said(bench)
        self._age = age_of(bench) if self._moved else Age()
        self._actions: list[Action] = []

    def actions(self) -> list[Action]:
        """The actions that the moved pairs ask for; their states and agreed bases are written."""
        kept = []
        for pair in self._moved:
            if pair.id in self._settling or any(record_of(pair, side) in self._busy[side] for side in Side):
                self._decided.settling += 1
                continue
            before = _snapshot(pair)
            self._decided.reconciled.add(pair.id)
            self._reconcile(pair)
            if _snapshot(pair) != before:
                kept.append(pair)
        self._bench.pairs.save_many(kept)
        for question, side in self._said.deletions():
            self._delete_survivor(question, side)
        return self._actions

    def _reconcile(self, pair: models.Pair) -> None:
        if pair.state == PairState.ONE_SIDED.value:
            self._one_sided(pair)
            return
        if pair.reason == ADOPTING:
            self._decided.settling += 1
            return
        fit_mapping(self._bench, pair)
        sights: Mapping[Side, Sight] = {side: self.sight(pair, side) for side in Side}
        if pair.state == PairState.FROZEN.value and Presence.GONE in {sight.presence for sight in sights.values()}:
            # What was deleted after it had left the sync is no word about the other side.
            self._close(pair, CloseReason.GONE_AND_OUT_OF_SCOPE.value)
            return
        parked = self._parked(pair, sights)
        sights = self._settle_age(pair, sights)
        # Where one side is gone, what is in doubt on the other one is an edit like any other: nobody is deleted over it.
        doubted = set(pair.doubted) if {sight.presence for sight in sights.values()} == {Presence.LIVE} else set()
        policy = replace(self._bench.policy, fields=self._bench.fields - parked - doubted)
        decision = reconcile(sights[Side.LEFT], sights[Side.RIGHT], policy)
        if isinstance(decision, Write) and (chosen := self._said.chosen(pair.id, decision.merged.conflicts)):
            decision = reconcile(sights[Side.LEFT], sights[Side.RIGHT], policy, chosen)
        match decision:
            case Nothing(agreed):
                agree(self._bench, pair, sights, agreed)
                _thaw(pair)
                pair.is_dirty = False
            case Write(merged):
                _thaw(pair)
                self._write(pair, sights, merged)
            case Delete(side):
                self._delete(pair, side)
            case AskDeletion(side):
                self._delete(pair, side, is_asked=True)
            case DeletionAgainstEdit(deleted):
                self._close(pair, "deletion-against-edit")
                ask_about_survivor(self._bench, pair, deleted)
            case Freeze():
                pair.state, pair.is_dirty = PairState.FROZEN.value, False
            case Close(reason):
                self._close(pair, reason.value)
            case Wait() | Meet():
                self._decided.settling += 1
                self._expect(pair, sights)

    def _settle_age(self, pair: models.Pair, sights: Mapping[Side, Sight]) -> Mapping[Side, Sight]:
        """After a restore: conclude what can be, and ask about the rest, or follow what was said. Returns both sides as they are then."""
        if not (pair.is_aged or pair.doubted) or {sight.presence for sight in sights.values()} != {Presence.LIVE}:
            return sights
        if pair.is_aged:
            judge(self._bench, pair, sights, {side: self._shadows[side].get(record_of(pair, side) or "") for side in Side}, self._age)
        pair_id = PairId(pair.id)
        was_doubted, pair.doubted = pair.doubted, still_doubted(self._bench, pair, {side: self.sight(pair, side) for side in Side})
        shown = shown_of(pair.doubted, sights)
        if pair.doubted and (choice := self._said.about_backup(pair.id, shown)):
            follow(pair, {side: self.sight(pair, side) for side in Side}, choice)
            self._decided.wanted.add(pair_id)
        if pair.doubted:
            self._bench.pairs.ask(BACKUP, at=self._bench.now(), pair=pair.id, data=shown)
            self._decided.unclear.append(pair_id)
        elif was_doubted:
            self._said.close_backup(pair.id)
        return {side: self.sight(pair, side) for side in Side}

    def _expect(self, pair: models.Pair, sights: Mapping[Side, Sight]) -> None:
        """Tell of a deletion that follows if what a listing did not show proves to be gone."""
        missing = [side for side in Side if sights[side].presence is Presence.MISSING]
        if pair.is_aged and len(missing) == 1 and sights[missing[0].other].presence is Presence.LIVE:
            self._decided.expected.append((PairId(pair.id), missing[0].other))

    def sight(self, pair: models.Pair, side: Side) -> Sight:
        """One side of a pair, as the decision table sees it."""
        record = record_of(pair, side)
        shadow = self._shadows[side].get(record) if record else None
        presence = Presence(shadow.presence) if shadow else Presence.MISSING
        return Sight(presence, decode_contact(shadow.content if shadow else None), base_of(pair, side))

    def _parked(self, pair: models.Pair, sights: Mapping[Side, Sight]) -> frozenset[FieldName]:
        """Fields whose refused value has not changed since; the others are tried again."""
        still = {
            name: item for name, item in pair.parked.items() if item["print"] == field_print(sights[Side(item["side"]).other].contact, name)
        }
        pair.parked = still
        return frozenset(FieldName(name) for name in still)

    def _write(self, pair: models.Pair, sights: Mapping[Side, Sight], merged: Merged) -> None:
        agree(self._bench, pair, sights, merged.agreed)
        pair_id = PairId(pair.id)
        wanted = False
        if self._is_rejected(pair, sights, merged):
            self._reconcile(pair)
            return
        for side, delta in ((Side.LEFT, merged.to_left), (Side.RIGHT, merged.to_right)):
            refusals = self._bench.refusals(side, delta)
            park(pair, side, sights[side.other].contact, refusals)
            rest: Delta = {name: change for name, change in delta.items() if name not in refusals}
            if rest:
                blanks = count_blanks(sights[side].contact, rest)
                self._actions.append(Action(ActionKind.UPDATE, side, pair_id, delta=rest, blanks=blanks))
                self._decided.sources[pair_id, side] = sights[side.other].contact
                wanted = True
        if merged.conflicts:
            self._decided.conflicts[pair_id] = merged.conflicts
        # An open conflict waits for a person, and a parked field for another value: neither is looked at every cycle.
        pair.is_dirty = wanted

    def _is_rejected(self, pair: models.Pair, sights: Mapping[Side, Sight], merged: Merged) -> bool:
        """Follow a person's word against an update; then the pair is to be decided anew."""
        for side in Side:
            key = (pair.id, side.value, "")
            if not self._said.reason_of(key):
                continue
            refusals = self._bench.refusals(side, merged.to(side))
            rest: Delta = {name: change for name, change in merged.to(side).items() if name not in refusals}
            shown = action_print(Action(ActionKind.UPDATE, side, PairId(pair.id), delta=rest), Contact())
            if rest and self._said.about(key, shown) == REJECT:
                reject_update(self._bench, pair, sights, side, rest)
                self._said.close(key)
                return True
        return False

    def _delete(self, pair: models.Pair, side: Side, *, is_asked: bool = False) -> None:
        key, reason = (pair.id, side.value, ""), self._said.reason_of((pair.id, side.value, ""))
        answer = self._said.about(key, self._print(pair, side)) if reason else ""
        waits = HoldReason(reason) if reason in BY_ITSELF else self._waits_by_itself(pair, side, is_asked=is_asked)
        if answer == REJECT:
            self._close(pair, "deletion-rejected")
        elif not answer and waits is not None:
            hold_deletion(self._bench, pair, side, waits)
            self._decided.asked.append(key)
        elif not self._has_rested(pair, side.other):
            self._decided.asked_before += [key] if answer else []
            self._decided.settling += 1
        elif self._is_left(side, record_of(pair, side) or ""):
            self._close(pair, "left-on-this-account")
            self._decided.notes.append(Note(pair.id, side, "left", record_of(pair, side) or ""))
        else:
            self._actions.append(Action(ActionKind.DELETE, side, PairId(pair.id)))

    def _waits_by_itself(self, pair: models.Pair, side: Side, *, is_asked: bool) -> HoldReason | None:
        """Why a deletion is not for the brake to judge: after a restore, who is left may be there by somebody's will."""
        if pair.is_aged and (self._age.has_moved(self._shadows[side].get(record_of(pair, side) or "")) or self._was_ours(pair, side.other)):
            return HoldReason.BACKUP
        return HoldReason.ASKED if is_asked else None

    def _was_ours(self, pair: models.Pair, side: Side) -> bool:
        """Whether a record that is gone was made by us: then we may have taken it back since, and no person has deleted anybody."""
        return self._bench.past.creation_of(pair.id, side, record_of(pair, side) or "") is not None

    def _is_left(self, side: Side, record: str) -> bool:
        """Whether a record stays, whatever this link says: somebody else owns it, or another link has it in a pair."""
        return is_not_ours(self._bench, side, self._shadows[side].get(record)) or self._bench.journal.paired_elsewhere(side, record)

    def _print(self, pair: models.Pair, side: Side) -> str:
        return action_print(Action(ActionKind.DELETE, side, PairId(pair.id)), self.sight(pair, side).contact)

    def _delete_survivor(self, question: models.Question, side: Side) -> None:
        """A person wants an edited record to be deleted like its counterpart was. Its pair is closed already."""
        pair = self._bench.pairs.one(question.pair_id or 0)
        shadow = self._bench.archive.shadow(side, record_of(pair, side) or "")
        if pair.id in {intent.pair_id for intent in self._bench.journal.pending()}:
            self._decided.settling += 1
            return
        if shadow is None or shadow.presence != Presence.LIVE.value or question.data.get("print") != survivor_print(shadow):
            self._said.take_back(question)
            return
        self._shadows[side][shadow.record_id] = shadow
        key, reason = (pair.id, side.value, ""), self._said.reason_of((pair.id, side.value, ""))
        answer = self._said.about(key, self._print(pair, side)) if reason else ""
        if self._is_left(side, shadow.record_id):
            self._bench.pairs.close_all_questions(pair.id, self._bench.now())
        elif reason and not answer:
            self._decided.asked.append(key)
        else:
            self._actions.append(Action(ActionKind.DELETE, side, PairId(pair.id)))
            self._decided.wanted.add(PairId(pair.id))

    def _has_rested(self, pair: models.Pair, deleted: Side) -> bool:
        """A deletion waits for the read lag of its side and one more drain: the other half of a merge may still come."""
        shadow = self._shadows[deleted].get(record_of(pair, deleted) or "")
        drained_at = self._bench.archive.feed(deleted).drained_at
        if shadow is None or shadow.absent_at is None or drained_at is None:
            return False
        return drained_at > shadow.absent_at + self._bench.read_lag(deleted)

    def _close(self, pair: models.Pair, reason: str) -> None:
        pair.state, pair.reason, pair.is_dirty = PairState.CLOSED.value, reason, False
        self._bench.pairs.close_all_questions(pair.id, self._bench.now())

    def _one_sided(self, pair: models.Pair) -> None:
        """An earlier creation did not come about: it is wanted again, under its own marker, if its source is still there."""
        side = Side.LEFT if pair.left_id else Side.RIGHT
        sight = self.sight(pair, side)
        if sight.presence is Presence.GONE:
            self._close(pair, "gone-before-creation")
        elif sight.presence is not Presence.LIVE:
            pair.is_dirty = sight.presence is not Presence.OUT_OF_SCOPE
        elif self._said.is_unclear(pair.id):
            # It may have come about after all: nobody has said so yet.
            pair.is_dirty = False
        elif self._parked(pair, {side: sight, side.other: Sight(Presence.NEVER)}) and pair.reason == "refused":
            pair.is_dirty = False
        else:
            add_newborn(self._bench, self._decided, side, record_of(pair, side) or "", sight.contact, pair, is_doubted=pair.is_aged)


def _snapshot(pair: models.Pair) -> tuple[object, ...]:
    return (pair.state, pair.reason, bytes(pair.base_left), bytes(pair.base_right), pair.is_dirty, repr(pair.parked), pair.mapping_version,
            pair.is_aged, tuple(pair.doubted))  # fmt: skip


def _thaw(pair: models.Pair) -> None:
    if pair.state in {PairState.FROZEN.value, PairState.PARKED.value}:
        pair.state = PairState.LINKED.value
