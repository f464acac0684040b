"""Real processes for tests that kill them: a sandbox, a Tandem beside it, and people who type into the sandbox meanwhile.

Rules: whatever is started ends with the test, by its own id; a death falls at a random number of writes or a random moment, both out
of the seed; what people do is written down as what must be there at the end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import databases
from tandem.app.sandboxed import SandboxControl

LABEL = "Pipedrive"
#: Far more than it takes, for machines that are busy.
PATIENCE_S = 120


@contextmanager
def process(words: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """One `tandem ...` of its own, killed at the end if it still runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "stdin": subprocess.PIPE}
    started = subprocess.Popen([sys.executable, "-P", "-m", "tandem", *words], env={**clean, **environment}, text=True, **pipes)  # type: ignore[call-overload]
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


@contextmanager
def sandbox(folder: Path) -> Iterator[SandboxControl]:
    """An empty sandbox in a process of its own that nobody hurries."""
    with process(["sandbox", "--port", "0", "--seed-book", "empty", "--json"], {"TANDEM_DATA_DIR": str(folder)}) as running:
        assert running.stdout is not None
        control = SandboxControl(json.loads(running.stdout.readline())["url"])
        for service, name in (("pipedrive", "limits"), ("google", "quotas")):
            assert "error" not in control.call("POST", "switches", {"service": service, "name": name, "value": False})
        yield control


@dataclass
class Human:
    """One human being of the story: where the record stands, and what must be known of it at the end."""

    email: str
    last_name: str
    phones: list[str] = field(default_factory=list)
    organization: str = ""
    is_deleted: bool = False
    may_be_edited: bool = True
    #: Typed on both sides: with two names before they meet, they would be a question and not a match.
    is_twin: bool = False


@dataclass
class People:
    """Those who type. Phones are typed in Google, family names and organisations in Pipedrive, so that no two contradict each other."""

    control: SandboxControl
    rng: random.Random
    #: That of the Tandem among them.
    environment: Mapping[str, str]
    all: list[Human] = field(default_factory=list)
    _numbers: int = 0

    def edit(self, service: str, op: str, **arguments: object) -> dict[str, object]:
        """An edit in the vendor's app."""
        answer = self.control.call("POST", "edit", {"service": service, "op": op, **arguments})  # type: ignore[dict-item]
        assert "error" not in answer, answer
        return dict(answer)

    def contacts(self) -> list[dict[str, object]]:
        """The contacts that are there."""
        rows = self.control.call("GET", "state", service="google")["contacts"]
        return [one for one in rows if one["life"] == "live"]  # type: ignore[union-attr,index,call-overload,misc]

    def persons(self) -> list[dict[str, object]]:
        """The persons that are there."""
        rows = self.control.call("GET", "state", service="pipedrive")["persons"]
        return [one for one in rows if not one["is_deleted"]]  # type: ignore[union-attr,index,call-overload,misc]

    def requests(self, since: int = 0) -> tuple[int, int]:
        """How many requests have written after so many, and how many there were."""
        told = self.control.call("GET", "log", since=str(since))
        return sum(1 for entry in told["entries"] if entry["is_write"]), told["last"]  # type: ignore[union-attr,index,call-overload,misc,return-value]

    def born(self, *, in_google: bool, in_pipedrive: bool) -> Human:
        """Somebody new, typed on one side or on both."""
        number = len(self.all)
        human = Human(f"person{number}@example.com", f"Family{number}", is_twin=in_google and in_pipedrive)
        address = [{"value": human.email, "type": "work"}]
        if in_google:
            human.phones.append(self._phone())
            fields = {"names": [{"givenName": f"Given{number}", "familyName": human.last_name}], "emailAddresses": address}
            fields["phoneNumbers"] = [{"value": human.phones[0], "type": "mobile"}]
            self.edit("google", "create", groups=[LABEL], fields=fields)
        if in_pipedrive:
            emails = [{"value": human.email, "label": "work", "primary": True}]
            self.edit("pipedrive", "create_person", first_name=f"Given{number}", last_name=human.last_name, emails=emails)
        self.all.append(human)
        return human

    def _phone(self) -> str:
        self._numbers += 1
        return f"+48600100{self._numbers:03d}"

    def do_something(self) -> None:
        """One random edit; nothing when the chosen record is not on that side yet."""
        choice = self.rng.random()
        human = self.rng.choice([one for one in self.all if one.may_be_edited])
        if choice < 0.2:
            in_google = self.rng.random() < 0.5
            self.born(in_google=in_google, in_pipedrive=not in_google)
        elif choice < 0.55:
            self._dial(human)
        elif choice < 0.8:
            self._marry(human)
        elif choice < 0.9:
            self._employ(human)
        else:
            self.delete(in_google=self.rng.random() < 0.5)

    def _contact(self, human: Human) -> dict[str, object] | None:
        return next((one for one in self.contacts() if human.email in addresses(one)), None)

    def _person(self, human: Human) -> dict[str, object] | None:
        return next((one for one in self.persons() if human.email in addresses(one)), None)

    def _dial(self, human: Human) -> None:
        """One more number, in Google."""
        if contact := self._contact(human):
            human.phones.append(self._phone())
            self.edit("google", "update", id=contact["id"], phoneNumbers=[{"value": one, "type": "mobile"} for one in human.phones])

    def _marry(self, human: Human) -> None:
        """Another family name, in Pipedrive."""
        if not human.is_twin and (person := self._person(human)):
            human.last_name = f"Family{self.rng.randrange(10**6)}"
            self.edit("pipedrive", "update_person", id=person["id"], last_name=human.last_name)

    def _employ(self, human: Human) -> None:
        """An organisation, in Pipedrive."""
        if person := self._person(human):
            human.organization = f"Works {self.rng.randrange(10**6)}"
            firm = self.edit("pipedrive", "create_organization", name=human.organization)
            self.edit("pipedrive", "update_person", id=person["id"], org_id=firm["id"])

    def delete(self, *, in_google: bool) -> None:
        """Somebody whom nobody edits, once Tandem knows that both are one; few enough for the brake."""
        chosen = next((one for one in self.all if not one.may_be_edited and not one.is_deleted), None)
        if chosen is None:
            return
        contact, person = self._contact(chosen), self._person(chosen)
        if contact and person and [one["value"] for one in person["phones"]] == chosen.phones and self._is_settled(person):  # type: ignore[attr-defined]
            chosen.is_deleted = True
            if in_google:
                self.edit("google", "delete", id=contact["id"])
            else:
                self.edit("pipedrive", "delete_person", id=person["id"])

    def _is_settled(self, person: Mapping[str, object]) -> bool:
        """A deletion of somebody whom Tandem has not paired yet, or with a value on its way, would be another story."""
        query = (
            "SELECT count(*) FROM store_pair AS pair WHERE right_id = ? AND left_id IS NOT NULL AND state = 'linked' AND NOT is_dirty "
            "AND NOT EXISTS (SELECT 1 FROM store_intent WHERE pair_id = pair.id AND settled_at IS NULL)"
        )
        try:
            return bool(databases.rows(self.environment, query, str(person["id"]))[0][0])
        except sqlite3.OperationalError:
            return False  # not there yet


def addresses(record: Mapping[str, object]) -> list[str]:
    """The e-mail addresses of a contact or person."""
    fields = record.get("fields", {})
    items = record["emails"] if "emails" in record else fields.get("emailAddresses", [])  # type: ignore[attr-defined]
    return [one["value"] for one in items]  # type: ignore[attr-defined]


def run_and_kill(people: People, environment: Mapping[str, str], rng: random.Random, event: str) -> str:
    """A `tandem run` among people who type, killed at a random number of writes, or a random time after an event that it tells of.
    Returns what it was killed at.
    """  # noqa: D205 - one promise
    wanted, limit_s = rng.randrange(1, 10), rng.uniform(0.1, 5.0)
    since, done = people.requests()[1], 0
    with process(["run", "--demo", "--json"], environment) as tandem:
        events: list[str] = []
        threading.Thread(target=lambda: events.extend(tandem.stdout or ()), daemon=True).start()
        begun, patience = time.monotonic(), time.monotonic() + PATIENCE_S
        while time.monotonic() - begun < limit_s and done < wanted:
            if not any(event in line for line in events) and time.monotonic() < patience:
                begun = time.monotonic()  # it has not come so far yet
            if rng.random() < 0.1:
                people.do_something()
            try:
                tandem.wait(rng.uniform(0.0, 0.05))
            except subprocess.TimeoutExpired:
                done = people.requests(since)[0]
                continue
            raise AssertionError(f"`tandem run` ended by itself with {tandem.returncode}")
        tandem.send_signal(signal.SIGKILL)
        tandem.wait(PATIENCE_S)
    return f"{done} writes, {time.monotonic() - begun:.2f} s"


def settle(people: People, environment: Mapping[str, str]) -> dict[str, object]:
    """Sync, time passing between, until a full cycle writes nothing. The last result; AssertionError when it takes too many."""
    told: dict[str, object] = {}
    for _ in range(12):
        with process(["sync", "--full", "--json"], environment) as tandem:
            out, _ = tandem.communicate(timeout=PATIENCE_S)
        told = json.loads(out)
        written = [told.get(service) for service in ("google", "pipedrive")]
        if told.get("state") == "in-sync" and all(not any(counts.values()) for counts in written):  # type: ignore[union-attr]
            return told
        assert told.get("state") != "waiting-for-person", told
        people.control.call("POST", "clock", {"advance_s": 100})
    raise AssertionError(f"not quiet: {told}")
