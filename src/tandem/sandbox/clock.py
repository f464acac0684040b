"""The sandbox's own clock: real time plus an offset that a person or a test may move, or frozen for tests."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class Clock:
    """`frozen_at` set: time stands still and moves by `advance` only. Else: the wall clock plus `offset_s`."""

    offset_s: float = 0.0
    frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The sandbox's time, aware, UTC."""
        start = self.frozen_at if self.frozen_at is not None else datetime.fromtimestamp(time.time(), UTC)
        return start + timedelta(seconds=self.offset_s)

    def advance(self, seconds: float) -> None:
        """Move forward; a clock never goes back by itself, so a negative step is a test's own wish."""
        self.offset_s += seconds
