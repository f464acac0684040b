"""How often a side is looked at: pure rules over what is known about it, tried on any clock.

Theory: a side that tells us of changes by itself needs looking only in case something was missed; one that does not is looked at as
often as a part of its budget allows. Where looking costs tokens of a day (`Metered`), looking gets a quarter of our share, less what the
nightly walk takes; where it costs a place in a minute (`Adaptive`), it is quick while something happens and slow while nothing does.

    metered, told by the side        every hour
    metered, not told                as often as the quarter allows, in steps (15 s, whole minutes), never under 15 s;
                                     references at every sixth look
    either                           at once when something may have been missed; everything once a night
    adaptive                         15 s after a change, 60 s a quarter of an hour later, then twice as long every quarter, up to 10 min

Rules: no clock and no chance in here; what is to differ between links is made from their numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from tandem.engine.hints import Look

#: Looking takes at most this part of our share of a day, and may not touch the last tenth, which is for changes by people.
LOOKING_PART = 0.25
DAY_S = 86_400
_STEP_S, _MINUTE_S = 15, 60
#: References are looked at with every so many looks.
REFERENCES_EVERY = 6
#: How long something counts as just having happened.
ACTIVE_S = 900.0
_JITTER = 0.2
#: Seconds between two looks at a side that tells of changes by itself.
TOLD_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known about a side: when it was drained and listed, and when something last went over."""

    drained_at: datetime | None = None
    listed_at: datetime | None = None
    active_at: datetime | None = None
    #: It tells us of changes by itself, and nothing speaks against that.
    tells: bool = False
    #: Something may have been missed.
    has_gap: bool = False


@dataclass(frozen=True, slots=True)
class NextLook:
    """When a side is looked at next, how much of it, and why then: the end of a sentence."""

    at: datetime
    look: Look
    why: str


@dataclass(frozen=True, slots=True)
class Metered:
    """The pace of a side on which looking costs tokens.

    `tokens`: our share of a day; `look_tokens` and `reference_tokens`: a list of what moved, of records and of references; `walk_tokens`:
    listing everything; `links`: how many share the budget. `night_s`: seconds after midnight (UTC) at which everything is listed.
    """

    tokens: float
    look_tokens: int
    reference_tokens: int
    walk_tokens: int
    links: int = 1
    shortest_s: float = 15.0
    told_s: float = TOLD_S
    night_s: float = 7_200.0

    @property
    def every_s(self) -> float:
        """Seconds between two looks at a side that tells nothing."""
        a_link = self.tokens * LOOKING_PART / max(self.links, 1) - self.walk_tokens
        if a_link <= 0:
            return float(DAY_S)
        needed = DAY_S * (self.look_tokens + self.reference_tokens / REFERENCES_EVERY) / a_link
        step = _STEP_S if needed <= _MINUTE_S else _MINUTE_S
        return max(self.shortest_s, float(ceil(needed / step) * step) if needed > self.shortest_s else self.shortest_s)

    @property
    def references_every_s(self) -> float:
        """Seconds between two looks at references on a side that tells nothing."""
        return self.every_s * REFERENCES_EVERY

    def next_look(self, seen: Seen, now: datetime) -> NextLook:
        """The next look at a side as it is known now."""
        if seen.drained_at is None:
            return NextLook(now, Look.CHANGES, "it was never looked at")
        night = self._last_night(now)
        if seen.listed_at is None or seen.listed_at < night:
            return NextLook(now, Look.FULL, "everything is listed once a night")
        if seen.has_gap:
            return NextLook(now, Look.CHANGES, "something may have been missed")
        every = self.told_s if seen.tells else self.every_s
        at, following = seen.drained_at + timedelta(seconds=every), night + timedelta(days=1)
        if following <= at:
            return NextLook(following, Look.FULL, "everything is listed once a night")
        return NextLook(at, Look.CHANGES, self._why(tells=seen.tells))

    def _why(self, *, tells: bool) -> str:
        if tells:
            return "webhooks tell of changes at once; a look an hour in case one was missed"
        return f"no webhooks; a look every {spoken(self.every_s)} is what a quarter of the daily tokens allows"

    def _last_night(self, now: datetime) -> datetime:
        """When everything was last to be listed."""
        night = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=self.night_s)
        return night if night <= now else night - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Adaptive:
    """The pace of a side on which looking costs places in a minute.

    `a_minute`: how many calls a minute may be made, `calls`: how many a look takes, `links`: how many share them. `seed` differs from
    link to link.
    """

    a_minute: float
    calls: int = 2
    links: int = 1
    shortest_s: float = 15.0
    settled_s: float = 60.0
    longest_s: float = 600.0
    seed: str = ""

    def every_s(self, idle_s: float) -> float:
        """Seconds between two looks when nothing has happened for so long."""
        if idle_s <= ACTIVE_S:
            wished = self.shortest_s + (self.settled_s - self.shortest_s) * max(idle_s, 0.0) / ACTIVE_S
        else:
            wished = self.settled_s * 2.0 ** min((idle_s - ACTIVE_S) / ACTIVE_S, 16)
        bound = _MINUTE_S * self.calls * self.links / max(self.a_minute * LOOKING_PART, 0.1)
        return max(min(wished, self.longest_s), bound)

    def next_look(self, seen: Seen, now: datetime) -> NextLook:
        """The next look at a side as it is known now."""
        if seen.drained_at is None:
            return NextLook(now, Look.CHANGES, "it was never looked at")
        if seen.has_gap:
            return NextLook(now, Look.CHANGES, "something may have been missed")
        idle = (now - seen.active_at).total_seconds() if seen.active_at else float(DAY_S)
        every = self.every_s(idle) * (1 - _JITTER * _chance(self.seed, seen.drained_at))
        why = "something changed a short while ago" if idle <= ACTIVE_S else "nothing has changed for a while"
        return NextLook(seen.drained_at + timedelta(seconds=every), Look.CHANGES, why)


def night_of(link: int) -> float:
    """Seconds after midnight at which a link lists everything: between two and four, another moment for each link."""
    return 7_200.0 + 7_200.0 * _chance("night", link)


def walk_tokens(records: int, references: int, *, page: int, page_tokens: int) -> int:
    """What listing everything costs: the newest of both kinds first, then the pages of both."""
    pages = sum(max(1, ceil(number / page)) for number in (records, references))
    return (2 + pages) * page_tokens


def spoken(seconds: float) -> str:
    """A time between looks in words."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"


def _chance(seed: str, at: object) -> float:
    """A number from 0 to 1 that is always the same for the same seed and moment."""
    return int.from_bytes(hashlib.sha256(f"{seed} {at}".encode()).digest()[:4]) / 2**32
