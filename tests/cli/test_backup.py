"""Promise: a backup holds everything and opens for its passphrase only; a restore gives all of it back and writes nothing to a service
before a person has looked; whatever is wrong with either is said, and then nothing has changed.
"""  # noqa: D205 - one promise

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

import databases
from depth import SEED, at_most
from tandem.app.places import DataDir
from tandem.app.swapping import swap_in
from tandem.databases import SQLITE_NAME, SqliteFile
from tandem.store import setup
from tandem.store.sealed import Opener, Sealer
from tandem.store.vault import Vault

from .conftest import PASSPHRASE, Line, Told

KILLS = at_most(3, 20, 3)


@pytest.fixture(autouse=True)
def on_sqlite() -> Iterator[None]:
    """How these tests look into a database, and damage it; test_backup_server.py has the other kind."""
    with databases.on(databases.SQLITE):
        yield


@pytest.fixture
def synced(tandem: Line) -> Line:
    """A link after its first sync, with a passphrase in a file."""
    tandem.link_up()
    return tandem


def backup(line: Line, name: str = "backup.tandem", *more: object) -> Told:
    """Back up into a file of the folder."""
    return line("backup", line.folder / name, "--passphrase-file", line.folder / "pass", *more)


def restore(line: Line, name: str = "backup.tandem", *more: object) -> Told:
    """Restore from a file of the folder."""
    return line("restore", line.folder / name, "--passphrase-file", line.folder / "pass", *more)


def content(line: Line, name: str = "backup.tandem") -> bytes:
    """What a backup says, opened."""
    return zlib.decompress(b"".join(Opener(BytesIO((line.folder / name).read_bytes()), PASSPHRASE).pieces()))


def stored(line: Line) -> list[str]:
    """Every row of the database."""
    with closing(sqlite3.connect(line.data_dir / "tandem.sqlite3")) as connection:
        return list(connection.iterdump())


def elsewhere(line: Line) -> Line:
    """The same person at another machine: an empty data directory."""
    other = Line(line.folder / "elsewhere", line.control)
    other.folder.mkdir()
    for name in ("pass", "backup.tandem"):
        (other.folder / name).write_bytes((line.folder / name).read_bytes())
    return other


def names(line: Line) -> tuple[list[str], list[str]]:
    """Whom both services have."""
    state = line.control.call("GET", "state")
    contacts = [one["fields"]["names"][0]["givenName"] for one in state["google"]["contacts"] if one["life"] == "live"]  # type: ignore[index,call-overload,union-attr]
    persons = [one["name"].split()[0] for one in state["pipedrive"]["persons"] if not one["is_deleted"]]  # type: ignore[index,call-overload,union-attr]
    return sorted(contacts), sorted(persons)


def test_a_lost_machine(synced: Line) -> None:
    """Backed up, a day of edits, the machine is gone: on another one all is there, nothing is written before a look, then all is well."""
    told = backup(synced)
    assert told.code == 0, told
    assert "3 pairs" in told.out
    assert stat.S_IMODE((synced.folder / "backup.tandem").stat().st_mode) == 0o600
    assert [path.name for path in synced.folder.iterdir() if path.name.endswith(".part")] == []
    created = {"groups": ["Pipedrive"], "fields": {"names": [{"givenName": "Ola"}], "emailAddresses": [{"value": "ola@example.com"}]}}
    synced.edit("google", "create", created)
    synced.edit("pipedrive", "create_person", {"name": "Iwo Wrona", "emails": [{"value": "iwo@example.com", "label": "work"}]})
    assert synced("sync").code == 0
    gone = next(one for one in synced.control.call("GET", "state")["pipedrive"]["persons"] if one["name"].startswith("Ola"))  # type: ignore[index,call-overload,union-attr]
    synced.edit("pipedrive", "delete_person", {"id": gone["id"]})
    before, writes = names(synced), len(synced.writes())

    other = elsewhere(synced)
    told = restore(other)
    assert (told.code, "tandem preview 1" in told.out) == (3, True), told
    assert "before" not in told.out
    status = other("status")
    assert "Link 1: restored." in status.out
    assert "backup of" in status.out
    assert "To do: `tandem preview 1`" in status.out
    # For as long as reads lag there may be more than they show: neither a preview nor an approval is taken then.
    synced.control.call("POST", "switches", {"service": "google", "name": "read_lag_s", "value": 3000})
    for command in ("preview", "sync"):
        told = other(command)
        assert (told.code, "look again at" in told.err) == (6, True), told
    assert other("link", "list", "--json").data["links"][0]["state"] == "restored"  # type: ignore[index,call-overload]
    synced.control.call("POST", "switches", {"service": "google", "name": "read_lag_s", "value": 0})
    synced.control.call("POST", "clock", {"advance_s": 60})
    told = other("preview")
    assert told.code == 0, told
    assert "held: since-backup" in told.out
    assert "1 new pair found" in told.out
    for words in (("undo", "1", "1", "--yes"), ("link", "resume", "1")):
        other(*words)
        assert other("link", "list", "--json").data["links"][0]["state"] == "restored"  # type: ignore[index,call-overload]
    assert len(synced.writes()) == writes

    assert other("sync").code == 3
    told = other("review", "1")
    assert "since-backup: held for you: 1 to create in Pipedrive" in told.out
    assert other("review", "1", "--resolve", "since-backup=reject").code == 0
    told = other("sync")
    assert told.code == 0, told
    assert names(synced) == before
    assert len(synced.writes()) == writes
    other.edit("google", "create", {"groups": ["Pipedrive"], "fields": {**created["fields"], "names": [{"givenName": "Zoe"}],
               "emailAddresses": [{"value": "zoe@example.com"}]}})  # type: ignore[dict-item]  # fmt: skip
    assert other("sync").code == 0
    assert "Zoe" in names(synced)[1]


def test_paused_stays_paused(synced: Line) -> None:
    """A link that was paused is paused after a restore; resumed, it waits for its preview like any other."""
    assert synced("link", "pause").code == 0
    assert backup(synced).code == 0
    other = elsewhere(synced)
    told = restore(other, "backup.tandem", "--json")
    assert (told.code, told.data["waiting"], told.data["kept"]) == (0, [], None)
    assert other("sync").code == 2
    assert other("link", "resume", "--json").data["state"] == "restored"


def test_in_the_place_of_another(kept: Line) -> None:
    """`--replace` keeps what was there: database and key, whole, where it says; the keys of both open their own accounts."""
    assert backup(kept).code == 0
    assert kept("link", "pause").code == 0
    before, key = stored(kept), (kept.data_dir / "secret.key").read_text()
    told = restore(kept)
    assert (told.code, "--replace" in told.err) == (2, True)
    assert stored(kept) == before
    told = restore(kept, "backup.tandem", "--replace", "--json")
    assert told.code == 3, told
    aside = Path(str(told.data["kept"]))
    with closing(sqlite3.connect(aside / "tandem.sqlite3")) as connection:
        assert list(connection.iterdump()) == before
    assert (aside / "secret.key").read_text() == key
    assert (aside.stat().st_mode & 0o077, (kept.data_dir / "secret.key").stat().st_mode & 0o077) == (0, 0)
    assert "restored" in kept("link", "list").out


def test_nobody_outside_the_label_is_in_it(tandem: Line) -> None:
    """B17: of contacts outside the label, names, numbers and addresses are in no backup; nor are access tokens, which pass."""
    tandem.connect()
    assert tandem.link("--country", "PL").code == 0
    fields = {"names": [{"givenName": "Xenia", "familyName": "Privata"}], "emailAddresses": [{"value": "xenia@example.com"}],
              "phoneNumbers": [{"value": "+48 600 777 888"}]}  # fmt: skip
    outside = tandem.edit("google", "create", {"fields": fields, "groups": []})["id"]
    tandem("sync")
    (tandem.folder / "pass").write_text(PASSPHRASE)
    assert backup(tandem).code == 0
    said = content(tandem).decode()
    assert str(outside) in said
    for text in ("Xenia", "Privata", "xenia@example", "600 777 888", "600777888"):
        assert text not in said, text
        assert text.encode().hex() not in said
    assert "Nowak" not in said
    rows = [json.loads(line) for line in said.splitlines()]
    start = next(number for number, row in enumerate(rows) if isinstance(row, dict) and row.get("table") == "Secret")
    column = rows[start]["columns"].index("name")
    secrets = {row[column] for row in itertools.takewhile(lambda row: isinstance(row, list), rows[start + 1 :])}
    assert secrets == {"refresh-token", "api-token"}


def test_the_wrong_words(kept: Line) -> None:
    """Every wrong call: its exit code and words that help, in one or two lines; nothing is written, nothing has changed."""
    assert backup(kept).code == 0
    folder, good = kept.folder, (kept.folder / "backup.tandem").read_bytes()
    later = content(kept).replace(b'"0009_restored"', b'"9999_tomorrow"')
    file = BytesIO()
    sealer = Sealer(file, PASSPHRASE)
    sealer.write(zlib.compress(later))
    sealer.finish()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    files = {
        "other": b"another passphrase altogether", "short": b"short", "nothing": b"\n", "binary": b"\xff\xfe", "no-backup": b"x" * 999,
        "cut": good[:-100], "head": good[:40], "empty": b"", "flipped": bytes(flipped), "newer": file.getvalue(),
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).write_bytes(text)
    (folder / "locked").mkdir()
    before = stored(kept)
    wrong = [
        ("backup NEW --passphrase-file short", 2, "12 characters"),
        ("backup NEW --passphrase-file nothing", 2, "first line"),
        ("backup NEW --passphrase-file binary", 2, "no text"),
        ("backup NEW --passphrase-file absent", 2, "cannot be read"),
        ("backup NEW", 2, "--passphrase-file"),
        ("backup backup.tandem --passphrase-file pass", 2, "--force"),
        ("backup locked --passphrase-file pass", 2, "is a folder"),
        ("backup absent/NEW --passphrase-file pass", 2, "is not there"),
        ("backup", 2, "Missing argument"),
        ("restore absent --replace --passphrase-file pass", 2, "cannot be read"),
        ("restore backup.tandem --passphrase-file pass", 2, "--replace"),
        ("restore backup.tandem --replace --passphrase-file other", 2, "another one"),
        ("restore backup.tandem --replace", 2, "--passphrase-file"),
        ("restore no-backup --replace --passphrase-file pass", 2, "no backup of Tandem"),
        ("restore empty --replace --passphrase-file pass", 2, "damaged"),
        ("restore head --replace --passphrase-file pass", 2, "damaged"),
        ("restore cut --replace --passphrase-file pass", 2, "damaged"),
        ("restore flipped --replace --passphrase-file pass", 2, "damaged"),
        ("restore newer --replace --passphrase-file pass", 2, "newer Tandem"),
    ]
    for text, code, words in wrong:
        line = [word if word.startswith("-") or not at else str(folder / word)
                for at, word in enumerate(text.split())]  # fmt: skip
        told = kept(*line)
        assert (told.code, told.out) == (code, ""), (text, told)
        assert words in told.err, (text, told.err)
        assert len(told.err.splitlines()) <= 2, (text, told.err)
    assert set(kept("restore", folder / "no-backup", "--passphrase-file", folder / "pass", "--replace", "--json").data) == {"error", "next"}
    assert not (folder / "NEW").exists()
    assert stored(kept) == before
    assert sorted(path.name for path in kept.data_dir.iterdir() if path.is_dir()) == []


def test_keys_that_do_not_go_together(kept: Line) -> None:
    """A configured key that is not the backup's is said before anything is done; with the old one appended it is taken."""
    assert backup(kept).code == 0
    other, key = elsewhere(kept), (kept.data_dir / "secret.key").read_text().strip()
    other.more["TANDEM_SECRET_KEY"] = "n" * 40
    told = restore(other)
    assert (told.code, "NEW,OLD" in told.err) == (2, True), told
    assert not (other.data_dir / "tandem.sqlite3").exists()
    other.more["TANDEM_SECRET_KEY"] = f"{'n' * 40},{key}"
    assert restore(other).code == 3
    assert not (other.data_dir / "secret.key").exists()
    database = SqliteFile(other.data_dir / SQLITE_NAME)
    alias = f"tandem-{database.identity}"
    setup.register(alias, database)
    assert Vault(alias, ("n" * 40, key)).get(1, "refresh-token") == "kept secret"
    setup.forget(alias)


def test_while_another_works(kept: Line) -> None:
    """A restore refuses while a process holds the data directory; a backup is made all the same."""
    place = DataDir(kept.data_dir)
    assert place.lock()
    try:
        assert backup(kept).code == 0
        told = restore(kept, "backup.tandem", "--replace")
        assert (told.code, "stop it first" in told.err) == (2, True)
    finally:
        place.unlock()


def run(line: Line, *words: object, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; `limit`: no file may become longer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    command = [sys.executable, "-P", "-m", "tandem", *(str(word) for word in words)]

    def narrow() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(command, env={**clean, **line.environment}, preexec_fn=narrow, capture_output=True, text=True, check=False)


def started(line: Line, *words: object) -> subprocess.Popen[bytes]:
    """A command that runs on by itself, and says nothing."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    command = [sys.executable, "-P", "-m", "tandem", *(str(word) for word in words)]
    return subprocess.Popen(command, env={**clean, **line.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_full_disk(kept: Line) -> None:
    """No room: a clear error, nothing half left, and the old backup stays; a restore without room changes nothing."""
    assert backup(kept).code == 0
    good = (kept.folder / "backup.tandem").read_bytes()
    told = run(kept, "backup", kept.folder / "backup.tandem", "--force", "--passphrase-file", kept.folder / "pass", limit=100_000)
    assert (told.returncode, "no room" in told.stderr) == (1, True), told
    assert (kept.folder / "backup.tandem").read_bytes() == good
    assert [path for path in kept.folder.iterdir() if path.name.endswith(".part")] == []
    before = stored(kept)
    told = run(kept, "restore", kept.folder / "backup.tandem", "--replace", "--passphrase-file", kept.folder / "pass", limit=100_000)
    assert (told.returncode, "Traceback" in told.stderr) == (1, False), told
    assert stored(kept) == before
    assert sorted(path.name for path in kept.data_dir.iterdir() if path.is_dir()) == []


def test_killed_at_random_moments(kept: Line) -> None:
    """A restore that is killed with SIGKILL leaves the old installation or the new one, whole, and nothing of the other."""
    rng = random.Random(SEED)
    assert backup(kept).code == 0
    words = ["restore", str(kept.folder / "backup.tandem"), "--replace", "--passphrase-file", str(kept.folder / "pass")]
    for number in range(KILLS):
        with closing(sqlite3.connect(kept.data_dir / "tandem.sqlite3")) as connection:
            connection.execute("UPDATE store_account SET name = ?", (f"mark-{number}",))
            connection.execute("UPDATE store_link SET is_unseen = 0")
            connection.commit()
        process = started(kept, *words)
        draft, patience = kept.data_dir / "restoring", time.monotonic() + 60
        while not draft.exists() and process.poll() is None and time.monotonic() < patience:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 3.0))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        swap_in(kept.data_dir)
        with closing(sqlite3.connect(kept.data_dir / "tandem.sqlite3")) as connection:
            marks = {row[0] for row in connection.execute("SELECT name LIKE 'mark-%' FROM store_account")}
            unseen = connection.execute("SELECT is_unseen FROM store_link").fetchone()[0]
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert (marks, unseen) in [({1}, 0), ({0}, 1)], (SEED, number)
        assert kept("status").code == 0
