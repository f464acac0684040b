"""How far a cycle has come: a bar on standard error where that is a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from tandem.cli.printing import counted, note

_EVERY_S = 5.0
_PRODUCTS = {"left": "Google", "right": "Pipedrive"}


class Progress:
    """Listens to a cycle's news. Use as a context manager; the bar goes when it ends."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._bar: Bar | None = None
        self._planned = 0
        self._done = 0
        self._said_at = time.monotonic()
        if not is_quiet and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("Looking at both sides", total=None)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def news(self, line: str, /, **counts: object) -> None:
        """One piece of news: `listing` (side, records), `plan` (actions), `wave` (side, kind, records)."""
        number = next((value for name in ("records", "actions") if isinstance(value := counts.get(name), int)), 0)
        product = _PRODUCTS.get(str(counts.get("side")), "")
        match line:
            case "listing":
                self._show(f"Reading {product}: {counted(number, 'record')}")
            case "plan":
                self._planned, self._done = number, 0
                self._show("Writing")
            case "wave":
                self._done = min(self._done + number, self._planned) if counts.get("kind") != "reference" else self._done
                self._show(f"Writing to {product}")

    def _show(self, text: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=text, total=self._planned or None, completed=self._done)
        elif not self._is_quiet and time.monotonic() - self._said_at > _EVERY_S:
            self._said_at = time.monotonic()
            note(f"{text}, {self._done} of {self._planned}" if self._planned else text)
