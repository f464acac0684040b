"""Write down what became of an intent, and what follows from it: shadow, bases, history, all in the caller's transaction.

Rules: a base advances only by what was just propagated, and to what each side really holds: on the source the value that was
planned on, on the target the value that it stored. Both the live cycle (apply.py) and recovery (recover.py) settle here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tandem.core.canonical import recognised_by
from tandem.core.contact import Contact, Delta, FieldName
from tandem.core.merge import Part, advance, parts_of, settled_parts
from tandem.core.plan import ActionKind, count_blanks
from tandem.core.state import PairState, Presence, RecordId, Side, Version, is_older
from tandem.engine.bases import base_of, park, set_base
from tandem.engine.bench import Bench
from tandem.engine.observe import absorb_one, shadow_row
from tandem.engine.reopening import UNDONE, put_back, set_record
from tandem.engine.restored import RESTORED
from tandem.errors import LayoutMoved, TandemError
from tandem.replica import Handle, Moved, Observation, Outcome, Reference, Refused, Removed, Tombstone, Unanswered, Untouched, Written
from tandem.store import models
from tandem.store.archive import head_of
from tandem.store.contents import Payload, decode_payload, encode_contact
from tandem.store.journal import Note, OutcomeKind
from tandem.store.pairs import record_of


@dataclass(slots=True)
class Acted:
    """What was done, counted by side and kind of action; and what stands open."""

    counts: dict[tuple[Side, ActionKind], int] = field(default_factory=dict)
    conflicts: int = 0
    parked: int = 0
    #: Records brought into the scope, or under the link's own word.
    adopted: int = 0
    #: Deletions that wait for a person, because something hangs on the record.
    held: int = 0
    #: Something was not done because it had moved, or has no answer yet: worth another look.
    is_restless: bool = False
    #: What stopped the rest, if anything did.
    stopped_by: TandemError | None = None

    def add(self, side: Side, kind: ActionKind) -> None:
        """Count one action done."""
        self.counts[side, kind] = self.counts.get((side, kind), 0) + 1


@dataclass(slots=True)
class _Page:
    """What the writes of one wave changed, read and kept together: a statement for each table and not for each record."""

    pairs: dict[int, models.Pair]
    shadows: dict[str, models.Shadow]
    seen: list[models.Shadow] = field(default_factory=list)
    references: dict[str, Reference] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class Settler:
    """Writes the outcome of an intent, and what follows from it, into the archive. `keys`: of what is created, by pair, where known."""

    bench: Bench
    cycle: models.Cycle
    acted: Acted
    keys: Mapping[int, Sequence[str]] = field(default_factory=dict)
    _page: _Page | None = None

    def settle_wave(self, intents: Sequence[models.Intent], outcomes: Sequence[Outcome]) -> None:
        """Settle a wave on one side: what was written together, everything else one by one. The caller holds the transaction."""
        settled = list(zip(intents, outcomes, strict=True))
        plain = [(intent, outcome) for intent, outcome in settled if _is_plain(intent, outcome)]
        if plain:
            self._settle_together(plain)
        for intent, outcome in settled:
            if not _is_plain(intent, outcome):
                self.settle(intent, outcome)
        self.bench.journal.save_settled(intents)

    def _settle_together(self, plain: Sequence[tuple[models.Intent, Outcome]]) -> None:
        bench, side = self.bench, Side(plain[0][0].side)
        records = [
            outcome.observation.handle.id for intent, outcome in plain if isinstance(outcome, Written) and intent.kind != "reference"
        ]
        page = _Page(bench.pairs.by_id(intent.pair_id for intent, _ in plain if intent.pair_id), bench.archive.shadows(side, records))
        self._page = page
        try:
            for intent, outcome in plain:
                self.settle(intent, outcome)
        finally:
            self._page = None
        bench.archive.put_references(side, page.references.values())
        bench.archive.put(page.seen)
        bench.pairs.save_many(page.pairs.values())
        bench.journal.note(self.cycle, page.notes, bench.now())

    def _pair_of(self, intent: models.Intent) -> models.Pair:
        known = self._page.pairs.get(intent.pair_id or 0) if self._page else None
        return known or self.bench.pairs.one(intent.pair_id or 0)

    def _keep(self, pair: models.Pair) -> None:
        if self._page is None:
            self.bench.pairs.save(pair)

    def settle(self, intent: models.Intent, outcome: Outcome) -> None:
        """Settle one intent. The caller holds the transaction and saves the intent."""
        now, journal = self.bench.now(), self.bench.journal
        match outcome:
            case Written(observation):
                self._written(intent, observation)
                journal.settle(intent, OutcomeKind.APPLIED, now)
            case Removed():
                self.removed(intent)
                journal.settle(intent, OutcomeKind.APPLIED, now)
            case Moved(sighting):
                if sighting is not None:
                    absorb_one(self.bench, Side(intent.side), sighting)
                self._touch(intent)
                self.acted.is_restless = True
                journal.settle(intent, OutcomeKind.SUPERSEDED, now)
            case Refused():
                self._refused(intent, outcome)
                journal.settle(intent, OutcomeKind.REFUSED, now, outcome.sentence)
            case Untouched(error):
                self._touch(intent)
                self.acted.stopped_by = self.acted.stopped_by or error
                journal.settle(intent, OutcomeKind.UNTOUCHED, now, type(error).__name__)
            case Unanswered():
                self.acted.is_restless = True

    def _written(self, intent: models.Intent, seen: Observation) -> None:
        side = Side(intent.side)
        if intent.kind == "reference":
            payload = decode_payload(intent.payload)
            intent.record_id = seen.handle.id
            made = Reference(seen.handle.id, payload.name, seen.version)
            if self._page:
                self._page.references[made.id] = made
            else:
                self.bench.archive.put_references(side, [made])
            return
        before = self._page.shadows.get(seen.handle.id) if self._page else self.bench.archive.shadow(side, seen.handle.id)
        before_content = bytes(before.content) if before is not None and before.content else None
        if before is None or not is_older(seen.version, Version(before.version)):
            row = shadow_row(
                self.bench, side, seen, self.bench.now(), head_of(before) if before else None, self._keys_of(intent, seen.contact)
            )
            if self._page:
                self._page.seen.append(row)
            else:
                self.bench.archive.put([row])
        intent.version = seen.version
        pair = self._pair_of(intent)
        if intent.kind == "create":
            self.created(intent, pair, seen.handle.id, seen.contact)
        else:
            self.updated(intent, pair, seen.contact)
        self.note(intent, seen.handle.id, before_content, encode_contact(seen.contact), seen.version)

    def _keys_of(self, intent: models.Intent, holds: Contact) -> Sequence[str] | None:
        """The match keys of what a creation has made, if it holds what was sent."""
        keys = self.keys.get(intent.pair_id or 0)
        sent = decode_payload(intent.payload).contact if keys is not None else None
        return keys if sent is not None and recognised_by(sent) == recognised_by(holds) else None

    def created(self, intent: models.Intent, pair: models.Pair, record_id: str, holds: Contact) -> None:
        """Join a created record to its source. `holds`: what the target is agreed to hold."""
        side, payload = Side(intent.side), decode_payload(intent.payload)
        set_record(pair, side, record_id)
        intent.record_id = record_id
        self.acted.add(side, ActionKind.CREATE)
        if intent.undo_id is not None:
            put_back(self.bench, pair, side)
            return
        pair.state, pair.reason, pair.is_dirty, pair.is_aged = PairState.LINKED.value, "created", True, False
        set_base(pair, side.other, payload.source)
        set_base(pair, side, holds.restricted(self.bench.fields))
        self._keep(pair)

    def updated(self, intent: models.Intent, pair: models.Pair, holds: Contact) -> None:
        """Advance both bases by what was just propagated."""
        payload, region = decode_payload(intent.payload), self.bench.policy.region
        self._advance(intent, pair, parts_of(payload.delta, region), settled_parts(payload.delta, payload.target, holds, region), holds)

    def partly_updated(self, intent: models.Intent, parts: frozenset[Part], holds: Contact) -> None:
        """Advance both bases by the parts that recovery found propagated."""
        self._advance(intent, self.bench.pairs.one(intent.pair_id or 0), parts, parts, holds)

    def _advance(self, intent: models.Intent, pair: models.Pair, sent: frozenset[Part], stored: frozenset[Part], holds: Contact) -> None:
        side, payload, region = Side(intent.side), decode_payload(intent.payload), self.bench.policy.region
        if intent.undo_id is None:
            set_base(pair, side.other, advance(base_of(pair, side.other), sent, payload.source, region))
            set_base(pair, side, advance(base_of(pair, side), stored, holds, region))
        pair.is_dirty = True
        self._keep(pair)
        self.acted.add(side, ActionKind.UPDATE)

    def removed(self, intent: models.Intent) -> None:
        """Close the pair of a record that was deleted on our word. Whose deletion it followed may have been restored meanwhile."""
        side = Side(intent.side)
        pair = self.bench.pairs.one(intent.pair_id or 0)
        pair.state, pair.reason, pair.is_dirty = PairState.CLOSED.value, "deleted" if intent.undo_id is None else UNDONE, False
        self.bench.pairs.save(pair)
        self.bench.pairs.close_all_questions(pair.id, self.bench.now())
        shadow = self.bench.archive.shadow(side, intent.record_id)
        if shadow is not None and shadow.presence != Presence.GONE.value:
            absorb_one(self.bench, side, Tombstone(Handle(RecordId(shadow.record_id), shadow.locator)))
        origin = self.bench.archive.shadow(side.other, record_of(pair, side.other) or "")
        if intent.undo_id is None and origin is not None and origin.presence != Presence.GONE.value:
            self.bench.pairs.ask(RESTORED, at=self.bench.now(), pair=pair.id, side=side.other.value)
        self.note(intent, intent.record_id, encode_contact(decode_payload(intent.payload).target), None)
        self.acted.add(side, ActionKind.DELETE)

    def _refused(self, intent: models.Intent, outcome: Refused) -> None:
        if outcome.is_layout:
            self.acted.stopped_by = LayoutMoved(outcome.sentence)
            self._touch(intent)
            return
        if intent.pair_id is None or intent.undo_id is not None:
            return
        pair, payload = self.bench.pairs.one(intent.pair_id), decode_payload(intent.payload)
        wanted = payload.delta or payload.contact.values
        refused = outcome.fields or frozenset(FieldName(name) for name in wanted)
        park(pair, Side(intent.side), payload.source, dict.fromkeys(refused, outcome.sentence))
        if intent.kind == "create" and not outcome.fields:
            pair.reason = "refused"
        pair.is_dirty = True
        self.bench.pairs.save(pair)
        self.acted.parked += 1
        self.acted.is_restless = True

    def _touch(self, intent: models.Intent) -> None:
        if intent.pair_id is not None:
            pair = self.bench.pairs.one(intent.pair_id)
            pair.is_dirty = True
            self.bench.pairs.save(pair)

    def note(
        self, intent: models.Intent, record_id: str, before: bytes | None, after: bytes | None, version: str = "", done: Delta | None = None
    ) -> None:
        """Write a line of history about an intent that was carried out. `done`: what of its change was, if not all."""
        payload = decode_payload(intent.payload)
        if done is not None:
            payload = replace(payload, delta=done)
        weighs = "" if intent.is_approved else _weight(intent, payload)
        names = sorted(payload.delta or payload.contact.values)
        note = Note(intent.pair_id, Side(intent.side), intent.kind, record_id, list(names), before, after, weighs, version, intent.undo_id)
        if self._page:
            self._page.notes.append(note)
        else:
            self.bench.journal.note(self.cycle, [note], self.bench.now())


def _is_plain(intent: models.Intent, outcome: Outcome) -> bool:
    """Whether it changes nothing but its own record and pair."""
    return isinstance(outcome, Written) and intent.kind in {"create", "update", "reference"} and intent.undo_id is None


def _weight(intent: models.Intent, payload: Payload) -> str:
    """What the brake counts it as."""
    if intent.kind == "create":
        return "creation"
    is_removal = intent.kind == "delete" or count_blanks(payload.target, payload.delta) > 0
    return "removal" if is_removal else "update"
