"""Promises of the imitated OAuth server: consent, codes, tokens, scopes, revocation, removal of the app."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.pipedrive_caller import Caller
from tandem.sandbox.pipedrive import CLIENT_ID, CLIENT_SECRET

CALLBACK = "http://localhost:8000/callback"
BASIC = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()


@pytest.fixture
def pd() -> Caller:
    """A fresh company; requests say which host they were sent to."""
    return Caller(headers={"host": "127.0.0.1:9000"})


def consent(pd: Caller, **form: str) -> dict[str, list[str]]:
    """Answer the consent page; the query that leads back."""
    fields = {"client_id": CLIENT_ID, "redirect_uri": CALLBACK, "state": "s1", "decision": "accept", "user": "1"} | form
    answer = pd.call("POST", "/oauth/authorize", urlencode(fields).encode())
    assert answer.status == 302, answer.text
    assert answer.headers["location"].startswith(CALLBACK)
    return parse_qs(urlsplit(answer.headers["location"]).query)


def token(pd: Caller, **form: str) -> Any:
    """Ask the token endpoint as the app."""
    caller = Caller(pd.service, {**pd.headers, "authorization": BASIC})
    return caller.call("POST", "/oauth/token", urlencode(form).encode())


def granted(pd: Caller, user: str = "1") -> Any:
    """Go the whole way; the token answer."""
    code = consent(pd, user=user)["code"][0]
    answer = token(pd, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert answer.status == 200, answer.text
    return answer.json


def bearer(pd: Caller, access_token: str) -> Caller:
    """The API with an access token."""
    return Caller(pd.service, {"authorization": f"Bearer {access_token}"})


def test_consent_page_is_a_plain_form(pd: Caller) -> None:
    """GET shows a form with Accept and Deny that carries what was asked; values are escaped."""
    query = [("client_id", CLIENT_ID), ("redirect_uri", CALLBACK), ("state", "<'\">")]
    page = pd.call("GET", "/oauth/authorize", query=query)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "Accept</button>" in page.text
    assert "Deny</button>" in page.text
    assert "<'\">" not in page.text


def test_unknown_clients_and_callbacks_get_no_redirect(pd: Caller) -> None:
    """A wrong client or an unregistered callback is told on the page."""
    assert pd.call("GET", "/oauth/authorize", query=[("client_id", "x"), ("redirect_uri", CALLBACK)]).status == 400
    pd.switch(oauth_callback="https://elsewhere.test/callback")
    assert pd.call("GET", "/oauth/authorize", query=[("client_id", CLIENT_ID), ("redirect_uri", CALLBACK)]).status == 400


def test_denial(pd: Caller) -> None:
    """Denying leads back with error=user_denied and no code."""
    assert consent(pd, decision="deny") == {"error": ["user_denied"], "state": ["s1"]}


def test_token_answer_and_use(pd: Caller) -> None:
    """The answer names the API's address, and the token works as the user who consented."""
    answer = granted(pd, user="2")
    assert answer["expires_in"] == 3599
    assert answer["token_type"] == "Bearer"
    assert answer["api_domain"] == "http://127.0.0.1:9000/pipedrive"
    assert "contacts:full" in answer["scope"].split(",")
    assert bearer(pd, answer["access_token"]).get("/v1/users/me").data["id"] == 2


def test_codes_work_once_and_for_five_minutes(pd: Caller) -> None:
    """A used, stale or misdirected code is invalid_grant."""
    code = consent(pd)["code"][0]
    assert token(pd, grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status == 200
    again = token(pd, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    code = consent(pd)["code"][0]
    assert token(pd, grant_type="authorization_code", code=code, redirect_uri="http://other.test").status == 400
    code = consent(pd)["code"][0]
    pd.later(300)
    assert token(pd, grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status == 400


def test_client_credentials_are_checked(pd: Caller) -> None:
    """Wrong credentials are 401; in the body they are taken, too."""
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert pd.call("POST", "/oauth/token", urlencode(form).encode()).status == 401
    in_body = form | {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert pd.call("POST", "/oauth/token", urlencode(in_body).encode()).json["error"] == "invalid_grant"
    pd.headers["authorization"] = "Basic !!!"
    assert pd.call("POST", "/oauth/token", urlencode(in_body).encode()).status == 401


def test_access_tokens_expire_and_refresh_gives_the_same_refresh_token(pd: Caller) -> None:
    """After 3599 s 401; a refresh returns the same refresh token."""
    first = granted(pd)
    pd.later(3599)
    assert bearer(pd, first["access_token"]).get("/v1/users/me").status == 401
    second = token(pd, grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert bearer(pd, second["access_token"]).get("/v1/users/me").status == 200


def test_refresh_tokens_slide_over_sixty_days(pd: Caller) -> None:
    """Each use gives 60 days more; unused for 60 days they die."""
    refresh = granted(pd)["refresh_token"]
    for _ in range(2):
        pd.later(59 * 86_400)
        assert token(pd, grant_type="refresh_token", refresh_token=refresh).status == 200
    pd.later(60 * 86_400)
    assert token(pd, grant_type="refresh_token", refresh_token=refresh).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", "/api/v2/persons", None, "contacts:read"),
        ("POST", "/api/v2/persons", {"name": "x"}, "contacts:full"),
        ("POST", "/api/v2/personFields", {"field_name": "x", "field_type": "varchar"}, "contact-fields:full"),
        ("POST", "/api/v2/personFields", {"field_name": "x", "field_type": "varchar"}, "admin"),
        ("GET", "/v1/webhooks", None, "admin"),
        ("GET", "/v1/recents", None, "recents:read"),
        ("GET", "/v1/users", None, "users:read"),
        ("GET", "/v1/users/me", None, "base"),
        ("GET", "/api/v2/itemSearch/field", None, "search:read"),
    ],
)
def test_scopes(pd: Caller, method: str, path: str, body: object, scope: str) -> None:
    """Without its scope a call is 403; with it, it is not."""
    pd.switch(oauth_scopes="deals:read")
    refused = bearer(pd, granted(pd)["access_token"]).call(method, path, body)
    assert (refused.status, refused.json["error"]) == (403, "Scope and URL mismatch")
    pd.switch(oauth_scopes=f"deals:read,{scope}")
    assert bearer(pd, granted(pd)["access_token"]).call(method, path, body).status in (200, 400)


def test_contacts_full_does_not_make_webhooks_or_fields(pd: Caller) -> None:
    """Webhooks need admin; fields need contact-fields:full or admin."""
    pd.switch(oauth_scopes="base,contacts:full")
    app = bearer(pd, granted(pd)["access_token"])
    assert app.call("POST", "/v1/webhooks", {}).status == 403
    assert app.call("POST", "/api/v2/personFields", {"field_name": "x", "field_type": "varchar"}).status == 403
    assert app.get("/api/v2/personFields").status == 200


def test_app_webhooks_are_the_apps_own(pd: Caller) -> None:
    """An app's webhooks are of type application and invisible to the user's API token."""
    app = bearer(pd, granted(pd)["access_token"])
    body = {"subscription_url": "https://t.test/", "event_action": "*", "event_object": "person", "name": "T"}
    assert app.call("POST", "/v1/webhooks", body).data["type"] == "application"
    assert len(app.get("/v1/webhooks").data) == 1
    assert Caller(pd.service).get("/v1/webhooks").data == []


def revoke(pd: Caller, value: str) -> int:
    """Revoke a token as the app."""
    caller = Caller(pd.service, {**pd.headers, "authorization": BASIC})
    return caller.call("POST", "/oauth/revoke", urlencode({"token": value}).encode()).status


def test_revoking_an_access_token_leaves_the_refresh_token(pd: Caller) -> None:
    """Only that access token dies."""
    answer = granted(pd)
    assert revoke(pd, answer["access_token"]) == 200
    assert bearer(pd, answer["access_token"]).get("/v1/users/me").status == 401
    assert token(pd, grant_type="refresh_token", refresh_token=answer["refresh_token"]).status == 200
    assert pd.service.due_deliveries() == []


@pytest.mark.parametrize("by", ["revoke", "human"])
def test_removal_of_the_app_is_called_back(pd: Caller, by: str) -> None:
    """Revoking the refresh token or uninstalling ends all tokens and webhooks, and a DELETE goes to the callback with Basic auth."""
    answer = granted(pd)
    app = bearer(pd, answer["access_token"])
    body = {"subscription_url": "https://t.test/", "event_action": "*", "event_object": "person", "name": "T"}
    app.call("POST", "/v1/webhooks", body)
    if by == "revoke":
        assert revoke(pd, answer["refresh_token"]) == 200
    else:
        pd.human("uninstall_app")
    assert app.get("/v1/users/me").status == 401
    assert token(pd, grant_type="refresh_token", refresh_token=answer["refresh_token"]).status == 400
    assert pd.service.company.outbox.webhooks == {}
    (delivery,) = pd.service.due_deliveries()
    assert (delivery.method, delivery.url, delivery.headers["authorization"]) == ("DELETE", CALLBACK, BASIC)
    told = json.loads(delivery.body)
    assert (told["client_id"], told["company_id"], told["user_id"]) == (CLIENT_ID, 1, 1)


def test_oauth_burst_is_larger(pd: Caller) -> None:
    """An app may call 80 times in 2 s."""
    app = bearer(pd, granted(pd)["access_token"])
    pd.switch(limits=True)
    assert [app.get("/v1/users/me").status for _ in range(81)] == [200] * 80 + [429]


def test_refresh_tokens_that_rotate(pd: Caller) -> None:
    """With the switch each refresh gives another refresh token and ends the old one."""
    pd.switch(oauth_rotates=True)
    first = granted(pd)["refresh_token"]
    second = token(pd, grant_type="refresh_token", refresh_token=first).json["refresh_token"]
    assert second != first
    assert token(pd, grant_type="refresh_token", refresh_token=first).json["error"] == "invalid_grant"
    assert token(pd, grant_type="refresh_token", refresh_token=second).status == 200


def test_an_app_that_has_to_use_basic_authorization(pd: Caller) -> None:
    """With the switch credentials in the body are not taken, neither for tokens nor for revoking."""
    body = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    pd.switch(oauth_body_credentials=False)
    for path in ("/oauth/token", "/oauth/revoke"):
        assert pd.call("POST", path, urlencode({**body, "code": consent(pd)["code"][0], "token": "x"}).encode()).status == 401
    assert granted(pd)["access_token"]


def test_the_consent_page_says_what_the_app_wants(pd: Caller) -> None:
    """In words, as far as they are known."""
    pd.switch(oauth_scopes="base,admin,deals:read")
    page = pd.call("GET", "/oauth/authorize", query=[("client_id", CLIENT_ID), ("redirect_uri", CALLBACK)])
    assert "make webhooks" in page.text
    assert "deals:read" in page.text
    assert "contacts" not in page.text
