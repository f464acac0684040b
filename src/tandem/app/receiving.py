"""The ear of a working process: takes webhooks and keeps them registered, takes the answers of consents, and serves the pages.

Rules: a process that begins has missed what was told before, so each link is looked at once; without an address that Pipedrive can reach
there are no webhooks, and the reason is kept. A port that was taken is tried again.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from tandem.app.desk import FOLDER
from tandem.app.hearing import PATH
from tandem.app.listener import Inbox, Listener
from tandem.app.routing import Application, Router, place_of
from tandem.replica import Hint
from tandem.store.links import LinkState

if TYPE_CHECKING:
    from tandem.app.root import Tandem

_WORKING = frozenset({LinkState.ACTIVE.value, LinkState.WAITING.value})


class Receiver:
    """Receives webhooks for all links of an installation while it is open."""

    def __init__(self, tandem: Tandem, pages: Application | None = None) -> None:
        self._tandem = tandem
        self._inbox = Inbox(tandem.clock)
        self._listener: Listener | None = None
        self._place = place_of(tandem.config.url("BASE_URL"))
        self._router = Router(self._place.prefix, {PATH: self._inbox, FOLDER: tandem.desk(), **({"/": pages} if pages else {})})
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
        place, is_sandboxed = self._place, self._tandem.sandbox is not None
        self._obstacle = ""
        try:
            self._listener = Listener(self._router, place.port, host=place.host)
        except OSError:
            self._obstacle = f"Port {place.port} of this machine, where webhooks would arrive, is taken; so Pipedrive is asked instead."
            if is_sandboxed:
                self._listener, self._obstacle = Listener(self._router, 0), ""
        if is_sandboxed and self._listener is not None:
            self._base_url = f"http://127.0.0.1:{self._listener.port}{place.prefix}"
        elif place.is_local:
            self._obstacle = "TANDEM_BASE_URL is an address of this machine only, where no webhook arrives; so Pipedrive is asked instead."

    def tend(self) -> None:
        """Look after the webhooks of all working links."""
        if self._listener is None:
            self._listen()
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
    def url(self) -> str:
        """Where the pages are; empty while nothing is served."""
        if self._listener is None:
            return ""
        return self._base_url if not self._place.is_local else f"http://{self._place.host}:{self._listener.port}{self._place.prefix}"

    @property
    def arrived(self) -> threading.Event:
        """Set when something has arrived."""
        return self._inbox.arrived
