"""Promise: what arrives over HTTP is answered at once, taken only with the right ticket, and never does more than ask for a look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from replica.worlds import START
from tandem.app.hearing import PATH
from tandem.app.listener import MAX_BYTES, MAX_WAITING, Inbox, Listener
from tandem.app.patience import MAX_WRONG
from tandem.connectors.pipedrive.webhook import Ticket

TICKET = Ticket("unguessable", "user", "password")
AUTH = (TICKET.user, TICKET.password)


class Clock:
    """A clock that is moved by hand."""

    at = START

    def now(self) -> object:
        """The time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move it."""
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def inbox() -> Inbox:
    """An inbox with one link."""
    made = Inbox(Clock())  # type: ignore[arg-type]
    made.admit(7, TICKET)
    return made


@pytest.fixture
def url(inbox: Inbox) -> Iterator[str]:
    """Where it is served."""
    listener = Listener(inbox, 0)
    yield f"http://127.0.0.1:{listener.port}"
    listener.close()


def body(id_: int = 1) -> bytes:
    """A delivery."""
    meta = {"entity": "person", "action": "change", "entity_id": str(id_)}
    return json.dumps({"data": {"name": "Secret Person", "update_time": "2026-11-16T09:00:00Z"}, "meta": meta}).encode()


def test_what_is_taken(inbox: Inbox, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The right path, method and credentials: 200 before anybody looks into it, and one hint, bearing nothing of the content. Nothing
    is printed.
    """  # noqa: D205 - one promise
    with httpx2.Client(trust_env=False) as client:
        for number in range(20):
            assert client.post(f"{url}{PATH}{TICKET.place}", content=body(number), auth=AUTH).status_code == 200
    assert inbox.arrived.is_set()
    told = list(inbox.taken())
    assert [one.hints[0].handle.id for one in told] == [str(number) for number in range(20)]
    assert {one.link for one in told} == {7}
    assert "Secret" not in repr(told)
    assert not inbox.arrived.is_set()
    assert list(inbox.taken()) == []
    assert "Secret" not in "".join(capfd.readouterr())


def test_what_is_not(inbox: Inbox, url: str) -> None:
    """404 for any other path, 405, 401, 413: nothing of it arrives."""
    place = f"{url}{PATH}{TICKET.place}"
    with httpx2.Client(trust_env=False) as client:
        for path in ("/", PATH, f"{PATH}other", f"{PATH}{TICKET.place}/x", "/hooks"):
            assert client.post(f"{url}{path}", content=body(), auth=AUTH).status_code == 404
        answer = client.get(place, auth=AUTH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        answer = client.post(place, content=body())
        assert (answer.status_code, "www-authenticate" in answer.headers, answer.content) == (401, True, b"")
        assert client.post(place, content=body(), auth=("user", "wrong")).status_code == 401
        assert client.post(place, content=b" " * (MAX_BYTES + 1), auth=AUTH).status_code == 413
    assert list(inbox.taken()) == []


def test_guessing_is_slow(inbox: Inbox, url: str) -> None:
    """After many wrong credentials they are not looked at for a minute; the right ones still pass."""
    place = f"{url}{PATH}{TICKET.place}"
    with httpx2.Client(trust_env=False) as client:
        statuses = [client.post(place, content=body(), auth=("user", str(number))).status_code for number in range(MAX_WRONG + 5)]
        assert statuses == [401] * MAX_WRONG + [429] * 5
        assert client.post(place, content=body(), auth=AUTH).status_code == 200
        inbox.clock.sleep(61)
        assert client.post(place, content=body(), auth=("user", "x")).status_code == 401


def test_nonsense_with_the_right_ticket_is_a_gap(inbox: Inbox, url: str) -> None:
    """What cannot be read is answered by 200, so that nobody is banned, and is a reason to look."""
    with httpx2.Client(trust_env=False) as client:
        assert client.post(f"{url}{PATH}{TICKET.place}", content=b"{nonsense", auth=AUTH).status_code == 200
    assert [(one.link, one.is_gap) for one in inbox.taken()] == [(7, True)]


def test_a_flood_is_a_gap(inbox: Inbox) -> None:
    """More than the queue holds is forgotten, and everything that moved is listed instead."""
    for number in range(MAX_WAITING + 10):
        inbox._put(7, body(number))
    told = list(inbox.taken())
    assert len(told) == MAX_WAITING + 1
    assert told[-1].is_gap
    assert list(inbox.taken()) == []


def test_a_removed_link(inbox: Inbox, url: str) -> None:
    """A link that is gone has no address any more."""
    inbox.dismiss([7])
    assert httpx2.post(f"{url}{PATH}{TICKET.place}", content=body(), auth=AUTH, trust_env=False).status_code == 404
