"""How results are printed: one JSON object, or text for people.

Rules: text is printed as it is (names may hold brackets, which rich would take for markup); a table is as wide as the terminal,
and wide where there is none; times are local in text, ISO 8601 with offset in JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
LinkArgument = Annotated[str | None, typer.Argument(metavar="LINK", help="The link's number; may be left out when there is only one.")]

_WIDE = 140


def print_json(data: Mapping[str, object]) -> None:
    """One object on one line."""
    print(json.dumps(data, ensure_ascii=False), flush=True)


def console(*, is_error: bool = False) -> Console:
    """Where text for people goes."""
    stream = sys.stderr if is_error else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str = "") -> None:
    """A line on standard output."""
    print(text, flush=True)


def note(text: str) -> None:
    """A line on standard error: not the result."""
    print(text, file=sys.stderr, flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns without lines between them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table, soft_wrap=False)


def local(at: datetime | None) -> str:
    """A time as it is here."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at is not None else "never"


def iso(at: datetime | None) -> str | None:
    """A time for programs."""
    return at.isoformat() if at is not None else None


def duration(seconds: float) -> str:
    """A time span as people say it."""
    if seconds < 90:
        return f"{round(seconds)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    if seconds < 172_800:
        return f"{round(seconds / 3600)} hours"
    return f"{round(seconds / 86_400)} days"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 person`, `2 persons`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
