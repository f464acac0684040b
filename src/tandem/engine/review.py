"""What waits for a person, told for its owner's eyes; and taking the answers.

Rules: no network. An answer is written down and nothing else: the next cycle follows it (answers.py). Several answers are taken
together or not at all. What is told holds contact data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tandem.core.contact import FieldName
from tandem.core.plan import ActionKind
from tandem.core.state import LinkId, PairState, Presence, Side
from tandem.engine.choices import CONFLICT, DUPLICATE, MATCH, UNKNOWN_CREATION, Choice, Takes, choices_of, sub_of
from tandem.engine.holds import HOLD
from tandem.engine.leaving import SCOPE
from tandem.engine.telling import FieldChange, name_of
from tandem.errors import WrongInput
from tandem.store import models
from tandem.store.answers import Answers
from tandem.store.archive import Archive
from tandem.store.contents import decode_contact
from tandem.store.moments import linked
from tandem.store.pairs import Pairs, record_of


@dataclass(frozen=True, slots=True)
class Named:
    """A record that a question is about. Without a name it stands outside the scope, or is gone."""

    side: Side
    record: str
    name: str
    #: It is in scope and in no pair, so that it may be joined.
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """One open question. `side`: the side that is held, deleted or unclear; None where the question is about both."""

    id: int
    kind: str
    #: What the kind is subdivided by: the doubt about a match, the reason of a hold.
    sub: str
    side: Side | None
    action: str
    records: tuple[Named, ...]
    evidence: tuple[str, ...]
    #: Values in question: of a conflict left (old) and right (new), of a hold what stands there and what would.
    changes: tuple[FieldChange, ...]
    choices: tuple[Choice, ...]
    #: The answer that waits for the next cycle; empty when there is none.
    choice: str
    named: tuple[str, ...]
    asked_at: datetime
    #: The evidence would be enough without a person, if the records were where the link may pair them.
    is_certain: bool = False

    @property
    def name(self) -> str:
        """Whom it is about."""
        return next((record.name for record in self.records if record.name), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer to one question, and the records that it names."""

    question: int
    word: str
    named: tuple[str, ...] = ()


class Review:
    """The open questions of one link."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link
        self._archive = Archive(alias, link)
        self._pairs = Pairs(alias, link)
        self._answers = Answers(alias, link)

    def waiting(self) -> list[Waiting]:
        """Every open question, oldest first."""
        return self._told(self._pairs.questions())

    def resolve(self, answers: Sequence[Answer], at: datetime) -> None:
        """Take answers, all or none.

        Raises:
            WrongInput: a question is not open, or its choice does not fit it; nothing was written.
        """
        with linked(self._alias, self._link):
            for answer in answers:
                question = self._answers.question(answer.question)
                if question is None:
                    raise WrongInput(f"There is no open question {answer.question}; `tandem review` lists those there are.")
                named = self._fitting(self._told([question])[0], answer)
                self._answers.answer(question.id, answer.word, named, at)
                self._touch(question)

    def _touch(self, question: models.Question) -> None:
        """The pair is looked at in the next cycle."""
        if question.pair_id is not None and question.kind != UNKNOWN_CREATION:
            pair = self._pairs.one(question.pair_id)
            if pair.state != PairState.CLOSED.value and not pair.is_dirty:
                pair.is_dirty = True
                self._pairs.save(pair)

    def _fitting(self, told: Waiting, answer: Answer) -> tuple[str, ...]:
        """The records that an answer names, filled in where there is only one possibility. Raises WrongInput."""
        choice = next((item for item in told.choices if item.word == answer.word), None)
        if choice is None:
            words = ", ".join(item.word for item in told.choices) or "nothing yet"
            raise WrongInput(f"Question {told.id} cannot be answered by {answer.word!r}; it can by: {words}.")
        free = {side: [item.record for item in told.records if item.side is side and (item.is_free or choice.is_anywhere)] for side in Side}
        takes = {Takes.NOTHING: (), Takes.PAIR: tuple(Side), Takes.RECORD: (told.side or Side.LEFT,)}
        wanted = [free[side] for side in takes[choice.takes]]
        if not answer.named and all(len(ids) == 1 for ids in wanted):
            return tuple(ids[0] for ids in wanted)
        if len(answer.named) != len(wanted):
            form = ":".join([choice.word, *(f"ID{number}" for number in range(1, len(wanted) + 1))])
            raise WrongInput(f"Question {told.id} needs {form!r} for an answer; `tandem review` lists the ids.")
        for record, ids in zip(answer.named, wanted, strict=True):
            if record not in ids:
                raise WrongInput(f"Question {told.id} is not about a record {record!r} that could be joined; it is about {_list(ids)}.")
        return answer.named

    # Telling

    def _told(self, questions: Sequence[models.Question]) -> list[Waiting]:
        """Questions with everything that they are about, read in bulk."""
        pairs = self._pairs.by_id({item.pair_id for item in questions if item.pair_id})
        about = {item.id: list(_ids(item, pairs.get(item.pair_id or 0))) for item in questions}
        records = {side: {record for ids in about.values() for each, record in ids if each is side} for side in Side}
        shadows = {side: self._archive.shadows(side, records[side]) for side in Side}
        paired = {side: self._pairs.of(side, records[side]) for side in Side}

        def named(side: Side, record: str) -> Named:
            shadow = shadows[side].get(record)
            is_live = shadow is not None and shadow.presence == Presence.LIVE.value
            name = name_of(decode_contact(shadow.content)) if shadow is not None else ""
            return Named(side, record, name, is_free=is_live and record not in paired[side])

        told = []
        for item in questions:
            found = [named(side, record) for side, record in about[item.id]]
            if item.kind == UNKNOWN_CREATION and item.pair_id in pairs:
                found += self._candidates(pairs[item.pair_id], Side(item.side))
            told.append(_told(item, tuple(found)))
        return told

    def _candidates(self, pair: models.Pair, side: Side) -> list[Named]:
        """Records that may be what was made: those that share a key with its source, and that no pair knows."""
        source = self._archive.shadow(side.other, record_of(pair, side.other) or "")
        keys = {key for key in (source.keys if source else []) if not key.startswith("organisation")}
        rows = [row for row in self._archive.unpaired(side) if not keys.isdisjoint(row.keys)]
        return [Named(side, row.record_id, name_of(decode_contact(row.content)), is_free=True) for row in rows]


def _ids(question: models.Question, pair: models.Pair | None) -> Iterator[tuple[Side, str]]:
    """The records that a question names by itself."""
    if question.kind in {MATCH, DUPLICATE}:
        yield from ((side, str(record)) for side in Side for record in question.data.get(side.value, []))
    elif question.kind == HOLD and question.data.get("action") == ActionKind.CREATE.value:
        source, _, source_id = question.part.partition(":")
        yield Side(source), source_id
    elif pair is not None:
        yield from ((side, record) for side in Side if (record := record_of(pair, side)))


def _told(question: models.Question, records: tuple[Named, ...]) -> Waiting:
    data = question.data
    changes = [FieldChange(FieldName(name), old, new) for name, old, new in data.get("changes", [])]
    if question.kind == CONFLICT:
        field = FieldName(question.part.partition("/")[0])
        changes = [FieldChange(field, str(data.get("left", "")), str(data.get("right", "")))]
    evidence = [f"{len(data.get('pairs', []))} pairs"] if question.kind == SCOPE else data.get("evidence", [])
    return Waiting(
        question.id, question.kind, sub_of(question), Side(question.side) if question.side else None, str(data.get("action", "")),
        records, tuple(evidence), tuple(changes), choices_of(question), question.choice, tuple(question.named),
        question.asked_at, bool(data.get("certain")),
    )  # fmt: skip


def _list(ids: Sequence[str]) -> str:
    return ", ".join(ids) if ids else "none"
