"""Promise: whole and incremental listings, their tokens, and the lag of reads are Google's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sandbox.google_calls import CONTACT, FIELDS, Google, listing, value

WEEK_S = 7 * 86400
PATH = "/v1/people/me/connections"


def ids(people: list[Any]) -> list[str]:
    """The names in a listing."""
    return [person["resourceName"] for person in people]


def test_a_full_listing_in_pages(google: Google) -> None:
    """Pages hold each contact once; only the last one carries the sync token."""
    names = {google.create()["resourceName"] for _ in range(7)}
    people, token = google.listed(pageSize=3)
    assert len(people) == 7
    assert set(ids(people)) == names
    assert google.page(pageSize=3)["totalItems"] == 7
    assert google.page(pageSize=3, syncToken=token) == {"nextSyncToken": google.page(pageSize=3, syncToken=token)["nextSyncToken"]}


def test_what_comes_and_goes_between_pages(google: Google) -> None:
    """A deletion between two pages hides no other contact; what changed meanwhile stands in the next delta."""
    for _ in range(6):
        google.create()
    first = google.page(pageSize=2)
    gone = first["connections"][0]["resourceName"]
    google.call("DELETE", f"/v1/{gone}:deleteContact")
    seen = ids(first["connections"])
    page = first
    while "nextPageToken" in page:
        page = google.page(pageSize=2, pageToken=page["nextPageToken"])
        seen += ids(page["connections"])
    assert len(set(seen)) == 6
    assert ids(google.listed(page["nextSyncToken"], pageSize=2)[0]) == [gone]


def test_a_delta_tells_changes_and_tombstones(google: Google) -> None:
    """Changed contacts whole, deleted ones as tombstones without etag and time; a quiet delta has nothing but a token."""
    kept, gone = google.create(), google.create()
    google.create()
    _, token = google.listed()
    google.update(kept, "names", names=[{"givenName": "Bea"}])
    google.call("DELETE", f"/v1/{gone['resourceName']}:deleteContact")
    delta, after = google.listed(token)
    assert ids(delta) == [kept["resourceName"], gone["resourceName"]]
    assert delta[0]["names"][0]["givenName"] == "Bea"
    source = {"type": "CONTACT", "id": gone["metadata"]["sources"][0]["id"]}
    assert delta[1]["metadata"] == {"sources": [source], "deleted": True, "objectType": "PERSON"}
    assert len(delta[1]["etag"]) < len(gone["etag"])
    assert set(google.page(syncToken=after)) == {"nextSyncToken"}
    assert ids(google.listed(token)[0]) == ids(delta)


def test_a_tombstone_hides_without_metadata(google: Google) -> None:
    """Without `metadata` in the mask a deletion cannot be told from a contact."""
    person = google.create()
    _, token = google.listed(personFields="names")
    google.call("DELETE", f"/v1/{person['resourceName']}:deleteContact")
    assert set(google.listed(token, personFields="names")[0][0]) == {"resourceName", "etag"}


def test_a_sync_token_lives_seven_days_from_the_full_listing(google: Google) -> None:
    """Using it does not prolong it; the refusal has its own reason and is no 410."""
    google.create()
    _, token = google.listed()
    google.world.clock.advance(WEEK_S - 10)
    _, token = google.sign_in().listed(token)
    google.world.clock.advance(10)
    refused = google.sign_in().send("GET", PATH, listing(syncToken=token))
    assert refused.status == 400
    assert b'"status":"FAILED_PRECONDITION"' in refused.body
    assert b'"reason":"EXPIRED_SYNC_TOKEN"' in refused.body
    assert b"Sync token is expired. Clear local cache and retry call without the sync token." in refused.body
    google.world.google.switches["sync_token_renews"] = True
    _, token = google.listed()
    google.world.clock.advance(WEEK_S - 10)
    _, token = google.sign_in().listed(token)
    google.world.clock.advance(10)
    google.sign_in().listed(token)


def test_expiry_between_the_pages_of_a_delta(google: Google) -> None:
    """A delta's next page can be the one at which the token dies."""
    for _ in range(3):
        google.create()
    _, token = google.listed(pageSize=1)
    for name in ids(google.listed(pageSize=1)[0]):
        google.world.google.human("touch", {"id": name})
    google.world.clock.advance(WEEK_S - 10)
    page = google.sign_in().page(syncToken=token, pageSize=1)
    google.world.clock.advance(10)
    google.sign_in()
    query = listing(syncToken=token, pageSize=1, pageToken=page["nextPageToken"])
    assert google.fails("GET", PATH, query)[1] == "FAILED_PRECONDITION"


@pytest.mark.parametrize(
    "changed",
    [{"personFields": "names"}, {"sources": [CONTACT, "READ_SOURCE_TYPE_PROFILE"]}, {"pageSize": 7}, {"sortOrder": "LAST_NAME_ASCENDING"}],
)
def test_tokens_are_tied_to_their_parameters(google: Google, changed: dict[str, object]) -> None:
    """Another mask, source, order or page size is 400, for sync tokens and for page tokens."""
    google.create()
    google.create()
    _, token = google.listed()
    invalid = (400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    assert google.fails("GET", PATH, listing(syncToken=token) | changed) == invalid
    page = google.page(pageSize=1)["nextPageToken"]
    assert google.fails("GET", PATH, listing(pageSize=1, pageToken=page) | changed) == invalid
    assert google.page(syncToken=token, personFields=",".join(reversed(FIELDS.split(","))))


def test_foreign_tokens(google: Google) -> None:
    """Damaged tokens, tokens of another kind and of another account are invalid, not expired."""
    google.create()
    _, token = google.listed()
    google.world.google.human("add_account", {"email": "second@example.com"})
    other = google.world.google.human("grant", {"account": "second@example.com"})
    assert isinstance(other, dict)

    google.token = value(google.refresh(str(other["refresh_token"])))["access_token"]
    groups = google.call("GET", "/v1/contactGroups")["nextSyncToken"]
    for bad in ("x", token[:-4], groups, token):
        assert google.fails("GET", PATH, listing(syncToken=bad)) == (400, "INVALID_ARGUMENT", "Request contains an invalid argument.")


def test_former_names_are_told_in_deltas(google: Google) -> None:
    """A contact whose name changed keeps its source id, answers to both names, and tells the old one in a delta only."""
    person = google.create()
    _, token = google.listed()
    google.world.google.human("rename_resource", {"id": person["resourceName"]})
    delta = google.listed(token)[0][0]
    assert delta["metadata"]["previousResourceNames"] == [person["resourceName"]]
    assert delta["metadata"]["sources"][0]["id"] == person["metadata"]["sources"][0]["id"]
    assert google.get(person["resourceName"])["resourceName"] == delta["resourceName"]
    assert "previousResourceNames" not in google.listed()[0][0]["metadata"]


def test_a_listing_shows_a_hundred_items(google: Google) -> None:
    """Listings cut each field at 100 items, single reads do not."""
    name = google.create(emailAddresses=[{"value": f"a{n}@example.com"} for n in range(120)])["resourceName"]
    assert len(google.listed()[0][0]["emailAddresses"]) == 100
    assert len(google.get(name)["emailAddresses"]) == 120


def test_reads_lag_record_by_record(google: Google) -> None:
    """A lagging read shows the old version with its old etag, and not yet what was just made; answers to writes are current."""
    old = google.create()
    google.world.clock.advance(100)
    _, token = google.listed()
    google.world.google.switches.update({"read_lag_s": 30.0, "get_lag_s": 5.0})
    new = google.update(old, "names", names=[{"givenName": "Bea"}])
    young = google.create()
    assert new["names"][0]["givenName"] == "Bea"
    assert [person["etag"] for person in google.listed()[0]] == [google.get(old["resourceName"])["etag"]]
    assert google.fails("GET", f"/v1/{young['resourceName']}", {"personFields": "names"})[0] == 404
    assert google.listed(token)[0] == []
    google.world.clock.advance(5)
    assert google.get(old["resourceName"])["names"][0]["givenName"] == "Bea"
    delta, after = google.listed(token)
    assert delta == []
    google.world.clock.advance(25)
    assert ids(google.listed(after)[0]) == [old["resourceName"], young["resourceName"]]


@pytest.mark.parametrize("seed", range(3))
def test_no_change_is_lost_under_lag(google: Google, seed: int) -> None:
    """Whatever happens when, a reader who follows the deltas ends with the service's state once the lag has passed."""
    rng = random.Random(seed)
    google.world.google.switches["read_lag_s"] = 7.0
    known: dict[str, str] = {}
    token = ""
    for _ in range(120):
        live = [str(one["id"]) for one in state(google) if not one["trashed"]]
        op = rng.choice(["create", "touch", "delete", "restore", "read", "wait"])
        dead = [str(one["id"]) for one in state(google) if one["trashed"]]
        if op == "create":
            google.create()
        elif op in {"touch", "delete"} and live:
            google.world.google.human(op, {"id": rng.choice(live)})
        elif op == "restore" and dead:
            google.world.google.human("restore", {"id": rng.choice(dead)})
        elif op == "wait":
            google.world.clock.advance(rng.choice([1, 3, 10]))
        else:
            token = follow(google, known, token)
    google.world.clock.advance(7)
    follow(google, known, token)
    assert known == {str(one["id"]): f"#{one['etag']}" for one in state(google) if not one["trashed"]}, f"seed {seed}"


def state(google: Google) -> list[dict[str, Any]]:
    """The contacts as they are stored."""
    found = google.world.google.state()
    assert isinstance(found, dict)
    contacts: Any = found["contacts"]
    return list(contacts)


def follow(google: Google, known: dict[str, str], token: str) -> str:
    """Read what is new into `known`: source id to source etag."""
    people, after = google.listed(token)
    for person in people:
        source = person["metadata"]["sources"][0]
        if person["metadata"].get("deleted"):
            known.pop(source["id"], None)
        else:
            known[source["id"]] = source["etag"]
    return after


def test_sort_orders_without_sync(google: Google) -> None:
    """Without sync the order can be chosen."""
    made = [google.create(names=[{"givenName": given, "familyName": family}]) for given, family in (("B", "A"), ("A", "B"))]
    google.update(made[0], "nicknames", nicknames=[{"value": "x"}])
    for order, first in (("FIRST_NAME_ASCENDING", 1), ("LAST_NAME_ASCENDING", 0), ("LAST_MODIFIED_DESCENDING", 0)):
        page = google.call("GET", PATH, {"personFields": "names", "sortOrder": order, "pageSize": 1})
        rest = google.call("GET", PATH, {"personFields": "names", "sortOrder": order, "pageSize": 1, "pageToken": page["nextPageToken"]})
        assert ids(page["connections"] + rest["connections"]) == [made[first]["resourceName"], made[1 - first]["resourceName"]]


def test_page_sizes(google: Google) -> None:
    """1 to 1000; 0 is the default of 100."""
    assert google.fails("GET", PATH, listing(pageSize=1001))[0] == 400
    assert google.fails("GET", PATH, listing(pageSize=-1))[0] == 400
    assert google.page(pageSize=0)
    assert google.page(pageSize=1000)
