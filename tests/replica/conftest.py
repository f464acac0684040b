"""The sandbox in process, for the tests of both replicas: one world under a clock that stands still until somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import pytest

from tandem.connectors.http import make_client
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


class WorldClock:
    """Tandem's clock as the world's: waiting moves it, and nothing really waits. `waits` lists how long was waited."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.waits: list[float] = []

    def now(self) -> datetime:
        """The world's time."""
        return self._world.clock.now()

    def sleep(self, seconds: float) -> None:
        """Move the world's time."""
        self.waits.append(seconds)
        self._world.clock.advance(max(0.0, seconds))


@pytest.fixture
def world() -> World:
    """A fresh sandbox with empty books; the same in every run."""
    return World(clock=SandboxClock(frozen_at=START), seed=7)


@pytest.fixture
def clock(world: World) -> WorldClock:
    """The world's clock as Tandem sees it."""
    return WorldClock(world)


@pytest.fixture
def client(world: World) -> Iterator[httpx2.Client]:
    """The real client on top of the world."""
    with make_client(timeout_s=30.0, transport=SandboxTransport(world)) as client:
        yield client
