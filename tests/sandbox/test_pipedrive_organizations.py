"""Promises of organisations: the same rules as persons, links, merging, and search."""

from __future__ import annotations

import pytest

from sandbox.pipedrive_caller import Caller

API = "/api/v2/organizations"


@pytest.fixture
def pd() -> Caller:
    """A fresh company."""
    return Caller()


def test_create_get_change_delete(pd: Caller) -> None:
    """An organisation lives as a person does."""
    made = pd.organization("Firm", address={"value": "Main St 1", "locality": "Tartu"}, website="https://firm.test")
    assert made["address"]["locality"] == "Tartu"
    assert made["address"]["country"] is None
    assert pd.get(f"{API}/1").data == made
    assert pd.call("PATCH", f"{API}/1", {"name": "Firma"}).data["name"] == "Firma"
    assert pd.call("POST", API, {}).status == 400
    assert pd.call("POST", API, {"name": ""}).status == 400
    assert pd.call("POST", API, {"name": "x", "org_id": 1}).status == 400
    assert pd.call("DELETE", f"{API}/1").data == {"id": 1}
    assert pd.get(API).data == []
    assert pd.get(f"{API}/1").data["is_deleted"] is True
    assert pd.get(f"{API}/9").json["error"] == "Organization not found"


def test_many_may_have_one_name(pd: Caller) -> None:
    """Names are not unique."""
    assert pd.organization("Firm")["id"] != pd.organization("Firm")["id"]


def test_rename_does_not_touch_persons(pd: Caller) -> None:
    """A renamed organisation moves its own update_time, not its persons'."""
    pd.organization("Firm")
    person = pd.person(org_id=1)
    pd.later(60)
    pd.human("rename_organization", id=1, name="Firma")
    assert pd.get("/api/v2/persons/1").data == person
    assert pd.get(API, updated_since="2026-11-22T12:01:00Z").data[0]["name"] == "Firma"


@pytest.mark.parametrize(("switch", "org_id"), [("keep", 1), ("drop", None)])
def test_link_to_a_deleted_organization(pd: Caller, switch: str, org_id: int | None) -> None:
    """The link stays or is null when read, as the switch says; no new link can be made."""
    pd.switch(deleted_org_link=switch)
    pd.organization("Firm")
    pd.person(org_id=1)
    pd.human("delete_organization", id=1)
    assert pd.get("/api/v2/persons/1").data["org_id"] == org_id
    assert pd.patch(1, org_id=1).status == 400


def test_merge_moves_persons(pd: Caller) -> None:
    """The organisation in the body survives; persons of the other move over."""
    pd.organization("Firm")
    pd.organization("Firm Ltd", website="https://firm.test")
    pd.person(org_id=2)
    merged = pd.call("PUT", "/api/v1/organizations/2/merge", {"merge_with_id": 1})
    assert merged.data == {"id": 1}
    assert pd.get(f"{API}/1").data["website"] == "https://firm.test"
    assert pd.get("/api/v2/persons/1").data["org_id"] == 1
    assert [one["id"] for one in pd.get(API).data] == [1]


def test_exact_search_folds_case_and_returns_many(pd: Caller) -> None:
    """exact_match compares whole names without regard to case."""
    for name in ("Firm", "FIRM", "Firm Ltd"):
        pd.organization(name)
    found = pd.get(f"{API}/search", term="firm", fields="name", exact_match="true").data["items"]
    assert [one["item"]["id"] for one in found] == [1, 2]
    assert found[0]["item"]["type"] == "organization"
    assert len(pd.get(f"{API}/search", term="firm").data["items"]) == 3
    assert pd.get(f"{API}/search", term="f").status == 400
    assert pd.get(f"{API}/search", term="f", exact_match="true").status == 200
    assert pd.get(f"{API}/search").status == 400


def test_deleted_organizations_stay_in_the_index(pd: Caller) -> None:
    """A deleted organisation is found for ever, and nothing in the hit says so."""
    pd.organization("Firm")
    before = pd.get(f"{API}/search", term="firm").data["items"]
    pd.call("DELETE", f"{API}/1")
    pd.later(20 * 86400)
    assert pd.get(f"{API}/search", term="firm").data["items"] == before
    assert pd.get(API, ids="1").data == []


def test_deleted_persons_stay_in_the_index_for_a_while(pd: Caller) -> None:
    """A deleted person is found for as long as the switch says."""
    pd.person(name="Jane Doe")
    pd.call("DELETE", "/api/v2/persons/1")
    pd.later(3599)
    assert len(pd.get("/api/v2/persons/search", term="jane").data["items"]) == 1
    pd.later(2)
    assert pd.get("/api/v2/persons/search", term="jane").data["items"] == []


def test_search_lags_behind_creations(pd: Caller) -> None:
    """With search_lag_s a new record is not found at once, though lists have it."""
    pd.switch(search_lag_s=10.0)
    pd.person(name="Jane Doe")
    assert pd.get("/api/v2/persons/search", term="jane").data["items"] == []
    assert pd.ids() == [1]
    pd.later(10)
    assert len(pd.get("/api/v2/persons/search", term="jane").data["items"]) == 1


def test_person_hits_have_plain_texts(pd: Caller) -> None:
    """E-mails and phones are plain texts in hits, the organisation is nested; fields narrow the search."""
    pd.organization("Firm")
    pd.person(name="Jane Doe", emails=[{"value": "jane@example.com"}], phones=[{"value": "+48 600"}], org_id=1)
    item = pd.get("/api/v2/persons/search", term="jane@").data["items"][0]["item"]
    assert (item["emails"], item["phones"], item["organization"]) == (
        ["jane@example.com"],
        ["+48 600"],
        {"id": 1, "name": "Firm", "address": None},
    )
    assert pd.get("/api/v2/persons/search", term="jane@", fields="name").data["items"] == []
    assert pd.get("/api/v2/persons/search", term="jane", organization_id=2).data["items"] == []


def test_field_search_regards_case(pd: Caller) -> None:
    """itemSearch/field finds by one field, custom ones too, and regards case."""
    code = pd.human("add_field", name="Tandem ID")["field_code"]
    pd.person(name="Jane Doe", emails=[{"value": "Jane@example.com"}], custom_fields={code: "abc-1"})

    def hits(**query: object) -> object:
        return pd.get("/api/v2/itemSearch/field", entity_type="person", **query).data

    assert hits(field="email", term="Jane@example.com") == [{"id": 1, "name": "Jane Doe"}]
    assert hits(field="email", term="jane@example.com") == []
    assert hits(field="email", term="Jane@", match="beginning") == [{"id": 1, "name": "Jane Doe"}]
    assert hits(field="email", term="ample", match="middle") == [{"id": 1, "name": "Jane Doe"}]
    assert hits(field=code, term="abc-1", match="exact") == [{"id": 1, "name": "Jane Doe"}]
    assert pd.get("/api/v2/itemSearch/field", entity_type="person", field="nope", term="ab").status == 404
    assert pd.get("/api/v2/itemSearch/field", entity_type="person", term="ab").status == 400


def test_search_pages(pd: Caller) -> None:
    """Searches page by cursor as lists do."""
    for place in range(5):
        pd.person(name=f"Jane {place}")
    first = pd.get("/api/v2/persons/search", term="jane", limit=3)
    rest = pd.get("/api/v2/persons/search", term="jane", cursor=first.cursor)
    assert [one["item"]["id"] for one in first.data["items"] + rest.data["items"]] == [1, 2, 3, 4, 5]
    assert rest.cursor is None
