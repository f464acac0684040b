"""The imitated OAuth server: consent page, codes, access and refresh tokens, revocation, and the removal of the app.

Rules: a code lives 5 minutes and works once; an access token lives 3599 s; a refresh token dies after 60 days without use and every
use returns the same one (unless a switch lets it rotate). The app's scopes come from a switch, as they are set in the vendor's
developer pages, not by the request.
Sources: the vendor's pages on OAuth authorization and app uninstallation.
"""

from __future__ import annotations

import base64
import binascii
import html
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tandem.sandbox.service import Switch
from tandem.sandbox.wire import Request, Response, answer

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - published on purpose, it opens nothing but the sandbox
CODE_S = 300.0
ACCESS_S = 3599
REFRESH_S = 60 * 86_400.0


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token allows, and until when."""

    user_id: int
    scopes: frozenset[str]
    refresh_token: str
    expires_at: float


@dataclass(slots=True)
class Refresh:
    """One user's installation of the app."""

    user_id: int
    scopes: tuple[str, ...]
    callback: str
    used_at: float


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code on its way."""

    user_id: int
    redirect_uri: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """An app was removed: whom the callback concerns, and where it goes."""

    user_id: int
    callback: str


@dataclass(slots=True)
class Grants:
    """All codes and tokens of the one app."""

    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    refresh: dict[str, Refresh] = field(default_factory=dict)

    def bearer(self, token: str, now: float) -> Access | None:
        """What a Bearer token allows; None when it is unknown or has expired."""
        access = self.access.get(token)
        return access if access is not None and access.expires_at > now else None

    def authorize(
        self, request: Request, users: Mapping[int, str], switches: Mapping[str, Switch], now: float, rng: random.Random
    ) -> Response:
        """GET shows the consent page; POST carries the person's answer and leads back to the app."""
        given = {**dict(request.query), **(request.form() if request.method == "POST" else {})}
        redirect_uri = given.get("redirect_uri", "")
        registered = str(switches["oauth_callback"])
        if given.get("client_id") != CLIENT_ID or not redirect_uri or (registered and redirect_uri != registered):
            return _page("<h1>This app cannot be connected</h1><p>Unknown client or callback address.</p>", 400)
        if request.method == "GET":
            return _consent(given, users, _scopes(switches))
        state = {"state": given["state"]} if "state" in given else {}
        user = given.get("user", "1")
        if given.get("decision") != "accept" or not user.isdigit() or int(user) not in users:
            return _redirect(redirect_uri, {"error": "user_denied", **state})
        code = f"{CLIENT_ID}.{user}.{rng.getrandbits(160):040x}"
        self.codes[code] = Code(int(user), redirect_uri, now + CODE_S)
        return _redirect(redirect_uri, {"code": code, **state})

    def token(self, request: Request, switches: Mapping[str, Switch], now: float, rng: random.Random) -> Response:
        """Exchange a code, or refresh."""
        form = request.form()
        if not _authentic(request, form, switches):
            return _refused("invalid_client", 401)
        match form.get("grant_type"):
            case "authorization_code":
                code = self.codes.pop(form.get("code", ""), None)
                if code is None or code.expires_at <= now or code.redirect_uri != form.get("redirect_uri"):
                    return _refused("invalid_grant")
                refresh_token = f"{code.user_id}:1:{rng.getrandbits(160):040x}"
                self.refresh[refresh_token] = Refresh(code.user_id, _scopes(switches), code.redirect_uri, now)
            case "refresh_token":
                refresh_token = form.get("refresh_token", "")
                if switches["oauth_rotates"] and refresh_token in self.refresh:
                    grant = self.refresh.pop(refresh_token)
                    refresh_token = f"{grant.user_id}:1:{rng.getrandbits(160):040x}"
                    self.refresh[refresh_token] = grant
            case _:
                return _refused("unsupported_grant_type")
        return self._fresh(refresh_token, request, switches, now, rng)

    def _fresh(self, refresh_token: str, request: Request, switches: Mapping[str, Switch], now: float, rng: random.Random) -> Response:
        grant = self.refresh.get(refresh_token)
        if grant is None or now - grant.used_at >= REFRESH_S:
            self.refresh.pop(refresh_token, None)
            return _refused("invalid_grant")
        grant.used_at = now
        access_token = f"v1u:{base64.urlsafe_b64encode(rng.randbytes(96)).decode()}"
        self.access[access_token] = Access(grant.user_id, frozenset(grant.scopes), refresh_token, now + ACCESS_S)
        domain = str(switches["api_domain"]) or f"http://{request.headers.get('host', 'localhost')}/pipedrive"
        body = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_S,
            "refresh_token": refresh_token,
            "scope": ",".join(grant.scopes),
            "api_domain": domain,
        }
        return answer(body)

    def revoke(self, request: Request, switches: Mapping[str, Switch]) -> tuple[Response, Uninstalled | None]:
        """Revoking a refresh token removes the app; revoking an access token ends only that one."""
        form = request.form()
        if not _authentic(request, form, switches):
            return _refused("invalid_client", 401), None
        token = form.get("token", "")
        self.access.pop(token, None)
        grant = self.refresh.get(token)
        return answer({}), (self.uninstall(grant.user_id) if grant is not None else None)

    def uninstall(self, user_id: int) -> Uninstalled | None:
        """Remove the app for a user: all its tokens die."""
        gone = {token: grant for token, grant in self.refresh.items() if grant.user_id == user_id}
        self.refresh = {token: grant for token, grant in self.refresh.items() if token not in gone}
        self.access = {token: access for token, access in self.access.items() if access.user_id != user_id}
        last = next(reversed(gone.values()), None)
        return Uninstalled(user_id, last.callback) if last is not None else None


def _scopes(switches: Mapping[str, Switch]) -> tuple[str, ...]:
    return tuple(scope.strip() for scope in str(switches["oauth_scopes"]).split(",") if scope.strip())


def _authentic(request: Request, form: Mapping[str, str], switches: Mapping[str, Switch]) -> bool:
    """The app's credentials, by Basic authorization or in the body."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return (
            bool(switches["oauth_body_credentials"]) and form.get("client_id") == CLIENT_ID and form.get("client_secret") == CLIENT_SECRET
        )
    try:
        return base64.b64decode(encoded, validate=True).decode() == f"{CLIENT_ID}:{CLIENT_SECRET}"
    except (binascii.Error, UnicodeDecodeError):
        return False


def _refused(error: str, status: int = 400) -> Response:
    return answer({"success": False, "error": error, "message": error}, status)


def _redirect(uri: str, query: Mapping[str, str]) -> Response:
    joint = "&" if "?" in uri else "?"
    return Response(302, {"location": f"{uri}{joint}{urlencode(query)}"})


_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#26292c}"
    "ul{padding-left:1.2rem}select,button{font:inherit;padding:.4rem 1.2rem}select{padding:.4rem}"
    "button{margin-right:.5rem}small{color:#555}"
)
_WORDS = {
    "base": "Read basic information of your account",
    "contacts:read": "Read persons and organizations",
    "contacts:full": "Read, create, change and delete persons and organizations",
    "contact-fields:full": "Create, change and delete fields of persons and organizations",
    "admin": "Change the company's settings, and make webhooks",
    "recents:read": "Read recent changes",
    "users:read": "Read the company's users",
    "search:read": "Search everything",
}


def _page(inside: str, status: int = 200) -> Response:
    text = (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Pipedrive (sandbox)</title>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{_STYLE}</style></head>"
        f"<body>{inside}<p><small>This is the sandbox, not Pipedrive.</small></p></body></html>"
    )
    return Response(status, {"content-type": "text/html; charset=UTF-8", "cache-control": "no-store"}, text.encode())


def _consent(given: Mapping[str, str], users: Mapping[int, str], scopes: tuple[str, ...]) -> Response:
    kept = "".join(
        f"<input type='hidden' name='{name}' value='{html.escape(given[name], quote=True)}'>"
        for name in ("client_id", "redirect_uri", "state")
        if name in given
    )
    choices = "".join(f"<option value='{id_}'>{html.escape(name)}</option>" for id_, name in users.items())
    wishes = "".join(f"<li>{html.escape(_WORDS.get(scope, scope))}</li>" for scope in scopes)
    return _page(
        f"<h1>Pipedrive (sandbox)</h1><p><b>{html.escape(given['client_id'])}</b> asks for access to Sandbox Company:</p><ul>{wishes}</ul>"
        f"<form method='post'>{kept}<p><label>Signed in as <select name='user'>{choices}</select></label></p>"
        "<p><button name='decision' value='accept'>Accept</button> <button name='decision' value='deny'>Deny</button></p></form>"
    )
