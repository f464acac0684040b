"""How much of Pipedrive a company's links may use: the burst of two seconds, and the tokens of the day.

Rules
    - The budget belongs to the company. Its size is the company's own figure where an answer bears it, else what was configured.
    - Looking whether something has changed gets a quarter of our share; a tenth of it is kept for what people changed, so neither looking
      nor a first sync may touch it. What calls are made for is said before them (`work`).
    - We spend at most our share of it. What others have spent is known only from the headers and matters when nothing is left.
    - A call is counted before it leaves, once: a lost answer costs too. The ledger is given and outlives this process.
    - The service counts a call when it arrives, and that is some moment between its leaving and its answer. So a call keeps its place in
      the burst until two seconds after its answer: then no two seconds of theirs ever see more calls than allowed, at whatever distance.
    - A used-up budget is a state with a time. Until then nothing is sent, but for one cheap call an hour that looks whether the day has
      already turned, because nobody says in which time zone it does.
    - A page instead of an answer (403) is a block: silence for a quarter of an hour.
Sources: Pipedrive's page on rate limiting; the headers of the daily budget are undocumented, optional, and seen by many.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Protocol

from tandem.clock import Clock
from tandem.connectors.http import Answer, Call
from tandem.connectors.pipedrive.api import TOKENS
from tandem.connectors.pipedrive.reasons import BLOCKED, BURST_WINDOW_S, SERVICE, header_number, is_daily, is_page, next_midnight, reset_at
from tandem.errors import QuotaExhausted, Unavailable
from tandem.replica import Work

BLOCK = timedelta(minutes=15)
#: How often, and with how dear a call, it is tried whether an exhausted budget is there again.
LOOK_EVERY = timedelta(hours=1)
LOOK_TOKENS = 2
#: So many 429s in a row over more than this time are no burst, whatever the headers leave out.
LASTING_REFUSALS = 5
LASTING = timedelta(seconds=10)
#: A call whose end is never told (it was given up before it left) keeps its place for so long.
LONGEST_CALL = timedelta(minutes=2)
#: How long to wait for the end of a call before looking again, while all places are taken by calls under way.
END_WAIT_S = 0.05
#: Of our share: at most for looking, and kept for changes by people.
LOOKING_PERCENT = 25
KEPT_PERCENT = 10


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

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        burst_calls: int = 20,
        daily_tokens: int = 30_000,
        share_percent: int = 50,
        looked: Ledger | None = None,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        #: What went into looking; without it looking has no limit of its own.
        self.looked = looked
        #: What the calls that follow are made for.
        self.work = Work.PEOPLE
        self._burst_calls = max(1, burst_calls)
        self._daily_tokens = daily_tokens
        self._share_percent = share_percent
        self._lock = threading.Lock()
        #: Per place of the burst when it is free again, and the call that it is taken by while that is under way.
        self._free_at: list[datetime] = [clock.now()] * self._burst_calls
        self._taken_by: list[Call | None] = [None] * self._burst_calls
        self._company_tokens: int | None = None
        self._company_left: int | None = None
        self._exhausted_until: datetime | None = None
        self.looked_at: datetime | None = None
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
                if self.work is Work.LOOKING and self.looked is not None:
                    self.looked.add(tokens)
        self._take_place(call)

    def after(self, call: Call, answer: Answer | None) -> None:
        """Give the call's place back in two seconds, and learn what the answer to a call that has a price says about the budget."""
        with self._lock:
            self._leave_place(call)
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
                self.looked_at = now

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
            if tokens > LOOK_TOKENS or (self.looked_at is not None and now - self.looked_at < LOOK_EVERY):
                raise QuotaExhausted(until=self._exhausted_until, service=SERVICE)
            self.looked_at = now
            return
        if tokens and self.work is not Work.PEOPLE:
            self._check_part(now, tokens)
        if tokens and self._ledger.spent() + tokens > self.share:
            raise QuotaExhausted("Tandem's share of the company's tokens is used up for today", until=next_midnight(now), service=SERVICE)

    def _check_part(self, now: datetime, tokens: int) -> None:
        """Looking and first syncs leave a tenth of our share alone; looking has a quarter of it."""
        is_over = self._ledger.spent() + tokens > self.share * (100 - KEPT_PERCENT) // 100
        if self.work is Work.LOOKING and self.looked is not None:
            is_over = is_over or self.looked.spent() + tokens > self.share * LOOKING_PERCENT // 100
        if is_over:
            text = "The rest of today's tokens is kept for changes that people make"
            raise QuotaExhausted(text, until=next_midnight(now), service=SERVICE, reason=self.work.value)

    def _take_place(self, call: Call) -> None:
        """Wait until one of the places of the burst is free."""
        while True:
            with self._lock:
                now = self._clock.now()
                place = min(range(self._burst_calls), key=self._free_at.__getitem__)
                if self._free_at[place] <= now:
                    self._free_at[place], self._taken_by[place] = now + LONGEST_CALL, call
                    return
                is_known = self._taken_by[place] is None
                wait_s = (self._free_at[place] - now).total_seconds() if is_known else END_WAIT_S
            self._clock.sleep(wait_s)

    def _leave_place(self, call: Call) -> None:
        for place, taken_by in enumerate(self._taken_by):
            if taken_by is call:
                self._taken_by[place] = None
                self._free_at[place] = self._clock.now() + timedelta(seconds=BURST_WINDOW_S)
                return
