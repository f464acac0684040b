"""Promise: on PostgreSQL, `tandem run` outlives a restart of the server, and two machines on one database do no harm."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace

import psycopg
import pytest

import databases
import postgres
from depth import ALL

from .conftest import Line
from .test_run import running
from .test_story import contacts, persons


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Server]:
    """A server that may be stopped."""
    databases.server()
    with postgres.own_server() as cluster:
        yield cluster


@pytest.fixture
def server(cluster: postgres.Server, tandem: Line) -> Iterator[postgres.Server]:
    """The same, with an empty database of its own for the installation."""
    name = databases.unique("tandem")
    with psycopg.connect(postgres.url(cluster.folder, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    tandem.database = {"TANDEM_DATABASE_URL": postgres.url(cluster.folder, name, "postgres:very-secret")}
    yield cluster
    cluster.stop()
    cluster.start()


@pytest.fixture
def lent() -> Mapping[str, str]:
    """A database on the session's server."""
    with databases.on(databases.POSTGRESQL):
        return databases.lend_for_test()


def both(tandem: Line) -> bool:
    """Whether both sides are the same."""
    return contacts(tandem) == persons(tandem)


def test_a_run_outlives_a_restart(tandem: Line, server: postgres.Server) -> None:
    """The server goes away and comes back: the run says so, waits, and goes on; what was edited meanwhile arrives, once."""
    with running(tandem.environment) as run:
        run.wait_for("watching")
        server.stop()
        tandem.edit("pipedrive", "create_person", {"name": "Ola Zielona", "emails": [{"value": "ola@example.com", "primary": True}]})
        assert "does not answer" in str(run.wait_for("trouble")["sentence"])
        server.start()
        assert run.wait_for("trouble", sentence="The database answers again.")
        run.wait_for("change", name="Ola Zielona", side="google")
        assert run.stop(signal.SIGTERM) == 0
    assert both(tandem)
    state = tandem.control.call("GET", "state", service="pipedrive")["persons"]
    assert len([one for one in state if not one["is_deleted"]]) == 4  # type: ignore[union-attr,index,call-overload]


def test_commands_say_that_the_server_is_away(tandem: Line, server: postgres.Server) -> None:
    """A stopped server is one sentence and what to do; nothing is shown that would be secret; it works when it is back."""
    tandem.connect()
    assert tandem.link().code == 0
    server.stop()
    for words in (("status",), ("sync",), ("run",)):
        told = tandem(*words)
        assert (told.code, "Is the server running there" in told.err) == (1, True), told
        assert "very-secret" not in told.out + told.err
    findings = {str(one["name"]): one for one in tandem("doctor", "--json").data["checks"]}  # type: ignore[attr-defined]
    assert findings["installation"]["ok"] is False
    server.start()
    assert tandem("sync").code == 0


def test_the_doctor_describes_the_database(tandem: Line, lent: Mapping[str, str]) -> None:
    """Version, name, place and encoding; and that a server without fsync is not to be trusted."""
    tandem.database = lent
    told = tandem("doctor")
    assert told.code == 0, told
    assert "PostgreSQL 1" in told.out
    assert "on a socket of this machine, UTF8 (its fsync is off" in told.out
    assert "can be written" in told.out


def test_forgetting_empties_the_tables(tandem: Line, lent: Mapping[str, str]) -> None:
    """What was erased stands in no row, and the tables are built anew."""
    tandem.database = lent
    tandem.connect()
    assert tandem.link().code == 0
    assert tandem("sync").code == 0
    before = tandem.rows("SELECT pg_relation_filenode('store_shadow'), pg_relation_filenode('store_history')")
    assert any("anna@example.com" in row for row in tandem.every_row())
    assert tandem("forget", "anna@example.com", "--yes").code == 0
    assert not any("anna@example.com" in row for row in tandem.every_row())
    after = tandem.rows("SELECT pg_relation_filenode('store_shadow'), pg_relation_filenode('store_history')")
    assert not set(before[0]) & set(after[0])


@pytest.mark.skipif(not ALL, reason="more than a usual run has time for: ./tandem test --all")
def test_two_machines_on_one_database(tandem: Line, lent: Mapping[str, str]) -> None:
    """Two runs with data directories of their own and one key: both go on, everything arrives, and nobody is doubled."""
    tandem.database = lent
    tandem.more["TANDEM_SECRET_KEY"] = "k" * 64
    other = replace(tandem, folder=tandem.folder / "other", database=lent)
    with running(tandem.environment) as first:
        first.wait_for("watching")
        with running(other.environment) as second:
            second.wait_for("watching")
            for turn in range(3):
                name = f"Ola{turn} Zielona"
                tandem.edit("pipedrive", "create_person", {"name": name, "emails": [{"value": f"ola{turn}@example.com", "primary": True}]})
            while not {f"Ola{turn} Zielona" for turn in range(3)} <= contacts(tandem):
                for run in (first, second):
                    with pytest.raises(subprocess.TimeoutExpired):
                        run.process.wait(0.2)  # it goes on
            assert second.stop(signal.SIGTERM) == 0
        assert first.stop(signal.SIGTERM) == 0
    assert tandem("sync").code == 0
    assert both(tandem)
    state = tandem.control.call("GET", "state", service="google")["contacts"]
    assert len([one for one in state if one["life"] == "live"]) == 6  # type: ignore[union-attr,index,call-overload]


def test_a_machine_with_a_key_of_its_own_is_turned_away(tandem: Line, lent: Mapping[str, str]) -> None:
    """Its key would make other hashes of the same people: it is told so at its first command, and has written nothing."""
    tandem.database = lent
    tandem.connect()
    before = tandem.every_row()
    other = replace(tandem, folder=tandem.folder / "other", database=lent)
    told = other("status")
    assert (told.code, "another secret key" in told.err) == (1, True), told
    assert tandem.every_row() == before
    assert tandem("status").code == 0
