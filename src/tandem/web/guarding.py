"""What every answer says to the browser: which code may run, what may be kept, and nothing about us to others."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

#: Everything comes from here; no inline code, no inline style, no frames, and forms lead here or to the services' consent.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'{consent}"
)


class Guard:
    """A middleware of Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers to an answer."""
        response = self._get_response(request)
        consent = "".join(f" {origin}" for origin in getattr(response, "leads_to", ()))
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(consent=consent))
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response
