"""How often wrong credentials are listened to: after many in a minute not at all, so that nobody tries passwords quickly."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tandem.clock import Clock

#: Wrong credentials in a minute before they are not even looked at.
MAX_WRONG = 30
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Patience:
    """Counts wrong credentials. May be used by threads."""

    clock: Clock
    _wrong: deque[datetime] = field(default_factory=lambda: deque(maxlen=MAX_WRONG))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_over(self) -> bool:
        """Whether there were too many of late."""
        with self._lock:
            return len(self._wrong) == MAX_WRONG and self.clock.now() - self._wrong[0] < _MINUTE

    def note(self) -> None:
        """One more."""
        with self._lock:
            self._wrong.append(self.clock.now())
