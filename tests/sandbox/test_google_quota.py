"""Promise: each call costs what Google publishes, and an empty bucket is refused as Google refuses."""

from __future__ import annotations

from sandbox.google_calls import CONTACT, Google, listing, value


def test_costs_stand_in_the_log(google: Google) -> None:
    """Single writes cost 1 and 1, batches 6 and 6 and 200 of the day, however small they are."""
    person = google.create()
    assert google.world.log[-1].tokens == {"critical_read": 1, "critical_write": 1, "daily_write": 1}
    body = {"contacts": [{"contactPerson": {"names": [{"givenName": "A"}]}}], "readMask": "names"}
    google.call("POST", "/v1/people:batchCreateContacts", body=body)
    assert google.world.log[-1].tokens == {"critical_read": 6, "critical_write": 6, "daily_write": 200}
    google.call("POST", "/v1/people:batchDeleteContacts", body={"resourceNames": [person["resourceName"]]})
    assert google.world.log[-1].tokens == {"write": 10}
    google.call("GET", "/v1/contactGroups")
    assert google.world.log[-1].tokens == {"read": 1}
    google.send("GET", "/v1/people/c1", {"personFields": "names"})
    assert google.world.log[-1].tokens == {"critical_read": 1}


def test_an_empty_bucket(google: Google) -> None:
    """The refusal names metric and limit, has no Retry-After, changes nothing, and ends with the minute; other buckets are not hurt."""
    google.world.google.switches.update({"quotas": True, "quota_critical_write": 2})
    google.create()
    google.create()
    response = google.send("POST", "/v1/people:createContact", {"sources": CONTACT}, {"names": [{"givenName": "A"}]})
    error = value(response)["error"]
    assert (response.status, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert "'Critical write requests (Contact Creates and Updates) per minute per user'" in error["message"]
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert error["details"][0]["metadata"]["quota_limit"] == "CriticalWritesPerMinutePerProjectPerUser"
    assert "retry-after" not in response.headers
    assert google.world.log[-1].tokens == {}
    assert len(google.listed()[0]) == 2
    google.world.clock.advance(60)
    google.create()


def test_full_listings_have_a_quota_of_their_own(google: Google) -> None:
    """With the switch set, only the first pages of full listings with sync count."""
    google.world.google.switches.update({"quotas": True, "quota_full_sync": 1})
    _, token = google.listed()
    google.listed(token)
    google.call("GET", "/v1/people/me/connections", {"personFields": "names"})
    assert google.fails("GET", "/v1/people/me/connections", listing())[:2] == (429, "RESOURCE_EXHAUSTED")
