"""Figures beside their targets, as a table for people or one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `target` is the most (or, `is_floor`, the least) that it should be; None where there is none."""

    what: str
    size: int
    value: float
    unit: str = ""
    target: float | None = None
    is_floor: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.is_floor else self.value <= self.target

    @property
    def goal(self) -> str:
        """The target in words."""
        if self.target is None:
            return ""
        return f"{'>=' if self.is_floor else '<='} {_number(self.target)} {self.unit}".rstrip()


def run(name: str, sizes: Sequence[int], measure: Callable[[int], Iterable[Figure]]) -> None:
    """Read the command line, measure at every size, and print. `sizes`: N, 2N and 4N unless others are asked for."""
    parser = argparse.ArgumentParser(prog=f"tandem bench {name}")
    parser.add_argument("sizes", nargs="*", type=int, default=list(sizes), metavar="N", help=f"sizes (default: {list(sizes)})")
    parser.add_argument("--json", action="store_true", dest="is_json", help="one line of JSON instead of a table")
    options = parser.parse_args()
    figures: list[Figure] = []
    with Console(stderr=True).status("") as status:
        for size in options.sizes:
            status.update(f"{name} at {size:,}")
            figures += measure(size)
    print_figures(name, figures, is_json=options.is_json)


def print_figures(name: str, figures: Sequence[Figure], *, is_json: bool) -> None:
    """One line of JSON, or a table with a line for each figure and a column for each size."""
    if is_json:
        rows = [{**asdict(figure), "is_met": figure.is_met} for figure in figures]
        print(json.dumps({"benchmark": name, "machine": machine(), "figures": rows}))  # noqa: T201 - it is what the command is for
        return
    sizes = sorted({figure.size for figure in figures})
    table = Table(title=f"{name} ({machine()})", title_justify="left")
    for head in ("figure", *(f"{size:,}" for size in sizes), "target", ""):
        table.add_column(head, justify="left" if head in {"figure", "target", ""} else "right")
    for row in _rows(figures, sizes):
        table.add_row(*row)
    Console(width=140).print(table)


def _rows(figures: Sequence[Figure], sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    for what in dict.fromkeys(figure.what for figure in figures):
        found = {figure.size: figure for figure in figures if figure.what == what}
        cells = [f"{_number(found[size].value)} {found[size].unit}".rstrip() if size in found else "" for size in sizes]
        verdicts = [figure.is_met for figure in found.values() if figure.is_met is not None]
        verdict = "" if not verdicts else "met" if all(verdicts) else "MISSED"
        yield what, *cells, next(iter(found.values())).goal, verdict


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"


def machine() -> str:
    """What it was measured on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"
