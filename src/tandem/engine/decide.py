"""From what is known to what shall be done: reconcile the pairs that moved, sort the births, and let the brake judge.

Rules: no network. Writes only conclusions that need none (bases of what both sides agree on, pairs found by matching, states,
questions), all of which may be repeated; the caller holds the transaction, and a preview rolls it back. The plan itself is
never stored: it is derived anew from the archive each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from tandem.core.canonical import fold_organisation
from tandem.core.contact import ORGANISATION, Contact, Delta, Edit, FieldName
from tandem.core.merge import Conflict, Merged, Part
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
from tandem.engine.approval import approval_of
from tandem.engine.bases import agree, base_of, field_print, fit_mapping, park
from tandem.engine.bench import Bench
from tandem.engine.births import Births, is_nobody, sort_births
from tandem.store import models
from tandem.store.contents import decode_contact, decode_payload
from tandem.store.pairs import record_of

#: (pair, side, part) of a question.
QuestionKey = tuple[int | None, str, str]
_BY_ITSELF = frozenset(reason.value for reason in (HoldReason.ATTACHMENTS, HoldReason.ASKED, HoldReason.ABSENT))


@dataclass(frozen=True, slots=True)
class Newborn:
    """A record to be created: where it comes from, what it will hold, and what of it the other side cannot take."""

    source: Side
    record_id: str
    contact: Contact
    refusals: Mapping[FieldName, str]
    #: The pair of an earlier try, whose marker is used again.
    pair: int | None = None


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
    #: Pairs of which a person has released what was held.
    released: frozenset[PairId] = frozenset()
    #: Pairs that wait for time to pass or for an outcome.
    settling: int = 0

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
    _renew_mapping(bench, link)
    decided.births = sort_births(bench, is_first=is_first)
    _pair_matches(bench, decided)
    actions = without_unsettled_references(bench, decided, [*_Pairs(bench, decided).actions(), *_newborn_actions(bench, decided)])
    if is_first:
        # A first sync deletes nothing; what it finds deleted is looked at again after it.
        actions = [action for action in actions if action.kind is not ActionKind.DELETE]
    questions = bench.pairs.questions()
    if actions:
        decided.released = frozenset(PairId(item.pair_id) for item in questions if item.pair_id and item.choice == "release")
        decided.released |= bench.journal.returning(bench.now())
        decided.plan = _guarded(bench, actions, questions, decided.released, approval_of(bench, link, actions))
    if questions or decided.plan.held or decided.conflicts or decided.births.doubtful:
        _ask(bench, decided, questions)
    return decided


def without_unsettled_references(bench: Bench, decided: Decided, actions: list[Action]) -> list[Action]:
    """A record that points at a name whose making has no answer yet waits for it: the name would be made twice."""
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
        self._chosen = _choices(bench) if self._moved else {}
        self._withheld, self._released = _deletions_asked(bench) if self._moved else (set(), set())
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
        return self._actions

    def _reconcile(self, pair: models.Pair) -> None:
        if pair.state == PairState.ONE_SIDED.value:
            self._one_sided(pair)
            return
        fit_mapping(self._bench, pair)
        sights = {side: self.sight(pair, side) for side in Side}
        if pair.state == PairState.FROZEN.value and Presence.GONE in {sight.presence for sight in sights.values()}:
            # What was deleted after it had left the sync is no word about the other side.
            self._close(pair, CloseReason.GONE_AND_OUT_OF_SCOPE.value)
            return
        policy = replace(self._bench.policy, fields=self._bench.fields - self._parked(pair, sights))
        decision = reconcile(sights[Side.LEFT], sights[Side.RIGHT], policy, self._chosen.get(pair.id, {}))
        match decision:
            case Nothing(agreed):
                agree(self._bench, pair, sights, agreed)
                _thaw(pair)
                pair.is_dirty = False
            case Write(merged):
                _thaw(pair)
                self._write(pair, sights, merged)
            case AskDeletion(side) if pair.id not in self._released:
                hold_deletion(self._bench, pair.id, side, HoldReason.ASKED)
                self._decided.asked.append((pair.id, side.value, ""))
            case Delete(side) | AskDeletion(side):
                self._delete(pair, side)
            case DeletionAgainstEdit(deleted):
                self._close(pair, "deletion-against-edit")
                self._bench.pairs.ask("deletion-against-edit", at=self._bench.now(), pair=pair.id, side=deleted.value)
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

    def _delete(self, pair: models.Pair, side: Side) -> None:
        has_rested = self._has_rested(pair, side.other)
        if pair.id in self._withheld or (pair.id in self._released and not has_rested):
            self._decided.asked.append((pair.id, side.value, ""))
            return
        if not has_rested:
            self._decided.settling += 1
            return
        record = record_of(pair, side) or ""
        if self._bench.journal.paired_elsewhere(side, record):
            self._close(pair, "left-on-this-account")
            return
        self._actions.append(Action(ActionKind.DELETE, side, PairId(pair.id)))

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
        elif self._parked(pair, {side: sight, side.other: Sight(Presence.NEVER)}) and pair.reason == "refused":
            pair.is_dirty = False
        else:
            add_newborn(self._bench, self._decided, side, record_of(pair, side) or "", sight.contact, pair)


def hold_deletion(bench: Bench, pair_id: int, side: Side, reason: HoldReason) -> None:
    """Ask a person about a deletion. The caller holds the transaction."""
    bench.pairs.ask("hold", at=bench.now(), pair=pair_id, side=side.value, data={"reason": reason.value, "action": ActionKind.DELETE.value})


def _snapshot(pair: models.Pair) -> tuple[object, ...]:
    return (pair.state, pair.reason, bytes(pair.base_left), bytes(pair.base_right), pair.is_dirty, repr(pair.parked), pair.mapping_version)


def _thaw(pair: models.Pair) -> None:
    if pair.state in {PairState.FROZEN.value, PairState.PARKED.value}:
        pair.state = PairState.LINKED.value


def _deletions_asked(bench: Bench) -> tuple[set[int], set[int]]:
    """Pairs whose deletion waits for a person by itself (not with all others, under the brake), and those that somebody released."""
    items = [item for item in bench.pairs.questions() if item.kind == "hold" and item.data.get("reason") in _BY_ITSELF]
    waiting = {item.pair_id for item in items if item.pair_id and not item.choice}
    return waiting, {item.pair_id for item in items if item.pair_id and item.choice == "release"} - waiting


def _choices(bench: Bench) -> dict[int, dict[Part, Side]]:
    """What persons have decided about open conflicts, by pair."""
    chosen: dict[int, dict[Part, Side]] = {}
    for question in bench.pairs.questions():
        if question.kind == "conflict" and question.choice in {side.value for side in Side} and question.pair_id:
            name, _, key = question.part.partition("/")
            chosen.setdefault(question.pair_id, {})[Part(FieldName(name), key)] = Side(question.choice)
    return chosen


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
    decided.newborn[pair_id] = Newborn(side, record_id, kept, refusals, pair.id if pair else None)


def as_delta(contact: Contact) -> Delta:
    """All of a contact as a change against nothing."""
    return {
        name: tuple(Edit(None, entry) for entry in value) if isinstance(value, tuple) else value for name, value in contact.values.items()
    }


def _ask(bench: Bench, decided: Decided, questions: Sequence[models.Question]) -> None:
    """Put the questions that the decisions leave open, and close those that have answered themselves."""
    now = bench.now()
    keep: dict[str, set[QuestionKey]] = {"hold": set(decided.asked), "conflict": set(), "match": set()}
    for held in decided.plan.held:
        key = _hold_key(decided, held.action)
        bench.pairs.ask(
            "hold", at=now, pair=key[0], side=key[1], part=key[2], data={"reason": held.reason.value, "action": held.action.kind.value}
        )
        keep["hold"].add(key)
    # What a person has released stays released until it is done: one plan may be thought over before it is carried out.
    keep["hold"] |= {_hold_key(decided, action) for action in decided.plan.actions if action.pair in decided.released}
    for pair_id, conflicts in decided.conflicts.items():
        for conflict in conflicts:
            if conflict.winner is None:
                part = f"{conflict.part.field}/{conflict.part.key}"
                bench.pairs.ask("conflict", at=now, pair=pair_id, part=part)
                keep["conflict"].add((pair_id, "", part))
    for doubtful in decided.births.doubtful:
        part = _digest_part(bench, (*doubtful.left, "|", *doubtful.right))
        data: dict[str, object] = {
            "left": list(doubtful.left),
            "right": list(doubtful.right),
            "evidence": list(doubtful.evidence),
            "doubt": doubtful.kind.value,
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


def _digest_part(bench: Bench, ids: tuple[str, ...]) -> str:
    return sha256("\n".join((str(bench.link), *ids)).encode()).hexdigest()[:32]
