"""Promise: a backup goes from a file into a server's database and back; one that is in use is never touched; all comes, or nothing."""

from __future__ import annotations

import random
import signal
import time

import pytest

import databases
from depth import ALL, SEED, at_most

from .conftest import Line
from .test_backup import backup, elsewhere, names, restore, started

KILLS = at_most(2, 12, 12)
KINDS = (databases.SQLITE, databases.POSTGRESQL)


def moved(line: Line, kind: str) -> Line:
    """The same person at another machine, with an installation that nobody uses yet."""
    with databases.on(kind):
        other = elsewhere(line)
    assert other("status").code == 0
    return other


@pytest.fixture(params=KINDS if ALL else KINDS[1:])
def target(request: pytest.FixtureRequest) -> str:
    """Where a backup is brought back to; its own database is of the other kind."""
    databases.server()
    return str(request.param)


@pytest.fixture
def synced(tandem: Line, target: str) -> Line:
    """A link after its first sync, in a database of the other kind, with its backup."""
    with databases.on(next(kind for kind in KINDS if kind != target)):
        tandem.database = databases.lend_for_test()
    tandem.link_up()
    assert backup(tandem).code == 0
    return tandem


def test_from_one_kind_to_the_other(synced: Line, target: str) -> None:
    """All is there, and works; nothing is written before a look, nor after it; the key came along; what is in use stays as it is."""
    before, writes = names(synced), len(synced.writes())
    other = moved(synced, target)
    own = (other.data_dir / "secret.key").read_text()
    told = restore(other)
    assert (told.code, "tandem preview 1" in told.out) == (3, True), told
    assert own != (other.data_dir / "secret.key").read_text() == (synced.data_dir / "secret.key").read_text()
    synced.control.call("POST", "clock", {"advance_s": 7200})
    assert other("preview").code == 0
    told = other("sync")
    assert told.code == 0, told
    assert (names(synced), len(synced.writes())) == (before, writes)
    rows = other.every_row()
    told = restore(other)
    assert (told.code, ("TANDEM_DATABASE_URL" in told.err) == (target == databases.POSTGRESQL)) == (2, True), told
    if target == databases.POSTGRESQL:
        told = restore(other, "backup.tandem", "--replace")
        assert (told.code, "the present one stays" in told.err) == (2, True), told
    assert other.every_row() == rows
    synced.edit("pipedrive", "create_person", {"name": "Ola Zielona"})
    assert other("sync").code == 0
    assert "Ola" in names(synced)[0]


@pytest.mark.parametrize("target", [databases.POSTGRESQL], indirect=True)
def test_a_server_gets_all_or_nothing(synced: Line, target: str) -> None:
    """A damaged backup changes nothing on a server; one that is killed leaves an unused database, into which the next try goes, or all."""
    other = moved(synced, target)
    whole, rows = (other.folder / "backup.tandem").read_bytes(), other.every_row(but=("store_installation",))
    for text in (whole[:-100], whole[: len(whole) // 2]):
        (other.folder / "cut").write_bytes(text)
        told = restore(other, "cut")
        assert (told.code, "damaged" in told.err) == (2, True), told
    assert other.every_row(but=("store_installation",)) == rows
    rng, results = random.Random(SEED), set()
    for number in range(KILLS):
        process = started(other, "restore", other.folder / "backup.tandem", "--passphrase-file", other.folder / "pass")
        draft, patience = other.data_dir / "restoring", time.monotonic() + 60
        while not draft.exists() and process.poll() is None and time.monotonic() < patience:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        links = other.rows("SELECT state FROM store_link")
        assert links in ([], [("restored",)]), (SEED, number)
        results.add(len(links))
        if links:
            break
    told = restore(other)
    assert told.code == (2 if 1 in results else 3), told
    assert other("status").code == 0
    assert other.rows("SELECT state FROM store_link") == [("restored",)]
