"""Says how much was simulated."""

from __future__ import annotations

import pytest

from depth import SEED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The seeds, and what happened in them."""
    found = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == "schedules"
    ]
    if found:
        schedules, edits, deaths, requests = (sum(numbers) for numbers in zip(*found, strict=True))
        terminalreporter.write_line(
            f"simulation (TANDEM_TEST_SEED={SEED}): {schedules} schedules, {edits} edits by people, {deaths} deaths, {requests} requests"
        )
