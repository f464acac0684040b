"""Everything of one database as lines of JSON, from one moment: rows and not pages, so that any database can take them in again.

    {"format": 1, "made_at": ..., "installation": ..., "migrations": [...], ...}
    {"table": "Link", "columns": ["id", ...]}       before the rows of each table, tables that are pointed at first
    [1, ...]                                         one row
    {"end": true, "rows": {"Link": 1, ...}}          the last line

Binary columns are base64, times ISO 8601 with microseconds. Rules: rows stream, whatever their number; nothing is written; the
snapshot is a read transaction that holds nobody up. Tables are read as the applied migrations made them, so that an older database
is dumped as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter

import msgspec
from django.apps.registry import Apps
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model, QuerySet

from tandem.errors import StorageError
from tandem.store.setup import APP, applied

FORMAT = 1
_AT_ONCE = 500
#: Of no use later: what is told by webhooks is seen anew by listing everything, consents that were waited for are begun
#: anew, and browsers sign in again.
_LEFT_OUT = frozenset({"Hint", "Authorisation", "Session"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What a dump holds. `tables`: rows by table."""

    links: int
    pairs: int
    records: int
    made_at: datetime
    installation: str
    tables: Mapping[str, int] = field(default_factory=dict)


def tables_at(connection: BaseDatabaseWrapper, names: Sequence[str]) -> Apps:
    """The tables as these migrations made them."""
    return MigrationLoader(connection).project_state([(APP, name) for name in names]).apps


def in_order(apps: Apps) -> list[type[Model]]:
    """All tables, those that are pointed at first."""
    models = {model._meta.object_name or "": model for model in apps.get_app_config(APP).get_models()}
    pointing = {
        name: {_name_of(column.related_model) for column in model._meta.concrete_fields} - {name, ""} for name, model in models.items()
    }
    return [models[name] for name in TopologicalSorter(dict(sorted(pointing.items()))).static_order()]


def _name_of(related: object) -> str:
    return related._meta.object_name or "" if isinstance(related, type) and issubclass(related, Model) else ""


@contextmanager
def _snapshot(alias: str) -> Iterator[None]:
    """One moment of the database, for reading; writers go on meanwhile."""
    connection = connections[alias]
    if connection.vendor != "sqlite":
        with transaction.atomic(using=alias):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    # Django would begin a transaction that keeps other writers out.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


class Dump:
    """A dump of one database. `without`: names of stored credentials that are left out; `ring`: the installation's secrets."""

    def __init__(self, alias: str, *, ring: Sequence[str], version: str, made_at: datetime, without: frozenset[str]) -> None:
        self._alias = alias
        self._ring = list(ring)
        self._version = version
        self._made_at = made_at
        self._without = without
        #: Known once all lines have been read.
        self.summary: Summary | None = None

    def lines(self) -> Iterator[bytes]:
        """All lines, the last one told by its end.

        Raises:
            StorageError: the database cannot be read, or a newer Tandem wrote it.
        """
        try:
            with _snapshot(self._alias):
                yield from self._lines()
        except DatabaseError as error:
            raise StorageError(f"The database cannot be read ({type(error).__name__}); `tandem doctor` looks at it.") from error

    def _lines(self) -> Iterator[bytes]:
        names = applied(self._alias)
        apps = tables_at(connections[self._alias], names)
        own = self._rows(apps.get_model(APP, "Installation")).order_by("id").first()
        installation = str(getattr(own, "installation_id", ""))
        yield _line(
            {
                "format": FORMAT, "tandem": self._version, "made_at": self._made_at, "installation": installation,
                "migrations": names, "ring": self._ring,
            }
        )  # fmt: skip
        counts: dict[str, int] = {}
        for model in in_order(apps):
            name = model._meta.object_name or ""
            if name not in _LEFT_OUT:
                counts[name] = 0
                for line in self._table(model):
                    counts[name] += 1
                    yield line
                counts[name] -= 1
        links = self._rows(apps.get_model(APP, "Link")).exclude(state="removed").count()
        pairs = self._rows(apps.get_model(APP, "Pair")).exclude(state="closed").count()
        self.summary = Summary(links, pairs, counts.get("Shadow", 0), self._made_at, installation, counts)
        yield _line({"end": True, "rows": counts})

    def _rows(self, model: type[Model]) -> QuerySet[Model]:
        return model._default_manager.using(self._alias)

    def _table(self, model: type[Model]) -> Iterator[bytes]:
        columns = [column.attname for column in model._meta.concrete_fields]
        yield _line({"table": model._meta.object_name, "columns": columns})
        rows = self._rows(model).order_by("pk")
        if model._meta.object_name == "Secret":
            rows = rows.exclude(name__in=self._without)
        for row in rows.values_list(*columns).iterator(chunk_size=_AT_ONCE):
            yield _line([bytes(value) if isinstance(value, memoryview) else value for value in row])


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
