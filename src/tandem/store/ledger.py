"""Tokens spent by one budget on one day.

Rules: tokens are written down before they are spent, in blocks, so that a process that dies can only have counted too many and a
call costs no commit of its own; what is left of a block goes back at the end of a cycle (`give_back`). Several processes may
share a budget. May be used by threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from tandem.store import models
from tandem.store.moments import brief

BLOCK_TOKENS = 200


class TokenLedger:
    """The ledger of one budget. `now`: the injected clock's time, whose UTC day counts."""

    def __init__(self, alias: str, budget: str, now: Callable[[], datetime]) -> None:
        self._alias = alias
        self._budget = budget
        self._now = now
        self._lock = threading.Lock()
        self._day = date.min
        self._written = 0
        self._reserved = 0

    def spent(self) -> int:
        """Tokens spent today, by all who share the budget as far as this process has seen."""
        with self._lock:
            self._turn()
            return self._written - self._reserved

    def add(self, tokens: int) -> None:
        """Write down tokens that are about to be spent."""
        with self._lock:
            self._turn()
            if not tokens:
                return
            if tokens > self._reserved:
                block = max(BLOCK_TOKENS, tokens)
                self._write(block)
                self._reserved += block
            self._reserved -= tokens

    def give_back(self) -> None:
        """Return what was written down and not spent."""
        with self._lock:
            self._turn()
            if self._reserved:
                self._write(-self._reserved)
                self._reserved = 0

    def _turn(self) -> None:
        today = self._now().date()
        if today != self._day:
            self._day, self._reserved = today, 0
            with brief(self._alias):
                row = models.Ledger.objects.using(self._alias).filter(budget=self._budget, day=today).first()
            self._written = row.tokens if row else 0

    def _write(self, tokens: int) -> None:
        rows = models.Ledger.objects.using(self._alias)
        with brief(self._alias), transaction.atomic(using=self._alias):
            row, _ = rows.get_or_create(budget=self._budget, day=self._day)
            rows.filter(id=row.id).update(tokens=F("tokens") + tokens)
            self._written = rows.values_list("tokens", flat=True).get(id=row.id)
