"""Where an installation keeps everything: a SQLite file in its data directory, or a database on a PostgreSQL server.

Rules: what stands in TANDEM_DATABASE_URL is taken apart by psycopg, which knows everything that libpq knows; a password is part of no
error and of nothing that is shown. SQLite: IMMEDIATE, so that two writers wait for each other instead of failing half way; WAL with
synchronous=FULL, because a lost intent is a duplicated contact. PostgreSQL: READ COMMITTED, whatever the server's default, because
the store locks what it is about to change (store/moments.py); what a session sets is in store/sessions.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tandem.errors import WrongInput

SQLITE_NAME = "tandem.sqlite3"
SQLITE_ENGINE = "django.db.backends.sqlite3"
POSTGRESQL_ENGINE = "django.db.backends.postgresql"
_SQLITE_OPTIONS: Mapping[str, object] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
#: A server that does not answer is noticed in seconds, and one that fell silent in about a minute.
_PATIENCE: Mapping[str, object] = {
    "connect_timeout": "10", "keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
    "tcp_user_timeout": "60000", "application_name": "tandem", "target_session_attrs": "read-write",
}  # fmt: skip
_FORM = "postgresql://USER:PASSWORD@HOST:PORT/NAME?sslmode=require, or postgresql:///NAME?host=/run/postgresql for a socket"
#: libpq's name -> Django's.
_OWN_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file on this machine."""

    path: Path

    @property
    def identity(self) -> str:
        """The same for the same database."""
        return _short(str(self.path.absolute()))

    def entry(self) -> dict[str, object]:
        """What Django wants to know."""
        return {"ENGINE": SQLITE_ENGINE, "NAME": self.path, "OPTIONS": dict(_SQLITE_OPTIONS)}


@dataclass(frozen=True, slots=True)
class ServerDatabase:
    """A database on a PostgreSQL server, by libpq's own parameters."""

    parts: Mapping[str, str] = field(repr=False)

    @property
    def identity(self) -> str:
        """The same for the same database and user."""
        return _short(repr(sorted((name, text) for name, text in self.parts.items() if name != "password")))

    def entry(self) -> dict[str, object]:
        """What Django wants to know."""
        from psycopg import IsolationLevel  # noqa: PLC0415 - who keeps a file never loads it

        own = {_OWN_NAMES[name]: text for name, text in self.parts.items() if name in _OWN_NAMES}
        more = {name: text for name, text in self.parts.items() if name not in _OWN_NAMES and name != "client_encoding"}
        options = {**_PATIENCE, **more, "isolation_level": IsolationLevel.READ_COMMITTED}
        return {"ENGINE": POSTGRESQL_ENGINE, "NAME": "", **own, "OPTIONS": options}


Database: TypeAlias = SqliteFile | ServerDatabase


def described(url: str, data_dir: Path) -> Database:
    """The database that TANDEM_DATABASE_URL names; without one, the file in the data directory.

    Raises:
        WrongInput: it cannot be taken apart, or names no database.
    """
    return ServerDatabase(_parts(url)) if url else SqliteFile(data_dir / SQLITE_NAME)


def _parts(url: str) -> dict[str, str]:
    from psycopg import ProgrammingError  # noqa: PLC0415 - as above
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    if not url.startswith(("postgresql://", "postgres://")):
        raise WrongInput(f"TANDEM_DATABASE_URL must begin with postgresql:// (or stay unset, for SQLite in the data directory): {_FORM}.")
    try:
        parts = {name: str(text) for name, text in conninfo_to_dict(url).items()}
    except ProgrammingError as error:
        # libpq's sentence may repeat a part of the password; the name of a parameter is its only part that may not.
        unknown = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
        said = f"has a parameter {unknown[1]!r} that PostgreSQL does not know" if unknown else "is not the address of a database"
        raise WrongInput(f"TANDEM_DATABASE_URL {said}. {_sentence()}") from None
    has_slipped = "@" in parts.get("host", "") + parts.get("dbname", "")
    if has_slipped or not all(number.isdecimal() and int(number) < 65_536 for number in parts.get("port", "1").split(",")):
        raise WrongInput(f"TANDEM_DATABASE_URL is not the address of a database. {_sentence()}")
    if not parts.get("dbname") and "service" not in parts:
        raise WrongInput(f"TANDEM_DATABASE_URL names no database: {_FORM}.")
    return parts


def _sentence() -> str:
    return f"It looks like {_FORM}; in the password, characters such as @ / : % and spaces are written as %40 %2F %3A %25 %20."


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
