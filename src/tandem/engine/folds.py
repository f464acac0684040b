"""What a person said about a record whose counterpart went up in another one (mergers.py).

    fold    its own changes since both last agreed go into the surviving pair, then it goes to the bin
    leave   it stays where it is, out of the sync
    own     it is a person of its own: a new record is made for it on the other side

Rules: without a word it waits. A fold is derived anew in every cycle until nothing of it is missing on either side; only then
the record is deleted, and if something hangs on it not even then without another word.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tandem.core.contact import Delta
from tandem.core.merge import merge
from tandem.core.plan import Action, ActionKind
from tandem.core.policy import ConflictRule, Direction
from tandem.core.state import PairId, PairState, Presence, Side, Sight
from tandem.engine.bases import base_of
from tandem.engine.bench import Bench
from tandem.engine.mergers import MERGE
from tandem.engine.restored import born_anew
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.pairs import record_of

FOLD, LEAVE, OWN = "fold", "leave", "own"


@dataclass(slots=True)
class Folded:
    """The writes that folds ask for, and the pairs whose deletion a person has agreed to with them."""

    actions: list[Action] = field(default_factory=list)
    agreed: frozenset[PairId] = frozenset()
    #: Folds that wait for the surviving pair to be looked at.
    settling: int = 0


def answer_mergers(bench: Bench) -> Folded:
    """Do what persons have said. The caller holds the transaction."""
    folded = Folded()
    for question in bench.pairs.questions():
        if question.kind != MERGE or question.pair_id is None:
            continue
        pair, side = bench.pairs.one(question.pair_id), Side(question.side)
        shadow = bench.archive.shadow(side, record_of(pair, side) or "")
        if shadow is None or shadow.presence == Presence.GONE.value or question.choice == LEAVE:
            bench.answers.close(question, bench.now())
        elif question.choice == OWN:
            born_anew(bench, pair, side)
            bench.answers.close(question, bench.now())
        elif question.choice == FOLD:
            _fold(bench, folded, pair, shadow, bench.pairs.one(int(question.data["survivor"])))
    return folded


def _fold(bench: Bench, folded: Folded, pair: models.Pair, shadow: models.Shadow, survivor: models.Pair) -> None:
    source = Side(shadow.side)
    if survivor.is_dirty:
        folded.settling += 1
        return
    if shadow.presence != Presence.LIVE.value:
        return
    told = Sight(Presence.LIVE, decode_contact(shadow.content), base_of(pair, source))
    actions: list[Action] = []
    if survivor.state == PairState.LINKED.value:
        missing = {side: _missing(bench, told, survivor, side) for side in Side}
        actions = [Action(ActionKind.UPDATE, side, PairId(survivor.id), delta=delta) for side, delta in missing.items() if delta]
    if not actions:
        if bench.journal.paired_elsewhere(source, shadow.record_id):
            return
        actions.append(Action(ActionKind.DELETE, source, PairId(pair.id)))
        folded.agreed |= {PairId(pair.id)}
    folded.actions += actions


def _missing(bench: Bench, told: Sight, survivor: models.Pair, side: Side) -> Delta:
    """What of a record's own changes is not in the surviving pair yet. What the pair changed itself stays."""
    target = bench.archive.shadow(side, record_of(survivor, side) or "")
    if target is None or target.presence != Presence.LIVE.value or not bench.policy.direction.allows(side):
        return {}
    policy = replace(
        bench.policy, direction=Direction.BOTH, fields=bench.fields, conflicts=ConflictRule.RIGHT, conflicts_by_field={}
    )  # what is told stands on the left here, whatever side it is from
    delta = merge(told, Sight(Presence.LIVE, decode_contact(target.content), told.base), policy).to_right
    refusals = bench.refusals(side, delta)
    return {name: change for name, change in delta.items() if name not in refusals}
