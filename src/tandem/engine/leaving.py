"""The brake on leaving the scope: when many pairs are outside the group or filter at once, nothing is frozen before a person's word.

Rules: counted are living pairs with a record outside the scope that are not frozen yet; over max(removals, removals %) of the
pairs the link stops and asks. A word is for the pairs that were shown: others that follow are counted anew. Nobody is
deleted because of the scope, ever.
"""

from __future__ import annotations

from tandem.core.state import PairState, Side
from tandem.engine.bench import Bench
from tandem.errors import ScopeLeft
from tandem.store import models
from tandem.store.moments import linked
from tandem.store.pairs import record_of

#: The kind of question, and the choice that lets the pairs go.
SCOPE = "scope"
LET_GO = "release"


def check_leaving(bench: Bench) -> ScopeLeft | None:
    """Why nothing may be decided now, or None. The caller holds the transaction; the question is part of it."""
    question = next((item for item in bench.pairs.questions() if item.kind == SCOPE), None)
    leaving = _leaving(bench)
    agreed = set(question.data.get("pairs", [])) if question is not None and question.choice == LET_GO else set()
    new = leaving - agreed
    if _is_too_many(bench, len(new)):
        data: dict[str, object] = {"pairs": sorted(leaving)}
        if question is None:
            bench.pairs.ask(SCOPE, at=bench.now(), data=data)
        elif question.choice or question.data != data:
            question.choice, question.data = "", data
            question.save(using=bench.alias)
        return ScopeLeft(
            f"{len(new)} of {bench.pairs.count()} contacts are outside the chosen group or filter all at once. "
            "Nothing was deleted or changed."
        )
    if question is not None and not leaving:
        question.closed_at = bench.now()
        question.save(using=bench.alias, update_fields=["closed_at"])
    elif question is not None and not question.choice:
        # Few enough by now: they freeze by themselves.
        bench.pairs.close_questions(SCOPE, (), bench.now())
    return None


def _leaving(bench: Bench) -> set[int]:
    pairs = [pair for pair in bench.pairs.moved() if pair.state in {PairState.LINKED.value, PairState.PARKED.value}]
    outside: set[int] = set()
    for side in Side:
        ids = {record: pair.id for pair in pairs if (record := record_of(pair, side))}
        outside |= {ids[row] for row in bench.archive.outside(side, ids)}
    return outside


def _is_too_many(bench: Bench, count: int) -> bool:
    limits = bench.policy.brake
    return count > limits.removals and count * 100 > bench.pairs.count() * limits.removals_percent


def let_go(alias: str, link: int) -> int:
    """A person's word: what is outside stays outside. Returns how many pairs that concerns; 0 when nothing waits for that word."""
    with linked(alias, link):
        question = models.Question.objects.using(alias).filter(link_id=link, kind=SCOPE, closed_at=None, choice="").first()
        if question is None:
            return 0
        question.choice = LET_GO
        question.save(using=alias, update_fields=["choice"])
    return len(question.data.get("pairs", []))
