"""The door to the network, against the sandbox's faults: what is repeated, what never is, and what an error may say."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx2
import pytest

from replica.google_bench import Bench
from replica.worlds import WorldClock
from tandem.connectors.google import api
from tandem.connectors.http import READ_ATTEMPTS, Answer, Call, Door, make_client
from tandem.connectors.wire import parse, whole_characters
from tandem.errors import (
    LeaseLost,
    Malformed,
    NotAllowed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    ReconnectNeeded,
    TandemError,
    Unavailable,
)
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World

PERSON = {"names": [{"givenName": "Ann", "familyName": "Secretname"}]}
READ = "contactGroups.list"
WRITE = "people.createContact"


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """A signed-in account."""
    return Bench(world, clock, client)


def make(bench: Bench) -> Answer:
    """One write."""
    return bench.door.send(api.create_person(PERSON))


@pytest.mark.parametrize("effect", ["refused", "lost-request", "lost-answer", "reset", "500", "502", "503", "after-503"])
def test_a_read_is_repeated_while_the_service_is_away(bench: Bench, effect: str) -> None:
    """Two failures of any passing kind are waited out, by the injected clock, and the answer comes."""
    bench.world.faults.add(Rule("google", READ, effect, times=2))
    assert api.list_groups(bench.door)
    assert bench.clock.waits == [1.0, 2.0]


def test_a_read_gives_up(bench: Bench) -> None:
    """A service that stays away is left to the schedule, after a few tries."""
    bench.world.faults.add(Rule("google", READ, "503", times=None))
    with pytest.raises(Unavailable):
        api.list_groups(bench.door)
    assert bench.kinds() == [READ] * READ_ATTEMPTS


def test_a_limit_of_the_minute_is_waited_out(bench: Bench) -> None:
    """Where no answer says how long, the waits together outlast the minute."""
    bench.world.faults.add(Rule("google", READ, "429", times=READ_ATTEMPTS - 1))
    assert api.list_groups(bench.door)
    assert sum(bench.clock.waits) > 60


def test_an_exhausted_quota_is_not_knocked_at(bench: Bench) -> None:
    """The quota of a day is no matter of seconds: one request, and an error that says until when."""
    bench.world.faults.add(Rule("google", READ, "429-daily", times=None))
    with pytest.raises(QuotaExhausted) as caught:
        api.list_groups(bench.door)
    assert caught.value.until > bench.clock.now()
    assert bench.kinds() == [READ]


@pytest.mark.parametrize("effect", ["lost-request", "lost-answer", "reset", "late", "500", "502", "503", "after-500", "garbage"])
def test_a_write_is_sent_once_and_its_loss_is_unknown(bench: Bench, effect: str) -> None:
    """Whatever is lost after the first byte may have happened; it is never sent again."""
    bench.world.faults.add(Rule("google", WRITE, effect, times=None))
    with pytest.raises(OutcomeUnknown):
        make(bench)
    assert bench.kinds() == [WRITE]
    assert bench.clock.waits == []


def test_a_write_that_never_left_is_a_definite_no(bench: Bench) -> None:
    """No connection: nothing was done, and that is certain."""
    bench.world.faults.add(Rule("google", WRITE, "refused", times=None))
    with pytest.raises(Unavailable):
        make(bench)
    assert bench.live() == []


@pytest.mark.parametrize(("effect", "error"), [("429", RateLimited), ("403", NotAllowed)])
def test_a_refused_write_is_not_repeated(bench: Bench, effect: str, error: type[TandemError]) -> None:
    """A limit or a prohibition is a definite no, and what to do about it is not the door's to decide."""
    bench.world.faults.add(Rule("google", WRITE, effect, times=None))
    with pytest.raises(error):
        make(bench)
    assert bench.kinds() == [WRITE]


def test_a_dead_token_is_renewed_once_also_for_a_write(bench: Bench) -> None:
    """A 401 is a definite no of any call: under the next token it goes again, and is applied once."""
    api.list_groups(bench.door)
    bench.world.clock.advance(2 * 3600)
    make(bench)
    assert bench.authorization.renewals == 1
    assert len(bench.live()) == 1


def test_withdrawn_consent_asks_to_reconnect(bench: Bench) -> None:
    """When no token helps, the link needs a person."""
    api.list_groups(bench.door)
    bench.human("revoke")
    with pytest.raises(ReconnectNeeded):
        api.list_groups(bench.door)


def test_a_lost_lease_stops_writes_and_only_these(bench: Bench) -> None:
    """The gate is asked right before every write, and before no read."""

    def gate() -> None:
        raise LeaseLost

    bench.gates.append(gate)
    api.list_groups(bench.door)
    with pytest.raises(LeaseLost):
        make(bench)
    assert bench.kinds() == [READ]


def test_nothing_private_is_logged_or_raised(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Logs and errors hold kinds and codes: no token, no URL, no name, nothing that the service wrote."""
    caplog.set_level(logging.DEBUG)
    make(bench)
    bench.world.faults.add(Rule("google", WRITE, "400", times=None))
    with pytest.raises(TandemError) as caught:
        make(bench)
    said = caplog.text + str(caught.value) + repr(vars(caught.value))
    assert WRITE in said
    for secret in (bench.authorization.token, "Secretname", "sandbox.test", "personFields", "invalid argument"):
        assert secret not in said


class _Canned(httpx2.BaseTransport):
    """A server of one answer; remembers what it was asked."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.response


class _Free:
    def before(self, call: Call) -> None:
        pass

    def after(self, call: Call, answer: Answer | None) -> None:
        pass


class _Open:
    def headers(self) -> dict[str, str]:
        return {"authorization": "Bearer x"}

    def renew(self) -> bool:
        return False


def _door(clock: WorldClock, transport: httpx2.BaseTransport) -> Door:
    return Door(
        service="canned",
        base_url="http://canned.test/",
        client=make_client(timeout_s=1.0, transport=transport),
        authorization=_Open(),
        budget=_Free(),
        clock=clock,
        explain=lambda call, answer: Malformed(f"{call.kind} {answer.status}"),
        before_write=lambda: None,
        timeout_s=10.0,
    )


def test_a_query_arrives_as_it_was_meant(clock: WorldClock) -> None:
    """Whatever stands in a value - signs of addresses, blanks, other alphabets - is one value over there."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={})

    query = [("a", "1&b=2"), ("a", "x y+z/?#%41"), ("\u017c", "Zo\u00eb \U0001f600"), ("empty", "")]
    door = _door(clock, httpx2.MockTransport(answer))
    door.send(Call("any", "GET", "/v1/people:get", query))
    door.send(Call("any", "GET", "/v1/people:get"))
    assert [list(request.url.params.multi_items()) for request in seen] == [query, []]
    assert [request.url.raw_path.partition(b"?")[0] for request in seen] == [b"/v1/people:get"] * 2


def test_redirections_are_not_followed(clock: WorldClock) -> None:
    """The token goes nowhere but to the service."""
    transport = _Canned(httpx2.Response(302, headers={"location": "http://elsewhere.test/"}))
    with pytest.raises(Malformed):
        _door(clock, transport).send(Call("x", "GET", "/x"))
    assert len(transport.requests) == 1


def test_no_cookie_is_kept(clock: WorldClock) -> None:
    """One client serves all accounts: nothing that one is given may reach another."""
    transport = _Canned(httpx2.Response(200, headers={"set-cookie": "who=ann; Path=/"}, content=b"{}"))
    door = _door(clock, transport)
    door.send(Call("x", "GET", "/x"))
    door.send(Call("x", "GET", "/x"))
    assert "cookie" not in transport.requests[1].headers


def test_an_empty_answer_of_a_write_is_fine_when_announced(clock: WorldClock) -> None:
    """204 has no body; any other success of a write must parse to be believed."""
    assert _door(clock, _Canned(httpx2.Response(204))).send(Call("x", "DELETE", "/x", is_write=True)).status == 204
    with pytest.raises(OutcomeUnknown):
        _door(clock, _Canned(httpx2.Response(200))).send(Call("x", "DELETE", "/x", is_write=True))


class _Dripping(httpx2.SyncByteStream):
    """A body that comes in crumbs, each in time, and never ends."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(100):
            self._clock.sleep(0.9)
            yield b" "


def test_a_dripping_answer_ends(clock: WorldClock) -> None:
    """An answer is bounded as a whole: a write must be over before the lease that covers it."""
    begun_at = clock.now()
    with pytest.raises(OutcomeUnknown):
        _door(clock, _Canned(httpx2.Response(200, stream=_Dripping(clock)))).send(Call("x", "POST", "/x", is_write=True))
    assert (clock.now() - begun_at).total_seconds() < 12


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a":1}x', b"[" * 100_000])
def test_what_is_no_json_is_malformed(content: bytes) -> None:
    """Nothing is concluded from an answer that does not parse."""
    with pytest.raises(Malformed):
        Answer(200, {}, content).json()


def test_half_a_character_hides_nothing() -> None:
    """A lone surrogate becomes U+FFFD; pairs, escaped backslashes and all else stay byte for byte."""
    told = rb'{"a":"x\ud800y\uDFFF\ud83d\ude00 \\ud800 \\\ud83d\u00e9 \"","b":"\ud83d\ud83d\ude00"}'
    made = rb'{"a":"x\ufffdy\ufffd\ud83d\ude00 \\ud800 \\\ufffd\u00e9 \"","b":"\ufffd\ud83d\ude00"}'
    assert whole_characters(told) == made
    assert parse(made) == {"a": 'x\ufffdy\ufffd\U0001f600 \\ud800 \\\ufffdé "', "b": "\ufffd\U0001f600"}
    plain = '{"a":"\\u00e9 😀"}'.encode()
    assert whole_characters(plain) is plain
