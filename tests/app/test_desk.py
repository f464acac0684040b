"""Promises of what listens below /accounts/: pages that tell nothing on, credentials in constant time, and proof of who is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from accounts.installed import PERSON, answer, begin, installed, new_world
from tandem.app import Tandem
from tandem.app.desk import FOLDER, proof
from tandem.app.listener import Listener
from tandem.app.patience import MAX_WRONG
from tandem.app.routing import Router, place_of
from tandem.sandbox.world import World

CALLBACK = "/accounts/google/callback"
UNINSTALL = "/accounts/pipedrive/callback"
APP = ("sandbox-client", "sandbox-secret")


@pytest.fixture
def world() -> World:
    """Both services."""
    return new_world()


@pytest.fixture
def tandem(world: World, tmp_path: Path) -> Iterator[Tandem]:
    """An installation without accounts."""
    with installed(world, tmp_path) as opened:
        yield opened


@pytest.fixture
def url(tandem: Tandem) -> Iterator[str]:
    """Where it listens, below a path of its own."""
    listener = Listener(Router("/below", {FOLDER: tandem.desk()}), 0)
    yield f"http://127.0.0.1:{listener.port}/below"
    listener.close()


def check_page(page: httpx2.Response, *secret: str) -> str:
    """Every page asks for nothing, is kept nowhere, and shows nothing of the answer."""
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "<script" not in page.text
    assert "http" not in page.text
    assert [text for text in secret if text in page.text] == []
    return page.text


def test_the_answer_of_a_consent(url: str, tandem: Tandem, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Connected: 200 and as whom; a second time: 400 and nothing happens. Nothing is printed."""
    brought = answer(world, begin(tandem, "google").address)
    secret = brought["code"], brought["state"]
    page = httpx2.get(url + CALLBACK, params=brought)
    assert page.status_code == 200
    text = check_page(page, *secret)
    assert f"{PERSON} is connected as google-1." in text
    again = httpx2.get(url + CALLBACK, params=brought)
    assert again.status_code == 400
    assert "used already" in check_page(again, *secret)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "state=",
        "state=x&code=y",
        "state=x&error=<script>alert(1)</script>",
        "&".join(f"a{number}=1" for number in range(40)),
        "state=%FF%00&code=%00",
        "error=access_denied",
    ],
)
def test_answers_that_nobody_awaits(url: str, tandem: Tandem, query: str) -> None:
    """A clear page, 400, and nothing of what came is shown or stored."""
    page = httpx2.get(f"{url}{CALLBACK}?{query}")
    assert page.status_code == 400
    assert "not awaited" in check_page(page)
    assert tandem.accounts.all() == []


def test_a_parameter_that_comes_twice(url: str, tandem: Tandem, world: World) -> None:
    """Which of two would count is not guessed: nothing is taken, and the true answer still is."""
    brought = answer(world, begin(tandem, "google").address)
    twice = [*brought.items(), ("code", "another")]
    assert httpx2.get(url + CALLBACK, params=twice).status_code == 400
    assert httpx2.get(url + CALLBACK, params=brought).status_code == 200


def test_a_mishap_is_a_page_without_details(url: str, tandem: Tandem, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw shows its kind only."""
    from tandem.store.authorisations import Authorisations

    def fail(self: Authorisations, state: str) -> None:
        raise KeyError(f"{PERSON} {state}")

    brought = answer(world, begin(tandem, "google").address)
    monkeypatch.setattr(Authorisations, "find", fail)
    page = httpx2.get(url + CALLBACK, params=brought)
    assert page.status_code == 500
    assert "KeyError" in check_page(page, PERSON, *brought.values())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", CALLBACK, 405),
        ("HEAD", CALLBACK, 405),
        ("DELETE", CALLBACK, 405),
        ("GET", "/accounts/", 404),
        ("GET", "/accounts/yahoo/callback", 404),
        ("GET", "/elsewhere", 404),
        ("GET", "/accounts/here", 400),
        ("GET", "/accounts/here?nonce=../../x", 400),
        ("POST", UNINSTALL, 405),
        ("DELETE", UNINSTALL, 401),
    ],
)
def test_what_is_not_there(url: str, method: str, path: str, status: int) -> None:
    """Other methods and paths."""
    assert httpx2.request(method, url + path).status_code == status


def test_who_is_there(url: str, tandem: Tandem) -> None:
    """Only this installation knows the answer to a nonce."""
    nonce = "0123456789abcdef" * 2
    assert httpx2.get(f"{url}/accounts/here", params={"nonce": nonce}).text == proof(tandem.here_key, nonce)
    assert proof(b"another", nonce) != proof(tandem.here_key, nonce)


def test_pipedrives_word_that_the_app_was_removed(url: str, tandem: Tandem, world: World) -> None:
    """Taken with the app's own credentials only, and then the account is to be connected again; after many wrong ones nobody is heard."""
    brought = answer(world, begin(tandem, "pipedrive").address)
    assert httpx2.get(url + UNINSTALL, params=brought).status_code == 200
    (account,) = tandem.accounts.all()
    body = json.dumps({"client_id": APP[0], "company_id": 1, "user_id": 1, "timestamp": world.clock.now().isoformat()})

    def tell(auth: tuple[str, str], content: str = body) -> int:
        return httpx2.request("DELETE", url + UNINSTALL, auth=auth, content=content).status_code

    assert tell((APP[0], "wrong")) == 401
    assert tell(APP, "no json") == 400
    assert tell(APP, '{"company_id": "x"}') == 400
    assert tandem.vault.get(account.id, "refresh-token")
    assert tell(APP) == 200
    assert tandem.vault.get(account.id, "refresh-token") is None
    assert [tell((APP[0], "wrong")) for _ in range(MAX_WRONG)][-1] == 429
    assert tell(APP) == 429


@pytest.mark.parametrize(
    ("base_url", "is_local", "host", "port", "prefix"),
    [
        ("http://127.0.0.1:8000", True, "127.0.0.1", 8000, ""),
        ("http://localhost:81/below", True, "127.0.0.1", 81, "/below"),
        ("http://[::1]:8000", True, "::1", 8000, ""),
        ("https://localhost:8443", False, "127.0.0.1", 8000, ""),
        ("https://tandem.example.com/t", False, "127.0.0.1", 8000, "/t"),
    ],
)
def test_where_answers_arrive(base_url: str, is_local: bool, host: str, port: int, prefix: str) -> None:
    """A port of this machine, or whatever stands in front of it."""
    place = place_of(base_url)
    assert (place.is_local, place.host, place.port, place.prefix) == (is_local, host, port, prefix)
