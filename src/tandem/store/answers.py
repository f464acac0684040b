"""What persons have answered, and what of it is remembered for ever. All in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet

from tandem.core.state import LinkId, RecordId
from tandem.store import models


class Answers:
    """The answers of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link

    def _open(self) -> QuerySet[models.Question]:
        return models.Question.objects.using(self._alias).filter(link_id=self._link, closed_at=None)

    def question(self, question_id: int) -> models.Question | None:
        """An open question."""
        return self._open().filter(id=question_id).first()

    def given(self) -> list[models.Question]:
        """Open questions that have an answer, oldest first."""
        return list(self._open().exclude(choice="").order_by("id"))

    def answer(self, question_id: int, choice: str, named: Sequence[str], at: datetime) -> None:
        """Keep a person's choice, in place of an earlier one."""
        self._open().filter(id=question_id).update(choice=choice, named=list(named), answered_at=at)

    def take_back(self, question: models.Question) -> None:
        """The choice cannot be followed any more: the question is open again."""
        question.choice, question.named, question.answered_at = "", [], None
        question.save(using=self._alias, update_fields=["choice", "named", "answered_at"])

    def close(self, question: models.Question, at: datetime) -> None:
        """The answer has been followed. What the question showed is forgotten."""
        question.closed_at, question.data = at, {}
        question.save(using=self._alias, update_fields=["closed_at", "data"])

    # For ever

    def keep_apart(self, pairs: Iterable[tuple[str, str]]) -> None:
        """These are not the same, whatever they have in common; given as (left, right)."""
        rows = [models.Apart(link_id=self._link, left_id=left, right_id=right) for left, right in pairs]
        models.Apart.objects.using(self._alias).bulk_create(rows, ignore_conflicts=True)

    def apart(self) -> frozenset[tuple[RecordId, RecordId]]:
        """What is kept apart, as (left, right)."""
        rows = models.Apart.objects.using(self._alias).filter(link_id=self._link).values_list("left_id", "right_id")
        return frozenset((RecordId(left), RecordId(right)) for left, right in rows)

    def gone_installations(self) -> list[str]:
        """Other installations that a person has declared gone."""
        return list(models.Link.objects.using(self._alias).values_list("gone_installations", flat=True).get(id=self._link))

    def declare_gone(self, own: str, prefix: str) -> list[str]:
        """Every other installation whose markers are seen here is gone. Returns their ids."""
        rows = models.Shadow.objects.using(self._alias).filter(link_id=self._link, marker__startswith=f"{prefix}:")
        seen = {marker.split(":")[1] for marker in rows.values_list("marker", flat=True)} - {own, ""}
        gone = sorted({*self.gone_installations(), *seen})
        models.Link.objects.using(self._alias).filter(id=self._link).update(gone_installations=gone)
        return gone
