"""What is asked after a decision: put the questions that it leaves open, and close those that have answered themselves."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from tandem.core.contact import Contact
from tandem.core.plan import Action
from tandem.engine.answers import QuestionKey, conflict_data, conflict_key
from tandem.engine.bench import Bench
from tandem.engine.decided import Decided
from tandem.engine.holds import hold_data
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.pairs import record_of


def ask(bench: Bench, decided: Decided, questions: Sequence[models.Question]) -> None:
    """Put the questions that the decisions leave open, and close those that have answered themselves."""
    now = bench.now()
    keep: dict[str, set[QuestionKey]] = {"hold": {*decided.asked, *decided.asked_before}, "conflict": set(), "match": set()}
    for held in decided.plan.held:
        key = hold_key(decided, held.action)
        data = hold_data(held.reason, held.action, contact_of(bench, decided, held.action))
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


def hold_key(decided: Decided, action: Action) -> QuestionKey:
    """How the question about a held action is known."""
    newborn = decided.newborn.get(action.pair)
    if newborn is None:
        return (action.pair, action.side.value, "")
    return (newborn.pair, action.side.value, f"{newborn.source.value}:{newborn.record_id}")


def contact_of(bench: Bench, decided: Decided, action: Action) -> Contact:
    """What is to be made, or what the record to be written holds now."""
    newborn = decided.newborn.get(action.pair)
    if newborn is not None:
        return newborn.contact
    shadow = bench.archive.shadow(action.side, record_of(bench.pairs.one(action.pair), action.side) or "")
    return decode_contact(shadow.content if shadow else None)


def _digest_part(bench: Bench, ids: tuple[str, ...]) -> str:
    return sha256("\n".join((str(bench.link), *ids)).encode()).hexdigest()[:32]
