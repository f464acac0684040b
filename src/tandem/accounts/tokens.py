"""The two kinds of proof that are used with the services: an OAuth 2.0 refresh token with its access tokens, and an API token.

Rules: an access token is renewed a minute early and after a 401, by one at a time of all threads, processes and machines that share the
database (store/grants.py has the theory); it is kept with its expiry, so that whoever comes next uses it. What another process has
stored meanwhile is looked for before anything is asked for or given up. A new refresh token is stored before it is used. A process
that dies between a service's answer and its storing loses that answer: where the service has ended the old refresh token with it, the
account has to be connected again, and says so.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tandem.accounts.endpoints import TokenEndpoint, Tokens
from tandem.clock import Clock
from tandem.connectors.http import as_object, parse, text_at
from tandem.errors import ConsentNarrowed, Malformed, ReconnectNeeded, Unavailable
from tandem.store.grants import REFRESH_TOKEN

__all__ = ["ACCESS_TOKEN", "API_TOKEN", "REFRESH_TOKEN", "ApiToken", "BearerToken", "Credentials", "Unkept", "kept"]

API_TOKEN = "api-token"  # noqa: S105 - the names under which values stand in the vault
ACCESS_TOKEN = "access-token"  # noqa: S105
#: A token is renewed this long before it expires.
EARLY = timedelta(seconds=60)
_SHORTEST_S = 120.0
#: A turn to renew outlives this many time-outs of a request: connecting, sending, and an answer in pieces.
_TIMEOUTS = 4
_LOOK_AGAIN_S = 0.2


class Credentials(Protocol):
    """The values of one account, by name, and the turn to renew them."""

    def get(self, name: str) -> str | None:
        """The value, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a value."""
        ...

    def begin_renewal(self, renewer: str, now: datetime, until: datetime) -> bool:
        """Take the turn, if it is free."""
        ...

    def store_renewal(self, used: str, values: Mapping[str, str], scopes: Sequence[str], api_url: str) -> bool:
        """Keep all that was brought by the refresh token `used`, if that is still the account's."""
        ...

    def end_renewal(self, renewer: str) -> None:
        """Give the turn back."""
        ...

    def note_refusal(self, now: datetime) -> None:
        """The service does not accept the account any more."""
        ...


@dataclass(slots=True)
class Unkept:
    """Credentials that nobody keeps: for trying a token before it is stored."""

    values: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """The value, or None."""
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        """Keep a value, here."""
        self.values[name] = value

    def begin_renewal(self, renewer: str, now: datetime, until: datetime) -> bool:
        """Nobody else is there."""
        del renewer, now, until
        return True

    def store_renewal(self, used: str, values: Mapping[str, str], scopes: Sequence[str], api_url: str) -> bool:
        """Keep it, here."""
        del used, api_url
        self.values.update(values)
        self.scopes = tuple(scopes) or self.scopes
        return True

    def end_renewal(self, renewer: str) -> None:
        """Nobody waits."""

    def note_refusal(self, now: datetime) -> None:
        """Nobody reads it."""


class ApiToken:
    """A token that goes along with every call, in one header. Read once, and again when it is refused. May be shared by threads."""

    def __init__(self, credentials: Credentials, header: str, clock: Clock) -> None:
        self._credentials = credentials
        self._header = header
        self._token: str | None = None
        self._clock = clock

    def headers(self) -> Mapping[str, str]:
        """The header. Raises ReconnectNeeded without a token."""
        self._token = self._token or self._credentials.get(API_TOKEN)
        if not self._token:
            raise ReconnectNeeded
        return {self._header: self._token}

    def renew(self) -> bool:
        """There is no other token, unless another process has stored one meanwhile."""
        refused, self._token = self._token, self._credentials.get(API_TOKEN)
        if not self._token or self._token == refused:
            self._credentials.note_refusal(self._clock.now())
            return False
        return True


class BearerToken:
    """Access tokens out of a refresh token. May be shared by threads."""

    def __init__(self, credentials: Credentials, endpoint: TokenEndpoint, clock: Clock) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._expires_at: datetime | None = None
        self._name = secrets.token_hex(8)
        #: What each thread was given last: that is what a 401 has refused.
        self._given = threading.local()

    def headers(self) -> Mapping[str, str]:
        """The header with a token that lives for another minute. Raises ReconnectNeeded, ConsentNarrowed, LinkStopped, Unavailable."""
        with self._lock:
            if not self._is_fresh():
                self._read()
            if not self._is_fresh():
                self._renew(refused="")
            self._given.token = self._token
            return {"authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """After a 401: get another token, unless another thread or process has just done so."""
        refused = str(getattr(self._given, "token", self._token))
        with self._lock:
            if self._token == refused:
                self._read()
            if self._token == refused or not self._is_fresh():
                self._renew(refused)
            return self._token != refused

    def _is_fresh(self) -> bool:
        return self._expires_at is not None and self._clock.now() + EARLY < self._expires_at

    def _read(self) -> None:
        """Take the token that was stored last, by whomever."""
        stored = self._credentials.get(ACCESS_TOKEN)
        if stored is None:
            return
        try:
            values = as_object(parse(stored.encode()))
            self._token, self._expires_at = text_at(values, "token"), datetime.fromisoformat(text_at(values, "expires_at"))
        except (Malformed, ValueError):
            self._expires_at = None

    def _renew(self, refused: str) -> None:
        """Have another token than `refused`: our own, or one that somebody else brings while we wait for our turn."""
        turn = timedelta(seconds=self._endpoint.timeout_s * _TIMEOUTS)
        give_up_at = self._clock.now() + 2 * turn
        while not self._credentials.begin_renewal(self._name, self._clock.now(), self._clock.now() + turn):
            if self._clock.now() > give_up_at:
                raise Unavailable("Another process is renewing the account's access token and does not end", service=self._endpoint.service)
            self._clock.sleep(_LOOK_AGAIN_S)
            if self._has_another(refused):
                return
        try:
            if not self._has_another(refused):
                self._ask()
        finally:
            self._credentials.end_renewal(self._name)

    def _has_another(self, refused: str) -> bool:
        self._read()
        return self._is_fresh() and self._token != refused

    def _ask(self) -> None:
        """Ask the service; once more when the refresh token has been replaced meanwhile."""
        used = self._credentials.get(REFRESH_TOKEN)
        if not used:
            raise ReconnectNeeded
        asked_at = self._clock.now()
        try:
            tokens = self._endpoint.refresh(used)
        except ReconnectNeeded:
            another = self._credentials.get(REFRESH_TOKEN)
            if not another or another == used:
                self._credentials.note_refusal(asked_at)
                raise
            used, tokens = another, self._endpoint.refresh(another)
        self._take(tokens, used, asked_at)

    def _take(self, tokens: Tokens, used: str, asked_at: datetime) -> None:
        is_narrowed = self._endpoint.is_narrowed(tokens.scopes)
        values = {} if is_narrowed else {ACCESS_TOKEN: kept(tokens, asked_at)}
        if tokens.refresh_token and tokens.refresh_token != used:
            values[REFRESH_TOKEN] = tokens.refresh_token
        api_url = tokens.api_url if self._endpoint.trusts(tokens.api_url) else ""
        is_ours = self._credentials.store_renewal(used, values, tokens.scopes, api_url)
        if is_narrowed:
            self._credentials.note_refusal(asked_at)
            raise ConsentNarrowed
        if is_ours:
            self._token, self._expires_at = tokens.access_token, expiry(tokens, asked_at)
            return
        self._read()
        if not self._is_fresh():
            raise Unavailable("The account was connected anew just now", service=self._endpoint.service)


def expiry(tokens: Tokens, asked_at: datetime) -> datetime:
    """When an access token ends."""
    return asked_at + timedelta(seconds=max(tokens.life_s, _SHORTEST_S))


def kept(tokens: Tokens, asked_at: datetime) -> str:
    """An access token as it stands in the vault."""
    return json.dumps({"token": tokens.access_token, "expires_at": expiry(tokens, asked_at).isoformat()})
