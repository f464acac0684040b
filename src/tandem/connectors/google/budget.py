"""Keeping under the People API's limits of one account: so many units of each bucket in any minute.

The service publishes what a call costs and not what may be spent; consoles of real projects show 60 to 180 critical reads and
30 to 180 critical writes a minute. The defaults are the lowest seen, so that the limit is rarely met and never by a burst.

Source: "Read and manage contacts" (costs); public issues (limits).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from tandem.clock import Clock
from tandem.connectors.http import Answer, Call

DEFAULT_LIMITS: Mapping[str, int] = {"critical-read": 60, "critical-write": 30, "read": 60, "write": 30}
WINDOW = timedelta(minutes=1)


class MinuteBudget:
    """A `Budget` that waits by the clock until a call fits. Buckets without a limit are free. May be shared by threads."""

    def __init__(self, clock: Clock, limits: Mapping[str, int] = DEFAULT_LIMITS) -> None:
        self._clock = clock
        self._limits = dict(limits)
        self._spent: dict[str, deque[tuple[datetime, int]]] = {bucket: deque() for bucket in limits}
        self._lock = threading.Lock()

    def before(self, call: Call) -> None:
        """Wait until the call fits, and count it."""
        while True:
            with self._lock:
                now = self._clock.now()
                wait = max((self._wait(bucket, units, now) for bucket, units in call.cost.items()), default=timedelta(0))
                if wait <= timedelta(0):
                    self._count(call, now)
                    return
            self._clock.sleep(wait.total_seconds())

    def after(self, call: Call, answer: Answer | None) -> None:
        """Nothing to learn: the service says neither what is left nor when more comes."""

    def _count(self, call: Call, now: datetime) -> None:
        for bucket, units in call.cost.items():
            if bucket in self._spent:
                self._spent[bucket].append((now, units))

    def _wait(self, bucket: str, units: int, now: datetime) -> timedelta:
        """How long until so many units of a bucket are free. A call dearer than the limit waits for an empty window."""
        limit = self._limits.get(bucket)
        if limit is None:
            return timedelta(0)
        spent = self._spent[bucket]
        while spent and spent[0][0] + WINDOW <= now:
            spent.popleft()
        too_many = sum(units for _, units in spent) + min(units, limit) - limit
        for at, freed in spent:
            if too_many <= 0:
                break
            too_many -= freed
            if too_many <= 0:
                return at + WINDOW - now
        return timedelta(0)
