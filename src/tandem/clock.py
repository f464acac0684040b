"""Time as Tandem uses it: injected everywhere, so that tests and the sandbox can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long (a virtual clock just moves)."""
        ...


class SystemClock:
    """The machine's clock, moved by an offset that a sandbox may ask for ("seven days later" is then so for both)."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        return datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=self.offset_s)

    def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        time.sleep(max(0.0, seconds))
