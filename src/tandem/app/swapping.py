"""Put a restored installation in the place of the present one, all of it or nothing, wherever the process dies.

Theory: several files cannot be exchanged at once, but one folder can be renamed. So everything new is made ready in `restoring`; renaming
that to `restored` decides; and what is left to do - the old files aside, the new ones in - is done by whoever opens the data directory
next, as often as it takes. Before the renaming the old installation stands untouched, after it nobody ever sees it again.

Rules: only files named here are moved; what was there before goes to a folder whose name was decided beforehand.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from tandem.errors import StorageError

DRAFT_NAME, DECIDED_NAME, ASIDE_NAME = "restoring", "restored", "aside"


def prepare(data_dir: Path) -> Path:
    """An empty folder for the new files. What an earlier restore has left there was never decided."""
    draft = data_dir / DRAFT_NAME
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    return draft


def decide(data_dir: Path, aside: str) -> None:
    """From here on the new files count. `aside`: the folder for the old ones."""
    draft = data_dir / DRAFT_NAME
    (draft / ASIDE_NAME).write_text(aside, "utf-8")
    for path in draft.iterdir():
        _sync(path)
    _sync(draft)
    draft.rename(data_dir / DECIDED_NAME)
    _sync(data_dir)


def forget(data_dir: Path) -> None:
    """Drop what was made ready and not decided."""
    shutil.rmtree(data_dir / DRAFT_NAME, ignore_errors=True)


def swap_in(data_dir: Path) -> None:
    """Carry a restore that was decided to its end, if there is one.

    Raises:
        StorageError: the data directory does not take it.
    """
    decided = data_dir / DECIDED_NAME
    if not decided.is_dir():
        return
    try:
        fd = os.open(decided, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            _swap(data_dir, decided)
    except OSError as error:
        raise StorageError(f"A restore in {data_dir} cannot be finished ({error.strerror}).") from None
    finally:
        os.close(fd)


def _swap(data_dir: Path, decided: Path) -> None:
    if not (decided / ASIDE_NAME).exists():
        # Everything was moved by then.
        decided.rmdir()
        return
    aside = data_dir / (decided / ASIDE_NAME).read_text("utf-8")
    for new in sorted(path for path in decided.iterdir() if path.name != ASIDE_NAME):
        # What SQLite keeps beside a database belongs to the old one, and goes first.
        for name in (f"{new.name}-wal", f"{new.name}-shm", new.name):
            old = data_dir / name
            if old.exists():
                aside.mkdir(mode=0o700, exist_ok=True)
                old.rename(aside / name)
        _sync(data_dir)
        new.rename(data_dir / new.name)
        _sync(data_dir)
    (decided / ASIDE_NAME).unlink()
    decided.rmdir()
    _sync(data_dir)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
