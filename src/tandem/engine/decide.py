"""From what is known to what shall be done: reconcile the pairs that moved, sort the births, and let the brake judge.

Rules: no network. Writes only conclusions that need none (bases of what both sides agree on, pairs found by matching, states,
questions), all of which may be repeated; the caller holds the transaction, and a preview rolls it back. The plan itself is
never stored: it is derived anew from the archive each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256

from tandem.core.canonical import fold_organisation
from tandem.core.contact import ORGANISATION, Contact, Delta, Edit, FieldName
from tandem.core.merge import Conflict, Merged
from tandem.core.plan import Action, ActionKind, Approval, HoldReason, Plan, count_blanks, plan
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
from tandem.engine.answers import (
    REJECT,
    QuestionKey,
    Said,
    Shown,
    ask_about_survivor,
    conflict_data,
    conflict_key,
    follow,
    heed,
    reject_update,
    survivor_print,
)
from tandem.engine.approval import approval_of
from tandem.engine.bases import agree, base_of, field_print, fit_mapping, park
from tandem.engine.bench import Bench
from tandem.engine.births import Births, is_nobody, sort_births
from tandem.engine.folds import answer_mergers
from tandem.engine.holds import BY_ITSELF, action_print, hold_data, hold_deletion
from tandem.engine.leaving import check_leaving
from tandem.engine.mergers import settle_mergers
from tandem.engine.outside import ADOPTING, is_not_ours
from tandem.engine.restored import WANTED, answer_restored
from tandem.errors import LinkStopped
from tandem.store import models
from tandem.store.contents import decode_contact, decode_payload
from tandem.store.journal import Note
from tandem.store.pairs import record_of


@dataclass(frozen=True, slots=True)
class Newborn:
    """A record to be created: where it comes from, what it will hold, and what of it the other side cannot take."""

    source: Side
    record_id: str
    contact: Contact
    refusals: Mapping[FieldName, str]
    #: The pair of an earlier try, whose marker is used again.
    pair: int | None = None
    #: A person asked for it.
    is_wanted: bool = False


@dataclass(slots=True)
class Decided:
    """The decisions of one look."""

    plan: Plan = field(default_factory=lambda: Plan((), ()))
    #: By the (negative) pair id of their action.
    newborn: dict[PairId, Newborn] = field(default_factory=dict)
    conflicts: dict[PairId, tuple[Conflict, ...]] = field(default_factory=dict)
    #: What an update carries, as it was when planned; the source may have moved by the time of the write.
    sources: dict[tuple[PairId, Side], Contact] = field(default_factory=dict)
    births: Births = field(default_factory=Births)
    matched: int = 0
    #: Pairs that were looked at.
    reconciled: set[int] = field(default_factory=set)
    #: Deletions that the policy leaves to a person.
    asked: list[QuestionKey] = field(default_factory=list)
    #: Released and not done yet: their questions stay until it is.
    asked_before: list[QuestionKey] = field(default_factory=list)
    #: Pairs of closed deletions that a person wants on the other side, too.
    wanted: set[PairId] = field(default_factory=set)
    #: Pairs of which a person has released what was held.
    released: frozenset[PairId] = frozenset()
    #: Deletions that a person has released although something hangs on the record.
    despite: frozenset[PairId] = frozenset()
    #: Pairs that wait for time to pass or for an outcome.
    settling: int = 0
    #: What ended without a write, for the history.
    notes: list[Note] = field(default_factory=list)
    #: Nothing is decided before a person has spoken.
    stopped_by: LinkStopped | None = None

    def reference_wanted(self, action: Action) -> str:
        """The name that the written record shall point at; empty when it shall point at none, or stay as it is."""
        newborn = self.newborn.get(action.pair)
        wanted = newborn.contact.text(ORGANISATION) if newborn else action.delta.get(ORGANISATION, "")
        return wanted if isinstance(wanted, str) else ""

    def creates_on(self) -> set[Side]:
        """Sides on which records would be created."""
        return {action.side for action in self.plan.actions if action.kind is ActionKind.CREATE}


def decide(bench: Bench) -> Decided:
    """Decide everything that is to be decided now. The caller holds the transaction."""
    decided = Decided()
    link = bench.link_row()
    is_first = link.first_synced_at is None
    decided.stopped_by = check_leaving(bench)
    if decided.stopped_by is not None:
        return decided
    _renew_mapping(bench, link)
    decided.notes += settle_mergers(bench)
    answer_restored(bench)
    folded = answer_mergers(bench)
    decided.wanted |= folded.agreed
    decided.settling += folded.settling
    joined = follow(bench)
    decided.births = sort_births(bench, is_first=is_first)
    _pair_matches(bench, decided)
    decided.births.matched += joined
    decided.matched += len(joined)
    actions = _without_unsettled_references(
        bench, decided, [*_Pairs(bench, decided).actions(), *folded.actions, *_newborn_actions(bench, decided)]
    )
    if is_first:
        # A first sync deletes nothing; what it finds deleted is looked at again after it.
        actions = [action for action in actions if action.kind is not ActionKind.DELETE]
    actions = _heeded(bench, decided, actions)
    questions = bench.pairs.questions()
    if actions:
        decided.plan = _guarded(bench, actions, questions, decided.released, approval_of(bench, link, actions))
    if questions or decided.plan.held or decided.conflicts or decided.births.doubtful:
        _ask(bench, decided, questions)
    return decided


def _heeded(bench: Bench, decided: Decided, actions: list[Action]) -> list[Action]:
    """The actions that the brake shall judge now, with what persons have released of them."""
    shown = [Shown(item, _hold_key(decided, item), partial(_print_of, bench, decided, item)) for item in actions]
    wanted = {pair_id for pair_id, newborn in decided.newborn.items() if newborn.is_wanted}
    heeded = heed(bench, shown, frozenset(wanted | decided.wanted))
    decided.released, decided.despite = frozenset(heeded.released), decided.despite | heeded.despite
    decided.asked_before += heeded.keep
    decided.settling += heeded.later
    return heeded.judged


def _print_of(bench: Bench, decided: Decided, action: Action) -> str:
    return action_print(action, _contact_of(bench, decided, action))


def _without_unsettled_references(bench: Bench, decided: Decided, actions: list[Action]) -> list[Action]:
    """A record that points at a name whose making has no answer yet waits for it, or the name would be made twice."""
    unsettled = [intent for intent in bench.journal.pending() if intent.kind == "reference"] if actions else []
    pending = {(intent.side, fold_organisation(decode_payload(intent.payload).name)) for intent in unsettled}
    kept = [action for action in actions if (action.side.value, fold_organisation(decided.reference_wanted(action))) not in pending]
    decided.settling += len(actions) - len(kept)
    return kept


def _guarded(
    bench: Bench, actions: list[Action], questions: Sequence[models.Question], released: frozenset[PairId], approval: Approval | None
) -> Plan:
    """The brake's judgement, with what persons have said so far."""
    holds = [item for item in questions if item.kind == "hold"]
    return plan(
        actions,
        pairs=bench.pairs.count(),
        tally=bench.journal.tally(bench.now()),
        limits=bench.policy.brake,
        removals_held=any(item.data.get("reason") == HoldReason.REMOVALS.value and not item.choice for item in holds),
        released=released,
        approval=approval,
    )


def _renew_mapping(bench: Bench, link: models.Link) -> None:
    if link.mapping_version != bench.mapping_version:
        link.mapping_version = bench.mapping_version
        link.save(using=bench.alias, update_fields=["mapping_version"])
        bench.pairs.touch_all()


def _pair_matches(bench: Bench, decided: Decided) -> None:
    now = bench.now()
    new = [
        models.Pair(
            link_id=bench.link, state=PairState.LINKED.value, left_id=left.record_id, right_id=right.record_id,
            mapping_version=bench.mapping_version, created_at=now, reason="matched",
        )
        for left, right, _ in decided.births.matched
    ]  # fmt: skip
    bench.pairs.add_many(new)
    decided.matched = len(new)


class _Pairs:
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
        sights = {side: self.sight(pair, side) for side in Side}
        if pair.state == PairState.FROZEN.value and Presence.GONE in {sight.presence for sight in sights.values()}:
            # What was deleted after it had left the sync is no word about the other side.
            self._close(pair, CloseReason.GONE_AND_OUT_OF_SCOPE.value)
            return
        policy = replace(self._bench.policy, fields=self._bench.fields - self._parked(pair, sights))
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
        if answer == REJECT:
            self._close(pair, "deletion-rejected")
        elif not answer and (is_asked or reason in BY_ITSELF):
            hold_deletion(self._bench, pair, side, HoldReason(reason) if reason in BY_ITSELF else HoldReason.ASKED)
            self._decided.asked.append(key)
        elif not self._has_rested(pair, side.other):
            self._decided.asked_before += [key] if answer else []
            self._decided.settling += 1
        elif self._is_left(side, record_of(pair, side) or ""):
            self._close(pair, "left-on-this-account")
            self._decided.notes.append(Note(pair.id, side, "left", record_of(pair, side) or ""))
        else:
            self._actions.append(Action(ActionKind.DELETE, side, PairId(pair.id)))

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
        if answer == REJECT or self._is_left(side, shadow.record_id):
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
            add_newborn(self._bench, self._decided, side, record_of(pair, side) or "", sight.contact, pair)


def _snapshot(pair: models.Pair) -> tuple[object, ...]:
    return (pair.state, pair.reason, bytes(pair.base_left), bytes(pair.base_right), pair.is_dirty, repr(pair.parked), pair.mapping_version)


def _thaw(pair: models.Pair) -> None:
    if pair.state in {PairState.FROZEN.value, PairState.PARKED.value}:
        pair.state = PairState.LINKED.value


def _newborn_actions(bench: Bench, decided: Decided) -> list[Action]:
    is_disbelieved = any(bench.archive.feed(side).is_disbelieved for side in Side)
    for side in Side:
        if is_disbelieved:
            decided.settling += len(decided.births.alone[side])
            continue
        for row in decided.births.alone[side]:
            add_newborn(bench, decided, side, row.record_id, decode_contact(row.content), None)
    return [Action(ActionKind.CREATE, newborn.source.other, pair_id) for pair_id, newborn in decided.newborn.items()]


def add_newborn(bench: Bench, decided: Decided, side: Side, record_id: str, contact: Contact, pair: models.Pair | None) -> None:
    """Plan a creation on the other side of what the link syncs of a record."""
    wanted = contact.restricted(bench.fields)
    refusals = bench.refusals(side.other, as_delta(wanted))
    kept = wanted.restricted(wanted.values.keys() - refusals.keys())
    if is_nobody(kept):
        decided.births.left_out.append((side, record_id, "; ".join(refusals.values()) or "it has nothing to be known by"))
        return
    pair_id = PairId(-1 - len(decided.newborn))
    decided.newborn[pair_id] = Newborn(
        side, record_id, kept, refusals, pair.id if pair else None, is_wanted=pair is not None and pair.reason == WANTED
    )


def as_delta(contact: Contact) -> Delta:
    """All of a contact as a change against nothing."""
    return {
        name: tuple(Edit(None, entry) for entry in value) if isinstance(value, tuple) else value for name, value in contact.values.items()
    }


def _ask(bench: Bench, decided: Decided, questions: Sequence[models.Question]) -> None:
    """Put the questions that the decisions leave open, and close those that have answered themselves."""
    now = bench.now()
    keep: dict[str, set[QuestionKey]] = {"hold": {*decided.asked, *decided.asked_before}, "conflict": set(), "match": set()}
    for held in decided.plan.held:
        key = _hold_key(decided, held.action)
        data = hold_data(held.reason, held.action, _contact_of(bench, decided, held.action))
        bench.pairs.ask("hold", at=now, pair=key[0], side=key[1], part=key[2], data=data)
        keep["hold"].add(key)
    for pair_id, conflicts in decided.conflicts.items():
        for conflict in conflicts:
            key = conflict_key(pair_id, conflict)
            if conflict.winner is None:
                bench.pairs.ask("conflict", at=now, pair=pair_id, part=key[2], data=conflict_data(conflict))
            # A decided one stays until the value has been written.
            keep["conflict"].add(key)
    for doubtful in decided.births.doubtful:
        part = _digest_part(bench, (*doubtful.left, "|", *doubtful.right))
        data = {
            "left": list(doubtful.left),
            "right": list(doubtful.right),
            "evidence": list(doubtful.evidence),
            "doubt": doubtful.kind.value,
            "certain": doubtful.is_certain,
        }
        bench.pairs.ask("match", at=now, part=part, data=data)
        keep["match"].add((None, "", part))
    # A question of a pair that was not looked at stands; one of a pair that was, and did not come up again, has answered itself.
    unseen = {(item.pair_id, item.side, item.part) for item in questions if item.pair_id and item.pair_id not in decided.reconciled}
    for kind, asked in keep.items():
        if any(item.kind == kind for item in questions):
            bench.pairs.close_questions(kind, asked | unseen, now)


def _hold_key(decided: Decided, action: Action) -> QuestionKey:
    newborn = decided.newborn.get(action.pair)
    if newborn is None:
        return (action.pair, action.side.value, "")
    return (newborn.pair, action.side.value, f"{newborn.source.value}:{newborn.record_id}")


def _contact_of(bench: Bench, decided: Decided, action: Action) -> Contact:
    """What is to be made, or what the record to be written holds now."""
    newborn = decided.newborn.get(action.pair)
    if newborn is not None:
        return newborn.contact
    shadow = bench.archive.shadow(action.side, record_of(bench.pairs.one(action.pair), action.side) or "")
    return decode_contact(shadow.content if shadow else None)


def _digest_part(bench: Bench, ids: tuple[str, ...]) -> str:
    return sha256("\n".join((str(bench.link), *ids)).encode()).hexdigest()[:32]
