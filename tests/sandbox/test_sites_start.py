"""Promise: each button of the start page does what it says; pages are kept apart from the wire, and deeds from other sites are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.google_calls import Google
from sandbox.site_visitor import HOST, Visitor
from tandem.sandbox.control import handle
from tandem.sandbox.pages.frame import MAX_FORM_BYTES
from tandem.sandbox.pages.start import BREAKAGES
from tandem.sandbox.pipedrive_company import API_TOKEN
from tandem.sandbox.seeding import start_anew
from tandem.sandbox.wire import Loss, Request
from tandem.sandbox.world import World

LISTING = {"personFields": "names"}
DEEDS = ["/break", "/mend", "/clock", "/revoke", "/anew", "/contacts/new", "/contacts/labels/new", "/crm/new", "/crm/organizations/new"]


@pytest.fixture
def visitor(world: World) -> Visitor:
    """Somebody before the pages."""
    return Visitor(world)


def change(service: str, token: str) -> Request:
    """A change by an application."""
    if service == "google":
        headers = {"authorization": f"Bearer {token}"}
        return Request("POST", "/google/v1/people:createContact", (), headers, b'{"names": [{"givenName": "Ann"}]}')
    return Request("POST", "/pipedrive/api/v2/persons", (), {"x-api-token": API_TOKEN}, b'{"name": "Ann Lee"}')


@pytest.mark.parametrize("service", ["google", "pipedrive"])
@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_button_breaks_and_another_mends(world: World, visitor: Visitor, service: str, breakage: str) -> None:
    """Calls fail in the way that was chosen, those of the other service do not, and the pages go on working."""
    token = Google(world).sign_in().token
    fields = [("service", service), ("do", breakage)]
    for _ in range(2):
        assert visitor.post("/break", fields).headers["location"] == "/?done=broken"
    (rule,) = world.faults.rules
    seen = set()
    for _ in range(12):
        answer = handle(world, change(service, token))
        seen.add("lost" if answer.loss is Loss.TIMEOUT else "slow" if answer.delay_s else str(answer.status))
    expected = {"quota": {"429"}, "rate": {"429", "200"}, "outage": {"503"}, "lost": {"lost", "200"}, "slow": {"slow"}}
    assert seen == expected[breakage]
    page = visitor.get("/")
    assert "Broken at present" in page
    assert page.count(BREAKAGES[breakage].text) == 3
    visitor.get("/contacts/")
    visitor.get("/crm/")
    other = "pipedrive" if service == "google" else "google"
    assert handle(world, change(other, token)).status == 200
    assert rule.service == service
    assert visitor.send(visitor.form("/", "/mend")) == "/?done=mended"
    assert world.faults.rules == []
    assert "Everything works." in visitor.get("/")


def test_the_consent_is_revoked(world: World, visitor: Visitor) -> None:
    """Tokens that were good are good no more."""
    google = Google(world).sign_in()
    fields = [("service", "google")]
    assert visitor.post("/revoke", fields).headers["location"] == "/?done=revoked"
    assert google.fails("GET", "/v1/people/me/connections", LISTING)[0] == 401
    assert visitor.post("/revoke", fields).headers["location"] == "/?done=nothing-revoked"
    assert visitor.post("/revoke", [("service", "pipedrive")]).headers["location"] == "/?done=nothing-revoked"
    assert world.pipedrive.human_log[-1].op == "uninstall_app"


def test_the_clock_moves(world: World, visitor: Visitor) -> None:
    """By each of its steps, and by nothing else; what is due by then has happened."""
    before = world.clock.now()
    for seconds in ("60", "600", "3600", "86400", "2592000"):
        assert visitor.post("/clock", [("seconds", seconds)]).status == 303
    assert (world.clock.now() - before).total_seconds() == 60 + 600 + 3600 + 86400 + 2592000
    assert "moved by 31 days 1 h 11 min" in visitor.get("/")
    assert visitor.post("/clock", [("seconds", "-60")]).status == 400


@pytest.mark.parametrize(("book", "contacts"), [("demo", 300), ("empty", 0)])
def test_starting_anew_asks_first(world: World, visitor: Visitor, book: str, contacts: int) -> None:
    """The link leads to a question, its button does it."""
    world.google.human("create", {"names": [{"givenName": "Old"}]})
    form = visitor.form(f"/anew?book={book}", "/anew")
    assert len(world.google.human_log) == 1
    assert visitor.send(form) == "/?done=anew"
    state: Any = world.google.state()
    assert state["counters"]["live"] == contacts
    assert world.google.human_log == []
    visitor.get("/anew?book=other", 400)


def test_the_log_shows_requests_and_people(world: World, visitor: Visitor) -> None:
    """The newest first, by service, changes only, in pages; looking at pages adds nothing to it."""
    google = Google(world).sign_in()
    for _ in range(60):
        google.call("GET", "/v1/people/me/connections", LISTING)
        world.clock.advance(1)
    world.pipedrive.human("create_person", {"name": "Ann Lee"})
    requests = len(world.log)
    page = visitor.get("/")
    assert page.index("create person") < page.index("people.connections.list")
    assert page.count("people.connections.list") == 49
    assert visitor.get("/?page=2").count("people.connections.list") == 11
    changes = visitor.get("/?writes=1")
    assert "people.connections.list" not in changes
    assert "create person" in changes
    assert "create person" not in visitor.get("/?service=google")
    assert len(world.log) == requests


@pytest.mark.parametrize("path", DEEDS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": HOST, "origin": "https://example.com"},
        {"host": HOST, "origin": "http://127.0.0.1:8000"},
        {"host": HOST, "origin": "null"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "cross-site"},
        {"host": HOST, "sec-fetch-site": "same-site"},
        {"host": HOST},
    ],
)
def test_a_deed_from_another_site_is_refused(world: World, visitor: Visitor, path: str, headers: dict[str, str]) -> None:
    """Whatever it is, nothing is done."""
    fields = [("service", "google"), ("do", "outage"), ("seconds", "60"), ("book", "demo"), ("name", "X"), ("first_name", "X")]
    before = world.snapshot()
    response = visitor.post(path, fields, headers)
    assert response.status == 400
    assert b"sent from another site" in response.body
    assert world.snapshot() == before


def test_the_control_api_refuses_other_sites_too(world: World) -> None:
    """A page elsewhere cannot go round the buttons; a program, which says nothing of sites, can."""
    body = json.dumps({"advance_s": 60}).encode()
    assert handle(world, Request("POST", "/_sandbox/clock", (), {"host": HOST, "origin": "https://example.com"}, body)).status == 403
    assert world.clock.offset_s == 0
    assert handle(world, Request("POST", "/_sandbox/clock", (), {"host": HOST}, body)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/contacts/person/nobody",
        "/contacts/nothing",
        "/contacts/u/9/",
        "/crm/person/999",
        "/crm/person/x",
        "/crm/organization/9",
        "/crm/u/7/",
    ],
)
def test_what_is_not_there_is_said_kindly(visitor: Visitor, path: str) -> None:
    """A page with a way back."""
    page = visitor.get(path, 404)
    assert "<h1>Not here</h1>" in page
    assert 'class="button"' in page


def test_headers_of_a_page(world: World, visitor: Visitor) -> None:
    """No code or style but from files, nothing kept, no frame, no guessing of types."""
    response = handle(world, Request("GET", "/"))
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    page = visitor.get("/")
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "prefers-color-scheme: dark" in visitor.get(address)
    assert handle(world, Request("GET", "/contacts")).headers["location"] == "/contacts/"
    assert handle(world, Request("HEAD", "/crm/")).status == 200


def test_odd_requests_are_refused_kindly(visitor: Visitor, world: World) -> None:
    """Too much, not text, or an address that only a button leads to."""
    assert visitor.post("/contacts/new", [("notes", "x" * MAX_FORM_BYTES)]).status == 400
    assert handle(world, Request("POST", "/crm/new", (), {"host": HOST, "origin": f"http://{HOST}"}, b"\xff")).status == 400
    assert visitor.post("/break", [("service", "google"), ("do", "nothing")]).status == 400
    assert visitor.post("/contacts/", []).status == 404
    visitor.get("/mend", 404)


def test_the_demo_book_is_shown(world: World, visitor: Visitor) -> None:
    """The whole way through every page of a filled world."""
    start_anew(world, "demo")
    assert "300 contacts" in visitor.get("/")
    assert "Page 1 of 6 · 300 contacts" in visitor.get("/contacts/")
    for address in (
        "/contacts/labels",
        "/contacts/trash",
        "/crm/",
        "/crm/organizations",
        "/crm/deleted",
        "/crm/person/1",
        "/crm/organization/1",
    ):
        visitor.get(address)
