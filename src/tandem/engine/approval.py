"""A person's word for a first sync: as many writes as were shown, and a little more.

A first sync may run over days; what it has written counts against what was approved, and what goes beyond is held.
"""

from __future__ import annotations

from collections.abc import Sequence

from tandem.core.plan import Action, ActionKind, Approval
from tandem.core.state import Side
from tandem.engine.bench import Bench
from tandem.store import models

#: How far a first sync may exceed what was shown: max(20, 10 %) on each side.
_SLACK, _SLACK_SHARE = 20, 0.1
#: How many writes the first plan held, for whoever watches how far it is.
SHOWN = "shown"
_NAMES = {"creations": ActionKind.CREATE, "updates": ActionKind.UPDATE}


def approval_of(bench: Bench, link: models.Link, actions: Sequence[Action]) -> Approval | None:
    """What is left of the approval. The first plan of a first sync is what its person saw: it is approved as it stands.

    None once the first sync is over. The caller holds the transaction.
    """
    if link.first_synced_at is not None:
        return None
    if link.approval is None:
        link.approval = {name: {side.value: _with_slack(actions, kind, side) for side in Side} for name, kind in _NAMES.items()}
        link.approval[SHOWN] = {side.value: sum(1 for action in actions if action.side is side) for side in Side}
        link.save(using=bench.alias, update_fields=["approval"])
    left = {
        name: {side: max(0, int(link.approval[name][side.value]) - bench.journal.count_written(kind.value, side)) for side in Side}
        for name, kind in _NAMES.items()
    }
    return Approval(creations_left=left["creations"], updates_left=left["updates"])


def _with_slack(actions: Sequence[Action], kind: ActionKind, side: Side) -> int:
    shown = sum(1 for action in actions if action.kind is kind and action.side is side)
    return shown + max(_SLACK, int(shown * _SLACK_SHARE))
