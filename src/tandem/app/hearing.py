"""Having Pipedrive tell us of changes: the webhooks of a link, where they lead to, and what they have told.

Rules: the ticket of a link (address and credentials) is kept encrypted with the account; where there can be no webhooks the link is looked
at instead, and the reason is kept for `tandem status`. Nothing here is needed for being right: a hint that is lost costs time alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem.app.services import Services, open_gate
from tandem.app.sides import PIPEDRIVE, SIDE
from tandem.clock import Clock
from tandem.connectors.pipedrive.api import Api
from tandem.connectors.pipedrive.webhook import Subscribed, Subscriptions, Ticket
from tandem.core.state import LinkId
from tandem.errors import TandemError
from tandem.replica import Hint
from tandem.store import models
from tandem.store.hints import Hints
from tandem.store.moments import alone, linked
from tandem.store.schedule import Schedule
from tandem.store.vault import Vault
from tandem.store.watches import Watches

#: How often it is checked whether the webhooks are still there, and how soon again where there are none.
CHECK_EVERY = timedelta(hours=6)
TRY_AGAIN_AFTER = timedelta(hours=1)
PATH = "/hooks/pipedrive/"
#: Does not occur in a random text.
_BETWEEN = " "
_RIGHT = SIDE[PIPEDRIVE]


@dataclass(slots=True)
class Hearing:
    """The webhooks of the links of one installation."""

    services: Services
    vault: Vault
    clock: Clock
    alias: str

    def ticket(self, row: models.Link) -> Ticket:
        """What deliveries for this link bear; made at the first question."""
        name = _name(row.id)
        kept = self.vault.get(row.right_account_id, name)
        if kept is None:
            with alone(self.alias):
                kept = self.vault.get(row.right_account_id, name)
                if kept is None:
                    ticket = Ticket.new()
                    kept = _BETWEEN.join((ticket.place, ticket.user, ticket.password))
                    self.vault.put(row.right_account_id, name, kept)
        place, user, password = kept.split(_BETWEEN)
        return Ticket(place, user, password)

    def is_due(self, row: models.Link, now: datetime) -> bool:
        """Whether the webhooks have to be looked after."""
        watch = self._watches(row).of(_RIGHT)
        every = CHECK_EVERY if watch.subscriptions else TRY_AGAIN_AFTER
        return watch.checked_at is None or now - watch.checked_at >= every

    def ensure(self, row: models.Link, base_url: str) -> None:
        """Make sure that the webhooks are there. Raises nothing that a service says: that is kept as the reason why not."""
        watch = self._watches(row).of(_RIGHT)
        try:
            found = self._subscriptions(row).ensure(watch.subscriptions, f"{base_url}{PATH}{self.ticket(row).place}", self.ticket(row))
        except TandemError as error:
            found = Subscribed(sentence=f"Pipedrive could not be asked for webhooks just now ({type(error).__name__}); it is tried again.")
        self._keep(row, found)

    def count_lacking(self, row: models.Link) -> int:
        """How many of the webhooks that we know of are not there any more. Raises whatever Pipedrive says."""
        known = set(self._watches(row).of(_RIGHT).subscriptions)
        return len(known - self._subscriptions(row).alive())

    def without(self, row: models.Link, sentence: str) -> None:
        """There can be none, for this reason."""
        self._keep(row, Subscribed(sentence=sentence))

    def _keep(self, row: models.Link, found: Subscribed) -> None:
        watch = self._watches(row).of(_RIGHT)
        has_changed = set(watch.subscriptions) != set(found.ids)
        watch.subscriptions, watch.sentence, watch.checked_at = list(found.ids), found.sentence, self.clock.now()
        if found.has_gap or has_changed:
            watch.has_gap, watch.next_look_at = True, None
        self._watches(row).save(watch)
        if found.has_gap or has_changed:
            Schedule(self.alias).hasten(LinkId(row.id), self.clock.now())

    def note_gap(self, link: int) -> None:
        """Something may have been missed: look at once."""
        Watches(self.alias, LinkId(link)).note_gap(_RIGHT)
        Schedule(self.alias).hasten(LinkId(link), self.clock.now())

    def take(self, link: int, hints: Iterable[Hint]) -> int:
        """Write down what was told, and have it looked at when it is time. Returns how much of it is new."""
        kept = Hints(self.alias, LinkId(link))
        now = self.clock.now()
        with linked(self.alias, link):
            taken = kept.take(_RIGHT, hints, now)
            Watches(self.alias, LinkId(link)).hear(_RIGHT, now)
            due_at = kept.next_at()
            if taken and due_at is not None:
                Schedule(self.alias).hasten(LinkId(link), max(due_at, now))
        return taken

    def check_soon(self, row: models.Link) -> None:
        """Have the webhooks looked after as soon as somebody does that."""
        watch = self._watches(row).of(_RIGHT)
        watch.checked_at = None
        self._watches(row).save(watch)

    def unsubscribe(self, row: models.Link) -> None:
        """End the webhooks. What cannot be ended now, Pipedrive drops after three days without an answer."""
        watch = self._watches(row).of(_RIGHT)
        if watch.subscriptions:
            with contextlib.suppress(TandemError):
                self._subscriptions(row).end(watch.subscriptions)

    def end(self, row: models.Link) -> None:
        """End the webhooks of a link that is being removed."""
        self.unsubscribe(row)
        self.vault.drop(row.right_account_id, _name(row.id))
        Hints(self.alias, LinkId(row.id)).forget()
        self._watches(row).forget()

    def _watches(self, row: models.Link) -> Watches:
        return Watches(self.alias, LinkId(row.id))

    def _subscriptions(self, row: models.Link) -> Subscriptions:
        return Subscriptions(Api(self.services.door(row.right_account, open_gate)))


def _name(link: int) -> str:
    return f"webhook-{link}"
