"""What was done, looked up to be taken back: lines of history, their intents, and the undos that persons have asked for.

Rules: reads, and keeps undos; the caller holds the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import QuerySet

from tandem.core.state import LinkId, Side
from tandem.store import models
from tandem.store.contents import chunks
from tandem.store.journal import OutcomeKind

_FINISHED = [OutcomeKind.APPLIED.value, OutcomeKind.REFUSED.value, OutcomeKind.HELD.value]
_WRITES = ["create", "update", "delete"]
#: A read may show late that a record was brought into the scope; what is written long after that is no first meeting.
_MEETING = timedelta(hours=1)


class Past:
    """The past of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link

    def _history(self) -> QuerySet[models.History]:
        return models.History.objects.using(self._alias).filter(link_id=self._link)

    def _intents(self) -> QuerySet[models.Intent]:
        return models.Intent.objects.using(self._alias).filter(link_id=self._link)

    # History

    def of_cycle(self, cycle: int) -> list[models.History]:
        """All lines of a cycle."""
        return list(self._history().filter(cycle_id=cycle).order_by("id"))

    def lines(self, ids: Iterable[int]) -> list[models.History]:
        """The named lines, as far as they are still kept."""
        return [row for part in chunks(ids) for row in self._history().filter(id__in=part)]

    def latest_of(self, pair_id: int) -> list[models.History]:
        """What the last cycle that wrote a pair did to it."""
        last = self._history().filter(pair_id=pair_id, kind__in=_WRITES).order_by("-id").first()
        return list(self._history().filter(pair_id=pair_id, cycle_id=last.cycle_id)) if last else []

    def written_with(self, row: models.History) -> list[models.History]:
        """The writes to the same pair in the same cycle."""
        if row.pair_id is None:
            return []
        return list(self._history().filter(pair_id=row.pair_id, cycle_id=row.cycle_id, kind__in=_WRITES))

    def written_when_met(self, row: models.History) -> list[models.History]:
        """What was written when two records met: with a match, or by the first cycle in which those brought together could be seen."""
        if row.kind != "adopt" or row.pair_id is None:
            return self.written_with(row)
        until = row.at + _MEETING
        rows = self._history().filter(pair_id=row.pair_id, id__gt=row.id, at__lt=until, undo=None, kind__in=_WRITES).order_by("id")
        first = rows.first()
        return list(rows.filter(cycle_id=first.cycle_id)) if first else []

    def last_written(self, pair_id: int, side: Side, record_id: str) -> models.History | None:
        """Our last write to a record."""
        rows = self._history().filter(pair_id=pair_id, side=side.value, record_id=record_id, kind__in=_WRITES)
        return rows.order_by("-id").first()

    # Intents

    def creation_of(self, pair_id: int, side: Side, record_id: str) -> models.Intent | None:
        """The intent that made a record: the proof that it is ours."""
        rows = self._intents().filter(pair_id=pair_id, side=side.value, record_id=record_id, kind="create")
        return rows.filter(outcome=OutcomeKind.APPLIED.value).first()

    def deletion_of(self, undo: int, pair_id: int, side: Side, record_id: str) -> models.Intent | None:
        """The first deletion of a record that an undo has tried."""
        rows = self._intents().filter(undo_id=undo, pair_id=pair_id, side=side.value, record_id=record_id, kind="delete")
        return rows.order_by("id").first()

    def raw_before(self, pair_id: int, side: Side, record_id: str) -> bytes:
        """What a deleted record was, raw; empty where that is not kept."""
        rows = self._intents().filter(pair_id=pair_id, side=side.value, record_id=record_id, kind="delete").order_by("-id")
        intent = rows.first()
        return bytes(intent.before) if intent and intent.before else b""

    def finished_of(self, undo: int) -> set[tuple[int | None, str, str]]:
        """(pair, side, kind) of everything of an undo that needs no second try."""
        rows = self._intents().filter(undo_id=undo, outcome__in=_FINISHED)
        return set(rows.values_list("pair_id", "side", "kind"))

    def making_since(self, side: Side) -> datetime | None:
        """Since when undos are making records on a side of which there is no answer yet."""
        rows = self._intents().exclude(undo=None).filter(side=side.value, kind="create", outcome=OutcomeKind.PENDING.value)
        sends = [datetime.fromisoformat(intent.sends[0]) for intent in rows]
        return min(sends, default=None)

    def is_pending(self, undo: int) -> bool:
        """Whether something of an undo has no answer yet."""
        return self._intents().filter(undo_id=undo, outcome=OutcomeKind.PENDING.value).exists()

    # Undos

    def _undos(self) -> QuerySet[models.Undo]:
        return models.Undo.objects.using(self._alias).filter(link_id=self._link)

    def ask(self, changes: Iterable[int], at: datetime) -> models.Undo:
        """Write down that a person wants lines of history taken back."""
        return models.Undo.objects.using(self._alias).create(link_id=self._link, changes=sorted(changes), asked_at=at)

    def wanted(self) -> list[models.Undo]:
        """The undos that are not done, the oldest first."""
        return list(self._undos().filter(done_at=None).order_by("id"))

    def one(self, undo: int) -> models.Undo:
        """An undo by its id."""
        return self._undos().get(id=undo)

    def keep(self, undo: models.Undo) -> None:
        """Keep how an undo stands."""
        undo.save(using=self._alias)
