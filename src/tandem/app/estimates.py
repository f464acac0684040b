"""What a plan will cost and how long it will take, from the published prices and the configured limits.

Source: Pipedrive's prices per call (a creation 5 tokens, an update 5 and the look before it 1, a deletion 3 and the look); Google's
units (a batch of up to 200: 6 of each kind, a single write: 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from tandem.config import Config
from tandem.core.plan import ActionKind
from tandem.core.state import Side
from tandem.engine.preview import Preview

_TOKENS = {ActionKind.CREATE: 5, ActionKind.UPDATE: 6, ActionKind.DELETE: 4}
_CALLS = {ActionKind.CREATE: 1, ActionKind.UPDATE: 2, ActionKind.DELETE: 2}
_BATCH, _BATCH_UNITS = 200, 6
#: Listing both sides twice; a field that is made.
_LOOK_S, _LOOK_TOKENS, _FIELD_TOKENS = 5.0, 60, 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens of Pipedrive's daily budget, the share of it that is ours, and seconds of work (days that are waited for apart)."""

    tokens: int
    tokens_a_day: int
    seconds: float

    @property
    def days(self) -> int:
        """On how many days tokens are spent."""
        return max(1, ceil(self.tokens / self.tokens_a_day)) if self.tokens_a_day else 1


def estimate(shown: Preview, config: Config) -> Estimate:
    """The cost of what a preview shows."""
    on_right = {kind: shown.count(Side.RIGHT, kind) for kind in _TOKENS}
    on_left = {kind: shown.count(Side.LEFT, kind) for kind in _TOKENS}
    fields = sum(len(names) for names in shown.to_create.values())
    tokens = _LOOK_TOKENS + fields * _FIELD_TOKENS + sum(number * _TOKENS[kind] for kind, number in on_right.items())
    calls = sum(number * _CALLS[kind] for kind, number in on_right.items())
    units = sum(min(number, _BATCH_UNITS * ceil(number / _BATCH)) for number in on_left.values())
    right_s = calls / max(config.number("PIPEDRIVE_BURST_PER_2S") / 2, 0.1)
    left_s = 60 * max(0.0, units / max(config.number("GOOGLE_WRITES_PER_MINUTE"), 1) - 1)
    share = int(config.number("PIPEDRIVE_DAILY_TOKENS") * config.number("PIPEDRIVE_DAILY_SHARE_PERCENT") / 100)
    return Estimate(tokens, share, right_s + left_s + _LOOK_S)
