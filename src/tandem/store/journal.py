"""Cycles, intents, outcomes and history of one link: what was wanted, what became of it, and what it replaced.

Rules: append-only; an intent is settled once; what is pending is a query. The caller holds the transaction, because an
intent, its outcome, the base and the history belong together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from tandem.core.plan import Tally
from tandem.core.state import LinkId, PairId, Side
from tandem.store import models
from tandem.store.contents import chunks
from tandem.store.rows import add, rewrite

#: Lines that tell of a record written.
_WRITES = ("create", "update", "delete", "join", "merge")


class OutcomeKind(Enum):
    """What became of an intent."""

    PENDING = ""
    APPLIED = "applied"
    #: Refused for certain by the record's replica.
    REFUSED = "refused"
    #: Not done, because something had changed: decided anew.
    SUPERSEDED = "superseded"
    #: Not done, because of something that concerns the whole link.
    UNTOUCHED = "untouched"
    #: A person has to look.
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of history."""

    pair: int | None
    side: Side
    kind: str
    record_id: str = ""
    fields: list[str] = field(default_factory=list)
    before: bytes | None = None
    after: bytes | None = None
    weighs: str = ""
    version: str = ""
    undo: int | None = None


class Journal:
    """The journal of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link

    # Cycles

    def open_cycle(self, *, epoch: int, cause: str, at: datetime) -> models.Cycle:
        """Begin a cycle."""
        return models.Cycle.objects.using(self._alias).create(link_id=self._link, epoch=epoch, cause=cause, started_at=at)

    def close_cycle(self, cycle: models.Cycle, *, state: str, counts: dict[str, object], at: datetime) -> None:
        """End a cycle."""
        cycle.state, cycle.counts, cycle.ended_at = state, counts, at
        cycle.save(using=self._alias)

    def cycles(self, limit: int) -> list[models.Cycle]:
        """The latest cycles, newest first."""
        return list(models.Cycle.objects.using(self._alias).filter(link_id=self._link).order_by("-id")[:limit])

    # Intents

    def _intents(self) -> QuerySet[models.Intent]:
        return models.Intent.objects.using(self._alias).filter(link_id=self._link)

    def record(self, intents: Iterable[models.Intent]) -> list[models.Intent]:
        """Write intents down; they come back with their ids."""
        return models.Intent.objects.using(self._alias).bulk_create(list(intents), batch_size=200)

    def pending(self) -> list[models.Intent]:
        """Intents without an outcome, oldest first."""
        return list(self._intents().filter(outcome=OutcomeKind.PENDING.value).order_by("id"))

    def count_pending(self) -> int:
        """How many intents have no outcome."""
        return self._intents().filter(outcome=OutcomeKind.PENDING.value).count()

    def settle(self, intent: models.Intent, outcome: OutcomeKind, at: datetime, sentence: str = "") -> None:
        """Write the outcome of an intent."""
        intent.outcome, intent.settled_at, intent.sentence = outcome.value, at, sentence

    def save_settled(self, intents: Iterable[models.Intent]) -> None:
        """Keep outcomes written by `settle`."""
        columns = ["outcome", "settled_at", "sentence", "record_id", "sends", "version"]
        rewrite(self._alias, models.Intent, intents, columns)

    def last_marker(self, pair_id: int, side: Side) -> str:
        """The marker of the last creation that was tried for a pair on a side; empty when there was none, or it has its record."""
        intent = self._intents().filter(pair_id=pair_id, kind="create").order_by("-id").first()
        is_open = intent is not None and intent.side == side.value and intent.outcome != OutcomeKind.APPLIED.value
        return intent.marker if intent and is_open else ""

    def intents_of_markers(self, markers: Iterable[str]) -> dict[str, models.Intent]:
        """The latest intent of each marker."""
        return {row.marker: row for part in chunks(markers) for row in self._intents().filter(marker__in=part).order_by("id")}

    def creations(self, side: Side, ids: Iterable[str]) -> dict[str, models.Intent]:
        """The creations by which records of a side came to be, by record."""
        made = self._intents().filter(kind="create", side=side.value, outcome=OutcomeKind.APPLIED.value)
        return {row.record_id: row for part in chunks(ids) for row in made.filter(record_id__in=part)}

    def written_versions(self, side: Side, ids: Iterable[str]) -> dict[str, str]:
        """The version that our latest write of each record left behind."""
        done = self._intents().filter(kind__in=["create", "update"], side=side.value, outcome=OutcomeKind.APPLIED.value).order_by("id")
        return {
            id_: version for part in chunks(ids) for id_, version in done.filter(record_id__in=part).values_list("record_id", "version")
        }

    def last_adoption(self, pair_id: int) -> models.Intent | None:
        """The latest adoption of a pair that was carried out."""
        done = self._intents().filter(pair_id=pair_id, kind="adopt", outcome=OutcomeKind.APPLIED.value)
        return done.order_by("-id").first()

    def returning(self, now: datetime) -> frozenset[PairId]:
        """Pairs of which a write was taken back lately and nothing was written since: what that carries over is agreed to as well."""
        undone = self._intents().exclude(undo=None).filter(outcome=OutcomeKind.APPLIED.value, settled_at__gt=now - timedelta(days=1))
        last = {pair_id: id_ for pair_id, id_ in undone.order_by("id").values_list("pair_id", "id") if pair_id}
        if not last:
            return frozenset()
        later = self._intents().filter(undo=None, outcome=OutcomeKind.APPLIED.value, id__gt=min(last.values()))
        overtaken = {pair_id for pair_id, id_ in later.values_list("pair_id", "id") if id_ > last.get(pair_id, id_)}
        return frozenset(PairId(pair_id) for pair_id in last.keys() - overtaken)

    def busy_elsewhere(self, side: Side) -> set[str]:
        """Records of this side's account on which another link has a write without outcome."""
        link = models.Link.objects.using(self._alias).get(id=self._link)
        account = link.left_account_id if side is Side.LEFT else link.right_account_id
        same = Q(side=Side.LEFT.value, link__left_account=account) | Q(side=Side.RIGHT.value, link__right_account=account)
        rows = models.Intent.objects.using(self._alias).filter(same, outcome=OutcomeKind.PENDING.value).exclude(link_id=self._link)
        return set(rows.values_list("record_id", flat=True)) - {""}

    def paired_elsewhere(self, side: Side, record_id: str) -> bool:
        """Whether another link of the same account has this record in a living pair."""
        link = models.Link.objects.using(self._alias).get(id=self._link)
        account = link.left_account_id if side is Side.LEFT else link.right_account_id
        same = Q(left_id=record_id, link__left_account=account) | Q(right_id=record_id, link__right_account=account)
        return models.Pair.objects.using(self._alias).filter(same).exclude(link_id=self._link).exclude(state="closed").exists()

    # History

    def note(self, cycle: models.Cycle, notes: Iterable[Note], at: datetime) -> None:
        """Write lines of history."""
        rows = [
            models.History(
                link_id=self._link, cycle=cycle, pair_id=note.pair, at=at, side=note.side.value, kind=note.kind, record_id=note.record_id,
                fields=note.fields, before=note.before, after=note.after, weighs=note.weighs, version=note.version, undo_id=note.undo,
            )
            for note in notes
        ]  # fmt: skip
        add(self._alias, models.History, rows)

    def history(self, limit: int, cycle: int | None = None, *, before: int | None = None, pair: int | None = None) -> list[models.History]:
        """The latest lines, newest first; of one cycle, older than a line, or of a pair."""
        rows = models.History.objects.using(self._alias).filter(link_id=self._link)
        wanted = {"cycle_id": cycle, "id__lt": before, "pair_id": pair}
        return list(rows.filter(**{name: value for name, value in wanted.items() if value is not None}).order_by("-id")[:limit])

    def written_by_day(self, since: datetime) -> list[tuple[date, Side, int]]:
        """How many records of a side were written on each day (UTC)."""
        rows = models.History.objects.using(self._alias).filter(link_id=self._link, at__gte=since, kind__in=_WRITES)
        counts = rows.annotate(on=TruncDate("at", tzinfo=UTC)).values_list("on", "side").annotate(number=Count("id")).order_by("on", "side")
        return [(on, Side(side), number) for on, side, number in counts]

    def count_written(self, kind: str, side: Side) -> int:
        """How many records of a side were ever written in this way."""
        return models.History.objects.using(self._alias).filter(link_id=self._link, kind=kind, side=side.value).count()

    def tally(self, now: datetime) -> Tally:
        """What this link did in the last 24 hours without a person's word."""
        rows = models.History.objects.using(self._alias).filter(link_id=self._link, at__gt=now - timedelta(days=1))
        counted = {kind: rows.filter(weighs=kind).count() for kind in ("removal", "creation", "update")}
        return Tally(removals=counted["removal"], creations=counted["creation"], updates=counted["update"])
