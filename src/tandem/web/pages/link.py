"""One link: how it stands, how far its first sync is, what it did of late; pause, sync now, its rules, and leaving."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from tandem.app.activity import Day, days
from tandem.app.overview import Overview, overview
from tandem.app.progressing import Progress, progress
from tandem.core.state import LinkId
from tandem.errors import TandemError
from tandem.store import models
from tandem.web import words
from tandem.web.pages.choose import Rules
from tandem.web.signing_in import linked
from tandem.web.site import here

DAYS = 30
_HEIGHT = 60.0


@linked
def status(request: HttpRequest, row: models.Link) -> HttpResponse:
    """The whole page."""
    return render(request, "link.html", _context(row))


@linked
def now(request: HttpRequest, row: models.Link) -> HttpResponse:
    """The part that moves, for a page that updates itself."""
    return render(request, "_link.html", _context(row))


def _context(row: models.Link) -> dict[str, object]:
    tandem = here().tandem
    tandem.follow_clock()
    view = overview(tandem, row)
    far: Progress | None = progress(tandem, row)
    return {
        "row": row, "view": view, "far": far, "state": words.STATES.get(view.state, view.state),
        "to_do": words.to_do(view.state, view.reason), "waiting": _waiting(view), "bars": _bars(days(tandem, row.pk, DAYS)),
        "now": tandem.clock.now(), "since": tandem.clock.now() - timedelta(days=DAYS),
    }  # fmt: skip


def _waiting(view: Overview) -> list[tuple[str, int]]:
    return [(str(words.QUESTIONS.get(kind, kind)), number) for kind, number in view.questions.items()]


def _bars(found: list[Day]) -> list[dict[str, object]]:
    """The picture of the last days, as places and heights of bars; heights are shares of the largest."""
    most = max((day.left + day.right for day in found), default=0) or 1
    bars = []
    for number, day in enumerate(found):
        left, right = (_HEIGHT * count / most for count in (day.left, day.right))
        bars.append({
            "day": day.on, "google": day.left, "pipedrive": day.right, "x": number * 10, "left_y": _HEIGHT - left, "left_h": left,
            "right_y": _HEIGHT - left - right, "right_h": right,
        })  # fmt: skip
    return bars


@require_POST
@linked
def do(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Pause, go on, sync now."""
    tandem, action = here().tandem, request.POST.get("action", "")
    try:
        match action:
            case "pause":
                tandem.pause(row.pk)
                messages.success(request, gettext("Paused. Nothing is synced until you resume."))
            case "resume":
                tandem.resume(row.pk)
                messages.success(request, gettext("It goes on."))
            case "sync":
                tandem.ask_for_cycle(row.pk)
                messages.success(request, gettext("A sync was asked for."))
            case "let-go":
                tandem.let_go(row.pk)
                tandem.schedule.request(LinkId(row.pk))
                messages.success(request, gettext("They stay outside, as they are."))
            case "other-is-gone":
                tandem.resume(row.pk, other_is_gone=True)
                messages.success(request, gettext("It goes on."))
            case _:
                messages.error(request, gettext("This is not known here; nothing was changed."))
    except TandemError as error:
        messages.error(request, str(error))
    return redirect("link", row.pk)


@linked
def rules(request: HttpRequest, row: models.Link) -> HttpResponse:
    """The rules of a link, and changing them."""
    tandem = here().tandem
    policy = tandem.links.policy(row)
    form = Rules(request.POST or None, initial=Rules.of(policy))
    if request.method == "POST" and form.is_valid():
        tandem.linking.change_rules(row, form.policy(policy))
        here().previews.drop(row.pk)
        messages.success(request, gettext("The rules are saved."))
        return redirect("link", row.pk)
    return render(request, "rules.html", {"row": row, "form": form, "policy": policy})


@linked
def leave(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Take the link apart, after a question. Nothing is deleted on either side."""
    if request.method == "POST":
        try:
            here().tandem.remove(row.pk)
        except TandemError as error:
            messages.error(request, str(error))
            return redirect("link", row.pk)
        here().previews.drop(row.pk)
        messages.success(
            request, gettext("The sync is ended. Contacts and persons stay as they are; what Tandem had stored of them is erased.")
        )
        return redirect("settings")
    return render(request, "leave.html", {"row": row})
