"""Write a backup file: a dump of the database with the secret keys, compressed, under a passphrase. docs/backup.md has the format.

Rules: written to a draft beside its place and put there whole, for its owner alone; nobody who works is held up, and nothing is written to
the database. What was made last is noted in the data directory, for `tandem doctor`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import json
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.db import connections

from tandem import __version__
from tandem.accounts.tokens import ACCESS_TOKEN
from tandem.app.places import KEY_NAME, DataDir
from tandem.app.sandboxed import clock_of
from tandem.clock import Clock
from tandem.config import Config
from tandem.connectors.http import as_object, parse, text_at
from tandem.databases import SqliteFile
from tandem.errors import Malformed, StorageError, WrongInput
from tandem.store import setup
from tandem.store.dumping import Dump, Summary
from tandem.store.sealed import Sealer

NOTE_NAME = "last-backup.json"
_DRAFT = ".part"
#: Shorter passphrases are tried out in no time.
SHORTEST = 12


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A backup that was written."""

    path: Path
    size: int
    summary: Summary


@dataclass(frozen=True, slots=True)
class LastBackup:
    """What the data directory knows of the last backup."""

    at: datetime
    path: str


def check_passphrase(passphrase: str) -> str:
    """The passphrase, if it will do. Raises WrongInput."""
    if len(passphrase) < SHORTEST:
        raise WrongInput(f"The passphrase must have {SHORTEST} characters at least: whoever has the backup may try as often as they like.")
    return passphrase


def back_up(
    config: Config,
    path: Path,
    ask_passphrase: Callable[[], str],
    *,
    is_forced: bool = False,
    clock: Clock | None = None,
) -> MadeBackup:
    """Write everything that this installation keeps into one file.

    Raises:
        WrongInput: there is nothing to back up, the file is there already, or the passphrase is too short.
        StorageError: the file or the database cannot be written or read; nothing is left of a file that is not whole.
    """
    place = DataDir(config.data_dir)
    database = config.database
    if isinstance(database, SqliteFile) and not database.path.exists():
        raise WrongInput(f"There is nothing to back up in {config.data_dir}: TANDEM_DATA_DIR names the installation.")
    if not config.text("SECRET_KEY") and not (place.path / KEY_NAME).exists():
        raise WrongInput(f"The secret key {place.path / KEY_NAME} is not there: without it a backup would be of no use.")
    _check_target(path, is_forced=is_forced)
    passphrase = check_passphrase(ask_passphrase())
    alias = f"tandem-{database.identity}"
    setup.register(alias, database)
    made_at = (clock or clock_of(config)).now()
    ring = place.ring(config.text("SECRET_KEY"))
    dump = Dump(alias, ring=ring, version=__version__, made_at=made_at, without=frozenset({ACCESS_TOKEN}))
    try:
        with _writing(path, is_forced=is_forced) as file:
            _write(file, passphrase, dump)
            size = file.tell()
    finally:
        connections[alias].close()
    if dump.summary is None:
        raise StorageError("The database could not be read to its end.")
    _note(place, path, made_at)
    return MadeBackup(path, size, dump.summary)


def _write(file: BinaryIO, passphrase: str, dump: Dump) -> None:
    sealer, packer = Sealer(file, passphrase), zlib.compressobj()
    for line in dump.lines():
        if packed := packer.compress(line):
            sealer.write(packed)
    sealer.write(packer.flush())
    sealer.finish()


def _check_target(path: Path, *, is_forced: bool) -> None:
    if path.is_dir():
        raise WrongInput(f"{path} is a folder; name a file in it.")
    if path.exists() and not is_forced:
        raise WrongInput(f"{path} is there already; --force replaces it.")
    if not path.absolute().parent.is_dir():
        raise WrongInput(f"The folder {path.absolute().parent} is not there.")


@contextlib.contextmanager
def _writing(path: Path, *, is_forced: bool) -> Iterator[BinaryIO]:
    """A draft, which becomes the file at the end, or vanishes."""
    try:
        _sweep(path)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_DRAFT}")
        fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(fd, "wb") as file:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(fd)
            _put(draft, path, is_forced=is_forced)
    except FileExistsError:
        raise WrongInput(f"{path} is there already; --force replaces it.") from None
    except OSError as error:
        raise StorageError(_why(path, error)) from None
    finally:
        draft.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove drafts of this file whose writers are dead."""
    for left in path.absolute().parent.glob(f".{glob.escape(path.name)}.*{_DRAFT}"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _put(draft: Path, path: Path, *, is_forced: bool) -> None:
    """Give the draft its name; a file that has come meanwhile stays, unless it may be replaced."""
    if is_forced:
        draft.replace(path)
    else:
        os.link(draft, path)
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _why(path: Path, error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"There is no room for the backup {path} ({error.strerror}); nothing was left there."
    return f"The backup {path} cannot be written ({error.strerror}); nothing was left there."


# What was made last


def _note(place: DataDir, path: Path, at: datetime) -> None:
    """A note that cannot be written fails no backup."""
    draft = place.path / f"{NOTE_NAME}.{secrets.token_hex(4)}"
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps({"at": at.isoformat(), "path": str(path.absolute())}) + "\n", "utf-8")
        draft.replace(place.path / NOTE_NAME)


def last_backup(data_dir: Path) -> LastBackup | None:
    """The last backup of this installation that was made here; None where nothing is known of one."""
    try:
        note = as_object(parse((data_dir / NOTE_NAME).read_bytes()), NOTE_NAME)
        return LastBackup(datetime.fromisoformat(text_at(note, "at")), text_at(note, "path"))
    except (OSError, Malformed, ValueError):
        return None
