"""Find out what became of the intents that have no outcome: by marker, by content, by what the record holds now.

Theory: a write whose answer is missing - the process died, the connection broke - may have been applied, may be applied
later, or never. It must not be repeated blindly (that doubles contacts) nor forgotten (that loses edits). So each pending
intent is looked up until what is found proves one of the three, and its pair is left alone meanwhile; everything else goes on.

    creation    marker or content found       -> adopted; the target's base is the payload, so an edit made since stays an edit
                not found, window not over    -> wait
                something like it, or several -> a person looks
                not found after the window    -> wanted again, under the same marker
    update      parts that hold what was sent -> settled; the others are decided anew
                (without compare-and-set only after the window: a late write may still arrive)
    deletion    gone                          -> settled
                there                         -> decided anew
    reference   named in the index            -> settled; not there after the window -> wanted again
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tandem.core.canonical import entry_key, same_text, same_value
from tandem.core.contact import FIELDS, FIRST_NAME, LAST_NAME, Contact, Entry, FieldName, Value, apply_delta
from tandem.core.merge import advance, parts_of, was_applied
from tandem.core.state import RecordId, Side
from tandem.engine.bench import Bench
from tandem.engine.observe import absorb_one
from tandem.engine.settle import Acted, Settler
from tandem.replica import Absent, Handle, Observation, Sighting, Tombstone, Unreadable
from tandem.store import models
from tandem.store.contents import Payload, decode_contact, decode_payload, encode_contact
from tandem.store.journal import OutcomeKind


def recover(bench: Bench, cycle: models.Cycle) -> Acted:
    """Settle every pending intent that can be settled now. Returns what turned out to have been done."""
    pending = bench.journal.pending()
    looked = {intent.id: _look(bench, intent) for intent in pending if intent.kind in {"update", "delete"} and _may_look(bench, intent)}
    acted = Acted()
    if not pending:
        return acted
    with bench.commit():
        recovery = _Recovery(bench, Settler(bench, cycle, acted), bench.now())
        for intent in pending:
            recovery.settle(intent, looked.get(intent.id))
        bench.journal.save_settled(pending)
    return acted


def _may_look(bench: Bench, intent: models.Intent) -> bool:
    """With compare-and-set a late write is refused by itself; without, it has to be out of the way first."""
    side = Side(intent.side)
    has_cas = bench.replicas[side].capabilities.has_compare_and_set
    return (has_cas and intent.kind == "update") or _is_over(bench, intent, bench.now())


def _is_over(bench: Bench, intent: models.Intent, at: datetime) -> bool:
    """Whether whatever was sent must have been applied and be visible by then, if ever."""
    return at > datetime.fromisoformat(intent.sends[-1]) + bench.window(Side(intent.side))


def _look(bench: Bench, intent: models.Intent) -> Sighting:
    side = Side(intent.side)
    shadow = bench.archive.shadow(side, intent.record_id)
    handle = Handle(RecordId(intent.record_id), shadow.locator if shadow else intent.record_id)
    return bench.replicas[side].fetch([handle])[0]


@dataclass(slots=True)
class _Recovery:
    bench: Bench
    settler: Settler
    now: datetime

    def settle(self, intent: models.Intent, found: Sighting | None) -> None:
        match intent.kind:
            case "create":
                self._creation(intent)
            case "reference":
                self._reference(intent)
            case "adopt" | "release":
                # May be repeated freely: what is still wanted is asked for again.
                self.bench.journal.settle(intent, OutcomeKind.SUPERSEDED, self.now, "sent again")
            case _ if found is not None:
                self._change(intent, found)

    # Creations

    def _creation(self, intent: models.Intent) -> None:
        side, payload = Side(intent.side), decode_payload(intent.payload)
        unpaired = {row.record_id: row for row in self.bench.archive.unpaired(side)}
        marked = [row for row in unpaired.values() if row.marker == intent.marker]
        if marked:
            self._adopt(intent, min(marked, key=lambda row: (row.first_seen_at, row.record_id)))
            return
        drained_at = self.bench.archive.feed(side).drained_at
        if drained_at is None or not _is_over(self.bench, intent, drained_at):
            return
        sent_at = datetime.fromisoformat(intent.sends[0])
        appeared = [row for row in unpaired.values() if row.first_seen_at >= sent_at and not row.marker]
        equal = [row for row in appeared if self._holds_same(payload.contact, decode_contact(row.content))]
        if len(equal) == 1:
            self._adopt(intent, equal[0])
        elif any(self._has_key_in_common(payload.contact, row) for row in appeared) or self._ghosts(side, sent_at):
            self._hold(intent)
        else:
            self._again(intent)

    def _adopt(self, intent: models.Intent, row: models.Shadow) -> None:
        pair = self.bench.pairs.one(intent.pair_id or 0)
        found = decode_contact(row.content)
        self.settler.created(
            intent, pair, row.record_id, as_stored(decode_payload(intent.payload).contact, found, self.bench.policy.region)
        )
        self.settler.note(intent, row.record_id, None, encode_contact(found), row.version)
        self.bench.journal.settle(intent, OutcomeKind.APPLIED, self.now, "found")

    def _again(self, intent: models.Intent) -> None:
        """Decided anew; the pair stays one-sided, and its next creation bears the same marker."""
        self._touch(intent)
        self.bench.journal.settle(intent, OutcomeKind.SUPERSEDED, self.now, "not found")

    def _hold(self, intent: models.Intent) -> None:
        self.bench.pairs.ask("unknown-creation", at=self.now, pair=intent.pair_id, side=intent.side)
        pair = self.bench.pairs.one(intent.pair_id or 0)
        pair.is_dirty = False
        self.bench.pairs.save(pair)
        self.bench.journal.settle(intent, OutcomeKind.HELD, self.now)

    def _holds_same(self, wanted: Contact, found: Contact) -> bool:
        return all(
            same_value(FIELDS[name].kind, value, found.values.get(name, ""), self.bench.policy.region)
            for name, value in wanted.values.items()
        )

    def _has_key_in_common(self, contact: Contact, row: models.Shadow) -> bool:
        return any(not key.startswith("organisation") for key in set(self.bench.keys_of(contact)) & set(row.keys))

    def _ghosts(self, side: Side, since: datetime) -> bool:
        """Whether a record was deleted since that we never saw alive: it may have been ours, and a person's word."""
        return self.bench.archive.has_ghost(side, since)

    # Updates and deletions

    def _change(self, intent: models.Intent, found: Sighting) -> None:
        side, payload = Side(intent.side), decode_payload(intent.payload)
        match found:
            case Unreadable():
                return
            case Observation():
                absorb_one(self.bench, side, found)
                self._observed(intent, payload, found.contact)
            case Tombstone() | Absent():
                if intent.kind == "delete":
                    self.settler.removed(intent)
                    self.bench.journal.settle(intent, OutcomeKind.APPLIED, self.now, "found gone")
                    return
                absorb_one(self.bench, side, found)
                self.bench.journal.settle(intent, OutcomeKind.SUPERSEDED, self.now)
        self._touch(intent)

    def _observed(self, intent: models.Intent, payload: Payload, holds: Contact) -> None:
        """Parts that hold what was sent are settled; whatever else there is, is decided anew."""
        region, wanted_to_hold = self.bench.policy.region, apply_delta(payload.target, payload.delta)
        sent = parts_of(payload.delta, region)
        arrived = frozenset(part for part in sent if was_applied(part, payload.target, wanted_to_hold, holds, region))
        after = advance(payload.target, arrived, holds, region)
        # Of a list that shall have no primary entry any more, the mark "arrives" before anything was sent.
        done = {
            name: change for name, change in payload.delta.items() if not same_text(after.values.get(name), payload.target.values.get(name))
        }
        if intent.kind == "update" and done:
            self.settler.partly_updated(intent, arrived, holds)
            self.settler.note(intent, intent.record_id, encode_contact(payload.target), encode_contact(after), done=done)
            self.bench.journal.settle(intent, OutcomeKind.APPLIED, self.now, "found")
        else:
            self.bench.journal.settle(intent, OutcomeKind.SUPERSEDED, self.now)

    # References

    def _reference(self, intent: models.Intent) -> None:
        side, name = Side(intent.side), decode_payload(intent.payload).name
        drained_at = self.bench.archive.feed(side).drained_at
        if self.bench.references[side].find(name) is not None:
            self.bench.journal.settle(intent, OutcomeKind.APPLIED, self.now, "found")
        elif drained_at is not None and _is_over(self.bench, intent, drained_at):
            self.bench.journal.settle(intent, OutcomeKind.SUPERSEDED, self.now, "not found")

    def _touch(self, intent: models.Intent) -> None:
        pair = self.bench.pairs.one(intent.pair_id or 0)
        pair.is_dirty = True
        self.bench.pairs.save(pair)


def as_stored(sent: Contact, found: Contact, region: str) -> Contact:
    """What we sent, in the words in which the target stored it; where it holds something else, what we sent.

    This is the target's base after a creation whose answer was lost: an edit that somebody made since stays an edit, and a
    server's own rewriting does not become one.
    """
    values = {name: _stored_value(name, value, found, region) for name, value in sent.values.items()}
    if FIRST_NAME not in sent.values and LAST_NAME not in sent.values:
        # A name that the target demands was made up; it is nobody's edit.
        values.update({name: found.values[name] for name in (FIRST_NAME, LAST_NAME) if name in found.values})
    return Contact(values)


def _stored_value(name: FieldName, value: Value, found: Contact, region: str) -> Value:
    kind, now = FIELDS[name].kind, found.values.get(name, "")
    if isinstance(value, tuple):
        by_key = {entry_key(kind, entry, region): entry for entry in now} if isinstance(now, tuple) else {}
        return tuple(_stored_entry(entry, by_key.get(entry_key(kind, entry, region))) for entry in value)
    return now if same_value(kind, value, now, region) else value


def _stored_entry(sent: Entry, found: Entry | None) -> Entry:
    if found is None:
        return sent
    return Entry(found.value, sent.label or found.label, found.primary)
