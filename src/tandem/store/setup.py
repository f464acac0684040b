"""Opening the database: Django is set up once a process; every installation in it has an alias of its own."""

from __future__ import annotations

import os
import pkgutil
import sqlite3
from pathlib import Path

import django
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError

from tandem.errors import StorageError


def prepare() -> None:
    """Set Django up. May be called again."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tandem.settings")
    django.setup()


def register(alias: str, path: Path, *, engine: str = "django.db.backends.sqlite3") -> None:
    """Make a further SQLite file known under an alias."""
    from tandem.settings import SQLITE_OPTIONS  # noqa: PLC0415 - reads the environment, so not before prepare()

    settings = connections.configure_settings({"default": {}, alias: {"ENGINE": engine, "NAME": path, "OPTIONS": dict(SQLITE_OPTIONS)}})
    connections.settings[alias] = settings[alias]


def forget(alias: str) -> None:
    """Close a database and take its alias out of the registry."""
    connections[alias].close()
    del connections[alias]
    del connections.settings[alias]


def _refuse_newer(alias: str) -> None:
    applied = {name for app, name in MigrationRecorder(connections[alias]).applied_migrations() if app == "store"}
    if applied - {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent / "migrations")])}:
        raise StorageError("The database was written by a newer Tandem: update this one, or bring an older backup back.")


def migrate(alias: str) -> None:
    """Bring the tables up to date.

    Raises:
        StorageError: the file cannot be opened or written, or a newer Tandem has written it.
    """
    try:
        _refuse_newer(alias)
        call_command("migrate", database=alias, verbosity=0, interactive=False)
    except (OperationalError, sqlite3.Error, DatabaseError, OSError) as error:
        raise StorageError(
            f"The database could not be opened: {type(error).__name__}. Is the data directory writable, and the disk not full?"
        ) from error
