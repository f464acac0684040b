"""Promises about proofs: renewed in time, told apart when refused, and asked for once."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpcore2
import httpx2
import pytest

from tandem.accounts.endpoints import TokenEndpoint
from tandem.accounts.tokens import ACCESS_TOKEN, API_TOKEN, REFRESH_TOKEN, ApiToken, BearerToken, Unkept
from tandem.connectors.http import make_client, trusted
from tandem.errors import ConsentNarrowed, LinkStopped, ReconnectNeeded, TandemError, Unavailable
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

SCOPE = "https://www.googleapis.com/auth/contacts"
REFRESH = "sandbox-google-refresh"


@dataclass
class Hand:
    """A clock to turn by hand."""

    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """The time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Turn it."""
        self.at += timedelta(seconds=seconds)


@dataclass
class Answers(httpx2.BaseTransport):
    """A token endpoint that answers as it is told, and remembers what it was asked."""

    make: Callable[[], httpx2.Response]
    asked: list[bytes] = field(default_factory=list)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One answer."""
        self.asked.append(request.read())
        response = self.make()
        response.request = request
        return response


def endpoint(transport: httpx2.BaseTransport, secret: str = "") -> TokenEndpoint:
    """The sandbox's token endpoint, or whatever the transport is."""
    return TokenEndpoint("Google", "http://127.0.0.1:1/google/token", "sandbox-client", secret or "sandbox-secret", SCOPE, 5.0, transport)


def told(body: object, status: int = 200) -> Answers:
    """An endpoint with one answer."""
    return Answers(lambda: httpx2.Response(status, json=body))


def granted(number: int = 1, **more: object) -> dict[str, object]:
    """An answer with an access token."""
    return {"access_token": f"access-{number}", "expires_in": 3600, "token_type": "Bearer", "scope": SCOPE, **more}


def test_the_sandbox_grants_and_withdraws() -> None:
    """Against the imitated service: a token that works, and after the consent is withdrawn a request to connect again."""
    world = World()
    clock = Hand(world.clock.now())
    bearer = BearerToken(Unkept({REFRESH_TOKEN: REFRESH}), endpoint(SandboxTransport(world)), clock)
    first = bearer.headers()["authorization"]
    assert first.startswith("Bearer ya29.")
    assert bearer.renew()
    assert bearer.headers()["authorization"] != first
    world.google.human("revoke", {})
    with pytest.raises(ReconnectNeeded, match="refresh token"):
        bearer.renew()


def test_an_access_token_is_used_until_a_minute_before_its_end() -> None:
    """One request an hour, however many calls; a token that is about to expire is not sent any more."""
    clock, answers = Hand(), told(granted())
    bearer = BearerToken(Unkept({REFRESH_TOKEN: REFRESH}), endpoint(answers), clock)
    for _ in range(3):
        assert bearer.headers() == {"authorization": "Bearer access-1"}
    clock.sleep(3539)
    bearer.headers()
    assert len(answers.asked) == 1
    clock.sleep(1)
    bearer.headers()
    assert len(answers.asked) == 2


def test_the_next_process_uses_the_kept_token() -> None:
    """An access token outlives the process that asked for it; one that cannot be read is asked for anew."""
    clock, answers, kept = Hand(), told(granted()), Unkept({REFRESH_TOKEN: REFRESH})
    BearerToken(kept, endpoint(answers), clock).headers()
    assert BearerToken(kept, endpoint(answers), clock).headers() == {"authorization": "Bearer access-1"}
    assert len(answers.asked) == 1
    kept.put(ACCESS_TOKEN, "{nonsense")
    BearerToken(kept, endpoint(answers), clock).headers()
    assert len(answers.asked) == 2


def test_another_refresh_token_is_kept() -> None:
    """A service that changes the refresh token at each use does not lock us out."""
    kept = Unkept({REFRESH_TOKEN: "old"})
    BearerToken(kept, endpoint(told(granted(refresh_token="new"))), Hand()).headers()
    assert kept.get(REFRESH_TOKEN) == "new"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, ReconnectNeeded),
        (401, {"error": "invalid_client"}, LinkStopped),
        (401, {"error": "unauthorized_client"}, LinkStopped),
        (429, {"error": "rate_limited"}, Unavailable),
        (500, {"error": "internal_failure"}, Unavailable),
        (503, "<html>try later</html>", Unavailable),
        (200, "<html>a portal</html>", Unavailable),
        (200, granted(scope="https://www.googleapis.com/auth/userinfo.email"), ConsentNarrowed),
    ],
)
def test_refusals_are_told_apart(status: int, body: object, error: type[TandemError]) -> None:
    """Later, connect again, or mend the installation: each kind of answer leads to the right one, and nothing of it is repeated."""
    answers = Answers(lambda: httpx2.Response(status, text=body)) if isinstance(body, str) else told(body, status)
    with pytest.raises(error) as caught:
        BearerToken(Unkept({REFRESH_TOKEN: "hidden-token"}), endpoint(answers, "hidden-token"), Hand()).headers()
    assert "hidden-token" not in str(caught.value)
    assert len(answers.asked) == 1
    if error is LinkStopped:
        assert "TANDEM_GOOGLE_CLIENT_SECRET" in str(caught.value)


def test_other_names_of_rights_say_nothing() -> None:
    """A server that speaks the same protocol may call its rights differently, or not name them at all."""
    for scope in ("contacts", "", None):
        assert BearerToken(Unkept({REFRESH_TOKEN: REFRESH}), endpoint(told(granted(scope=scope))), Hand()).headers()


def test_a_silent_endpoint_is_for_later() -> None:
    """No connection, no token: nothing is concluded about the account."""

    def fail() -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    with pytest.raises(Unavailable):
        BearerToken(Unkept({REFRESH_TOKEN: REFRESH}), endpoint(Answers(fail)), Hand()).headers()


def test_an_api_token_goes_in_its_header() -> None:
    """It is sent as it is, and has no successor."""
    proof = ApiToken(Unkept({API_TOKEN: "token"}), "x-api-token", Hand())
    assert proof.headers() == {"x-api-token": "token"}
    assert not proof.renew()


def test_without_credentials_the_account_must_be_connected() -> None:
    """An account whose secret is gone says what to do."""
    with pytest.raises(ReconnectNeeded):
        ApiToken(Unkept(), "x-api-token", Hand()).headers()
    with pytest.raises(ReconnectNeeded):
        BearerToken(Unkept(), endpoint(told(granted())), Hand()).headers()


def test_certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All clients of a process believe the same certificates, which are not read again for each token; each has cookies of its own."""
    made = []
    make = httpcore2.default_ssl_context

    def counted(**more: bool) -> ssl.SSLContext:
        made.append(make(**more))
        return made[-1]

    monkeypatch.setattr(httpcore2, "default_ssl_context", counted)
    trusted.cache_clear()
    endpoint = TokenEndpoint("Google", "http://127.0.0.1:9/token", "client", "secret", SCOPE, 5.0)
    with make_client(timeout_s=5.0):
        for _ in range(3):
            with pytest.raises(Unavailable):
                endpoint.refresh(REFRESH)
    assert len(made) == 1
    trusted.cache_clear()
