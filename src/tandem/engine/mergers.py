"""Merges that happened on one side: the pair follows the record that survives, and nothing is deleted on the other side for it.

Rules
- A merge is known because the service says so (`Tombstone.merged_into`, a changed locator), or because the name, the e-mails and
  the phones of a deleted record are all in one that changed in the same window.
- If only the record that went up in the other was paired, its pair moves, with its bases: what came along is an edit.
- If both were paired, that of the survivor stays as it is; the other closes as merged, and its record on the other side waits
  for a person (folds.py): never deleted, never born again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tandem.core.canonical import KeyKind, entry_key, field_kind, match_keys
from tandem.core.contact import EMAILS, PHONES, Contact, FieldName
from tandem.core.state import PairState, RecordId, Side
from tandem.engine.bases import base_of
from tandem.engine.bench import Bench
from tandem.replica import Handle, Sighting, Tombstone
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.journal import Note
from tandem.store.pairs import record_of

MERGE = "merge"
MERGED = "merged"
#: Where deletions are streamed, both halves of a merge come within this time.
_WINDOW = timedelta(minutes=10)


def note_mergers(bench: Bench, side: Side, sightings: Iterable[Sighting], relocated: Mapping[str, Handle]) -> None:
    """Keep what a drain says about merges. The caller holds the transaction."""
    for sighting in sightings:
        if isinstance(sighting, Tombstone) and sighting.merged_into:
            for row in bench.archive.gone(side, [sighting.handle.id]):
                row.merged_into = sighting.merged_into
                row.save(using=bench.alias, update_fields=["merged_into"])
    for locator, handle in relocated.items():
        bench.archive.merged(side, [locator], handle.id)


def settle_mergers(bench: Bench) -> list[Note]:
    """Let pairs follow the survivors of merges. Returns what the history shall tell. The caller holds the transaction."""
    notes: list[Note] = []
    moved = [pair for pair in bench.pairs.moved() if pair.state != PairState.ONE_SIDED.value]
    for side in Side:
        pairs = {record: pair for pair in moved if (record := record_of(pair, side))}
        for loser in bench.archive.gone(side, pairs):
            pair = pairs[loser.record_id]
            if pair.state != PairState.CLOSED.value and (survivor := _survivor(bench, side, pair, loser)):
                notes += _follow(bench, side, pair, survivor)
    return notes


def _survivor(bench: Bench, side: Side, pair: models.Pair, loser: models.Shadow) -> RecordId | None:
    if loser.merged_into and loser.merged_into != loser.record_id:
        known = bench.archive.shadow(side, loser.merged_into)
        return RecordId(loser.merged_into) if known is not None else None
    held = decode_contact(loser.content) or base_of(pair, side)
    wanted = {name: _entries(held, name, bench.policy.region) for name in (EMAILS, PHONES)}
    if not any(wanted.values()):
        return None
    since = _window_start(bench, side, loser)
    if pair.is_aged and (backup_at := bench.link_row().backup_at) is not None:
        # It may have happened at any time since the backup.
        since = min(since, backup_at)
    for row in bench.archive.changed_since(side, since):
        if row.record_id == loser.record_id:
            continue
        found = decode_contact(row.content)
        # Who goes up in whom is told by what a service says as it happens; after a restore nobody says it again, whatever the names.
        is_alike = pair.is_aged or _is_called_alike(held, found)
        if is_alike and all(entries <= _entries(found, name, bench.policy.region) for name, entries in wanted.items()):
            return RecordId(row.record_id)
    return None


def _window_start(bench: Bench, side: Side, loser: models.Shadow) -> datetime:
    capabilities = bench.replicas[side].capabilities
    gone_at = loser.absent_at or bench.now()
    if capabilities.streams_tombstones:
        return gone_at - _WINDOW - bench.read_lag(side)
    # Only a full listing shows that it is gone: it may have happened at any time since the one before.
    present_at = loser.present_at or gone_at - timedelta(seconds=capabilities.full_listing_every_s)
    return present_at - _WINDOW - bench.read_lag(side)


def _entries(contact: Contact, name: FieldName, region: str) -> frozenset[str]:
    return frozenset(entry_key(field_kind(name), entry, region) for entry in contact.entries(name))


def _is_called_alike(loser: Contact, survivor: Contact) -> bool:
    names = {key for key in match_keys(loser) if key.kind is KeyKind.NAME}
    return not names or bool(names & match_keys(survivor))


def _follow(bench: Bench, side: Side, pair: models.Pair, survivor: RecordId) -> list[Note]:
    loser = record_of(pair, side) or ""
    theirs = bench.pairs.of(side, [survivor]).get(survivor)
    if theirs is None:
        if side is Side.LEFT:
            pair.left_id = survivor
        else:
            pair.right_id = survivor
        pair.is_dirty = True
        bench.pairs.save(pair)
        return [Note(pair.id, side, MERGE, loser)]
    pair.state, pair.reason, pair.is_dirty = PairState.CLOSED.value, MERGED, False
    bench.pairs.save(pair)
    bench.pairs.close_all_questions(pair.id, bench.now())
    bench.pairs.ask(MERGE, at=bench.now(), pair=pair.id, side=side.other.value, data={"survivor": theirs.id})
    return [Note(pair.id, side, MERGE, loser)]
