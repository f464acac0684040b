"""Another group was chosen: the paired contacts are put into it, or left, as a person said.

Rules: the word is a question with its choice, so that a cycle that dies goes on from it. Putting a record into the scope is
harmless to repeat; each is an intent all the same. No look is taken before the replica must show the new membership, or the
records would seem to have left.
"""

from __future__ import annotations

from datetime import datetime

from tandem.core.state import PairState, RecordId, Side
from tandem.engine.bench import Bench
from tandem.engine.leaving import LET_GO, SCOPE
from tandem.errors import Unavailable
from tandem.replica import Handle
from tandem.store import models
from tandem.store.contents import Payload, encode_payload
from tandem.store.journal import Note, OutcomeKind
from tandem.store.pairs import record_of

REGROUP = "regroup"
ADOPT, LEAVE = "adopt", "leave"
#: The kind of intent, and of a line of history.
JOIN = "join"


def ask_rejoin(alias: str, link: int, side: Side, choice: str, at: datetime) -> None:
    """Write a person's choice down; a newer one takes its place. The caller holds the transaction."""
    rows = models.Question.objects.using(alias)
    rows.filter(link_id=link, kind=REGROUP, closed_at=None).update(closed_at=at)
    rows.create(link_id=link, kind=REGROUP, side=side.value, choice=choice, asked_at=at)


def rejoin(bench: Bench, cycle: models.Cycle) -> None:
    """Do what was chosen, if anything was.

    Raises:
        Unavailable: the replica need not show the new memberships yet; later.
    """
    question = next((item for item in bench.pairs.questions() if item.kind == REGROUP), None)
    if question is None:
        return
    side = Side(question.side)
    if question.choice == LEAVE:
        with bench.commit():
            living: dict[str, object] = {"pairs": sorted(pair.id for pair in bench.pairs.living())}
            bench.pairs.close_questions(SCOPE, (), bench.now())
            bench.pairs.ask(SCOPE, at=bench.now(), data=living)
            models.Question.objects.using(bench.alias).filter(link_id=bench.link, kind=SCOPE, closed_at=None).update(choice=LET_GO)
            _close(bench, question)
        return
    if "joined_at" not in question.data:
        _join(bench, cycle, question, side)
    since = bench.now() - datetime.fromisoformat(question.data["joined_at"])
    if since < bench.read_lag(side):
        raise Unavailable("The contacts were put into the group; it goes on as soon as the service shows them there.")
    with bench.commit():
        _close(bench, question)


def _join(bench: Bench, cycle: models.Cycle, question: models.Question, side: Side) -> None:
    pairs = {record: pair for pair in bench.pairs.living() if pair.state == PairState.LINKED.value and (record := record_of(pair, side))}
    handles = [Handle(RecordId(id_), head.locator) for id_, head in bench.archive.heads(side, pairs).items()]
    sent = [bench.now().isoformat()]
    with bench.commit():
        left_over = [intent for intent in bench.journal.pending() if intent.kind == JOIN]
        for intent in left_over:
            bench.journal.settle(intent, OutcomeKind.SUPERSEDED, bench.now())
        bench.journal.save_settled(left_over)
        intents = bench.journal.record(
            models.Intent(
                link_id=bench.link, cycle=cycle, pair=pairs[handle.id], side=side.value, kind=JOIN, record_id=handle.id,
                payload=encode_payload(Payload()), sends=sent,
            )
            for handle in handles
        )  # fmt: skip
    bench.replicas[side].adopt(handles)
    now = bench.now()
    with bench.commit():
        for intent in intents:
            bench.journal.settle(intent, OutcomeKind.APPLIED, now)
        bench.journal.save_settled(intents)
        bench.journal.note(cycle, [Note(pairs[handle.id].id, side, JOIN, handle.id) for handle in handles], now)
        question.data = {"joined_at": now.isoformat()}
        question.save(using=bench.alias, update_fields=["data"])


def _close(bench: Bench, question: models.Question) -> None:
    question.closed_at = bench.now()
    question.save(using=bench.alias, update_fields=["closed_at"])
