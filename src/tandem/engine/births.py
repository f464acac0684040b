"""Records that no pair knows: which left is which right, which are to be created on the other side, and which must wait.

Rules: nothing is created while there is doubt. A record that may be one we know - paired, outside the scope, or borne by
several - waits for a person; one side never gets a second copy on a guess. Matching compares keyed hashes only, so records
outside the scope take part without their content.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from tandem.core.canonical import KeyKind, MatchKey
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, ORGANISATION, PHONES, Contact
from tandem.core.match import Ambiguous, Candidate, Evidence, evidence_words, match
from tandem.core.state import Presence, RecordId, Side
from tandem.engine.bench import MARKER_PREFIX, Bench
from tandem.errors import LinkStopped
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


@dataclass(slots=True)
class Births:
    """What becomes of the records that no pair knows."""

    #: (left, right, evidence in words)
    matched: list[tuple[models.Shadow, models.Shadow, tuple[str, ...]]] = field(default_factory=list)
    #: By the side where the record is; it is to be created on the other one.
    alone: dict[Side, list[models.Shadow]] = field(default_factory=lambda: {Side.LEFT: [], Side.RIGHT: []})
    doubtful: list[Doubtful] = field(default_factory=list)
    #: (side, id, reason): never created, as they are.
    left_out: list[tuple[Side, str, str]] = field(default_factory=list)
    #: Waiting for time to pass.
    quiet: int = 0


def sort_births(bench: Bench, *, is_first: bool) -> Births:
    """Sort every record that is in scope and in no pair. Reads the archive, writes nothing.

    Raises:
        LinkStopped: another installation of Tandem has made records here.
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
    for side in Side:
        marked = {row.marker: row for row in open_rows[side].values() if row.marker.startswith(MARKER_PREFIX)}
        intents = bench.journal.intents_of_markers(marked)
        for marker, row in sorted(marked.items()):
            installation, link, source = [*marker.split(":"), "", "", "", ""][1:4]
            if installation != bench.installation:
                raise LinkStopped(
                    "Another Tandem has made contacts here: is it still running? Two of them on one address book would double everything."
                )
            if link != str(bench.link):
                continue
            taken[side].add(row.record_id)
            origin = open_rows[side.other].get(source)
            if marker not in intents and origin is not None and source not in taken[side.other]:
                taken[side.other].add(source)
                left, right = (row, origin) if side is Side.LEFT else (origin, row)
                births.matched.append((left, right, ("the marker of an earlier creation",)))
            else:
                births.doubtful.append(_doubtful(Doubt.COPY, side, row.record_id, ("the marker of an earlier creation",)))
    return taken


def _by_evidence(bench: Bench, undecided: dict[Side, dict[str, models.Shadow]], births: Births) -> dict[Side, set[str]]:
    """Match, and return the records that are matched or must wait."""
    settled: dict[Side, set[str]] = {side: set() for side in Side}
    candidates, outside = _candidates(bench, undecided)
    matching = match(candidates[Side.LEFT], candidates[Side.RIGHT])
    for found in matching.matches:
        ids = {Side.LEFT: found.left, Side.RIGHT: found.right}
        open_sides = [side for side in Side if ids[side] in undecided[side]]
        if len(open_sides) == 2:
            births.matched.append((undecided[Side.LEFT][found.left], undecided[Side.RIGHT][found.right], _words(found.evidence)))
        elif open_sides:
            is_outside = ids[open_sides[0].other] in outside[open_sides[0].other]
            births.doubtful.append(
                Doubtful(Doubt.OUTSIDE if is_outside else Doubt.TWIN, (found.left,), (found.right,), _words(found.evidence))
            )
        for side in open_sides:
            settled[side].add(ids[side])
    for cluster in matching.ambiguous:
        _wait_together(cluster, undecided, settled, births)
    return settled


def _wait_together(
    cluster: Ambiguous, undecided: dict[Side, dict[str, models.Shadow]], settled: dict[Side, set[str]], births: Births
) -> None:
    waiting = {Side.LEFT: set(cluster.left) & undecided[Side.LEFT].keys(), Side.RIGHT: set(cluster.right) & undecided[Side.RIGHT].keys()}
    if any(waiting.values()):
        births.doubtful.append(Doubtful(Doubt.AMBIGUOUS, cluster.left, cluster.right, _words(cluster.evidence)))
        for side in Side:
            settled[side] |= waiting[side]


def _candidates(bench: Bench, undecided: dict[Side, dict[str, models.Shadow]]) -> tuple[dict[Side, list[Candidate]], dict[Side, set[str]]]:
    """Everything that shares a blocking key with an undecided record, on either side, so that rarity is counted right."""
    blocking = {key for rows in undecided.values() for row in rows.values() for key in row.keys if key.split(":", 1)[0] in _BLOCKING_VALUES}
    candidates: dict[Side, list[Candidate]] = {}
    outside: dict[Side, set[str]] = {}
    for side in Side:
        known = bench.archive.keys(side)
        candidates[side] = [Candidate(RecordId(id_), _keys(keys)) for id_, _, keys in known if not blocking.isdisjoint(keys)]
        outside[side] = {id_ for id_, presence, _ in known if presence is Presence.OUT_OF_SCOPE}
    return candidates, outside


def _keys(keys: Iterable[str]) -> frozenset[MatchKey]:
    return frozenset(MatchKey(KeyKind(kind), text) for kind, text in (key.split(":", 1) for key in keys))


def _words(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(evidence_words(item) for item in evidence)


def _doubtful(kind: Doubt, side: Side, id_: str, evidence: tuple[str, ...]) -> Doubtful:
    return Doubtful(kind, (id_,) if side is Side.LEFT else (), (id_,) if side is Side.RIGHT else (), evidence)


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
