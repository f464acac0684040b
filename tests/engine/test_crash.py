"""Dying at every step of every story, starting again, and ending the same: nothing lost, nothing doubled, nothing revived."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from engine.crash import Watch, end_state, resume
from engine.scenarios import STORIES, Story
from engine.stage import Terms

#: Each story's places to die that are tried in a usual run; `./tandem test --all` tries all of them.
SAMPLE = 12
SEED = os.environ.get("TANDEM_TEST_SEED", "0")
ALL = bool(os.environ.get("TANDEM_TEST_ALL"))


@pytest.mark.parametrize("lag_s", [0.0, 600.0], ids=["no lag", "lag"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_dying_anywhere_ends_the_same(story: Story, lag_s: float, record_property: Callable[[str, object], None]) -> None:
    """P3, P4, P7: whatever step a process dies before or after, a new one ends in the same state, and then writes nothing."""
    stage = story.stage(lag_s)
    watch = Watch(stage)
    watch.run(stage.settle)
    expected = end_state(stage)
    stage.close()
    deaths = watch.deaths
    chosen = deaths if ALL else random.Random(f"{SEED} {story.name} {lag_s}").sample(deaths, min(SAMPLE, len(deaths)))
    terms = Terms(lag_s=lag_s, contact_sync=story.contact_sync)
    for death in chosen:
        again = resume(terms, death)
        again.settle()
        assert end_state(again) == expected, death.label
        before = len(again.world.log)
        again.cycle()
        assert again.writes(before) == [], death.label
        again.close()
    record_property("kill points", (watch.steps, len(deaths), len(chosen)))
