"""Take the lines of a dump in again: into an empty database, at the state of the tables in which it was made, and then on to today's.

Rules: one transaction holds all rows; what is not whole is an error and leaves nothing. The lines were authenticated before they come here,
so what does not fit is damage, never believed half. dumping.py has the form of the lines.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import DatabaseError, connections, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tandem.errors import StorageError, WrongInput
from tandem.store import models as today
from tandem.store import setup
from tandem.store.contents import chunks
from tandem.store.dumping import FORMAT, Summary, in_order
from tandem.store.moments import alone
from tandem.store.sealed import damaged
from tandem.store.setup import APP

_AT_ONCE = 500
_NEWER = "This backup was made by a newer Tandem{version}: update this one, then restore it."


@dataclass(frozen=True, slots=True)
class Head:
    """What a dump says of itself before its rows."""

    #: The version of the program that made it.
    tandem: str
    made_at: datetime
    installation: str
    migrations: tuple[str, ...]
    #: The secrets of the installation, the present one first.
    ring: tuple[str, ...]


def read_head(lines: Iterator[bytes]) -> Head:
    """Take the first line.

    Raises:
        WrongInput: a newer Tandem made it, or it is damaged.
    """
    line = next(lines, b"")
    if _parsed(line).get("format") != FORMAT:
        raise WrongInput(_NEWER.format(version=""))
    try:
        head = msgspec.json.decode(line, type=Head)
    except msgspec.ValidationError:
        raise damaged("its first line is not that of a backup") from None
    known = MigrationLoader(None).disk_migrations
    if any((APP, name) not in known for name in head.migrations):
        raise WrongInput(_NEWER.format(version=f" ({head.tandem})"))
    return head


def is_unused(alias: str) -> bool:
    """Whether nobody has connected an account in this database yet."""
    table = today.Account._meta.db_table
    with connections[alias].cursor() as cursor:
        return table not in connections[alias].introspection.table_names(cursor) or not today.Account.objects.using(alias).exists()


@contextmanager
def vacated(alias: str) -> Iterator[None]:
    """A transaction in which a server's database that is not used has none of our tables.

    Raises:
        StorageError: it has come into use.
    """
    with alone(alias):
        if not is_unused(alias):
            raise StorageError("The database has come into use meanwhile; nothing was changed.")
        connection = connections[alias]
        with connection.cursor() as cursor:
            there = connection.introspection.table_names(cursor)
            if tables := [connection.ops.quote_name(name) for name in there if name.startswith(f"{APP}_")]:
                cursor.execute(f"DROP TABLE {', '.join(tables)}")
            if tables:
                cursor.execute("DELETE FROM django_migrations WHERE app = %s", [APP])
        yield


def load(alias: str, head: Head, lines: Iterator[bytes]) -> Summary:
    """Take in all rows, and bring the tables up to date. The database is empty.

    Raises:
        WrongInput: it is damaged.
        StorageError: the database does not take it.
    """
    try:
        apps = _at(alias, head.migrations)
        with transaction.atomic(using=alias):
            counts = _Rows(alias, apps).take(lines)
            _reset_sequences(alias, apps)
            connections[alias].check_constraints()
        setup.migrate(alias)
    except (DatabaseError, OverflowError) as error:
        raise StorageError(f"The database did not take the backup ({type(error).__name__}). Is the disk full?") from error
    links = apps.get_model(APP, "Link")._default_manager.using(alias).exclude(state="removed").count()
    pairs = apps.get_model(APP, "Pair")._default_manager.using(alias).exclude(state="closed").count()
    return Summary(links, pairs, counts.get("Shadow", 0), head.made_at, head.installation, counts)


def _at(alias: str, names: tuple[str, ...]) -> Apps:
    """Make the tables as they were."""
    executor = MigrationExecutor(connections[alias])
    nodes = {(APP, name) for name in names}
    last = [node for node in nodes if not any(child.key in nodes for child in executor.loader.graph.node_map[node].children)]
    return executor.migrate(sorted(last)).apps


def _reset_sequences(alias: str, apps: Apps) -> None:
    """The next new row gets the next number, where the database does not see to it by itself."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), in_order(apps)):
            cursor.execute(statement)


class _Rows:
    """Takes rows in, table by table."""

    def __init__(self, alias: str, apps: Apps) -> None:
        self._alias = alias
        self._models = {model._meta.object_name or "": model for model in in_order(apps)}
        self._counts: dict[str, int] = {}

    def take(self, lines: Iterator[bytes]) -> Mapping[str, int]:
        """Everything up to the last line. Returns the rows by table."""
        said = _parsed(next(lines, b""))
        while "table" in said:
            said = self._table(said, lines)
        if said.get("end") is not True or said.get("rows") != self._counts or next(lines, b""):
            raise damaged("rows are missing")
        return self._counts

    def _table(self, said: Mapping[str, object], lines: Iterator[bytes]) -> dict[str, object]:
        """The rows of one table. Returns the line that follows them."""
        name = str(said["table"])
        model = self._models.get(name)
        if model is None or name in self._counts:
            raise damaged("it names a table that there is not")
        columns = _columns(model, said.get("columns"))
        self._counts[name] = 0
        following: list[dict[str, object]] = []

        def rows() -> Iterator[models.Model]:
            for line in lines:
                values = _value(line)
                if isinstance(values, dict):
                    following.append(values)
                    return
                if not isinstance(values, list) or len(values) != len(columns):
                    raise damaged("a row is not whole")
                yield model(**{column: made(value) for (column, made), value in zip(columns, values, strict=True)})

        for part in chunks(rows(), _AT_ONCE):
            model._default_manager.using(self._alias).bulk_create(part, batch_size=100)
            self._counts[name] += len(part)
        if not following:
            raise damaged("it ends too early")
        return following[0]


def _columns(model: type[models.Model], named: object) -> list[tuple[str, Callable[[object], object]]]:
    known = {column.attname: column for column in model._meta.concrete_fields}
    if not isinstance(named, list) or set(named) != known.keys():
        raise damaged("its columns are not those of its version")
    return [(name, _maker(known[name])) for name in named]


def _maker(column: models.Field[object, object]) -> Callable[[object], object]:
    """How a value of JSON becomes that of a column."""
    match column:
        case models.BinaryField():
            return lambda value: None if value is None else base64.b64decode(str(value), validate=True)
        case models.DateTimeField():
            return lambda value: None if value is None else datetime.fromisoformat(str(value))
        case models.DateField():
            return lambda value: None if value is None else date.fromisoformat(str(value))
        case _:
            return lambda value: value


def _parsed(line: bytes) -> dict[str, object]:
    said = _value(line)
    if not isinstance(said, dict):
        raise damaged("a line stands where it does not belong")
    return said


def _value(line: bytes) -> object:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise damaged("a line does not parse") from None
