"""One sandbox: a clock, a source of randomness, both services, the faults, and the log of every request.

Rules: everything in here is plain data that can be pickled, so that a whole world is stored and brought back in a moment; all
randomness comes from one seed, so that the same seed and the same requests make the same run. A world is not thread-safe: its
callers take turns (`server.py` holds one lock).
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tandem.sandbox.clock import Clock
from tandem.sandbox.faults import Faults, after, before
from tandem.sandbox.google import GoogleService
from tandem.sandbox.pipedrive import PipedriveService
from tandem.sandbox.service import Service
from tandem.sandbox.wire import Call, Loss, Request, Response, answer

#: Query parameters that never enter the log.
_SECRETS = frozenset({"access_token", "api_token", "oauth_token", "client_secret", "code", "key", "state", "token"})


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request as the world saw it. `at` is sandbox time in seconds since 1970; `tokens` the vendor's own account of its cost.

    `status` is what the client was told, 0 when the connection died (`loss`); `applied` says that the service really did it: for a
    write, that something changed. `overlapping` counts the other changes to the same service that were under way.
    """

    n: int
    at: float
    service: str
    kind: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    is_write: bool
    applied: bool
    loss: str = "none"
    fault: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    overlapping: int = 0


@dataclass(slots=True)
class _Late:
    due_at: float
    request: Request


class World:
    """Both services under one clock. `handle` serves `/google/...` and `/pipedrive/...`; `/_sandbox/...` is `control.py`'s."""

    def __init__(self, *, clock: Clock | None = None, seed: int = 0) -> None:
        self.clock = clock or Clock()
        self.reset(seed)

    def reset(self, seed: int = 0) -> None:
        """Forget everything but the time of day, which no service can turn back."""
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 - a sandbox must be repeatable, not secret
        self.faults = Faults(random.Random(f"faults {seed}"))  # noqa: S311
        self.google = GoogleService(self.clock, self.rng)
        self.pipedrive = PipedriveService(self.clock, self.rng)
        self.log: list[LogEntry] = []
        self._late: list[_Late] = []

    def service(self, name: str) -> Service:
        """One of the two. KeyError for any other name."""
        services: dict[str, Service] = {"google": self.google, "pipedrive": self.pipedrive}
        return services[name]

    def handle(self, request: Request, *, overlapping: int = 0) -> Response:
        """Faults before, the service, faults after, an entry in the log."""
        self.settle()
        _, _, rest = request.path.partition("/")
        name, _, path = rest.partition("/")
        if name not in {"google", "pipedrive"}:
            return answer({"error": f"no service here: /{name}"}, 404)
        inner = replace(request, path=f"/{path}")
        service = self.service(name)
        call = service.describe(inner)
        rule = self.faults.pick(name, call, inner)
        response = before(rule) if rule is not None else None
        applied = response is None
        if response is None:
            response = service.handle(inner)
            applied = response.status < 400
        if rule is not None and rule.effect == "late":
            self._late.append(_Late(self.clock.now().timestamp() + rule.seconds, request))
        if rule is not None and applied:
            response = after(rule, response, self._sync_token(name, inner))
        self._enter(name, call, inner, response, applied=applied, fault=rule.effect if rule else "", overlapping=overlapping)
        return response

    def settle(self) -> None:
        """Apply the requests that were said to arrive late, as far as they are due by now."""
        now = self.clock.now().timestamp()
        while due := sorted((late for late in self._late if late.due_at <= now), key=lambda late: late.due_at)[:1]:
            self._late.remove(due[0])
            name = due[0].request.path.split("/")[1]
            inner = replace(due[0].request, path=due[0].request.path.removeprefix(f"/{name}"))
            service = self.service(name)
            response = service.handle(inner)
            self._enter(name, service.describe(inner), inner, response, applied=response.status < 400, fault="arrived-late")

    def snapshot(self) -> bytes:
        """The whole world as bytes."""
        return pickle.dumps(self, pickle.HIGHEST_PROTOCOL)

    @classmethod
    def restore(cls, data: bytes) -> World:
        """A world of its own that goes on from where the snapshot was taken."""
        world = pickle.loads(data)  # noqa: S301 - our own snapshot
        if not isinstance(world, cls):
            raise TypeError("not a snapshot of a world")
        return world

    def _sync_token(self, name: str, request: Request) -> str:
        """A token that makes a shortened listing of Google's look whole."""
        return self.google.closing_token(request) if name == "google" else ""

    def _enter(
        self, name: str, call: Call, request: Request, response: Response, *, applied: bool, fault: str = "", overlapping: int = 0
    ) -> None:
        query = tuple((key, "..." if key in _SECRETS else value) for key, value in request.query)
        status = response.status if response.loss is Loss.NONE else 0
        entry = LogEntry(
            len(self.log) + 1,
            self.clock.now().timestamp(),
            name,
            call.kind,
            request.method,
            request.path,
            query,
            status,
            call.is_write,
            applied,
            response.loss.value,
            fault,
            dict(response.tokens),
            overlapping,
        )
        self.log.append(entry)
