"""How a link stands, and the one thing to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tandem.app.preparations import kept
from tandem.app.reasons import reason_of
from tandem.app.results import Result, of_row
from tandem.app.reviewing import groups_of, next_command, waiting
from tandem.app.sides import PRODUCT
from tandem.app.watching import View
from tandem.connectors.pipedrive.budget import KEPT_PERCENT
from tandem.core.state import LinkId
from tandem.engine.review import Waiting
from tandem.engine.twins import twins_of
from tandem.store import models
from tandem.store.archive import Archive
from tandem.store.hints import Hints
from tandem.store.journal import Journal
from tandem.store.links import LinkState, label_of
from tandem.store.pairs import Pairs

if TYPE_CHECKING:
    from tandem.app.root import Tandem


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a service does not take, in its words: how many contacts it concerns, and the pair of one of them."""

    sentence: str
    count: int
    pair: int


@dataclass(frozen=True, slots=True)
class Overview:
    """One link at a glance. `next_step` is empty when nothing has to be done."""

    link: int
    state: str
    reason: str
    sentence: str
    google: str
    pipedrive: str
    group: str
    pairs: int
    last_success_at: datetime | None
    wait_until: datetime | None
    next_due_at: datetime | None
    #: Open questions without an answer, by kind.
    questions: Mapping[str, int]
    #: Answers that the next cycle follows.
    answered: int
    #: What the brake holds, in words.
    held: tuple[str, ...]
    parked: int
    #: Why, the commonest reason first.
    refusals: tuple[Refusal, ...]
    settling: int
    #: People who seem to stand twice on a side, by product.
    twins: Mapping[str, int]
    last: Result | None
    tokens_today: int
    #: Tokens of a day that are ours.
    share: int
    #: "fine", "nearly used" (a first sync waits, people's changes still flow) or "exhausted".
    budget: str
    #: What the user should know about the fields, each a sentence.
    notices: tuple[str, ...]
    next_step: str
    #: How both sides are watched, and what was told and is not done yet.
    watched: tuple[View, ...] = ()
    hints: int = 0


def overview(tandem: Tandem, row: models.Link) -> Overview:
    """Gather what there is to say about a link."""
    link = LinkId(row.id)
    pairs = Pairs(tandem.alias, link)
    asked = waiting(tandem, row.id)
    questions = Counter(question.kind for question in asked if not question.choice)
    last = tandem.links.last_cycle(link)
    parked = pairs.parked()
    reason = reason_of(row)
    share = int(tandem.config.number("PIPEDRIVE_DAILY_TOKENS") * tandem.config.number("PIPEDRIVE_DAILY_SHARE_PERCENT") / 100)
    company = f"{row.right_account.service}:{row.right_account.external_id.partition(':')[0]}"
    tokens = tandem.links.tokens_of(company, tandem.clock.now().date())
    return Overview(
        link=row.id,
        state=row.state,
        reason=row.reason,
        sentence=reason.sentence,
        google=label_of(row.left_account),
        pipedrive=label_of(row.right_account),
        group=str(row.left_settings["title"]),
        pairs=pairs.count(),
        last_success_at=row.last_success_at,
        wait_until=row.wait_until,
        next_due_at=row.next_due_at,
        questions=dict(sorted(questions.items())),
        answered=sum(1 for question in asked if question.choice),
        held=tuple(group.sentence for group in groups_of(asked)),
        parked=len(parked),
        refusals=_refusals(parked),
        settling=Journal(tandem.alias, link).count_pending(),
        twins={PRODUCT[side]: len(groups) for side, groups in twins_of(Archive(tandem.alias, link)).items() if groups},
        last=of_row(last) if last else None,
        tokens_today=tokens,
        share=share,
        budget=_budget(tokens, share, row),
        notices=(*kept(row.left_settings).notices, *kept(row.right_settings).notices),
        next_step=_next_step(row, reason.to_do, asked, parked),
        watched=tuple(tandem.watching.views(row.id)),
        hints=Hints(tandem.alias, link).count(),
    )


def _next_step(row: models.Link, to_do: str, questions: Sequence[Waiting], parked: Sequence[models.Pair]) -> str:
    if to_do:
        return to_do
    if questions:
        return next_command(row.id, questions)
    if parked:
        return f"`tandem explain {row.id} pair:{parked[0].id}` shows the first; change what was refused, and it is tried again."
    return ""


def _refusals(parked: Sequence[models.Pair]) -> tuple[Refusal, ...]:
    first: dict[str, int] = {}
    counts = Counter[str]()
    for pair in parked:
        for sentence in {str(item["sentence"]) for item in pair.parked.values()}:
            counts[sentence] += 1
            first.setdefault(sentence, pair.id)
    return tuple(Refusal(sentence, count, first[sentence]) for sentence, count in counts.most_common())


def _budget(tokens: int, share: int, row: models.Link) -> str:
    if row.state == LinkState.WAITING.value and row.reason == "quota":
        return "exhausted"
    return "nearly used" if tokens * 100 >= share * (100 - KEPT_PERCENT) else "fine"
