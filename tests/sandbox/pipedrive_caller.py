"""A way to call the imitated Pipedrive directly, for its tests: no HTTP, a frozen clock."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tandem.sandbox.clock import Clock
from tandem.sandbox.pipedrive import API_TOKEN, COLLEAGUE_TOKEN, PipedriveService
from tandem.sandbox.wire import Request

START = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


@dataclass
class Answer:
    """What came back; `data` is the part that most tests look at."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The whole body."""
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        """The payload."""
        return self.json["data"]

    @property
    def cursor(self) -> str | None:
        """The cursor of the next page."""
        return self.json["additional_data"]["next_cursor"]


@dataclass
class Caller:
    """Calls as user 1 unless told otherwise; limits are off unless a test turns them on."""

    service: PipedriveService = field(default_factory=lambda: PipedriveService(Clock(frozen_at=START), random.Random(7)))
    headers: dict[str, str] = field(default_factory=lambda: {"x-api-token": API_TOKEN, "user-agent": "test"})

    def __post_init__(self) -> None:
        self.service.switches["limits"] = False

    def call(self, method: str, path: str, body: object = None, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """One call."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.service.handle(Request(method, path, tuple(query), dict(self.headers), data))
        return Answer(response.status, response.headers, response.body.decode())

    def get(self, path: str, **query: object) -> Answer:
        """GET with a query."""
        return self.call("GET", path, query=[(key, str(value)) for key, value in query.items()])

    def person(self, **fields: object) -> Any:
        """A new person; it must succeed."""
        answer = self.call("POST", "/api/v2/persons", {"name": "Jane Doe"} | fields if "first_name" not in fields else fields)
        assert answer.status == 200, answer.text
        return answer.data

    def patch(self, id_: int, **fields: object) -> Answer:
        """Change a person."""
        return self.call("PATCH", f"/api/v2/persons/{id_}", fields)

    def organization(self, name: str = "Firm", **fields: object) -> Any:
        """A new organisation; it must succeed."""
        answer = self.call("POST", "/api/v2/organizations", {"name": name, **fields})
        assert answer.status == 200, answer.text
        return answer.data

    def human(self, op: str, **arguments: Any) -> Any:
        """An edit in the vendor's own app."""
        return self.service.human(op, arguments)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.service.company.clock.advance(seconds)

    def switch(self, **values: Any) -> None:
        """Set switches."""
        for name, value in values.items():
            assert name in self.service.switches, name
            self.service.switches[name] = value

    def as_colleague(self) -> Caller:
        """The same company seen by user 2."""
        return Caller(self.service, {"x-api-token": COLLEAGUE_TOKEN})

    def ids(self, **query: object) -> list[int]:
        """The ids on one page of persons."""
        answer = self.get("/api/v2/persons", **query)
        assert answer.status == 200, answer.text
        return [person["id"] for person in answer.data]
