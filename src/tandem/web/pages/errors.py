"""What is shown when a page cannot be: a sentence, what to do, and no details."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "error.html", {"title": title, "text": text}, status=status)


def _bare(status: int, title: str, text: str) -> HttpResponse:
    """Without anything about the user: perhaps there is no session, or no database."""
    context = {"title": title, "text": text, "language": translation.get_language()}
    return HttpResponse(render_to_string("error.html", context), status=status)


def wrong(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django names them
    """400."""
    return _bare(400, gettext("This cannot be read"), gettext("The browser has sent something unexpected. Go back and try again."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django names it
    """403."""
    return _page(request, 403, gettext("Not allowed"), gettext("This is not allowed. Nothing was changed."))


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django names it
    """404: not there, or not yours, which nobody is told."""
    return _page(request, 404, gettext("There is nothing here"), gettext("The page does not exist, or it is somebody else's."))


def unforeseen(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django names it
    """500."""
    text = gettext("Something unforeseen happened. Your contacts are not touched by it; try again in a moment.")
    return _bare(500, gettext("Something went wrong"), text)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django names it
    """403 of the protection against forged forms: mostly a page that stood open for long, or a browser that refuses cookies."""
    text = gettext("The page stood open too long, or the browser keeps no cookies. Nothing was changed: open the page anew and try again.")
    return _page(request, 403, gettext("This form is too old"), text)
