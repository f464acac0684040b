"""The preview of the next cycle: what would happen, page by page, before anything does; and the word that lets it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from tandem.app.previews import Made
from tandem.core.state import Side
from tandem.engine.preview import Preview
from tandem.errors import TandemError
from tandem.store import models
from tandem.web.signing_in import linked
from tandem.web.site import here

AT_ONCE = 50
_UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a preview: its name in the address, its heading, and how much it holds."""

    name: str
    heading: str
    items: list[object]


@linked
def preview(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Show the preview, or that it is being made."""
    is_anew = request.method == "POST"
    made = here().previews.of(row.pk, is_anew=is_anew)
    if is_anew:
        return redirect("preview", row.pk)
    made.is_over.wait(1.0)  # most are done by then
    context: dict[str, object] = {"row": row, "made": made}
    if made.shown is not None:
        context |= _context(request, made, made.shown)
    response = render(request, "_preview.html" if request.headers.get("HX-Request") else "preview.html", context)
    if made.is_over.is_set() and request.headers.get("HX-Request"):
        response.headers["HX-Refresh"] = "true"
    return response


def _context(request: HttpRequest, made: Made, shown: Preview) -> dict[str, object]:
    parts = [part for part in _parts(shown) if part.items]
    chosen = next((part for part in parts if part.name == request.GET.get("part")), parts[0] if parts else None)
    page: Page[object] | None = None
    if chosen is not None:
        page = Paginator(chosen.items, AT_ONCE).get_page(request.GET.get("page"))
    counts = [(side, kind, number) for side in Side for kind in ("create", "update", "delete") if (number := _count(shown, side, kind))]
    return {
        "shown": shown, "parts": parts, "part": chosen, "page": page, "cost": made.cost, "counts": counts,
        "seen": [(side, shown.seen.get(side, 0)) for side in Side],
        "fields": [(side, names) for side, names in shown.to_create.items() if names],
        "held": sum(1 for item in shown.actions if item.held and item.held != _UNCONFIRMED),
        "twins": [(side, len(groups)) for side, groups in shown.twins.items() if groups],
    }  # fmt: skip


def _count(shown: Preview, side: Side, kind: str) -> int:
    return sum(1 for item in shown.actions if item.side is side and item.kind.value == kind and not item.held)


def _parts(shown: Preview) -> list[Part]:
    of = {side: [item for item in shown.actions if item.side is side and not item.held] for side in Side}
    return [
        Part("pairs", str(gettext_lazy("Found on both sides")), list(shown.pairs)),
        Part("adoptions", str(gettext_lazy("Put into the group")), list(shown.adoptions)),
        Part("questions", str(gettext_lazy("Wait for you")), list(shown.questions)),
        Part("google", str(gettext_lazy("Written in Google")), list(of[Side.LEFT])),
        Part("pipedrive", str(gettext_lazy("Written in Pipedrive")), list(of[Side.RIGHT])),
        Part("conflicts", str(gettext_lazy("Conflicts")), list(shown.conflicts)),
        Part("held", str(gettext_lazy("Held by the brake")), [item for item in shown.actions if item.held]),
        Part("out", str(gettext_lazy("Left out")), list(shown.left_out)),
    ]


@require_POST
@linked
def save(request: HttpRequest, row: models.Link) -> HttpResponse:
    """A person's word: the first sync begins, or what waits for a look after a restore."""
    try:
        here().tandem.ask_for_cycle(row.pk)
    except TandemError as error:
        messages.error(request, str(error))
        return redirect("preview", row.pk)
    here().previews.drop(row.pk)
    messages.success(request, gettext("Saved. The sync has begun; you can close this page."))
    return redirect("link", row.pk)
