"""What was said about records outside the scope of a link: kept apart, left out, or followed.

Rules: a word is remembered until what it was said about changes; deciding what follows from it is `engine/outside.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from django.db.models import QuerySet

from tandem.core.state import LinkId, RecordId, Side
from tandem.store import models


class WordKind(Enum):
    """What was said."""

    #: (left, right) are two people.
    APART = "apart"
    #: The one of (left, right) that is in scope stays out of the sync, until the other one comes in.
    LEFT_OUT = "left-out"
    #: One record, outside the scope, that this link covers all the same.
    FOLLOWED = "followed"


class Words:
    """The words of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link
        self._followed: dict[Side, frozenset[str]] = {}

    def _all(self, kind: WordKind) -> QuerySet[models.Word]:
        return models.Word.objects.using(self._alias).filter(link_id=self._link, kind=kind.value)

    def say(self, kind: WordKind, pairs: Iterable[tuple[str, str]], at: datetime) -> None:
        """Remember a word about (left, right); an empty id stands for nobody. Saying it twice is harmless."""
        rows = [models.Word(link_id=self._link, kind=kind.value, left_id=left, right_id=right, said_at=at) for left, right in pairs]
        models.Word.objects.using(self._alias).bulk_create(rows, batch_size=500, ignore_conflicts=True)
        self._followed.clear()

    def apart(self) -> frozenset[tuple[RecordId, RecordId]]:
        """(left, right) that are known to be two people."""
        return frozenset((RecordId(left), RecordId(right)) for left, right in self._all(WordKind.APART).values_list("left_id", "right_id"))

    def left_out(self) -> list[tuple[str, str]]:
        """(left, right) of which one was left out because of the other."""
        return list(self._all(WordKind.LEFT_OUT).values_list("left_id", "right_id"))

    def followed(self, side: Side) -> frozenset[str]:
        """Records that are covered by a word, though they stand outside the scope."""
        if side not in self._followed:
            ids = self._all(WordKind.FOLLOWED).exclude(**{f"{side.value}_id": ""}).values_list(f"{side.value}_id", flat=True)
            self._followed[side] = frozenset(ids)
        return self._followed[side]

    def take_back(self, kind: WordKind, left: str, right: str) -> None:
        """Forget a word."""
        self._all(kind).filter(left_id=left, right_id=right).delete()
        self._followed.clear()
