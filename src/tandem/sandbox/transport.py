"""The world as a transport of httpx2: real client code in tests, without sockets."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import httpx2

from tandem.sandbox.control import handle
from tandem.sandbox.wire import Loss, Request, Response
from tandem.sandbox.world import World


class SandboxTransport(httpx2.BaseTransport):
    """Every request goes to one world, control calls too; a loss becomes the error that a socket would have made of it.

    Waiting is time on the world's clock when that stands still, and nothing else.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request. ConnectError, ReadTimeout, ReadError for a lost one."""
        response = handle(self.world, _inner(request))
        match response.loss:
            case Loss.REFUSED:
                raise httpx2.ConnectError("connection refused", request=request)
            case Loss.TIMEOUT:
                self._wait(_read_timeout_s(request))
                raise httpx2.ReadTimeout("timed out", request=request)
            case Loss.RESET:
                raise httpx2.ReadError("connection reset", request=request)
            case Loss.NONE:
                return self._outer(request, response)

    def _outer(self, request: httpx2.Request, response: Response) -> httpx2.Response:
        self._wait(response.delay_s)
        return httpx2.Response(response.status, headers=response.headers, content=response.body, request=request)

    def _wait(self, seconds: float) -> None:
        if self.world.clock.frozen_at is not None and seconds > 0:
            self.world.clock.advance(seconds)


def _inner(request: httpx2.Request) -> Request:
    """The request as the world wants it."""
    query = tuple(parse_qsl(request.url.query.decode("ascii"), keep_blank_values=True))
    headers = {key.lower(): value for key, value in request.headers.items()}
    return Request(request.method, unquote(request.url.path), query, headers, request.read())


def _read_timeout_s(request: httpx2.Request) -> float:
    """What the client was ready to wait."""
    timeouts = request.extensions.get("timeout")
    read = timeouts.get("read") if isinstance(timeouts, dict) else None
    return float(read) if isinstance(read, (int, float)) else 0.0
