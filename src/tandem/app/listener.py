"""The small HTTP server that webhooks arrive at: on the loopback address, one unguessable path a link, POST only.

Rules
- It answers at once and does nothing but put hints into a queue in memory: whoever works on the link writes them down. What is lost with
  the process, the look at its next start finds.
- It says nothing about what it knows: a wrong path is 404 whatever else is wrong; wrong credentials are 401, and after many of them 429
  for a while, so that nobody tries passwords quickly. Nothing that arrives is logged.
- Whatever comes with the right credentials is answered by 200, so that Pipedrive bans nobody; what cannot be read, or does not fit into
  the queue, counts as something missed.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, create_server

from tandem.app.hearing import PATH
from tandem.app.patience import Patience
from tandem.clock import Clock
from tandem.connectors.pipedrive.webhook import Ticket, hints_of
from tandem.errors import Malformed
from tandem.replica import Hint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BYTES = 1_048_576
#: Deliveries that wait; so many changes at once are better listed.
MAX_WAITING = 5_000
_REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large", 429: "Too Many Requests"}
_TURN_S = 0.2
_LAST_TURNS, _LAST_TURN_S = 40, 0.05


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery: hints for a link, or, without any, that something was told which could not be read."""

    link: int
    hints: tuple[Hint, ...] = ()
    is_gap: bool = False


@dataclass(slots=True)
class Inbox:
    """The WSGI application, and the queue behind it."""

    clock: Clock
    tickets: dict[str, tuple[int, Ticket]] = field(default_factory=dict)
    #: Set when something has arrived.
    arrived: threading.Event = field(default_factory=threading.Event)
    _waiting: queue.Queue[Told] = field(default_factory=lambda: queue.Queue(MAX_WAITING))
    _overflown: set[int] = field(default_factory=set)
    _patience: Patience = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._patience = Patience(self.clock)

    def admit(self, link: int, ticket: Ticket) -> None:
        """Take deliveries that bear this ticket."""
        self.tickets[ticket.place] = (link, ticket)

    def dismiss(self, links: Iterable[int]) -> None:
        """Take no more deliveries for these links."""
        gone = set(links)
        self.tickets = {place: entry for place, entry in self.tickets.items() if entry[0] not in gone}

    def taken(self) -> Iterator[Told]:
        """What has arrived, once."""
        self.arrived.clear()
        while True:
            try:
                yield self._waiting.get_nowait()
            except queue.Empty:
                break
        with self._lock:
            overflown, self._overflown = self._overflown, set()
        yield from (Told(link, is_gap=True) for link in sorted(overflown))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """One request."""
        status = self._status(environ)
        more = {401: [("WWW-Authenticate", 'Basic realm="tandem"')], 405: [("Allow", "POST")], 429: [("Retry-After", "60")]}
        start_response(f"{status} {_REASONS[status]}", [("Content-Length", "0"), *more.get(status, [])])
        return []

    def _status(self, environ: WSGIEnvironment) -> int:
        path = str(environ.get("PATH_INFO", ""))
        entry = self.tickets.get(path.removeprefix(PATH)) if path.startswith(PATH) else None
        if entry is None:
            return 404
        if environ.get("REQUEST_METHOD") != "POST":
            return 405
        link, ticket = entry
        if not ticket.opens(str(environ.get("HTTP_AUTHORIZATION", ""))):
            return self._refuse()
        length = str(environ.get("CONTENT_LENGTH") or "0")
        if not length.isdigit() or int(length) > MAX_BYTES:
            return 413
        self._put(link, environ["wsgi.input"].read(int(length)))
        return 200

    def _refuse(self) -> int:
        """401, or 429 when there have been many."""
        is_flood = self._patience.is_over()
        self._patience.note()
        return 429 if is_flood else 401

    def _put(self, link: int, content: bytes) -> None:
        try:
            told = Told(link, hints_of(content))
        except Malformed:
            told = Told(link, is_gap=True)
        if not told.hints and not told.is_gap:
            return
        try:
            self._waiting.put_nowait(told)
        except queue.Full:
            with self._lock:
                self._overflown.add(link)
        self.arrived.set()


class Listener:
    """Serves an application on a loopback port, in a thread of its own. `port` is where; OSError when it is taken."""

    def __init__(
        self, application: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]], port: int, *, host: str = "127.0.0.1"
    ) -> None:
        self._sockets: dict[int, socket.socket] = {}
        server = create_server(
            application, map=self._sockets, sockets=[_bound(host, port)], threads=4, ident=None, max_request_body_size=MAX_BYTES + 1,
            connection_limit=100, channel_timeout=15, expose_tracebacks=False,
        )  # fmt: skip
        if not isinstance(server, TcpWSGIServer) or server.socket is None:
            raise TypeError("one address makes one server")
        self._server = server
        self._stop = threading.Event()
        self.port = int(server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, name="webhooks", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            wasyncore.loop(timeout=_TURN_S, map=self._sockets, count=1, use_poll=True)
        # Who has asked gets an answer: a browser shall see how its consent ended.
        for _ in range(_LAST_TURNS):
            if not any(_is_busy(channel) for channel in self._sockets.values()):
                break
            wasyncore.loop(timeout=_LAST_TURN_S, map=self._sockets, count=1, use_poll=True)
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets)

    def close(self) -> None:
        """Stop serving."""
        self._stop.set()
        self._thread.join(3)


def _bound(host: str, port: int) -> socket.socket:
    """A socket at that place. OSError when it is taken; waitress would leave its own half open then."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


def _is_busy(channel: object) -> bool:
    return isinstance(channel, HTTPChannel) and bool(channel.requests or channel.total_outbufs_len)
