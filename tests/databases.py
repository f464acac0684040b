"""The databases of the tests: SQLite files, or databases of the session's PostgreSQL, whichever TANDEM_TEST_DATABASE says.

Theory: making a database on a server takes a tenth of a second, emptying one a few milliseconds. So each process that runs tests keeps
those it has made, and a database that is given back is emptied and lent again. What a test keeps of one - the places to die at - is one
text made by the server, and goes back in as one statement.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

import postgres
from tandem.databases import described

SQLITE, POSTGRESQL = "sqlite", "postgresql"
KINDS = (SQLITE, POSTGRESQL)
_TEMPLATE = "template_of_tandem"
_SESSIONS = "store_session"
_VACUUM_EVERY = 25


def usual() -> str:
    """On which kind of database the whole run is."""
    kind = os.environ.get("TANDEM_TEST_DATABASE", SQLITE)
    if kind not in KINDS:
        raise pytest.UsageError(f"TANDEM_TEST_DATABASE is one of {', '.join(KINDS)}")
    return kind


_kinds = [usual()]


def kind() -> str:
    """On which kind of database the present test is."""
    return _kinds[-1]


@contextmanager
def on(wanted: str) -> Iterator[None]:
    """Within, databases are of this kind. Skips the test where there is none."""
    if wanted == POSTGRESQL:
        server()
    _kinds.append(wanted)
    try:
        yield
    finally:
        _kinds.pop()


@cache
def _folder() -> Path | str:
    try:
        return postgres.shared_folder()
    except postgres.NoPostgres as error:
        return str(error)


def server() -> Path:
    """The folder of the session's server. Skips the test, and says why, where there is none."""
    found = _folder()
    if isinstance(found, str):
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {found}")
    return found


def connect(name: str) -> psycopg.Connection[tuple[object, ...]]:
    """An ordinary connection to a database of the session's server."""
    return psycopg.connect(postgres.url(server(), name), autocommit=True)


# Databases on the server


class Lent:
    """A migrated and empty database; give it back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = postgres.url(server(), name)
        self._connection = connect(name)
        # No triggers: rows go in and out in any order.
        self._connection.execute("SET session_replication_role = replica")
        rows = self._connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'store_%' ORDER BY 1").fetchall()
        #: Browsers that are signed in have no numbers, and are no part of what a test compares.
        self.tables = [str(name) for (name,) in rows if name != _SESSIONS]
        self._turns = 0

    def content(self) -> bytes:
        """All that is committed, as one text."""
        each = [
            sql.SQL(
                "SELECT json_build_array({name}, (SELECT last_value FROM {numbers}), (SELECT is_called FROM {numbers}), "
                "(SELECT coalesce(json_agg(row_to_json(one) ORDER BY one.id), '[]') FROM {table} AS one))::text"
            ).format(name=sql.Literal(table), table=sql.Identifier(table), numbers=sql.Identifier(f"{table}_id_seq"))
            for table in self.tables
        ]
        rows = self._connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall()
        return ("[" + ",\n".join(str(text) for (text,) in rows) + "]").encode()

    def fill(self, content: bytes) -> None:
        """Put back what `content` has said."""
        statements = [self._emptying()]
        for table, last, is_called, rows in json.loads(content):
            if rows:
                statements.append(
                    sql.SQL("INSERT INTO {table} SELECT * FROM json_populate_recordset(null::{table}, {rows})").format(
                        table=sql.Identifier(table), rows=sql.Literal(json.dumps(rows))
                    )
                )
            values = map(sql.Literal, (f"{table}_id_seq", last, is_called))
            statements.append(sql.SQL("SELECT setval({}, {}, {})").format(*values))
        self._run(statements)

    def empty(self) -> None:
        """As after migrating. Ends what is still connected."""
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        self._run([self._emptying()])
        self._turns += 1
        if self._turns % _VACUUM_EVERY == 0:
            self._connection.execute("VACUUM")

    def _emptying(self) -> sql.Composable:
        deletions = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in (*self.tables, _SESSIONS)]
        resets = [sql.SQL("SELECT setval({}, 1, false)").format(sql.Literal(f"{table}_id_seq")) for table in self.tables]
        return sql.SQL("; ").join([*deletions, *resets])

    def _run(self, statements: Sequence[sql.Composable]) -> None:
        with self._connection.transaction():
            self._connection.execute(sql.SQL("; ").join(statements))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


_free: list[Lent] = []
_lent: list[Lent] = []


def lend() -> Lent:
    """A migrated and empty database of the session's server. Skips the test where there is none."""
    return _free.pop() if _free else Lent(_make())


def give_back(lent: Lent) -> None:
    """Take a database back. A connection to it that an installation has left open would be found dead by the next."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["NAME"] == lent.name:
            connection.close()
    lent.empty()
    _free.append(lent)


def lend_for_test() -> Mapping[str, str]:
    """What an installation's environment says of a new database, which is taken back after the test; nothing for SQLite."""
    if kind() == SQLITE:
        return {}
    _lent.append(lend())
    return {"TANDEM_DATABASE_URL": _lent[-1].url}


def take_back_all() -> None:
    """Take back what was lent for a test."""
    while _lent:
        give_back(_lent.pop())


def close() -> None:
    """End all connections."""
    while _free:
        _free.pop().close()


def make_database(name: str, *more: str) -> str:
    """Make a database that is not Tandem's yet; its URL."""
    with connect("postgres") as connection:
        words = sql.SQL("CREATE DATABASE {} ").format(sql.Identifier(name))
        connection.execute(words + sql.SQL(" ".join(more)))  # type: ignore[arg-type]
    return postgres.url(server(), name)


def unique(prefix: str) -> str:
    """A name that no other process or test takes."""
    _names.append(prefix)
    return f"{prefix}_{os.getpid()}_{len(_names)}"


_names: list[str] = []


def _make() -> str:
    name = unique("lent")
    _migrated()
    make_database(name, f"TEMPLATE {_TEMPLATE}", "STRATEGY file_copy" if _knows_strategies() else "")
    return name


@cache
def _knows_strategies() -> bool:
    with connect("postgres") as connection:
        return connection.info.server_version >= 150000


@cache
def _migrated() -> None:
    """The template, made by whoever comes first."""
    from django.db import connections

    from tandem.store import setup

    with connect("postgres") as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE]).fetchone():
            draft = make_database("draft_of_tandem")
            setup.prepare()
            setup.register("draft", described(draft, Path()))
            setup.migrate("draft")
            connections["draft"].close()
            connection.execute(f"ALTER DATABASE draft_of_tandem RENAME TO {_TEMPLATE}")


# Looking into the database of an installation


def rows(environment: Mapping[str, str], query: str, *values: object) -> list[tuple[object, ...]]:
    """What a query (with ? for values) finds in an installation's database; nothing before there are tables."""
    url = environment.get("TANDEM_DATABASE_URL")
    if url:
        with psycopg.connect(url) as connection:
            return list(connection.execute(query.replace("?", "%s").encode(), values).fetchall())
    path = Path(environment["TANDEM_DATA_DIR"]) / "tandem.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        return list(reader.execute(query, values))


def every_row(environment: Mapping[str, str], *, but: Sequence[str] = ()) -> list[str]:
    """Every row of every table but those named, as text."""
    is_server = "TANDEM_DATABASE_URL" in environment
    listing = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        if is_server
        else "SELECT name FROM sqlite_master WHERE type = 'table'"
    )
    tables = sorted(str(name) for (name,) in rows(environment, listing))
    return [
        f"{table}: {[value.decode('utf-8', 'replace') if isinstance(value, bytes) else value for value in row]}"
        for table in tables
        if table not in but and not table.startswith("sqlite_")
        for row in rows(environment, f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - names of our own tables
    ]
