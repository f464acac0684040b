"""How much a link has written of late, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from tandem.core.state import LinkId, Side
from tandem.store.journal import Journal

if TYPE_CHECKING:
    from tandem.app.root import Tandem


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC), and how many records were written on each side."""

    on: date
    left: int
    right: int


def days(tandem: Tandem, link: int, number: int) -> list[Day]:
    """The last days, the oldest first, with today."""
    today = tandem.clock.now().astimezone(UTC).date()
    first = today - timedelta(days=number - 1)
    counts = {
        (on, side): count for on, side, count in Journal(tandem.alias, LinkId(link)).written_by_day(datetime.combine(first, time(), UTC))
    }
    found = (first + timedelta(days=index) for index in range(number))
    return [Day(on, counts.get((on, Side.LEFT), 0), counts.get((on, Side.RIGHT), 0)) for on in found]
