"""Which language a page speaks: what the user chose, else what this browser chose, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from tandem.web.signing_in import user_of

LANGUAGES = tuple(code for code, _ in settings.LANGUAGES)


class Language:
    """A middleware of Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the language that is wanted."""
        language = self._wanted(request)
        with translation.override(language):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    def _wanted(self, request: HttpRequest) -> str:
        user = user_of(request)
        for chosen in (user.language if user else "", request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
            if chosen in LANGUAGES:
                return chosen
        return translation.get_language_from_request(request)
