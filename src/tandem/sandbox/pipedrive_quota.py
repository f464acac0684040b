"""Rate limits: the company's daily token budget, the bursts per token, and the block for those who go on regardless.

Rules: every authorised call is counted here once, before it is carried out. Times are seconds since 1970 on the sandbox's clock.
Sources: the vendor's page on rate limiting; the meaning of x-ratelimit-reset (seconds) and the daily headers from public reports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tandem.sandbox.pipedrive_errors import blocked, over_limit
from tandem.sandbox.service import Switch

WINDOW_S = 2.0
HAMMERING_S = 10.0


@dataclass(slots=True)
class Quota:
    """What has been spent, and when each token called lately."""

    day: str = ""
    spent: int = 0
    calls: dict[str, list[float]] = field(default_factory=dict)
    searches: dict[str, list[float]] = field(default_factory=dict)
    refusals: dict[str, list[float]] = field(default_factory=dict)
    blocked_until: dict[str, float] = field(default_factory=dict)

    def admit(self, key: str, *, oauth: bool, cost: int, search: bool, now: float, switches: Mapping[str, Switch]) -> dict[str, str]:
        """Count one call and return the headers of its answer; raises the 429 or 403 that refuses it."""
        if not switches["limits"]:
            return {}
        self._turn_day(now, switches)
        if self.blocked_until.get(key, 0.0) > now:
            raise blocked()
        burst = int(switches["burst_oauth" if oauth else "burst_api_token"])
        window, limit = (self.searches, int(switches["burst_search"])) if search else (self.calls, burst)
        recent = [at for at in window.get(key, []) if at > now - WINDOW_S]
        window[key] = recent
        if len(recent) >= limit:
            self._refused(key, oauth=oauth, now=now, switches=switches)
            reset = math.ceil(recent[0] + WINDOW_S - now) if recent else math.ceil(WINDOW_S)
            raise over_limit("request over limit", {**self._headers(limit, 0, reset, switches), **_retry_after(reset, switches)})
        budget = int(switches["daily_tokens"])
        if self.spent + cost > budget:
            self._refused(key, oauth=oauth, now=now, switches=switches)
            reset = math.ceil(self._until_midnight(now, switches))
            headers = self._headers(limit, limit - len(recent), reset, switches)
            raise over_limit("daily request budget exhausted", {**headers, **_daily(budget, 0, switches), **_retry_after(reset, switches)})
        recent.append(now)
        self.spent += cost
        return self._headers(limit, limit - len(recent), math.ceil(recent[0] + WINDOW_S - now), switches)

    def give_back(self, cost: int) -> None:
        """Take the cost of a failed call off again."""
        self.spent = max(self.spent - cost, 0)

    def _turn_day(self, now: float, switches: Mapping[str, Switch]) -> None:
        day = _local(now, switches).date().isoformat()
        if day != self.day:
            self.day, self.spent = day, 0

    def _until_midnight(self, now: float, switches: Mapping[str, Switch]) -> float:
        local = _local(now, switches)
        midnight = datetime(local.year, local.month, local.day, tzinfo=UTC) + timedelta(days=1)
        return (midnight - local).total_seconds()

    def _refused(self, key: str, *, oauth: bool, now: float, switches: Mapping[str, Switch]) -> None:
        lately = [at for at in self.refusals.get(key, []) if at > now - HAMMERING_S] + [now]
        self.refusals[key] = lately
        patience = int(switches["cloudflare_after"])
        if patience and len(lately) > patience and not oauth:
            self.blocked_until[key] = now + float(switches["cloudflare_block_s"])
            raise blocked()

    def _headers(self, limit: int, remaining: int, reset_s: int, switches: Mapping[str, Switch]) -> dict[str, str]:
        headers = _daily(int(switches["daily_tokens"]), int(switches["daily_tokens"]) - self.spent, switches)
        if switches["burst_headers"]:
            headers |= {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(remaining), "x-ratelimit-reset": str(max(reset_s, 0))}
        return headers


def _retry_after(reset_s: int, switches: Mapping[str, Switch]) -> dict[str, str]:
    return {"retry-after": str(max(reset_s, 1))} if switches["retry_after"] else {}


def _daily(budget: int, left: int, switches: Mapping[str, Switch]) -> dict[str, str]:
    if not switches["daily_headers"]:
        return {}
    return {"x-daily-ratelimit-token-limit": str(budget), "x-daily-ratelimit-token-remaining": str(max(left, 0))}


def _local(now: float, switches: Mapping[str, Switch]) -> datetime:
    """The wall time where the budget starts anew, written as if it were UTC."""
    return datetime.fromtimestamp(now, UTC) + timedelta(hours=float(switches["reset_offset_h"]))
