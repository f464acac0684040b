"""What a database says when it does not do what it should, in our own words.

Rules: nothing is repeated that may hold a value of a contact: of PostgreSQL's messages only its headline, and only of errors that are
about the server; libpq's own sentence about a connection that does not come about holds host, user and database, never a password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.utils import InternalError

from tandem.errors import StorageError, StorageUnavailable

#: PostgreSQL's codes for: the connection is gone, the server stops or starts, our session was ended.
_AWAY = ("08", "57P0", "25P03", "25P04", "53300")
#: Somebody else was in the way for too long.
_BUSY = ("55P03", "40", "57014", "SQLITE_BUSY")
_LONGEST = 300


@contextmanager
def told() -> Iterator[None]:
    """Within, what is wrong with the database itself is a `StorageError`; `StorageUnavailable` where it may go on by itself."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        raise trouble from error


def trouble_of(error: Exception) -> StorageError | None:
    """What is wrong; None where it is not the database but what was asked of it."""
    if not isinstance(error, (OperationalError, InterfaceError, InternalError)):
        return None
    code = _code(error)
    if code.startswith(_BUSY):
        return StorageUnavailable("The database was kept busy by another process for too long; nothing is lost, and it is tried again.")
    if isinstance(error.__cause__, sqlite3.Error):
        return StorageError(f"The database did not take a write ({str(error)[:60]}). Is the disk full?")
    if not code or code.startswith(_AWAY):
        return StorageUnavailable(f"The PostgreSQL server does not answer ({_headline(error)}); nothing that was written down is lost.")
    return StorageError(f"PostgreSQL did not take a write ({_headline(error)}). Is its disk full, or is it read-only?")


def unopened(error: Exception) -> StorageError:
    """Why a PostgreSQL database could not be opened, and what to do."""
    said = _headline(error)
    advice = next((words for sign, words in _ADVICE.items() if sign in said), "Is TANDEM_DATABASE_URL right?")
    return StorageUnavailable(f"The database could not be opened: {said}. {advice}")


_ADVICE = {
    "password": "Look at user and password in TANDEM_DATABASE_URL.",
    "role": "Look at the user in TANDEM_DATABASE_URL, or make it: CREATE ROLE ... LOGIN.",
    "database": "Make it: CREATE DATABASE ... ENCODING 'UTF8'; or look at TANDEM_DATABASE_URL.",
    "read-only": "TANDEM_DATABASE_URL must name the server that takes writes, not a standby.",
    "permission denied": "Tandem's user must be allowed to make tables there, for example by owning the database.",
    "refused": "Is the server running there, and is TANDEM_DATABASE_URL right?",
    "No such file": "Is the server running there, and is TANDEM_DATABASE_URL right?",
    "timeout": "Is the server running there, and can it be reached from here?",
}


def _code(error: Exception) -> str:
    cause = error.__cause__
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or "")


def _headline(error: Exception) -> str:
    """The server's headline, or libpq's words, in one line."""
    diagnosis = getattr(error.__cause__, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error)
    return " ".join(str(text).split())[:_LONGEST].rstrip(".?")
