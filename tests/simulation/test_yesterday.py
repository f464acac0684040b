"""Promise: restored to yesterday after a day of edits on both sides - no double, no revival, nothing lost (yesterday.py).

A usual run tries a few seeds, `./tandem test --all` more.
"""

from __future__ import annotations

import pytest

from depth import seeds
from simulation.yesterday import RestoredPlay, RestoredVerdict


@pytest.mark.parametrize("seed", seeds(2, 40, 8))
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
