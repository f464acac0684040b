"""The imitated Google's OAuth: consent page, tokens, revocation, who a token belongs to.

Rules: bodies and texts as seen from the real endpoints; tokens are drawn from the world's randomness, which is fit for a sandbox
and nothing else. A refresh token comes with the first consent of an account to a client, or when consent was forced.
Sources: Google's guide "OAuth 2.0 for Web Server Applications", public issues for the error bodies.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tandem.sandbox.google_consent import consent_page, refusal_page
from tandem.sandbox.google_model import Account
from tandem.sandbox.service import Switch
from tandem.sandbox.wire import JsonObject, Request, Response, answer

CONTACTS = "https://www.googleapis.com/auth/contacts"
CONTACTS_READONLY = "https://www.googleapis.com/auth/contacts.readonly"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
OPENID = "openid"
_ALIASES = {"email": EMAIL, "profile": PROFILE}
_SIGN_IN = frozenset({OPENID, EMAIL, PROFILE})

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - known to everyone, that is its purpose
REFRESH_TOKEN = "sandbox-google-refresh"  # noqa: S105 - likewise

ACCESS_LIFE_S = 3599
CODE_LIFE_S = 600.0
TESTING_LIFE_S = 7 * 86400.0
IDLE_LIFE_S = 182 * 86400.0
MAX_REFRESH_TOKENS = 100
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


@dataclass(frozen=True, slots=True)
class Client:
    """A registered application. Without redirect addresses it is a desktop one: any port of this machine will do."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] = ()

    def allows(self, redirect_uri: str) -> bool:
        """Whether the answer may be sent there: an exact match, or this machine for a desktop client."""
        if self.redirect_uris:
            return redirect_uri in self.redirect_uris
        parts = urlsplit(redirect_uri)
        return parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK


@dataclass(slots=True)
class Grant:
    """A refresh token: who allowed what to whom, and when it was last used."""

    email: str
    client_id: str
    scopes: tuple[str, ...]
    issued_at: float
    used_at: float


@dataclass(frozen=True, slots=True)
class Access:
    """An access token; `refresh_token` is the grant that it came from, if any."""

    email: str
    client_id: str
    scopes: tuple[str, ...]
    expires_at: float
    refresh_token: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code."""

    email: str
    client_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    challenge_method: str
    expires_at: float
    with_refresh: bool


class OAuthError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.response = answer({"error": error, "error_description": description}, status)


@dataclass(slots=True)
class OAuth:
    """Everything the authorization server knows."""

    rng: random.Random
    switches: Mapping[str, Switch]
    accounts: Mapping[str, Account]
    clients: dict[str, Client] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)

    def handle(self, kind: str, request: Request, now: float) -> Response:
        """Answer one of the OAuth calls, by the name that `google_routes.py` gives it."""
        try:
            match kind:
                case "oauth.authorize" if request.method == "GET":
                    return self._ask(dict(request.query))
                case "oauth.authorize":
                    return self._decide(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True), now)
                case "oauth.token":
                    return self._token(request, now)
                case "oauth.revoke":
                    return self._revoke(request)
                case "oauth.tokeninfo":
                    return self._tokeninfo(request, now)
                case _:
                    return self._userinfo(request, now)
        except OAuthError as error:
            return error.response

    def bearer(self, request: Request, now: float) -> Access | None:
        """The access token that a request carries, when it is good."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        access = self.access.get(token.strip() if kind.lower() == "bearer" else request.one("access_token"))
        return access if access is not None and access.expires_at > now else None

    def grant(self, email: str, client_id: str, scopes: tuple[str, ...], now: float, token: str = "") -> str:
        """Make a refresh token. More than 100 of one account for one client push the oldest out."""
        mine = [key for key, grant in self.grants.items() if (grant.email, grant.client_id) == (email, client_id)]
        for key in mine[: max(0, len(mine) + 1 - MAX_REFRESH_TOKENS)]:
            del self.grants[key]
        token = token or f"1//0{self.rng.getrandbits(240):060x}"
        self.grants[token] = Grant(email, client_id, scopes, now, now)
        return token

    def end(self, email: str) -> int:
        """The user withdraws all that was granted; returns how many grants there were."""
        gone = [token for token, grant in self.grants.items() if grant.email == email]
        for token in gone:
            del self.grants[token]
        self.access = {token: access for token, access in self.access.items() if access.email != email}
        return len(gone)

    def _ask(self, query: dict[str, str]) -> Response:
        """The consent page, or a page that says why there is none."""
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            return refusal_page(401, "invalid_client", "The OAuth client was not found.")
        if not client.allows(query.get("redirect_uri", "")):
            return refusal_page(400, "redirect_uri_mismatch", "The redirect URI in the request is not registered for this client.")
        scopes = _scopes(query.get("scope", ""))
        if query.get("response_type") != "code" or not scopes:
            return refusal_page(400, "invalid_request", "Required parameter is missing: response_type or scope.")
        if self.switches["oauth_needs_pkce"] and (query.get("code_challenge_method") != "S256" or not query.get("code_challenge")):
            return refusal_page(400, "invalid_request", "Required parameter is missing: code_challenge with method S256.")
        return consent_page(query, sorted(self.accounts), [scope for scope in scopes if scope not in _SIGN_IN])

    def _decide(self, pairs: list[tuple[str, str]], now: float) -> Response:
        """The person's answer: back to the client with a code or an error."""
        form = dict(pairs)
        page = self._ask(form)
        if page.status != 200:
            return page
        back: dict[str, str] = {"state": form["state"]} if "state" in form else {}
        if form.get("decision") != "accept" or form.get("account", "") not in self.accounts:
            return _redirect(form["redirect_uri"], {"error": "access_denied", **back})
        chosen = {value for key, value in pairs if key == "allow"}
        scopes = tuple(scope for scope in _scopes(form.get("scope", "")) if scope in _SIGN_IN or scope in chosen)
        if not scopes:
            return _redirect(form["redirect_uri"], {"error": "access_denied", **back})
        code = self._code(form, scopes, now)
        return _redirect(form["redirect_uri"], {**back, "iss": "https://accounts.google.com", "code": code, "scope": " ".join(scopes)})

    def _code(self, form: Mapping[str, str], scopes: tuple[str, ...], now: float) -> str:
        email, client_id = form["account"], form["client_id"]
        known = any((grant.email, grant.client_id) == (email, client_id) for grant in self.grants.values())
        offline = form.get("access_type") == "offline" or not self.clients[client_id].redirect_uris
        with_refresh = offline and (not known or "consent" in form.get("prompt", "").split())
        code = f"4/0{self.rng.getrandbits(200):050x}"
        method = form.get("code_challenge_method", "plain")
        expires_at = now + CODE_LIFE_S
        challenge = form.get("code_challenge", "")
        self.codes[code] = Code(email, client_id, scopes, form["redirect_uri"], challenge, method, expires_at, with_refresh)
        return code

    def _token(self, request: Request, now: float) -> Response:
        form = request.form()
        client = self._client(request, form)
        match form.get("grant_type", ""):
            case "authorization_code":
                return self._exchange(client, form, now)
            case "refresh_token":
                return self._refresh(client, form, now)
            case other:
                raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {other}")

    def _client(self, request: Request, form: Mapping[str, str]) -> Client:
        """The client behind a token request, by form or by Basic authentication."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                user, _, password = base64.b64decode(value).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthError("invalid_client", "Unauthorized", 401) from None
            client_id, secret = unquote(user), unquote(password)
        client = self.clients.get(client_id)
        if client is None:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if secret != client.client_secret:
            raise OAuthError("invalid_client", "Unauthorized", 401)
        return client

    def _exchange(self, client: Client, form: Mapping[str, str], now: float) -> Response:
        text = form.get("code", "")
        if not text.startswith("4/"):
            raise OAuthError("invalid_grant", "Malformed auth code.")
        code = self.codes.get(text)
        if code is None or code.client_id != client.client_id or code.expires_at <= now:
            raise OAuthError("invalid_grant", "Bad Request")
        if form.get("redirect_uri", "") != code.redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        _check_verifier(code, form.get("code_verifier", ""))
        del self.codes[text]
        refresh = self.grant(code.email, client.client_id, code.scopes, now) if code.with_refresh else ""
        body = self._issue(code.email, client.client_id, code.scopes, now, refresh)
        if refresh:
            body["refresh_token"] = refresh
            if self.switches["oauth_testing_mode"]:
                body["refresh_token_expires_in"] = int(TESTING_LIFE_S)
        return answer(body, headers={"cache-control": "no-store"})

    def _refresh(self, client: Client, form: Mapping[str, str], now: float) -> Response:
        token = form.get("refresh_token", "")
        grant = self.grants.get(token)
        if grant is None or grant.client_id != client.client_id or self._is_dead(grant, now):
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        grant.used_at = now
        return answer(self._issue(grant.email, client.client_id, grant.scopes, now, token), headers={"cache-control": "no-store"})

    def _is_dead(self, grant: Grant, now: float) -> bool:
        """Seven days after consent in testing mode; half a year unused."""
        testing = bool(self.switches["oauth_testing_mode"]) and any(scope not in _SIGN_IN for scope in grant.scopes)
        return (testing and now - grant.issued_at >= TESTING_LIFE_S) or now - grant.used_at >= IDLE_LIFE_S

    def _issue(self, email: str, client_id: str, scopes: tuple[str, ...], now: float, refresh_token: str) -> JsonObject:
        self.access = {token: access for token, access in self.access.items() if access.expires_at > now}
        token = f"ya29.{self.rng.getrandbits(400):0100x}"
        self.access[token] = Access(email, client_id, scopes, now + ACCESS_LIFE_S, refresh_token)
        return {"access_token": token, "expires_in": ACCESS_LIFE_S, "scope": " ".join(scopes), "token_type": "Bearer"}

    def _revoke(self, request: Request) -> Response:
        token = request.form().get("token", "") or request.one("token")
        refresh = token if token in self.grants else (access.refresh_token if (access := self.access.get(token)) else None)
        if refresh is None:
            raise OAuthError("invalid_token", "Token expired or revoked")
        self.grants.pop(refresh, None)
        self.access = {key: value for key, value in self.access.items() if key != token and (not refresh or value.refresh_token != refresh)}
        return answer({})

    def _tokeninfo(self, request: Request, now: float) -> Response:
        token = request.one("access_token") or request.form().get("access_token", "")
        access = self.access.get(token)
        if access is None or access.expires_at <= now:
            raise OAuthError("invalid_token", "Invalid Value")
        left = int(access.expires_at - now)
        info: JsonObject = {
            "azp": access.client_id,
            "aud": access.client_id,
            "sub": self.accounts[access.email].account_id,
            "scope": " ".join(access.scopes),
            "exp": str(int(access.expires_at)),
            "expires_in": str(left),
            "access_type": "offline" if access.refresh_token else "online",
        }
        if EMAIL in access.scopes:
            info |= {"email": access.email, "email_verified": "true"}
        return answer(info)

    def _userinfo(self, request: Request, now: float) -> Response:
        access = self.bearer(request, now)
        if access is None:
            raise OAuthError("invalid_request", "Invalid Credentials", 401)
        account = self.accounts[access.email]
        info: JsonObject = {"sub": account.account_id}
        if PROFILE in access.scopes:
            given, _, family = account.name.rpartition(" ")
            info |= {"name": account.name, "given_name": given, "family_name": family}
        if EMAIL in access.scopes:
            info |= {"email": account.email, "email_verified": True}
        return answer(info)


def _check_verifier(code: Code, verifier: str) -> None:
    """Proof Key for Code Exchange (RFC 7636). OAuthError."""
    if not code.challenge:
        return
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if code.challenge != (digest if code.challenge_method == "S256" else verifier):
        raise OAuthError("invalid_grant", "Invalid code verifier.")


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_ALIASES.get(scope, scope) for scope in text.split()))


def _redirect(uri: str, parameters: Mapping[str, str]) -> Response:
    mark = "&" if urlsplit(uri).query else "?"
    return Response(302, {"location": f"{uri}{mark}{urlencode(parameters)}"})
