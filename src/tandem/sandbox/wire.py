"""Requests and answers as plain values, so that the imitations know no web framework.

The same `World.handle` serves the Flask shell (`server.py`, a process of its own) and tests (`transport.py`, in process).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias
from urllib.parse import parse_qsl

import msgspec

JSON_TYPE = "application/json; charset=UTF-8"

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in. Header names are lower-case; `query` keeps order and repetition."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def every(self, name: str) -> list[str]:
        """All values of a repeated query parameter, in order."""
        return [value for key, value in self.query if key == name]

    def form(self) -> dict[str, str]:
        """The body as a form; later values win; a body that is no text is an empty form."""
        try:
            return dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True))
        except UnicodeDecodeError:
            return {}


class Loss(Enum):
    """How a connection died instead of answering; the caller of `World.handle` makes a real failure of it."""

    NONE = "none"
    #: The connection could not be opened: nothing arrived.
    REFUSED = "refused"
    #: The request or its answer got lost; whether it was applied is the world's secret.
    TIMEOUT = "timeout"
    #: The connection was reset after the request had been sent.
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for: the vendor's own name of the call, and whether it changes (or would change) any record."""

    kind: str
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, or the loss of one.

    `tokens` is what the call cost by the vendor's own account, by bucket; `delay_s` is how long the shell shall wait before it
    passes the answer on. Both are for the shell and the log and never leave the process.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    loss: Loss = Loss.NONE
    tokens: Mapping[str, int] = field(default_factory=dict)
    delay_s: float = 0.0


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None, tokens: Mapping[str, int] | None = None) -> Response:
    """A JSON answer."""
    return Response(status, {"content-type": JSON_TYPE, **(headers or {})}, msgspec.json.encode(value), tokens=tokens or {})
