"""The pages as a WSGI application, for `tandem run`.

Rules: what Django asks its settings for and only an opened installation knows (the key, compiled texts) is filled in here, once a process;
static files are served from memory; a request's connection to the database ends with it; errors tell no details and hold no data.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import django_htmx
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from whitenoise import WhiteNoise

from tandem.store.current import working_on
from tandem.store.moments import brief
from tandem.store.vault import derive
from tandem.web.site import Site, being

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HERE = Path(__file__).parent
#: Where the texts stand in the data directory, compiled anew at each start.
TEXTS = "texts"


class Pages:
    """The WSGI application of one site. `prefix`: the path in front of ours, as TANDEM_BASE_URL has it."""

    def __init__(self, site: Site, prefix: str = "") -> None:
        self._site = site
        self._prefix = prefix
        ring = site.tandem.place.ring(site.tandem.config.text("SECRET_KEY"))
        settings.SECRET_KEY, *older = [derive(key, "tandem pages").hex() for key in ring]
        settings.SECRET_KEY_FALLBACKS = older
        settings.LOCALE_PATHS = [str(compiled_texts(site.tandem.place.path / TEXTS))]
        logging.getLogger("django.request").setLevel(logging.CRITICAL)  # addresses and tracebacks, which may hold names
        logging.getLogger("django.security").setLevel(logging.CRITICAL)
        self._application = WhiteNoise(WSGIHandler(), root=str(HERE / "static"), prefix="static/", max_age=3600)
        self._application.add_files(str(Path(django_htmx.__file__).parent / "static"), prefix="static/")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        alias = self._site.tandem.alias
        with brief(alias), working_on(alias), being(self._site):
            environ["SCRIPT_NAME"] = self._prefix
            answer: Callable[..., Iterable[bytes]] = self._application
            return answer(environ, start_response)


def compiled_texts(folder: Path) -> Path:
    """The texts of all languages, compiled as Django reads them; the folder they stand in."""
    for source in sorted(HERE.glob("locale/*/LC_MESSAGES/django.po")):
        target = folder / source.relative_to(HERE / "locale").with_suffix(".mo")
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".new")
        with source.open("rb") as texts, draft.open("wb") as file:
            write_mo(file, read_po(texts, locale=source.parent.parent.name))
        draft.replace(target)
    return folder
