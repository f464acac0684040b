"""Runs one seed from beginning to verdict; `PYTHONPATH=src:tests python -m simulation.replay SEED` prints the whole story.

`7:week` and `7:calm-week` as SEED are a week with and without trouble.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from simulation.oracle import Verdict
from simulation.play import Play


@dataclass(frozen=True)
class Result:
    """What became of a seed. `wrong` is empty when all promises were kept."""

    seed: int
    wrong: list[str]
    digest: str
    trace: list[str]
    deaths: int
    requests: int
    edits: int


def run_seed(seed: int, kind: str = "") -> Result:
    """A life; the end of all trouble; the verdict; a person's answers to what was asked; the verdict again, and stillness.

    `kind`: `week` and `calm-week` are seven days with and without trouble; without it, a shorter and wilder life.
    """
    play = Play(seed)
    try:
        if kind:
            play.run_week(is_troubled=kind == "week")
        else:
            play.run()
        play.finish()
        wrong = Verdict(play).judge()
        if not wrong:
            play.answer()
            play.finish()
            wrong = [f"{line} (after all was answered)" for line in Verdict(play).judge()]
        if not wrong:
            before = len(play.stage.world.log)
            play.cycle(is_full=True)
            wrong = [f"P6 a further cycle writes: {name}" for name in play.stage.writes(before)]
        log, world = play.hands.log, play.stage.world
        return Result(seed, wrong, play.digest(), log.trace, play.deaths, len(world.log), log.n)
    finally:
        play.close()


if __name__ == "__main__":
    for word in sys.argv[1:]:
        number, _, kind_of_life = word.partition(":")
        result = run_seed(int(number), kind_of_life)
        lines = [*result.trace, "", *(result.wrong or ["all promises kept"])]
        sys.stdout.write("\n".join(lines) + "\n")
