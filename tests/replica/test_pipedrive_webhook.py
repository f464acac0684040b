"""Promise: a delivery of Pipedrive is a hint and nothing more; our webhooks are made, found again, made anew and ended."""

from __future__ import annotations

import json

import httpx2
import pytest

from replica.pipedrive_bench import Bench
from replica.worlds import WorldClock
from tandem.connectors.http import make_client
from tandem.connectors.pipedrive.api import Api
from tandem.connectors.pipedrive.webhook import Subscribed, Subscriptions, Ticket, hints_of
from tandem.core.state import RecordId, Version
from tandem.errors import Malformed
from tandem.replica import Handle, Hint
from tandem.sandbox.pipedrive_webhooks import basic
from tandem.sandbox.world import World

URL, OTHER = "https://tandem.example.com/hooks/pipedrive/aaa", "https://tandem.example.com/hooks/pipedrive/bbb"
TICKET = Ticket("aaa", "user", "password")


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """An administrator."""
    return Bench(world, clock, client)


def heard(bench: Bench) -> list[Hint]:
    """What Pipedrive tells now, once per webhook."""
    due = bench.world.pipedrive.due_deliveries(bench.clock.now())
    for delivery in due:
        assert TICKET.opens(delivery.headers["authorization"])
        bench.world.pipedrive.delivered(delivery.id, 200)
    return [hint for delivery in due for hint in hints_of(delivery.body)]


def test_what_is_announced(bench: Bench) -> None:
    """Creation, change, deletion, merge and organisations, as the service tells of them; of content nothing is kept."""
    subscribed = Subscriptions(Api(bench.door)).ensure((), URL, TICKET)
    assert len(subscribed.ids) == 2
    first, second = (bench.person(first_name=name, last_name="Secret") for name in ("Ann", "Ben"))
    born = heard(bench)
    assert [(hint.handle.id, hint.is_gone, hint.is_reference) for hint in born] == [(first, False, False), (second, False, False)]
    assert all(hint.version and hint.trace and "Secret" not in repr(hint) for hint in born)
    bench.human("delete_person", id=int(first))
    gone = heard(bench)
    assert [(hint.handle.id, hint.is_gone, hint.version) for hint in gone] == [(first, True, "")]
    made = bench.human("create_organization", name="Works")
    assert [(hint.handle.id, hint.is_reference) for hint in heard(bench)] == [(str(made["id"]), True)]


def test_a_merge_names_the_survivor() -> None:
    """The loser's deletion says into whom it went; the survivor is worth a look, too."""
    meta = {"entity": "person", "action": "delete", "entity_id": "7", "merged_to_id": "9", "correlation_id": "x" * 99}
    hints = hints_of(json.dumps({"data": None, "previous": {"name": "Gone"}, "meta": meta}).encode())
    assert hints == (
        Hint(Handle(RecordId("7"), "7"), Version(""), is_gone=True, merged_into=RecordId("9"), trace="x" * 60),
        Hint(Handle(RecordId("9"), "9"), trace="x" * 60),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"{}x", b'{"meta": []}', b'{"meta": {"entity": "person", "action": "explode", "entity_id": "1"}}',
        b'{"meta": {"entity": "person", "action": "change"}}', b'{"meta": {"entity": "person", "action": "change", "entity_id": "../1"}}',
        b'{"meta": {"entity": "person", "action": "change", "entity_id": "1"}, "data": {"update_time": "yesterday"}}',
        b'{"meta": {"entity": "person", "action": "change", "entity_id": true}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_delivery(content: bytes) -> None:
    """Anything else is Malformed, never a guess."""
    with pytest.raises(Malformed):
        hints_of(content)


def test_other_kinds_are_passed_over() -> None:
    """Deals and what else there is announce nothing."""
    assert hints_of(b'{"meta": {"entity": "deal", "action": "change", "entity_id": "1"}}') == ()


def test_the_ticket() -> None:
    """Only the very credentials open; two tickets have nothing in common."""
    assert TICKET.opens(basic("user", "password"))
    for wrong in ("", "Basic", "Basic !!!", basic("user", "passwort"), basic("", ""), basic("user", "password").replace("Basic", "Bearer")):
        assert not TICKET.opens(wrong)
    one, other = Ticket.new(), Ticket.new()
    assert {one.place, one.user, one.password}.isdisjoint({other.place, other.user, other.password})
    assert len(one.place) >= 32


def test_found_again_moved_and_dropped(bench: Bench) -> None:
    """A second look makes nothing; another address ends the old ones; those that Pipedrive dropped are made anew, which is a gap."""
    subscriptions = Subscriptions(Api(bench.door))
    first = subscriptions.ensure((), URL, TICKET)
    assert first.has_gap
    assert subscriptions.ensure(first.ids, URL, TICKET) == Subscribed(first.ids)
    moved = subscriptions.ensure(first.ids, OTHER, TICKET)
    assert not set(moved.ids) & set(first.ids)
    there = bench.world.pipedrive.company.outbox.webhooks
    assert [one.url for one in there.values()] == [OTHER, OTHER]
    bench.world.pipedrive.company.outbox.remove(int(moved.ids[0]))
    again = subscriptions.ensure(moved.ids, OTHER, TICKET)
    assert (again.has_gap, again.ids[1]) == (True, moved.ids[1])
    subscriptions.end(again.ids)
    subscriptions.end(again.ids)
    assert not there


def test_a_ban_is_a_gap(bench: Bench) -> None:
    """Deliveries that failed since are a reason to look at once."""
    subscriptions = Subscriptions(Api(bench.door))
    ids = subscriptions.ensure((), URL, TICKET).ids
    bench.person(first_name="Ann", last_name="Secret")
    for delivery in bench.world.pipedrive.due_deliveries(bench.clock.now()):
        bench.world.pipedrive.delivered(delivery.id, 500)
    assert subscriptions.ensure(ids, URL, TICKET) == Subscribed(ids, has_gap=True)


@pytest.mark.parametrize("room", [0, 1])
def test_no_room(bench: Bench, room: int) -> None:
    """The limit of forty is a reason that is told, and half of our webhooks is none: nothing stays behind."""
    bench.switch(webhook_limit=room)
    found = Subscriptions(Api(bench.door)).ensure((), URL, TICKET)
    assert (found.ids, "as many webhooks as" in found.sentence) == ((), True)
    assert not bench.world.pipedrive.company.outbox.webhooks


def test_no_right(bench: Bench, clock: WorldClock) -> None:
    """A user who may not have webhooks is told so."""
    forbidden = httpx2.MockTransport(lambda _: httpx2.Response(403, json={"success": False, "error": "Only admins may."}))
    refused = Bench(bench.world, clock, make_client(timeout_s=5.0, transport=forbidden))
    assert "administrators" in Subscriptions(Api(refused.door)).ensure((), URL, TICKET).sentence
