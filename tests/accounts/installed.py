"""An installation in this process beside a sandbox world, and a person who answers the consent pages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from django.db import connections

from tandem.accounts.consent import Begun, Ended
from tandem.app import Tandem
from tandem.config import load
from tandem.databases import SQLITE_NAME, SqliteFile
from tandem.sandbox.clock import Clock
from tandem.sandbox.google_oauth import CONTACTS
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.wire import Request
from tandem.sandbox.world import World
from tandem.store import setup

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PERSON = "sandbox.person@example.com"


@dataclass
class Standing:
    """The world's time; waiting moves it."""

    world: World

    def now(self) -> datetime:
        """The time."""
        return self.world.clock.now()

    def sleep(self, seconds: float) -> None:
        """Move it."""
        self.world.clock.advance(max(0.0, seconds))


def new_world() -> World:
    """A world that insists: PKCE with Google, Basic authorization with Pipedrive."""
    world = World(clock=Clock(frozen_at=START), seed=3)
    world.google.switches["oauth_needs_pkce"] = True
    world.pipedrive.switches["oauth_body_credentials"] = False
    return world


@lru_cache
def _tables() -> bytes:
    """An empty database: to make the tables takes longer than most of what is done with them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SQLITE_NAME
        setup.register("accounts-template", SqliteFile(path))
        setup.migrate("accounts-template")
        connections["accounts-template"].close()
        return path.read_bytes()


@contextmanager
def installed(world: World, folder: Path, transport: httpx2.BaseTransport | None = None, **settings: str) -> Iterator[Tandem]:
    """An installation."""
    path = folder / "data" / SQLITE_NAME
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(_tables())
    values = {"TANDEM_DATA_DIR": str(path.parent), "TANDEM_SANDBOX_URL": "http://127.0.0.1:1", **settings}
    with Tandem(load(values, folder), clock=Standing(world), transport=transport or SandboxTransport(world)) as tandem:
        yield tandem


def begin(tandem: Tandem, service: str, **more: str) -> Begun:
    """Begin a consent, with its redirect address registered."""
    uri = tandem.proofs.redirect_uri(service)
    assert tandem.sandbox is not None
    tandem.sandbox.register_redirect(service, uri)
    return tandem.consents().begin(service, uri, **more)


def answer(world: World, address: str, *, decision: str = "accept", allow: tuple[str, ...] = (CONTACTS,), **chosen: str) -> dict[str, str]:
    """Fill in the page at an address; what the browser is sent back with."""
    parts = urlsplit(address)
    query = tuple(parse_qsl(parts.query))
    page = world.handle(Request("GET", parts.path, query))
    assert page.status == 200, page.body
    form = [*query, ("account", chosen.get("account", PERSON)), ("user", chosen.get("user", "1")), ("decision", decision)]
    body = urlencode([*form, *(("allow", scope) for scope in allow)]).encode()
    sent = world.handle(Request("POST", parts.path, (), {"content-type": "application/x-www-form-urlencoded"}, body))
    assert sent.status == 302, sent.body
    return dict(parse_qsl(urlsplit(sent.headers["location"]).query))


def connect(tandem: Tandem, world: World, service: str, expected: str = "", **how: object) -> Ended:
    """The whole way."""
    begun = begin(tandem, service, expected=expected)
    return tandem.consents().finish(service, answer(world, begun.address, **how))  # type: ignore[arg-type]


def asked(world: World, service: str, kind: str) -> int:
    """How often a call was made."""
    return sum(1 for entry in world.log if (entry.service, entry.kind) == (service, kind))
