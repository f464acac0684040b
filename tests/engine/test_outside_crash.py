"""Dying while somebody outside is brought in, and while a copy of ours is withdrawn: the end is the same, and nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable

from engine.crash import Watch, end_state, resume
from engine.stage import Stage, Terms
from engine.test_outside import _policy, _stage_with_ola
from engine.test_withdrawal import _with_copy_and_twin
from tandem.core.policy import OutsideRule

MakeStage = Callable[..., Stage]


def _die_everywhere(stage: Stage, terms: Terms) -> int:
    watch = Watch(stage)
    watch.run(stage.settle)
    wanted = end_state(stage)
    for death in watch.deaths:
        other = resume(terms, death)
        try:
            other.wait(61)
            other.settle()
            assert end_state(other) == wanted, death.label
            assert other.cycle().writes == 0, death.label
        finally:
            other.close()
    return len(watch.deaths)


def test_dying_while_adopting(make_stage: MakeStage) -> None:
    """P3, P7: every place to die at between the nomination and the first meeting."""
    stage = _stage_with_ola(make_stage, OutsideRule.ADOPT)
    assert _die_everywhere(stage, Terms(policy=_policy(OutsideRule.ADOPT))) > 5


def test_dying_while_withdrawing(make_stage: MakeStage) -> None:
    """P3, P7: every place to die at between the discovery and the removal of our copy."""
    stage = make_stage()
    _with_copy_and_twin(stage)
    assert _die_everywhere(stage, Terms()) > 5
