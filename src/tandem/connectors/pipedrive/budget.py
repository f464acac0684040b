"""How much of Pipedrive a company's links may use: the burst of two seconds, and the tokens of the day.

Rules
    - The budget belongs to the company. Its size is the company's own figure where an answer bears it, else what was configured.
    - We spend at most our share of it. What others have spent is known only from the headers and matters when nothing is left.
    - A tenth of the share is kept for what people change: a first sync does not touch it (`keeps_back`).
    - A call is counted before it leaves, once: a lost answer costs too. The ledger is given and outlives this process.
    - A used-up budget is a state with a time. Until then nothing is sent, but for one cheap call an hour that looks whether the day has
      already turned, because nobody says in which time zone it does.
    - A page instead of an answer (403) is a block: silence for a quarter of an hour.
Sources: Pipedrive's page on rate limiting; the headers of the daily budget are undocumented, optional, and seen by many.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Protocol

from tandem.clock import Clock
from tandem.connectors.http import Answer, Call
from tandem.connectors.pipedrive.api import TOKENS
from tandem.connectors.pipedrive.reasons import BLOCKED, BURST_WINDOW_S, SERVICE, header_number, is_daily, is_page, next_midnight, reset_at
from tandem.errors import QuotaExhausted, Unavailable

BLOCK = timedelta(minutes=15)
#: How often, and with how dear a call, it is tried whether an exhausted budget is there again.
LOOK_EVERY = timedelta(hours=1)
LOOK_TOKENS = 2
#: So much of the share is for people's changes only.
KEPT_BACK_PERCENT = 10
_KEPT_BACK = "Nine tenths of Tandem's share of the company's tokens are used up for today; the rest is kept for what people change"
#: So many 429s in a row over more than this time are no burst, whatever the headers leave out.
LASTING_REFUSALS = 5
LASTING = timedelta(seconds=10)


class Ledger(Protocol):
    """What all links of one company have spent today."""

    def spent(self) -> int:
        """Tokens since the budget last started anew."""
        ...

    def add(self, tokens: int) -> None:
        """Write down tokens that are about to be spent."""
        ...


class TokenBudget:
    """The budget of one account. Safe for the threads of one process.

    `burst_calls`: calls in any two seconds; the smallest plan allows an API token 20 and an app 80. `share_percent` is of the day's
    tokens.
    """

    def __init__(self, clock: Clock, ledger: Ledger, *, burst_calls: int = 20, daily_tokens: int = 30_000, share_percent: int = 50) -> None:
        self._clock = clock
        self._ledger = ledger
        self._burst_calls = max(1, burst_calls)
        self._daily_tokens = daily_tokens
        self._share_percent = share_percent
        self._lock = threading.Lock()
        self._starts: deque[datetime] = deque(maxlen=self._burst_calls)
        self._company_tokens: int | None = None
        self._company_left: int | None = None
        self._exhausted_until: datetime | None = None
        self._looked_at: datetime | None = None
        #: The work under way is a first sync: it leaves a tenth of the share alone.
        self.keeps_back = False
        self._blocked_until: datetime | None = None
        #: 429s in a row that did not say for how long, and the first of them.
        self._refusals = 0
        self._refused_since: datetime | None = None

    @property
    def daily_limit(self) -> int:
        """The tokens of a day: the company's own figure once an answer told it, else the configured one."""
        return self._company_tokens if self._company_tokens is not None else self._daily_tokens

    @property
    def share(self) -> int:
        """How many tokens of a day are ours."""
        return self.daily_limit * self._share_percent // 100

    @property
    def used(self) -> int:
        """What the company has used today as far as we know: the larger of our ledger and the company's own figure."""
        left = self._company_left
        return max(self._ledger.spent(), self.daily_limit - left if left is not None else 0)

    def before(self, call: Call) -> None:
        """Wait for a place in the burst, count the tokens. Unavailable while blocked, QuotaExhausted without tokens."""
        tokens = call.cost.get(TOKENS, 0)
        with self._lock:
            now = self._clock.now()
            self._check_open(now)
            self._check_tokens(now, tokens)
            if tokens:
                self._ledger.add(tokens)
            start = self._place(now)
        if start > now:
            self._clock.sleep((start - now).total_seconds())

    def after(self, call: Call, answer: Answer | None) -> None:
        """Learn what the answer to a call that has a price says about the budget."""
        if answer is None or TOKENS not in call.cost:
            return
        with self._lock:
            now = self._clock.now()
            if answer.status == 403 and is_page(answer):
                self._blocked_until = now + BLOCK
                return
            self._learn(answer)
            if answer.status != 429:
                self._exhausted_until = self._refused_since = None
                self._refusals = 0
                return
            self._refused_since = self._refused_since or now
            self._refusals += 1
            if is_daily(answer) or (self._refusals >= LASTING_REFUSALS and now - self._refused_since > LASTING):
                self._exhausted_until = reset_at(answer, now)
                self._looked_at = now

    def _learn(self, answer: Answer) -> None:
        limit = header_number(answer.headers, "x-daily-ratelimit-token-limit")
        left = header_number(answer.headers, "x-daily-ratelimit-token-remaining")
        if limit:
            self._company_tokens = int(limit)
        self._company_left = int(left) if left is not None else None

    def _check_open(self, now: datetime) -> None:
        if self._blocked_until is None:
            return
        if now < self._blocked_until:
            raise Unavailable("Pipedrive has closed its door for a while", service=SERVICE, status=403, reason=BLOCKED)
        self._blocked_until = None

    def _check_tokens(self, now: datetime, tokens: int) -> None:
        """The company's word first, then our own share."""
        if self._exhausted_until is not None and now >= self._exhausted_until:
            self._exhausted_until = self._company_left = None
        if self._exhausted_until is None and self._company_left is not None and tokens > self._company_left:
            self._exhausted_until = next_midnight(now)
        if self._exhausted_until is not None:
            if tokens > LOOK_TOKENS or (self._looked_at is not None and now - self._looked_at < LOOK_EVERY):
                raise QuotaExhausted(until=self._exhausted_until, service=SERVICE)
            self._looked_at = now
            return
        spent = self._ledger.spent() + tokens
        if tokens and self.keeps_back and spent > self.share * (100 - KEPT_BACK_PERCENT) // 100:
            raise QuotaExhausted(_KEPT_BACK, until=next_midnight(now), service=SERVICE)
        if tokens and spent > self.share:
            raise QuotaExhausted("Tandem's share of the company's tokens is used up for today", until=next_midnight(now), service=SERVICE)

    def _place(self, now: datetime) -> datetime:
        """When the next call may leave; taken by it. As many starts are remembered as fit into one window."""
        start = now
        if len(self._starts) == self._burst_calls:
            start = max(now, self._starts[0] + timedelta(seconds=BURST_WINDOW_S))
        if self._starts:
            start = max(start, self._starts[-1])
        self._starts.append(start)
        return start
