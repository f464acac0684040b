"""Bring an installation back out of a backup: into a new SQLite file, or into a server's database that nobody uses.

Rules: nobody else works in the data directory; the present installation stays as it is until everything new is there, gives its place to
that at the end, and is kept afterwards. A backup never opens with other keys than its own: what cannot be brought together is said before
anything is done.
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
from tandem.databases import SQLITE_NAME, ServerDatabase, SqliteFile
from tandem.engine.outside import ADOPTING
from tandem.engine.rejoin import REGROUP
from tandem.engine.reopening import UNDONE
from tandem.engine.restored import WANTED
from tandem.engine.withdrawal import WITHDRAWING
from tandem.errors import StorageError, WrongInput
from tandem.store import models
from tandem.store.dumping import Summary
from tandem.store.loading import Head, is_unused, load, read_head, vacated
from tandem.store.reviving import UnderWay, mark_restored
from tandem.store.sealed import Opener, damaged
from tandem.store.setup import opened
from tandem.store.trouble import told

_Filled = tuple[Summary, list[int]]
_EMPTY = "Make a new database and name it in TANDEM_DATABASE_URL; the present one stays as it is."
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
    """Put the installation of a backup into the data directory, and into the database that is configured.

    Raises:
        WrongInput: another process is at work, something is there already, the passphrase or the configured key is another
            one, a newer Tandem made it, or it is damaged. Nothing has changed.
        StorageError: it cannot be read or written. Nothing has changed.
    """
    place = DataDir(config.data_dir)
    if not place.lock():
        raise WrongInput(f"Another Tandem is working in {place.path}: stop it first.")
    try:
        work = _Restore(config, place.path, clock or clock_of(config))
        return work.run(path, ask_passphrase, is_replacing=is_replacing)
    finally:
        place.unlock()


class _Restore:
    """One restore."""

    def __init__(self, config: Config, data_dir: Path, clock: Clock) -> None:
        self._config = config
        self._database = config.database
        self._data_dir = data_dir
        self._clock = clock
        #: The folder for what is there.
        self._aside = data_dir / f"before-restore-{clock.now():%Y%m%d-%H%M%S}"

    def run(self, path: Path, ask_passphrase: Callable[[], str], *, is_replacing: bool) -> Restored:
        """All of it, or nothing."""
        database = self._database
        self._check_target(is_replacing=is_replacing)
        try:
            file = path.open("rb")
        except OSError as error:
            raise WrongInput(f"{path} cannot be read ({error.strerror}).") from None
        draft = swapping.prepare(self._data_dir)
        try:
            with file:
                lines = _lines(Opener(file, ask_passphrase()))
                head = read_head(lines)
                _check(self._config, head, self._clock)
                if not self._config.text("SECRET_KEY"):
                    _write(draft / KEY_NAME, ",".join(head.ring) + "\n")
                if isinstance(database, SqliteFile):
                    summary, waiting = self._fill_file(draft / SQLITE_NAME, head, lines)
                    swapping.decide(self._data_dir, self._aside.name)
                else:
                    summary, waiting = self._fill_server(database, head, lines)
        except OSError as error:
            raise StorageError(
                f"The data directory {self._data_dir} does not take the backup ({error.strerror}); nothing has changed."
            ) from None
        finally:
            swapping.forget(self._data_dir)
        swapping.swap_in(self._data_dir)
        return Restored(summary, tuple(waiting), self._aside if self._aside.exists() else None)

    def _check_target(self, *, is_replacing: bool) -> None:
        """Whether it may be filled. Raises WrongInput."""
        database = self._database
        if isinstance(database, ServerDatabase):
            if is_replacing:
                raise WrongInput(f"--replace is for SQLite. {_EMPTY}")
            with opened(database) as alias, told():
                if not is_unused(alias):
                    raise WrongInput(f"The database is in use. {_EMPTY}")
        elif _is_in_use(database.path) and not is_replacing:
            raise WrongInput(
                f"There is an installation in {self._data_dir} already: --replace puts the backup in its place and keeps it aside."
            )

    def _fill_file(self, path: Path, head: Head, lines: Iterator[bytes]) -> _Filled:
        """Make the file of a database. It stands by itself, without what SQLite keeps beside it."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with opened(SqliteFile(path)) as alias:
            filled = self._fill(alias, head, lines)
            with connections[alias].cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.execute("PRAGMA journal_mode=DELETE")
        return filled

    def _fill_server(self, database: ServerDatabase, head: Head, lines: Iterator[bytes]) -> _Filled:
        """Fill a server's database that nobody uses, in one transaction.

        The key comes before the rows: whoever dies between the two leaves an unused database, and can restore again.
        """
        with opened(database) as alias, told(), vacated(alias):
            filled = self._fill(alias, head, lines)
            swapping.decide(self._data_dir, self._aside.name)
            swapping.swap_in(self._data_dir)
        return filled

    def _fill(self, alias: str, head: Head, lines: Iterator[bytes]) -> _Filled:
        summary = load(alias, head, lines)
        return summary, mark_restored(alias, backup_at=head.made_at, now=self._clock.now(), under_way=UNDER_WAY)


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


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
