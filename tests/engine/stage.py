"""A stage for the engine's tests: a sandbox world, one installation of Tandem on a database of its own, and what people do.

Both books of a stage are read as the services keep them (`google()`, `pipedrive()`), never through Tandem's eyes.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from django.db import connections

import databases
from engine import ready
from replica.google_bench import SignedIn
from replica.pipedrive_bench import ApiToken
from replica.worlds import START, WorldClock
from tandem.connectors.google.reasons import explainer as google_explainer
from tandem.connectors.google.replica import GoogleReplica
from tandem.connectors.http import Door, make_client
from tandem.connectors.pipedrive.reasons import explainer as pipedrive_explainer
from tandem.connectors.pipedrive.replica import PipedriveReplica
from tandem.core.policy import ConflictRule, Policy
from tandem.core.state import LinkId, Side
from tandem.databases import SqliteFile, described
from tandem.engine.bench import Bench, Timings
from tandem.engine.cycle import run_cycle
from tandem.engine.report import CycleState, Report
from tandem.errors import RemoteError
from tandem.replica import Preparation
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World
from tandem.store import models, setup

GROUP = "Pipedrive"
assert ready

_ids = itertools.count()
_template: bytes = b""


class Database:
    """A database of its own under an alias, of the kind that the test is on; `content` is all of it."""

    def __init__(self, content: bytes | None = None) -> None:
        self.alias = f"stage{next(_ids)}"
        self._keeper = _File(content) if databases.kind() == databases.SQLITE else _Lent(content)
        setup.register(self.alias, self._keeper.description, engine=self._keeper.engine)

    @contextmanager
    def beside(self) -> Iterator[str]:
        """The alias of a second connection, which stands beside whatever is under way."""
        with setup.opened(self._keeper.description) as alias:
            yield alias

    def content(self) -> bytes:
        """The committed state."""
        return self._keeper.content()

    def every_row(self, *, but: Sequence[str] = ()) -> list[str]:
        """The committed rows of all tables but those named, as text."""
        return databases.every_row(self._keeper.environment, but=but)

    def text(self) -> str:
        """All that is kept: every byte of every file, or every committed row."""
        return self._keeper.text()

    def holds(self, text: str) -> bool:
        """Whether a text stands anywhere in it."""
        return text in self.text()

    def close(self) -> None:
        """Forget it."""
        connections[self.alias].close()
        del connections[self.alias]
        del connections.settings[self.alias]
        self._keeper.close()


class _File:
    """A SQLite file, made from one migrated template."""

    engine = "engine.probed"

    def __init__(self, content: bytes | None) -> None:
        folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 - memory, not a shared name
        self._folder = Path(tempfile.mkdtemp(prefix="tandem-stage-", dir=folder))
        self.description = SqliteFile(self._folder / "tandem.sqlite3")
        self.description.path.write_bytes(content or template())
        self.environment = {"TANDEM_DATA_DIR": str(self._folder)}

    def content(self) -> bytes:
        with sqlite3.connect(self.description.path) as reader:
            data = reader.serialize()
        reader.close()
        return data

    def text(self) -> str:
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in sorted(self._folder.iterdir()))

    def close(self) -> None:
        shutil.rmtree(self._folder)


class _Lent:
    """A database on the session's server."""

    engine = "engine.probed_postgresql"

    def __init__(self, content: bytes | None) -> None:
        self._lent = databases.lend()
        self.description = described(self._lent.url, Path())
        self.environment = {"TANDEM_DATABASE_URL": self._lent.url}
        if content is not None:
            self._lent.fill(content)

    def content(self) -> bytes:
        return self._lent.content()

    def text(self) -> str:
        return "\n".join(databases.every_row(self.environment))

    def close(self) -> None:
        databases.give_back(self._lent)


def template() -> bytes:
    """A migrated empty file, made once a process."""
    global _template  # noqa: PLW0603 - migrating takes longer than most tests
    if not _template:
        folder = Path(tempfile.mkdtemp(prefix="tandem-template-"))
        setup.register("template", SqliteFile(folder / "template.sqlite3"))
        setup.migrate("template")
        connections["template"].close()
        with sqlite3.connect(folder / "template.sqlite3") as reader:
            _template = reader.serialize()
        reader.close()
    return _template


@dataclass(frozen=True)
class Terms:
    """How a stage is set up; the same terms make the same stage."""

    lag_s: float = 0.0
    policy: Policy = field(default_factory=lambda: Policy(conflicts=ConflictRule.RIGHT, region="PL"))
    scope: str = "mine"
    contact_sync: bool = True
    seed: int = 7


@dataclass
class Stage:
    """A world, a database with one link, and the means to run cycles on it."""

    terms: Terms = field(default_factory=Terms)
    world: World = field(default=None)  # type: ignore[assignment]
    content: bytes | None = None
    database: Database = field(init=False)
    clock: WorldClock = field(init=False)
    group: str = ""
    transport: httpx2.BaseTransport | None = None

    def __post_init__(self) -> None:
        is_new = self.world is None
        if is_new:
            self.world = World(clock=SandboxClock(frozen_at=START), seed=self.terms.seed)
            self.world.pipedrive.switches["limits"] = False
            self.world.google.switches["quotas"] = False
            if self.terms.contact_sync:
                self.world.pipedrive.human("enable_contact_sync", {})
            self.world.google.human("create_group", {"name": GROUP})
            self._lag()
        self.clock = WorldClock(self.world)
        self.group = next(f"contactGroups/{one['id']}" for one in self.world.google.state()["groups"] if one["name"] == GROUP)
        self.database = Database(self.content)
        if self.content is None:
            self._make_link()

    def _lag(self) -> None:
        for service in (self.world.google, self.world.pipedrive):
            service.switches["read_lag_s"] = self.terms.lag_s

    def _make_link(self) -> None:
        alias, now = self.alias, self.clock.now()
        left = models.Account.objects.using(alias).create(service="google", external_id="g", name="g", created_at=now)
        right = models.Account.objects.using(alias).create(service="pipedrive", external_id="p", name="p", created_at=now)
        models.Link.objects.using(alias).create(left_account=left, right_account=right, state="draft", created_at=now)

    @property
    def alias(self) -> str:
        """The database's alias."""
        return self.database.alias

    @property
    def link(self) -> models.Link:
        """The one link."""
        return models.Link.objects.using(self.alias).get()

    def choose_group(self, name: str) -> None:
        """Link another label."""
        self.group = next(
            f"contactGroups/{one['id']}" for one in self.world.google.state()["groups"] if one["name"] == name and one["life"] == "live"
        )

    def close(self) -> None:
        """Forget the database."""
        self.database.close()

    # Tandem

    def bench(self) -> Bench:
        """Everything a cycle needs, built anew as a new process would."""
        client = make_client(timeout_s=30.0, transport=self.transport or SandboxTransport(self.world))

        def door(service: str, **parts: object) -> Door:
            return Door(
                service=service, base_url=f"http://sandbox.test/{service}", client=client, clock=self.clock, before_write=_anything, **parts
            )

        link = self.link
        lag = self.terms.lag_s + 1 if self.terms.lag_s else 0.0
        google = GoogleReplica(
            door("google", authorization=SignedIn(self.world), budget=_NoBudget(), explain=google_explainer(self.clock)),
            group=self.group,
            read_lag_s=lag,
        )
        archive_references = _references(self.alias, link.id)
        pipedrive_door = door("pipedrive", authorization=ApiToken(), budget=_NoBudget(), explain=pipedrive_explainer(self.clock))
        made = lambda layout: PipedriveReplica(  # noqa: E731
            pipedrive_door, references=archive_references, layout=layout, owner_id=1, scope=self.terms.scope, read_lag_s=lag
        )
        layout = link.right_settings.get("layout")
        if layout is None:
            preparation = made("").enable()
            layout = preparation.layout
            models.Link.objects.using(self.alias).update(right_settings={"layout": layout})
        preparation = made(layout).survey()
        rng = random.Random(f"{self.terms.seed} {len(self.world.log)}")
        return Bench(
            alias=self.alias,
            link=LinkId(link.id),
            policy=self.terms.policy,
            mapping_version=_mapping(preparation),
            replicas={Side.LEFT: google, Side.RIGHT: made(layout)},
            references={Side.LEFT: _references(self.alias, link.id), Side.RIGHT: archive_references},
            lacking=preparation.lacking,
            installation="installation1",
            digest=lambda key: hashlib.sha256(key.text.encode()).hexdigest()[:24],
            clock=self.clock,
            timings=Timings(http_timeout_s=30.0),
            token=lambda: f"{rng.getrandbits(64):016x}",
        )

    def cycle(self, *, is_full: bool = False) -> Report:
        """One cycle, under a lease of its own."""
        try:
            bench = self.bench()
        except RemoteError as error:
            # Fields could not be made, or not for certain: they are looked for again at the next cycle.
            return Report(self.link.id, state=CycleState.UNFINISHED, sentence=str(error))
        bench.lease = bench.schedule.claim(bench.link, "test", self.clock.now(), is_alone=True)
        assert bench.lease is not None
        report = run_cycle(bench, cause="test", is_full=is_full)
        bench.schedule.release(bench.lease, next_due_at=self.clock.now())
        return report

    def settle(self, *, limit: int = 12) -> Report:
        """Cycles with time between them, until one finds everything in sync and writes nothing. AssertionError after `limit`."""
        report = self.cycle()
        for _ in range(limit):
            if report.state.value == "in-sync" and report.writes == 0:
                return report
            self.wait(self.terms.lag_s + 61)
            report = self.cycle()
        assert report.writes == 0, f"not quiet: {report}"
        return report

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.clock.advance(seconds)

    # People

    def google_does(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit by hand in Google Contacts."""
        done = self.world.google.human(op, arguments)
        assert isinstance(done, dict)
        return done

    def pipedrive_does(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit by hand in Pipedrive."""
        done = self.world.pipedrive.human(op, arguments)
        assert isinstance(done, dict)
        return done

    def contact(self, *, inside: bool = True, **fields: object) -> str:
        """A contact typed in Google; its id."""
        return str(self.google_does("create", fields=fields, groups=[self.group] if inside else [])["id"])

    def person(self, **values: object) -> int:
        """A person typed in Pipedrive; its id."""
        return int(str(self.pipedrive_does("create_person", **values)["id"]))

    # What the services hold

    def google(self) -> list[dict[str, object]]:
        """All contacts that are there, in their own form."""
        return [one for one in self.world.google.state()["contacts"] if one["life"] == "live"]

    def in_group(self) -> list[dict[str, object]]:
        """Those of the chosen group."""
        return [one for one in self.google() if self.group.removeprefix("contactGroups/") in one["groups"]]

    def pipedrive(self) -> list[dict[str, object]]:
        """All persons that are there, in their own form."""
        return [one for one in self.world.pipedrive.state()["persons"] if not one["is_deleted"]]

    def writes(self, since: int = 0) -> list[str]:
        """Writes that any Tandem sent, by name, after so many requests."""
        return [entry.kind for entry in self.world.log[since:] if entry.is_write]


class _NoBudget:
    def before(self, call: object) -> None:
        """Go."""

    def after(self, call: object, answer: object) -> None:
        """Fine."""


def _anything() -> None:
    """Write."""


def _references(alias: str, link: int) -> object:
    from tandem.store.archive import Archive

    return Archive(alias, LinkId(link)).known_references(Side.RIGHT)


def _mapping(preparation: Preparation) -> str:
    return ",".join(f"{name}@{place}" for name, place in sorted(preparation.places.items()))
