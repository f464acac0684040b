"""Promise: a world can be stored, brought back and repeated, and what goes wrong in it goes wrong as the rules say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from sandbox.google_calls import CONTACT, Google, value
from tandem.sandbox.clock import Clock
from tandem.sandbox.control import handle
from tandem.sandbox.faults import Rule
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.wire import Loss, Request
from tandem.sandbox.world import World


def rule(world: World, effect: str, match: str = "people.createContact", service: str = "google", **more: Any) -> None:
    """Put a fault in force."""
    world.faults.add(Rule(service, match, effect, **more))


def try_create(google: Google) -> Any:
    """One creation, whatever comes of it."""
    return google.send("POST", "/v1/people:createContact", {"sources": CONTACT}, {"names": [{"givenName": "Ann"}]})


def count(google: Google) -> int:
    """How many contacts there are."""
    state: Any = google.world.google.state()
    return int(state["counters"]["live"])


def test_the_same_seed_makes_the_same_run() -> None:
    """Ids, etags and tokens repeat; another seed makes others."""

    def run(seed: int) -> Any:
        google = Google(World(clock=Clock(frozen_at=datetime(2026, 1, 1, tzinfo=UTC)), seed=seed)).sign_in()
        google.create()
        return google.world.google.state(), google.token

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_snapshot_goes_on_by_itself(google: Google) -> None:
    """What is restored continues exactly as the original does, tokens included, and they do not touch each other."""
    google.create()
    _, token = google.listed()
    other = Google(World.restore(google.world.snapshot()), google.token)
    assert other.create() == google.create()
    assert other.listed(token) == google.listed(token)
    other.world.google.switches["read_lag_s"] = 9.0
    other.create()
    other.world.clock.advance(1)
    assert (count(other), count(google)) == (3, 2)
    assert google.world.google.switches["read_lag_s"] == 0.0
    assert other.world.clock.now() > google.world.clock.now()
    assert len(other.world.log) > len(google.world.log) - 1


def test_reset(google: Google) -> None:
    """All is forgotten but the time."""
    google.create()
    google.world.clock.advance(5)
    now = google.world.clock.now()
    rule(google.world, "500")
    google.world.reset(3)
    assert (count(google), google.world.log, google.world.faults.rules, google.world.clock.now()) == (0, [], [], now)


def test_the_log(google: Google) -> None:
    """Each request stands in the log by the name of its call; secrets do not."""
    google.create()
    google.send("GET", "/v1/people/me/connections", {"personFields": "names", "access_token": "secret"})
    google.world.handle(Request("GET", "/pipedrive/api/v2/persons", headers={"x-api-token": "x"}))
    entries = google.world.log[-3:]
    assert [(entry.service, entry.kind, entry.is_write, entry.applied) for entry in entries[:2]] == [
        ("google", "people.createContact", True, True),
        ("google", "people.connections.list", False, True),
    ]
    assert ("access_token", "...") in entries[1].query
    assert (entries[2].service, entries[2].status, entries[2].applied) == ("pipedrive", 401, False)
    assert google.world.handle(Request("GET", "/elsewhere")).status == 404


@pytest.mark.parametrize(
    ("effect", "status", "loss", "applied"),
    [
        ("429", 429, Loss.NONE, False),
        ("500", 500, Loss.NONE, False),
        ("503", 503, Loss.NONE, False),
        ("403-html", 403, Loss.NONE, False),
        ("after-502", 502, Loss.NONE, True),
        ("refused", 0, Loss.REFUSED, False),
        ("lost-request", 0, Loss.TIMEOUT, False),
        ("lost-answer", 0, Loss.TIMEOUT, True),
        ("reset", 0, Loss.RESET, True),
        ("garbage", 200, Loss.NONE, True),
        ("slow", 200, Loss.NONE, True),
    ],
)
def test_effects(google: Google, effect: str, status: int, loss: Loss, *, applied: bool) -> None:
    """Each effect: what the client sees, and whether the service did it; once, then all is well."""
    rule(google.world, effect)
    response = try_create(google)
    entry = google.world.log[-1]
    assert (response.status if loss is Loss.NONE else 0, response.loss) == (status, loss)
    assert (entry.status, entry.loss, entry.applied, entry.fault) == (status, loss.value, applied, effect)
    assert count(google) == int(applied)
    assert try_create(google).status == 200


def test_a_late_request_is_applied_when_its_time_comes(google: Google) -> None:
    """Nothing at first; after so many seconds of sandbox time the contact is there, and the log says so."""
    rule(google.world, "late", seconds=30.0)
    assert try_create(google).loss is Loss.TIMEOUT
    google.world.clock.advance(29)
    assert google.listed()[0] == []
    google.world.clock.advance(1)
    assert len(google.listed()[0]) == 1
    late = next(entry for entry in google.world.log if entry.fault == "arrived-late")
    assert (late.kind, late.applied) == ("people.createContact", True)


@pytest.mark.parametrize(("effect", "left"), [("truncate", 2), ("empty", 0)])
def test_a_shortened_listing_gives_no_hint(google: Google, effect: str, left: int) -> None:
    """The page looks like the last one, sync token included; the token works."""
    for _ in range(6):
        google.create()
    rule(google.world, effect, "people.connections.list")
    page = google.page(pageSize=4)
    assert len(page.get("connections", [])) == left
    assert "nextPageToken" not in page
    assert google.page(pageSize=4, syncToken=page["nextSyncToken"])
    rule(google.world, effect, "contactGroups.list")
    assert len(google.call("GET", "/v1/contactGroups").get("contactGroups", [])) == left * 2


def test_pipedrive_fails_in_its_own_way(world: World) -> None:
    """Bodies and headers are those of the service; gateways send HTML."""
    persons = Request("GET", "/pipedrive/api/v2/persons")
    rule(world, "429", "persons", "pipedrive")
    response = world.handle(persons)
    assert (response.status, value(response)["success"], response.headers["x-ratelimit-remaining"]) == (429, False, "0")
    rule(world, "502", "persons", "pipedrive")
    assert world.handle(persons).headers["content-type"].startswith("text/html")
    rule(world, "429-daily", "persons", "pipedrive")
    assert world.handle(persons).headers["x-daily-ratelimit-token-remaining"] == "0"


def test_what_a_rule_fits(google: Google) -> None:
    """A rule lets calls pass, hits so many, and only those that fit, by name or by pattern; chance repeats with the seed."""
    rule(google.world, "500", r"^people\.", skip=1, times=2, method="POST")
    assert [try_create(google).status for _ in range(5)] == [200, 500, 500, 200, 200]
    google.world.faults.clear()
    rule(google.world, "500", "people.get", times=None)
    assert google.send("GET", "/v1/people:batchGet", {"resourceNames": "people/me", "personFields": "names"}).status == 200
    assert google.send("GET", "/v1/people/me", {"personFields": "names"}).status == 500
    google.world.faults.clear()
    rule(google.world, "500", times=None, probability=0.5)
    copy = Google(World.restore(google.world.snapshot()), google.token)
    statuses = [try_create(google).status for _ in range(20)]
    assert statuses == [try_create(copy).status for _ in range(20)]
    assert {200, 500} == set(statuses)
    with pytest.raises(ValueError, match="no such effect"):
        Rule("google", "x", "explode")


def test_the_transport(world: World) -> None:
    """Client code of httpx2 meets the same errors as on a socket, and its waiting is time on a frozen clock."""
    with httpx2.Client(transport=SandboxTransport(world), base_url="http://sandbox", timeout=20) as client:
        form = {"grant_type": "refresh_token", "refresh_token": "sandbox-google-refresh"}
        form |= {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        assert client.post("/google/token", data=form).json()["token_type"] == "Bearer"
        assert client.get("/_sandbox/clock").json()["frozen"] is True
        for effect, error in (("refused", httpx2.ConnectError), ("lost-answer", httpx2.ReadTimeout), ("reset", httpx2.ReadError)):
            rule(world, effect, "oauth.token")
            with pytest.raises(error):
                client.post("/google/token", data=form)
        rule(world, "slow", "oauth.token", seconds=5.0)
        before = world.clock.now()
        client.post("/google/token", data=form)
        assert (world.clock.now() - before).total_seconds() == 5


def control(world: World, method: str, name: str, body: object = None, **query: str) -> Any:
    """One control call that must succeed."""
    data = json.dumps(body or {}).encode()
    response = handle(world, Request(method, f"/_sandbox/{name}", tuple(query.items()), body=data))
    assert response.status == 200, response.body
    return value(response)


def test_control(world: World) -> None:
    """Seed, edit, break, advance, look: all by JSON."""
    assert control(world, "POST", "seed", {"book": "demo", "seed": 4})["contacts"] == 300
    made = control(world, "POST", "edit", {"service": "google", "op": "create", "names": [{"givenName": "Ann"}]})
    assert control(world, "GET", "edits", service="google")["edits"][0]["record_id"] == made["id"]
    assert control(world, "GET", "edits", service="pipedrive")["edits"] == []
    control(world, "POST", "faults", {"service": "google", "match": "people.get", "effect": "503", "times": None, "probability": 0.5})
    assert control(world, "GET", "faults")["rules"][0]["times"] is None
    assert control(world, "DELETE", "faults")["rules"] == []
    before = control(world, "GET", "clock")
    after = control(world, "POST", "clock", {"advance_s": 604800})
    assert after["offset_s"] - before["offset_s"] == 604800
    control(world, "POST", "switches", {"service": "google", "name": "read_lag_s", "value": 3})
    assert control(world, "GET", "switches")["google"]["read_lag_s"] == 3.0
    world.handle(Request("GET", "/google/v1/people/me"))
    log = control(world, "GET", "log", since="0")
    assert (log["last"], log["entries"][0]["kind"]) == (1, "people.get")
    assert control(world, "GET", "log", since="1")["entries"] == []
    state = control(world, "GET", "state")
    assert len(state["google"]["contacts"]) == 301
    assert state["google"] == control(world, "GET", "state", service="google")
    control(world, "POST", "reset", {"seed": 9})
    assert control(world, "GET", "state", service="google")["contacts"] == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("edit", {"service": "google", "op": "fly"}),
        ("edit", {"service": "mars", "op": "create"}),
        ("faults", {"service": "google", "match": "x", "effect": "explode"}),
        ("faults", {"service": "google", "match": "(", "effect": "500"}),
        ("faults", {"service": "google", "match": "x"}),
        ("switches", {"service": "google", "name": "nonsense", "value": 1}),
        ("switches", {"service": "google", "name": "quotas", "value": 1}),
        ("clock", {"advance_s": "x"}),
        ("seed", {"book": "nonsense"}),
        ("reset", [1]),
    ],
)
def test_control_refuses_nonsense(world: World, name: str, body: object) -> None:
    """400 with a reason, and nothing happens."""
    before = world.snapshot()
    assert handle(world, Request("POST", f"/_sandbox/{name}", body=json.dumps(body).encode())).status == 400
    assert world.snapshot() == before
