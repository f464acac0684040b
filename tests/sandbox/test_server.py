"""Promise: the sandbox as a process serves both services and its control API, loses answers for real, and stops when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tandem.sandbox.pipedrive_company import API_TOKEN
from tandem.sandbox.server import Shell, serve
from tandem.sandbox.world import World

TOKEN = {
    "grant_type": "refresh_token",
    "refresh_token": "sandbox-google-refresh",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
}


@pytest.fixture
def client(world: World) -> Iterator[httpx2.Client]:
    """A client of a running sandbox."""
    shell, port, ready = Shell(world, timeout_s=0.05), [0], threading.Event()

    def say(found: int) -> None:
        port[0] = found
        ready.set()

    thread = threading.Thread(target=serve, args=("localhost", 0, world, say), kwargs={"shell": shell})
    thread.start()
    assert ready.wait(10)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port[0]}", trust_env=False, timeout=10) as made:
        yield made
    shell.stop.set()
    thread.join(5)
    assert not thread.is_alive()


def post(client: httpx2.Client, name: str, body: object) -> Any:
    """One control call."""
    answer = client.post(f"/_sandbox/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sign_in(client: httpx2.Client) -> dict[str, str]:
    """The headers of a signed-in caller."""
    return {"authorization": f"Bearer {client.post('/google/token', data=TOKEN).json()['access_token']}"}


def test_both_services_and_control(client: httpx2.Client) -> None:
    """One address, three prefixes; names of contacts arrive whole, whatever their alphabet."""
    headers = sign_in(client)
    made = client.post("/google/v1/people:createContact", headers=headers, json={"names": [{"givenName": "Zoë ☂"}]}).json()
    read = client.get(f"/google/v1/{made['resourceName']}", headers=headers, params={"personFields": "names"})
    assert read.json()["names"][0]["givenName"] == "Zoë ☂"
    assert read.headers["content-type"] == "application/json; charset=UTF-8"
    assert client.get("/pipedrive/api/v2/persons").status_code == 401
    assert client.get("/_sandbox/nonsense").status_code == 404
    assert client.get("/nothing").status_code == 404
    assert len(client.get("/_sandbox/state", params={"service": "google"}).json()["contacts"]) == 1


def test_pages_for_people(client: httpx2.Client) -> None:
    """The same address shows pages; a form that a browser sends from one of them does what it says, whatever is broken."""
    post(client, "faults", {"service": "google", "match": "", "effect": "refused", "times": None})
    origin = str(client.base_url).removesuffix("/")
    made = client.post("/contacts/new", data={"first_name": "Zoë ☂"}, headers={"origin": origin})
    assert made.status_code == 303
    assert "Zoë ☂" in client.get(made.headers["location"]).text
    assert client.head("/crm/").status_code == 200
    assert client.get("/sandbox.css").headers["content-type"].startswith("text/css")
    assert client.get("/_sandbox/log").json()["entries"] == []


@pytest.mark.parametrize("effect", ["lost-answer", "reset", "refused"])
def test_a_lost_answer_is_a_lost_connection(client: httpx2.Client, effect: str) -> None:
    """The client gets a transport error and no status; the next request is served."""
    post(client, "faults", {"service": "google", "match": "oauth.token", "effect": effect})
    with pytest.raises(httpx2.TransportError):
        client.post("/google/token", data=TOKEN)
    assert client.post("/google/token", data=TOKEN).status_code == 200


def test_parallel_changes_are_counted(client: httpx2.Client) -> None:
    """Two changes of one service under way at once stand in the log as overlapping; reads do not count."""
    headers = sign_in(client)
    body = {"names": [{"givenName": "Ann"}]}
    post(client, "faults", {"service": "google", "match": "people.createContact", "effect": "slow", "seconds": 1.0})

    def slowly() -> None:
        client.post("/google/v1/people:createContact", headers=headers, json=body)

    thread = threading.Thread(target=slowly)
    thread.start()
    while not any(entry["fault"] == "slow" for entry in client.get("/_sandbox/log").json()["entries"]):
        pass
    client.get("/google/v1/people/me", headers=headers, params={"personFields": "names"})
    client.post("/google/v1/people:createContact", headers=headers, json=body)
    thread.join()
    client.post("/google/v1/people:createContact", headers=headers, json=body)
    entries = client.get("/_sandbox/log").json()["entries"]
    assert [entry["overlapping"] for entry in entries if entry["service"] == "google"] == [0, 0, 0, 1, 0]


def test_outgoing_calls_are_sent(client: httpx2.Client) -> None:
    """What Pipedrive's webhooks have to tell arrives where they point; here at the sandbox itself, whose log shows it."""
    hook = {"subscription_url": f"{client.base_url}/google/hook", "event_action": "*", "event_object": "person", "name": "Hook"}
    made = client.post("/pipedrive/api/v1/webhooks", headers={"x-api-token": API_TOKEN}, json=hook)
    assert made.status_code == 201, made.text
    post(client, "edit", {"service": "pipedrive", "op": "create_person", "name": "Ann Lee"})
    until = time.monotonic() + 60
    while not any(entry["path"] == "/hook" for entry in client.get("/_sandbox/log").json()["entries"]):
        post(client, "clock", {"advance_s": 1})
        assert time.monotonic() < until


def test_only_this_machine_is_served(world: World) -> None:
    """An address that others could reach is refused."""
    with pytest.raises(ValueError, match="this machine only"):
        serve("0.0.0.0", 0, world, lambda _: None)  # noqa: S104 - that is the point


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_process(how: signal.Signals) -> None:
    """`python -m tandem.sandbox` says in one line that it is ready, has a frozen clock if so wished, and stops when told to."""
    command = [sys.executable, "-m", "tandem.sandbox", "--port", "0", "--virtual-clock", "--seed-book", "empty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready = json.loads(process.stdout.readline())
        first = httpx2.get(f"{ready['control']}/clock", trust_env=False).json()
        assert httpx2.get(f"{ready['control']}/clock", trust_env=False).json() == first
        process.send_signal(how)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
