"""`quota-time`: a first sync under the published quotas, on the virtual clock, against what the quotas themselves allow.

The bound is the larger of: weighted calls over what a minute allows, on Google's side; calls over the burst, and tokens over our share of
a day, on Pipedrive's. Of the last day only what is needed of its share counts, and a share is there at midnight.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from benchmarks.figures import Figure, run
from benchmarks.worlds import live_until_settled, standing_world, virtual
from tandem.sandbox.world import World

SIZES = (2_500, 5_000, 10_000)
_DAILY_SHARE = 15_000
_GOOGLE_A_MINUTE = {"read": 60, "write": 30}
#: A bucket of 100,000 a day, which no size here comes near.
_DAILY = "daily_write"


def measure(size: int) -> Iterator[Figure]:
    """Both directions."""
    for name, filled in (("into Pipedrive", {"contacts": size}), ("into Google", {"persons": size})):
        world = standing_world(limits=True, **filled)
        with virtual(world) as (tandem, link):
            world.log.clear()
            begun_at = world.clock.now()
            live_until_settled(tandem, link, limit=100_000)
            last_at = max(entry.at for entry in world.log if entry.is_write)
        taken_s = last_at - begun_at.timestamp()
        bounds = {"Google's minutes": _google_s(world), "Pipedrive's burst": _burst_s(world), "Pipedrive's day": _day_s(world, begun_at)}
        bound = max(bounds, key=lambda kind: bounds[kind])
        yield Figure(f"{name}: virtual hours", size, taken_s / 3600, "h")
        yield Figure(f"{name}: bound", size, bounds[bound] / 3600, "h")
        yield Figure(f"{name}: over the bound", size, taken_s / bounds[bound], "", 1.05)
        yield Figure(f"{name}: refused for a quota", size, sum(entry.status == 429 for entry in world.log), "", 0)


def _google_s(world: World) -> float:
    """Seconds that the units of the calls take, of the bucket of a minute that takes longest."""
    units: dict[str, int] = {}
    for entry in world.log:
        if entry.service == "google":
            for bucket, cost in entry.tokens.items():
                if bucket != _DAILY:
                    units[bucket] = units.get(bucket, 0) + cost
    return max((60 * spent / (_GOOGLE_A_MINUTE["write" if "write" in bucket else "read"]) for bucket, spent in units.items()), default=0.0)


def _burst_s(world: World) -> float:
    return sum(entry.service == "pipedrive" for entry in world.log) / 10


def _day_s(world: World, begun_at: datetime) -> float:
    """Seconds until the share of so many days has come that the tokens fit."""
    tokens = sum(sum(entry.tokens.values()) for entry in world.log if entry.service == "pipedrive")
    days = -(-tokens // _DAILY_SHARE) - 1
    if days <= 0:
        return 0.0
    midnight = (begun_at + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - begun_at).total_seconds()


if __name__ == "__main__":
    run("quota-time", SIZES, measure)
