"""After a restore: what an archive that came out of a backup may not be believed in, and what follows from that.

Theory: the backup knows what both sides looked like then. Since then people have edited, and Tandem itself has carried things over, which
the archive does not know any more. Three things would go wrong if it were believed: what was created since would be created again, what was
deleted since would be born again, and what was added, carried over and removed since would come back.

Rules
- Records that we have created since bear our marker: they are paired again with their source.
- Before everything that there was at the restore must be visible, nothing is listed at all.
- A record that the first listing after the restore shows, and no pair knows, is born only on a person's word: it may be new, or its
  counterpart was there and was deleted. What shows up later is a birth like any other.
- A pair whose one side has not moved since, and held nothing that was still to be carried over, is merged as ever: nothing can have
  happened that its bases do not know. So is one of which neither side has moved.
- Of any other pair, what both sides say alike is agreed, and of the rest a person says which side is right. Nothing is written before.
- Who was deleted on one side is deleted on the other as ever, unless that other one has moved since, or the one that is gone was made by
  us: then Tandem itself may have taken it back (an undo, a copy that was not needed), and the other one is there by somebody's will.
- What moved: its version was first seen after the backup was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tandem.core.canonical import field_kind, same_text, same_value
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, LISTED, ORGANISATION, PHONES, Contact, Entry, FieldName, Value
from tandem.core.folding import fold_name
from tandem.core.parts import grouped, labels, primary_key
from tandem.core.reconcile import is_modified
from tandem.core.state import PairState, Presence, Side, Sight
from tandem.engine.bases import set_base
from tandem.engine.bench import MARKER_PREFIX, Bench
from tandem.engine.reopening import set_record
from tandem.engine.telling import said
from tandem.errors import Unavailable
from tandem.store import models
from tandem.store.pairs import record_of

#: The kind of question about a pair; its choices are a side, or both.
BACKUP = "backup"
UNITE = "unite"
_LOST = frozenset({Presence.GONE.value, Presence.MISSING.value})
Shadows = Mapping[Side, models.Shadow | None]
Sights = Mapping[Side, Sight]


@dataclass(frozen=True, slots=True)
class Age:
    """How old the archive of a link is, if it is. `relisted_at`: what was seen by then may be older than it seems (None: all of it)."""

    backup_at: datetime | None = None
    relisted_at: datetime | None = None

    def is_old_news(self, row: models.Shadow) -> bool:
        """Whether a record may have been known before the restore."""
        return self.backup_at is not None and (self.relisted_at is None or row.first_seen_at <= self.relisted_at)

    def has_moved(self, shadow: models.Shadow | None) -> bool:
        """Whether a record is in another state than in the backup, or was not in it."""
        return self.backup_at is not None and (shadow is None or shadow.version_seen_at > self.backup_at)


def age_of(bench: Bench) -> Age:
    """What is to be doubted in this link."""
    link = bench.link_row()
    if link.backup_at is None or (link.first_synced_at is None and not _has_begun(bench, link)):
        return Age()
    return Age(link.backup_at, link.relisted_at)


def _has_begun(bench: Bench, link: models.Link) -> bool:
    """Whether a link without a complete first sync wrote before the backup, or, as a draft in it, has written since."""
    if bench.pairs.has_older(link.backup_at or bench.now()):
        return True
    marked = {row.marker for side in Side for row in bench.archive.unpaired(side) if row.marker.startswith(_own(bench))}
    return bool(marked - bench.journal.intents_of_markers(marked).keys())


def _own(bench: Bench) -> str:
    return f"{MARKER_PREFIX}:{bench.installation}:{bench.link}:"


def check_rested(bench: Bench) -> None:
    """Make sure that every read shows what there was at the restore: until then nothing is shown and nothing concluded.

    Raises:
        Unavailable: it is too early; says until when.
    """
    link = bench.link_row()
    if link.restored_at is None or link.relisted_at is not None:
        return
    ready_at = link.restored_at + max(bench.read_lag(side) for side in Side)
    if bench.now() < ready_at:
        raise Unavailable(
            f"The services may still show less than there was when the backup was restored; look again at {ready_at:%H:%M:%S} UTC."
        )


def note_listing(bench: Bench) -> None:
    """Both sides were listed and believed. The caller holds the transaction."""
    link = bench.link_row()
    link.relisted_at = bench.now()
    link.save(using=bench.alias, update_fields=["relisted_at"])


def pair_by_marker(bench: Bench) -> None:
    """Give records that we have created since the backup to the pairs of their sources. The caller holds the transaction.

    A source that no pair knows is matched by its marker as ever (births.py).
    """
    age = age_of(bench)
    if age.backup_at is None:
        return
    apart, own = bench.words.apart(), _own(bench)
    for side in Side:
        marked = [row for row in bench.archive.unpaired(side) if row.marker.startswith(own) and age.is_old_news(row)]
        sources = {row.record_id: row.marker.removeprefix(own).rpartition(":")[0] for row in marked}
        for row in marked:
            source = sources[row.record_id]
            pair = bench.pairs.of(side.other, [source]).get(source)
            ids = (row.record_id, source) if side is Side.LEFT else (source, row.record_id)
            if pair is not None and ids not in apart and _lacks(bench, pair, side):
                _give(bench, pair, side, row.record_id)


def _lacks(bench: Bench, pair: models.Pair, side: Side) -> bool:
    """Whether a pair has no record on that side any more, and its other one may well have got a new one."""
    record = record_of(pair, side)
    mine, other = (bench.archive.shadow(each, record_of(pair, each) or "") for each in (side, side.other))
    is_lost = record is None or mine is None or mine.presence in _LOST
    is_there = other is not None and other.presence not in _LOST
    return is_lost and (is_there or pair.state != PairState.CLOSED.value)


def _give(bench: Bench, pair: models.Pair, side: Side, record: str) -> None:
    set_record(pair, side, record)
    pair.state, pair.reason, pair.is_dirty, pair.is_aged = PairState.LINKED.value, "created", True, True
    pair.base_left = pair.base_right = b"{}"
    pair.parked, pair.doubted = {}, []
    bench.pairs.save(pair)
    bench.pairs.close_all_questions(pair.id, bench.now())


# Pairs


def judge(bench: Bench, pair: models.Pair, sights: Sights, shadows: Shadows, age: Age) -> None:
    """Conclude what can be concluded about a pair whose bases are old, both of whose records are there. The caller saves it."""
    moved = [side for side in Side if age.has_moved(shadows[side])]
    pair.is_aged = False
    if not moved or (len(moved) == 1 and not is_modified(sights[moved[0].other], bench.fields)):
        return
    pair.doubted = sorted(name for name in bench.fields - pair.parked.keys() if not _is_settled(bench, name, sights))
    _agree(pair, sights, bench.fields - set(pair.doubted) - pair.parked.keys())


def _is_settled(bench: Bench, name: FieldName, sights: Sights) -> bool:
    """Whether a field is as it was when both last agreed, on both sides, or says the same on both."""
    if all(same_text(sight.contact.values.get(name), sight.base.values.get(name)) for sight in sights.values()):
        return True
    return _says_same(bench, name, sights)


def _says_same(bench: Bench, name: FieldName, sights: Sights) -> bool:
    left, right = (sights[side].contact for side in Side)
    if field_kind(name) in LISTED:
        return _lists_same(bench, name, sights)
    if name in (FIRST_NAME, LAST_NAME) and (_is_made_up(left, right) or _is_made_up(right, left)):
        return True
    mine, yours = (contact.values.get(name) for contact in (left, right))
    if mine is None or yours is None:
        return same_text(mine, yours)
    return same_text(mine, yours) or same_value(field_kind(name), mine, yours, bench.policy.region)


def _is_made_up(named: Contact, nameless: Contact) -> bool:
    """Whether a name is one that a side demanded for somebody who has none."""
    if nameless.text(FIRST_NAME) or nameless.text(LAST_NAME):
        return False
    name = fold_name(f"{named.text(FIRST_NAME)} {named.text(LAST_NAME)}")
    entries = [entry.value for contact in (named, nameless) for field in (EMAILS, PHONES) for entry in contact.entries(field)]
    return name in {fold_name(text) for text in (named.text(ORGANISATION), nameless.text(ORGANISATION), *entries) if text}


def _lists_same(bench: Bench, name: FieldName, sights: Sights) -> bool:
    now = {side: grouped(name, sights[side].contact.entries(name), bench.policy.region) for side in Side}
    then = {side: grouped(name, sights[side].base.entries(name), bench.policy.region) for side in Side}
    if now[Side.LEFT].keys() != now[Side.RIGHT].keys():
        return False

    def is_agreed(kind: Mapping[Side, object], before: Mapping[Side, object]) -> bool:
        """What a side cannot say is no difference, nor is one that was there when both agreed."""
        left, right = kind[Side.LEFT], kind[Side.RIGHT]
        return left == right or not left or not right or all(kind[side] == before[side] for side in Side)

    marks = ({side: primary_key(groups[side]) for side in Side} for groups in (now, then))
    if not is_agreed(*marks):
        return False
    return all(
        is_agreed(*({side: _labels(groups[side].get(key, ())) for side in Side} for groups in (now, then))) for key in now[Side.LEFT]
    )


def _labels(group: Iterable[Entry]) -> list[str]:
    return [label.casefold() for label in labels(group) if label]


def _agree(pair: models.Pair, sights: Sights, fields: Collection[FieldName]) -> None:
    """What both sides say is what both have agreed on."""
    for side in Side:
        _set_fields(pair, side, sights[side], {name: sights[side].contact.values.get(name) for name in fields})


def _set_fields(pair: models.Pair, side: Side, sight: Sight, values: Mapping[FieldName, Value | None]) -> None:
    kept = {name: value for name, value in sight.base.values.items() if name not in values}
    set_base(pair, side, Contact({**kept, **{name: value for name, value in values.items() if value is not None}}))


# A person's word


def shown_of(names: Iterable[str], sights: Sights) -> dict[str, object]:
    """What a person is shown of the fields in doubt: what stands on both sides."""
    return {
        "changes": [[name, *(said(sights[side].contact.values.get(FieldName(name), "")) for side in Side)] for name in names],
        "evidence": ["both sides have moved since the backup was made, and differ"],
    }


def still_doubted(bench: Bench, pair: models.Pair, sights: Sights) -> list[str]:
    """Fields in doubt on which both sides do not say the same by now; the others are agreed on. The caller saves the pair."""
    names = [FieldName(name) for name in pair.doubted if name in bench.fields]
    agreed = [name for name in names if _says_same(bench, name, sights)]
    _agree(pair, sights, agreed)
    return [name for name in names if name not in agreed]


def follow(pair: models.Pair, sights: Sights, choice: str) -> None:
    """Give the bases of the fields in doubt what a person's choice makes of them. The caller saves the pair.

    A side that is right: only it has changed, from what stands on the other one. Both: they meet for the first time.
    """
    names = [FieldName(name) for name in pair.doubted]
    for side in Side:
        loser = side if choice == UNITE else Side(choice).other
        held = {name: None if choice == UNITE else sights[loser].contact.values.get(name) for name in names}
        _set_fields(pair, side, sights[side], held)
    pair.doubted = []
