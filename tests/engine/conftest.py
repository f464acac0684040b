"""Stages for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.installed import Installed
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


@pytest.fixture
def installed() -> Iterator[Callable[..., Installed]]:
    """Make whole installations that are cleared away at the end."""
    made: list[Installed] = []

    def make(**how: object) -> Installed:
        made.append(Installed(**how))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many places to die at were found, and how many were tried."""
    found = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == "kill points"
    ]
    if found:
        steps, states, tried = (sum(numbers) for numbers in zip(*found, strict=True))
        terminalreporter.write_line(f"kill points: {steps} steps, {states} different states left behind, {tried} of them resumed")
