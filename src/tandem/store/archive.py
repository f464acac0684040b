"""Shadows, feeds and references of one link: what was last seen on both sides.

Rules: rows go in and out in bulk; deciding what an observation means is `engine/observe.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Exists, F, OuterRef, QuerySet

from tandem.core.state import LinkId, PairState, Presence, Side
from tandem.replica import Reference, References
from tandem.store import models
from tandem.store.contents import chunks, holds
from tandem.store.moments import brief
from tandem.store.rows import put

_CHANGEABLE = [
    column.name for column in models.Shadow._meta.concrete_fields if column.name not in {"id", "link", "side", "record_id", "first_seen_at"}
]


class Head(NamedTuple):
    """What must be known of a shadow to judge a new observation of it."""

    version: str
    fingerprint: str
    presence: Presence
    version_seen_at: datetime
    absent_at: datetime | None
    first_seen_at: datetime
    locator: str
    needs_look: bool


def head_of(row: models.Shadow) -> Head:
    """The head of a whole shadow."""
    return Head(
        row.version, row.fingerprint, Presence(row.presence), row.version_seen_at, row.absent_at, row.first_seen_at, row.locator,
        row.needs_look,
    )  # fmt: skip


class Archive:
    """The archive of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link
        self._feeds: dict[Side, models.Feed] = {}

    def feed(self, side: Side) -> models.Feed:
        """The feed of a side; an empty unsaved one before the first drain. Read once: only the holder of the lease changes it."""
        if side not in self._feeds:
            feed = models.Feed.objects.using(self._alias).filter(link_id=self._link, side=side.value).first()
            self._feeds[side] = feed or models.Feed(link_id=self._link, side=side.value)
        return self._feeds[side]

    def feeds(self) -> None:
        """Read the feeds of both sides at once."""
        known = {row.side: row for row in models.Feed.objects.using(self._alias).filter(link_id=self._link)}
        self._feeds = {side: known.get(side.value) or models.Feed(link_id=self._link, side=side.value) for side in Side}

    def save_feed(self, feed: models.Feed, *, is_listed: bool) -> None:
        """Keep a feed. `is_listed`: everything was listed; else what stands about that is left, as somebody may have asked for it anew."""
        columns = ["drained_at", "cursor", *(["listed_at", "is_disbelieved"] if is_listed else [])]
        put(self._alias, models.Feed, [feed], unique=("link", "side"), changeable=columns)

    def _shadows(self, side: Side) -> QuerySet[models.Shadow]:
        return models.Shadow.objects.using(self._alias).filter(link_id=self._link, side=side.value)

    def heads(self, side: Side, ids: Iterable[str] | None = None) -> dict[str, Head]:
        """Heads of the named records, or of all."""
        columns = (
            "record_id",
            "version",
            "fingerprint",
            "presence",
            "version_seen_at",
            "absent_at",
            "first_seen_at",
            "locator",
            "needs_look",
        )
        rows = self._shadows(side)
        found = (
            rows.values_list(*columns)
            if ids is None
            else (row for part in chunks(ids) for row in rows.filter(record_id__in=part).values_list(*columns))
        )
        return {row[0]: Head(row[1], row[2], Presence(row[3]), *row[4:]) for row in found}

    def shadows(self, side: Side, ids: Iterable[str]) -> dict[str, models.Shadow]:
        """Whole shadows of the named records."""
        return {row.record_id: row for part in chunks(ids) for row in self._shadows(side).filter(record_id__in=part)}

    def shadow(self, side: Side, record_id: str) -> models.Shadow | None:
        """One whole shadow."""
        return self._shadows(side).filter(record_id=record_id).first()

    def bearing(self, side: Side, text: str, keys: Iterable[str]) -> list[models.Shadow]:
        """Shadows with a text in any value, or each word of a name in one; by its id; or, of what bears no content, by a match key."""
        wanted, words = set(keys), text.split() if any(map(str.isalpha, text)) else [text]
        rows = self._shadows(side).order_by("id")
        return [
            row
            for row in rows.iterator()
            if row.record_id == text
            or all(holds(bytes(row.content or b"{}"), word) for word in words)
            or (not row.content and not wanted.isdisjoint(row.keys))
        ]

    def count(self, side: Side) -> int:
        """How many records are known that exist."""
        return self._shadows(side).exclude(presence=Presence.GONE.value).count()

    def count_references(self, side: Side) -> int:
        """How many references are known."""
        return models.Reference.objects.using(self._alias).filter(link_id=self._link, side=side.value).count()

    def live_ids(self, side: Side) -> set[str]:
        """Ids of the records in scope."""
        return set(self._shadows(side).filter(presence=Presence.LIVE.value).values_list("record_id", flat=True))

    def has_ghost(self, side: Side, since: datetime) -> bool:
        """Whether a record was seen deleted that had never been seen alive."""
        return self._shadows(side).filter(presence=Presence.GONE.value, first_seen_at__gte=since, version="").exists()

    def to_look_at(self, side: Side) -> list[tuple[str, str]]:
        """Records that need a direct read: (id, locator)."""
        return list(self._shadows(side).filter(needs_look=True).values_list("record_id", "locator"))

    def has_doubts(self) -> bool:
        """Whether any record of either side needs a direct read."""
        return models.Shadow.objects.using(self._alias).filter(link_id=self._link, needs_look=True).exists()

    def gone(self, side: Side, ids: Iterable[str]) -> list[models.Shadow]:
        """Those of the named records that are deleted."""
        return [row for part in chunks(ids) for row in self._shadows(side).filter(presence=Presence.GONE.value, record_id__in=part)]

    def outside(self, side: Side, ids: Iterable[str]) -> list[str]:
        """Those of the named records that are outside the scope."""
        rows = self._shadows(side).filter(presence=Presence.OUT_OF_SCOPE.value)
        return [row for part in chunks(ids) for row in rows.filter(record_id__in=part).values_list("record_id", flat=True)]

    def changed_since(self, side: Side, at: datetime) -> list[models.Shadow]:
        """Records that are there, outside the scope too, and whose present version was first seen since."""
        present = [Presence.LIVE.value, Presence.OUT_OF_SCOPE.value]
        return sorted(self._shadows(side).filter(presence__in=present, version_seen_at__gte=at), key=lambda row: row.record_id)

    def merged(self, side: Side, locators: Iterable[str], survivor: str) -> None:
        """Note that whatever was addressed so, but the survivor itself, went up in it."""
        for part in chunks(locators):
            self._shadows(side).filter(locator__in=part).exclude(record_id=survivor).update(merged_into=survivor)

    def pointing_at(self, side: Side, references: Iterable[str]) -> list[models.Shadow]:
        """Live shadows that point at one of the references."""
        rows = self._shadows(side).filter(presence=Presence.LIVE.value)
        return [row for part in chunks(references) for row in rows.filter(reference__in=part)]

    def unpaired(self, side: Side) -> list[models.Shadow]:
        """Live records in scope that no pair knows, oldest first."""
        return sorted(self._unpaired(side), key=lambda row: (row.first_seen_at, row.record_id))

    def has_unpaired(self) -> bool:
        """Whether there is one on either side."""
        return any(self._unpaired(side).exists() for side in Side)

    def _unpaired(self, side: Side) -> QuerySet[models.Shadow]:
        return self._shadows(side).filter(presence=Presence.LIVE.value).exclude(Exists(self._pairs_of(side)))

    def _pairs_of(self, side: Side) -> QuerySet[models.Pair]:
        """For each shadow, the pairs that know it."""
        return models.Pair.objects.using(self._alias).filter(link_id=self._link, **{f"{side.value}_id": OuterRef("record_id")})

    def keys(self, side: Side) -> list[tuple[str, Presence, list[str]]]:
        """(id, presence, hashed match keys) of everything that exists, in scope or not."""
        seen = [Presence.LIVE.value, Presence.OUT_OF_SCOPE.value, Presence.UNREADABLE.value, Presence.MISSING.value]
        rows = self._shadows(side).filter(presence__in=seen).values_list("record_id", "presence", "keys")
        return [(record_id, Presence(presence), keys) for record_id, presence, keys in rows]

    def absent_since(self, side: Side) -> list[datetime]:
        """When the deleted records were missed first whose living pairs wait to be reconciled."""
        pairs = self._pairs_of(side).filter(is_dirty=True).exclude(state=PairState.CLOSED.value)
        rows = self._shadows(side).filter(Exists(pairs), presence=Presence.GONE.value)
        return [at for at in rows.values_list("absent_at", flat=True) if at is not None]

    def unread(self, side: Side) -> dict[str, str]:
        """Records outside the scope whose keys no direct read has shown at their present version: id -> locator."""
        return dict(self._unread(side).values_list("record_id", "locator"))

    def has_unread(self, side: Side) -> bool:
        """Whether there is one of them."""
        return self._unread(side).exists()

    def _unread(self, side: Side) -> QuerySet[models.Shadow]:
        return self._shadows(side).filter(presence=Presence.OUT_OF_SCOPE.value).exclude(confirmed_version=F("version"))

    def put(self, rows: Iterable[models.Shadow]) -> None:
        """Add shadows or replace them."""
        put(self._alias, models.Shadow, rows, unique=("link", "side", "record_id"), changeable=_CHANGEABLE)

    def drop(self, side: Side, ids: Iterable[str]) -> None:
        """Forget shadows that nothing depends on."""
        for part in chunks(ids):
            self._shadows(side).filter(record_id__in=part).delete()

    def flag(self, side: Side, ids: Iterable[str]) -> None:
        """Ask for a direct read of the named records."""
        for part in chunks(ids):
            self._shadows(side).filter(record_id__in=part).update(needs_look=True)

    def known_references(self, side: Side) -> References:
        """The index of named records of a side, with how often each is used."""
        return References(lambda: self._names(side), lambda: self._uses(side))

    def _names(self, side: Side) -> Mapping[str, str]:
        rows = models.Reference.objects.using(self._alias).filter(link_id=self._link, side=side.value)
        with brief(self._alias):
            return dict(rows.values_list("reference_id", "name"))

    def _uses(self, side: Side) -> Mapping[str, int]:
        with brief(self._alias):
            return dict(self._shadows(side).exclude(reference="").values_list("reference").annotate(Count("id")))

    def put_references(self, side: Side, references: Iterable[Reference]) -> None:
        """Take in references as they are named now; deleted ones are dropped."""
        rows = list(references)
        model = models.Reference.objects.using(self._alias)
        for part in chunks(row.id for row in rows if row.is_gone):
            model.filter(link_id=self._link, side=side.value, reference_id__in=part).delete()
        kept = [
            models.Reference(link_id=self._link, side=side.value, reference_id=row.id, name=row.name) for row in rows if not row.is_gone
        ]
        model.bulk_create(
            kept, batch_size=1000, update_conflicts=True, unique_fields=["link", "side", "reference_id"], update_fields=["name"]
        )

    def reference_names(self, side: Side, ids: Iterable[str]) -> Mapping[str, str]:
        """The names under which references are known."""
        rows = models.Reference.objects.using(self._alias).filter(link_id=self._link, side=side.value)
        return {id_: name for part in chunks(ids) for id_, name in rows.filter(reference_id__in=part).values_list("reference_id", "name")}
