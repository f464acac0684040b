"""Time for the tests of the replicas: the sandbox's, which stands still until somebody waits."""

from __future__ import annotations

from datetime import UTC, datetime

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
