"""Pairs of one link, and the questions that wait for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from tandem.core.state import LinkId, PairState, Side
from tandem.store import models
from tandem.store.contents import chunks
from tandem.store.rows import rewrite

Data = dict[str, object]
#: Pairs that still live; closed ones are tombstones.
_OPEN = [state.value for state in PairState if state is not PairState.CLOSED]


def record_of(pair: models.Pair, side: Side) -> str | None:
    """The record of a pair on one side."""
    return pair.left_id if side is Side.LEFT else pair.right_id


class Pairs:
    """The pairs of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link

    def _all(self) -> QuerySet[models.Pair]:
        return models.Pair.objects.using(self._alias).filter(link_id=self._link)

    def count(self) -> int:
        """How many pairs live."""
        return self._all().filter(state__in=_OPEN).count()

    def by_state(self) -> dict[str, int]:
        """How many pairs are in each state."""
        counts: dict[str, int] = {}
        for state in self._all().values_list("state", flat=True):
            counts[state] = counts.get(state, 0) + 1
        return counts

    def living(self) -> list[models.Pair]:
        """Pairs that still live, oldest first."""
        return list(self._all().filter(state__in=_OPEN).order_by("id"))

    def retry_refused(self, side: Side) -> None:
        """Creations on that side that were refused as a whole are wanted again."""
        refused = self._all().filter(state=PairState.ONE_SIDED.value, reason="refused", **{f"{side.value}_id": None})
        refused.update(reason="", parked={}, is_dirty=True)

    def moved(self) -> list[models.Pair]:
        """Pairs that have to be reconciled, oldest first. Closed ones are never among them."""
        return list(self._all().filter(is_dirty=True, state__in=_OPEN).order_by("id"))

    def is_still(self, reasons: Collection[str]) -> bool:
        """Whether no pair has to be reconciled or is closed or linked for one of these reasons, and no question is open."""
        stirred = Q(is_dirty=True, state__in=_OPEN) | Q(reason__in=reasons)
        return not (self._all().filter(stirred).exists() or self._questions().filter(closed_at=None).exists())

    def has_older(self, at: datetime) -> bool:
        """Whether a pair was made by then, closed ones too."""
        return self._all().filter(created_at__lte=at).exists()

    def parked(self) -> list[models.Pair]:
        """Pairs of which something was refused."""
        return list(self._all().exclude(parked={}).exclude(state=PairState.CLOSED.value))

    def one(self, pair_id: int) -> models.Pair:
        """A pair by its id."""
        return self._all().get(id=pair_id)

    def by_id(self, ids: Iterable[int]) -> dict[int, models.Pair]:
        """The named pairs, closed ones too."""
        return {row.id: row for part in chunks(ids) for row in self._all().filter(id__in=part)}

    def of(self, side: Side, ids: Iterable[str]) -> dict[str, models.Pair]:
        """The pairs of the named records, closed ones too."""
        column = f"{side.value}_id"
        return {record_of(row, side) or "": row for part in chunks(ids) for row in self._all().filter(**{f"{column}__in": part})}

    def living_ids(self, side: Side) -> set[str]:
        """Records of a side that a living pair holds."""
        column = f"{side.value}_id"
        return {record for record in self._all().filter(state__in=_OPEN).values_list(column, flat=True) if record}

    def of_reason(self, *reasons: str) -> list[models.Pair]:
        """Pairs that stand as they do for one of these reasons, closed ones too, oldest first."""
        return list(self._all().filter(reason__in=reasons).order_by("id"))

    def set_free(self, side: Side, record_id: str) -> None:
        """Take a record out of the closed pair that remembers it, so that another pair may hold it."""
        column = f"{side.value}_id"
        self._all().filter(state=PairState.CLOSED.value, **{column: record_id}).update(**{column: None})

    def save(self, pair: models.Pair) -> models.Pair:
        """Add or keep one pair."""
        pair.save(using=self._alias)
        return pair

    def save_many(self, pairs: Iterable[models.Pair]) -> None:
        """Keep known pairs."""
        records, bases = ["left_id", "right_id"], ["base_left", "base_right"]
        columns = ["state", "reason", *records, *bases, "mapping_version", "is_dirty", "parked", "is_aged", "doubted"]
        rewrite(self._alias, models.Pair, pairs, columns)

    def add_many(self, pairs: Iterable[models.Pair]) -> list[models.Pair]:
        """Add new pairs; they come back with their ids."""
        return models.Pair.objects.using(self._alias).bulk_create(list(pairs), batch_size=500)

    def touch(self, side: Side, ids: Iterable[str]) -> None:
        """Mark the living pairs of the named records as moved."""
        column = f"{side.value}_id"
        for part in chunks(ids):
            self._all().filter(state__in=_OPEN, **{f"{column}__in": part}).update(is_dirty=True)

    def touch_all(self) -> None:
        """Mark every living pair as moved."""
        self._all().filter(state__in=_OPEN).update(is_dirty=True)

    # Questions

    def _questions(self) -> QuerySet[models.Question]:
        return models.Question.objects.using(self._alias).filter(link_id=self._link)

    def questions(self) -> list[models.Question]:
        """What waits for a person, oldest first."""
        return list(self._questions().filter(closed_at=None).order_by("id"))

    def ask(self, kind: str, *, at: datetime, pair: int | None = None, side: str = "", part: str = "", data: Data | None = None) -> None:
        """Put a question once; asked again with other data, an answer to what it was before does not count."""
        same = self._questions().filter(closed_at=None, kind=kind, side=side, part=part)
        known = (same.filter(pair=None) if pair is None else same.filter(pair_id=pair)).first()
        question = known or models.Question(link_id=self._link, pair_id=pair, kind=kind, side=side, part=part, asked_at=at)
        if known is None or known.data != (data or {}):
            question.data, question.choice, question.named, question.answered_at = data or {}, "", [], None
            question.save(using=self._alias)

    def close_all_questions(self, pair_id: int, at: datetime) -> None:
        """Close whatever is open about a pair. What a closed question showed is forgotten."""
        self._questions().filter(closed_at=None, pair_id=pair_id).update(closed_at=at, data={})

    def close_questions(self, kind: str, keep: Iterable[tuple[int | None, str, str]], at: datetime) -> None:
        """Close the open questions of a kind that are not in `keep`, given as (pair, side, part)."""
        kept = set(keep)
        for question in self._questions().filter(closed_at=None, kind=kind):
            if (question.pair_id, question.side, question.part) not in kept:
                question.closed_at, question.data = at, {}
                question.save(using=self._alias, update_fields=["closed_at", "data"])
