"""What is held for a person: how it is shown and how it is asked about.

Rules: what is shown bears a print; an answer counts for that print only.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from tandem.core.contact import Contact
from tandem.core.plan import Action, ActionKind, HoldReason
from tandem.core.state import PairId, Side
from tandem.engine.bench import Bench
from tandem.engine.telling import changes_of, name_of
from tandem.store import models
from tandem.store.contents import decode_contact, encode_contact
from tandem.store.pairs import record_of

HOLD = "hold"
#: Deletions that wait for a person by themselves, not with all others under the brake.
BY_ITSELF = frozenset(reason.value for reason in (HoldReason.ATTACHMENTS, HoldReason.ASKED, HoldReason.ABSENT, HoldReason.BACKUP))


def action_print(action: Action, contact: Contact) -> str:
    """A digest of what an action would do: to the record that is deleted, of the change, or of the record that is made."""
    content = msgspec.json.encode(action.delta) if action.kind is ActionKind.UPDATE else encode_contact(contact)
    return sha256(content).hexdigest()[:24]


def hold_data(reason: HoldReason, action: Action, contact: Contact) -> dict[str, object]:
    """What a person is shown of a held action. `contact`: the record that is written, or to be made."""
    changes = changes_of(contact, action.delta)
    return {
        "reason": reason.value, "action": action.kind.value, "print": action_print(action, contact), "name": name_of(contact),
        "changes": [[str(change.field), change.old, change.new] for change in changes],
    }  # fmt: skip


def hold_deletion(bench: Bench, pair: models.Pair, side: Side, reason: HoldReason) -> None:
    """Ask a person about a deletion. The caller holds the transaction."""
    shadow = bench.archive.shadow(side, record_of(pair, side) or "")
    contact = decode_contact(shadow.content if shadow else None)
    data = hold_data(reason, Action(ActionKind.DELETE, side, PairId(pair.id)), contact)
    bench.pairs.ask(HOLD, at=bench.now(), pair=pair.id, side=side.value, data=data)
