"""When a record that we created turns out to be a second copy of somebody: our copy goes, and the pair moves to the other record.

Two ways to find out: a human's record of the same person shows up later (both were typed within the read lag), or the source of a
young copy gains what tells who it is - an e-mail, a phone, a fuller name - and then looks like somebody who was there before.

Rules: only evidence that needs no person withdraws, and only a copy that is provably ours (marker and journal) and that nobody has
touched since; anything less is listed as a possible duplicate, and both stay. A first sync withdraws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from tandem.core.canonical import same_text
from tandem.core.contact import Contact
from tandem.core.match import Matching, match
from tandem.core.policy import OutsideRule
from tandem.core.state import PairState, Presence, RecordId, Side
from tandem.engine import outside
from tandem.engine.aged import age_of
from tandem.engine.apply import as_observation
from tandem.engine.bases import base_of
from tandem.engine.bench import MARKER_PREFIX, Bench
from tandem.engine.births import Doubt, candidates_for, is_blocking, words_of
from tandem.engine.settle import Acted, Settler
from tandem.replica import Deletion, Handle, Moved
from tandem.store import models
from tandem.store.contents import Payload, chunks, decode_contact, encode_payload
from tandem.store.pairs import record_of

#: A closed pair that holds our copy until it is removed.
WITHDRAWING = "withdrawing"
KEPT = "possible-duplicate"
#: For so long after a birth its source's new values are asked about.
_YOUNG = timedelta(days=7)
_NO_BASE = b"{}"


@dataclass(frozen=True, slots=True)
class Found:
    """Who a source looks like on the side of its copy. `others`: one certain, or several possible."""

    pair: models.Pair
    side: Side
    source: str
    others: tuple[str, ...]
    evidence: tuple[str, ...]
    is_certain: bool


def conclude(bench: Bench) -> None:
    """Move pairs to the records that were there, and list what is less than certain. The caller holds the transaction."""
    if bench.link_row().first_synced_at is None:
        return
    for found in _twins_of_copies(bench):
        _move(bench, found.pair, found.side, found.others[0])
    for found in _grown(bench):
        _follow_growth(bench, found)
    _follow_answers(bench)


# A human's record shows up


def _twins_of_copies(bench: Bench) -> list[Found]:
    """Undecided records that are certainly the source of an untouched copy of ours."""
    age = age_of(bench)
    undecided = {
        side: {
            row.record_id: row
            for row in bench.archive.unpaired(side)
            # What was said about it before a restore is forgotten: a person is asked.
            if not row.marker.startswith(MARKER_PREFIX) and not age.is_old_news(row)
        }
        for side in Side
    }
    if not any(undecided.values()):
        return []
    candidates, _ = candidates_for(bench, {key for rows in undecided.values() for row in rows.values() for key in row.keys})
    ours = {side: own_copies(bench, side, {each.id for each in candidates[side]} - undecided[side].keys()) for side in Side}
    if not any(ours.values()):
        return []
    others = {side: [each for each in candidates[side] if each.id not in ours[side]] for side in Side}
    matching = match(others[Side.LEFT], others[Side.RIGHT], apart=bench.words.apart())
    copies = {(side, record_of(pair, side.other)): pair for side in Side for pair in ours[side].values()}
    return list(_copied(matching, undecided, copies))


def _copied(
    matching: Matching, undecided: Mapping[Side, Mapping[str, models.Shadow]], copies: Mapping[tuple[Side, str | None], models.Pair]
) -> Iterator[Found]:
    for found in matching.matches:
        ids = {Side.LEFT: found.left, Side.RIGHT: found.right}
        for side in Side:
            pair = copies.get((side, ids[side.other]))
            if pair is not None and ids[side] in undecided[side]:
                yield Found(pair, side, ids[side.other], (ids[side],), words_of(found.evidence), is_certain=True)


def own_copies(bench: Bench, side: Side, ids: Iterable[str]) -> dict[str, models.Pair]:
    """Those of the records that are provably ours, untouched, and in a settled pair."""
    wanted = set(ids)
    made = bench.journal.creations(side, wanted)
    pairs = {id_: pair for id_, pair in bench.pairs.of(side, made).items() if pair.state == PairState.LINKED.value}
    versions = bench.journal.written_versions(side, pairs)
    shadows = bench.archive.shadows(side, pairs)
    return {
        id_: pair for id_, pair in pairs.items() if _is_untouched(bench, side, pair, shadows.get(id_), made[id_], versions.get(id_, ""))
    }


def _is_untouched(
    bench: Bench, side: Side, pair: models.Pair, shadow: models.Shadow | None, made: models.Intent, last_written: str
) -> bool:
    """Bears our marker, shows the very version that our last write left, and holds what both sides agreed on."""
    if shadow is None or shadow.presence != Presence.LIVE.value or shadow.marker != made.marker or not made.marker:
        return False
    return shadow.version == last_written and _same(bench, decode_contact(shadow.content), base_of(pair, side))


def _same(bench: Bench, one: Contact, other: Contact) -> bool:
    return all(same_text(one.values.get(name), other.values.get(name)) for name in bench.fields)


# The source has grown


def _grown(bench: Bench) -> Iterator[Found]:
    """Moved pairs with a young copy of ours, whose source gained what it can be known by, and who it looks like now."""
    apart = bench.words.apart()
    for pairs in chunks(pair for pair in bench.pairs.moved() if _has_young_copy(bench, pair)):
        for side in Side:
            made = bench.journal.creations(side, [record for pair in pairs if (record := record_of(pair, side))])
            sources = {pair.id: record_of(pair, side.other) or "" for pair in pairs if record_of(pair, side) in made}
            shadows = bench.archive.shadows(side.other, sources.values())
            for pair in pairs:
                source = shadows.get(sources.get(pair.id, ""))
                if source is None:
                    continue
                gained = set(source.keys) - set(bench.keys_of(base_of(pair, side.other)))
                if any(is_blocking(key) for key in gained):
                    yield from _looked_like(bench, pair, side, source, apart)


def _has_young_copy(bench: Bench, pair: models.Pair) -> bool:
    is_ours = pair.reason == "created" and pair.state == PairState.LINKED.value
    return is_ours and not pair.is_aged and bench.now() - pair.created_at <= _YOUNG


def _looked_like(
    bench: Bench, pair: models.Pair, side: Side, source: models.Shadow, apart: frozenset[tuple[RecordId, RecordId]]
) -> Iterator[Found]:
    copy = record_of(pair, side)
    candidates, _ = candidates_for(bench, source.keys)
    here = [each for each in candidates[side] if each.id != copy]
    there = [each for each in candidates[side.other] if each.id == source.record_id]
    left, right = (here, there) if side is Side.LEFT else (there, here)
    matching = match(left, right, apart=apart)
    for found in matching.matches:
        yield Found(
            pair, side, source.record_id, (found.left if side is Side.LEFT else found.right,), words_of(found.evidence), is_certain=True
        )
    for cluster in matching.ambiguous:
        ids: tuple[str, ...] = cluster.left if side is Side.LEFT else cluster.right
        yield Found(pair, side, source.record_id, ids, words_of(cluster.evidence), is_certain=False)


def grown_unread(bench: Bench) -> dict[Side, set[str]]:
    """Records outside that a grown source looks like and that no direct read has confirmed. Writes nothing."""
    unread: dict[Side, set[str]] = {side: set() for side in Side}
    if bench.link_row().first_synced_at is None:
        return unread
    for found in _grown(bench):
        unread[found.side] |= bench.archive.unread(found.side).keys() & set(found.others)
    return unread


def _follow_growth(bench: Bench, found: Found) -> None:
    """One certain record outside takes our copy's place where the policy takes people in; anything else is listed."""
    others = _without_settled(bench, found)
    if not others:
        return
    shadows = bench.archive.shadows(found.side, others)
    free = {id_ for id_ in others if id_ not in bench.pairs.living_ids(found.side)}
    is_outside = any(shadows[id_].presence == Presence.OUT_OF_SCOPE.value for id_ in free if id_ in shadows)
    if found.is_certain and is_outside and bench.policy.outside is OutsideRule.ADOPT and _is_ours_now(bench, found.pair, found.side):
        _move(bench, found.pair, found.side, others[0])
        return
    sources = (found.source,)
    left, right = (others, sources) if found.side is Side.LEFT else (sources, others)
    data: dict[str, object] = {
        "left": list(left), "right": list(right), "evidence": list(found.evidence), "certain": found.is_certain,
        "doubt": (Doubt.OUTSIDE if is_outside else Doubt.TWIN).value,
    }  # fmt: skip
    bench.pairs.ask("duplicate", at=bench.now(), pair=found.pair.id, side=found.side.value, data=data)


def _without_settled(bench: Bench, found: Found) -> tuple[str, ...]:
    """Who is only a little like a source, and has a counterpart, is no news; whose counterpart is gone is decided about where that is."""
    counterparts = {
        id_: record for id_, pair in bench.pairs.of(found.side, found.others).items() if (record := record_of(pair, found.side.other))
    }
    if not found.is_certain:
        return tuple(id_ for id_ in found.others if id_ not in counterparts)
    gone = {row.record_id for row in bench.archive.gone(found.side.other, counterparts.values())}
    return tuple(id_ for id_ in found.others if counterparts.get(id_) not in gone)


def _follow_answers(bench: Bench) -> None:
    """What persons said about possible duplicates."""
    for question in bench.pairs.questions():
        if question.kind != "duplicate" or not question.choice:
            continue
        if question.choice == outside.Choice.ADOPT.value and _take_in(bench, question):
            outside.close(bench, question)
        else:
            # Another person, or a copy that somebody has worked on by now: both stay, and nobody is asked again.
            outside.say_apart(bench, question)


def _take_in(bench: Bench, question: models.Question) -> bool:
    pair, side = bench.pairs.one(question.pair_id or 0), Side(question.side)
    if not _is_ours_now(bench, pair, side):
        return False
    left, right = question.named
    _move(bench, pair, side, str(left if side is Side.LEFT else right))
    return True


def _is_ours_now(bench: Bench, pair: models.Pair, side: Side) -> bool:
    return record_of(pair, side) in own_copies(bench, side, [record_of(pair, side) or ""])


# Move and remove


def _move(bench: Bench, pair: models.Pair, side: Side, other: str) -> None:
    """Give the pair the record that was there, as at a first meeting; our copy gets a closed pair of its own until it is gone."""
    shadow = bench.archive.shadow(side, other)
    if shadow is None or other in bench.pairs.living_ids(side):
        return
    copy = record_of(pair, side)
    bench.pairs.set_free(side, other)
    _put(pair, side, other)
    pair.base_left = pair.base_right = _NO_BASE
    is_outside = shadow.presence == Presence.OUT_OF_SCOPE.value
    pair.state, pair.reason, pair.is_dirty = PairState.LINKED.value, outside.ADOPTING if is_outside else "matched", True
    bench.pairs.save(pair)
    outside.follow(bench, {side: other})
    kept = models.Pair(link_id=bench.link, state=PairState.CLOSED.value, reason=WITHDRAWING, is_dirty=False, created_at=bench.now())
    _put(kept, side, copy)
    bench.pairs.save(kept)


def _put(pair: models.Pair, side: Side, record_id: str | None) -> None:
    if side is Side.LEFT:
        pair.left_id = record_id
    else:
        pair.right_id = record_id


def carry_out(bench: Bench, cycle: models.Cycle, acted: Acted) -> None:
    """Remove our copies whose pairs have moved: ours, so the brake does not count them; journalled as any deletion."""
    pending = {intent.pair_id for intent in bench.journal.pending()}
    for pair in bench.pairs.of_reason(WITHDRAWING):
        side = Side.LEFT if pair.left_id else Side.RIGHT
        shadow = bench.archive.shadow(side, record_of(pair, side) or "")
        if pair.id in pending or shadow is None:
            continue
        if shadow.presence != Presence.LIVE.value:
            _end(bench, pair, "deleted")
        elif not _is_still_ours(bench, side, shadow) or bench.replicas[side].has_attachments(_handle(shadow)):
            _end(bench, pair, KEPT)
        else:
            _remove(bench, cycle, pair, side, shadow, acted)


def _is_still_ours(bench: Bench, side: Side, shadow: models.Shadow) -> bool:
    return bench.journal.written_versions(side, [shadow.record_id]).get(shadow.record_id) == shadow.version


def _handle(shadow: models.Shadow) -> Handle:
    return Handle(RecordId(shadow.record_id), shadow.locator)


def _remove(bench: Bench, cycle: models.Cycle, pair: models.Pair, side: Side, shadow: models.Shadow, acted: Acted) -> None:
    payload = Payload(target=decode_contact(shadow.content))
    intent = models.Intent(
        link_id=bench.link, cycle=cycle, pair=pair, side=side.value, kind="delete", record_id=shadow.record_id,
        expected_version=shadow.version, payload=encode_payload(payload), before=bytes(shadow.raw or b""),
        sends=[bench.now().isoformat()], is_approved=True,
    )  # fmt: skip
    with bench.commit():
        bench.journal.record([intent])
    outcome = bench.replicas[side].delete(Deletion(as_observation(shadow)))
    with bench.commit():
        Settler(bench, cycle, acted).settle(intent, outcome)
        bench.journal.save_settled([intent])
    if isinstance(outcome, Moved):
        _end(bench, pair, KEPT)


def _end(bench: Bench, pair: models.Pair, reason: str) -> None:
    """The copy is gone, or stays beside the human's record: then a person is told of it."""
    with bench.commit():
        pair.reason = reason
        bench.pairs.save(pair)
        if reason == KEPT:
            data: dict[str, object] = {"doubt": Doubt.COPY.value, "evidence": []}
            data.update({side.value: [record for record in [record_of(pair, side)] if record] for side in Side})
            bench.pairs.ask("duplicate", at=bench.now(), pair=pair.id, data=data)
