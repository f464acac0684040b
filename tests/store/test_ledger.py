"""Promises of the ledger: no token is spent that is not written down, whoever dies, and whoever shares the budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem.store.ledger import BLOCK_TOKENS, TokenLedger

from .conftest import NOW


@dataclass
class Time:
    """A clock to turn by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        """The time."""
        return self.at


def written(alias: str, time: Time, budget: str = "company") -> int:
    """What another process would read."""
    return TokenLedger(alias, budget, time.now).spent()


def test_tokens_are_written_down_before_they_are_spent(alias: str) -> None:
    """At any moment what stands in the database is at least what was spent, so a process that dies has not spent unseen."""
    time = Time()
    ledger = TokenLedger(alias, "company", time.now)
    spent = 0
    for tokens in (10, 1, 5, BLOCK_TOKENS, 3, 2 * BLOCK_TOKENS, 1):
        ledger.add(tokens)
        spent += tokens
        assert ledger.spent() == spent
        assert spent <= written(alias, time) <= spent + BLOCK_TOKENS
    ledger.give_back()
    assert written(alias, time) == ledger.spent() == spent


def test_a_budget_is_shared(alias: str) -> None:
    """Two processes of one company add up; another company is not concerned."""
    time = Time()
    first, second = (TokenLedger(alias, "company", time.now) for _ in range(2))
    first.add(10)
    second.add(20)
    for ledger in (first, second):
        ledger.give_back()
    assert written(alias, time) == 30
    assert written(alias, time, "other") == 0


def test_a_new_day_begins_at_nothing(alias: str) -> None:
    """At midnight UTC the count starts anew, and what was reserved the day before is not given back to the new one."""
    time = Time()
    ledger = TokenLedger(alias, "company", time.now)
    ledger.add(10)
    time.at += timedelta(days=1)
    assert ledger.spent() == 0
    ledger.add(4)
    ledger.give_back()
    assert written(alias, time) == 4


def test_nothing_spent_writes_nothing(alias: str) -> None:
    """A budget that was only looked at leaves no row."""
    from tandem.store import models

    ledger = TokenLedger(alias, "company", Time().now)
    ledger.add(0)
    ledger.give_back()
    assert ledger.spent() == 0
    assert not models.Ledger.objects.using(alias).exists()
