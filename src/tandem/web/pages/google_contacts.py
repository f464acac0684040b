"""Settings > Personal > Google Contacts: connect both accounts, and go on to the choice of the group."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import get_script_prefix
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from tandem.accounts.consent import LIFE, Ended, Outcome
from tandem.app.connecting import BY_HAND
from tandem.app.desk import BROWSER_COOKIE, FOLDER
from tandem.app.sides import GOOGLE, PIPEDRIVE, TITLE
from tandem.errors import TandemError, Unavailable, WrongInput
from tandem.store import models
from tandem.store.links import label_of
from tandem.store.numbers import number_of
from tandem.store.users import Belongings
from tandem.web.signing_in import signed_in
from tandem.web.site import here

SERVICES = (GOOGLE, PIPEDRIVE)


class Token(forms.Form):
    """A Pipedrive API token."""

    token = forms.CharField(
        label=gettext_lazy("Pipedrive API token"), max_length=200,
        help_text=gettext_lazy("You find it in Pipedrive under Personal preferences > API."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


@signed_in
def overview(request: HttpRequest, user: models.User) -> HttpResponse:
    """How far one has come, and the next step."""
    return _overview(request, user, Token())


def _overview(request: HttpRequest, user: models.User, form: Token, status: int = 200) -> HttpResponse:
    mine = Belongings(here().tandem.alias, user)
    accounts = mine.accounts()
    of = {service: [account for account in accounts if account.service == service] for service in SERVICES}
    context = {
        "google": of[GOOGLE], "pipedrive": of[PIPEDRIVE], "rows": mine.links(), "ended": _ended(request, user), "form": form,
        "can": {service: _can(service) for service in SERVICES}, "is_ready": all(of.values()),
    }  # fmt: skip
    response = render(request, "google_contacts.html", context, status=status)
    response.leads_to = _consents()  # type: ignore[attr-defined] # read by the guard
    return response


def _ended(request: HttpRequest, user: models.User) -> Ended | None:
    """How the consent ended from which the browser comes back."""
    number = number_of(request.GET.get("consent", ""))
    if number is None:
        return None
    row = models.Authorisation.objects.using(here().tandem.alias).filter(pk=number, user=user).exclude(outcome="").first()
    return Ended(Outcome(row.outcome), row.sentence, row.label) if row is not None else None


def _can(service: str) -> bool:
    """Whether this installation has a client at a service."""
    try:
        here().tandem.proofs.client(service)
    except WrongInput:
        return False
    return True


def _consents() -> list[str]:
    """Where the forms of this page lead to, over a redirection."""
    config = here().tandem.config
    places = [urlsplit(config.text(name)) for name in ("GOOGLE_AUTH_URL", "PIPEDRIVE_OAUTH_URL")]
    return sorted({f"{place.scheme}://{place.netloc}" for place in places})


@require_POST
@signed_in
def connect(request: HttpRequest, user: models.User, service: str) -> HttpResponse:
    """Send the browser to the consent of a service."""
    tandem = here().tandem
    if service not in SERVICES:
        raise Http404
    expected, hint = request.POST.get("account", ""), ""
    known = {label_of(account): account for account in Belongings(tandem.alias, user).accounts() if account.service == service}
    if expected:
        if expected not in known:
            raise Http404
        hint = known[expected].name if "@" in known[expected].name else ""
    browser = secrets.token_urlsafe(32)
    try:
        place = tandem.proofs.redirect_uri(service)
        if tandem.sandbox is not None:
            tandem.sandbox.register_redirect(service, place)
        begun = tandem.consents().begin(service, place, expected=expected, hint=hint, user=user.pk, browser=browser)
    except TandemError as error:
        messages.error(request, str(error))
        return redirect("settings")
    response = HttpResponse(status=303, headers={"Location": begun.address})
    response.set_cookie(
        BROWSER_COOKIE, browser, max_age=int(LIFE.total_seconds()), path=get_script_prefix().rstrip("/") + FOLDER,
        samesite="Lax", httponly=True, secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    response.leads_to = _consents()  # type: ignore[attr-defined] # read by the guard
    return response


@sensitive_post_parameters()
@require_POST
@signed_in
def token(request: HttpRequest, user: models.User) -> HttpResponse:
    """Connect Pipedrive by an API token."""
    form, tandem = Token(request.POST), here().tandem
    if form.is_valid():
        try:
            account = tandem.connecting.pipedrive(form.cleaned_data["token"].strip(), user=user.pk)
        except TandemError as error:
            form.add_error("token", str(error))
        else:
            messages.success(request, gettext("Pipedrive is connected: %(name)s.") % {"name": account.name})
            return redirect("settings")
    return _overview(request, user, form, 400)


@require_POST
@signed_in
def disconnect(request: HttpRequest, user: models.User, number: int) -> HttpResponse:
    """End the connection of an account that no link uses."""
    account = next((one for one in Belongings(here().tandem.alias, user).accounts() if one.pk == number), None)
    if account is None:
        raise Http404
    try:
        removed = here().tandem.disconnecting.remove(label_of(account), is_forced=request.POST.get("force") == "yes")
    except Unavailable:
        return render(request, "disconnect.html", {"account": account, "by_hand": BY_HAND[account.service]})
    except TandemError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("%(service)s is disconnected.") % {"service": TITLE[account.service]})
        if removed.sentence:
            messages.info(request, removed.sentence)
    return redirect("settings")
