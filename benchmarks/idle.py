"""`idle`: processor time of Tandem's own processes per look at a link that has nothing to do, HTTP and database and all.

A sandbox in a process of its own; `--worker` processes, each with an installation of its own and one link at rest, on a clock that goes ten
minutes on after each cycle, with webhooks that are well: so a look at Google every time, one at Pipedrive and a new access token every
sixth time, and everything listed once a night. The size is the number of contacts of the link. What each kind of look costs is shown, too.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, run
from benchmarks.worlds import Served, answer_of, child, connect, live_until_settled, served
from tandem.app import Tandem
from tandem.config import load
from tandem.store import models

SIZES = (100, 200, 400)
CYCLES = 288
_TARGET_MS = 6.0
_KINDS = ("at Google alone", "with a new token", "with Pipedrive", "in whole cycles")
#: A PostgreSQL to measure on as well: postgresql://...
_DATABASE = "TANDEM_BENCH_DATABASE_URL"


class SteppingClock:
    """A clock of its own that goes by steps."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        """The time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.at += timedelta(seconds=max(0.0, seconds))


def measure(size: int) -> Iterator[Figure]:
    """One and two workers, on each database that is there."""
    for database, url in {"SQLite": "", **({"PostgreSQL": os.environ[_DATABASE]} if _DATABASE in os.environ else {})}.items():
        for workers in (1, 2):
            with ExitStack() as stack:
                sandboxes = [stack.enter_context(served(common=size)) for _ in range(workers)]
                processes = [stack.enter_context(child("benchmarks.idle", "--worker", one.url, url)) for one in sandboxes]
                answers = [answer_of(process) for process in processes]
            cpu_ms = sum(answer["cpu"] for answer in answers) / sum(answer["cycles"] for answer in answers) * 1e3
            yield Figure(f"{database}, {workers} worker(s): CPU per cycle", size, cpu_ms, "ms", _TARGET_MS)
            rate = sum(answer["cycles"] / answer["wall"] for answer in answers)
            yield Figure(f"{database}, {workers} worker(s): cycles per second", size, rate)
            if workers == 1:
                for kind in _KINDS:
                    yield Figure(f"{database}, of these {kind}", size, answers[0][f"ms {kind}"], "ms")
                    yield Figure(f"{database}, how many {kind}", size, answers[0][f"n {kind}"])
                yield Figure(f"{database}: statements per cycle", size, answers[0]["statements"])


def _worker(url: str, database: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        addresses = {
            "TANDEM_GOOGLE_API_URL": f"{url}/google", "TANDEM_GOOGLE_TOKEN_URL": f"{url}/google/token",
            "TANDEM_PIPEDRIVE_API_URL": f"{url}/pipedrive", "TANDEM_GOOGLE_CLIENT_ID": "sandbox-client",
            "TANDEM_GOOGLE_CLIENT_SECRET": "sandbox-secret", "TANDEM_DATA_DIR": folder, "TANDEM_DATABASE_URL": database,
        }  # fmt: skip
        clock = SteppingClock()
        with Tandem(load(addresses, Path(folder)), clock=clock) as tandem:
            link = connect(tandem)
            live_until_settled(tandem, link)
            _edit_once(Served(url, 0), clock)
            _come_to_rest(tandem, clock, link)
            return _looks(tandem, clock, link)


def _edit_once(sandbox: Served, clock: SteppingClock) -> None:
    """Hours after the first sync somebody edits one person: a look at Pipedrive reads again what moved shortly before."""
    clock.sleep(7_200)
    sandbox.call("clock", advance_s=7_200)
    sandbox.call("edit", service="pipedrive", op="update_person", id=1, first_name="Edited")


def _come_to_rest(tandem: Tandem, clock: SteppingClock, link: int) -> None:
    for _ in range(6):
        clock.sleep(3_600)
        tandem.cycle(link, cause="due")
    watches = models.Watch.objects.using(tandem.alias).filter(link_id=link, side="right")
    watches.update(subscriptions=["1", "2"], has_gap=False, next_look_at=None)
    for _ in range(3):
        clock.sleep(600)
        tandem.cycle(link, cause="due")


def _looks(tandem: Tandem, clock: SteppingClock, link: int) -> dict[str, float]:
    from django.db import connections  # noqa: PLC0415 - Django is up by now

    statements = 0

    def count(execute: object, *rest: object) -> object:
        nonlocal statements
        statements += 1
        return execute(*rest)  # type: ignore[operator]

    spent: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    wall, before = time.perf_counter(), _state(tandem)
    for _ in range(CYCLES):
        clock.sleep(600)
        begun = time.process_time()
        for due in tandem.schedule.due(clock.now(), is_alone=True):
            tandem.cycle(due, cause="due")
        took = time.process_time() - begun
        after = _state(tandem)
        changed = [kind for kind, was, now in zip(_KINDS[:0:-1], before, after, strict=True) if was != now]
        spent[(changed or _KINDS)[0]].append(took)
        before = after
    wall = time.perf_counter() - wall
    with connections[tandem.alias].execute_wrapper(count):
        for _ in range(6):
            clock.sleep(600)
            tandem.cycle(link, cause="due")
    kinds = {f"ms {kind}": sum(times) / max(1, len(times)) * 1e3 for kind, times in spent.items()}
    kinds |= {f"n {kind}": float(len(times)) for kind, times in spent.items()}
    return {"cpu": sum(map(sum, spent.values())), "wall": wall, "cycles": CYCLES, "statements": statements / 6, **kinds}


def _state(tandem: Tandem) -> tuple[object, ...]:
    """What tells one kind of look from another: whole cycles, looks at Pipedrive, access tokens."""
    cycles = models.Cycle.objects.using(tandem.alias).count()
    looks = list(models.Feed.objects.using(tandem.alias).filter(side="right").values_list("drained_at"))
    return cycles, looks, [bytes(row.ciphertext) for row in models.Secret.objects.using(tandem.alias)]


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--worker":
        print(json.dumps(_worker(*sys.argv[2:])))  # noqa: T201 - the parent reads it
    else:
        run("idle", SIZES, measure)
