"""What arrives below /accounts/: the answers of consents, brought by a browser, and Pipedrive's word that our app was removed.

    GET    /accounts/<service>/callback     the answer of a consent: a page says how it ended (200 connected,
                                            else 400), or the browser goes back to our pages (303)
    DELETE /accounts/pipedrive/callback     the app was removed by a user; Basic authorization with the app's own id and secret
    GET    /accounts/here?nonce=            proves that this is the installation that asks, so that a command knows who takes its answer

Rules: codes, states and tokens are in no log and no page; an answer is worth something only with a state that is awaited; what nobody
foresaw is a page without details. Requests may come in any thread.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tandem.accounts.consent import Consents, Ended, Outcome
from tandem.app.disconnecting import Disconnecting
from tandem.app.page import HEADERS, page
from tandem.app.patience import Patience
from tandem.app.proofs import CALLBACK, Proofs
from tandem.app.sides import PIPEDRIVE, TITLE
from tandem.connectors.http import as_object, parse
from tandem.connectors.pipedrive.webhook import Ticket
from tandem.errors import Malformed, WrongInput
from tandem.store.moments import brief

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HERE = "/accounts/here"
FOLDER = "/accounts/"
#: Tells the browser that began a consent in the pages from others.
BROWSER_COOKIE = "tandem-consent"
#: The page that leads through connecting.
HOME = "/settings/personal/google-contacts"
_NONCE = re.compile(r"[0-9a-f]{32}")
_LONGEST_BODY = 65_536
_MOST_FIELDS = 30
_REASONS = {
    200: "OK", 303: "See Other", 400: "Bad Request",
    401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large",
    429: "Too Many Requests", 500: "Internal Server Error",
}  # fmt: skip
_SERVICE = {path: service for service, path in CALLBACK.items()}


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Desk:
    """The WSGI application. `consents` makes what takes one answer; `key` is what only this installation knows."""

    consents: Callable[[], Consents]
    disconnecting: Disconnecting
    proofs: Proofs
    patience: Patience
    alias: str
    key: bytes
    #: Where the pages tell how a consent ended; the consent's number is added.
    home: str

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        try:
            with brief(self.alias):
                reply = self._reply(environ)
        except Exception as error:
            reply = _shown(500, "Something unforeseen happened", f"({type(error).__name__}) Nothing is lost; begin again.")
        length = ("Content-Length", str(len(reply.content)))
        start_response(f"{reply.status} {_REASONS[reply.status]}", [*reply.headers, length])
        return [reply.content]

    def _reply(self, environ: WSGIEnvironment) -> _Reply:
        path, method = str(environ.get("PATH_INFO", "")), str(environ.get("REQUEST_METHOD", ""))
        query = parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
        if path == HERE and method == "GET":
            return self._prove(dict(query).get("nonce", ""))
        service = _SERVICE.get(path)
        if service is None:
            return _Reply(404)
        if method == "DELETE" and service == PIPEDRIVE:
            return self._uninstall(environ)
        if method != "GET":
            return _Reply(405, headers=(("Allow", "GET"),))
        return self._take(service, query, str(environ.get("HTTP_COOKIE", "")))

    def _prove(self, nonce: str) -> _Reply:
        if not _NONCE.fullmatch(nonce):
            return _Reply(400)
        return _Reply(200, proof(self.key, nonce).encode(), (("Content-Type", "text/plain"), ("Cache-Control", "no-store")))

    def _take(self, service: str, query: list[tuple[str, str]], cookies: str) -> _Reply:
        answer = dict(query)
        # RFC 6749: no parameter comes twice; which of two would count is a question that attackers like.
        if len(answer) != len(query) or len(query) > _MOST_FIELDS:
            answer = {}
        ended = self.consents().finish(service, answer, browser=_cookie(cookies))
        if ended.number is not None:
            return _Reply(303, headers=(("Location", f"{self.home}?consent={ended.number}"), ("Cache-Control", "no-store")))
        return _page_of(service, ended)

    def _uninstall(self, environ: WSGIEnvironment) -> _Reply:
        if self.patience.is_over():
            return _Reply(429, headers=(("Retry-After", "60"),))
        try:
            client_id, secret = self.proofs.client(PIPEDRIVE)
        except WrongInput:
            return _Reply(404)
        if not Ticket("", client_id, secret).opens(str(environ.get("HTTP_AUTHORIZATION", ""))):
            self.patience.note()
            return _Reply(401, headers=(("WWW-Authenticate", 'Basic realm="tandem"'),))
        length = str(environ.get("CONTENT_LENGTH") or "0")
        if not length.isdigit() or int(length) > _LONGEST_BODY:
            return _Reply(413)
        try:
            told = as_object(parse(environ["wsgi.input"].read(int(length))))
            self.disconnecting.uninstalled(client_id, told)
        except Malformed:
            return _Reply(400)
        return _Reply(200)


def _cookie(text: str) -> str:
    """The secret of the browser that began a consent in the pages; empty when it bears none."""
    try:
        found = SimpleCookie(text).get(BROWSER_COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def proof(key: bytes, nonce: str) -> str:
    """What only this installation can answer to a nonce."""
    return hmac.new(key, nonce.encode(), hashlib.sha256).hexdigest()


def _page_of(service: str, ended: Ended) -> _Reply:
    if ended.outcome is Outcome.CONNECTED:
        return _shown(200, f"{TITLE[service]} is connected", f"{ended.name} is connected as {ended.label}.", ended.sentence, is_good=True)
    later = "Try again later." if ended.outcome is Outcome.UNAVAILABLE else ""
    title = "This answer is not awaited" if ended.outcome is Outcome.NOT_AWAITED else f"{TITLE[service]} is not connected"
    return _shown(400, title, ended.sentence, later)


def _shown(status: int, title: str, *texts: str, is_good: bool = False) -> _Reply:
    return _Reply(status, page(title, *texts, is_good=is_good), HEADERS)
