"""Promise: restored to yesterday after a day of edits on both sides - no double, no revival, nothing lost (yesterday.py).

A usual run tries a few seeds; with `TANDEM_TEST_ALL=1` it is 100, and `TANDEM_TEST_SEED` chooses them.
"""

from __future__ import annotations

import os

import pytest

from simulation.yesterday import RestoredPlay, RestoredVerdict

ALL = bool(os.environ.get("TANDEM_TEST_ALL"))
BASE = int(os.environ.get("TANDEM_TEST_SEED", "0")) * 1000 if ALL else 0


@pytest.mark.parametrize("seed", range(BASE, BASE + 100) if ALL else (2, 7, 8))
def test_yesterday_comes_back_without_harm(seed: int) -> None:
    """A life with a backup at any moment of it; the verdict before and after a person has answered; and then stillness."""
    play = RestoredPlay(seed)
    try:
        play.run_restored()
        play.finish()
        wrong = RestoredVerdict(play).judge()
        if not wrong:
            play.answer_all()
            wrong = [f"{line} (after all was answered)" for line in RestoredVerdict(play).judge()]
        assert not wrong, f"seed {seed}: " + "\n".join(wrong)
        before = len(play.stage.world.log)
        play.cycle(is_full=True)
        assert not play.stage.writes(before), f"seed {seed}: a further cycle writes"
    finally:
        play.close()
