"""What persons have answered to open questions. All in the caller's transaction.

Rules: what is remembered of an answer for ever is a word (words.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from tandem.core.state import LinkId
from tandem.store import models
from tandem.store.moments import linked


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

    def gone_installations(self) -> list[str]:
        """Other installations that a person has declared gone."""
        return list(models.Link.objects.using(self._alias).values_list("gone_installations", flat=True).get(id=self._link))

    def declare_gone(self, own: str, prefix: str) -> list[str]:
        """Every other installation whose markers are seen here is gone. Returns their ids."""
        with linked(self._alias, self._link):
            rows = models.Shadow.objects.using(self._alias).filter(link_id=self._link, marker__startswith=f"{prefix}:")
            seen = {marker.split(":")[1] for marker in rows.values_list("marker", flat=True)} - {own, ""}
            gone = sorted({*self.gone_installations(), *seen})
            models.Link.objects.using(self._alias).filter(id=self._link).update(gone_installations=gone)
        return gone
