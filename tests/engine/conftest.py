"""Stages for the engine's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.stage import Stage, Terms


@pytest.fixture
def make_stage() -> Iterator[Callable[..., Stage]]:
    """Make stages that are cleared away at the end."""
    stages: list[Stage] = []

    def make(**terms: object) -> Stage:
        stages.append(Stage(Terms(**terms)))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """One stage with the usual terms."""
    return make_stage()
