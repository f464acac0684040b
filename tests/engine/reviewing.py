"""Answering as a person does, for the tests: questions by kind, and answers without a command line."""

from __future__ import annotations

from engine.stage import Stage
from tandem.core.state import LinkId
from tandem.engine.bench import Bench
from tandem.engine.outside import Choice, is_about_outside, pairs_of
from tandem.engine.review import Answer, Review, Waiting
from tandem.store import models


def open_questions(stage: Stage, kind: str = "") -> list[Waiting]:
    """What waits, without an answer."""
    return [item for item in everything(stage) if item.kind == (kind or item.kind) and not item.choice]


def everything(stage: Stage) -> list[Waiting]:
    """Every open question."""
    return Review(stage.alias, LinkId(stage.link.id)).waiting()


def resolve(stage: Stage, word: str, *named: str, kind: str = "", count: int | None = None) -> None:
    """Give all open questions of a kind the same answer, or the first so many."""
    answers = [Answer(item.id, word, named) for item in open_questions(stage, kind)[:count]]
    assert answers, f"no {kind} question is open"
    Review(stage.alias, LinkId(stage.link.id)).resolve(answers, stage.clock.now())


def choose(bench: Bench, question: models.Question, choice: Choice, named: tuple[str, str] | None = None) -> None:
    """Answer one question about somebody outside."""
    Review(bench.alias, bench.link).resolve([Answer(question.id, choice.value, named or ())], bench.now())


def choose_all(bench: Bench, choice: Choice, *, with_doubtful: bool = False) -> int:
    """One answer for all who stand outside, where it is clear who is meant. Returns for how many."""
    asked = [item for item in bench.pairs.questions() if is_about_outside(item) and (with_doubtful or item.data.get("certain"))]
    clear = [item for item in asked if choice is not Choice.ADOPT or len(pairs_of(item)) == 1]
    for question in clear:
        choose(bench, question, choice)
    return len(clear)
