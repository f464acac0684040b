"""Promise: whoever has to do something is told by mail and by a webhook, once a day for each matter, and no contact is in it."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tandem.config import load, mail_server
from tandem.core.state import LinkId
from tandem.errors import WrongInput
from tandem.store import models
from tandem.store.links import LinkState
from tandem.web.alerts import NotSentError, Watchman, alarms
from web.premises import Premises

PLACE = "http://127.0.0.1:8000"


@contextmanager
def listening(server: socketserver.BaseServer) -> Iterator[int]:
    """A server in a thread; its port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])  # type: ignore[arg-type]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def hook(status: int = 200) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A program that takes alerts: its address, and what it got."""
    got: list[dict[str, object]] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be still."""

    with listening(HTTPServer(("127.0.0.1", 0), Taker)) as port:
        yield f"http://127.0.0.1:{port}/alerts", got


@contextmanager
def mailbox() -> Iterator[tuple[str, list[str]]]:
    """A mail server that takes everything: its address as a setting, and the letters."""
    letters: list[str] = []

    class Clerk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode():
                if line.upper().startswith("DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    letter = ""
                    while (part := self.rfile.readline().decode()) != ".\r\n":
                        letter += part
                    letters.append(letter)
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith("QUIT") else b"250 fine\r\n")

    with listening(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clerk)) as port:
        yield f"smtp://127.0.0.1:{port}?from=tandem@example.com", letters


def watchman(premises: Premises, **settings: str) -> Watchman:
    """Somebody who watches, with these settings."""
    tandem = premises.tandem
    known = {f"TANDEM_{name}": setting.text for name, setting in tandem.config.settings.items() if setting.source != "default"}
    tandem.config = load({**known, **{f"TANDEM_{name}": value for name, value in settings.items()}})
    return Watchman(tandem, PLACE)


def stop(premises: Premises, reason: str = "ReconnectNeeded") -> None:
    """The link needs a person."""
    premises.tandem.links.stop(LinkId(premises.link.pk), LinkState.NEEDS_PERSON, reason, "Anna Nowak must not be in an alert.")


def test_a_lost_consent_is_told_once_a_day(synced: Premises) -> None:
    """By webhook and by mail, to the Google address of the link; again a day later, and not in between."""
    with hook() as (address, got), mailbox() as (server, letters):
        watching = watchman(synced, ALERT_WEBHOOK_URL=address, SMTP_URL=server)
        assert watching.look() == 0
        stop(synced)
        assert [watching.look() for _ in range(3)] == [1, 0, 0]
        synced.tandem.clock.sleep(timedelta(hours=23).total_seconds())
        assert watching.look() == 0
        synced.tandem.clock.sleep(timedelta(hours=2).total_seconds())
        assert watching.look() == 1
    assert len(got) == len(letters) == 2
    assert (got[0]["link"], got[0]["matter"]) == (synced.link.pk, "ReconnectNeeded")
    assert got[0]["url"] == f"{PLACE}/settings/personal/google-contacts"
    assert "does not accept Tandem any more" in str(got[0]["text"])
    assert "To: sandbox.person@example.com" in letters[0]
    assert "From: tandem@example.com" in letters[0]
    assert f"{PLACE}/settings/personal/google-contacts" in letters[0].replace("=\r\n", "")
    assert "Anna" not in json.dumps(got) + "".join(letters)


def test_each_matter_is_told_by_itself(synced: Premises) -> None:
    """Another reason is another matter; so are changes that are held, and a sync that has not succeeded for long."""
    row = synced.link
    models.Question.objects.using(synced.tandem.alias).create(link_id=row.pk, kind="hold", asked_at=synced.tandem.clock.now())
    with hook() as (address, got):
        watching = watchman(synced, ALERT_WEBHOOK_URL=address, ALERT_AFTER_HOURS="5")
        assert watching.look() == 1
        synced.tandem.clock.sleep(timedelta(hours=6).total_seconds())
        assert watching.look() == 1
        stop(synced, "GroupGone")
        assert watching.look() == 1
    assert [item["matter"] for item in got] == ["hold", "silence", "GroupGone"]
    assert [str(item["url"]).removeprefix(f"{PLACE}/links/{row.pk}") for item in got] == ["/review", "", ""]


def test_an_alert_that_cannot_be_sent_is_sent_later(synced: Premises) -> None:
    """A program that refuses it, and nobody at all: said without the address, and tried again."""
    stop(synced)
    with hook(status=500) as (address, got):
        with pytest.raises(NotSentError) as refused:
            watchman(synced, ALERT_WEBHOOK_URL=address).look()
        assert len(got) == 1
    assert "127.0.0.1" not in str(refused.value)
    with pytest.raises(NotSentError):
        watchman(synced, SMTP_URL="smtp://127.0.0.1:1?from=tandem@example.com", ALERT_WEBHOOK_URL="").look()
    with mailbox() as (server, letters):
        assert watchman(synced, SMTP_URL=server, ALERT_WEBHOOK_URL="").look() == 1
    assert len(letters) == 1


def test_an_alert_speaks_the_language_of_its_user(synced: Premises) -> None:
    """Who has chosen Polish is told in Polish."""
    user = synced.site.users.operator()
    assert user is not None
    synced.site.users.speak(user, "pl")
    models.Account.objects.using(synced.tandem.alias).update(user=user)
    stop(synced)
    (alarm,) = alarms(synced.tandem, synced.tandem.links.one(LinkId(synced.link.pk)), synced.tandem.clock.now())
    assert alarm.language == "pl"
    assert "does not accept" not in alarm.text


@pytest.mark.parametrize(
    "text",
    [
        "http://host?from=a@b",
        "smtp://?from=a@b",
        "smtp://host",
        "smtp://host:x?from=a@b",
        "smtp://host?from=a@b&secret=1",
        "smtp://host?from",
    ],
)
def test_a_mail_server_that_cannot_be_is_said(text: str) -> None:
    """With the form that it should have, and without what was typed."""
    with pytest.raises(WrongInput, match="TANDEM_SMTP_URL must look like") as said:
        mail_server(text)
    assert text not in str(said.value)


def test_a_mail_server_is_taken_apart() -> None:
    """User and password may hold any sign; without a sender the user is the sender; smtps has its own port."""
    server = mail_server("smtps://me%40example.com:p%3Aw@mail.example.com?to=you@example.com")
    assert (server.host, server.port, server.is_tls) == ("mail.example.com", 465, True)
    assert (server.user, server.password, server.sender, server.to) == ("me@example.com", "p:w", "me@example.com", "you@example.com")
    assert "p:w" not in repr(server)
