"""Records that no pair knows: which left is which right, which are to be created on the other side, and which must wait.

Rules: nothing is created while there is doubt. A record that may be one we know - paired, outside the scope, or borne by
several - waits for a person; one side never gets a second copy on a guess. Matching compares keyed hashes only, so records
outside the scope take part without their content; they only nominate until a direct read has shown what they hold now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from tandem.core.canonical import KeyKind, MatchKey
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, ORGANISATION, PHONES, Contact
from tandem.core.match import Candidate, Evidence, evidence_words, match
from tandem.core.policy import OutsideRule
from tandem.core.state import Presence, RecordId, Side
from tandem.engine.aged import age_of
from tandem.engine.bench import MARKER_PREFIX, Bench
from tandem.errors import OtherInstallation
from tandem.store import models
from tandem.store.contents import decode_contact

#: Keys that can start a match; an organisation or a nickname alone never does.
_BLOCKING = frozenset({KeyKind.EMAIL, KeyKind.PHONE, KeyKind.NAME, KeyKind.NAME_SHORT})
_BLOCKING_VALUES = frozenset(kind.value for kind in _BLOCKING)


class Doubt(Enum):
    """Why a record waits for a person instead of being created."""

    #: Several records could be it, or the evidence is not enough.
    AMBIGUOUS = "ambiguous"
    #: It looks like a record that already has its counterpart.
    TWIN = "twin"
    #: It looks like a record that stands outside the scope.
    OUTSIDE = "outside"
    #: It bears the marker of a creation of ours that already has its record.
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Records that wait together, and the evidence in words."""

    kind: Doubt
    left: tuple[str, ...]
    right: tuple[str, ...]
    evidence: tuple[str, ...]
    #: The evidence would be enough without a person, if the records were where the link may pair them.
    is_certain: bool = False


@dataclass(slots=True)
class Births:
    """What becomes of the records that no pair knows."""

    #: (left, right, evidence in words)
    matched: list[tuple[models.Shadow, models.Shadow, tuple[str, ...]]] = field(default_factory=list)
    #: By the side where the record is; it is to be created on the other one.
    alone: dict[Side, list[models.Shadow]] = field(default_factory=lambda: {Side.LEFT: [], Side.RIGHT: []})
    doubtful: list[Doubtful] = field(default_factory=list)
    #: (left, right, evidence): one of them stands outside, and the policy takes it in without asking.
    adoptable: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    #: Records outside that have to be read before anything is decided about who looks like them.
    unread: dict[Side, set[str]] = field(default_factory=lambda: {Side.LEFT: set(), Side.RIGHT: set()})
    #: (side, id, reason): never created, as they are.
    left_out: list[tuple[Side, str, str]] = field(default_factory=list)
    #: Waiting for time to pass.
    quiet: int = 0


def sort_births(bench: Bench, *, is_first: bool) -> Births:
    """Sort every record that is in scope and in no pair. Reads the archive, writes nothing.

    Raises:
        OtherInstallation: another installation of Tandem has made records here.
    """
    births = Births()
    open_rows = {side: {row.record_id: row for row in bench.archive.unpaired(side)} for side in Side}
    if not any(open_rows.values()):
        return births
    taken = _by_marker(bench, open_rows, births)
    undecided = {side: {id_: row for id_, row in open_rows[side].items() if id_ not in taken[side]} for side in Side}
    waiting = _by_evidence(bench, undecided, births)
    for side in Side:
        # What an undo makes again and has no answer about may be any of the new ones that bear no marker.
        making_since = bench.past.making_since(side)
        for id_, row in undecided[side].items():
            if making_since is not None and row.first_seen_at >= making_since:
                births.quiet += 1
            elif id_ not in waiting[side]:
                _sort_alone(bench, side, row, births, is_first=is_first)
    return births


def _by_marker(bench: Bench, open_rows: dict[Side, dict[str, models.Shadow]], births: Births) -> dict[Side, set[str]]:
    """Records that bear a marker were made by a Tandem: never births."""
    taken: dict[Side, set[str]] = {side: set() for side in Side}
    apart = bench.words.apart()
    by_others = _by_other_installations(bench, open_rows)
    for side in Side:
        marked = {row.marker: row for row in open_rows[side].values() if row.marker.startswith(MARKER_PREFIX)}
        intents = bench.journal.intents_of_markers(marked)
        for marker, row in sorted(marked.items()):
            _, link, source = _marker_parts(marker)
            origin = open_rows[side.other].get(source)
            if row.record_id in by_others[side]:
                if origin is not None and source not in taken[side.other] and _has_key_in_common(row, origin):
                    taken[side].add(row.record_id)
                    taken[side.other].add(source)
                    births.matched.append((*_in_order(side, row, origin), ("the marker of another Tandem that is gone",)))
                continue
            ids = (row.record_id, source) if side is Side.LEFT else (source, row.record_id)
            if link != str(bench.link) or ids in apart:
                continue
            taken[side].add(row.record_id)
            if marker not in intents and origin is not None and source not in taken[side.other]:
                taken[side.other].add(source)
                births.matched.append((*_in_order(side, row, origin), ("the marker of an earlier creation",)))
            else:
                births.doubtful.append(Doubtful(Doubt.COPY, (ids[0],), (ids[1],), ("the marker of an earlier creation",)))
    return taken


def _marker_parts(marker: str) -> tuple[str, str, str]:
    """Installation, link and source of a marker; empty where it has none."""
    installation, link, source = [*marker.split(":"), "", "", "", ""][1:4]
    return installation, link, source


def _in_order(side: Side, row: models.Shadow, other: models.Shadow) -> tuple[models.Shadow, models.Shadow]:
    return (row, other) if side is Side.LEFT else (other, row)


def _by_other_installations(bench: Bench, open_rows: dict[Side, dict[str, models.Shadow]]) -> dict[Side, set[str]]:
    """Records that another Tandem has made. Once a person has declared it gone its markers are evidence, and no more."""
    gone = {bench.installation, *bench.answers.gone_installations()}
    made: dict[Side, set[str]] = {side: set() for side in Side}
    strange = 0
    for side in Side:
        for row in open_rows[side].values():
            if row.marker.startswith(MARKER_PREFIX) and (installation := _marker_parts(row.marker)[0]) != bench.installation:
                made[side].add(row.record_id)
                strange += installation not in gone
    if strange:
        raise OtherInstallation(
            f"Another Tandem has made {strange} of these contacts: is it still running? Two of them on one address book would double "
            "everything."
        )
    return made


def _has_key_in_common(row: models.Shadow, other: models.Shadow) -> bool:
    return any(key.split(":", 1)[0] in _BLOCKING_VALUES for key in set(row.keys) & set(other.keys))


def _by_evidence(bench: Bench, undecided: dict[Side, dict[str, models.Shadow]], births: Births) -> dict[Side, set[str]]:
    """Match, and return the records that are matched or must wait."""
    settled: dict[Side, set[str]] = {side: set() for side in Side}
    candidates, outside = candidates_for(bench, {key for rows in undecided.values() for row in rows.values() for key in row.keys})
    matching = match(candidates[Side.LEFT], candidates[Side.RIGHT], apart=bench.words.apart())
    age = age_of(bench)
    unread = {side: bench.archive.unread(side).keys() & outside[side] if outside[side] else set() for side in Side}
    for found in matching.matches:
        ids = {Side.LEFT: found.left, Side.RIGHT: found.right}
        open_sides = [side for side in Side if ids[side] in undecided[side]]
        if len(open_sides) == 2:
            births.matched.append((undecided[Side.LEFT][found.left], undecided[Side.RIGHT][found.right], words_of(found.evidence)))
        elif open_sides:
            far = open_sides[0].other
            kind = Doubt.OUTSIDE if ids[far] in outside[far] else Doubt.TWIN
            doubtful = Doubtful(kind, (found.left,), (found.right,), words_of(found.evidence), is_certain=True)
            near = undecided[open_sides[0]][ids[open_sides[0]]]
            is_old_news = age.is_old_news(near)
            _sort_doubtful(bench, doubtful, unread[far] & {ids[far]}, far, births, is_old_news=is_old_news)
        for side in open_sides:
            settled[side].add(ids[side])
    for cluster in matching.ambiguous:
        members = {Side.LEFT: set[str](cluster.left), Side.RIGHT: set[str](cluster.right)}
        waiting = {side: members[side] & undecided[side].keys() for side in Side}
        if any(waiting.values()):
            far = Side.RIGHT if waiting[Side.LEFT] else Side.LEFT
            kind = _doubt_about(members[far], outside[far]) if not waiting[far] else Doubt.AMBIGUOUS
            doubtful = Doubtful(kind, cluster.left, cluster.right, words_of(cluster.evidence))
            _sort_doubtful(bench, doubtful, unread[far] & members[far], far, births)
        for side in Side:
            settled[side] |= waiting[side]
    return settled


def _doubt_about(members: set[str], outside: set[str]) -> Doubt:
    """What is doubtful about records of which none is undecided."""
    return Doubt.TWIN if members.isdisjoint(outside) else Doubt.OUTSIDE


def _sort_doubtful(bench: Bench, doubtful: Doubtful, unread: set[str], far: Side, births: Births, *, is_old_news: bool = False) -> None:
    """Ask a person, unless a direct read or the policy comes first. What is old news may have been adopted before, and taken out since."""
    may_adopt = bench.policy.outside is OutsideRule.ADOPT and not is_old_news
    if doubtful.kind is Doubt.OUTSIDE and unread:
        births.unread[far] |= unread
        births.quiet += 1
    elif doubtful.kind is Doubt.OUTSIDE and doubtful.is_certain and may_adopt:
        births.adoptable.append((doubtful.left[0], doubtful.right[0], doubtful.evidence))
        births.quiet += 1
    else:
        births.doubtful.append(doubtful)


def candidates_for(bench: Bench, keys: Iterable[str]) -> tuple[dict[Side, list[Candidate]], dict[Side, set[str]]]:
    """Everything that shares a blocking key, on either side, so that rarity is counted right; and who of a side stands outside.

    Where a policy or a direction says that nobody outside is ever taken in, those take no part.
    """
    blocking = {key for key in keys if is_blocking(key)}
    candidates: dict[Side, list[Candidate]] = {}
    outside: dict[Side, set[str]] = {}
    for side in Side:
        known = [item for item in bench.archive.keys(side) if not blocking.isdisjoint(item[2])]
        strange = {id_ for id_, presence, _ in known if presence in {Presence.OUT_OF_SCOPE, Presence.UNREADABLE}}
        strange -= bench.pairs.living_ids(side) if strange else set()
        if bench.policy.outside is OutsideRule.SEPARATE or not bench.policy.direction.allows(side):
            known = [item for item in known if item[0] not in strange]
        candidates[side] = [candidate_of(id_, keys) for id_, _, keys in known]
        outside[side] = strange
    return candidates, outside


def is_blocking(key: str) -> bool:
    """Whether a stored key can start a match."""
    return key.split(":", 1)[0] in _BLOCKING_VALUES


def candidate_of(id_: str, keys: Iterable[str]) -> Candidate:
    """A record as matching takes it, from the keys that are stored of it."""
    return Candidate(RecordId(id_), _keys(keys))


def _keys(keys: Iterable[str]) -> frozenset[MatchKey]:
    return frozenset(MatchKey(KeyKind(kind), text) for kind, text in (key.split(":", 1) for key in keys))


def words_of(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """Evidence as it is told to a person."""
    return tuple(evidence_words(item) for item in evidence)


def _sort_alone(bench: Bench, side: Side, row: models.Shadow, births: Births, *, is_first: bool) -> None:
    if not bench.policy.direction.allows(side.other):
        births.left_out.append((side, row.record_id, "the link does not write to the other side"))
        return
    contact = decode_contact(row.content).restricted(bench.fields)
    if is_nobody(contact):
        births.left_out.append((side, row.record_id, "it has neither name, organisation, e-mail nor phone"))
        return
    is_bare = not contact.entries(EMAILS) and not contact.entries(PHONES)
    is_young = bench.now() - row.first_seen_at < timedelta(seconds=bench.timings.birth_quiet_s)
    if is_bare and is_young and not is_first:
        births.quiet += 1
        return
    births.alone[side].append(row)


def is_nobody(contact: Contact) -> bool:
    """Whether there is nothing in it that would tell whose contact it is."""
    return not any(contact.values.get(name) for name in (FIRST_NAME, LAST_NAME, ORGANISATION, EMAILS, PHONES))
