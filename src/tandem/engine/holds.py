"""Deletions that a person has to agree to one by one, apart from what the brake holds."""

from __future__ import annotations

from tandem.core.plan import ActionKind, HoldReason
from tandem.core.state import Side
from tandem.engine.bench import Bench


def hold_deletion(bench: Bench, pair_id: int, side: Side, reason: HoldReason) -> None:
    """Ask a person about a deletion. The caller holds the transaction."""
    bench.pairs.ask("hold", at=bench.now(), pair=pair_id, side=side.value, data={"reason": reason.value, "action": ActionKind.DELETE.value})
