"""Dying at every step of every story, losing every answer, starting again, and ending the same: nothing lost, doubled or revived."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest

from depth import ALL, SEED, at_most
from engine.crash import Death, LossyTransport, Watch, end_state, resume
from engine.scenarios import STORIES, Story
from engine.stage import Stage

#: How many of a story's places to die, or to lose an answer, are tried; `./tandem test --all` tries every one.
SAMPLE = at_most(2, 1_000_000, 10)
#: At how many places one dies a second time while it recovers, and how often.
FIRSTS, SECONDS = at_most(1, 15, 4), at_most(2, 3, 2)
#: How many of a story's writes lose their request or answer.
LOSSES = at_most(1, 1_000_000, 4)
Record = Callable[[str, object], None]
#: A usual run plays each story without or with a lag of reads, in turns.
PLAYED = [(story, lag_s) for number, story in enumerate(STORIES) for lag_s in (0.0, 600.0) if ALL or number % 2 == (lag_s > 0)]
every_story = pytest.mark.parametrize(
    ("story", "lag_s"), PLAYED, ids=[f"{story.name.replace(' ', '_')}-{'lag' if lag_s else 'no_lag'}" for story, lag_s in PLAYED]
)


def _some(deaths: list[Death], *seed: object) -> list[Death]:
    return random.Random(f"{SEED} {seed}").sample(deaths, min(SAMPLE, len(deaths)))


@cache
def _undisturbed(story: Story, lag_s: float) -> tuple[list[Death], dict[str, list[str]], int, int]:
    """The places to die of a story, how it ends without trouble, its steps, and how many requests of it change something."""
    stage = story.stage(lag_s)
    watch = Watch(stage)
    before = len(stage.world.log)
    watch.run(stage.settle)
    expected, writes = end_state(stage), len(stage.writes(before))
    stage.close()
    return watch.deaths, expected, watch.steps, writes


def _ends_the_same(stage: Stage, expected: dict[str, list[str]], label: str) -> None:
    stage.settle()
    assert end_state(stage) == expected, label
    before = len(stage.world.log)
    stage.cycle()
    assert stage.writes(before) == [], label


@every_story
def test_dying_anywhere_ends_the_same(story: Story, lag_s: float, record_property: Record) -> None:
    """P3, P4, P7: whatever step a process dies before or after, a new one ends in the same state, and then writes nothing."""
    deaths, expected, steps, _ = _undisturbed(story, lag_s)
    chosen = _some(deaths, story.name, lag_s)
    for death in chosen:
        stage = resume(story.terms(lag_s), death)
        _ends_the_same(stage, expected, death.label)
        stage.close()
    record_property("kill points", (steps, len(deaths), len(chosen)))


@every_story
def test_dying_again_while_recovering_ends_the_same(story: Story, lag_s: float, record_property: Record) -> None:
    """The same for a process that dies while it picks up what another one left behind."""
    firsts, expected, _, _ = _undisturbed(story, lag_s)
    steps, seconds, tried = 0, 0, 0
    for first in _some(firsts, "again", story.name, lag_s)[:FIRSTS]:
        watched = resume(story.terms(lag_s), first)
        watch = Watch(watched)
        watch.run(watched.settle)
        watched.close()
        steps, seconds = steps + watch.steps, seconds + len(watch.deaths)
        chosen = random.Random(f"{SEED} {first.label}").sample(watch.deaths, min(SECONDS, len(watch.deaths)))
        for second in chosen:
            stage = resume(story.terms(lag_s), second)
            _ends_the_same(stage, expected, f"{first.label}, then {second.label}")
            stage.close()
        tried += len(chosen)
    record_property("kill points", (steps, seconds, tried))


@pytest.mark.parametrize("effect", ["lost request", "lost answer", "reset", "server error"], ids=lambda effect: effect.replace(" ", "_"))
@every_story
def test_losing_any_answer_ends_the_same(story: Story, lag_s: float, effect: str) -> None:
    """The same for a process that lives on, with one request or its answer lost on the way."""
    deaths, expected, _, writes = _undisturbed(story, lag_s)
    numbers = range(writes)
    chosen = random.Random(f"{SEED} {effect} {story.name} {lag_s}").sample(numbers, min(LOSSES, writes))
    for number in chosen:
        stage = resume(story.terms(lag_s), deaths[0])
        stage.transport = LossyTransport(stage.world, number, effect)
        _ends_the_same(stage, expected, f"write {number}")
        stage.close()
