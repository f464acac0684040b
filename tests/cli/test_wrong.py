"""Promise: wrong input is answered in a line or two that say what to do, with the right exit code, and nothing is written."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from depth import ALL, SEED

from .conftest import Line

#: Command line, exit code, and words of the answer. F is a file that holds a wrong token.
WRONG = [
    ("frobnicate", 2, "No such command"),
    ("account add google --paste --refresh-token-file F", 2, "without a browser"),
    ("account add pipedrive --no-browser --api-token-file F", 2, "without a browser"),
    ("account add google --reconnect google-9", 2, "Known: google-1"),
    ("account add google --reconnect pipedrive-1", 2, "Known: google-1"),
    ("account remove", 2, "Missing argument"),
    ("account remove nobody", 2, "Known: google-1, pipedrive-1"),
    ("account remove google-1 --force", 2, "used by link 1"),
    ("account add google --refresh-token-file /nowhere", 2, "cannot be read"),
    ("account add google --refresh-token-file EMPTY", 2, "nothing else"),
    ("account add pipedrive --api-token-file TWO-LINES", 2, "nothing else"),
    ("account add google --refresh-token-file F", 1, "does not accept this refresh token"),
    ("account add pipedrive --api-token-file F", 1, "does not accept this API token"),
    ("account add yahoo", 2, "No such command"),
    ("link create", 2, "Missing option"),
    ("link create --google google-9 --pipedrive pipedrive-1 --group Pipedrive", 2, "Known: google-1"),
    ("link create --google pipedrive-1 --pipedrive pipedrive-1 --group Pipedrive", 2, "Known: google-1"),
    ("link create --google google-1 --pipedrive pipedrive-9 --group Pipedrive", 2, "Known: pipedrive-1"),
    ("link create --google google-1 --pipedrive pipedrive-2 --group Nobody", 2, "--create-group makes it"),
    ("link create --google google-1 --pipedrive pipedrive-2 --group contactGroups/0000 --create-group", 2, "no group"),
    ("link create --google google-1 --pipedrive pipedrive-2 --group contactGroups/starred", 2, "no group"),
    ("link create --google google-1 --pipedrive pipedrive-1 --group Empty", 2, "linked already, by link 1"),
    ("link create --google google-1 --pipedrive pipedrive-2 --group Empty --country Poland", 2, "no country code"),
    ("link create --google google-1 --pipedrive pipedrive-2 --group Empty --scope ours", 2, "mine, visible, filter:ID"),
    ("link create --google google-1 --pipedrive pipedrive-2 --group Empty --scope filter:9", 2, "no filter 9"),
    ("link create --google google-1 --pipedrive pipedrive-1 --group Empty --direction up", 2, "two-way"),
    ("link create --google google-1 --pipedrive pipedrive-1 --group Empty --conflicts me", 2, "pipedrive"),
    ("link create --google google-1 --pipedrive pipedrive-1 --group Empty --outside no", 2, "adopt"),
    ("link pause 9", 2, "Links: 1"),
    ("link resume nine", 2, "Links: 1"),
    ("link remove", 2, "Missing argument"),
    ("link remove 9", 2, "Links: 1"),
    ("preview 9", 2, "Links: 1"),
    ("sync 9", 2, "Links: 1"),
    ("sync 1 2", 2, "unexpected extra argument"),
    ("status 9", 2, "Links: 1"),
    ("history 9", 2, "Links: 1"),
    ("history --limit 0", 2, "limit"),
    ("sandbox --port 99999", 2, "port"),
    ("sandbox edit outlook create", 2, "google"),
    ("sandbox edit google frobnicate", 2, "The sandbox says"),
    ("sandbox edit pipedrive update_person id", 2, "NAME=VALUE"),
    ("sandbox edit pipedrive update_person id=99", 2, "no such person"),
    ("sandbox edit pipedrive update_person phones=[", 2, "begins like JSON"),
    ("sandbox faults --add nonsense", 2, "one JSON object"),
    ("sandbox faults --add {} --clear", 2, "do not go together"),
    ('sandbox faults --add {"effect":"rain"}', 2, "The sandbox says"),
    ("sandbox clock --advance soon", 2, "valid number"),
    ("run --port many", 2, "port"),
]


@pytest.fixture
def wrong_port() -> Iterator[int]:
    """A port at which somebody else listens, who answers nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


@pytest.fixture
def linked(tandem: Line) -> Line:
    """A draft link, a colleague's account, and files to be wrong with."""
    tandem.connect()
    assert tandem.link().code == 0
    assert tandem("account", "add", "pipedrive", "--api-token-file", tandem.file("sandbox-colleague-token")).code == 0
    for name, text in (("F", "wrong-token"), ("EMPTY", "\n"), ("TWO-LINES", "one\ntwo\n")):
        (tandem.folder / name).write_text(text)
    return tandem


def stored(tandem: Line) -> list[str]:
    """Every row, but for the ledger: asking costs tokens, also in vain."""
    return tandem.every_row(but=["store_ledger"])


def test_wrong_input_is_answered(linked: Line) -> None:
    """Every command: exit code, words that help, two lines at most, no traceback, nothing on standard output, nothing written."""
    before, writes = stored(linked), len(linked.writes())
    for text, code, words in WRONG:
        told = linked(*(str(linked.folder / word) if word in {"F", "EMPTY", "TWO-LINES"} else word for word in text.split()))
        assert (told.code, told.out) == (code, ""), (text, told)
        assert words in told.err, (text, told.err)
        assert len(told.err.splitlines()) <= 2, (text, told.err)
        assert "Traceback" not in told.err
        assert "wrong-token" not in told.err
    assert stored(linked) == before
    assert len(linked.writes()) == writes


def test_wrong_input_is_answered_in_json(linked: Line) -> None:
    """With --json the answer is one object with `error` and `next`, wherever the mistake was; a usual run tries every third."""
    for text, code, words in WRONG if ALL else WRONG[SEED % 3 :: 3]:
        told = linked(*(str(linked.folder / word) if word in {"F", "EMPTY", "TWO-LINES"} else word for word in text.split()), "--json")
        assert told.code == code, (text, told)
        assert set(told.data) == {"error", "next"}, text
        if "unexpected extra" not in words:
            assert words in str(told.data["error"]), (text, told.out)
        assert told.err == "", text


@pytest.mark.parametrize("words", [("account", "list"), ("link", "list"), ("status",)])
def test_an_empty_installation_says_what_to_do(tandem: Line, words: tuple[str, ...]) -> None:
    """Nothing connected yet is no error."""
    told = tandem(*words)
    assert told.code == 0
    assert "tandem" in told.out
    assert tandem(*words, "--json").code == 0


@pytest.mark.parametrize("words", [("sync",), ("preview",), ("history",), ("link", "pause")])
def test_without_a_link(tandem: Line, words: tuple[str, ...]) -> None:
    """Commands about a link say how to make one."""
    told = tandem(*words)
    assert (told.code, "tandem link create" in told.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TANDEM_HISTORY_DAY", "1", "not a setting"),
        ("TANDEM_SECRET_KEY", "short", "32 characters"),
        ("TANDEM_GOOGLE_READ_LAG_S", "-1", "must be a number"),
        ("TANDEM_GOOGLE_READS_PER_MINUTE", "1.5", "whole number"),
        ("TANDEM_PIPEDRIVE_API_URL", "http://pipedrive.example.com", "https://"),
        ("TANDEM_DATABASE_URL", "mysql://someone:secret@localhost/tandem", "postgresql://"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:secret@localhost/tandem?sslmod=require", "sslmod"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:secret@localhost:1", "names no database"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:the@secret@localhost/tandem", "%40"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:secret/x@localhost/tandem", "%2F"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:sec ret@localhost/tandem", "%20"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/tandem", "server running"),
        ("TANDEM_DATABASE_URL", "postgresql://someone:secret@/tandem?host=/nowhere", "server running"),
        ("TANDEM_PIPEDRIVE_API_URL", "http://127.0.0.1:80@pipedrive.example.com", "https://"),
        ("TANDEM_PIPEDRIVE_API_URL", "https://api.pipedrive.com:99999", "must be an address"),
        ("TANDEM_SANDBOX_URL", "http://127.0.0.1:9", "no sandbox"),
        ("TANDEM_DATA_DIR", "/proc/tandem", "TANDEM_DATA_DIR"),
    ],
)
def test_a_wrong_setting_is_named(linked: Line, name: str, value: str, words: str) -> None:
    """The message names the variable or what it points at; no traceback, whatever is wrong."""
    linked.more[name] = value
    told = linked("preview")
    assert told.code in {1, 2, 6}, told
    assert words in told.err, told.err
    assert "Traceback" not in told.err
    assert not any(part in told.err for part in ("secret@", "the@", "sec ret", ":secret"))


PASTED = [
    ("", "No address was pasted"),
    ("\n", "No address was pasted"),
    ("x" * 9000, "No address was pasted"),
    ("yes\n", "not the address"),
    ("http://[x?y=1\n", "not the address"),
    ("http://127.0.0.1:8000/accounts/google/callback\n", "not the address"),
    ("http://127.0.0.1:8000/accounts/google/callback?code=1&code=2&state=3\n", "not the address"),
    ("http://127.0.0.1:8000/accounts/google/callback?code=1&state=2\n", "Nobody waits for this answer"),
]


@pytest.mark.parametrize(("text", "words"), PASTED)
def test_what_is_pasted_wrongly(tandem: Line, text: str, words: str) -> None:
    """An address that holds no answer of this attempt: a sentence, nothing stored, nothing left to wait for."""
    told = tandem("account", "add", "google", "--paste", stdin=text)
    assert told.code in {1, 2}
    assert words in told.err.splitlines()[-1], told.err
    assert tandem("account", "list", "--json").data == {"accounts": []}
    assert tandem.rows("SELECT count(*) FROM store_authorisation") == [(0,)]


def test_nobody_would_take_the_answer(tandem: Line, wrong_port: int) -> None:
    """A port that another program has, an address of elsewhere where nobody answers, no client: said before anybody opens a browser."""
    for base_url, words in ((f"http://127.0.0.1:{wrong_port}", "taken by another program"), ("https://127.0.0.1:9", "--paste")):
        tandem.more["TANDEM_BASE_URL"] = base_url
        told = tandem("account", "add", "google", "--no-browser")
        assert (told.code, words in told.err, "http://127.0.0.1:0" in told.err) == (1, True, False), told
        assert len(told.err.splitlines()) == 1
    for base_url in ("http://tandem.example.com", "http://127.0.0.1:80x", "http://127.0.0.1:8000/?x", "https://"):
        tandem.more["TANDEM_BASE_URL"] = base_url
        told = tandem("account", "add", "google")
        assert (told.code, "TANDEM_BASE_URL" in told.err) == (2, True), told


def test_a_broken_configuration_leaves_help_alone() -> None:
    """`--help` works with any environment, in a process of its own."""
    environment = {**os.environ, "TANDEM_NONSENSE": "1"}
    for words, code in ((["--help"], 0), (["sync", "--help"], 0), (["status"], 2)):
        answer = subprocess.run(
            [sys.executable, "-P", "-m", "tandem", *words], env=environment, capture_output=True, text=True, check=False
        )
        assert answer.returncode == code, answer
        assert "Traceback" not in answer.stderr


def test_the_unforeseen_is_written_down(linked: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody thought of prints its kind and a file, never its text, which may hold anything."""
    from tandem.app import Tandem

    def fail(self: Tandem, link: int, **_: object) -> None:
        raise KeyError("Anna Nowak")

    monkeypatch.setattr(Tandem, "preview", fail)
    for more in ((), ("--json",)):
        told = linked("preview", *more)
        assert told.code == 1
        assert "KeyError" in told.out + told.err
        assert "Anna" not in told.out + told.err
        assert str(linked.data_dir / "error.log") in told.out + told.err
    assert "KeyError" in (linked.data_dir / "error.log").read_text()
    assert (linked.data_dir / "error.log").stat().st_mode & 0o077 == 0


def test_the_wrong_key_is_said(linked: Line) -> None:
    """A data directory whose key was lost says so instead of failing somewhere deep."""
    (linked.data_dir / "secret.key").write_text("f" * 64)
    told = linked("sync")
    assert told.code == 1
    assert "another secret key" in told.err
    json.loads(linked("sync", "--json").out)
