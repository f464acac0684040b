"""What the tests of Pipedrive's replica stand on: a user of the sandbox's company, a door, and the replica of one link."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2

from tandem.clock import Clock
from tandem.connectors.http import Budget, Door
from tandem.connectors.pipedrive.budget import TokenBudget
from tandem.connectors.pipedrive.layout import Layout
from tandem.connectors.pipedrive.reasons import explainer
from tandem.connectors.pipedrive.replica import PipedriveReplica
from tandem.core.contact import ADDRESS, EMAILS, FIRST_NAME, LAST_NAME, MESSENGERS, PHONES, Address, Contact, Edit, Entry
from tandem.core.state import Marker, RecordId
from tandem.errors import TandemError
from tandem.replica import Creation, Deletion, Handle, Observation, Outcome, Page, Reference, References, Sighting, Update, Written
from tandem.sandbox.pipedrive import API_TOKEN, COLLEAGUE_TOKEN
from tandem.sandbox.world import World

BASE_URL = "http://sandbox.test/pipedrive"
MARKER = Marker("tandem1:install:7:c1:0123456789abcdef")
#: The layout of a company with Pipedrive's own fields and nothing of ours.
OWN = Layout("im", "postal_address", "").render()
#: Somebody with a value in each field but the organisation.
WHOLE = Contact(
    {
        FIRST_NAME: "Ana Maria",
        LAST_NAME: "de Souza",
        EMAILS: (Entry("ana@example.com", "work", primary=True), Entry("ana@example.test", "home")),
        PHONES: (Entry("+48 600 100 200", "mobile", primary=True), Entry("22 555 01 01", "Biuro")),
        MESSENGERS: (Entry("ana", "skype", primary=True),),
        ADDRESS: Address("Prosta 5/7", "Warszawa", "mazowieckie", "00-001", "Polska"),
    }
)


@dataclass
class ApiToken:
    """A user's API token; there is never another."""

    token: str = API_TOKEN

    def headers(self) -> Mapping[str, str]:
        """The header."""
        return {"x-api-token": self.token}

    def renew(self) -> bool:
        """No."""
        return False


@dataclass
class Ledger:
    """A ledger in memory."""

    tokens: int = 0

    def spent(self) -> int:
        """All of it."""
        return self.tokens

    def add(self, tokens: int) -> None:
        """More."""
        self.tokens += tokens


@dataclass
class Bench:
    """A world, a door to its Pipedrive, and replicas made from it. `user` 1 is an administrator, 2 may not make fields."""

    world: World
    clock: Clock
    client: httpx2.Client
    user: int = 1
    before_write: Callable[[], None] = lambda: None
    budget: Budget | None = None
    ledger: Ledger = field(default_factory=Ledger)
    references: References = field(default_factory=References)
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.door = Door(
            service="Pipedrive",
            base_url=BASE_URL,
            client=self.client,
            authorization=ApiToken(API_TOKEN if self.user == 1 else COLLEAGUE_TOKEN),
            budget=self.budget or TokenBudget(self.clock, self.ledger),
            clock=self.clock,
            explain=explainer(self.clock),
            before_write=self.before_write,
        )

    def replica(self, *, layout: str | None = None, scope: str = "mine", **options: object) -> PipedriveReplica:
        """A replica. Without a layout: the fields are made first."""
        options = {"read_lag_s": 0.0, **options}
        if layout is None:
            layout = PipedriveReplica(self.door, references=self.references, layout="", owner_id=self.user).enable().layout
        made = PipedriveReplica(self.door, references=self.references, layout=layout, owner_id=self.user, scope=scope, **options)
        self.world.log.clear()
        return made

    def human(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit as a person makes it in Pipedrive."""
        done = self.world.pipedrive.human(op, arguments)
        return done if isinstance(done, dict) else {}

    def person(self, **values: object) -> str:
        """A person as its owner types it; its id."""
        return str(self.human("create_person", **values)["id"])

    def switch(self, **switches: object) -> None:
        """Set named behaviours of the sandbox; a double underscore stands for a dot."""
        for name, value in switches.items():
            self.world.pipedrive.switches[name.replace("__", ".")] = value

    def stored(self, id_: str) -> dict[str, object]:
        """A person as the service shows it now."""
        answer = self.client.get(f"{BASE_URL}/api/v2/persons/{id_}", headers={"x-api-token": API_TOKEN})
        self.world.log.pop()
        return answer.json()["data"]

    def kinds(self) -> list[str]:
        """The calls made so far, by name."""
        return [entry.kind for entry in self.world.log]

    def tokens(self) -> int:
        """What the calls made so far cost."""
        return sum(sum(entry.tokens.values()) for entry in self.world.log)


def handle(id_: str) -> Handle:
    """The handle of a person."""
    return Handle(RecordId(id_), id_)


def see(replica: PipedriveReplica, id_: str) -> Observation:
    """A person as the replica reads it now."""
    found = replica.fetch([handle(id_)])[0]
    assert isinstance(found, Observation), found
    return found


def drain(replica: PipedriveReplica, cursor: str | None = None) -> list[Page]:
    """All pages since a cursor."""
    return list(replica.changes(cursor))


def sightings(pages: list[Page]) -> list[Sighting]:
    """All sightings of a drain."""
    return [sighting for page in pages for sighting in page.sightings]


def create(replica: PipedriveReplica, contact: Contact, marker: Marker = MARKER) -> Outcome:
    """Make one person."""
    return replica.create([Creation(contact, marker)])[0]


def update(replica: PipedriveReplica, planned_on: Observation, **delta: object) -> Outcome:
    """Change one person."""
    return replica.update([Update(planned_on, delta)])[0]


def delete(replica: PipedriveReplica, planned_on: Observation) -> Outcome:
    """Delete one person."""
    return replica.delete(Deletion(planned_on))


def written(outcome: Outcome) -> Observation:
    """What a successful write left behind."""
    assert isinstance(outcome, Written), outcome
    return outcome.observation


def added(*entries: object) -> tuple[Edit, ...]:
    """Edits that add entries."""
    return tuple(Edit(None, entry) for entry in entries)


def body_of(request: httpx2.Request) -> dict[str, object]:
    """The JSON of a request."""
    return json.loads(request.read() or b"{}")


def make_reference(replica: PipedriveReplica, name: str) -> Reference:
    """Make one organisation, or raise why not."""
    (made,) = replica.create_references([name])
    if isinstance(made, TandemError):
        raise made
    return made
