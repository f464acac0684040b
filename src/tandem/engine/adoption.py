"""Bring people in who stand outside: into the group, or under the link's own word. A step of the cycle before anything is decided.

Rules: an adoption is an intent like any other, a wave of them one commit; it may be repeated freely, so that what has no outcome is
simply sent again. A read may lag: until one shows the record in the scope, its pair waits; when none does within the window, a
human has taken it out again, and the pair freezes as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tandem.core.state import PairState, Presence, RecordId, Side
from tandem.engine import outside, withdrawal
from tandem.engine.bench import Bench
from tandem.engine.observe import absorb_one
from tandem.engine.settle import Acted
from tandem.errors import Rejected
from tandem.replica import Handle
from tandem.store import models
from tandem.store.contents import Payload, encode_payload
from tandem.store.journal import Note, OutcomeKind
from tandem.store.pairs import record_of

#: So many memberships a call.
_WAVE = 1000
#: After reading, other keys may nominate others; more rounds than this wait for the next cycle.
_ROUNDS = 3

_Wanted = tuple[models.Pair, models.Shadow]


def bring_in(bench: Bench, cycle: models.Cycle) -> Acted:
    """Confirm who stands outside, follow what was said about them, and carry it out."""
    acted = Acted()
    for _ in range(_ROUNDS):
        wanted = nominated(bench)
        if not wanted:
            break
        seen = outside.read(bench, wanted)
        with bench.commit():
            outside.keep(bench, seen)
    with bench.commit():
        conclude(bench)
    _adopt(bench, cycle, acted)
    withdrawal.carry_out(bench, cycle, acted)
    return acted


def nominated(bench: Bench) -> dict[Side, list[Handle]]:
    """Records outside that look like somebody in scope and have not been read at their present version. Writes nothing."""
    unread, grown = outside.nominated(bench), withdrawal.grown_unread(bench)
    wanted = {side: unread[side] | grown[side] for side in Side}
    locators = {side: bench.archive.unread(side) for side in Side if wanted[side]}
    return {side: [Handle(RecordId(id_), known[id_]) for id_ in sorted(wanted[side])] for side, known in locators.items()}


def conclude(bench: Bench) -> None:
    """What follows from what is known, without the network. The caller holds the transaction; a preview rolls it back."""
    withdrawal.conclude(bench)
    outside.follow_words(bench)


def _adopt(bench: Bench, cycle: models.Cycle, acted: Acted) -> None:
    pairs = bench.pairs.of_reason(outside.ADOPTING)
    if not pairs:
        return
    with bench.commit():
        wanted = {side: [item for pair in pairs if (item := _wanted(bench, pair, side)) is not None] for side in Side}
    for side in Side:
        for start in range(0, len(wanted[side]), _WAVE):
            _send(bench, cycle, side, wanted[side][start : start + _WAVE], acted)
    with bench.commit():
        for pair in bench.pairs.of_reason(outside.ADOPTING):
            _note_arrival(bench, pair)


def _wanted(bench: Bench, pair: models.Pair, side: Side) -> _Wanted | None:
    """The record of a pair that has to be brought in on a side, unless it was sent for and may not be visible yet."""
    own, other = (bench.archive.shadow(each, record_of(pair, each) or "") for each in (side, side.other))
    if own is None or own.presence != Presence.OUT_OF_SCOPE.value or bench.journal.last_adoption(pair.id) is not None:
        return None
    if other is not None and other.presence == Presence.GONE.value:
        # Its counterpart was deleted meanwhile: there is nobody to bring it in for.
        pair.state, pair.reason, pair.is_dirty = PairState.CLOSED.value, "gone-before-adoption", False
        bench.pairs.save(pair)
        return None
    return pair, own


def _send(bench: Bench, cycle: models.Cycle, side: Side, wave: Sequence[_Wanted], acted: Acted) -> None:
    with bench.commit():
        intents = bench.journal.record(_intent(bench, cycle, side, pair, shadow) for pair, shadow in wave)
    handles = [Handle(RecordId(shadow.record_id), shadow.locator) for _, shadow in wave]
    refused = _brought_in(bench, side, handles)
    seen = bench.replicas[side].fetch(handles)
    with bench.commit():
        now = bench.now()
        for intent, sighting in zip(intents, seen, strict=True):
            absorb_one(bench, side, sighting)
            if sentence := refused.get(sighting.handle.id, ""):
                _refuse(bench, intent, sentence, now)
                continue
            bench.journal.settle(intent, OutcomeKind.APPLIED, now)
            acted.adopted += 1
        bench.journal.save_settled(intents)
        notes = [Note(item.pair_id, side, "adopt", item.record_id) for item in intents if item.outcome == OutcomeKind.APPLIED.value]
        bench.journal.note(cycle, notes, now)


def _brought_in(bench: Bench, side: Side, handles: Sequence[Handle]) -> dict[str, str]:
    """Send the memberships; what is refused as a whole goes in halves, so that one record stops no other. Returns who was refused."""
    if not bench.replicas[side].capabilities.can_adopt or not handles:
        return {}
    try:
        bench.replicas[side].adopt(handles)
    except Rejected as error:
        if len(handles) == 1:
            return {handles[0].id: str(error)}
        middle = len(handles) // 2
        return {**_brought_in(bench, side, handles[:middle]), **_brought_in(bench, side, handles[middle:])}
    return {}


def _intent(bench: Bench, cycle: models.Cycle, side: Side, pair: models.Pair, shadow: models.Shadow) -> models.Intent:
    return models.Intent(
        link_id=bench.link, cycle=cycle, pair=pair, side=side.value, kind="adopt", record_id=shadow.record_id,
        expected_version=shadow.version, payload=encode_payload(Payload()), sends=[bench.now().isoformat()], is_approved=True,
    )  # fmt: skip


def _refuse(bench: Bench, intent: models.Intent, sentence: str, now: datetime) -> None:
    """It cannot be brought in: its pair ends, so that neither side gets a copy, and the history says why."""
    bench.journal.settle(intent, OutcomeKind.REFUSED, now, sentence)
    pair = bench.pairs.one(intent.pair_id or 0)
    pair.state, pair.reason, pair.is_dirty = PairState.CLOSED.value, "adoption-refused", False
    bench.pairs.save(pair)


def _note_arrival(bench: Bench, pair: models.Pair) -> None:
    """What has become of an adoption that was sent."""
    shadows = {side: bench.archive.shadow(side, record_of(pair, side) or "") for side in Side}
    gone = [side for side, shadow in shadows.items() if shadow is None or shadow.presence == Presence.GONE.value]
    outside_still = [side for side, shadow in shadows.items() if shadow is not None and shadow.presence == Presence.OUT_OF_SCOPE.value]
    if gone:
        _leave_alone(pair, gone)
    elif outside_still and not _is_over(bench, pair, outside_still[0]):
        return
    else:
        pair.reason = outside.ADOPTED
    pair.is_dirty = pair.state != PairState.CLOSED.value
    bench.pairs.save(pair)


def _leave_alone(pair: models.Pair, gone: Sequence[Side]) -> None:
    """Who was deleted before the two met leaves the other one as it would be without it."""
    if len(gone) == 1 and gone[0] is Side.LEFT:
        pair.left_id, pair.state, pair.reason = None, PairState.ONE_SIDED.value, ""
    elif len(gone) == 1:
        pair.right_id, pair.state, pair.reason = None, PairState.ONE_SIDED.value, ""
    else:
        pair.state, pair.reason = PairState.CLOSED.value, "gone-before-adoption"


def _is_over(bench: Bench, pair: models.Pair, side: Side) -> bool:
    """Whether a drain that must have shown the adoption has come and did not."""
    sent = bench.journal.last_adoption(pair.id)
    drained_at = bench.archive.feed(side).drained_at
    if sent is None or drained_at is None:
        return False
    return drained_at > datetime.fromisoformat(sent.sends[-1]) + bench.window(side)


def planned(bench: Bench) -> Iterator[models.Pair]:
    """Pairs of which one record would be brought in."""
    for pair in bench.pairs.of_reason(outside.ADOPTING):
        if bench.journal.last_adoption(pair.id) is None:
            yield pair
