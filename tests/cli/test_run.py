"""Promise: `tandem run` works from nothing, shows edits flow, stops cleanly, and survives being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from .conftest import Line
from .test_story import contacts, persons

#: Far more than it takes, for machines that are busy.
PATIENCE_S = 120


class Running:
    """A `tandem run --json` in a process of its own."""

    def __init__(self, environment: Mapping[str, str], *more: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        words = [sys.executable, "-P", "-m", "tandem", "run", "--port", "0", "--json", *more]
        self.process = subprocess.Popen(words, env={**clean, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.began = time.monotonic()

    def wait_for(self, event: str, **values: object) -> dict[str, object]:
        """The next event of a kind, with these values. Fails when the process ends first, or with what it says to be wrong."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            told: dict[str, object] = json.loads(text)
            if told.get("event") == event and values.items() <= told.items():
                return told
            assert time.monotonic() - self.began < PATIENCE_S, f"no {event} for too long"
        assert self.process.stderr is not None
        raise AssertionError(f"ended with {self.process.wait()} before {event}: {self.process.stderr.read()}")

    def stop(self, number: signal.Signals) -> int:
        """Send a signal; returns the exit code. Half a minute is far more than it takes, and less than what it could be waiting for."""
        self.process.send_signal(number)
        self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def running(environment: Mapping[str, str], *, is_demo: bool = True) -> Iterator[Running]:
    """A run that does not outlive its test."""
    run = Running(environment, *(["--demo"] if is_demo else []))
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def is_up(url: object) -> bool:
    """Whether somebody answers there."""
    try:
        return httpx2.get(f"{url}/_sandbox/clock", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def test_the_demo(tmp_path: Path) -> None:
    """With nothing at hand: sandbox, accounts, link, preview, first sync; an edit by a second terminal arrives on the other side;
    the end is clean, comes soon, and takes the sandbox with it. One's own data directory stays empty, and one's own client is not used.
    """  # noqa: D205 - one promise
    environment = {"TANDEM_DATA_DIR": str(tmp_path / "data"), "TANDEM_GOOGLE_CLIENT_ID": "own", "TANDEM_GOOGLE_CLIENT_SECRET": "own"}
    with running(environment) as run:
        url = run.wait_for("sandbox")["url"]
        assert run.wait_for("preview")["actions"]
        assert run.wait_for("first-sync")["state"] in {"in-sync", "waiting-for-person", "unfinished"}
        examples = run.wait_for("watching")["examples"]
        assert isinstance(examples, list)
        edit = ["sandbox", "edit", "google", "create", 'groups=["Pipedrive"]', 'names=[{"givenName": "Ada", "familyName": "Example"}]']
        for words in (edit, ["status", "--json"], ["history", "--limit", "5"]):
            second = subprocess.run(
                [sys.executable, "-P", "-m", "tandem", *words],
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                check=False,
            )
            assert second.returncode == 0, second.stderr
        change = run.wait_for("change", name="Ada Example")
        assert (change["side"], change["kind"]) == ("pipedrive", "create")
        code = run.stop(signal.SIGTERM)
    assert code == 0
    assert not is_up(url)
    assert not (tmp_path / "data" / "sandbox.json").exists()
    assert not (tmp_path / "data" / "tandem.sqlite3").exists()


def own(tandem: Line) -> dict[str, str]:
    """The environment for a run beside the sandbox of the tests."""
    return tandem.environment


@pytest.mark.parametrize("moment", ["connected", "preview", "first-sync", "watching"])
def test_killed_and_started_again(tandem: Line, moment: str) -> None:
    """Killed at any moment without a chance to clean up, the next start goes on: everybody on both sides, nobody twice."""
    with running(own(tandem)) as run:
        run.wait_for(moment)
        assert run.stop(signal.SIGKILL) == -signal.SIGKILL
    with running(own(tandem)) as run:
        run.wait_for("watching")
        tandem.edit("pipedrive", "create_person", {"name": "Ola Zielona", "emails": [{"value": "ola@example.com", "primary": True}]})
        run.wait_for("change", name="Ola Zielona", side="google")
        code = run.stop(signal.SIGINT)
    assert code == 0
    assert contacts(tandem) == persons(tandem) == {"Anna Nowak", "Jan Kowalski", "Ewa Lis", "Ola Zielona"}
    state = tandem.control.call("GET", "state", service="pipedrive")["persons"]
    assert isinstance(state, list)
    assert len([one for one in state if isinstance(one, dict) and not one["is_deleted"]]) == 4


def test_the_sandbox_ends_with_a_killed_run(tmp_path: Path) -> None:
    """A run that is killed leaves no sandbox behind that would hold the port."""
    with running({"TANDEM_DATA_DIR": str(tmp_path / "data")}) as run:
        url = run.wait_for("sandbox")["url"]
        run.stop(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while is_up(url):
        assert time.monotonic() < deadline


def test_one_run_at_a_time(tandem: Line) -> None:
    """A second one in the same data directory says so and goes."""
    with running(own(tandem)) as first:
        first.wait_for("watching")
        second = Running(own(tandem))
        out, _ = second.process.communicate(timeout=PATIENCE_S)
        assert second.process.returncode == 2
        assert "Another Tandem is working" in json.loads(out.splitlines()[-1])["error"]


def test_a_sync_beside_a_run(tandem: Line) -> None:
    """`tandem sync` while a run holds the data directory reports the run's cycle; a deletion arrives, too."""
    with running(own(tandem)) as run:
        run.wait_for("watching")
        tandem.edit("google", "create", {"groups": ["Pipedrive"], "fields": {"names": [{"givenName": "Ida", "familyName": "Nowa"}]}})
        told = tandem("sync", "--json")
        assert (told.code, told.data["state"]) == (0, "in-sync"), told
        assert "Ida Nowa" in persons(tandem)
        assert run.stop(signal.SIGTERM) == 0


def test_a_hanging_cycle_is_cut_off(tandem: Line) -> None:
    """Told to stop while a service does not answer, a run does not wait for the answer, and ends with exit code 0."""
    with running(own(tandem)) as run:
        run.wait_for("watching")
        tandem.control.call(
            "POST", "faults", {"service": "google", "match": "connections.list", "effect": "slow", "seconds": 50, "times": None}
        )
        log = tandem.control.call("GET", "log")["last"]
        while not any("connections.list" in str(entry) for entry in entries(tandem, log)):
            assert run.process.poll() is None
            time.sleep(0.1)
        code = run.stop(signal.SIGTERM)
    assert code == 0


def entries(tandem: Line, since: object) -> list[object]:
    """The sandbox's log after a number."""
    listed = tandem.control.call("GET", "log", since=str(since))["entries"]
    assert isinstance(listed, list)
    return list(listed)


def test_a_run_with_accounts_of_ones_own(tandem: Line) -> None:
    """With other servers configured and accounts connected, run keeps the links there going and starts no sandbox."""
    url = tandem.control.url
    tandem.more = {
        "TANDEM_SANDBOX_URL": "",
        "TANDEM_GOOGLE_API_URL": f"{url}/google",
        "TANDEM_GOOGLE_TOKEN_URL": f"{url}/google/token",
        "TANDEM_GOOGLE_CLIENT_ID": "sandbox-client",
        "TANDEM_GOOGLE_CLIENT_SECRET": "sandbox-secret",
        "TANDEM_PIPEDRIVE_API_URL": f"{url}/pipedrive",
    }
    tandem.connect()
    assert tandem.link().code == 0
    assert tandem("sync").code == 0
    with running(own(tandem), is_demo=False) as run:
        assert run.wait_for("watching")["link"] is None
        tandem.edit("pipedrive", "update_person", {"id": 1, "first_name": "Hanna"})
        # The run looks by itself when it begins: it may be that look which finds the edit.
        assert tandem("sync").code == 0
        assert run.wait_for("change")["name"] == "Hanna Nowak"
        assert run.stop(signal.SIGTERM) == 0
    assert not (tandem.data_dir / "sandbox.json").exists()


def test_edits_arrive_by_webhooks(tandem: Line) -> None:
    """With webhooks each edit in Pipedrive, and a deletion, goes over without anybody listing persons; the status says that they are on.

    How soon, tests/app says on a virtual clock.
    """
    with running(own(tandem)) as run:
        assert run.wait_for("watching")["webhooks"] is True
        state = tandem.control.call("GET", "state", service="pipedrive")["persons"]
        assert isinstance(state, list)
        ids = [one["id"] for one in state if isinstance(one, dict) and not one["is_deleted"]]
        log = tandem.control.call("GET", "log")["last"]
        for turn in range(20):
            tandem.edit("pipedrive", "update_person", {"id": ids[turn % len(ids)], "first_name": f"Turn{turn}"})
            while f"Turn{turn}" not in str(run.wait_for("change", side="google")["name"]):
                pass
        # Not none: the safety look, or the night's walk, may fall into these moments.
        lists = [entry for entry in entries(tandem, log) if "getPersons" in str(entry)]
        assert len(lists) < 10
        watched = tandem("status", "--json").data["links"][0]["watched"]["pipedrive"]  # type: ignore[index]
        assert watched["webhooks"] is True
        assert watched["heard_at"]
        assert "Webhooks: on" in tandem("status").out
        tandem.edit("pipedrive", "delete_person", {"id": ids[0]})
        run.wait_for("change", side="google", kind="delete")


def test_without_an_address_it_is_asked_instead(tandem: Line) -> None:
    """No room for webhooks: everything flows all the same, and the status says why it is asked instead."""
    tandem.control.call("POST", "switches", {"service": "pipedrive", "name": "webhook_limit", "value": 0})
    try:
        with running(own(tandem)) as run:
            assert run.wait_for("watching")["webhooks"] is False
            tandem.edit("pipedrive", "create_person", {"name": "Ola Zielona", "emails": [{"value": "ola@example.com", "primary": True}]})
            run.wait_for("change", name="Ola Zielona", side="google")
            told = tandem("status").out
        assert "Webhooks: off. The Pipedrive user has as many webhooks as Pipedrive allows" in told
        assert "Next look at Pipedrive" in told
    finally:
        tandem.control.call("POST", "switches", {"service": "pipedrive", "name": "webhook_limit", "value": 40})


def test_removal_ends_the_webhooks(tandem: Line) -> None:
    """A link that is removed leaves no webhook behind."""
    with running(own(tandem)) as run:
        run.wait_for("watching")
        hooks = tandem.control.call("GET", "state", service="pipedrive")["webhooks"]
        assert isinstance(hooks, list)
        assert len(hooks) == 2
    assert tandem("link", "remove", "1").code == 0
    assert tandem.control.call("GET", "state", service="pipedrive")["webhooks"] == []
