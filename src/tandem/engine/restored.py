"""Records that a person took back out of the bin, and records whose creation was refused: what may be tried again, and by whose word.

Rules: a restored record is never born again by itself: its closed pair becomes a question (pair again, or leave). A creation that
was refused is tried again with every full listing of the side that refused it, since what stood in its way may be gone.
"""

from __future__ import annotations

from collections.abc import Collection

from tandem.core.state import PairState, Presence, Side
from tandem.engine.bench import Bench
from tandem.store import models
from tandem.store.pairs import record_of

RESTORED = "restored"
#: Reason of a one-sided pair whose creation a person asked for.
WANTED = "wanted"
PAIR_AGAIN, LEAVE = "pair", "leave"


def ask_restored(bench: Bench, side: Side, ids: Collection[str]) -> None:
    """Ask about records that are there again. The caller holds the transaction."""
    for pair in bench.pairs.of(side, ids).values():
        if pair.state == PairState.CLOSED.value and pair.reason != "removed":
            bench.pairs.ask(RESTORED, at=bench.now(), pair=pair.id, side=side.value)


def answer_restored(bench: Bench) -> None:
    """Do what persons have said, and drop what has answered itself. The caller holds the transaction."""
    for question in bench.pairs.questions():
        if question.kind != RESTORED or question.pair_id is None:
            continue
        pair, side = bench.pairs.one(question.pair_id), Side(question.side)
        shadow = bench.archive.shadow(side, record_of(pair, side) or "")
        is_gone = shadow is None or shadow.presence == Presence.GONE.value
        if question.choice == PAIR_AGAIN and not is_gone:
            _pair_again(bench, pair, side)
        if question.choice or is_gone:
            bench.answers.close(question, bench.now())


def _pair_again(bench: Bench, pair: models.Pair, side: Side) -> None:
    """Both there: an ordinary first meeting, without base. Else a new record is made on the other side."""
    other = bench.archive.shadow(side.other, record_of(pair, side.other) or "")
    if other is None or other.presence == Presence.GONE.value:
        born_anew(bench, pair, side)
        return
    pair.base_left = pair.base_right = b"{}"
    pair.state, pair.reason, pair.is_dirty = PairState.LINKED.value, RESTORED, True
    bench.pairs.save(pair)
    bench.pairs.close_all_questions(pair.id, bench.now())


def born_anew(bench: Bench, pair: models.Pair, side: Side) -> models.Pair:
    """A pair of its own for one side's record of a closed pair, waiting to be created on the other side under a new marker.

    The closed pair keeps the other record, so that neither is ever born by itself.
    """
    record = record_of(pair, side)
    new = models.Pair(
        link_id=bench.link, state=PairState.ONE_SIDED.value, mapping_version=bench.mapping_version, created_at=bench.now(), reason=WANTED
    )
    if side is Side.LEFT:
        pair.left_id, new.left_id = None, record
    else:
        pair.right_id, new.right_id = None, record
    bench.pairs.save(pair)
    return bench.pairs.save(new)


def retry_refused(bench: Bench, listed: Side) -> None:
    """Creations that the listed side refused are wanted again. The caller holds the transaction."""
    bench.pairs.retry_refused(listed)
