"""A backup of a stage's database, and a stage that comes out of it: what lies between a backup and a restore, without files and words."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from django.db import connections

import databases
from engine.stage import Database, Stage
from tandem.app.restoring import UNDER_WAY
from tandem.store import models
from tandem.store.dumping import Dump
from tandem.store.loading import load, read_head, vacated
from tandem.store.reviving import mark_restored

RING = ("k" * 64,)


def lines_of(stage: Stage) -> list[bytes]:
    """A backup, as the lines of its content."""
    with stage.database.beside() as alias:
        return list(Dump(alias, ring=RING, version="test", made_at=stage.clock.now(), without=frozenset({"access-token"})).lines())


def restored(stage: Stage, lines: list[bytes]) -> None:
    """The same world, with the archive of a backup."""
    is_file = databases.kind() == databases.SQLITE
    fresh = Database(b"no tables" if is_file else None)
    if is_file:
        Path(str(connections[fresh.alias].settings_dict["NAME"])).unlink()
    told = iter(lines)
    head = read_head(told)
    with nullcontext() if is_file else vacated(fresh.alias):
        load(fresh.alias, head, told)
    mark_restored(fresh.alias, backup_at=head.made_at, now=stage.clock.now(), under_way=UNDER_WAY)
    stage.database.close()
    # From a file of its own, like any other stage: SQLite keeps something beside the one that was just written.
    stage.database = Database(fresh.content())
    fresh.close()


def table(alias: str, model: type[models.models.Model]) -> list[tuple[object, ...]]:
    """All rows of a table, as plain values."""
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in model._default_manager.using(alias).order_by("pk").values_list()]  # fmt: skip
