"""The sandbox as a process of its own: a Flask shell on waitress round one world.

Rules: this machine only; one lock round the world, waiting happens outside it; a lost answer really closes the socket. A listening
server cannot refuse a single connection, so a refused one is reset before any answer.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qsl

import flask
import httpx2
from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import TcpWSGIServer, create_server
from waitress.task import WSGITask

from tandem.sandbox.control import PREFIX, handle
from tandem.sandbox.pipedrive_webhooks import Delivery
from tandem.sandbox.wire import Loss, Request, Response
from tandem.sandbox.world import World

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MAX_DELAY_S = 60.0
POLL_S = 0.2
_SOCKET = "tandem.sandbox.socket"
_RESET = struct.pack("ii", 1, 0)


class _Task(WSGITask):
    """Shows the application its socket."""

    def get_environment(self) -> dict[str, object]:
        environment: dict[str, object] = super().get_environment()
        environment[_SOCKET] = self.channel.socket
        return environment


class _Channel(HTTPChannel):
    task_class = _Task


class Shell:
    """One world behind one lock, and what is under way in it."""

    def __init__(self, world: World, *, timeout_s: float = 0.0) -> None:
        self.world = world
        self.timeout_s = timeout_s
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._changing: Counter[str] = Counter()

    def application(self) -> flask.Flask:
        """The whole sandbox as one route."""
        app = flask.Flask("tandem.sandbox", static_folder=None)
        app.config["PROPAGATE_EXCEPTIONS"] = True
        app.add_url_rule("/", "root", self._serve, methods=METHODS, provide_automatic_options=False)
        app.add_url_rule("/<path:path>", "any", self._serve, methods=METHODS, provide_automatic_options=False)
        return app

    def deliver(self) -> None:
        """Send Pipedrive's outgoing calls as they fall due, until the stop."""
        with httpx2.Client(timeout=10.0, trust_env=False) as client:
            while not self.stop.wait(POLL_S):
                with self._lock:
                    due = self.world.pipedrive.due_deliveries(self.world.clock.now())
                for delivery in due:
                    status = _post(client, delivery)
                    with self._lock:
                        self.world.pipedrive.delivered(delivery.id, status)

    def _serve(self, path: str = "") -> flask.Response:
        """One request. ClientDisconnected makes waitress close the socket without an answer."""
        request = _request()
        changes = _service_changed(request)
        with self._lock:
            self._changing[changes] += 1
        try:
            with self._lock:
                response = handle(self.world, request, overlapping=self._changing[changes] - 1 if changes else 0)
            self._wait(response)
        finally:
            with self._lock:
                self._changing[changes] -= 1
        if response.loss is not Loss.NONE:
            if response.loss is not Loss.TIMEOUT:
                _will_reset(flask.request.environ[_SOCKET])
            raise ClientDisconnected(path)
        return flask.Response(response.body, response.status, response.headers)

    def _wait(self, response: Response) -> None:
        delay = self.timeout_s if response.loss is Loss.TIMEOUT else response.delay_s
        if delay > 0:
            self.stop.wait(min(delay, MAX_DELAY_S))


def serve(host: str, port: int, world: World, ready: Callable[[int], None], *, shell: Shell | None = None) -> None:
    """Serve until `shell.stop` is set; `ready` is told the port. ValueError for an address that others could reach."""
    address = "127.0.0.1" if host == "localhost" else host
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError("the sandbox serves this machine only")
    shell = shell or Shell(world)
    sockets: dict[int, socket.socket] = {}
    server = create_server(shell.application(), map=sockets, host=address, port=port, threads=8, ident="sandbox")
    if not isinstance(server, TcpWSGIServer) or server.socket is None:
        raise TypeError("one address makes one server")
    server.channel_class = _Channel
    courier = threading.Thread(target=shell.deliver, name="webhooks", daemon=True)
    courier.start()
    ready(int(server.socket.getsockname()[1]))
    try:
        while not shell.stop.is_set():
            wasyncore.loop(timeout=POLL_S, map=sockets, count=1, use_poll=True)
    finally:
        shell.stop.set()
        server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(sockets)


def _request() -> Request:
    """The request under way as the world wants it."""
    taken = flask.request
    query = tuple(parse_qsl(taken.query_string.decode("ascii", "replace"), keep_blank_values=True))
    headers = {key.lower(): value for key, value in taken.headers.items()}
    return Request(taken.method, taken.path, query, headers, taken.get_data())


def _service_changed(request: Request) -> str:
    """The service whose records the request is about to change; empty for reads, sign-in, and control."""
    if request.method in {"GET", "HEAD", "OPTIONS"} or request.path.startswith(PREFIX) or "x-http-method-override" in request.headers:
        return ""
    parts = request.path.split("/")
    return parts[1] if len(parts) > 2 and parts[2] in {"v1", "v2", "api"} else ""


def _will_reset(connection: object) -> None:
    """Let the close of a socket be a reset."""
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _post(client: httpx2.Client, delivery: Delivery) -> int:
    """The status that an outgoing call was answered with; 0 for none."""
    try:
        return client.request(delivery.method, delivery.url, headers=delivery.headers, content=delivery.body).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return 0
