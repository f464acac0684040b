"""Who asks: the user of a session, and what he or she may see.

Rules: a session holds the user's number and a print of the password's hash, so that a new password ends all others; signing in changes the
session's key. What is not the user's is not there: 404, as if there were no such number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import urlencode

from tandem.store import models
from tandem.store.users import Belongings
from tandem.web.site import here

P = ParamSpec("P")
_USER, _PASSWORD_PRINT = "user", "print"


def user_of(request: HttpRequest) -> models.User | None:
    """Who is signed in."""
    number = request.session.get(_USER)
    if not isinstance(number, int):
        return None
    user = here().users.one(number)
    if user is None or not constant_time_compare(str(request.session.get(_PASSWORD_PRINT, "")), _print(user)):
        return None
    return user


def sign_in(request: HttpRequest, user: models.User) -> None:
    """From now on this browser is the user's."""
    request.session.cycle_key()
    request.session[_USER], request.session[_PASSWORD_PRINT] = user.pk, _print(user)
    rotate_token(request)


def sign_out(request: HttpRequest) -> None:
    """This browser is nobody's any more."""
    request.session.flush()


def _print(user: models.User) -> str:
    return salted_hmac("tandem.web.signing_in", user.password, algorithm="sha256").hexdigest()


def signed_in(
    view: Callable[Concatenate[HttpRequest, models.User, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """A page for users; everybody else signs in first."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = user_of(request)
        if user is None:
            if "HX-Request" in request.headers:  # a part of a page: the page as a whole is opened anew, and leads to the start
                return HttpResponse(status=204, headers={"HX-Refresh": "true"})
            there = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
            return redirect(f"{_start()}{there}")
        return view(request, user, *args, **kwargs)

    return checked


def linked(
    view: Callable[Concatenate[HttpRequest, models.Link, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """A page about a link of the user's."""

    def checked(request: HttpRequest, user: models.User, /, number: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        row = Belongings(here().tandem.alias, user).link(number)
        if row is None:
            raise Http404
        return view(request, row, *args, **kwargs)

    return signed_in(checked)


def _start() -> str:
    from django.urls import reverse  # noqa: PLC0415 - the URLs import the pages, which import this

    return reverse("start")
