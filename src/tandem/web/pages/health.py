"""Health: whether each link has succeeded of late, each account is accepted, and Pipedrive tells of changes; without contacts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tandem.app.overview import overview
from tandem.store import models
from tandem.store.users import Belongings
from tandem.web import words
from tandem.web.signing_in import signed_in
from tandem.web.site import here


@signed_in
def health(request: HttpRequest, user: models.User) -> HttpResponse:
    """The page."""
    tandem = here().tandem
    mine = Belongings(tandem.alias, user)
    views = [overview(tandem, row) for row in mine.links()]
    told = [(view, words.STATES.get(view.state, view.state), words.to_do(view.state, view.reason)) for view in views]
    accounts = [(account, getattr(account, "grant", None)) for account in mine.accounts()]
    return render(request, "health.html", {"told": told, "accounts": accounts, "now": tandem.clock.now()})
