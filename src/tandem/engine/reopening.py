"""Pairs that a person's word closes or opens again: left out, taken back, put back, synced again.

Rules: closing one writes nothing on either side, and keeps both ids, so that neither record is born again or matched. Opening
one again is a first meeting where its bases are gone, and an ordinary merge where they were kept; a half that is not there any
more is made again, because a person asked for it.
"""

from __future__ import annotations

from tandem.core.state import PairState, Presence, Side
from tandem.engine.bench import Bench
from tandem.store import models
from tandem.store.erasing import FORGOTTEN
from tandem.store.pairs import record_of

#: Why a pair is closed: its match or its creation was taken back.
UNDONE = "undone"
#: What Tandem had deleted was made again, without its other half.
PUT_BACK = "put-back"
EXCLUDED = "excluded"
#: What a person may open again.
REOPENABLE = frozenset({UNDONE, PUT_BACK, EXCLUDED, FORGOTTEN, "deleted", "deletion-against-edit", "left-alone", "left-on-this-account"})


def set_record(pair: models.Pair, side: Side, record_id: str | None) -> None:
    """Set the record of a pair on one side."""
    if side is Side.LEFT:
        pair.left_id = record_id
    else:
        pair.right_id = record_id


def presence_of(bench: Bench, pair: models.Pair, side: Side) -> Presence:
    """What is known of a pair's record on one side."""
    record = record_of(pair, side)
    shadow = bench.archive.shadow(side, record) if record else None
    return Presence(shadow.presence) if shadow else Presence.NEVER


def close(bench: Bench, pair: models.Pair, reason: str) -> None:
    """Close a pair on a person's word. The caller holds the transaction."""
    pair.state, pair.reason, pair.is_dirty = PairState.CLOSED.value, reason, False
    bench.pairs.save(pair)
    bench.pairs.close_all_questions(pair.id, bench.now())


def put_back(bench: Bench, pair: models.Pair, side: Side) -> None:
    """Keep a record that was made again on `side`: joined to its other half where that is there, else by itself and closed.

    The caller holds the transaction.
    """
    if presence_of(bench, pair, side.other) is Presence.LIVE:
        meet(bench, pair)
        return
    close(bench, pair, PUT_BACK)


def meet(bench: Bench, pair: models.Pair) -> None:
    """Let both records of a pair meet for the first time again: they are united, and nothing is blanked."""
    pair.state, pair.reason, pair.is_dirty = PairState.LINKED.value, "", True
    pair.base_left = pair.base_right = b"{}"
    bench.pairs.save(pair)


def reopen(bench: Bench, pair: models.Pair) -> None:
    """Sync a closed pair again. The caller holds the transaction."""
    if pair.reason == FORGOTTEN:
        # Nothing is known of them: both are read anew before anything is decided.
        for side in Side:
            bench.archive.flag(side, [record_of(pair, side) or ""])
    there = [side for side in Side if presence_of(bench, pair, side) not in {Presence.NEVER, Presence.GONE}]
    if len(there) == len(Side):
        if pair.reason == EXCLUDED:
            pair.state, pair.reason, pair.is_dirty = PairState.LINKED.value, "", True
            bench.pairs.save(pair)
        else:
            meet(bench, pair)
        return
    for side in Side:
        if side not in there:
            set_record(pair, side, None)
    pair.state, pair.reason, pair.is_dirty, pair.parked = PairState.ONE_SIDED.value, "", True, {}
    pair.base_left = pair.base_right = b"{}"
    bench.pairs.save(pair)
