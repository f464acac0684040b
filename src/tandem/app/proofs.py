"""How each service is signed in to here: made of the configuration, and of what an account has allowed.

Rules: a token goes to its own service and nowhere else: the address that Pipedrive names for the API of an account is taken only when it
is Pipedrive's, or the one configured.
"""

from __future__ import annotations

import re

import httpx2

from tandem.accounts.endpoints import BASIC, POST, ConsentPlace, TokenEndpoint
from tandem.accounts.rights import CONTACTS, EMAIL, PERSONS
from tandem.accounts.tokens import ApiToken, BearerToken, Credentials
from tandem.app.sides import GOOGLE, PIPEDRIVE, TITLE
from tandem.clock import Clock
from tandem.config import Config
from tandem.connectors.http import Authorization
from tandem.errors import Malformed, WrongInput
from tandem.store.grants import GrantKind

_API_HEADER = "x-api-token"
#: Letters, digits and hyphens only: nothing that could be read as another host.
_PIPEDRIVES_OWN = re.compile(r"https://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+pipedrive\.com/?")
_WHERE_FROM = {
    GOOGLE: "those of the OAuth client of your Google Cloud project",
    PIPEDRIVE: "those of your app in Pipedrive's Developer Hub",
}
#: Where the answer of a consent arrives, below TANDEM_BASE_URL.
CALLBACK = {GOOGLE: "/accounts/google/callback", PIPEDRIVE: "/accounts/pipedrive/callback"}


class Proofs:
    """Endpoints, consent places and proofs of one installation."""

    def __init__(self, config: Config, clock: Clock, transport: httpx2.BaseTransport | None) -> None:
        self._config = config
        self._clock = clock
        self._transport = transport

    def redirect_uri(self, service: str) -> str:
        """The address to register with the service."""
        return self._config.url("BASE_URL") + CALLBACK[service]

    def client(self, service: str) -> tuple[str, str]:
        """Id and secret of the installation at a service. WrongInput when they are not configured."""
        name = service.upper()
        client_id, secret = self._config.text(f"{name}_CLIENT_ID"), self._config.text(f"{name}_CLIENT_SECRET")
        if not client_id or not secret:
            title = TITLE[service]
            raise WrongInput(f"{title} needs TANDEM_{name}_CLIENT_ID and TANDEM_{name}_CLIENT_SECRET: {_WHERE_FROM[service]}.")
        return client_id, secret

    def endpoint(self, service: str) -> TokenEndpoint:
        """Where a service gives tokens. WrongInput when the installation has no client there."""
        config, is_google = self._config, service == GOOGLE
        client_id, secret = self.client(service)
        oauth_url = "" if is_google else config.url("PIPEDRIVE_OAUTH_URL")
        return TokenEndpoint(
            service=TITLE[service],
            url=config.url("GOOGLE_TOKEN_URL") if is_google else f"{oauth_url}/token",
            client_id=client_id,
            client_secret=secret,
            scope=CONTACTS if is_google else PERSONS,
            timeout_s=config.number("HTTP_TIMEOUT_S"),
            transport=self._transport,
            method=POST if is_google else BASIC,
            revoke_url=config.url("GOOGLE_REVOKE_URL") if is_google else f"{oauth_url}/revoke",
            trusts=lambda address: service == PIPEDRIVE and self._is_pipedrives(address),
        )

    def place(self, service: str) -> ConsentPlace:
        """Where a person consents. WrongInput when the installation has no client there."""
        endpoint = self.endpoint(service)
        if service == PIPEDRIVE:
            url = f"{self._config.url('PIPEDRIVE_OAUTH_URL')}/authorize"
            return ConsentPlace(endpoint, url, has_pkce=False, refusal="user_denied")
        # Without `consent` Google gives a refresh token only the first time.
        more = {"access_type": "offline", "prompt": "consent"}
        url = self._config.url("GOOGLE_AUTH_URL")
        return ConsentPlace(endpoint, url, has_pkce=True, refusal="access_denied", scope=f"{EMAIL} {CONTACTS}", more=more)

    def make(self, service: str, kind: GrantKind, credentials: Credentials) -> Authorization:
        """The proof of an account."""
        if kind is GrantKind.API_TOKEN:
            return ApiToken(credentials, _API_HEADER, self._clock)
        return BearerToken(credentials, self.endpoint(service), self._clock)

    def api_url(self, service: str, told: str) -> str:
        """Where the API of an account is: as configured, or where the service has said. Malformed for a strange address."""
        if service == GOOGLE or not told:
            return self._config.url("GOOGLE_API_URL" if service == GOOGLE else "PIPEDRIVE_API_URL")
        if not self._is_pipedrives(told):
            raise Malformed("Pipedrive named an address for its API that is not its own, so nothing was sent there, and nothing stored.")
        return told.rstrip("/")

    def _is_pipedrives(self, address: str) -> bool:
        return address.rstrip("/") == self._config.url("PIPEDRIVE_API_URL") or _PIPEDRIVES_OWN.fullmatch(address) is not None
