"""The history: what was written, newest first, cycle by cycle; and taking it back, after a look at what that would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from tandem.app.stories import Line, lines
from tandem.app.taking_back import ask_undo, chosen_lines, shown_undo
from tandem.errors import TandemError
from tandem.store import models
from tandem.store.numbers import number_of
from tandem.web import words
from tandem.web.signing_in import linked
from tandem.web.site import here
from tandem.web.values import Differing, differing

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Told:
    """One line of history on the page."""

    line: Line
    what: str
    values: tuple[Differing, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One cycle and its lines."""

    number: int
    at: datetime
    lines: tuple[Told, ...]


@linked
def history(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Show it, from a line downwards."""
    before = number_of(request.GET.get("before", ""))
    found = lines(here().tandem.alias, row.pk, limit=AT_ONCE + 1, before=before)
    has_more, found = len(found) > AT_ONCE, found[:AT_ONCE]
    passes = []
    for number, group in groupby(found, key=lambda line: line.cycle):
        told = tuple(told_line(line) for line in group)
        passes.append(Pass(number, told[0].line.at, told))
    last = found[-1].change.partition("-")[2] if found and has_more else ""
    return render(request, "history.html", {"row": row, "passes": passes, "last": last, "is_first": before is None})


def told_line(line: Line) -> Told:
    """A line, with the values that differ."""
    before = line.before if isinstance(line.before, Mapping) else {}
    after = line.after if isinstance(line.after, Mapping) else {}
    values = () if line.is_conflict else differing(before, after)
    return Told(line, str(words.WRITES.get(line.kind, line.kind)), values)


@linked
def undo(request: HttpRequest, row: models.Link) -> HttpResponse:
    """What an undo would do; and asking for it."""
    given = request.POST if request.method == "POST" else request.GET
    what, tandem = given.get("what", ""), here().tandem
    try:
        rows = chosen_lines(tandem, row.pk, what)
        if request.method == "POST":
            ask_undo(tandem, row.pk, rows)
            messages.success(request, gettext("It is being taken back; the next sync does it."))
            return redirect("history", row.pk)
        shown = shown_undo(tandem, row.pk, rows)
    except TandemError as error:
        messages.error(request, str(error))
        return redirect("history", row.pk)
    return render(request, "undo.html", {"row": row, "what": what, "shown": shown, "count": len(rows)})
