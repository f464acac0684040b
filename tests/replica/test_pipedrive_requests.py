"""Promise: no request of the Pipedrive connector bears a parameter, property or enum value that Pipedrive has not published.

Every call that the connector can make is driven through the sandbox, and each request is held against the vendor's own types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from replica.node import NoNpmError
from replica.pipedrive_bench import Bench, added, body_of, create, delete, drain, handle, make_reference, see, update, written
from replica.vendor_types import Operation, Published, published
from replica.worlds import WorldClock
from tandem.connectors.http import make_client
from tandem.connectors.pipedrive.api import Operation as Ours
from tandem.connectors.pipedrive.webhook import Subscriptions, Ticket
from tandem.core.contact import (
    ADDRESS,
    EMAILS,
    FIRST_NAME,
    LAST_NAME,
    MESSENGERS,
    ORGANISATION,
    PHONES,
    Address,
    Contact,
    Edit,
    Entry,
)
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

PARTS = "the guide to API v2 documents both parts in the place of `name`; users of the API report that they are taken; the types lag behind"
CLEARED = "the types know no null here, and document no other way to clear; where it is refused another form is sent (see writing.py)"
#: What is sent although the types do not have it, each with the reason.
ALLOWED = {
    "addPerson.first_name: is not published": PARTS,
    "addPerson.last_name: is not published": PARTS,
    "updatePerson.first_name: is not published": PARTS,
    "updatePerson.last_name: is not published": PARTS,
    "updatePerson.org_id: null is not published": CLEARED,
    "updatePerson.postal_address: null is not published": CLEARED,
}

CONTACT = Contact(
    {
        FIRST_NAME: "Anna",
        LAST_NAME: "Kowalska",
        ORGANISATION: "Acme",
        EMAILS: (Entry("a@example.com", "work", primary=True),),
        PHONES: (Entry("+48 600 100 200", "mobile", primary=True),),
        MESSENGERS: (Entry("anna", "skype", primary=True),),
        ADDRESS: Address("Prosta 5", "Warszawa", "mazowieckie", "00-001", "Polska"),
    }
)


@dataclass
class Recorder(SandboxTransport):
    """Keeps every request."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Keep it and pass it on."""
        self.requests.append(request)
        return super().handle_request(request)


@pytest.fixture(scope="module")
def types() -> Published:
    """What the vendor publishes."""
    try:
        return published()
    except NoNpmError as error:
        pytest.skip(f"NOT CHECKED against Pipedrive's published types: {error}")


def everything(bench: Bench, clock: WorldClock, *, sync: bool) -> None:
    """Every call of the connector, with every parameter that it may bear."""
    bench.switch(contact_sync_enabled=sync)
    replica = bench.replica(scope="visible", visible_to=3)
    replica.identity()
    replica.survey()
    replica.api.filters()
    make_reference(replica, "Acme")
    make_reference(replica, "Zenith")
    seen = written(create(replica, CONTACT))
    seen = written(
        update(
            replica,
            seen,
            first_name="Hanna",
            organisation="Zenith",
            emails=added(Entry("b@example.com", "Newsletter")),
            phones=added(Entry("22 555 01 01", "")),
            messengers=added(Entry("a@example.com", "jabber")),
            address=Address("Kręta 7", "Kraków", "", "30-001", "Polska"),
        )
    )
    listed = {name: tuple(Edit(entry, None) for entry in seen.contact.entries(name)) for name in (EMAILS, PHONES, MESSENGERS)}
    seen = written(update(replica, seen, **listed, organisation="", address=Address(), last_name=""))
    bench.switch(null_address="refuse")
    seen = written(update(replica, seen, address=CONTACT.address()))
    seen = written(update(replica, seen, address=Address()))
    nameless = written(create(replica, Contact({EMAILS: CONTACT.entries(EMAILS)})))
    more = [bench.person(first_name=f"P{number}", last_name="X") for number in range(12)]
    far = bench.human("create_organization", name="Unknown yet")
    bench.human("update_person", id=int(more[0]), org_id=far["id"])
    see(replica, more[0])
    clock.sleep(5)
    cursor = drain(replica)[-1].cursor
    drain(replica, cursor)
    replica.fetch([handle(id_) for id_ in more])
    replica.disputed(frozenset(more))
    replica.has_attachments(handle(more[0]))
    delete(replica, nameless)
    chosen = bench.human("create_filter", name="Mine", conditions=[{"field": "owner_id", "value": 1}])["id"]
    drain(bench.replica(scope=f"filter:{chosen}"))
    subscriptions = Subscriptions(replica.api)
    subscriptions.end(subscriptions.ensure((), "https://tandem.example.com/hooks/pipedrive/aaa", Ticket.new()).ids)
    for number in range(501):
        bench.person(first_name=f"Q{number}", last_name="X")
    drain(replica)


def findings(types: Published, request: httpx2.Request) -> Iterator[str]:
    """Say what a request bears that is not published."""
    path = request.url.path.removeprefix("/pipedrive")
    operation = types.find(request.method, path)
    if operation is None:
        yield f"{request.method} {path}: no such call"
        return
    yield from types.query_findings(operation, request.url.params.multi_items())
    if request.read():
        if operation.body:
            yield from types.body_findings(operation.body, body_of(request), operation.name)
        else:
            yield f"{operation.name}: takes no body"


@pytest.mark.parametrize("sync", [True, False])
def test_every_request_is_published(types: Published, world: World, clock: WorldClock, sync: bool) -> None:
    """Nothing but what is listed above, and the calls bear the vendor's own names."""
    recorder = Recorder(world)
    with make_client(timeout_s=30.0, transport=recorder) as client:
        everything(Bench(world, clock, client), clock, sync=sync)

    found = {finding for request in recorder.requests for finding in findings(types, request)}
    called = {types.find(request.method, request.url.path.removeprefix("/pipedrive")).name for request in recorder.requests}

    assert sorted(found - ALLOWED.keys()) == []
    assert called == {one.kind for one in Ours}
    if sync:
        assert sorted(ALLOWED.keys() - found) == []


def test_prices_are_those_of_the_sandbox(world: World, clock: WorldClock, client: httpx2.Client) -> None:
    """What a call is counted with is what the service takes for it."""
    bench = Bench(world, clock, client)
    everything(bench, clock, sync=True)

    assert {(entry.kind, sum(entry.tokens.values())) for entry in world.log} <= {(one.kind, one.tokens) for one in Ours}


def test_the_check_sees_what_is_wrong(types: Published) -> None:
    """A wrong name, type or value in query and body is found, at any depth."""
    listing = types.find("GET", "/api/v2/persons")
    assert isinstance(listing, Operation)

    wrong = [("page", "1"), ("limit", "many"), ("sort_by", "name"), ("include_fields", "open_deals_count,hat_size")]
    assert len(list(types.query_findings(listing, wrong))) == 4
    assert list(types.query_findings(listing, [("limit", "500"), ("sort_by", "id")])) == []
    body = {
        "nme": "x",
        "owner_id": "1",
        "emails": [{"value": "x", "kind": "y"}],
        "phones": {},
        "org_id": True,
        "visible_to": None,
        "im": ["x"],
    }
    assert len(list(types.body_findings("AddPersonRequest", body, ""))) == 7
    assert len(list(types.body_findings("AddPersonFieldRequest", {"field_name": "x", "field_type": "varchr"}, ""))) == 1
    assert list(types.body_findings("AddOrganizationRequest", {"name": "x", "website": None}, "")) == []
    assert types.find("GET", "/api/v2/persons/7").name == "getPerson"
    assert types.find("GET", "/api/v1/users/me").name == "getCurrentUser"
    assert types.find("PUT", "/api/v2/persons") is None
