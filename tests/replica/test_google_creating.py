"""Making contacts at Google: never without group and marker, never twice, and an honest outcome for each."""

from __future__ import annotations

import httpx2
import pytest

from replica.google_bench import Bench, contact
from replica.worlds import WorldClock
from tandem.core.contact import Entry
from tandem.errors import GroupGone, LeaseLost, NotAllowed, QuotaExhausted, RateLimited, TandemError, Unavailable
from tandem.replica import Creation, Refused, Unanswered, Untouched, Written
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World

ONE = "people.createContact"
MANY = "people.batchCreateContacts"


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """A signed-in account with a group."""
    return Bench(world, clock, client)


def creations(count: int) -> list[Creation]:
    """So many, each with a marker of its own."""
    return [Creation(contact(first_name=f"Nr {n}", phones=(Entry("+48 500 000 000", "work"),)), f"tandem1:a:b:{n}:x") for n in range(count)]


@pytest.mark.parametrize(("count", "calls"), [(1, [ONE]), (6, [ONE] * 6), (7, [MANY]), (200, [MANY])])
def test_each_is_made_inside_the_group_and_bears_its_marker(bench: Bench, count: int, calls: list[str]) -> None:
    """Few singly, many in one batch; group, My Contacts and marker come with the same request."""
    wanted = creations(count)
    outcomes = bench.replica.create(wanted)
    assert bench.writes() == calls
    for creation, outcome in zip(wanted, outcomes, strict=True):
        assert isinstance(outcome, Written)
        made = outcome.observation
        assert (made.marker, made.in_scope) == (creation.marker, True)
        assert made.contact.text("first_name") == creation.contact.text("first_name")
        assert set(bench.stored(made.handle.id)["groups"]) == {"myContacts", bench.group.removeprefix("contactGroups/")}


def test_an_empty_contact_is_not_sent(bench: Bench) -> None:
    """It is refused here, and holds up no other."""
    outcomes = bench.replica.create([Creation(contact(), "m0"), *creations(1), Creation(contact(), "m1")])
    assert [type(outcome) for outcome in outcomes] == [Refused, Written, Refused]


@pytest.mark.parametrize(
    "effect", ["lost-request", "lost-answer", "reset", "late", "500", "503", "after-500", "garbage", "400", "404", "409"]
)
def test_a_failed_batch_is_unanswered_and_never_repeated(bench: Bench, effect: str) -> None:
    """Nothing in a creation would make its repetition harmless: whoever recovers looks for the markers."""
    bench.world.faults.add(Rule("google", MANY, effect, times=None))
    outcomes = bench.replica.create(creations(8))
    assert [type(outcome) for outcome in outcomes] == [Unanswered] * 8
    assert bench.writes() == [MANY]


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize(
    ("effect", "error"), [("refused", Unavailable), ("403", NotAllowed), ("429", RateLimited), ("429-daily", QuotaExhausted)]
)
def test_what_concerns_the_account_leaves_all_untouched(bench: Bench, effect: str, error: type[TandemError], count: int) -> None:
    """A definite no, for this one and the rest of the wave, which is not sent."""
    bench.world.faults.add(Rule("google", "reate", effect, times=None))
    outcomes = bench.replica.create(creations(count))
    assert [type(outcome.error) for outcome in outcomes if isinstance(outcome, Untouched)] == [error] * count
    assert len(bench.writes()) == 1
    assert bench.live() == []


def test_one_lost_answer_leaves_the_others_alone(bench: Bench) -> None:
    """Of single creations each is settled by itself."""
    bench.world.faults.add(Rule("google", ONE, "lost-answer", skip=1))
    outcomes = bench.replica.create(creations(3))
    assert [type(outcome) for outcome in outcomes] == [Written, Unanswered, Written]
    assert len(bench.live()) == 3


def test_a_lost_lease_stops_in_the_middle(bench: Bench) -> None:
    """What was made is told; the rest was not sent."""
    sent: list[int] = []

    def gate() -> None:
        sent.append(len(sent))
        if len(sent) > 2:
            raise LeaseLost

    bench.gates.append(gate)
    outcomes = bench.replica.create(creations(5))
    assert [type(outcome) for outcome in outcomes] == [Written] * 2 + [Untouched] * 3
    assert len(bench.live()) == 2


@pytest.mark.parametrize("count", [1, 8])
def test_a_new_group_is_waited_for(bench: Bench, count: int) -> None:
    """It answers 404 for some seconds: that parks nothing and fails nothing."""
    bench.world.google.switches["group_delay_s"] = 3.0
    assert all(isinstance(outcome, Written) for outcome in bench.replica.create(creations(count)))
    assert len(bench.live()) == count


@pytest.mark.parametrize("count", [2, 8])
def test_a_group_that_is_gone_stops_the_link(bench: Bench, count: int) -> None:
    """After a bounded wait, with nothing made."""
    bench.human("delete_group", group=bench.group)
    outcomes = bench.replica.create(creations(count))
    assert [type(outcome.error) for outcome in outcomes if isinstance(outcome, Untouched)] == [GroupGone] * count
    assert sum(bench.clock.waits) < 60
    assert bench.live() == []


def test_a_full_account_says_so(bench: Bench) -> None:
    """The refusal has a sentence for its owner."""
    bench.world.google.switches["contact_limit"] = 1
    outcomes = bench.replica.create(creations(2))
    assert isinstance(outcomes[0], Written)
    assert isinstance(outcomes[1], Refused)
    assert "25,000" in outcomes[1].sentence


def test_an_answer_without_its_members_is_unanswered(bench: Bench) -> None:
    """What the answer does not show by its marker may have happened; the order of an answer proves nothing."""

    class Shuffled(httpx2.BaseTransport):
        def __init__(self, inner: httpx2.BaseTransport) -> None:
            self.inner = inner

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            response = self.inner.handle_request(request)
            if "batchCreate" not in request.url.path:
                return response
            body = response.json()
            body["createdPeople"] = body["createdPeople"][:0:-1]
            return httpx2.Response(200, json=body)

    bench.client = httpx2.Client(transport=Shuffled(bench.client._transport))
    bench.open()
    outcomes = bench.replica.create(creations(8))
    assert [type(outcome) for outcome in outcomes] == [Unanswered] + [Written] * 7
    assert [outcome.observation.marker for outcome in outcomes[1:]] == [f"tandem1:a:b:{n}:x" for n in range(1, 8)]
