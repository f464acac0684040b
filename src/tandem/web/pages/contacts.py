"""Explain: everybody who bears a text, and how they stand; one contact with both sides, what was agreed, and its time line.

The search is a POST, so that what was looked for is in no address and no log.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from tandem.app.explaining import Explained, explain
from tandem.app.stories import lines
from tandem.app.taking_back import exclude
from tandem.core.contact import FIELDS
from tandem.core.state import LinkId
from tandem.engine.telling import said
from tandem.errors import TandemError
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.numbers import LARGEST
from tandem.store.pairs import Pairs
from tandem.web import words
from tandem.web.pages.history import told_line
from tandem.web.signing_in import linked
from tandem.web.site import here

MOST = 100
LINES = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One field, as it stands on both sides and as both last agreed."""

    field: str
    google: str
    agreed: str
    pipedrive: str


@linked
def search(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Look for somebody."""
    text = request.POST.get("text", "").strip()[:200]
    found: list[Explained] = []
    if text:
        found = explain(here().tandem, row.pk, text)
    return render(request, "contacts.html", {
        "row": row, "text": text, "found": [(one, words.PAIRS.get(one.state, one.state)) for one in found[:MOST]],
        "more": max(0, len(found) - MOST),
    })  # fmt: skip


@linked
def contact(request: HttpRequest, row: models.Link, pair: int) -> HttpResponse:
    """One pair; leaving it out, or taking it in again."""
    tandem = here().tandem
    known = Pairs(tandem.alias, LinkId(row.pk)).by_id([min(pair, LARGEST)]).get(pair)
    if known is None:
        raise Http404
    if request.method == "POST":
        action = request.POST.get("action", "")
        is_off = action == "take-in"
        if not is_off and action != "leave-out":
            messages.error(request, gettext("This is not known here; nothing was changed."))
            return redirect("contact", row.pk, pair)
        try:
            exclude(tandem, row.pk, f"pair:{pair}", is_off=is_off)
        except TandemError as error:
            messages.error(request, str(error))
        else:
            tandem.schedule.request(LinkId(row.pk))
            messages.success(request, gettext("It is synced again.") if is_off else gettext("It is left out: neither side changes."))
            if Pairs(tandem.alias, LinkId(row.pk)).by_id([pair]).get(pair) is None:
                return redirect("contacts", row.pk)
        return redirect("contact", row.pk, pair)
    told = explain(tandem, row.pk, f"pair:{pair}")[0]
    halves = {half.product: half for half in told.halves}
    agreed = decode_contact(known.base_left) if bytes(known.base_left) != b"{}" else decode_contact(known.base_right)
    rows = [
        Row(
            name,
            _of(halves.get("google"), name),
            said(agreed.values[name]) if name in agreed.values else "",
            _of(halves.get("pipedrive"), name),
        )
        for name in FIELDS
    ]
    past = lines(tandem.alias, row.pk, limit=LINES, pair=pair)
    return render(request, "contact.html", {
        "row": row, "told": told, "halves": halves, "rows": [one for one in rows if one.google or one.agreed or one.pipedrive],
        "state": words.PAIRS.get(told.state, told.state), "past": [told_line(line) for line in past], "pair": pair,
    })  # fmt: skip


def _of(half: object, name: str) -> str:
    return str(getattr(half, "values", {}).get(name, ""))
