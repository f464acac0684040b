"""Who answers which path, and on which port of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: WSGI.
Application: TypeAlias = "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]"
#: Where a proxy in front of us is expected to pass requests on to, when the public address names no port of this machine.
DEFAULT_PORT = 8000
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests arrive. `is_local`: what the public address names is this very port; `prefix`: a path in front of ours."""

    is_local: bool
    host: str
    port: int
    prefix: str


def place_of(base_url: str) -> Place:
    """The place that belongs to TANDEM_BASE_URL."""
    address = urlsplit(base_url)
    is_local = address.hostname in _LOCAL and address.scheme == "http"
    host = "::1" if is_local and address.hostname == "::1" else "127.0.0.1"
    return Place(is_local, host, (address.port or DEFAULT_PORT) if is_local else DEFAULT_PORT, address.path.rstrip("/"))


class Router:
    """A WSGI application made of others, by the beginning of the path."""

    def __init__(self, prefix: str, parts: Mapping[str, Application]) -> None:
        self._prefix = prefix
        self._parts = dict(parts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on."""
        path = str(environ.get("PATH_INFO", "")).removeprefix(self._prefix)
        for start, part in self._parts.items():
            if path.startswith(start):
                return part({**environ, "PATH_INFO": path}, start_response)
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
