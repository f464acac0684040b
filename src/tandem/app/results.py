"""What a cycle did, in the words of the command line and of `--json`: products instead of sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tandem.app.sides import GOOGLE, PIPEDRIVE, PRODUCT
from tandem.core.state import Side
from tandem.engine.report import CycleState, Report
from tandem.store import models

_WRITTEN = ("created", "updated", "deleted")
_COUNTS = ("conflicts", "held", "parked", "settling")


@dataclass(frozen=True, slots=True)
class Result:
    """One cycle, whoever ran it."""

    link: int
    cycle: int
    state: CycleState
    written: Mapping[str, Mapping[str, int]]
    counts: Mapping[str, int] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    pipedrive_tokens: int = 0
    seconds: float = 0.0
    sentence: str = ""

    @property
    def writes(self) -> int:
        """Records written on both sides."""
        return sum(number for numbers in self.written.values() for number in numbers.values())

    def data(self) -> dict[str, object]:
        """The object that `tandem sync --json` prints."""
        return {
            "link": self.link,
            "cycle": self.cycle,
            "state": self.state.value,
            **{product: dict(self.written[product]) for product in (GOOGLE, PIPEDRIVE)},
            **{name: self.counts.get(name, 0) for name in (*_COUNTS, "matched", "questions", "left_out")},
            "requests": {product: self.requests.get(product, 0) for product in (GOOGLE, PIPEDRIVE)},
            "pipedrive_tokens": self.pipedrive_tokens,
            "seconds": round(self.seconds, 3),
            "sentence": self.sentence,
        }


def of_report(report: Report, requests: Mapping[str, int], tokens: int) -> Result:
    """The result of a cycle that we ran."""
    written = {PRODUCT[side]: dict(report.written[side]) for side in Side}
    counts = {name: int(getattr(report, name)) for name in (*_COUNTS, "matched", "questions", "left_out")}
    return Result(report.link, report.cycle, report.state, written, counts, dict(requests), tokens, report.seconds, report.sentence)


def of_row(row: models.Cycle) -> Result:
    """The result of a cycle as it was written down."""
    counts = row.counts
    written = {PRODUCT[side]: {name: int(counts.get(side.value, {}).get(name, 0)) for name in _WRITTEN} for side in Side}
    numbers = {name: int(counts.get(name, 0)) for name in (*_COUNTS, "matched", "questions", "left_out")}
    state = CycleState(row.state) if row.ended_at is not None else CycleState.UNFINISHED
    requests = counts.get("requests", {})
    seconds, sentence = float(counts.get("seconds", 0.0)), str(counts.get("sentence", ""))
    return Result(row.link_id, row.id, state, written, numbers, requests, int(counts.get("tokens", 0)), seconds, sentence)
