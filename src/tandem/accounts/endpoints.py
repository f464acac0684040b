"""A service's OAuth 2.0 server as a client sees it: the address where a person consents, and the calls that give, renew and end tokens.

Rules: Authlib makes the requests of RFC 6749 (sections 4.1 and 6), 7009 and 7636; the transport is injected. What the server says is
told apart into "later", "connect again", "the installation is configured wrongly" and "nobody knows"; its texts are never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx2

from tandem.connectors.http import as_object, parse, trusted
from tandem.errors import LinkStopped, Malformed, OutcomeUnknown, ReconnectNeeded, Rejected, TandemError, Unavailable

#: Codes that are about the installation, not about the account.
_OURS = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope", "redirect_uri_mismatch"}
)
#: Names of the rights of signing in, which say nothing of contacts.
_SIGN_IN = frozenset({"openid", "email", "profile"})
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)
_USUAL_LIFE_S = 3600.0
POST, BASIC = "client_secret_post", "client_secret_basic"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token endpoint gives. Empty where the service does not say."""

    access_token: str
    life_s: float
    refresh_token: str = ""
    scopes: tuple[str, ...] = ()
    api_url: str = ""


class _Client(Protocol):
    """What is used of Authlib's client, which has no types."""

    def __enter__(self) -> _Client: ...

    def __exit__(self, *of: object) -> None: ...

    def create_authorization_url(self, url: str, **more: object) -> tuple[str, str]: ...

    def fetch_token(self, url: str, **more: object) -> Mapping[str, object]: ...

    def refresh_token(self, url: str, **more: object) -> Mapping[str, object]: ...

    def revoke_token(self, url: str, **more: object) -> httpx2.Response: ...


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where tokens come from. `scope`: the right without which the account is of no use; `method`: how the client proves itself;
    `trusts`: whether an address for the API is one that tokens may be sent to.
    """  # noqa: D205 - one thought

    service: str
    url: str
    client_id: str
    client_secret: str
    scope: str
    timeout_s: float = 30.0
    transport: httpx2.BaseTransport | None = None
    method: str = POST
    revoke_url: str = ""
    trusts: Callable[[str], bool] = lambda _address: False

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for an authorization code; without `verifier` the service knows no PKCE.

        Raises:
            Unavailable: the code was not sent.
            OutcomeUnknown: it was sent, and nobody knows whether it was taken; codes work once.
            Rejected: the code is not accepted.
            LinkStopped: the installation's own id or secret, or its redirect address, is refused.
        """
        more = {"code_verifier": verifier} if verifier else {}
        try:
            return self._tokens(
                lambda client: client.fetch_token(
                    self.url, grant_type="authorization_code", code=code, redirect_uri=redirect_uri, **more
                )
            )  # fmt: skip
        except _CodeError as error:
            if error.code == "invalid_grant":
                raise Rejected(
                    f"{self.service} did not accept the answer: it came too late, or was used already. Try again.", service=self.service
                ) from None
            raise self._refused(error.code) from None
        except _NothingSentError:
            raise Unavailable(f"{self.service} cannot be reached, so nothing was stored", service=self.service) from None
        except _SilentError as error:
            raise OutcomeUnknown(
                f"{self.service} did not say whether it took the answer, and nothing was stored. Try again: an answer works once.",
                service=self.service, status=error.status,
            ) from None  # fmt: skip

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token.

        Raises:
            ReconnectNeeded: the refresh token is dead.
            LinkStopped: the installation's own id or secret is refused.
            Unavailable: nothing is known; later.
        """
        try:
            return self._tokens(lambda client: client.refresh_token(self.url, refresh_token=refresh_token))
        except _CodeError as error:
            if error.code == "invalid_grant":
                raise ReconnectNeeded(
                    f"{self.service} does not accept the account's refresh token any more: connect the account again."
                ) from None
            raise self._refused(error.code) from None
        except (_NothingSentError, _SilentError) as error:
            raise self._silent(getattr(error, "status", None)) from None

    def revoke(self, token: str) -> None:
        """End a token, and all that came with it. One that is dead already is as good.

        Raises:
            Unavailable: the service did not say that it is ended.
        """
        try:
            with self.client() as client:
                answer = client.revoke_token(self.revoke_url, token=token, token_type_hint="refresh_token")  # noqa: S106 - a name
        except httpx2.HTTPError:
            raise Unavailable(f"{self.service} cannot be reached to end its consent", service=self.service) from None
        if not answer.is_success and not (answer.status_code == 400 and _code_in(answer) in {"invalid_token", "invalid_grant"}):
            raise Unavailable(f"{self.service} did not end its consent", service=self.service, status=answer.status_code)

    def is_narrowed(self, scopes: tuple[str, ...]) -> bool:
        """Whether the right that is needed is missing among those granted.

        Another server may have names of its own, which say nothing to us.
        """
        family = self.scope.rpartition("/")[0]
        return self.scope not in scopes and any(scope in _SIGN_IN or scope.startswith(family) for scope in scopes)

    def client(self, **more: object) -> _Client:
        """A client of the moment."""
        # Imported here: it takes half a second that few commands need. It has no types.
        from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]  # noqa: PLC0415

        client: _Client = OAuth2Client(
            self.client_id, self.client_secret, token_endpoint_auth_method=self.method, revocation_endpoint_auth_method=self.method,
            transport=_Undisturbed(self.transport) if self.transport is not None else None,
            verify=trusted() if self.transport is None else True, timeout=self.timeout_s, **more,
        )  # fmt: skip
        return client

    def _tokens(self, ask: Callable[[_Client], Mapping[str, object]]) -> Tokens:
        from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # noqa: PLC0415

        try:
            with self.client() as client:
                answer = dict(ask(client))
        except OAuthError as error:
            raise _CodeError(str(error.error)) from None
        except httpx2.HTTPStatusError as error:
            raise _SilentError(error.response.status_code) from None
        except _NOTHING_SENT:
            raise _NothingSentError from None
        except (httpx2.HTTPError, ValueError, TypeError, KeyError):
            raise _SilentError from None
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise Malformed(f"{self.service} answered without an access token", service=self.service)
        life = answer.get("expires_in")
        life_s = float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) else _USUAL_LIFE_S
        return Tokens(token, life_s, _text(answer, "refresh_token"), split_scopes(_text(answer, "scope")), _text(answer, "api_domain"))

    def _refused(self, code: str) -> TandemError:
        """The error codes of RFC 6749 section 5.2; of any other code nothing is concluded."""
        if code not in _OURS:
            return self._silent()
        name = self.service.upper()
        if code == "redirect_uri_mismatch":
            return LinkStopped(f"{self.service} does not know this Tandem's redirect address: `tandem doctor` shows the one to register.")
        return LinkStopped(
            f"{self.service} does not accept this Tandem for the account ({code}): check TANDEM_{name}_CLIENT_ID and "
            f"TANDEM_{name}_CLIENT_SECRET, and that the token was made with the same client."
        )

    def _silent(self, status: int | None = None) -> Unavailable:
        return Unavailable(f"{self.service} does not give an access token now", service=self.service, status=status)


@dataclass(frozen=True, slots=True)
class ConsentPlace:
    """Where a person consents, and how the page there is asked for. `refusal`: what comes back when the person says no."""

    endpoint: TokenEndpoint
    url: str
    has_pkce: bool
    refusal: str
    scope: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def address(self, redirect_uri: str, state: str, verifier: str, hint: str = "") -> str:
        """The address to open in a browser."""
        more = {**self.more, **({"login_hint": hint} if hint else {})}
        with self.endpoint.client(redirect_uri=redirect_uri, code_challenge_method="S256") as client:
            address, _ = client.create_authorization_url(
                self.url, state=state, code_verifier=verifier if self.has_pkce else None, scope=self.scope or None, **more
            )
        return address


def split_scopes(text: str) -> tuple[str, ...]:
    """The names in a `scope`: blanks between them, or commas."""
    return tuple(filter(None, re.split(r"[\s,]+", text)))


class _CodeError(Exception):
    """The server refuses, and says why in a code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _NothingSentError(Exception):
    """The request has not left."""


class _SilentError(Exception):
    """The request may have left, and there is no answer that says anything."""

    def __init__(self, status: int | None = None) -> None:
        super().__init__()
        self.status = status


class _Undisturbed(httpx2.BaseTransport):
    """A shared transport that a client of the moment does not close."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass the request on."""
        return self._transport.handle_request(request)


def _text(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _code_in(answer: httpx2.Response) -> str:
    try:
        code = as_object(parse(answer.content)).get("error")
    except Malformed:
        return ""
    return code if isinstance(code, str) else ""
