"""Using the database for a moment: from a thread that does something else, or with nobody else at the same thing.

Theory: on SQLite one transaction writes at a time, so what is read in one stays true until its end. On PostgreSQL several do, and each
statement sees what the others have committed meanwhile. So a transaction that concludes from what it reads first locks that: the row of
its link (`linked`; a cycle does it by holding the lease), or, for what is about more than one link, one lock for all (`alone`). Always
in this order, so that nobody waits in a circle: `alone`, then links by their ids, then anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from tandem.store import models

#: Names of PostgreSQL's advisory locks; the first number is "TNDM".
_FAMILY = 0x544E444D
_ALONE, MIGRATING = 1, 2
ADVISORY_LOCK = f"({_FAMILY}, %s)"


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


@contextmanager
def linked(alias: str, link: int) -> Iterator[None]:
    """A transaction in which nobody else writes what belongs to a link, or concludes from it."""
    with transaction.atomic(using=alias):
        lock_link(alias, link)
        yield


def lock_link(alias: str, link: int) -> None:
    """Wait until nobody else writes what belongs to a link. In a transaction, before anything is read."""
    list(models.Link.objects.using(alias).select_for_update(no_key=True).filter(id=link).values_list("id", flat=True))


@contextmanager
def alone(alias: str) -> Iterator[None]:
    """A transaction of which there is one at a time: for accounts, the making of links, and who we are."""
    with transaction.atomic(using=alias):
        if connections[alias].vendor == "postgresql":
            with connections[alias].cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_xact_lock{ADVISORY_LOCK}", [_ALONE])
        yield
