"""Look at one side as far as it is worth it: everything, what moved, or only the records that were asked for.

A hint says that a record has moved; what it announces is believed when a read shows it. So a cycle that was started by hints reads
the records they name and lists nothing: one cheap call a record, or one list for many, which the replica chooses.

Rules
- A hint is done when a read shows what it announces (a version that is not older; for a deletion: gone), or after two like reads one
  read lag apart; not before. Told again while it was being looked at, it stays.
- Looking at what was asked for moves no cursor and proves nothing about anything else. Where a position is needed - a creation, a
  deletion that rests, a write without answer, a taking back - the side is drained all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from tandem.core.canonical import fingerprint
from tandem.core.state import Cursor, RecordId, Side, Version, is_older
from tandem.engine.bench import Bench
from tandem.engine.observe import Gathered, gather, look_directly
from tandem.errors import QuotaExhausted
from tandem.replica import Handle, Listing, Observation, Reference, Sighting, Tombstone, Work
from tandem.store import models

_SECOND = timedelta(seconds=1)


class Look(Enum):
    """How much of a side is looked at."""

    #: Everything is listed.
    FULL = "full"
    #: What moved since the cursor.
    CHANGES = "changes"
    #: Records that hints name, and those about which there is doubt.
    ASKED = "asked"


@dataclass(slots=True)
class Glance:
    """One look at a side: what it brought, and the hints it was to answer."""

    gathered: Gathered
    asked: list[models.Hint]
    references: dict[str, Reference] = field(default_factory=dict)


def glance(bench: Bench, side: Side, look: Look, work: Work) -> Glance:
    """Look at a side. Sends no write, writes nothing down.

    Looking for its own sake ends where its part of the budget ends: then only what was asked for is read.
    """
    look = _at_least(bench, side, look)
    if look is not Look.ASKED:
        bench.spend_as(work)
        try:
            return _glance(bench, side, look)
        except QuotaExhausted as error:
            if work is not Work.LOOKING or error.reason != Work.LOOKING.value:
                raise
        finally:
            bench.spend_as(Work.PEOPLE)
    return _glance(bench, side, Look.ASKED)


def _glance(bench: Bench, side: Side, look: Look) -> Glance:
    asked = bench.hints.due(side, bench.now())
    handles = [Handle(RecordId(row.record_id), row.locator) for row in asked if not row.is_reference]
    feed = bench.archive.feed(side)
    if look is Look.ASKED:
        # The feed stays as it is: nothing was drained.
        gathered = Gathered(side, Listing.CHANGES, feed.drained_at or bench.now(), Cursor(feed.cursor))
        look_directly(bench, gathered, handles)
    else:
        gathered = gather(bench, side, is_full=look is Look.FULL, asked=handles)
    named = [row.record_id for row in asked if row.is_reference]
    references = {reference.id: reference for reference in bench.replicas[side].fetch_references(named)} if named else {}
    gathered.references.extend(references.values())
    for row in asked:
        sighting = gathered.sightings.get(RecordId(row.record_id))
        if row.merged_into and not row.is_reference and isinstance(sighting, Tombstone) and sighting.merged_into is None:
            gathered.sightings[sighting.handle.id] = replace(sighting, merged_into=RecordId(row.merged_into))
    return Glance(gathered, asked, references)


def _at_least(bench: Bench, side: Side, look: Look) -> Look:
    """The least that will do: some things need a drain of the side, whatever was asked for."""
    if look is not Look.ASKED:
        return look
    feed = bench.archive.feed(side)
    is_new = not feed.cursor or feed.listed_at is None or bench.link_row().first_synced_at is None
    is_open = any(intent.side == side.value for intent in bench.journal.pending())
    # What a person wants taken back is judged by what stands on both sides now.
    is_needed = is_new or is_open or bool(bench.past.wanted()) or _rests(bench, side, feed.drained_at)
    return Look.CHANGES if is_needed else Look.ASKED


def _rests(bench: Bench, side: Side, drained_at: datetime | None) -> bool:
    """Whether a deletion on this side waits for one more drain, and waited for long enough."""
    ready = rests_until(bench, side, drained_at)
    return ready is not None and ready < bench.now()


def rests_until(bench: Bench, side: Side, drained_at: datetime | None) -> datetime | None:
    """From when on a drain of this side lets the deletions go on that were seen there; None when none waits."""
    waiting = [
        at + bench.read_lag(side)
        for at in bench.archive.absent_since(side)
        if drained_at is None or drained_at <= at + bench.read_lag(side)
    ]
    return min(waiting, default=None)


def conclude(bench: Bench, look: Glance) -> None:
    """Write down which hints were answered. The caller holds the transaction, in which the look has been absorbed."""
    for row in look.asked:
        sighting = look.gathered.sightings.get(RecordId(row.record_id))
        shown = look.references.get(row.record_id) if row.is_reference else sighting
        if not row.is_reference and sighting is None:
            continue  # not read after all
        seen = _print(shown)
        lag = bench.read_lag(Side(row.side))
        now = bench.now()
        is_like = row.seen == seen and row.seen_at is not None
        if _is_shown(row, shown) or (is_like and row.seen_at is not None and now - row.seen_at >= lag):
            bench.hints.done(row)
        else:
            since = row.seen_at if is_like and row.seen_at is not None else now
            bench.hints.again(row, seen, since, max(since + lag, now) + _SECOND)


def _is_shown(row: models.Hint, shown: Sighting | Reference | None) -> bool:
    match shown:
        case Tombstone():
            return True
        case Observation():
            return not row.is_gone and not is_older(shown.version, Version(row.version))
        case Reference():
            return shown.is_gone or (not row.is_gone and not is_older(shown.version, Version(row.version)))
        case _:
            return False


def _print(shown: Sighting | Reference | None) -> str:
    """What two reads are compared by."""
    match shown:
        case Observation():
            return f"{shown.version} {fingerprint(shown.contact)}"
        case Reference():
            return shown.version
        case None:
            return "nothing"
        case _:
            return type(shown).__name__
