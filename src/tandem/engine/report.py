"""What one cycle did, as counts and one state; its exit codes are the command line's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tandem.core.plan import ActionKind
from tandem.core.state import Side
from tandem.errors import LinkStopped, QuotaExhausted, RateLimited, ReconnectNeeded, TandemError


class CycleState(Enum):
    """How a cycle ended. The value is what `--json` prints."""

    IN_SYNC = "in-sync"
    WAITING_FOR_PERSON = "waiting-for-person"
    RECONNECT = "reconnect"
    QUOTA = "quota"
    UNFINISHED = "unfinished"
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        """0 in sync, 1 failed, 3 waits for a person, 4 reconnect, 5 quota, 6 not finished."""
        order = {"in-sync": 0, "failed": 1, "waiting-for-person": 3, "reconnect": 4, "quota": 5, "unfinished": 6}
        return order[self.value]


_WRITTEN = {ActionKind.CREATE: "created", ActionKind.UPDATE: "updated", ActionKind.DELETE: "deleted"}


@dataclass(slots=True)
class Report:
    """One cycle's result. Counts under a side are records that this cycle wrote there."""

    link: int
    cycle: int = 0
    state: CycleState = CycleState.IN_SYNC
    written: dict[Side, dict[str, int]] = field(default_factory=lambda: {side: dict.fromkeys(_WRITTEN.values(), 0) for side in Side})
    matched: int = 0
    #: Records that stood outside and were brought in.
    adopted: int = 0
    conflicts: int = 0
    questions: int = 0
    held: int = 0
    parked: int = 0
    left_out: int = 0
    settling: int = 0
    #: One sentence for a person: what is the matter, and what to do.
    sentence: str = ""
    seconds: float = 0.0

    def count(self, side: Side, kind: ActionKind, number: int) -> None:
        """Add records written."""
        self.written[side][_WRITTEN[kind]] += number

    @property
    def writes(self) -> int:
        """Records written on both sides, memberships included."""
        return self.adopted + sum(number for counts in self.written.values() for number in counts.values())

    def counts(self) -> dict[str, object]:
        """The numbers, as they are kept with the cycle."""
        by_side: dict[str, object] = {side.value: dict(counts) for side, counts in self.written.items()}
        names = ("matched", "adopted", "conflicts", "questions", "held", "parked", "left_out", "settling", "sentence", "seconds")
        return {**by_side, **{name: getattr(self, name) for name in names}}

    def conclude(self, stopped_by: TandemError | None) -> None:
        """Set the state from what stands open. Several at once: reconnect, a person, quota, not finished; the first counts."""
        if stopped_by is not None:
            self.sentence = str(stopped_by)
        match stopped_by:
            case ReconnectNeeded():
                self.state = CycleState.RECONNECT
            case LinkStopped():
                self.state = CycleState.WAITING_FOR_PERSON
            case _ if self.questions or self.held:
                self.state = CycleState.WAITING_FOR_PERSON
            case QuotaExhausted() | RateLimited():
                self.state = CycleState.QUOTA
            case None if not self.settling:
                self.state = CycleState.IN_SYNC
            case _:
                self.state = CycleState.UNFINISHED
