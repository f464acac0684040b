"""The sandbox in process, for the tests of both replicas: one world under a clock that stands still until somebody waits."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from replica.worlds import START, WorldClock
from tandem.connectors.http import make_client
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


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
