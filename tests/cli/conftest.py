"""A sandbox that really listens, and a command line that talks to it."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import databases
from tandem.app.places import DataDir
from tandem.app.sandboxed import SandboxControl
from tandem.cli import app
from tandem.core.policy import Policy
from tandem.databases import SQLITE_NAME, SqliteFile
from tandem.sandbox.server import Shell, serve
from tandem.sandbox.world import World
from tandem.store import models, setup
from tandem.store.links import Accounts, Links, NewLink
from tandem.store.vault import Vault

PASSPHRASE = "correct horse battery staple"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REFRESH, TOKEN = "sandbox-google-refresh", "sandbox-pipedrive-token"
PEOPLE = (("Anna", "Nowak"), ("Jan", "Kowalski"), ("Ewa", "Lis"))


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """The address of a sandbox in a thread of this process."""
    world = World()
    shell, ports, is_up = Shell(world), list[int](), threading.Event()

    def ready(port: int) -> None:
        ports.append(port)
        is_up.set()

    thread = threading.Thread(target=serve, args=("127.0.0.1", 0, world, ready), kwargs={"shell": shell}, daemon=True)
    thread.start()
    assert is_up.wait(20)
    yield f"http://127.0.0.1:{ports[0]}"
    shell.stop.set()
    thread.join(5)


@dataclass
class Told:
    """What a command line answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, object]:
        """Standard output as the one JSON object that it must be."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed


@dataclass
class Line:
    """A command line in a data directory of its own, beside a sandbox with three people on each side."""

    folder: Path
    control: SandboxControl
    more: dict[str, str] = field(default_factory=dict)
    database: Mapping[str, str] = field(default_factory=databases.lend_for_test)

    @property
    def data_dir(self) -> Path:
        """Where Tandem keeps everything."""
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that are set."""
        usual = {"TANDEM_DATA_DIR": str(self.data_dir), "TANDEM_SANDBOX_URL": self.control.url, "TANDEM_BIRTH_QUIET_S": "0"}
        return {**usual, **self.database, **self.more}

    def __call__(self, *words: object, stdin: str | None = None) -> Told:
        """Run one command."""
        result = CliRunner().invoke(app, [str(word) for word in words], env=self.environment, input=stdin, prog_name="tandem")
        return Told(result.exit_code, result.stdout, result.stderr)

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What a query (with ? for values) finds in the database."""
        return databases.rows(self.environment, query, *values)

    def every_row(self, *, but: Sequence[str] = ()) -> list[str]:
        """Every row of every table but those named, as text."""
        return databases.every_row(self.environment, but=but)

    def file(self, text: str) -> Path:
        """A file with this text."""
        path = self.folder / "token"
        path.write_text(text)
        return path

    def connect(self) -> None:
        """Both accounts."""
        assert self("account", "add", "google", "--refresh-token-file", self.file(REFRESH)).code == 0
        assert self("account", "add", "pipedrive", "--api-token-file", self.file(TOKEN)).code == 0

    def link(self, *more: str) -> Told:
        """A link on the label."""
        return self("link", "create", "--google", "google-1", "--pipedrive", "pipedrive-1", "--group", "Pipedrive", *more)

    def link_up(self) -> None:
        """A link after its first sync, and a passphrase in a file."""
        self.connect()
        assert self.link("--country", "PL").code == 0
        assert self("sync").code == 0
        (self.folder / "pass").write_text(PASSPHRASE + "\n")

    def edit(self, service: str, op: str, arguments: Mapping[str, object]) -> dict[str, object]:
        """An edit in the sandbox as a person makes it."""
        answer = self.control.call("POST", "edit", {"service": service, "op": op, **arguments})  # type: ignore[dict-item]
        assert "error" not in answer, answer
        return dict(answer)

    def writes(self) -> list[object]:
        """The requests that wrote, as the sandbox saw them."""
        entries = self.control.call("GET", "log")["entries"]
        assert isinstance(entries, list)
        return [entry for entry in entries if isinstance(entry, dict) and entry["is_write"]]


@pytest.fixture
def tandem(sandbox_url: str, tmp_path: Path) -> Line:
    """A command line beside a small address book."""
    return small_book(Line(tmp_path, SandboxControl(sandbox_url)))


def small_book(line: Line) -> Line:
    """Anna on both sides, Jan in Google, Ewa in Pipedrive, and a label without anybody."""
    line.control.call("POST", "seed", {"book": "empty", "seed": 1})
    for name in ("Pipedrive", "Empty"):
        line.edit("google", "create_group", {"name": name})
    for given, family in PEOPLE[:2]:
        address = [{"value": f"{given.lower()}@example.com", "type": "work"}]
        line.edit(
            "google",
            "create",
            {"groups": ["Pipedrive"], "fields": {"names": [{"givenName": given, "familyName": family}], "emailAddresses": address}},
        )
    for given, family in (PEOPLE[0], PEOPLE[2]):
        line.edit(
            "pipedrive",
            "create_person",
            {"name": f"{given} {family}", "emails": [{"value": f"{given.lower()}@example.com", "label": "work", "primary": True}]},
        )
    return line


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that nobody asks a service about: accounts, a link that is going, and records enough to fill a disk."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    place, database = DataDir(folder), SqliteFile(folder / SQLITE_NAME)
    alias, ring = f"tandem-{database.identity}", place.ring("")
    setup.register(alias, database)
    setup.migrate(alias)
    ends = [Accounts(alias).keep(service, service, service, {}, NOW) for service in ("google", "pipedrive")]
    Vault(alias, ring).put(ends[0].id, "refresh-token", "kept secret")
    new = NewLink(ends[0].id, ends[1].id, {"group": "g", "title": "g"}, {"scope": "mine"}, Policy())
    link = Links(alias).add(new, NOW)
    models.Link.objects.using(alias).update(state="active", first_synced_at=NOW)
    rng = random.Random(1)
    models.Shadow.objects.using(alias).bulk_create(
        models.Shadow(link=link, side="left", record_id=str(number), locator="l", version="v", presence="live", raw=rng.randbytes(4000),
                      first_seen_at=NOW, version_seen_at=NOW)
        for number in range(100)
    )  # fmt: skip
    models.Installation.objects.using(alias).create(installation_id="kept", created_at=NOW)
    setup.forget(alias)
    return folder


@pytest.fixture
def kept(installation: Path, tmp_path: Path) -> Line:
    """A command line in a data directory of its own, without a sandbox, and a passphrase in a file."""
    (tmp_path / "pass").write_text(PASSPHRASE + "\n")
    shutil.copytree(installation, tmp_path / "data")
    return Line(tmp_path, SandboxControl(""))
