"""How far a first sync is: what was written of what its first plan held, how long the rest will take, and what sets the pace.

Everything is read from what is written down, so that it goes on where it was after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem.app.sides import PIPEDRIVE, PRODUCT
from tandem.core.plan import ActionKind
from tandem.core.state import LinkId, Side
from tandem.engine.approval import SHOWN
from tandem.store import models
from tandem.store.journal import Journal

if TYPE_CHECKING:
    from tandem.app.root import Tandem

_GOING = frozenset({"active", "waiting"})
_WRITES = (ActionKind.CREATE.value, ActionKind.UPDATE.value)
_CALLS_A_WRITE, _BATCH, _BATCH_UNITS = 1.2, 200, 6


@dataclass(frozen=True, slots=True)
class Progress:
    """A first sync under way. `total` is 0 before its first plan is made; `pace`: the product whose limit sets the pace."""

    done: int
    total: int
    seconds_left: float
    pace: str

    @property
    def percent(self) -> int:
        """How much of it, rounded down; 100 only when nothing is left to write."""
        return min(100, 100 * self.done // self.total) if self.total else 0


def progress(tandem: Tandem, row: models.Link) -> Progress | None:
    """How far the first sync of a link is. None where there is none under way."""
    if row.first_synced_at is not None or row.state not in _GOING:
        return None
    shown = {side: int((row.approval or {}).get(SHOWN, {}).get(side.value, 0)) for side in Side}
    journal = Journal(tandem.alias, LinkId(row.pk))
    done = {side: min(shown[side], sum(journal.count_written(kind, side) for kind in _WRITES)) for side in Side}
    left = {side: shown[side] - done[side] for side in Side}
    config = tandem.config
    seconds = {
        Side.LEFT: 60.0 * _BATCH_UNITS * left[Side.LEFT] / _BATCH / max(config.number("GOOGLE_WRITES_PER_MINUTE"), 1),
        Side.RIGHT: 2.0 * _CALLS_A_WRITE * left[Side.RIGHT] / max(config.number("PIPEDRIVE_BURST_PER_2S"), 1),
    }
    slowest = max(seconds, key=lambda side: seconds[side])
    pace = PRODUCT[slowest] if seconds[slowest] else PIPEDRIVE
    return Progress(sum(done.values()), sum(shown.values()), sum(seconds.values()), pace)
