"""Promise: signing in, consenting, refreshing and withdrawing work and fail as with Google."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.google_calls import Google, value
from tandem.sandbox.google_oauth import ACCESS_LIFE_S, CLIENT_ID, CLIENT_SECRET, CONTACTS, CONTACTS_READONLY, REFRESH_TOKEN
from tandem.sandbox.wire import Request, Response

BACK = "http://127.0.0.1:8000/back"
VERIFIER = "v" * 50
ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": BACK,
    "scope": f"openid email {CONTACTS}",
    "state": "s t&",
    "access_type": "offline",
    "prompt": "consent",
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("="),
    "code_challenge_method": "S256",
}
PERSON = "sandbox.person@example.com"


def consent(google: Google, *, allow: tuple[str, ...] = (CONTACTS,), decision: str = "accept", **changed: str) -> dict[str, str]:
    """Fill in the consent page; what comes back to the client."""
    page = google.send("GET", "/o/oauth2/v2/auth", {**ASKED, **changed})
    assert page.status == 200
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.body.decode())
    unescaped = [(key, text.replace("&amp;", "&")) for key, text in hidden]
    pairs = [*unescaped, ("account", PERSON), ("decision", decision), *(("allow", scope) for scope in allow)]
    answer = google.world.handle(Request("POST", "/google/o/oauth2/v2/auth", body=urlencode(pairs).encode()))
    assert answer.status == 302
    assert answer.headers["location"].startswith(f"{BACK}?")
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def exchange(google: Google, code: str, **changed: str) -> Response:
    """The token endpoint, for a code."""
    form = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return google.form("/token", **{"grant_type": "authorization_code", **form, **changed})


def test_the_way_through_the_consent_page(google: Google) -> None:
    """Consent gives a code once, the code gives tokens once, and the tokens tell whose they are."""
    back = consent(google)
    assert back["state"] == ASKED["state"]
    answer = exchange(google, back["code"])
    tokens = value(answer)
    assert set(tokens) == {"access_token", "expires_in", "refresh_token", "scope", "token_type"}
    assert CONTACTS in tokens["scope"].split()
    google.token = tokens["access_token"]
    info = google.call("GET", "/v1/userinfo")
    assert (info["email"], info["email_verified"]) == (PERSON, True)
    assert google.call("GET", "/tokeninfo", {"access_token": google.token})["sub"] == info["sub"]
    assert value(google.refresh(tokens["refresh_token"])).keys() == {"access_token", "expires_in", "scope", "token_type"}
    assert value(exchange(google, back["code"])) == {"error": "invalid_grant", "error_description": "Bad Request"}


def test_consent_can_be_refused_in_whole_and_in_part(google: Google) -> None:
    """Cancel sends an error back; an unticked box leaves the scope out, and the API then answers 403."""
    assert consent(google, decision="deny") == {"error": "access_denied", "state": ASKED["state"]}
    tokens = value(exchange(google, consent(google, allow=())["code"]))
    assert CONTACTS not in tokens["scope"].split()
    google.token = tokens["access_token"]
    response = google.send("GET", "/v1/people/me/connections", {"personFields": "names"})
    assert response.status == 403
    assert value(response)["error"]["message"] == "Request had insufficient authentication scopes."
    assert value(response)["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


def test_a_refresh_token_comes_with_the_first_or_a_forced_consent(google: Google) -> None:
    """Without prompt=consent a known account gets none."""
    assert "refresh_token" not in value(exchange(google, consent(google, prompt="")["code"]))
    google.world.google.human("revoke", {})
    assert "refresh_token" in value(exchange(google, consent(google, prompt="")["code"]))
    assert "refresh_token" not in value(exchange(google, consent(google, prompt="")["code"]))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": ""}, ("invalid_grant", "Missing code verifier.")),
        ({"code_verifier": "w" * 50}, ("invalid_grant", "Invalid code verifier.")),
        ({"redirect_uri": BACK + "/"}, ("redirect_uri_mismatch", "Bad Request")),
        ({"client_secret": "x"}, ("invalid_client", "Unauthorized")),
        ({"client_id": "x"}, ("invalid_client", "The OAuth client was not found.")),
        ({"code": "x"}, ("invalid_grant", "Malformed auth code.")),
        ({"grant_type": "password"}, ("unsupported_grant_type", "Invalid grant_type: password")),
    ],
)
def test_a_wrong_exchange(google: Google, changed: dict[str, str], error: tuple[str, str]) -> None:
    """Each mistake has its own words; 401 is for the client's own credentials."""
    response = exchange(google, **{"code": consent(google)["code"], **changed})
    assert (value(response)["error"], value(response)["error_description"]) == error
    assert response.status == (401 if error[0] == "invalid_client" else 400)


def test_a_code_dies_after_ten_minutes(google: Google) -> None:
    """Late is too late."""
    code = consent(google)["code"]
    google.world.clock.advance(600)
    assert value(exchange(google, code))["error"] == "invalid_grant"


def test_wrong_questions_get_a_page_and_no_redirect(google: Google) -> None:
    """An unknown client or a redirect address that is not registered is told to the person only."""
    google.world.google.human("register_client", {"client_id": "web", "client_secret": "x", "redirect_uris": ["https://app.example.com/a"]})
    for changed, status in (
        ({"client_id": "x"}, 401),
        ({"redirect_uri": "https://evil.example.com/"}, 400),
        ({"client_id": "web", "redirect_uri": "https://app.example.com/a/"}, 400),
        ({"scope": ""}, 400),
    ):
        response = google.send("GET", "/o/oauth2/v2/auth", {**ASKED, **changed})
        assert response.status == status
        assert "location" not in response.headers
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, "client_id": "web", "redirect_uri": "https://app.example.com/a"}).status == 200


def test_access_tokens_expire(google: Google) -> None:
    """After 3599 seconds the API answers 401, and so it does without any token."""
    google.world.clock.advance(ACCESS_LIFE_S)
    code, status, message = google.fails("GET", "/v1/people/me", {"personFields": "names"})
    assert (code, status) == (401, "UNAUTHENTICATED")
    assert message.startswith("Request had invalid authentication credentials.")
    google.token = ""
    assert google.fails("GET", "/v1/people/me")[2].startswith("Request is missing required authentication credential.")


def test_revocation(google: Google) -> None:
    """Revoking kills the grant and what came from it; a second time is an error."""
    assert google.form("/revoke", token=REFRESH_TOKEN).status == 200
    assert google.fails("GET", "/v1/people/me", {"personFields": "names"})[0] == 401
    dead = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    assert (google.refresh().status, value(google.refresh())) == (400, dead)
    assert value(google.form("/revoke", token=REFRESH_TOKEN))["error"] == "invalid_token"


def test_the_deaths_of_refresh_tokens(google: Google) -> None:
    """Seven days in testing mode, half a year unused, and the hundred and first pushes out the first."""
    google.world.google.switches["oauth_testing_mode"] = True
    google.world.clock.advance(7 * 86400 - 1)
    assert google.refresh().status == 200
    google.world.clock.advance(1)
    assert google.refresh().status == 400
    google.world.google.switches["oauth_testing_mode"] = False
    assert google.refresh().status == 200
    for _ in range(100):
        google.world.google.human("grant", {})
    assert google.refresh().status == 400
    granted = google.world.google.human("grant", {})
    assert isinstance(granted, dict)
    google.world.clock.advance(183 * 86400)
    assert google.refresh(str(granted["refresh_token"])).status == 400


def test_read_only_consent(google: Google) -> None:
    """With the read-only scope reads work and writes are 403."""
    granted = google.world.google.human("grant", {"scopes": [CONTACTS_READONLY]})
    assert isinstance(granted, dict)
    google.token = value(google.refresh(str(granted["refresh_token"])))["access_token"]
    google.listed()
    assert google.fails("POST", "/v1/people:createContact", body={"names": [{"givenName": "A"}]})[0] == 403


def test_basic_authentication_of_the_client(google: Google) -> None:
    """The client may name itself in a header instead of the form."""
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    body = urlencode({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}).encode()
    assert google.world.handle(Request("POST", "/google/token", headers={"authorization": f"Basic {basic}"}, body=body)).status == 200


def test_the_api_can_be_switched_off(google: Google) -> None:
    """A project without the People API gets 403 with its own reason."""
    google.world.google.switches["api_disabled"] = True
    response = google.send("GET", "/v1/people/me", {"personFields": "names"})
    assert (response.status, value(response)["error"]["details"][0]["reason"]) == (403, "SERVICE_DISABLED")


def test_a_registered_address_makes_a_web_client(google: Google) -> None:
    """Until one is registered any port of this machine will do; then only what is registered, letter by letter."""
    other = "http://127.0.0.1:9000/back"
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, "redirect_uri": other}).status == 200
    google.world.google.human("register_redirect", {"redirect_uri": BACK})
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, "redirect_uri": other}).status == 400
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, "redirect_uri": BACK + "/"}).status == 400
    assert value(exchange(google, consent(google)["code"]))["refresh_token"]
    google.world.google.human("register_redirect", {"redirect_uri": other})
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, "redirect_uri": other}).status == 200


@pytest.mark.parametrize("changed", [{"code_challenge": ""}, {"code_challenge_method": "plain"}])
def test_a_client_that_has_to_use_pkce(google: Google, changed: dict[str, str]) -> None:
    """Where the switch says so, a question without a challenge gets a page and no code."""
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, **changed}).status == 200
    google.world.google.switches["oauth_needs_pkce"] = True
    assert google.send("GET", "/o/oauth2/v2/auth", {**ASKED, **changed}).status == 400
    assert google.send("GET", "/o/oauth2/v2/auth", ASKED).status == 200


def test_oneself_is_known_without_contacts(google: Google) -> None:
    """The rights of signing in are enough to be told who one is, and for nothing else."""
    google.token = value(exchange(google, consent(google, allow=())["code"]))["access_token"]
    me = google.call("GET", "/v1/people/me", {"personFields": "metadata,emailAddresses"})
    assert me["emailAddresses"][0]["value"] == PERSON
    assert google.fails("GET", "/v1/people/c1", {"personFields": "names"})[0] == 403
