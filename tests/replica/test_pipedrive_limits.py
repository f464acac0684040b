"""Promise: Tandem stays within the burst and its share of the tokens, and what Pipedrive refuses is understood by one table."""

from __future__ import annotations

import heapq
import json
from datetime import UTC, datetime, timedelta
from random import Random

import httpx2
import pytest

from depth import SEED
from replica.pipedrive_bench import Bench, Ledger, create, handle
from replica.worlds import START, WorldClock
from tandem.connectors.http import Answer, Call
from tandem.connectors.pipedrive.api import Operation
from tandem.connectors.pipedrive.budget import TokenBudget
from tandem.connectors.pipedrive.reasons import Complaint, complaints, explainer
from tandem.core.contact import FIRST_NAME, Contact
from tandem.errors import (
    AccountClosed,
    ConsentNarrowed,
    NotAllowed,
    NotThere,
    QuotaExhausted,
    RateLimited,
    Rejected,
    TandemError,
    Unavailable,
)
from tandem.replica import Untouched, Work, Written
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World

JSON = {"content-type": "application/json"}
HASH = "0123456789abcdef0123456789abcdef01234567"
ADD = Operation.ADD_PERSON.call(body={})


def answer(status: int, said: str = "", headers: dict[str, str] | None = None, **more: object) -> Answer:
    """A refusal as Pipedrive words it."""
    return Answer(status, {**JSON, **(headers or {})}, json.dumps({"success": False, "error": said, **more}).encode())


def v(said: str) -> str:
    """The opening of a complaint about parameters."""
    return f"Validation failed: {said}"


@pytest.mark.parametrize(
    ("refusal", "error", "reason"),
    [
        (answer(400, v("phones.0.value: The value is not a valid 'string'")), Rejected, "phones=invalid"),
        (
            answer(400, v("first_name: Parameter 'first_name' is not allowed for this request; org_id: no")),
            Rejected,
            "first_name=unknown org_id=invalid",
        ),
        (answer(400, v(f"custom_fields: Unknown key '{HASH}'")), Rejected, f"{HASH}=unknown"),
        (answer(400, v("custom_fields: Unknown key 'title'")), Rejected, "custom_fields=unknown"),
        (answer(400, v(f"custom_fields.{HASH}.value: The value is required")), Rejected, f"{HASH}=invalid"),
        (
            answer(400, "Cannot set 'name' and 'first_name'/'last_name' at the same time"),
            Rejected,
            "name=unknown first_name=unknown last_name=unknown",
        ),
        (answer(400, v("anna@example.com: is nobody; Anna Kowalska: neither")), Rejected, ""),
        (answer(400), Rejected, ""),
        (Answer(400, {}, b"<html>"), Rejected, ""),
        (answer(402, "Company account is not open"), AccountClosed, None),
        (answer(403, "You do not have permissions to do this."), NotAllowed, ""),
        (answer(403, "No.", code="feature_capping_custom_fields_limit"), NotAllowed, "feature_capping_custom_fields_limit"),
        (answer(403, "Contact sync is not enabled"), NotAllowed, "contact-sync"),
        (answer(403, "Scope and URL mismatch", errorCode=403), ConsentNarrowed, None),
        (Answer(403, {"content-type": "text/html"}, b"<!DOCTYPE html>"), Unavailable, "blocked"),
        (answer(404, "Person not found"), NotThere, ""),
        (answer(405), Rejected, ""),
        (answer(410), Rejected, ""),
        (answer(422), Rejected, ""),
        (answer(429), RateLimited, ""),
        (answer(429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}), RateLimited, ""),
        (answer(429, headers={"x-ratelimit-remaining": "7"}), QuotaExhausted, ""),
        (answer(429, headers={"x-ratelimit-reset": "40000"}), QuotaExhausted, ""),
        (answer(429, headers={"x-daily-ratelimit-token-remaining": "0"}), QuotaExhausted, ""),
    ],
)
def test_what_a_refusal_means(clock: WorldClock, refusal: Answer, error: type[TandemError], reason: str | None) -> None:
    """The table: status, headers and words to one error; of the words only names of parameters are kept."""
    found = explainer(clock)(ADD, refusal)

    assert type(found) is error
    assert reason is None or found.reason == reason
    assert "anna@example.com" not in str(found) + str(vars(found))


def test_complaints_are_read_back() -> None:
    """What stands in the reason is taken apart again; anything else is nothing."""
    error = Rejected(reason=f"phones=invalid {HASH}=unknown something=else")

    assert complaints(error) == (Complaint("phones"), Complaint(HASH, is_unknown=True))


@pytest.mark.parametrize(
    ("headers", "wait_s"), [({}, 2.0), ({"x-ratelimit-reset": "1"}, 1.0), ({"retry-after": "9"}, 9.0), ({"retry-after": "soon"}, 2.0)]
)
def test_how_long_to_wait(clock: WorldClock, headers: dict[str, str], wait_s: float) -> None:
    """As the headers say; without any, the length of the window."""
    found = explainer(clock)(ADD, answer(429, headers=headers))

    assert isinstance(found, RateLimited)
    assert found.retry_after_s == wait_s


def test_when_the_day_starts_anew(clock: WorldClock) -> None:
    """As the header says, else at midnight UTC."""
    told = explainer(clock)(ADD, answer(429, headers={"x-ratelimit-reset": "7200"}))
    guessed = explainer(clock)(ADD, answer(429, headers={"x-daily-ratelimit-token-remaining": "0"}))

    assert (told.until, guessed.until) == (START + timedelta(hours=2), datetime(2026, 11, 17, tzinfo=UTC))


# --- the budget -------------------------------------------------------------------------------------------------------------

LIST = Operation.GET_PERSONS.call()
CHEAP = Operation.GET_PERSON.call(id_="1")


def fine(left: int | None = None, limit: int | None = None) -> Answer:
    """A success that tells of the company's budget, or not."""
    headers = {"x-daily-ratelimit-token-limit": limit, "x-daily-ratelimit-token-remaining": left}
    return Answer(200, {name: str(value) for name, value in headers.items() if value is not None}, b"{}")


def test_no_burst_is_answered_by_429(world: World, clock: WorldClock, client: httpx2.Client) -> None:
    """A hundred calls in a row: Tandem waits as long as the window asks, and no longer."""
    bench = Bench(world, clock, client, ledger=Ledger())
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica(layout="")

    for _ in range(100):
        replica.fetch([handle(person)])

    assert {entry.status for entry in world.log} == {200}
    assert sum(clock.waits) == pytest.approx(8.0, abs=2.0)


def test_no_two_seconds_see_more_calls_than_allowed_wherever_the_service_counts(clock: WorldClock) -> None:
    """Calls that take up to three seconds, four at once: each may arrive at any moment between its leaving and its answer."""
    budget = TokenBudget(clock, Ledger(), burst_calls=6, daily_tokens=1_000_000)
    chance, arrivals = Random(SEED), []
    under_way: list[tuple[datetime, int, Call]] = []
    for number in range(400):
        if len(under_way) == 4:
            ends_at, _, call = heapq.heappop(under_way)
            clock.sleep((ends_at - clock.now()).total_seconds())
            budget.after(call, fine())
        call = Operation.ADD_PERSON.call(body={})
        budget.before(call)
        takes = timedelta(seconds=chance.choice((0.0, 0.05, 0.3, 3.0)))
        arrivals.append(clock.now() + takes * chance.random())
        heapq.heappush(under_way, (clock.now() + takes, number, call))

    arrivals.sort()
    assert all(later - first >= timedelta(seconds=2) for first, later in zip(arrivals, arrivals[6:], strict=False))


def test_a_call_given_up_before_it_left_holds_its_place_for_two_minutes_at_most(clock: WorldClock) -> None:
    """Otherwise so many of them would close the door for ever."""
    budget = TokenBudget(clock, Ledger(), burst_calls=2)
    for _ in range(3):
        budget.before(Operation.ADD_PERSON.call(body={}))

    assert timedelta(minutes=2) <= clock.now() - START <= timedelta(minutes=2, seconds=1)


def test_never_more_than_our_share(clock: WorldClock) -> None:
    """Half of 100 tokens: five lists pass, the sixth waits for midnight; a call without price passes."""
    ledger = Ledger()
    budget = TokenBudget(clock, ledger, daily_tokens=100, share_percent=50)
    for _ in range(5):
        budget.before(LIST)

    with pytest.raises(QuotaExhausted) as caught:
        budget.before(CHEAP)

    assert caught.value.until == datetime(2026, 11, 17, tzinfo=UTC)
    assert (ledger.tokens, budget.share, budget.used) == (50, 50, 50)
    budget.before(Call("free", "GET", "/"))


def test_the_companys_own_figure_counts(clock: WorldClock) -> None:
    """Where an answer tells the size of the budget and what is left, it goes before what was configured and what we know."""
    budget = TokenBudget(clock, Ledger(), daily_tokens=100, share_percent=50)

    budget.after(LIST, fine(left=900, limit=1000))
    budget.after(Call("free", "GET", "/"), fine(left=1, limit=1))
    budget.after(LIST, None)

    assert (budget.daily_limit, budget.share, budget.used) == (1000, 500, 100)


def test_an_exhausted_company_is_looked_at_once_an_hour(clock: WorldClock) -> None:
    """Nothing dear is sent; one cheap call an hour finds out that the day has turned."""
    ledger = Ledger()
    budget = TokenBudget(clock, ledger, share_percent=100)
    budget.before(LIST)
    budget.after(LIST, answer(429, headers={"x-ratelimit-reset": "43200"}))

    for call in (LIST, CHEAP):
        with pytest.raises(QuotaExhausted) as caught:
            budget.before(call)
    clock.sleep(3601)
    budget.before(CHEAP)
    with pytest.raises(QuotaExhausted):
        budget.before(CHEAP)
    budget.after(CHEAP, fine(left=30_000, limit=30_000))
    budget.before(LIST)

    assert caught.value.until == START + timedelta(hours=12)
    assert ledger.tokens == 10 + 1 + 10


def test_what_is_not_there_is_not_asked_for(clock: WorldClock) -> None:
    """Three tokens are left in the company: a list is not even sent; after the day has turned it is."""
    budget = TokenBudget(clock, Ledger(), share_percent=100)
    budget.after(LIST, fine(left=3, limit=30_000))

    with pytest.raises(QuotaExhausted):
        budget.before(LIST)
    clock.sleep(16 * 3600)

    budget.before(LIST)


def test_a_page_instead_of_an_answer_means_silence(clock: WorldClock) -> None:
    """The network in front of Pipedrive blocks: a quarter of an hour nothing is sent at all."""
    ledger = Ledger()
    budget = TokenBudget(clock, ledger)
    budget.after(LIST, Answer(403, {"content-type": "text/html"}, b"<html>"))

    with pytest.raises(Unavailable):
        budget.before(CHEAP)
    clock.sleep(15 * 60 + 1)
    budget.before(CHEAP)

    assert ledger.tokens == 1


@pytest.mark.parametrize("headers", [True, False])
def test_exhaustion_against_the_sandbox(world: World, clock: WorldClock, client: httpx2.Client, headers: bool) -> None:
    """A company whose tokens are spent, whether it says so or not: few calls find out, none hammers, and the next day all is well."""
    ledger = Ledger()
    bench = Bench(world, clock, client, budget=TokenBudget(clock, ledger, share_percent=100))
    bench.switch(daily_tokens=32, burst_headers=headers, daily_headers=headers)
    replica = bench.replica(layout="")

    outcomes = []
    for _ in range(30):
        outcomes += [create(replica, Contact({FIRST_NAME: "Anna"}))]
        clock.sleep(5)
    refused = [entry for entry in world.log if entry.status == 429]
    clock.sleep(16 * 3600)
    ledger.tokens = 0

    assert [isinstance(outcome, Written) for outcome in outcomes] == [True] * 6 + [False] * 24
    assert all(isinstance(outcome, Untouched) for outcome in outcomes[6:])
    assert isinstance(outcomes[-1].error, QuotaExhausted)
    assert len(refused) <= (1 if headers else 5)
    assert isinstance(create(replica, Contact({FIRST_NAME: "Anna"})), Written)


def test_a_write_that_met_the_burst_limit_goes_again_in_a_moment(world: World, clock: WorldClock, client: httpx2.Client) -> None:
    """The limit says that nothing was done; the person is made once, after a short wait, without stopping the link."""
    bench = Bench(world, clock, client)
    replica = bench.replica()
    world.faults.add(Rule("pipedrive", "addPerson", "429", times=2))

    outcome = create(replica, Contact({FIRST_NAME: "Anna"}))

    assert isinstance(outcome, Written)
    assert bench.kinds().count("addPerson") == 3
    assert len(world.pipedrive.state()["persons"]) == 1


def test_looking_has_a_quarter_and_a_tenth_is_kept(clock: WorldClock) -> None:
    """Looking ends at a quarter of our share, looking and first syncs at nine tenths of it; what people changed goes to the last token."""
    ledger, looked = Ledger(), Ledger()
    budget = TokenBudget(clock, ledger, daily_tokens=400, share_percent=50, looked=looked)
    look = Operation.GET_PERSONS.call()
    budget.work = Work.LOOKING
    for _ in range(5):
        budget.before(look)
    with pytest.raises(QuotaExhausted) as refused:
        budget.before(look)
    assert (refused.value.reason, looked.tokens, ledger.tokens) == ("looking", 50, 50)
    budget.work = Work.FIRST
    for _ in range(26):
        budget.before(ADD)
    with pytest.raises(QuotaExhausted) as refused:
        budget.before(ADD)
    assert (refused.value.reason, ledger.tokens) == ("first", 180)
    budget.work = Work.PEOPLE
    for _ in range(4):
        budget.before(ADD)
    with pytest.raises(QuotaExhausted) as refused:
        budget.before(ADD)
    assert (refused.value.reason, ledger.tokens, looked.tokens) == ("", 200, 50)
