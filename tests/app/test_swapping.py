"""Promise: whatever step of the exchange a process dies at, the data directory holds the old installation or the new one, whole."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tandem.app import swapping

OLD = {"tandem.sqlite3": "old", "tandem.sqlite3-wal": "old", "tandem.sqlite3-shm": "old", "secret.key": "old", "lock": "lock"}
NEW = {"tandem.sqlite3": "new", "secret.key": "new", "lock": "lock"}
ASIDE = {name: "old" for name in OLD if name != "lock"}
_STEPS = frozenset({"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"})


class Death(BaseException):
    """The process dies here."""


class _Fate:
    """How many steps on the file system are left to live; None: any number."""

    left: int | None = None

    def meet(self, event: str, _: tuple[object, ...]) -> None:
        """One step, of whatever the interpreter tells."""
        if self.left is None or event not in _STEPS:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise Death


_fate = _Fate()
sys.addaudithook(_fate.meet)


@contextmanager
def dying_after(steps: int) -> Iterator[None]:
    """Die after so many steps; nothing when it takes fewer."""
    _fate.left = steps
    try:
        yield
    finally:
        _fate.left = None


def holds(folder: Path) -> dict[str, str]:
    """The files of a folder."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def exchange(folder: Path) -> None:
    """A whole exchange."""
    draft = swapping.prepare(folder)
    for name in ("tandem.sqlite3", "secret.key"):
        (draft / name).write_text("new")
    swapping.decide(folder, "before")
    swapping.swap_in(folder)


def test_dying_at_every_step(tmp_path: Path) -> None:
    """In the exchange, and once more in finishing it: what the next one finds is whole, and so is what was kept aside."""
    steps, is_done = 0, False
    while not is_done:
        for again in (None, steps // 2, steps):
            folder = tmp_path / "data"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name, text in OLD.items():
                (folder / name).write_text(text)
            try:
                with dying_after(steps):
                    exchange(folder)
                is_done = True
            except Death:
                is_done = False
            if again is not None:
                try:
                    with dying_after(again):
                        swapping.swap_in(folder)
                except Death:
                    pass
            swapping.swap_in(folder)
            assert holds(folder) in (OLD, NEW), steps
            if holds(folder) == NEW:
                assert holds(folder / "before") == ASIDE
                assert not (folder / swapping.DECIDED_NAME).exists()
            else:
                assert not is_done
                assert not (folder / "before").exists()
        steps += 1
    assert steps > 20
