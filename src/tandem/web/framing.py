"""What every page shows round its own matter: who is signed in, the sandbox, and how many questions wait."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation

from tandem.store.users import Belongings
from tandem.web.signing_in import user_of
from tandem.web.site import here
from tandem.web.speaking import LANGUAGES


def frame(request: HttpRequest) -> dict[str, object]:
    """For the base template."""
    site = here()
    sandbox = site.tandem.sandbox
    found: dict[str, object] = {
        "sandbox_url": sandbox.url if sandbox is not None else "",
        "languages": LANGUAGES,
        "language": translation.get_language(),
        "here": request.path,
    }
    user = user_of(request)
    if user is not None:
        found |= {"user": user, "links": Belongings(site.tandem.alias, user).links(), "settings_url": reverse("settings")}
    return found
