"""The ear of a working process: listens for webhooks, keeps them registered, and writes down what they tell.

Rules: a process that begins has missed what was told before, so each link is looked at once; without an address that Pipedrive can reach
there are no webhooks, and the reason is kept.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tandem.app.listener import Inbox, Listener
from tandem.replica import Hint
from tandem.store.links import LinkState

if TYPE_CHECKING:
    from tandem.app.root import Tandem

#: Where a proxy in front of us is expected to pass webhooks on to, when the public address names no port of this machine.
DEFAULT_PORT = 8000
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


def is_local(url: str) -> bool:
    """Whether an address is one of this machine only."""
    return urlsplit(url).hostname in _LOCAL


_WORKING = frozenset({LinkState.ACTIVE.value, LinkState.WAITING.value})


class Receiver:
    """Receives webhooks for all links of an installation while it is open."""

    def __init__(self, tandem: Tandem) -> None:
        self._tandem = tandem
        self._inbox = Inbox(tandem.clock)
        self._listener: Listener | None = None
        #: Why there can be no webhooks; empty when there can.
        self._obstacle = ""
        self._base_url = tandem.config.url("BASE_URL")
        self._known: set[int] = set()

    def __enter__(self) -> Receiver:
        self._listen()
        self.tend()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._listener is not None:
            self._listener.close()

    def _listen(self) -> None:
        address = urlsplit(self._base_url)
        is_here = is_local(self._base_url)
        is_sandboxed = self._tandem.sandbox is not None
        if is_here and not is_sandboxed:
            self._obstacle = "TANDEM_BASE_URL is an address of this machine only, where no webhook arrives; so Pipedrive is asked instead."
            return
        port = (address.port or DEFAULT_PORT) if is_here else DEFAULT_PORT
        try:
            self._listener = Listener(self._inbox, port)
        except OSError:
            if not is_sandboxed:
                self._obstacle = f"Port {port} of this machine, where webhooks would arrive, is taken; so Pipedrive is asked instead."
                return
            self._listener = Listener(self._inbox, 0)
        if is_sandboxed:
            self._base_url = f"http://127.0.0.1:{self._listener.port}"

    def tend(self) -> None:
        """Look after the webhooks of all working links."""
        hearing, now = self._tandem.hearing, self._tandem.clock.now()
        rows = [row for row in self._tandem.links.all() if row.state in _WORKING]
        for row in rows:
            is_new = row.id not in self._known
            if is_new:
                self._known.add(row.id)
                hearing.note_gap(row.id)
                self._inbox.admit(row.id, hearing.ticket(row))
            if is_new or hearing.is_due(row, now):
                if self._obstacle:
                    hearing.without(row, self._obstacle)
                else:
                    hearing.ensure(row, self._base_url)
        gone = self._known - {row.id for row in rows}
        self._inbox.dismiss(gone)
        self._known -= gone

    def take(self) -> None:
        """Write down what has arrived."""
        hints: dict[int, list[Hint]] = {}
        for told in self._inbox.taken():
            hints.setdefault(told.link, []).extend(told.hints)
            if told.is_gap:
                self._tandem.hearing.note_gap(told.link)
        for link, told_of in hints.items():
            self._tandem.hearing.take(link, told_of)

    @property
    def arrived(self) -> threading.Event:
        """Set when something has arrived."""
        return self._inbox.arrived
