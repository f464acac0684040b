"""Whole runs at random: people at both services, a Tandem that dies, services that fail and lag. All promises hold afterwards.

A usual run tries the same five seeds each time, and a whole week; `./tandem test --all` twenty times as many.
A seed that failed is run again by `PYTHONPATH=src:tests python -m simulation.replay SEED`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from depth import ALL, seeds
from simulation.replay import run_seed

LIVES = seeds(5, 100, 20)
#: Weeks with trouble, and as many without.
WEEKS = seeds(1, 10, 2)
SLOTS = 10


@pytest.mark.parametrize("slot", range(min(SLOTS, len(LIVES))))
def test_every_schedule_keeps_all_promises(slot: int, record_property: Callable[[str, object], None]) -> None:
    """P1 to P6 and P10, after whatever happened: see `oracle.py` for what that means, and for the few exemptions."""
    edits, deaths, requests, done = 0, 0, 0, 0
    for seed in LIVES[slot::SLOTS]:
        result = run_seed(seed)
        assert not result.wrong, f"seed {seed}: " + "\n".join(result.wrong)
        done, edits, deaths, requests = done + 1, edits + result.edits, deaths + result.deaths, requests + result.requests
    record_property("schedules", (done, edits, deaths, requests))


@pytest.mark.parametrize("kind", ["week", "calm-week"] if ALL else ["week"])
@pytest.mark.parametrize("slot", range(min(SLOTS, len(WEEKS))))
def test_a_week_keeps_all_promises(slot: int, kind: str, record_property: Callable[[str, object], None]) -> None:
    """Seven days of people who type on both sides: both sides are equal at the end, and say what the people's own log says."""
    edits, deaths, requests, done = 0, 0, 0, 0
    for seed in WEEKS[slot::SLOTS]:
        result = run_seed(seed, kind)
        assert not result.wrong, f"seed {seed}:{kind}: " + "\n".join(result.wrong)
        done, edits, deaths, requests = done + 1, edits + result.edits, deaths + result.deaths, requests + result.requests
    record_property("schedules", (done, edits, deaths, requests))


def test_a_seed_replays_exactly() -> None:
    """The same seed, twice in one process: the same edits, requests, answers and books, to the letter."""
    assert run_seed(LIVES[0]).digest == run_seed(LIVES[0]).digest
