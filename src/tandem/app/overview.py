"""How a link stands, and the one thing to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tandem.app.results import Result, of_row
from tandem.app.watching import View
from tandem.core.state import LinkId
from tandem.store import models
from tandem.store.hints import Hints
from tandem.store.journal import Journal
from tandem.store.links import label_of
from tandem.store.pairs import Pairs

if TYPE_CHECKING:
    from tandem.app.root import Tandem

_RECONNECT = frozenset({"ReconnectNeeded", "ConsentNarrowed", "AccountChanged"})


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
    #: Open questions by kind.
    questions: Mapping[str, int]
    parked: int
    settling: int
    last: Result | None
    tokens_today: int
    next_step: str
    #: How both sides are watched, and what was told and is not done yet.
    watched: tuple[View, ...] = ()
    hints: int = 0


def overview(tandem: Tandem, row: models.Link) -> Overview:
    """Gather what there is to say about a link."""
    link = LinkId(row.id)
    pairs = Pairs(tandem.alias, link)
    questions = Counter(question.kind for question in pairs.questions())
    last = tandem.links.last_cycle(link)
    parked = len(pairs.parked())
    company = f"{row.right_account.service}:{row.right_account.external_id.partition(':')[0]}"
    return Overview(
        link=row.id,
        state=row.state,
        reason=row.reason,
        sentence=row.sentence,
        google=label_of(row.left_account),
        pipedrive=label_of(row.right_account),
        group=str(row.left_settings["title"]),
        pairs=pairs.count(),
        last_success_at=row.last_success_at,
        wait_until=row.wait_until,
        next_due_at=row.next_due_at,
        questions=dict(sorted(questions.items())),
        parked=parked,
        settling=Journal(tandem.alias, link).count_pending(),
        last=of_row(last) if last else None,
        tokens_today=tandem.links.tokens_of(company, tandem.clock.now().date()),
        next_step=_next_step(row, questions, parked),
        watched=tuple(tandem.watching.views(row.id)),
        hints=Hints(tandem.alias, link).count(),
    )


def _next_step(row: models.Link, questions: Mapping[str, int], parked: int) -> str:
    match row.state:
        case "draft":
            return f"`tandem preview {row.id}` shows the first sync, `tandem sync {row.id}` does it."
        case "paused":
            return f"`tandem link resume {row.id}` lets it go on."
        case "needs-person" if row.reason in _RECONNECT:
            return "connect the account again with `tandem account add`, then `tandem sync`."
        case "needs-person":
            return f"mend that, then `tandem sync {row.id}`."
    if questions:
        return f"`tandem preview {row.id} --all` shows what waits and why; it is settled by an edit on either side that makes it clear."
    if parked:
        return f"`tandem history {row.id}` and the record itself: change the value that was refused."
    return ""
