"""One world per test, whose clock stands still."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.google_calls import Google
from tandem.sandbox.clock import Clock
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
