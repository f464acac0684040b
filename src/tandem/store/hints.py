"""Hints of one link as rows: coalesced, due at a time, and gone when a read has shown what they announced.

Rules: a hint that says less than is known already is not kept. One that names exactly the state we know is likely the echo of our own
write: it waits, so that several are read in one go. The caller holds the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from tandem.core.state import LinkId, Presence, Side, Version, is_older
from tandem.replica import Hint
from tandem.store import models
from tandem.store.archive import Archive, Head

#: How long echoes of our own writes wait for each other.
ECHO_S = 5.0


class Hints:
    """The hints of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link

    def _all(self) -> QuerySet[models.Hint]:
        return models.Hint.objects.using(self._alias).filter(link_id=self._link)

    def take(self, side: Side, hints: Iterable[Hint], now: datetime) -> int:
        """Write hints down. Returns how many say something new."""
        told = list(hints)
        heads = Archive(self._alias, self._link).heads(side, {hint.handle.id for hint in told if not hint.is_reference})
        taken = 0
        for hint in told:
            head = None if hint.is_reference else heads.get(hint.handle.id)
            if head is None or not _is_known(hint, head):
                is_echo = head is not None and bool(hint.version) and head.version == hint.version and not hint.is_gone
                self._keep(side, hint, now + timedelta(seconds=ECHO_S if is_echo else 0))
                taken += 1
        return taken

    def _keep(self, side: Side, hint: Hint, due_at: datetime) -> None:
        rows = self._all().filter(side=side.value, is_reference=hint.is_reference, record_id=hint.handle.id)
        row = rows.first()
        if row is None:
            row = models.Hint(
                link_id=self._link, side=side.value, is_reference=hint.is_reference, record_id=hint.handle.id, due_at=due_at, tellings=0
            )
        elif is_older(Version(row.version), hint.version) or (hint.is_gone and not row.is_gone):
            row.seen, row.seen_at, row.due_at = "", None, min(row.due_at, due_at)
        row.locator = hint.handle.locator
        row.version = max(row.version, hint.version)
        row.is_gone = row.is_gone or hint.is_gone
        row.merged_into = hint.merged_into or row.merged_into
        row.tellings += 1
        row.save(using=self._alias)

    def due(self, side: Side, now: datetime) -> list[models.Hint]:
        """What is to be looked at now, the oldest first."""
        return list(self._all().filter(side=side.value, due_at__lte=now).order_by("id"))

    def next_at(self) -> datetime | None:
        """When the next one falls due."""
        found = self._all().aggregate(next=Min("due_at"))["next"]
        return found if isinstance(found, datetime) else None

    def count(self) -> int:
        """How many are open."""
        return self._all().count()

    def done(self, row: models.Hint) -> None:
        """A read has shown it. Told again meanwhile, it stays."""
        self._all().filter(id=row.id, tellings=row.tellings).delete()

    def again(self, row: models.Hint, seen: str, seen_at: datetime, due_at: datetime) -> None:
        """Not shown yet: look again later."""
        self._all().filter(id=row.id, tellings=row.tellings).update(seen=seen[:200], seen_at=seen_at, due_at=due_at)

    def forget(self) -> None:
        """Drop them all."""
        self._all().delete()


def _is_known(hint: Hint, head: Head) -> bool:
    if head.presence is Presence.GONE:
        return hint.is_gone
    return bool(hint.version) and not hint.is_gone and is_older(hint.version, Version(head.version))
