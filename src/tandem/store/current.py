"""The database that a request of the pages is about: what Django itself keeps (sessions) goes there, too.

Everything of our own names its database; Django's session store asks a router, and this is it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("current database", default=None)


class CurrentDatabase:
    """Django's question which database to use, answered by what is being worked on; outside of that, by nothing."""

    def db_for_read(self, _model: object, **_hints: object) -> str | None:
        """The alias to read from."""
        return _current.get()

    def db_for_write(self, _model: object, **_hints: object) -> str | None:
        """The alias to write to."""
        return _current.get()


@contextmanager
def working_on(alias: str) -> Iterator[None]:
    """Within, Django's own tables are those of this database."""
    token = _current.set(alias)
    try:
        yield
    finally:
        _current.reset(token)
