"""Promises of the limits: bursts, searches, the daily budget, headers, and the block for those who hammer on."""

from __future__ import annotations

import pytest

from sandbox.pipedrive_caller import Caller
from tandem.sandbox.pipedrive import API_TOKEN, COLLEAGUE_TOKEN, ROUTES
from tandem.sandbox.pipedrive_switches import defaults


@pytest.fixture
def pd() -> Caller:
    """A company with its limits on, as it is by default."""
    caller = Caller()
    caller.switch(limits=True)
    return caller


def test_limits_are_on_by_default_and_generous() -> None:
    """A new company has limits and 30 000 tokens a day."""
    assert (defaults()["limits"], defaults()["daily_tokens"], defaults()["burst_api_token"]) == (True, 30_000, 20)


def test_costs_are_the_published_ones() -> None:
    """Every call costs what the vendor's reference says."""
    costs = {route.name: route.cost for route in ROUTES}
    published = {
        1: {"getPerson", "getPersonField", "getOrganization", "getOrganizationField"},
        2: {"getCurrentUser", "getUser", "getUserSettings", "getFilter"},
        3: {"deletePerson", "deletePersonField", "deleteOrganization", "deleteOrganizationField"},
        5: {f"{verb}{what}{field}" for verb in ("add", "update") for what in ("Person", "Organization") for field in ("", "Field")},
        6: {"deleteWebhook"},
        10: {"getPersons", "getOrganizations", "getPersonFields", "getOrganizationFields", "getWebhooks", "addWebhook"},
        20: {"searchPersons", "searchOrganization", "searchItemByField", "getPersonChangelog", "getOrganizationChangelog", "getUsers"}
        | {"getRecents", "getFilters"},
        40: {"mergePersons", "mergeOrganizations"},
    }
    assert costs == {name: cost for cost, names in published.items() for name in names}


def test_burst_of_twenty_in_two_seconds(pd: Caller) -> None:
    """The 21st call within 2 s is 429; after 2 s calls pass again; each user has a window of his own."""
    for place in range(20):
        answer = pd.get("/api/v2/persons/1")
        assert answer.headers["x-ratelimit-limit"] == "20"
        assert answer.headers["x-ratelimit-remaining"] == str(19 - place)
    refused = pd.get("/api/v2/persons/1")
    assert (refused.status, refused.json["error"], refused.json["errorCode"]) == (429, "request over limit", 429)
    assert (refused.headers["x-ratelimit-remaining"], refused.headers["x-ratelimit-reset"]) == ("0", "2")
    assert "retry-after" not in refused.headers
    pd.headers = {"x-api-token": COLLEAGUE_TOKEN}
    assert pd.get("/v1/users/me").status == 200
    pd.headers = {"x-api-token": API_TOKEN}
    pd.later(2)
    assert pd.get("/v1/users/me").status == 200


def test_searches_have_a_window_of_ten(pd: Caller) -> None:
    """The eleventh search within 2 s is 429 while other calls pass."""
    for _ in range(10):
        assert pd.get("/api/v2/persons/search", term="jane").status == 200
    assert pd.get("/api/v2/persons/search", term="jane").status == 429
    assert pd.get("/v1/users/me").status == 200


def test_daily_budget(pd: Caller) -> None:
    """When the day's tokens are gone every call is 429 until midnight, with burst calls left; then the budget starts anew."""
    pd.switch(daily_tokens=25)
    assert pd.get("/api/v2/persons").headers["x-daily-ratelimit-token-remaining"] == "15"
    pd.get("/api/v2/persons")
    refused = pd.get("/api/v2/persons")
    assert refused.status == 429
    assert int(refused.headers["x-ratelimit-remaining"]) > 0
    assert refused.headers["x-daily-ratelimit-token-remaining"] == "0"
    assert int(refused.headers["x-ratelimit-reset"]) == 12 * 3600
    pd.later(12 * 3600 - 1)
    assert pd.get("/api/v2/persons").status == 429
    pd.later(1)
    assert pd.get("/api/v2/persons").status == 200


def test_reset_time_zone(pd: Caller) -> None:
    """The midnight may be in another time zone."""
    pd.switch(daily_tokens=10, reset_offset_h=11.0)
    pd.get("/api/v2/persons")
    pd.later(3600)
    assert pd.get("/api/v2/persons").status == 200


def test_budget_is_the_companys(pd: Caller) -> None:
    """All users draw on one budget."""
    pd.switch(daily_tokens=10)
    pd.get("/api/v2/persons")
    pd.headers = {"x-api-token": COLLEAGUE_TOKEN}
    assert pd.get("/v1/users/me").status == 429


def test_failed_calls_cost_or_not(pd: Caller) -> None:
    """Whether a 4xx costs tokens is a switch; answers tell the log what they cost."""
    pd.get("/api/v2/persons/9")
    assert pd.service.company.quota.spent == 1
    pd.switch(failed_calls_cost=False)
    pd.get("/api/v2/persons/9")
    assert pd.service.company.quota.spent == 1


def test_headers_can_be_missing(pd: Caller) -> None:
    """All limit headers are optional; Retry-After can be had."""
    pd.switch(burst_headers=False, daily_headers=False, retry_after=True, burst_api_token=1)
    assert not [name for name in pd.get("/v1/users/me").headers if "ratelimit" in name]
    assert pd.get("/v1/users/me").headers["retry-after"] == "2"


def test_hammering_leads_to_a_page_with_403(pd: Caller) -> None:
    """Who goes on after 429 with an API token gets an HTML page for a while; an app never does."""
    pd.switch(burst_api_token=1, cloudflare_after=3, cloudflare_block_s=60.0)
    statuses = [pd.get("/v1/users/me").status for _ in range(5)]
    assert statuses == [200, 429, 429, 429, 403]
    page = pd.get("/v1/users/me")
    assert page.status == 403
    assert page.headers["content-type"].startswith("text/html")
    assert "Cloudflare" in page.text
    pd.later(61)
    assert pd.get("/v1/users/me").status == 200


def test_limits_can_be_off(pd: Caller) -> None:
    """Without limits nothing is counted."""
    pd.switch(limits=False)
    assert {pd.get("/v1/users/me").status for _ in range(50)} == {200}
