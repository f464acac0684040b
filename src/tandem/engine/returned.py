"""What is to be taken back of the writes that a person chose: a plan made from history. Reads the archive, writes nothing.

Theory: for each write, newest first, the three-way merge of its after-image, what is there now, and its before-image: what
differs from the after-image is a later edit and stays, the rest returns. Several writes to one record are taken back one after
the other on the same text, so that only what is left of all of them is written.

Rules: nothing is taken back where it is not certain whose it is; each thing that stays is named with a sentence. A creation is
taken back only where our copy is provably ours and nobody has touched it since. What a person edited on the other side, and
has not travelled yet, keeps its field as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from tandem.core.canonical import field_kind, same_text
from tandem.core.contact import LISTED, Contact, Delta, FieldName, apply_delta
from tandem.core.merge import merge
from tandem.core.parts import grouped
from tandem.core.plan import count_blanks
from tandem.core.policy import ConflictRule, Direction, Policy
from tandem.core.state import Presence, Side, Sight
from tandem.engine.bases import base_of
from tandem.engine.bench import Bench
from tandem.engine.reopening import UNDONE
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.pairs import record_of

#: Parts of raw records that move with every write, whatever it changes.
_STAMPS = frozenset({"etag", "metadata", "update_time"})


class Step(Enum):
    """What one return does."""

    #: Earlier values are written.
    UPDATE = "update"
    #: A copy that Tandem made is deleted; its pair is closed first, its source stays.
    REMOVE = "remove"
    #: A record that Tandem deleted is made again.
    RESTORE = "restore"
    #: Two records do not belong together any more.
    UNPAIR = "unpair"
    #: They do again.
    PAIR = "pair"
    #: A record that was brought into the scope leaves it.
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Return:
    """One thing to be done for an undo. `contact`: what it concerns, as it stands now or shall stand again."""

    step: Step
    pair: int
    side: Side
    record: str
    contact: Contact
    delta: Delta = field(default_factory=dict)
    #: Of a record to be made again: what it was, raw.
    raw: bytes = b""

    @property
    def is_removal(self) -> bool:
        """Whether it takes something away."""
        return self.step is Step.REMOVE or count_blanks(self.contact, self.delta) > 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is not taken back, and why. Without fields: all of that write."""

    pair: int | None
    side: Side
    record: str
    contact: Contact
    sentence: str
    fields: tuple[FieldName, ...] = ()


@dataclass(slots=True)
class Returns:
    """The plan of an undo."""

    returns: list[Return] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    #: Pairs that have to wait for an answer first.
    settling: int = 0
    #: Copies that an interrupted undo had unpaired, and that somebody has touched since: they are synced again.
    reopened: list[int] = field(default_factory=list)

    def of(self, *steps: Step) -> list[Return]:
        """The returns of some kinds."""
        return [item for item in self.returns if item.step in steps]


def returns_of(bench: Bench, rows: Sequence[models.History], undo: int | None = None) -> Returns:
    """What the undo of these lines of history would do now. `undo`: the one that is under way, whose finished parts are passed over."""
    planner = _Planner(bench, rows, undo)
    for pair_id in dict.fromkeys(row.pair_id for row in planner.rows if row.pair_id is not None):
        planner.take_back(pair_id)
    return planner.found


def merged_back(now: Contact, after: Contact, before: Contact, policy: Policy) -> tuple[Delta, frozenset[FieldName]]:
    """What to write so that `after` returns to `before`, and the fields of which something stays, because it was changed since."""
    rules = replace(policy, direction=Direction.BOTH, conflicts=ConflictRule.LEFT, conflicts_by_field={})
    left, right = Sight(Presence.LIVE, now, after), Sight(Presence.LIVE, before, after)
    merged = merge(left, right, rules)
    against = {conflict.part: Side.LEFT for conflict in merged.conflicts if conflict.winner is not Side.LEFT}
    if against:
        # An edit usually wins over a clearing; here what stands there now always does.
        merged = merge(left, right, rules, against)
    changed = {conflict.part.field for conflict in merged.conflicts}
    replaced = frozenset(name for name in merged.to_left if _lacks_added(name, now, after, before, policy.region))
    return {name: change for name, change in merged.to_left.items() if name not in replaced}, replaced | changed


def _lacks_added(name: FieldName, now: Contact, after: Contact, before: Contact, region: str) -> bool:
    """Whether an entry that the write had added to a list was removed or replaced since: then somebody has decided about the list."""
    if field_kind(name) not in LISTED:
        return False
    keys = [grouped(name, contact.entries(name), region).keys() for contact in (after, before, now)]
    return bool(keys[0] - keys[1] - keys[2])


class _Planner:
    """Goes through the chosen lines pair by pair, the newest first."""

    def __init__(self, bench: Bench, rows: Sequence[models.History], undo: int | None) -> None:
        self._bench = bench
        self.rows = sorted(_with_first_meetings(bench, rows), key=lambda row: -row.id)
        self.found = Returns()
        self._pairs = bench.pairs.by_id({row.pair_id for row in self.rows if row.pair_id is not None})
        ids = {side: [record for pair in self._pairs.values() if (record := record_of(pair, side))] for side in Side}
        self._shadows = {side: bench.archive.shadows(side, ids[side]) for side in Side}
        self._finished = bench.past.finished_of(undo) if undo is not None else set()
        self._undo = undo
        self._pending = {intent.pair_id for intent in bench.journal.pending()}
        busy = {side: bench.journal.busy_elsewhere(side) for side in Side}
        self._pending |= {pair.id for pair in self._pairs.values() if any(record_of(pair, side) in busy[side] for side in Side)}

    def take_back(self, pair_id: int) -> None:
        """Plan what returns of one pair."""
        pair = self._pairs.get(pair_id)
        if pair is None or pair_id in self._pending:
            self.found.settling += pair is not None
            return
        rows = [row for row in self.rows if row.pair_id == pair_id]
        is_unpaired = self._pairing(pair, rows)
        for side in Side:
            written = [row for row in rows if row.side == side.value]
            if any(row.kind == "create" for row in written):
                self._creation(pair, side, next(row for row in written if row.kind == "create"))
            elif any(row.kind == "delete" for row in written):
                self._deletion(pair, side, next(row for row in written if row.kind == "delete"))
            else:
                self._updates(pair, side, [row for row in written if row.kind == "update"], is_unpaired=is_unpaired)

    # Pairing

    def _pairing(self, pair: models.Pair, rows: Sequence[models.History]) -> bool:
        """Take matches, adoptions and their undoing back; whether the pair is closed by that."""
        kinds = {row.kind for row in rows}
        joined = kinds & {"match", "adopt"}
        if joined and "unpair" not in kinds:
            is_closed = pair.state == "closed"
            if not is_closed:
                self._add(Step.UNPAIR, pair, Side.LEFT)
            for row in rows:
                side = Side(row.side)
                if row.kind == "adopt" and (pair.id, side.value, "release") not in self._finished and self._is_live(pair, side):
                    self._add(Step.RELEASE, pair, side)
            return not is_closed or pair.reason == UNDONE
        if "unpair" in kinds and pair.state == "closed" and pair.reason == UNDONE:
            self._add(Step.PAIR, pair, Side.LEFT)
        return False

    def _add(self, step: Step, pair: models.Pair, side: Side, delta: Delta | None = None, raw: bytes = b"") -> None:
        record = record_of(pair, side) or ""
        self.found.returns.append(Return(step, pair.id, side, record, self._now(pair, side), delta or {}, raw))

    def _keep(self, row: models.History, sentence: str, fields: frozenset[FieldName] = frozenset()) -> None:
        side = Side(row.side)
        contact = decode_contact(row.after or row.before)
        self.found.kept.append(Kept(row.pair_id, side, row.record_id, contact, sentence, tuple(sorted(fields))))

    # What is there now

    def _shadow(self, pair: models.Pair, side: Side) -> models.Shadow | None:
        return self._shadows[side].get(record_of(pair, side) or "")

    def _now(self, pair: models.Pair, side: Side) -> Contact:
        shadow = self._shadow(pair, side)
        return decode_contact(shadow.content if shadow else None)

    def _is_live(self, pair: models.Pair, side: Side) -> bool:
        shadow = self._shadow(pair, side)
        return shadow is not None and shadow.presence == Presence.LIVE.value

    # Creations and deletions

    def _creation(self, pair: models.Pair, side: Side, row: models.History) -> None:
        shadow = self._shadow(pair, side)
        if record_of(pair, side) != row.record_id or shadow is None or shadow.presence == Presence.GONE.value:
            if pair.reason != UNDONE:
                self._keep(row, "it is not there any more")
            return
        doubt = self._doubt(pair, side, row, shadow)
        if not doubt:
            self._add(Step.REMOVE, pair, side)
            return
        self._keep(row, doubt)
        if pair.state == "closed" and pair.reason == UNDONE and self._undo is not None:
            self.found.reopened.append(pair.id)

    def _doubt(self, pair: models.Pair, side: Side, row: models.History, shadow: models.Shadow) -> str:
        """Why our copy may not be removed; empty when it is provably ours and untouched."""
        intent = self._bench.past.creation_of(pair.id, side, row.record_id)
        if intent is None or (shadow.marker and shadow.marker != intent.marker):
            return "it cannot be proved that Tandem made it"
        if self._bench.journal.paired_elsewhere(side, row.record_id):
            return "another link has it in the sync, too"
        if (pair.id, side.value, "delete") in self._finished:
            return "it could not be deleted"
        last = self._bench.past.last_written(pair.id, side, row.record_id)
        if shadow.presence != Presence.LIVE.value or shadow.is_partial or last is None or last.after is None:
            return "it cannot be seen whether somebody has changed it since"
        is_same = decode_contact(last.after).values == decode_contact(shadow.content).values
        if not is_same or (last.version and last.version != shadow.version and not self._is_our_touch(pair, side, row, shadow)):
            return "somebody has changed it since"
        return ""

    def _is_our_touch(self, pair: models.Pair, side: Side, row: models.History, shadow: models.Shadow) -> bool:
        """Whether the version moved by a deletion of ours that did not come to its end: all else is as it was then."""
        intent = self._bench.past.deletion_of(self._undo, pair.id, side, row.record_id) if self._undo is not None else None
        return intent is not None and intent.before is not None and _unstamped(intent.before) == _unstamped(shadow.raw or b"{}")

    def _deletion(self, pair: models.Pair, side: Side, row: models.History) -> None:
        if record_of(pair, side) != row.record_id:
            return  # made again already
        if row.before is None:
            self._keep(row, "what it held has been erased")
            return
        if self._is_live(pair, side):
            self._keep(row, "it is there again")
            return
        if (pair.id, side.value, "create") in self._finished:
            self._keep(row, "it could not be made again")
            return
        raw = self._bench.past.raw_before(pair.id, side, row.record_id)
        self.found.returns.append(Return(Step.RESTORE, pair.id, side, row.record_id, decode_contact(row.before), raw=raw))

    # Updates

    def _updates(self, pair: models.Pair, side: Side, rows: Sequence[models.History], *, is_unpaired: bool) -> None:
        if not rows or (pair.id, side.value, "update") in self._finished:
            return
        is_ours = self._undo is not None and pair.reason == UNDONE
        is_out = pair.state == "closed" and not (is_unpaired or is_ours or self._is_paired_again(pair))
        if not self._is_live(pair, side) or is_out or pair.state == "frozen" or record_of(pair, side) != rows[0].record_id:
            self._keep(rows[0], "it is not in the sync any more")
            return
        start = text = self._now(pair, side)
        for row in rows:
            text = self._one_back(row, text)
        delta, _ = merged_back(start, start, text, self._bench.policy)
        changed = set() if is_unpaired else self._changed_elsewhere(pair, side.other)
        touched = frozenset(delta.keys() & changed)
        if touched:
            self._keep(rows[0], "it was changed on the other side since", touched)
        refused = self._bench.refusals(side, delta)
        for name, sentence in refused.items():
            self._keep(rows[0], sentence, frozenset({name}))
        wanted = {name: change for name, change in delta.items() if name not in touched and name not in refused}
        if wanted:
            self._add(Step.UPDATE, pair, side, wanted)

    def _is_paired_again(self, pair: models.Pair) -> bool:
        return any(item.step is Step.PAIR and item.pair == pair.id for item in self.found.returns)

    def _one_back(self, row: models.History, text: Contact) -> Contact:
        """The text without one write, as far as it still stands."""
        if row.before is None or row.after is None:
            self._keep(row, "what it held has been erased")
            return text
        names = self._bench.fields & {FieldName(name) for name in row.fields}
        policy = replace(self._bench.policy, fields=names)
        delta, kept = merged_back(text, decode_contact(row.after), decode_contact(row.before), policy)
        if kept:
            self._keep(row, "it was changed since", kept)
        return apply_delta(text, delta)

    def _changed_elsewhere(self, pair: models.Pair, side: Side) -> set[FieldName]:
        """Fields that a person edited on the other side, and that have not travelled yet."""
        if not self._is_live(pair, side):
            return set()
        now, base = self._now(pair, side).values, base_of(pair, side).values
        return {name for name in self._bench.fields if not same_text(now.get(name), base.get(name))}


def _unstamped(raw: bytes | memoryview) -> str:
    """A raw record without what its server says about it, for comparing."""
    return json.dumps(_without_stamps(json.loads(bytes(raw))), sort_keys=True)


def _without_stamps(value: object) -> object:
    match value:
        case dict():
            return {key: _without_stamps(item) for key, item in value.items() if key not in _STAMPS}
        case list():
            return [_without_stamps(item) for item in value]
        case _:
            return value


def _with_first_meetings(bench: Bench, rows: Sequence[models.History]) -> list[models.History]:
    """The lines, and with each match what was written when the two first met; a lost value stands for the write that took its place."""
    found: Mapping[int, models.History] = {row.id: row for row in rows if row.kind != "conflict"}
    more = dict(found)
    for row in rows:
        if row.kind in {"match", "adopt"}:
            more |= {item.id: item for item in bench.past.written_when_met(row)}
        if row.kind == "conflict":
            for item in bench.past.written_with(row):
                if item.id not in found and item.side == row.side and set(row.fields) <= set(item.fields):
                    item.fields = row.fields
                    more[item.id] = item
    return list(more.values())
