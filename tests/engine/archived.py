"""A backup of a stage's database, and a stage that comes out of it: what lies between a backup and a restore, without files and words."""

from __future__ import annotations

from datetime import datetime

from engine.stage import Database, Stage
from tandem.app.restoring import UNDER_WAY
from tandem.store import models
from tandem.store.dumping import Dump
from tandem.store.loading import load, read_head
from tandem.store.reviving import mark_restored

RING = ("k" * 64,)


def lines_of(alias: str, at: datetime) -> list[bytes]:
    """A backup, as the lines of its content."""
    return list(Dump(alias, ring=RING, version="test", made_at=at, without=frozenset({"access-token"})).lines())


def restored(stage: Stage, lines: list[bytes]) -> None:
    """The same world, with the archive of a backup."""
    empty = Database(b"empty")
    empty.path.unlink()
    told = iter(lines)
    load(empty.alias, head := read_head(told), told)
    mark_restored(empty.alias, backup_at=head.made_at, now=stage.clock.now(), under_way=UNDER_WAY)
    stage.database.close()
    # From a file of its own, like any other stage: SQLite keeps something beside the one that was just written.
    stage.database = Database(empty.content())
    empty.close()


def table(alias: str, model: type[models.models.Model]) -> list[tuple[object, ...]]:
    """All rows of a table, as plain values."""
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in model._default_manager.using(alias).order_by("pk").values_list()]  # fmt: skip
