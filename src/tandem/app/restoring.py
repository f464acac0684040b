"""Bring an installation back out of a backup, beside the present one, and exchange the two at the end.

Rules: nobody else works in the data directory; the present installation stays as it is until everything new is there, and is kept
afterwards. A backup never opens with other keys than its own: what cannot be brought together is said before anything is done.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from tandem.app import swapping
from tandem.app.places import KEY_NAME, DataDir, keys_of
from tandem.app.sandboxed import clock_of
from tandem.clock import Clock
from tandem.config import Config
from tandem.databases import SQLITE_NAME, SqliteFile
from tandem.engine.outside import ADOPTING
from tandem.engine.rejoin import REGROUP
from tandem.engine.reopening import UNDONE
from tandem.engine.restored import WANTED
from tandem.engine.withdrawal import WITHDRAWING
from tandem.errors import StorageError, WrongInput
from tandem.store import models, setup
from tandem.store.dumping import Summary
from tandem.store.loading import Head, load, read_head
from tandem.store.reviving import UnderWay, mark_restored
from tandem.store.sealed import Opener, damaged

UNDER_WAY = UnderWay(pairs=(WANTED, ADOPTING, WITHDRAWING), given_up=UNDONE, questions=(REGROUP,))


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `kept`: where the former installation is now; `waiting`: links that a person has to look at."""

    summary: Summary
    waiting: tuple[int, ...]
    kept: Path | None


def restore(
    config: Config, path: Path, ask_passphrase: Callable[[], str], *, is_replacing: bool = False, clock: Clock | None = None
) -> Restored:
    """Put the installation of a backup into the data directory.

    Raises:
        WrongInput: another process is at work, something is there already, the passphrase or the configured key is another
            one, a newer Tandem made it, or it is damaged. Nothing has changed.
        StorageError: it cannot be read or written. Nothing has changed.
    """
    database = config.database
    if not isinstance(database, SqliteFile):
        raise WrongInput(
            "A backup is brought back into SQLite only so far: unset TANDEM_DATABASE_URL, or restore a dump of the server's own."
        )
    place = DataDir(config.data_dir)
    if not place.lock():
        raise WrongInput(f"Another Tandem is working in {place.path}: stop it first.")
    try:
        return _restore(config, database, place, path, ask_passphrase, is_replacing=is_replacing, clock=clock or clock_of(config))
    finally:
        place.unlock()


def _restore(
    config: Config, database: SqliteFile, place: DataDir, path: Path, ask_passphrase: Callable[[], str], *, is_replacing: bool, clock: Clock
) -> Restored:
    is_there = _is_in_use(database.path)
    if is_there and not is_replacing:
        raise WrongInput(f"There is an installation in {place.path} already: --replace puts the backup in its place and keeps it aside.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise WrongInput(f"{path} cannot be read ({error.strerror}).") from None
    draft = swapping.prepare(place.path)
    try:
        with file:
            lines = _lines(Opener(file, ask_passphrase()))
            head = read_head(lines)
            _check(config, head, clock)
            summary, waiting = _build(draft / SQLITE_NAME, head, lines, clock)
        if not config.text("SECRET_KEY"):
            _write(draft / KEY_NAME, ",".join(head.ring) + "\n")
        aside = f"before-restore-{clock.now():%Y%m%d-%H%M%S}"
        swapping.decide(place.path, aside)
    except OSError as error:
        raise StorageError(f"The data directory {place.path} does not take the backup ({error.strerror}); nothing has changed.") from None
    finally:
        swapping.forget(place.path)
    swapping.swap_in(place.path)
    return Restored(summary, tuple(waiting), place.path / aside if (place.path / aside).exists() else None)


def _is_in_use(database: Path) -> bool:
    """Whether anybody has connected anything here. What cannot be read counts as something."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
            return bool(reader.execute(f"SELECT count(*) FROM {models.Account._meta.db_table}").fetchone()[0])  # noqa: S608 - our own name
    except sqlite3.Error:
        return True


def _lines(opener: Opener) -> Iterator[bytes]:
    """The lines of a dump, as they come."""
    unpacker, held = zlib.decompressobj(), b""
    try:
        for piece in opener.pieces():
            *whole, held = (held + unpacker.decompress(piece)).split(b"\n")
            yield from whole
        held += unpacker.flush()
    except zlib.error:
        raise damaged("it cannot be unpacked") from None
    if held or not unpacker.eof:
        raise damaged("it ends too early")


def _check(config: Config, head: Head, clock: Clock) -> None:
    """Whether this backup and this installation go together. Raises WrongInput."""
    if head.made_at > clock.now():
        raise WrongInput(f"The backup was made at {head.made_at:%Y-%m-%d %H:%M} UTC, later than this machine's clock: set the clock.")
    if config.text("SECRET_KEY"):
        _check_keys(keys_of(config.text("SECRET_KEY")), head.ring)


def _check_keys(configured: Sequence[str], ring: Sequence[str]) -> None:
    if not set(ring) <= set(configured) or configured[-1] != ring[-1]:
        raise WrongInput(
            "TANDEM_SECRET_KEY is another key than that of the backup. Unset it, and the backup's own key is put into the data directory; "
            "or, where you have that key, append it: NEW,OLD."
        )


def _build(path: Path, head: Head, lines: Iterator[bytes], clock: Clock) -> tuple[Summary, list[int]]:
    """Make the database. It stands by itself, without what SQLite keeps beside it."""
    database = SqliteFile(path)
    alias = f"tandem-{database.identity}"
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    setup.register(alias, database)
    try:
        summary = load(alias, head, lines)
        waiting = mark_restored(alias, backup_at=head.made_at, now=clock.now(), under_way=UNDER_WAY)
        with connections[alias].cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("PRAGMA journal_mode=DELETE")
        return summary, waiting
    finally:
        setup.forget(alias)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
