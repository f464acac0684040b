"""Using the database for a moment, from a thread that does something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def brief(alias: str) -> Iterator[None]:
    """A thread that had no connection of its own has none afterwards."""
    connection = connections[alias]
    had_one = connection.connection is not None
    try:
        yield
    finally:
        if not had_one:
            connection.close()
