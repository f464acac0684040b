"""Look at one side: `gather` reads from the replica and writes nothing, `absorb` makes what was read visible, all at once.

Rules (numbers: the promises in ARCHITECTURE.md):
- Shadows, tombstones and cursor become visible in one transaction, when the last page has come. A drain that was cut short
  changes nothing.
- Absence from a listing is no deletion: what is missing is read directly, and gone only with a tombstone or two empty
  direct reads some time apart.
- Versions decide what is new, contents decide what changed. An older version than the one we know is a stale read.
- Of records outside the scope nothing is kept but id, version and keyed hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tandem.core.canonical import fingerprint
from tandem.core.contact import Contact
from tandem.core.plan import HoldReason
from tandem.core.state import Cursor, PairState, Presence, RecordId, Side, Version, is_older
from tandem.engine.bench import Bench
from tandem.engine.holds import hold_deletion
from tandem.engine.mergers import note_mergers
from tandem.engine.restored import ask_restored, retry_refused
from tandem.errors import CursorExpired, LayoutMoved, Malformed, Unavailable
from tandem.replica import Absent, Handle, Listing, Observation, Reference, Sighting, Tombstone, Unreadable
from tandem.store import models
from tandem.store.archive import Head
from tandem.store.contents import decode_contact, encode_contact
from tandem.store.erasing import FORGOTTEN, without_content

_EXISTS = frozenset({Presence.LIVE, Presence.OUT_OF_SCOPE, Presence.UNREADABLE, Presence.MISSING})
#: A full listing that lacks more than this share of what was known is looked at a second time.
_SHRUNK = 0.2
_SHRUNK_AT_LEAST = 5
#: Ours are shorter; what others put into the place of it may be anything.
_LONGEST_MARKER = 255


@dataclass(slots=True)
class Gathered:
    """What one drain of one side brought."""

    side: Side
    listing: Listing
    started_at: datetime
    cursor: Cursor
    sightings: dict[RecordId, Sighting] = field(default_factory=dict)
    #: Ids whose sighting is a direct read.
    direct: set[RecordId] = field(default_factory=set)
    #: Ids whose sighting shows just what was seen last.
    known: set[RecordId] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)
    #: Records that are addressed otherwise now: former locator -> handle.
    relocated: dict[str, Handle] = field(default_factory=dict)
    #: Unpaired records that a full listing did not show any more.
    unlisted: set[RecordId] = field(default_factory=set)
    #: The listing lacks what is there: believed in what it shows only.
    is_disbelieved: bool = False


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What a drain changed."""

    changed: int = 0
    births: int = 0
    #: Nothing of what was known changed at all.
    is_quiet: bool = True


def gather(bench: Bench, side: Side, *, is_full: bool = False, asked: Sequence[Handle] = (), is_brief: bool = False) -> Gathered:
    """Drain one side's changes since its cursor (or everything), and read directly what the drain leaves open.

    `asked`: records that are to be seen, by the drain or by a direct read. `is_brief`: see the port; a link at rest, too, has no doubts
    (engine/rest.py).

    Raises:
        Unavailable: a full listing was broken off; it has to begin again.
        Malformed: the drain ended without a new position.
        LayoutMoved: a field of the layout is not there any more; nothing of the drain is made visible.
    """
    replica = bench.replicas[side]
    feed = bench.archive.feed(side)
    now = bench.now()
    due = feed.listed_at is None or now - feed.listed_at > timedelta(seconds=replica.capabilities.full_listing_every_s)
    gathered = _drain_or_list(bench, side, None if is_full or due or not feed.cursor else Cursor(feed.cursor), is_brief=is_brief)
    if gathered.listing is Listing.FULL:
        _examine_missing(bench, gathered)
    look_directly(bench, gathered, asked, has_doubts=not is_brief)
    if any(isinstance(sighting, Unreadable) and sighting.is_layout for sighting in gathered.sightings.values()):
        raise LayoutMoved
    return gathered


def _drain_or_list(bench: Bench, side: Side, cursor: Cursor | None, *, is_brief: bool = False) -> Gathered:
    """A position that is not known any more, at whatever page, ends in a full listing; a full listing has nothing to fall back to."""
    try:
        return _drain(bench, side, cursor, is_brief=is_brief)
    except CursorExpired as error:
        if cursor is None:
            raise Unavailable("A service broke a listing off in the middle; it begins again by itself.") from error
        return _drain_or_list(bench, side, None)


def _drain(bench: Bench, side: Side, cursor: Cursor | None, *, is_brief: bool = False) -> Gathered:
    gathered = Gathered(side, Listing.FULL if cursor is None else Listing.CHANGES, bench.now(), Cursor(""))
    for page in bench.replicas[side].changes(cursor, is_brief=is_brief):
        gathered.listing = page.listing
        gathered.sightings.update((sighting.handle.id, scoped(bench, side, sighting)) for sighting in page.sightings)
        gathered.references.extend(page.references)
        gathered.relocated.update(page.relocated)
        gathered.cursor = page.cursor or gathered.cursor
        bench.news("listing", side=side.value, records=len(gathered.sightings))
    if not gathered.cursor:
        raise Malformed("A listing ended without saying where it ended; nothing is concluded from it.")
    return gathered


def _examine_missing(bench: Bench, gathered: Gathered) -> None:
    """Records that a full listing does not show: the paired ones are read directly, the others may be forgotten."""
    heads = bench.archive.heads(gathered.side)
    missing = {RecordId(id_) for id_, head in heads.items() if head.presence in _EXISTS} - gathered.sightings.keys()
    paired = missing & bench.pairs.living_ids(gathered.side)
    gathered.unlisted = missing - paired
    _fetch(bench, gathered, [Handle(id_, heads[id_].locator) for id_ in sorted(paired)])
    was_cut = any(isinstance(gathered.sightings.get(id_), Observation) for id_ in paired)
    if not was_cut and len(missing) > max(_SHRUNK_AT_LEAST, _SHRUNK * len(heads)):
        in_scope = frozenset(id_ for id_, sighting in gathered.sightings.items() if isinstance(sighting, Observation) and sighting.in_scope)
        was_cut = bool(bench.replicas[gathered.side].disputed(in_scope))
    gathered.is_disbelieved = was_cut


def look_directly(bench: Bench, gathered: Gathered, asked: Sequence[Handle] = (), *, has_doubts: bool = True) -> None:
    """Read what an earlier drain or a hint asked to be read, lists that may be cut short, and equal versions with another content."""
    wanted = {handle.id: handle for handle in asked if handle.id not in gathered.sightings}
    doubts = bench.archive.to_look_at(gathered.side) if has_doubts else []
    wanted |= {RecordId(id_): Handle(RecordId(id_), locator) for id_, locator in doubts}
    observations = [item for item in gathered.sightings.values() if isinstance(item, Observation) and item.handle.id not in gathered.direct]
    wanted.update((item.handle.id, item.handle) for item in observations if item.is_partial and item.in_scope)
    if observations and not bench.replicas[gathered.side].capabilities.has_compare_and_set:
        heads = bench.archive.heads(gathered.side, [item.handle.id for item in observations])
        for item in observations:
            head = heads.get(item.handle.id)
            if head and is_known(item, head, has_cas=False):
                gathered.known.add(item.handle.id)
            elif head and head.version == item.version and item.in_scope and head.fingerprint != fingerprint(item.contact):
                wanted[item.handle.id] = item.handle
    _fetch(bench, gathered, [handle for id_, handle in wanted.items() if id_ not in gathered.direct])


def _fetch(bench: Bench, gathered: Gathered, handles: Sequence[Handle]) -> None:
    if not handles:
        return
    for sighting in bench.replicas[gathered.side].fetch(handles):
        gathered.sightings[sighting.handle.id] = scoped(bench, gathered.side, sighting)
        gathered.direct.add(sighting.handle.id)


def scoped(bench: Bench, side: Side, sighting: Sighting) -> Sighting:
    """A record that the link follows by a person's word is in scope, whatever its replica says."""
    if isinstance(sighting, Observation) and not sighting.in_scope and sighting.handle.id in bench.words.followed(side):
        return replace(sighting, in_scope=True)
    return sighting


def absorb(bench: Bench, gathered: Gathered) -> Absorbed:
    """Make a drain visible. The caller holds the transaction."""
    now, side = bench.now(), gathered.side
    if not gathered.sightings and not gathered.references and not gathered.unlisted:
        save_feed(bench, gathered)
        return Absorbed()
    bench.archive.put_references(side, gathered.references)
    heads = bench.archive.heads(side, gathered.sightings)
    paired = bench.pairs.of(side, gathered.sightings)
    judge = _Judge(bench, gathered, now)
    for id_, sighting in gathered.sightings.items():
        pair = paired.get(id_)
        judge.judge(sighting, heads.get(id_), is_paired=pair is not None and pair.state != "closed")
    _rename_pointing(bench, gathered, judge)
    without_content(judge.rows.values(), [id_ for id_, pair in paired.items() if pair.reason == FORGOTTEN])
    bench.archive.put(judge.rows.values())
    bench.archive.flag(side, judge.look)
    bench.pairs.touch(side, judge.moved)
    _doubt_absence(bench, side, judge)
    note_mergers(bench, side, gathered.sightings.values(), gathered.relocated)
    ask_restored(bench, side, judge.restored)
    if gathered.listing is Listing.FULL:
        retry_refused(bench, side)
    if not gathered.is_disbelieved:
        bench.archive.drop(side, gathered.unlisted)
    save_feed(bench, gathered)
    is_quiet = not (judge.rows or judge.look or judge.restored or gathered.references or gathered.unlisted)
    return Absorbed(len(judge.moved), len(judge.born), is_quiet)


def absorb_one(bench: Bench, side: Side, sighting: Sighting) -> None:
    """Make one direct read visible. The caller holds the transaction."""
    sighting = scoped(bench, side, sighting)
    gathered = Gathered(side, Listing.CHANGES, bench.now(), Cursor(""), {sighting.handle.id: sighting}, {sighting.handle.id})
    judge = _Judge(bench, gathered, bench.now())
    judge.judge(sighting, bench.archive.heads(side, [sighting.handle.id]).get(sighting.handle.id), is_paired=True)
    bench.archive.put(judge.rows.values())
    bench.pairs.touch(side, judge.moved)
    _doubt_absence(bench, side, judge)
    note_mergers(bench, side, [sighting], {})


def shadow_row(
    bench: Bench, side: Side, seen: Observation, now: datetime, head: Head | None, keys: Sequence[str] | None = None
) -> models.Shadow:
    """The shadow of an observation. Outside the scope it bears no content. `keys`: its match keys, where they are known."""
    is_same = head is not None and head.version == seen.version
    is_in_scope = seen.in_scope or seen.handle.id in bench.words.followed(side)
    row = models.Shadow(
        link_id=bench.link, side=side.value, record_id=seen.handle.id, locator=seen.handle.locator, version=seen.version,
        presence=(Presence.LIVE if is_in_scope else Presence.OUT_OF_SCOPE).value,
        marker=(seen.marker or "")[:_LONGEST_MARKER], is_partial=seen.is_partial,
        first_seen_at=head.first_seen_at if head else now, version_seen_at=head.version_seen_at if head and is_same else now,
    )  # fmt: skip
    row.keys = bench.keys_of(seen.contact) if keys is None else list(keys)
    if is_in_scope:
        row.content, row.raw, row.reference = encode_contact(seen.contact), seen.raw, seen.reference
        row.fingerprint = fingerprint(seen.contact)
    return row


def is_known(seen: Observation, head: Head, *, has_cas: bool) -> bool:
    """Whether it shows just what was seen last. One version under compare-and-set is one state; elsewhere contents are compared."""
    is_same = head.version == seen.version and head.locator == seen.handle.locator and not head.needs_look
    if not is_same or not seen.in_scope or head.presence is not Presence.LIVE:
        return False
    return has_cas or head.fingerprint == fingerprint(seen.contact)


class _Judge:
    """Decides, sighting by sighting, what becomes of the shadows of one side."""

    def __init__(self, bench: Bench, gathered: Gathered, now: datetime) -> None:
        self._bench = bench
        self._gathered = gathered
        self._now = now
        self._has_cas = bench.replicas[gathered.side].capabilities.has_compare_and_set
        self._lag = bench.read_lag(gathered.side)
        #: The full listing before this look.
        self._listed_at = bench.archive.feed(gathered.side).listed_at
        self.rows: dict[str, models.Shadow] = {}
        self.moved: set[str] = set()
        self.born: set[str] = set()
        self.look: set[str] = set()
        #: Gone for no other reason than that it is not found.
        self.vanished: set[str] = set()
        #: Known as deleted, and there again under a later version.
        self.restored: set[str] = set()

    def judge(self, sighting: Sighting, head: Head | None, *, is_paired: bool) -> None:
        """Judge one sighting."""
        match sighting:
            case Observation():
                self._observed(sighting, head, is_paired=is_paired)
            case Tombstone():
                self._gone(sighting.handle, head, is_paired=is_paired)
            case Absent():
                self._absent(sighting.handle, head)
            case Unreadable():
                self._set_presence(sighting.handle.id, head, Presence.UNREADABLE)

    def _observed(self, seen: Observation, head: Head | None, *, is_paired: bool) -> None:
        id_ = seen.handle.id
        is_direct = id_ in self._gathered.direct
        if head is not None and is_older(seen.version, Version(head.version)):
            # A stale read shows less than we know: ignored, and looked at again.
            self.look.add(id_)
            return
        if head is not None and is_known(seen, head, has_cas=self._has_cas):
            return
        row = shadow_row(self._bench, self._gathered.side, seen, self._now, head)
        is_changed = head is None or head.fingerprint != row.fingerprint or head.presence.value != row.presence
        is_doubtful = head is not None and head.version == seen.version and is_changed and head.presence is Presence.LIVE and seen.in_scope
        if is_doubtful and not self._has_cas and not (is_direct and head is not None and self._is_settled(head)):
            # Whole seconds: within one second there may be two states under one version.
            self.look.add(id_)
            return
        if head is None and not is_paired:
            self.born.add(id_)
        if head is not None and head.presence is Presence.GONE and head.version != seen.version:
            self.restored.add(id_)
        if is_changed and is_paired:
            self.moved.add(id_)
        if is_changed or head is None or head.version != seen.version or head.locator != seen.handle.locator or head.needs_look:
            self.rows[id_] = row

    def _is_settled(self, head: Head) -> bool:
        return self._now - head.version_seen_at > self._lag + timedelta(seconds=1)

    def _gone(self, handle: Handle, head: Head | None, *, is_paired: bool) -> None:
        if head is not None and head.presence is Presence.GONE:
            return
        row = self._existing(handle.id) or models.Shadow(
            link_id=self._bench.link, side=self._gathered.side.value, record_id=handle.id, locator=handle.locator,
            first_seen_at=self._now, version_seen_at=self._now,
        )  # fmt: skip
        row.presence, row.absent_at, row.needs_look, row.keys = Presence.GONE.value, self._now, False, []
        row.present_at = row.present_at or self._listed_at
        if not is_paired:
            row.content = row.raw = None
        self.rows[handle.id] = row
        self.moved.add(handle.id)

    def _absent(self, handle: Handle, head: Head | None) -> None:
        if head is None or head.presence is Presence.GONE:
            return
        since_sight = self._now - head.version_seen_at
        if head.presence is Presence.MISSING and head.absent_at is not None:
            is_apart = self._now - head.absent_at >= timedelta(seconds=self._bench.timings.absence_s)
            if is_apart and since_sight > self._lag:
                self._gone(handle, head, is_paired=True)
                self.vanished.add(handle.id)
                return
        row = self._existing(handle.id)
        if row is not None:
            row.absent_at = row.absent_at if head.presence is Presence.MISSING else self._now
            row.present_at = row.present_at or self._listed_at
            row.presence, row.needs_look = Presence.MISSING.value, True
            self.rows[handle.id] = row
            self.moved.add(handle.id)

    def _set_presence(self, id_: str, head: Head | None, presence: Presence) -> None:
        if head is None or head.presence is presence:
            return
        row = self._existing(id_)
        if row is not None:
            row.presence = presence.value
            self.rows[id_] = row
            self.moved.add(id_)

    def _existing(self, id_: str) -> models.Shadow | None:
        return self.rows.get(id_) or self._bench.archive.shadow(self._gathered.side, id_)


def _doubt_absence(bench: Bench, side: Side, judge: _Judge) -> None:
    """Where deletions are not streamed, a record that is not found may as well be hidden: what follows from it, a person decides."""
    if bench.replicas[side].capabilities.streams_tombstones:
        return
    for pair in bench.pairs.of(side, judge.vanished).values():
        if pair.state == PairState.LINKED.value:
            hold_deletion(bench, pair, side.other, HoldReason.ABSENT)


def _rename_pointing(bench: Bench, gathered: Gathered, judge: _Judge) -> None:
    """A renamed reference changes every record that points at it, though none of them has moved."""
    replica = bench.replicas[gathered.side]
    for known in bench.archive.pointing_at(gathered.side, [reference.id for reference in gathered.references]):
        row = judge.rows.get(known.record_id, known)
        if row.raw is None:
            continue
        contact = replica.decode(bytes(row.raw))
        if contact != decode_contact(row.content):
            _set_content(bench, row, contact)
            judge.rows[row.record_id] = row
            judge.look.discard(row.record_id)
            judge.moved.add(row.record_id)


def _set_content(bench: Bench, row: models.Shadow, contact: Contact) -> None:
    row.content, row.fingerprint = encode_contact(contact), fingerprint(contact)
    row.keys = bench.keys_of(contact)


def save_feed(bench: Bench, gathered: Gathered) -> None:
    """Keep the position of a drain. The caller holds the transaction."""
    move_feed(bench, gathered)
    bench.archive.save_feed(bench.archive.feed(gathered.side), is_listed=gathered.listing is Listing.FULL)


def move_feed(bench: Bench, gathered: Gathered) -> None:
    """Note the position of a drain, which is not kept by that."""
    feed = bench.archive.feed(gathered.side)
    feed.drained_at = gathered.started_at
    if gathered.listing is Listing.FULL:
        feed.is_disbelieved = gathered.is_disbelieved
        feed.listed_at = None if gathered.is_disbelieved else gathered.started_at
    feed.cursor = "" if gathered.is_disbelieved else gathered.cursor
