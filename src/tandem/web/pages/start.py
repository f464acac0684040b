"""Signing in, the first password, signing out, and the language."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from tandem.store.users import Belongings
from tandem.web.signing_in import sign_in, sign_out, user_of
from tandem.web.site import here
from tandem.web.speaking import LANGUAGES

SHORTEST = 10
_YEAR_S = 365 * 24 * 3600


class Password(forms.Form):
    """A password to sign in with."""

    password = forms.CharField(
        label=gettext_lazy("Password"), max_length=200, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )  # fmt: skip


class NewPassword(forms.Form):
    """The first password."""

    password = forms.CharField(
        label=gettext_lazy("New password"), max_length=200, min_length=SHORTEST, strip=False,
        help_text=gettext_lazy("Ten characters at least. A few words in a row are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )  # fmt: skip


@sensitive_post_parameters()
def start(request: HttpRequest) -> HttpResponse:
    """Sign in; who is signed in goes where there is something to do."""
    user = user_of(request)
    if user is not None:
        rows = Belongings(here().tandem.alias, user).links()
        return redirect("link", rows[0].pk) if rows else redirect("settings")
    site = here()
    form = Password(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if site.patience.is_over():
            form.add_error(None, gettext("Too many wrong passwords; wait a minute and try again."))
            return render(request, "start.html", {"form": form, "is_new": site.is_new}, status=429)
        found = site.users.by_password(form.cleaned_data["password"], site.tandem.clock.now())
        if found is not None:
            sign_in(request, found)
            return redirect(_next(request) or "start")
        site.patience.note()
        form.add_error("password", gettext("This is not the password."))
    return render(request, "start.html", {"form": form, "is_new": site.is_new, "next": _next(request)})


def _next(request: HttpRequest) -> str:
    """Where somebody wanted to go, if it is one of our pages."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else ""


@sensitive_post_parameters()
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the first start: who reads the console sets the password, and is signed in."""
    site = here()
    if not site.welcomes(token):
        if not site.is_new:
            return redirect("start")
        raise Http404
    form = NewPassword(request.POST or None)
    if request.method == "POST" and form.is_valid():
        sign_in(request, site.users.set_password(form.cleaned_data["password"], site.tandem.clock.now()))
        return redirect("settings")
    return render(request, "welcome.html", {"form": form})


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    sign_out(request)
    messages.success(request, gettext("You are signed out."))
    return redirect("start")


@require_POST
def speak(request: HttpRequest) -> HttpResponse:
    """Change the language, and stay where one was."""
    language = request.POST.get("language", "")
    response = redirect(_next(request) or "start")
    if language in LANGUAGES:
        user = user_of(request)
        if user is not None:
            here().users.speak(user, language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=_YEAR_S, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, httponly=True
        )
    return response
