"""Promise: what Pipedrive refuses is told by field and with a sentence; what it leaves open is left open and never sent again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from replica.pipedrive_bench import MARKER, OWN, WHOLE, Bench, added, body_of, create, delete, make_reference, see, update, written
from replica.worlds import WorldClock
from tandem.connectors.http import make_client
from tandem.core.contact import FIRST_NAME, LAST_NAME, MESSENGERS, ORGANISATION, PHONES, Contact, Entry
from tandem.errors import AccountClosed, LeaseLost, OutcomeUnknown, QuotaExhausted, ReconnectNeeded, Unavailable
from tandem.replica import Creation, Refused, Unanswered, Untouched, Update
from tandem.sandbox.faults import Rule
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """The company as its administrator sees it."""
    return Bench(world, clock, client)


# --- refusals ---------------------------------------------------------------------------------------------------------------


def test_without_the_right_to_add(bench: Bench) -> None:
    """A refused creation says whom to ask; organisations raise, as the port says."""
    replica = bench.replica()
    bench.switch(user__1__add_persons=False, user__1__add_organizations=False)

    refused = create(replica, WHOLE)

    assert isinstance(refused, Refused)
    assert "administrator" in refused.sentence
    with pytest.raises(Exception, match="refused addOrganization"):
        make_reference(replica, "Acme")


def test_a_removed_field_is_a_matter_of_the_layout(bench: Bench) -> None:
    """The field of messengers, or of the marker, is gone: survey again, the record is not to blame."""
    replica = bench.replica()
    bench.human("remove_field", field_code=replica.survey().places[MESSENGERS])

    outcome = create(replica, WHOLE)

    assert isinstance(outcome, Refused)
    assert outcome.is_layout
    bench.switch(contact_sync_enabled=False)
    own = create(bench.replica(layout=OWN), WHOLE)
    assert isinstance(own, Refused)
    assert own.is_layout


def test_what_pipedrive_finds_wrong_is_named_by_field(bench: Bench) -> None:
    """A 400 parks the fields that it names, and nothing else."""
    replica = bench.replica()

    outcome = create(replica, WHOLE.replacing({PHONES: (Entry("1" * 300, "work", primary=True),)}))

    assert isinstance(outcome, Refused)
    assert outcome.fields == {PHONES}


def test_what_does_not_fit_is_not_sent(bench: Bench) -> None:
    """Messengers that outgrow their one text, and an organisation that does not exist: refused by field, before anything is sent."""
    replica = bench.replica()
    many = tuple(Entry(f"{number}" * 60, "skype") for number in range(5))
    seen = written(create(replica, WHOLE))
    bench.world.log.clear()

    outcomes = [
        create(replica, WHOLE.replacing({MESSENGERS: many})),
        update(replica, seen, messengers=added(*many)),
        update(replica, seen, organisation="Unknown"),
    ]

    assert [outcome.fields for outcome in outcomes] == [{MESSENGERS}, {MESSENGERS}, {ORGANISATION}]
    assert not any(entry.is_write for entry in bench.world.log)


def test_a_wave_goes_out_together_and_comes_back_in_order(world: World, clock: WorldClock) -> None:
    """Several at once through a pool that the caller gives: the outcomes stand in the order of what was asked."""
    turn = threading.Lock()

    class OneByOne(SandboxTransport):
        """A world is not for several threads."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            with turn:
                return super().handle_request(request)

    def run_all(tasks: Sequence[Callable[[], object]]) -> list[object]:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda task: task(), tasks))

    with make_client(timeout_s=30.0, transport=OneByOne(world)) as client:
        replica = Bench(world, clock, client).replica(run_all=run_all)
        made = replica.create([Creation(Contact({LAST_NAME: f"P{number}"}), MARKER) for number in range(4)])
        changed = replica.update([Update(written(one), {FIRST_NAME: f"Q{number}"}) for number, one in enumerate(made)])
        read = replica.fetch([written(one).handle for one in reversed(changed)])

    assert [written(one).contact.text(LAST_NAME) for one in made] == ["P0", "P1", "P2", "P3"]
    assert [written(one).contact.text(FIRST_NAME) for one in changed] == ["Q0", "Q1", "Q2", "Q3"]
    assert read == [written(one) for one in reversed(changed)]


def test_a_deleted_organisation_is_not_chosen_twice(bench: Bench) -> None:
    """The index says it is there, Pipedrive says it is not: refused, and found out to be deleted."""
    replica = bench.replica()
    made = make_reference(replica, "Acme")
    bench.human("delete_organization", id=int(made.id))

    refused = create(replica, Contact({LAST_NAME: "Nowak", ORGANISATION: "Acme"}))

    assert isinstance(refused, Refused)
    assert refused.fields == {ORGANISATION}
    assert bench.references.find("Acme") is None


def test_a_server_that_refuses_parts_gets_one_name(world: World, clock: WorldClock, caplog: pytest.LogCaptureFixture) -> None:
    """The published schema lists only `name`: where the parts are refused they go as one name that splits back; said once."""

    class Whole(SandboxTransport):
        """Refuses the parts of names, in Pipedrive's words."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method in ("POST", "PATCH") and "first_name" in body_of(request):
                words = "Validation failed: first_name: Parameter 'first_name' is not allowed for this request"
                error = {"success": False, "error": words, "code": "ERR_SCHEMA_VALIDATION_FAILED"}
                return httpx2.Response(400, json=error, request=request)
            return super().handle_request(request)

    with make_client(timeout_s=30.0, transport=Whole(world)) as client:
        replica = Bench(world, clock, client).replica()
        seen = written(create(replica, Contact({FIRST_NAME: "Ana Maria", LAST_NAME: "Souza"})))
        again = written(update(replica, seen, last_name="Silva"))

    assert (seen.contact.text(FIRST_NAME), seen.contact.text(LAST_NAME)) == ("Ana Maria", "Souza")
    assert (again.contact.text(FIRST_NAME), again.contact.text(LAST_NAME)) == ("Ana Maria", "Silva")
    assert [record.levelname for record in caplog.records if "parts of a name" in record.message] == ["WARNING"]
    assert "Souza" not in caplog.text


# --- lost answers and errors of the link --------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["lost-answer", "lost-request", "reset", "garbage", "after-500", "500", "502", "524"])
def test_a_lost_answer_leaves_it_open(bench: Bench, world: World, effect: str) -> None:
    """It may have happened: one call, no repetition, whatever it is."""
    replica = bench.replica()
    planned = written(create(replica, WHOLE))
    for name, act in (
        ("^addPerson$", lambda: create(replica, WHOLE)),
        ("^updatePerson$", lambda: update(replica, planned, last_name="X")),
        ("^deletePerson$", lambda: delete(replica, see(replica, planned.handle.id))),
    ):
        bench.world.log.clear()
        world.faults.add(Rule("pipedrive", name, effect))

        assert isinstance(act(), Unanswered)

        assert bench.kinds().count(name.strip("^$")) == 1
    world.faults.add(Rule("pipedrive", "^addOrganization$", effect))
    with pytest.raises(OutcomeUnknown):
        make_reference(replica, "Acme")


@pytest.mark.parametrize(
    ("effect", "error"),
    [("refused", Unavailable), ("402", AccountClosed), ("401", ReconnectNeeded), ("429-daily", QuotaExhausted), ("403-html", Unavailable)],
)
def test_what_concerns_the_link_is_an_outcome_as_well(bench: Bench, world: World, effect: str, error: type[Exception]) -> None:
    """Of a wave with one such error all outcomes are told, each definite."""
    replica = bench.replica()
    planned = [written(create(replica, WHOLE)) for _ in range(3)]
    world.faults.add(Rule("pipedrive", "^updatePerson$", effect, skip=1))

    outcomes = replica.update([Update(one, {LAST_NAME: "X"}) for one in planned])

    assert len(outcomes) == 3
    assert isinstance(outcomes[1], Untouched)
    assert isinstance(outcomes[1].error, error)
    assert bench.stored(planned[1].handle.id)["last_name"] == "de Souza"


def test_a_lost_lease_stops_before_the_write(world: World, clock: WorldClock, client: httpx2.Client) -> None:
    """The gate is asked right before each write; behind a closed one nothing leaves."""

    def closed() -> None:
        raise LeaseLost

    person = Bench(world, clock, client).person(first_name="Anna", last_name="A")
    bench = Bench(world, clock, client, before_write=closed)
    bench.switch(contact_sync_enabled=True)
    replica = bench.replica(layout=OWN)

    outcomes = [create(replica, WHOLE.restricted([LAST_NAME])), update(replica, see(replica, person), last_name="B")]

    assert [type(outcome.error) for outcome in outcomes] == [LeaseLost, LeaseLost]
    assert not any(entry.is_write for entry in world.log)


def test_an_answer_without_the_person_is_read_once(world: World, clock: WorldClock) -> None:
    """What was stored is learnt from the answer, or, where that is bare, from one read; if that fails, it is open."""
    broken: list[bool] = []

    class Bare(SandboxTransport):
        """Answers writes with the id alone."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            response = super().handle_request(request)
            if request.method == "POST" and request.url.path.endswith("/persons"):
                return httpx2.Response(200, json={"success": True, "data": {"id": response.json()["data"]["id"]}}, request=request)
            return httpx2.Response(503, request=request) if broken and request.method == "GET" else response

    with make_client(timeout_s=30.0, transport=Bare(world)) as client:
        bench = Bench(world, clock, client)
        replica = bench.replica()
        seen = written(create(replica, WHOLE))
        kinds = bench.kinds()
        broken.append(True)
        unread = create(replica, WHOLE)

    assert (seen.contact.text(LAST_NAME), kinds) == ("de Souza", ["addPerson", "getPerson"])
    assert isinstance(unread, Unanswered)
