"""People who stand outside the group or the scope: confirmed by a direct read, proposed, and then adopted, kept apart, or left out.

Rules
    a keyed hash only nominates; nothing is asked or decided before a direct read has shown what the record holds now; it is read
    again only when it has moved, and what was read is in memory only: on disk stand id, version and keyed hashes
    a person's word is remembered by ids and costs no cycle its plan: it is followed here, before anything is decided
    who is brought in meets its counterpart like any pair without base; whom another user owns is followed and never deleted
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from tandem.core.policy import OutsideRule
from tandem.core.state import PairState, Presence, RecordId, Side, Version, is_older
from tandem.engine.bench import Bench
from tandem.engine.births import Doubt, sort_births
from tandem.engine.observe import absorb_one, shadow_row
from tandem.replica import Handle, Observation, Sighting, Unreadable
from tandem.store import models
from tandem.store.pairs import record_of
from tandem.store.words import WordKind

#: A pair of which one record has still to come into the scope.
ADOPTING = "adopting"
ADOPTED = "adopted"
LEFT_OUT = "left-out"

Seen = list[tuple[Side, Sighting]]


class Choice(Enum):
    """What a person may say about records of which one stands outside."""

    #: They are the same: bring it in, and pair them.
    ADOPT = "adopt"
    #: They are two people: the one in scope gets a counterpart of its own.
    SEPARATE = "separate"
    #: Neither is synced, until the one outside is brought in by a human.
    LEAVE_OUT = "leave-out"


# What a person says


def is_about_outside(question: models.Question) -> bool:
    """Whether the choices here answer a question."""
    return question.kind in {"match", "duplicate"} and question.data.get("doubt") == Doubt.OUTSIDE.value


def pairs_of(question: models.Question) -> list[tuple[str, str]]:
    """All (left, right) that a question could mean."""
    return [(left, right) for left in _ids(question, "left") for right in _ids(question, "right")]


def _ids(question: models.Question, name: str) -> list[str]:
    value = question.data.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []


# Nominate and confirm


def nominated(bench: Bench) -> dict[Side, set[str]]:
    """Records outside that look like an undecided one and have not been read at their present version. Writes nothing."""
    if not any(bench.archive.has_unread(side) for side in Side):
        return {side: set() for side in Side}
    return sort_births(bench, is_first=bench.link_row().first_synced_at is None).unread


def read(bench: Bench, wanted: Mapping[Side, list[Handle]]) -> Seen:
    """Direct reads of the nominated. No transaction is open."""
    return [(side, sighting) for side, handles in wanted.items() for sighting in bench.replicas[side].fetch(handles)]


def keep(bench: Bench, seen: Seen) -> None:
    """Make the keys of what was read visible; nothing else of it is kept. The caller holds the transaction."""
    now = bench.now()
    for side, sighting in seen:
        head = bench.archive.heads(side, [sighting.handle.id]).get(sighting.handle.id)
        if head is None:
            continue
        if isinstance(sighting, Observation) and not sighting.in_scope and not is_older(sighting.version, Version(head.version)):
            row = shadow_row(bench, side, sighting, now, head)
            row.confirmed_version = row.version
            bench.archive.put([row])
            continue
        absorb_one(bench, side, sighting)
        if isinstance(sighting, Unreadable | Observation):
            # What cannot be read, or was read as it was before, is asked about as far as it is known.
            _confirm_as_known(bench, side, sighting.handle.id)


def _confirm_as_known(bench: Bench, side: Side, record_id: str) -> None:
    shadow = bench.archive.shadow(side, record_id)
    if shadow is not None:
        shadow.confirmed_version = shadow.version
        bench.archive.put([shadow])


# Follow what was said


def follow_words(bench: Bench) -> None:
    """Let the words of persons, and the policy, take effect. The caller holds the transaction; a preview rolls it back."""
    _end_left_out(bench)
    questions = [item for item in bench.pairs.questions() if item.choice and is_about_outside(item)]
    for question in questions:
        if question.kind == "match":
            apply_choice(bench, question)
    if bench.policy.outside is not OutsideRule.ADOPT:
        return
    births = sort_births(bench, is_first=bench.link_row().first_synced_at is None)
    for left, right, _ in births.adoptable:
        join(bench, left, right)


def apply_choice(bench: Bench, question: models.Question) -> None:
    """Follow one word and close its question. What cannot be followed any more is asked anew by whoever asked."""
    choice = Choice(question.choice)
    match choice:
        case Choice.ADOPT:
            left, right = question.named
            join(bench, str(left), str(right))
        case Choice.SEPARATE:
            bench.words.say(WordKind.APART, pairs_of(question), bench.now())
        case Choice.LEAVE_OUT:
            _leave_out(bench, question)
    close(bench, question)


def say_apart(bench: Bench, question: models.Question) -> None:
    """Those whom a question names are different people, for ever."""
    bench.words.say(WordKind.APART, pairs_of(question), bench.now())
    close(bench, question)


def close(bench: Bench, question: models.Question) -> None:
    """A question is answered."""
    bench.answers.close(question, bench.now())


def join(bench: Bench, left: str, right: str) -> models.Pair | None:
    """Pair two records of which one has yet to come into the scope; None where they are not there, or somebody else's, by now."""
    ids = {Side.LEFT: left, Side.RIGHT: right}
    shadows = {side: bench.archive.shadow(side, id_) for side, id_ in ids.items()}
    there = {Presence.LIVE.value, Presence.OUT_OF_SCOPE.value}
    is_there = all(shadow is not None and shadow.presence in there for shadow in shadows.values())
    if not is_there or any(ids[side] in bench.pairs.living_ids(side) for side in Side):
        return None
    for side in Side:
        bench.pairs.set_free(side, ids[side])
    follow(bench, ids)
    return bench.pairs.save(
        models.Pair(
            link_id=bench.link, state=PairState.LINKED.value, left_id=left, right_id=right,
            mapping_version=bench.mapping_version, created_at=bench.now(), reason=ADOPTING,
        )
    )  # fmt: skip


def follow(bench: Bench, ids: Mapping[Side, str]) -> None:
    """Cover those that stand outside and that their replica cannot bring in."""
    for side, id_ in ids.items():
        shadow = bench.archive.shadow(side, id_)
        is_outside = shadow is not None and shadow.presence == Presence.OUT_OF_SCOPE.value
        if is_outside and not bench.replicas[side].capabilities.can_adopt:
            bench.words.say(WordKind.FOLLOWED, [(id_, "") if side is Side.LEFT else ("", id_)], bench.now())


def _leave_out(bench: Bench, question: models.Question) -> None:
    """Close the ones in scope; who stands outside is remembered, because its coming in ends it."""
    now = bench.now()
    bench.words.say(WordKind.LEFT_OUT, pairs_of(question), now)
    new = []
    for side in Side:
        open_ids = {row.record_id for row in bench.archive.unpaired(side)}
        for id_ in sorted(open_ids.intersection(_ids(question, side.value))):
            pair = models.Pair(link_id=bench.link, state=PairState.CLOSED.value, reason=LEFT_OUT, is_dirty=False, created_at=now)
            pair.left_id, pair.right_id = (id_, None) if side is Side.LEFT else (None, id_)
            new.append(pair)
    bench.pairs.add_many(new)


def _end_left_out(bench: Bench) -> None:
    """When a human has brought in the other one, both are asked about like anybody else."""
    words = bench.words.left_out()
    if not words:
        return
    closed = {side: {record_of(pair, side): pair for pair in bench.pairs.of_reason(LEFT_OUT)} for side in Side}
    live = {side: bench.archive.live_ids(side) for side in Side}
    for left, right in words:
        ids = {Side.LEFT: left, Side.RIGHT: right}
        for side in Side:
            pair = closed[side].get(ids[side])
            if pair is not None and ids[side.other] in live[side.other]:
                bench.pairs.set_free(side, ids[side])
                bench.words.take_back(WordKind.LEFT_OUT, left, right)


# What follows for others


def is_not_ours(bench: Bench, side: Side, shadow: models.Shadow | None) -> bool:
    """Whether a record belongs to somebody else, or is only followed: it is never deleted on the word of one account."""
    if shadow is None:
        return False
    is_anothers = shadow.raw is not None and bench.replicas[side].is_anothers(bytes(shadow.raw))
    return is_anothers or shadow.record_id in bench.words.followed(side)


def unsettled_members(bench: Bench, side: Side) -> frozenset[RecordId]:
    """Records that were brought in and that one look may show in the scope and another one not yet."""
    pairs: Iterable[models.Pair] = bench.pairs.of_reason(ADOPTING, ADOPTED)
    return frozenset(RecordId(record) for pair in pairs if (record := record_of(pair, side)))
