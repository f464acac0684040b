"""One world per test, whose clock stands still; where a client of another's making is tried, on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from sandbox.google_calls import Google
from tandem.sandbox.clock import Clock
from tandem.sandbox.server import Shell, serve
from tandem.sandbox.world import World


@pytest.fixture
def world() -> World:
    """A world at a fixed moment, quotas off."""
    made = World(clock=Clock(frozen_at=datetime(2026, 3, 1, 12, tzinfo=UTC)), seed=7)
    made.google.switches["quotas"] = False
    return made


@pytest.fixture
def google(world: World) -> Google:
    """A signed-in caller of that world's Google."""
    return Google(world).sign_in()


@contextmanager
def listening(world: World) -> Iterator[str]:
    """The address at which the world answers for a while."""
    shell, ports, is_up = Shell(world), list[int](), threading.Event()

    def ready(port: int) -> None:
        ports.append(port)
        is_up.set()

    thread = threading.Thread(target=serve, args=("127.0.0.1", 0, world, ready), kwargs={"shell": shell}, daemon=True)
    thread.start()
    try:
        assert is_up.wait(10)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        shell.stop.set()
        thread.join(5)
