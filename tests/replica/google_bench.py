"""What the tests of Google's replica stand on: an account of the sandbox, signed in, and a door to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx2

from tandem.clock import Clock
from tandem.connectors.google import api
from tandem.connectors.google.budget import MinuteBudget
from tandem.connectors.google.reasons import explainer
from tandem.connectors.google.replica import GoogleReplica
from tandem.connectors.http import Budget, Door
from tandem.core.contact import Contact
from tandem.replica import Handle, Observation, Page
from tandem.sandbox.google_oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tandem.sandbox.wire import Request
from tandem.sandbox.world import World

BASE_URL = "http://sandbox.test/google"


@dataclass
class SignedIn:
    """The sandbox's first Google account, by its refresh token."""

    world: World
    token: str = ""
    renewals: int = 0

    def headers(self) -> Mapping[str, str]:
        """The access token, fetched when there is none yet."""
        if not self.token:
            self._refresh()
        return {"authorization": f"Bearer {self.token}"}

    def renew(self) -> bool:
        """Fetch another access token."""
        self.renewals += 1
        return self._refresh()

    def _refresh(self) -> bool:
        form = {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.world.google.handle(Request("POST", "/token", (), headers, urlencode(form).encode()))
        if answer.status != 200:
            return False
        self.token = json.loads(answer.body)["access_token"]
        return True


@dataclass
class Bench:
    """A world, a door to its Google, a group, and the replica of that group."""

    world: World
    clock: Clock
    client: httpx2.Client
    #: What is asked right before each write; a test may put its own here at any time.
    gates: list[Callable[[], None]] = field(default_factory=list)
    budget: Budget | None = None
    authorization: SignedIn = field(init=False)
    door: Door = field(init=False)
    group: str = field(init=False)
    replica: GoogleReplica = field(init=False)

    def __post_init__(self) -> None:
        self.authorization = SignedIn(self.world)
        self.group = f"contactGroups/{self.human('create_group', name='Pipedrive')['id']}"
        self.open()
        self.world.log.clear()

    def open(self) -> None:
        """Make the door, and the replica behind it, anew."""
        self.door = Door(
            service="google",
            base_url=BASE_URL,
            client=self.client,
            authorization=self.authorization,
            budget=self.budget or MinuteBudget(self.clock),
            clock=self.clock,
            explain=explainer(self.clock),
            before_write=self._before_write,
        )
        self.replica = GoogleReplica(self.door, group=self.group, read_lag_s=0.0)

    def _before_write(self) -> None:
        for gate in self.gates:
            gate()

    def human(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit as the account's owner makes it in Google's own pages."""
        done = self.world.google.human(op, arguments)
        assert isinstance(done, dict)
        return done

    def contact(self, *, inside: bool = True, **fields: object) -> str:
        """A contact as its owner types it; its id."""
        made = self.human("create", fields=fields, groups=[self.group] if inside else [])
        return str(made["id"])

    def stored(self, id_: str) -> dict[str, object]:
        """A contact as the sandbox keeps it."""
        return next(one for one in self.world.google.state()["contacts"] if one["id"] == id_)

    def live(self) -> list[dict[str, object]]:
        """All contacts that are not deleted."""
        return [one for one in self.world.google.state()["contacts"] if one["life"] == "live"]

    def kinds(self) -> list[str]:
        """The calls made so far, by name."""
        return [entry.kind for entry in self.world.log]

    def writes(self) -> list[str]:
        """The writes made so far, by name."""
        return [entry.kind for entry in self.world.log if entry.is_write]

    def fields(self, id_: str) -> dict[str, object]:
        """What the sandbox keeps of a contact, without what it derives."""
        fields = self.stored(id_)["fields"]
        assert isinstance(fields, dict)
        return fields

    def see(self, id_: str) -> Observation:
        """A contact as the replica reads it now."""
        found = self.replica.fetch([handle(id_)])[0]
        assert isinstance(found, Observation), found
        return found

    def drain(self, cursor: str | None = None) -> list[Page]:
        """All pages since a cursor."""
        return list(self.replica.changes(cursor))


def handle(id_: str) -> Handle:
    """The handle of a contact whose name was never changed."""
    return Handle(id_, f"people/c{int(id_, 16)}")


def sightings(pages: Sequence[Page]) -> list[object]:
    """All sightings of a drain."""
    return [sighting for page in pages for sighting in page.sightings]


def contact(**values: object) -> Contact:
    """A contact by field names."""
    return Contact(values)


__all__ = ["BASE_URL", "Bench", "SignedIn", "api", "contact", "handle", "sightings"]
