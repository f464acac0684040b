"""Every call that the connector can make, driven through the sandbox, is one that Google's discovery document describes."""

from __future__ import annotations

import httpx2
import pytest

from replica.discovery import Discovery
from replica.google_bench import BASE_URL, Bench, contact, handle
from replica.worlds import WorldClock
from tandem.connectors.google import api
from tandem.connectors.http import make_client
from tandem.core.contact import Address, Edit, Entry
from tandem.replica import Creation, Deletion, Update, Written
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

PREFIX = httpx2.URL(BASE_URL).path
FULL = contact(
    first_name="Anna",
    last_name="Nowak",
    organisation="Acme",
    phones=(Entry("+48 500 000 000", "work mobile", primary=True), Entry("22 555 01 01", "Ferienhaus")),
    emails=(Entry("anna@example.com", "work"), Entry("a@example.com", "", primary=True)),
    messengers=(Entry("anna.n", "google"), Entry("anna", "Threema")),
    address=Address("Długa 1", "Gdańsk", "Pomorskie", "80-001", "Polska"),
)
#: Every call that is built in `api.py`, by the document's name.
CALLS = {
    "people.people.connections.list",
    "people.people.get",
    "people.people.getBatchGet",
    "people.people.createContact",
    "people.people.batchCreateContacts",
    "people.people.updateContact",
    "people.people.batchUpdateContacts",
    "people.people.deleteContact",
    "people.contactGroups.get",
    "people.contactGroups.list",
    "people.contactGroups.create",
    "people.contactGroups.members.modify",
}


class Recorder(httpx2.BaseTransport):
    """Passes requests on and keeps them."""

    def __init__(self, world: World) -> None:
        self._inner = SandboxTransport(world)
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Keep, and pass on."""
        request.read()
        self.requests.append(request)
        return self._inner.handle_request(request)


@pytest.fixture(scope="module")
def discovery() -> Discovery:
    """The document, read once."""
    return Discovery()


def drive(bench: Bench) -> None:
    """Make every call, with everything in it that can be in it."""
    replica = bench.replica
    replica.identity()
    replica.survey()
    replica.enable()
    made = replica.create([Creation(FULL, f"one{n}") for n in range(2)]) + replica.create(
        [Creation(FULL, f"many{n}") for n in range(1010)][:200]
    )
    for n in range(900):
        bench.contact(names=[{"givenName": f"Nr {n}"}])
    cursor = bench.drain()[-1].cursor
    seen = [outcome.observation for outcome in made if isinstance(outcome, Written)]
    assert len(seen) == 202
    changes = {
        "first_name": "Eva",
        "last_name": "",
        "organisation": "Beta",
        "address": Address(text="Lipowa 3"),
        "phones": (Edit(FULL.entries("phones")[1], Entry("1", "mobile", primary=True)), Edit(FULL.entries("phones")[0], None)),
        "emails": (Edit(None, Entry("new@example.com", "Club")),),
        "messengers": (Edit(FULL.entries("messengers")[1], Entry("anna", "jabber")),),
    }
    single = replica.update([Update(one, {name: change}) for one, (name, change) in zip(seen, list(changes.items())[:6], strict=False)])
    many = replica.update([Update(one, dict([list(changes.items())[n % 7]])) for n, one in enumerate(seen[6:])])
    assert all(isinstance(outcome, Written) for outcome in [*single, *many])
    replica.fetch([one.handle for one in seen])
    replica.fetch([seen[0].handle])
    replica.disputed(frozenset(one.handle.id for one in seen[5:]))
    replica.delete(Deletion(single[0].observation))
    bare = bench.see(bench.contact(names=[{"givenName": "Bare"}]))
    replica.delete(Deletion(bare))
    replica.adopt([handle(bench.contact(inside=False, names=[{"givenName": "Outside"}]))])
    bench.drain(cursor)
    api.list_groups(bench.door)
    api.create_group(bench.door, "Kunden")


def test_every_request_is_described_by_google(world: World, clock: WorldClock, discovery: Discovery) -> None:
    """No unknown call, parameter, field, mask path or word; and every call is among those driven here."""
    recorder = Recorder(world)
    bench = Bench(world, clock, make_client(timeout_s=30.0, transport=recorder))
    drive(bench)
    assert [line for request in recorder.requests for line in discovery.complaints(request, PREFIX)] == []
    assert {discovery.called(request, PREFIX) for request in recorder.requests} == CALLS
    assert {entry.status for entry in world.log} == {200}
    assert max(len(str(request.url)) for request in recorder.requests) < 8000


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("GET", "/v1/people/c1", None, "personFields is missing"),
        ("GET", "/v1/people/c1?personFields=names,shoes", None, "unknown path 'shoes'"),
        ("GET", "/v1/people/c1?personFields=names&colour=red", None, "unknown parameter colour"),
        ("GET", "/v1/people/c1?personFields=names&sources=MOON", None, "none of the known words"),
        ("GET", "/v1/people/c1/shoes", None, "no such call"),
        ("GET", "/v1/people/me/connections?personFields=names&pageSize=many", None, "is no integer"),
        ("POST", "/v1/people:createContact", b'{"names": [{"nickname": "x"}]}', "unknown field nickname"),
        ("POST", "/v1/people:createContact", b'{"names": {"givenName": "x"}}', "is no array"),
        ("POST", "/v1/people:batchCreateContacts", b'{"sources": ["MOON"]}', "none of the known words"),
        ("DELETE", "/v1/people/c1:deleteContact", b"{}", "takes no body"),
    ],
)
def test_the_judge_sees_mistakes(discovery: Discovery, method: str, path: str, body: bytes | None, complaint: str) -> None:
    """The check above would notice."""
    request = httpx2.Request(method, f"{BASE_URL}{path}", content=body)
    assert any(complaint in line for line in discovery.complaints(request, PREFIX))
