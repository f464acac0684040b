"""Answering as a person does, for the tests: questions by kind, and answers without a command line."""

from __future__ import annotations

from engine.stage import Stage
from tandem.core.state import LinkId
from tandem.engine.review import Answer, Review, Waiting


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
