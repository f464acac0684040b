"""Opening the database: Django is set up once a process; every installation in it has an alias of its own."""

from __future__ import annotations

import gc
import os
import pkgutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, NotSupportedError, connections
from django.db.migrations.recorder import MigrationRecorder

from tandem.databases import Database
from tandem.errors import StorageError
from tandem.store.sessions import LOCK_TIMEOUT_S, listen

#: The name by which Django knows the store.
APP = "store"
#: So many objects more, and so many times of the generation below: when Python looks for circles that nobody holds any more.
_COLLECTING = (20_000, 20, 20)
#: Another process may be at a long migration.
_MIGRATING_TIMEOUT_S = 900


def prepare() -> None:
    """Set Django up. May be called again."""
    # Contacts by the thousand are no garbage: looking for circles among them as often as Python does takes a sixth of a first sync.
    gc.set_threshold(*_COLLECTING)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tandem.settings")
    django.setup()
    listen()


def register(alias: str, database: Database, *, engine: str | None = None) -> None:
    """Make a further database known under an alias."""
    entry = database.entry() | ({"ENGINE": engine} if engine else {})
    settings = connections.configure_settings({"default": {}, alias: entry})
    connections.settings[alias] = settings[alias]


def forget(alias: str) -> None:
    """Close a database and take its alias out of the registry."""
    connections[alias].close()
    del connections[alias]
    del connections.settings[alias]


@contextmanager
def opened(database: Database) -> Iterator[str]:
    """The alias of a database that is known only within."""
    alias = f"tandem-{database.identity}"
    register(alias, database)
    try:
        yield alias
    finally:
        forget(alias)


def applied(alias: str) -> tuple[str, ...]:
    """The migrations that a database has seen, in order; none for an empty one.

    Raises:
        StorageError: one of them is not known here, so a newer Tandem wrote the database.
    """
    names = {name for app, name in MigrationRecorder(connections[alias]).applied_migrations() if app == APP}
    if names - _known():
        raise StorageError("The database was written by a newer Tandem: update this one, or bring an older backup back.")
    return tuple(sorted(names))


def _known() -> set[str]:
    return {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent / "migrations")])}


def migrate(alias: str) -> None:
    """Bring the tables up to date. Several processes may do so at once.

    Raises:
        StorageError: the database cannot be opened or written, is too old, was written by a newer Tandem, or does not keep text in UTF-8.
    """
    from tandem.store.trouble import unopened  # noqa: PLC0415 - needs Django set up

    is_file = connections[alias].vendor == "sqlite"
    try:
        if not is_file:
            _examine(alias)
        if set(applied(alias)) == _known():
            return  # asking Django for the same takes half of a short command's time
        with _migrating(alias):
            call_command("migrate", database=alias, verbosity=0, interactive=False)
    except NotSupportedError as error:
        raise StorageError(f"The database server is too old: {str(error).rstrip('.')}.") from error
    except (InterfaceError, sqlite3.Error, DatabaseError, OSError) as error:
        connections[alias].close()
        if not is_file:
            raise unopened(error) from error
        raise StorageError(
            f"The database could not be opened: {type(error).__name__}. Is the data directory writable, and the disk not full?"
        ) from error


def _examine(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        (encoding,) = cursor.fetchone()
    if encoding != "UTF8":
        raise StorageError(
            f"The database keeps text as {encoding}, which does not hold every name: make one with CREATE DATABASE ... ENCODING 'UTF8' "
            "TEMPLATE template0."
        )


@contextmanager
def _migrating(alias: str) -> Iterator[None]:
    """One process at a time, on PostgreSQL; the others wait, and find it done."""
    from tandem.store.moments import ADVISORY_LOCK, MIGRATING  # noqa: PLC0415 - needs Django set up

    connection = connections[alias]
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{_MIGRATING_TIMEOUT_S}s"])
        cursor.execute(f"SELECT pg_advisory_lock{ADVISORY_LOCK}", [MIGRATING])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock{ADVISORY_LOCK}", [MIGRATING])
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_TIMEOUT_S}s"])
