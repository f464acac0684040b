"""Promises of renewal: of all threads and processes one asks, the others use what it got; whoever dies on the way holds nobody up."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from accounts.installed import START, asked, connect, installed, new_world
from tandem.accounts.endpoints import TokenEndpoint
from tandem.accounts.tokens import ACCESS_TOKEN, REFRESH_TOKEN, BearerToken
from tandem.app import Tandem
from tandem.errors import ConsentNarrowed, ReconnectNeeded, Unavailable
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World
from tandem.store import models
from tandem.store.grants import GrantDrawer, GrantKind, Grants


class Clock:
    """A clock that stands still and really waits a little, so that threads meet."""

    def __init__(self) -> None:
        self.at = START + timedelta(hours=2)

    def now(self) -> datetime:
        """The time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(min(seconds, 0.02))


class Slow(SandboxTransport):
    """The world, whose token endpoint takes its time, and is never asked twice at once."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.lock = threading.Lock()
        self.before: Callable[[], None] = lambda: None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request at a time in the world."""
        if request.url.path.endswith("/token"):
            self.before()
            time.sleep(0.15)
        with self.lock:
            return super().handle_request(request)


@pytest.fixture
def world() -> World:
    """Both services."""
    return new_world()


@pytest.fixture
def tandem(world: World, tmp_path: Path) -> Iterator[Tandem]:
    """Both accounts connected by consent; two hours later."""
    with installed(world, tmp_path) as opened:
        for service in ("google", "pipedrive"):
            assert connect(opened, world, service).label
        world.clock.advance(7200)
        yield opened


def bearer(tandem: Tandem, transport: httpx2.BaseTransport, service: str = "pipedrive", clock: object = None) -> BearerToken:
    """A proof as another process would make it."""
    endpoint = tandem.proofs.endpoint(service)
    own = TokenEndpoint(
        endpoint.service, endpoint.url, endpoint.client_id, endpoint.client_secret, endpoint.scope, 5.0, transport, endpoint.method
    )
    return BearerToken(GrantDrawer(tandem.vault, account(tandem, service).id), own, clock or Clock())  # type: ignore[arg-type]


def account(tandem: Tandem, service: str = "pipedrive") -> models.Account:
    """The account of a service."""
    return next(row for row in tandem.accounts.all() if row.service == service)


def together(*tasks: Callable[[], object]) -> list[object]:
    """Run them at once; what they returned or raised."""
    results: list[object] = []
    gate = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        gate.wait(10)
        try:
            results.append(task())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize("service", ["google", "pipedrive"])
def test_one_asks_and_all_have_it(tandem: Tandem, world: World, service: str, rotates: bool) -> None:
    """Six proofs with nothing in common but the database: one request, one token, and where the service rotates nobody is locked out."""
    world.pipedrive.switches["oauth_rotates"] = rotates
    before, transport = asked(world, service, "oauth.token"), Slow(world)
    proofs = [bearer(tandem, transport, service) for _ in range(6)]
    headers = together(*(proof.headers for proof in proofs))
    assert len({str(header) for header in headers}) == 1, headers
    assert str(headers[0]).startswith("{'authorization': 'Bearer ")
    assert asked(world, service, "oauth.token") == before + 1
    refused = together(*(proof.renew for proof in proofs))
    assert refused == [True] * 6
    assert len({str(proof.headers()) for proof in proofs}) == 1
    assert asked(world, service, "oauth.token") == before + 2
    grant = Grants(tandem.alias).of(account(tandem, service).id)
    assert grant is not None
    assert (grant.renewer, grant.renewing_until, grant.refused_at) == ("", None, None)


def test_a_turn_whose_holder_died_ends_by_itself(tandem: Tandem, world: World) -> None:
    """A process that died in the midst of renewing holds others up until its turn ends, and no longer."""
    clock = Clock()
    row = account(tandem)
    until = clock.at + timedelta(seconds=20)
    assert Grants(tandem.alias).begin_renewal(row.id, "dead", clock.at, until)  # type: ignore[arg-type]

    def pass_time(seconds: float) -> None:
        clock.at += timedelta(seconds=1)

    clock.sleep = pass_time  # type: ignore[method-assign]
    assert bearer(tandem, SandboxTransport(world), clock=clock).headers()
    assert clock.at >= until


def test_a_turn_that_does_not_end_is_for_later(tandem: Tandem, world: World) -> None:
    """When others renew and renew, it is said to be for later, and nothing is asked."""
    clock = Clock()
    row, before = account(tandem), asked(world, "pipedrive", "oauth.token")

    def hold(seconds: float) -> None:
        clock.at += timedelta(seconds=1)
        Grants(tandem.alias).keep(row.id, GrantKind.OAUTH, (), "", clock.at)
        Grants(tandem.alias).begin_renewal(row.id, "other", clock.at, clock.at + timedelta(seconds=60))

    hold(0)
    clock.sleep = hold  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="Another process"):
        bearer(tandem, SandboxTransport(world), clock=clock).headers()
    assert asked(world, "pipedrive", "oauth.token") == before


def test_what_another_has_rotated_is_tried_before_giving_up(tandem: Tandem, world: World) -> None:
    """A refresh token that is dead because another one was stored meanwhile: the new one is used, and nobody is asked to connect again."""
    drawer, transport = GrantDrawer(tandem.vault, account(tandem).id), Slow(world)
    grants = world.pipedrive.company.grants
    used = str(drawer.get(REFRESH_TOKEN))

    def rotate() -> None:
        if used in grants.refresh:
            grants.refresh["1:1:another"] = grants.refresh.pop(used)
            drawer.put(REFRESH_TOKEN, "1:1:another")

    transport.before = rotate
    assert bearer(tandem, transport).headers()
    assert drawer.get(REFRESH_TOKEN) == "1:1:another"


def test_connected_anew_in_the_midst_of_a_renewal(tandem: Tandem, world: World) -> None:
    """What an older refresh token brings does not take the place of what a person has just connected."""
    drawer, transport = GrantDrawer(tandem.vault, account(tandem).id), Slow(world)
    world.pipedrive.switches["oauth_rotates"] = True

    def connect_anew() -> None:
        transport.before = lambda: None
        assert connect(tandem, world, "pipedrive").label == "pipedrive-1"

    transport.before = connect_anew
    proof = bearer(tandem, transport)
    headers = proof.headers()
    stored = str(drawer.get(ACCESS_TOKEN))
    assert headers["authorization"].removeprefix("Bearer ") in stored
    assert drawer.get(REFRESH_TOKEN) in world.pipedrive.company.grants.refresh


def test_a_new_refresh_token_is_stored_first(tandem: Tandem, world: World) -> None:
    """Killed right after, the next process goes on with it; killed between answer and storing, the account asks to be connected again."""
    world.pipedrive.switches["oauth_rotates"] = True
    drawer = GrantDrawer(tandem.vault, account(tandem).id)
    before = drawer.get(REFRESH_TOKEN)
    bearer(tandem, SandboxTransport(world)).headers()
    assert drawer.get(REFRESH_TOKEN) not in (before, None)
    assert drawer.get(REFRESH_TOKEN) in world.pipedrive.company.grants.refresh
    lost = tandem.proofs.endpoint("pipedrive").refresh(str(drawer.get(REFRESH_TOKEN)))
    assert lost.refresh_token
    drawer.put(ACCESS_TOKEN, "{}")
    with pytest.raises(ReconnectNeeded):
        bearer(tandem, SandboxTransport(world)).headers()
    grant = Grants(tandem.alias).of(account(tandem).id)
    assert grant is not None
    assert grant.refused_at is not None
    assert connect(tandem, world, "pipedrive").label == "pipedrive-1"
    assert bearer(tandem, SandboxTransport(world)).headers()


def test_rights_that_were_narrowed(tandem: Tandem, world: World) -> None:
    """The app lost contacts:full: no token is handed out, and a refresh token that came along is kept for the day it is back."""
    world.pipedrive.switches["oauth_rotates"] = True
    drawer = GrantDrawer(tandem.vault, account(tandem).id)
    for grant in world.pipedrive.company.grants.refresh.values():
        full, grant.scopes = grant.scopes, ("base", "contacts:read")
    with pytest.raises(ConsentNarrowed):
        bearer(tandem, SandboxTransport(world)).headers()
    kept = drawer.get(REFRESH_TOKEN)
    assert kept in world.pipedrive.company.grants.refresh
    world.pipedrive.company.grants.refresh[str(kept)].scopes = full
    assert bearer(tandem, SandboxTransport(world)).headers()


def test_another_address_for_the_api(tandem: Tandem, world: World) -> None:
    """A renewal that names a strange address changes nothing; one that names another of Pipedrive's own is followed."""
    row = account(tandem)
    for told, kept in (
        ("https://evil.test", "http://127.0.0.1:1/pipedrive"),
        ("https://new-name.pipedrive.com", "https://new-name.pipedrive.com"),
    ):
        world.pipedrive.switches["api_domain"] = told
        world.clock.advance(7200)
        tandem.services.door(row, lambda: None)._authorization.headers()
        grant = Grants(tandem.alias).of(row.id)
        assert grant is not None
        assert grant.api_url == kept


def test_never_inside_a_transaction(tandem: Tandem, world: World) -> None:
    """A renewal that a rollback could take back would lose a refresh token: that is a mistake of ours, and stops at once."""
    from django.db import transaction

    before = asked(world, "pipedrive", "oauth.token")
    with transaction.atomic(using=tandem.alias), pytest.raises(RuntimeError, match="transaction"):
        bearer(tandem, SandboxTransport(world)).headers()
    assert asked(world, "pipedrive", "oauth.token") == before


def test_two_processes(tmp_path: Path) -> None:
    """Two real processes whose token has expired want another one at the same moment: the service is asked once."""
    from tandem.app.sandboxed import SandboxControl
    from tandem.config import load
    from tandem.sandbox.server import Shell, serve

    world, ports, is_up = World(), list[int](), threading.Event()
    shell = Shell(world)
    thread = threading.Thread(
        target=serve, args=("127.0.0.1", 0, world, lambda port: (ports.append(port), is_up.set())), kwargs={"shell": shell}, daemon=True
    )
    thread.start()
    assert is_up.wait(20)
    url = f"http://127.0.0.1:{ports[0]}"
    with Tandem(load({"TANDEM_DATA_DIR": str(tmp_path / "data"), "TANDEM_SANDBOX_URL": url}, tmp_path)) as tandem:
        tandem.connecting.google("sandbox-google-refresh")
    control = SandboxControl(url)
    control.call("POST", "clock", {"advance_s": 7200})
    control.call("POST", "faults", {"service": "google", "match": "oauth.token", "effect": "slow", "seconds": 1.5, "times": 5})
    before = asked(world, "google", "oauth.token")
    words = [sys.executable, str(Path(__file__).with_name("renewing_child.py")), str(tmp_path / "data"), url]
    children = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for process in children:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in children:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=60)[0] for process in children]
    finally:
        for process in children:
            process.kill()
            process.wait()
        shell.stop.set()
        thread.join(5)
    assert len(told) == 2
    assert told[0] == told[1]
    assert told[0].startswith("{'authorization'")
    assert asked(world, "google", "oauth.token") == before + 1
