"""Places to measure in: a filled sandbox, in this process on a virtual clock or in one of its own, and an installation beside it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2

from benchmarks.people import Humans, google_fields, pipedrive_fields
from tandem.app import Tandem
from tandem.app.linking import Wish
from tandem.app.sandboxed import API_TOKEN, REFRESH_TOKEN
from tandem.config import load
from tandem.core.policy import ConflictRule, Policy
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

LABEL = "Pipedrive"
START = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent


def fill(world: World, *, contacts: int = 0, persons: int = 0, common: int = 0, seed: int = 1) -> None:
    """Enter people: so many contacts under the label, so many persons, and so many who stand on both sides."""
    google, pipedrive = world.google, world.pipedrive
    google.human("create_group", {"name": LABEL})
    firms: dict[str, object] = {}

    def contact(fields: dict[str, object]) -> None:
        google.human("create", {"fields": fields, "groups": [LABEL]})

    def person(fields: dict[str, object], firm: str) -> None:
        if firm and firm not in firms:
            made = pipedrive.human("create_organization", {"name": firm})
            firms[firm] = made["id"] if isinstance(made, dict) else None
        pipedrive.human("create_person", {**fields, **({"org_id": firms[firm]} if firm else {}), "user": 1})

    humans = iter(Humans(seed))
    clock = world.clock
    # Nobody types ten thousand people in one second, and what one second holds is listed again and again.
    pause_s = 60.0
    if clock.frozen_at is None:
        clock.advance(-pause_s * (contacts + persons + common))
    for _ in range(contacts):
        clock.advance(pause_s)
        contact(google_fields(next(humans)))
    for _ in range(persons):
        clock.advance(pause_s)
        human = next(humans)
        person(pipedrive_fields(human), human.firm)
    for _ in range(common):
        clock.advance(pause_s)
        human = next(humans)
        contact(google_fields(human))
        person(pipedrive_fields(human), human.firm)
    google.human_log.clear()
    pipedrive.human_log.clear()


class WorldTime:
    """Tandem's clock is the world's; waiting moves it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """The world's time."""
        return self._world.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass, and what was due meanwhile happen."""
        if seconds > 0:
            self._world.clock.advance(seconds)


@contextlib.contextmanager
def virtual(world: World, **settings: str) -> Iterator[tuple[Tandem, int]]:
    """An installation in this process with one link, beside a world whose clock stands. Settings are as for the real services."""
    place = "http://127.0.0.1:1"
    values = {
        "GOOGLE_API_URL": f"{place}/google", "GOOGLE_TOKEN_URL": f"{place}/google/token", "PIPEDRIVE_API_URL": f"{place}/pipedrive",
        "GOOGLE_CLIENT_ID": "sandbox-client", "GOOGLE_CLIENT_SECRET": "sandbox-secret", **settings,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        config = load({"TANDEM_DATA_DIR": folder, **{f"TANDEM_{name}": value for name, value in values.items()}}, Path(folder))
        one_by_one: Callable[..., list[object]] = lambda tasks: [task() for task in tasks]  # noqa: E731
        with Tandem(config, clock=WorldTime(world), transport=SandboxTransport(world), run_all=one_by_one) as tandem:
            yield tandem, connect(tandem)


def connect(tandem: Tandem) -> int:
    """Connect both accounts and make the link; its id."""
    google, pipedrive = (
        str(account.settings["label"]) for account in (tandem.connecting.google(REFRESH_TOKEN), tandem.connecting.pipedrive(API_TOKEN))
    )
    return tandem.make_link(Wish(google, pipedrive, LABEL, Policy(conflicts=ConflictRule.RIGHT, region="PL"))).row.id


def standing_world(*, limits: bool = False, **filled: int) -> World:
    """A world whose clock stands still."""
    world = World(clock=SandboxClock(frozen_at=START), seed=7)
    world.pipedrive.switches["limits"] = limits
    world.google.switches["quotas"] = limits
    fill(world, **filled)
    return world


def live_until_settled(tandem: Tandem, link: int, *, limit: int = 5_000) -> int:
    """Do what `tandem run` does until a cycle finds everything in sync, or nothing to do but for what waits for a person.

    Returns the cycles; RuntimeError when that takes too many.
    """
    for turn in range(1, limit + 1):
        result = tandem.cycle(link, cause="first" if turn == 1 else "due")
        has_rest = result.state.value == "waiting-for-person" and not result.writes and not result.counts.get("settling")
        if result.state.value == "in-sync" or has_rest:
            return turn
        due_at = tandem.links.one(link).next_due_at
        now = tandem.clock.now()
        tandem.clock.sleep(max(1.0, ((due_at or now + timedelta(seconds=60)) - now).total_seconds()))
    raise RuntimeError(f"not in sync after {limit} cycles: {result.state.value}")


@dataclass(frozen=True, slots=True)
class Served:
    """A sandbox in a process of its own."""

    url: str
    pid: int

    def call(self, name: str, **body: object) -> object:
        """A call to its control interface."""
        return httpx2.post(f"{self.url}/_sandbox/{name}", json=body, timeout=60.0).raise_for_status().json()


@contextlib.contextmanager
def served(**filled: int) -> Iterator[Served]:
    """Fill a sandbox without quotas in another process and serve it."""
    with child("benchmarks.served", json.dumps(filled)) as process:
        yield Served(f"http://127.0.0.1:{int(_first_line(process))}", process.pid)


@contextlib.contextmanager
def child(module: str, *words: str, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A module as a process of its own, which is ended with the block."""
    path = f"{ROOT / 'src'}:{ROOT}"
    process = subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", module, *words], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": path, **(environment or {})},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stdin):
            if stream is not None:
                stream.close()


def answer_of(process: subprocess.Popen[str]) -> dict[str, float]:
    """The one line of JSON that a child prints at its end."""
    found = json.loads(_first_line(process))
    process.wait(60)
    return {name: float(value) for name, value in found.items()}


def _first_line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"a process of the benchmark ended with {process.wait(10)}")
    return line


def wait_until(is_so: Callable[[], bool], *, seconds: float, every_s: float = 0.01) -> None:
    """Wait for something. TimeoutError when it does not come."""
    for _ in range(int(seconds / every_s)):
        if is_so():
            return
        time.sleep(every_s)
    raise TimeoutError
