"""Matching records that have no pair yet, also for asking whether a new record is a twin of a known one.

Rules: nothing is taken because it came first. A match must be the best for both records with a clear margin; it is settled in
rounds, where all clear matches of a round are taken at once and no longer compete in the next. What is left with evidence is
ambiguous, also where the only candidate is taken already; the rest is alone. The order of the arguments means nothing.

Blocking: only records that share a key are compared, so that the work grows with the records and not with their product; of a
key that very many bear only those are compared that share the name, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tandem.core.canonical import KeyKind
from tandem.core.evidence import Candidate, Evidence, Likeness, Rarity, Traits, evidence_words, likeness, traits_of
from tandem.core.state import RecordId

__all__ = ["Ambiguous", "Candidate", "Evidence", "KeyKind", "Match", "Matching", "evidence_words", "match", "twins"]

#: A key borne by more pairs of records than this is a crowd.
_CROWD = 400
#: By how much the best must be better than another one, and than another one that would do automatically.
_MARGIN, _MARGIN_TO_AUTOMATIC = 2, 4


@dataclass(frozen=True, slots=True)
class Match:
    """Two records that are the same person."""

    left: RecordId
    right: RecordId
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Records that may be the same: a person decides. One side's may already be matched; then the other's may be its twins."""

    left: tuple[RecordId, ...]
    right: tuple[RecordId, ...]
    #: The strongest evidence among them.
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """The outcome; everything in order of ids. Every record is matched, in an ambiguous group, or alone."""

    matches: tuple[Match, ...] = ()
    ambiguous: tuple[Ambiguous, ...] = ()
    alone_left: tuple[RecordId, ...] = ()
    alone_right: tuple[RecordId, ...] = ()
    #: Records of one side that look like one person: to be reported, never merged unasked.
    twins_left: tuple[tuple[RecordId, ...], ...] = ()
    twins_right: tuple[tuple[RecordId, ...], ...] = ()


#: A place on the left and one on the right, in order of ids.
_Edge = tuple[int, int]
_KeysOf = Callable[[Traits], Iterable[object]]


def match(left: Sequence[Candidate], right: Sequence[Candidate], *, apart: frozenset[tuple[RecordId, RecordId]] = frozenset()) -> Matching:
    """Match two sides. `apart`: pairs (left, right) that a person keeps apart."""
    lefts, rights = _sorted(left), _sorted(right)
    rarity = _rarity([*lefts, *rights])
    edges = {
        (i, j): found
        for i, j in _candidates(lefts, rights)
        if (lefts[i].id, rights[j].id) not in apart and (found := likeness(lefts[i], rights[j], rarity)) is not None
    }
    matched = _settle(edges)
    taken_left, taken_right = {i for i, _ in matched}, {j for _, j in matched}
    open_edges = {(i, j): found for (i, j), found in edges.items() if i not in taken_left or j not in taken_right}
    doubt_left, doubt_right = {i for i, _ in open_edges} | taken_left, {j for _, j in open_edges} | taken_right
    return Matching(
        matches=tuple(Match(lefts[i].id, rights[j].id, edges[i, j].evidence) for i, j in sorted(matched)),
        ambiguous=_groups(open_edges, lefts, rights),
        alone_left=tuple(each.id for place, each in enumerate(lefts) if place not in doubt_left),
        alone_right=tuple(each.id for place, each in enumerate(rights) if place not in doubt_right),
        twins_left=_twins(lefts),
        twins_right=_twins(rights),
    )


def twins(records: Sequence[Candidate]) -> tuple[tuple[RecordId, ...], ...]:
    """Records of one side that look like one person: to be reported, never merged."""
    return _twins(_sorted(records))


def _sorted(candidates: Sequence[Candidate]) -> list[Traits]:
    return [traits_of(candidate) for candidate in sorted(candidates, key=lambda candidate: candidate.id)]


def _rarity(records: Sequence[Traits]) -> Rarity:
    return Rarity(
        emails=Counter(text for each in records for text in each.emails),
        phones=Counter(text for each in records for text in each.phones),
        organisations=Counter(text for each in records for text in each.organisations),
        names=Counter(each.name for each in records),
    )


def _candidates(lefts: Sequence[Traits], rights: Sequence[Traits]) -> set[_Edge]:
    """The pairs worth comparing."""
    edges: set[_Edge] = set()
    for keys_of in (lambda each: each.emails, lambda each: each.phones):
        for left_block, right_block in _blocks(lefts, rights, keys_of):
            if len(left_block) * len(right_block) <= _CROWD:
                edges.update((i, j) for i in left_block for j in right_block)
        for left_block, right_block in _blocks(lefts, rights, _with_name(keys_of)):
            edges.update(_all_or_star(left_block, right_block))
    for left_block, right_block in _blocks(lefts, rights, lambda each: (each.name,) if each.name else ()):
        edges.update(_all_or_star(left_block, right_block))
    for left_block, right_block in _blocks(lefts, rights, _organisation_and_forms):
        edges.update(_all_or_star(left_block, right_block))
    return edges


def _with_name(keys_of: _KeysOf) -> _KeysOf:
    return lambda each: ((key, each.name) for key in keys_of(each) if each.name)


def _organisation_and_forms(each: Traits) -> Iterator[tuple[str, str]]:
    """Every form of the name within its organisation."""
    for organisation in each.organisations:
        for form in {each.name, *each.loose, *each.reduced} - {""}:
            yield organisation, form


def _blocks(lefts: Sequence[Traits], rights: Sequence[Traits], keys_of: _KeysOf) -> Iterator[tuple[list[int], list[int]]]:
    """Places of both sides that share a key, for each key that both sides have."""
    index = _index(lefts, keys_of)
    other = _index(rights, keys_of)
    return ((block, other[key]) for key, block in index.items() if key in other)


def _index(records: Sequence[Traits], keys_of: _KeysOf) -> dict[object, list[int]]:
    index: dict[object, list[int]] = defaultdict(list)
    for place, each in enumerate(records):
        for key in keys_of(each):
            index[key].append(place)
    return index


def _all_or_star(lefts: list[int], rights: list[int]) -> Iterator[_Edge]:
    """All pairs of a block; of a crowd each record with the first one of the other side, which is enough to call all of it ambiguous."""
    if len(lefts) * len(rights) <= _CROWD:
        yield from ((i, j) for i in lefts for j in rights)
        return
    yield from ((i, rights[0]) for i in lefts)
    yield from ((lefts[0], j) for j in rights)


def _settle(edges: Mapping[_Edge, Likeness]) -> set[_Edge]:
    """The clear matches, round by round."""
    matched: set[_Edge] = set()
    rest = dict(edges)
    while clear := _clear(rest):
        matched |= clear
        lefts, rights = {i for i, _ in clear}, {j for _, j in clear}
        rest = {(i, j): found for (i, j), found in rest.items() if i not in lefts and j not in rights}
    return matched


def _clear(edges: Mapping[_Edge, Likeness]) -> set[_Edge]:
    """Automatic pairs that are the best for both records with a clear margin."""
    of_left: dict[int, _Rivals] = defaultdict(_Rivals)
    of_right: dict[int, _Rivals] = defaultdict(_Rivals)
    for edge, found in edges.items():
        of_left[edge[0]].add(edge, found)
        of_right[edge[1]].add(edge, found)
    return {
        edge
        for edge, found in edges.items()
        if found.is_automatic and found.score >= max(of_left[edge[0]].needed(edge), of_right[edge[1]].needed(edge))
    }


class _Rivals:
    """The two strongest of the pairs that one record could be in: what a pair must reach to be clearly better than all others."""

    def __init__(self) -> None:
        self._first: tuple[int, _Edge | None] = (0, None)
        self._second = 0

    def add(self, edge: _Edge, found: Likeness) -> None:
        needed = found.score + (_MARGIN_TO_AUTOMATIC if found.is_automatic else _MARGIN)
        if needed > self._first[0]:
            self._first, self._second = (needed, edge), self._first[0]
        else:
            self._second = max(self._second, needed)

    def needed(self, edge: _Edge) -> int:
        return self._second if self._first[1] == edge else self._first[0]


class _Union:
    """Sets of things that belong together."""

    def __init__(self) -> None:
        self._parents: dict[object, object] = {}

    def root(self, thing: object) -> object:
        parents = self._parents
        while (parent := parents.setdefault(thing, thing)) != thing:
            parents[thing] = parents[parent]
            thing = parent
        return thing

    def join(self, one: object, other: object) -> None:
        self._parents[self.root(one)] = self.root(other)


def _groups(edges: Mapping[_Edge, Likeness], lefts: Sequence[Traits], rights: Sequence[Traits]) -> tuple[Ambiguous, ...]:
    """Records that hang together by doubtful evidence."""
    union = _Union()
    for i, j in edges:
        union.join(("left", i), ("right", j))
    members: dict[object, list[_Edge]] = defaultdict(list)
    for edge in sorted(edges):
        members[union.root(("left", edge[0]))].append(edge)
    return tuple(
        Ambiguous(
            left=tuple(lefts[i].id for i in sorted({i for i, _ in group})),
            right=tuple(rights[j].id for j in sorted({j for _, j in group})),
            evidence=max((edges[edge] for edge in group), key=_strength).evidence,
        )
        for group in members.values()
    )


def _strength(found: Likeness) -> tuple[int, tuple[tuple[str, bool], ...]]:
    return found.score, tuple((each.kind.value, each.is_unique) for each in found.evidence)


def _twins(records: Sequence[Traits]) -> tuple[tuple[RecordId, ...], ...]:
    """Records of one side with the same name and another thing in common."""
    union = _Union()
    for block in _index(records, _twin_keys).values():
        for place in block[1:]:
            union.join(place, block[0])
    groups: dict[object, list[int]] = defaultdict(list)
    for place in range(len(records)):
        groups[union.root(place)].append(place)
    return tuple(tuple(records[place].id for place in group) for group in groups.values() if len(group) > 1)


def _twin_keys(each: Traits) -> Iterator[tuple[str, str, str]]:
    if not each.name:
        return
    yield from (("email", text, each.name) for text in each.emails)
    yield from (("phone", text, each.name) for text in each.phones)
    if not each.is_short:
        yield from (("organisation", text, each.name) for text in each.organisations)
