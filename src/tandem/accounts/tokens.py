"""The two kinds of proof that are used with the services: an OAuth 2.0 refresh token with its access tokens, and an API token.

Rules: an access token is renewed a minute early and after a 401, by one thread at a time, and kept with its expiry, so that
short-lived processes do not each ask for one. Authlib makes the request of RFC 6749 section 6; the transport is injected.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import httpx2

from tandem.clock import Clock
from tandem.connectors.http import JsonObject, as_object, parse, text_at
from tandem.errors import ConsentNarrowed, LinkStopped, Malformed, ReconnectNeeded, TandemError, Unavailable

API_TOKEN = "api-token"  # noqa: S105 - the names under which values stand in the vault
REFRESH_TOKEN = "refresh-token"  # noqa: S105
ACCESS_TOKEN = "access-token"  # noqa: S105
#: A token is renewed this long before it expires.
EARLY = timedelta(seconds=60)
#: Codes that are about the installation, not about the account.
_OURS = frozenset({"invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope"})
_SHORTEST = timedelta(seconds=120)


class Credentials(Protocol):
    """The values of one account, by name."""

    def get(self, name: str) -> str | None:
        """The value, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a value."""
        ...


@dataclass(slots=True)
class Unkept:
    """Credentials that nobody keeps: for trying a token before it is stored."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """The value, or None."""
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        """Keep a value, here."""
        self.values[name] = value


class ApiToken:
    """A token that goes along with every call, in one header. Read once, and again when it is refused. May be shared by threads."""

    def __init__(self, credentials: Credentials, header: str) -> None:
        self._credentials = credentials
        self._header = header
        self._token: str | None = None

    def headers(self) -> Mapping[str, str]:
        """The header. Raises ReconnectNeeded without a token."""
        self._token = self._token or self._credentials.get(API_TOKEN)
        if not self._token:
            raise ReconnectNeeded
        return {self._header: self._token}

    def renew(self) -> bool:
        """There is no other token, unless another process has stored one meanwhile."""
        refused, self._token = self._token, self._credentials.get(API_TOKEN)
        return bool(self._token) and self._token != refused


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where access tokens come from. `scope`: the right without which the account is of no use."""

    service: str
    url: str
    client_id: str
    client_secret: str
    scope: str
    timeout_s: float = 30.0
    transport: httpx2.BaseTransport | None = None

    def refresh(self, refresh_token: str) -> JsonObject:
        """The answer to a refresh token.

        Raises:
            ReconnectNeeded: the refresh token is dead.
            LinkStopped: the installation's own id or secret is refused.
            Unavailable: nothing is known; later.
        """
        # Imported here: it takes half a second that few commands need. It has no types.
        from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # noqa: PLC0415
        from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]  # noqa: PLC0415

        client = OAuth2Client(
            self.client_id, self.client_secret, token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the method's name
            transport=_Undisturbed(self.transport) if self.transport is not None else None, timeout=self.timeout_s,
        )  # fmt: skip
        try:
            with client:
                answer = dict(client.refresh_token(self.url, refresh_token=refresh_token))
        except OAuthError as error:
            raise self._refused(str(error.error)) from None
        except httpx2.HTTPStatusError as error:
            raise self._silent(error.response.status_code) from None
        except (httpx2.HTTPError, ValueError, TypeError, KeyError):
            raise self._silent() from None
        granted = str(answer.get("scope") or "").split()
        if self.scope not in granted and any(scope.startswith(_family(self.scope)) for scope in granted):
            raise ConsentNarrowed
        return answer

    def _refused(self, code: str) -> TandemError:
        """The error codes of RFC 6749 section 5.2; of any other code nothing is concluded."""
        if code == "invalid_grant":
            return ReconnectNeeded(f"{self.service} does not accept the account's refresh token any more: connect the account again.")
        if code not in _OURS:
            return self._silent()
        name = self.service.upper()
        return LinkStopped(
            f"{self.service} does not accept this Tandem for the account ({code}): check TANDEM_{name}_CLIENT_ID and "
            f"TANDEM_{name}_CLIENT_SECRET, and that the token was made with the same client."
        )

    def _silent(self, status: int | None = None) -> Unavailable:
        return Unavailable(f"{self.service} does not give an access token now", service=self.service, status=status)


class _Undisturbed(httpx2.BaseTransport):
    """A shared transport that a client of the moment does not close."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass the request on."""
        return self._transport.handle_request(request)


class BearerToken:
    """Access tokens out of a refresh token. May be shared by threads."""

    def __init__(self, credentials: Credentials, endpoint: TokenEndpoint, clock: Clock) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._expires_at: datetime | None = None
        self._is_read = False

    def headers(self) -> Mapping[str, str]:
        """The header with a token that lives for another minute. Raises ReconnectNeeded, LinkStopped, Unavailable."""
        with self._lock:
            self._read()
            if self._expires_at is None or self._clock.now() + EARLY >= self._expires_at:
                self._refresh()
            return {"authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """After a 401: get another token, unless another thread has just done so."""
        refused = self._token
        with self._lock:
            if self._token == refused:
                self._refresh()
            return self._token != refused

    def _read(self) -> None:
        """Take the token that an earlier process has kept."""
        if self._is_read:
            return
        self._is_read = True
        kept = self._credentials.get(ACCESS_TOKEN)
        if kept is None:
            return
        try:
            values = as_object(parse(kept.encode()))
            self._token, self._expires_at = text_at(values, "token"), datetime.fromisoformat(text_at(values, "expires_at"))
        except (Malformed, ValueError):
            self._expires_at = None

    def _refresh(self) -> None:
        refresh_token = self._credentials.get(REFRESH_TOKEN)
        if not refresh_token:
            raise ReconnectNeeded
        asked_at = self._clock.now()
        answer = self._endpoint.refresh(refresh_token)
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token:
            raise Malformed(f"{self._endpoint.service} answered without an access token", service=self._endpoint.service)
        life_s = life if isinstance(life, (int, float)) and not isinstance(life, bool) else 3600
        self._token, self._expires_at = token, asked_at + max(timedelta(seconds=life_s), _SHORTEST)
        self._credentials.put(ACCESS_TOKEN, _kept(token, self._expires_at))
        another = answer.get("refresh_token")
        if isinstance(another, str) and another and another != refresh_token:
            self._credentials.put(REFRESH_TOKEN, another)


def _family(scope: str) -> str:
    """What the names of a service's rights begin with: another server may have names of its own, which say nothing to us."""
    return scope.rpartition("/")[0]


def _kept(token: str, expires_at: datetime) -> str:
    return json.dumps({"token": token, "expires_at": expires_at.isoformat()})
