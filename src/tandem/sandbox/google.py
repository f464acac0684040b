"""The imitation of Google's People API and OAuth: skeleton until the rest is there."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tandem.sandbox.clock import Clock
from tandem.sandbox.service import HumanError, Switch
from tandem.sandbox.wire import Call, Json, Request, Response, answer


class GoogleService:
    """Answers 501 to everything for now."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock, self.rng = clock, rng
        self.switches: dict[str, Switch] = {}

    def describe(self, request: Request) -> Call:
        """Name the call."""
        return Call("unknown", request.method != "GET")

    def handle(self, request: Request) -> Response:
        """Answer."""
        return answer({"error": {"code": 501, "message": f"not imitated: {request.path}", "status": "UNIMPLEMENTED"}}, 501)

    def closing_token(self, request: Request) -> str:
        """A sync token for a shortened listing."""
        return request.path and ""

    def human(self, op: str, arguments: Mapping[str, Json]) -> Json:
        """An edit by a person."""
        raise HumanError(f"no such edit: {op} {len(arguments)}")

    def state(self) -> Json:
        """Everything."""
        return {}
