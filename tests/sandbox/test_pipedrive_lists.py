"""Promises of listings: paging by cursor, conditions, order, filters, and read lag."""

from __future__ import annotations

import base64
import json

import pytest

from sandbox.pipedrive_caller import Caller


@pytest.fixture
def pd() -> Caller:
    """A company with seven persons, one a minute."""
    caller = Caller()
    for place in range(7):
        caller.person(name=f"Person {place}")
        caller.later(60)
    return caller


def walk(pd: Caller, **query: object) -> list[int]:
    """All ids, page by page."""
    ids: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = pd.get("/api/v2/persons", **query, **({"cursor": cursor} if cursor else {}))
        assert answer.status == 200, answer.text
        ids += [person["id"] for person in answer.data]
        cursor = answer.cursor
    return ids


def test_cursor_is_a_keyset_mark(pd: Caller) -> None:
    """A cursor decodes to sort field, value, direction and id of the last row; the last page has null."""
    answer = pd.get("/api/v2/persons", limit=3)
    assert answer.cursor is not None
    text = base64.urlsafe_b64decode(answer.cursor + "=" * (-len(answer.cursor) % 4))
    assert json.loads(text) == {"field": "id", "fieldValue": 3, "sortDirection": "asc", "id": 3}
    assert "=" not in answer.cursor
    assert pd.get("/api/v2/persons").cursor is None
    assert pd.get("/api/v2/persons", limit=7).cursor is None


@pytest.mark.parametrize("sort", ["id", "update_time", "add_time"])
@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_walks_meet_everybody_once(pd: Caller, sort: str, limit: int) -> None:
    """Every order and page size gives every row once, in both directions, ties by id."""
    up = walk(pd, sort_by=sort, limit=limit)
    assert up == [1, 2, 3, 4, 5, 6, 7]
    assert walk(pd, sort_by=sort, limit=limit, sort_direction="desc") == up[::-1]


def test_edit_during_a_walk_by_update_time(pd: Caller) -> None:
    """A row edited behind the mark is met again at the end; by id it is met once."""
    page = pd.get("/api/v2/persons", sort_by="update_time", limit=3)
    pd.patch(1, name="Again")
    rest = pd.get("/api/v2/persons", sort_by="update_time", cursor=page.cursor)
    assert [person["id"] for person in rest.data] == [4, 5, 6, 7, 1]


def test_cursors_survive_deletions_and_bad_ones_are_refused(pd: Caller) -> None:
    """A mark needs not exist any more; nonsense is refused or starts anew, as the switch says."""
    page = pd.get("/api/v2/persons", limit=3)
    pd.call("DELETE", "/api/v2/persons/3")
    assert [one["id"] for one in pd.get("/api/v2/persons", cursor=page.cursor).data] == [4, 5, 6, 7]
    assert pd.get("/api/v2/persons", cursor="nonsense!").status == 400
    assert pd.get("/api/v2/persons", cursor=page.cursor, sort_by="update_time").status == 400
    pd.switch(bad_cursor="restart")
    assert len(pd.get("/api/v2/persons", cursor="nonsense!").data) == 6


def test_limit_above_the_maximum(pd: Caller) -> None:
    """Over 500 is refused or clamped; zero is always refused."""
    assert pd.get("/api/v2/persons", limit=501).status == 400
    assert pd.get("/api/v2/persons", limit=0).status == 400
    pd.switch(over_limit="clamp")
    assert pd.get("/api/v2/persons", limit=501).status == 200
    assert pd.get("/api/v2/persons", limit="x").status == 400


def test_default_limit_is_one_hundred() -> None:
    """Without limit a page has 100 rows."""
    pd = Caller()
    for place in range(101):
        pd.person(name=f"Person {place}")
    assert len(pd.ids()) == 100
    assert len(pd.ids(limit=500)) == 101


def test_updated_since_and_until(pd: Caller) -> None:
    """updated_since is inclusive, updated_until exclusive; fractions of a second are refused."""
    assert pd.ids(updated_since="2026-11-22T12:05:00Z") == [6, 7]
    assert pd.ids(updated_since="2026-11-22T13:05:00+01:00") == [6, 7]
    assert pd.ids(updated_until="2026-11-22T12:01:00Z") == [1]
    assert pd.ids(updated_since="2026-11-22T12:01:00Z", updated_until="2026-11-22T12:03:00Z") == [2, 3]
    for bad in ("2026-11-22T12:05:00.000Z", "2026-11-22", "2026-11-22 12:05:00", "2026-13-22T12:05:00Z"):
        answer = pd.get("/api/v2/persons", updated_since=bad)
        assert answer.status == 400
        assert answer.json["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
        assert "not a valid datetime" in answer.json["error"]


def test_ids_leave_out_what_is_not_there(pd: Caller) -> None:
    """Missing and deleted ids are left out silently; more than 100 are refused."""
    pd.call("DELETE", "/api/v2/persons/2")
    assert pd.ids(ids="7,2,99,1") == [1, 7]
    assert pd.get("/api/v2/persons", ids=",".join(map(str, range(100)))).status == 200
    assert pd.get("/api/v2/persons", ids=",".join(map(str, range(101)))).status == 400
    assert pd.get("/api/v2/persons", ids="1,x").status == 400


def test_owner_and_organization_conditions(pd: Caller) -> None:
    """owner_id and org_id choose."""
    pd.organization()
    pd.patch(3, org_id=1)
    pd.human("set_owner", id=4, owner_id=2)
    assert pd.ids(org_id=1) == [3]
    assert pd.ids(owner_id=2) == [4]


def test_custom_fields_are_chosen_at_most_fifteen(pd: Caller) -> None:
    """custom_fields narrows the answer; sixteen keys are refused."""
    codes = [pd.human("add_field", name=f"F{place}")["field_code"] for place in range(16)]
    assert set(pd.get("/api/v2/persons/1").data["custom_fields"]) == set(codes), "all hashes are there, mostly null"
    assert pd.get("/api/v2/persons/1", custom_fields=codes[0]).data["custom_fields"] == {codes[0]: None}
    assert pd.get("/api/v2/persons", custom_fields=",".join(codes)).status == 400


def test_filters(pd: Caller) -> None:
    """A filter that a person made chooses by owner and label; ids and owner_id are ignored beside it."""
    pd.human(
        "create_filter", name="Hot", conditions=[{"field": "label_ids", "value": 2}, {"field": "owner_id", "operator": "!=", "value": 2}]
    )
    pd.patch(2, label_ids=[2])
    pd.patch(5, label_ids=[1, 2])
    pd.human("set_owner", id=5, owner_id=2)
    assert pd.ids(filter_id=1) == pd.ids(filter_id=1, ids="1", owner_id=2) == [2]
    assert pd.get("/api/v2/persons", filter_id=9).status == 404
    assert [one["name"] for one in pd.get("/v1/filters", type="people").data] == ["Hot"]
    assert pd.get("/v1/filters", type="deals").data == []
    condition = pd.get("/v1/filters/1", include_field_code=1).data["conditions"]["conditions"][0]["conditions"][0]
    assert (condition["field_code"], condition["operator"], condition["value"]) == ("label_ids", "=", 2)
    assert pd.ids(filter_id=1, updated_since="2027-01-01T00:00:00Z") == []
    pd.switch(filter_with_updated_since="ignore")
    assert pd.ids(filter_id=1, updated_since="2027-01-01T00:00:00Z") == [2]


def test_read_lag_of_lists(pd: Caller) -> None:
    """With lag a new record is missing and a changed one shows its old version; write answers are current; single reads are not behind."""
    pd.switch(read_lag_s=90.0)
    pd.person(name="New")
    assert pd.patch(1, name="Changed").data["name"] == "Changed"
    page = pd.get("/api/v2/persons").data
    assert (len(page), page[0]["name"], page[0]["update_time"]) == (6, "Person 0", "2026-11-22T12:00:00Z")
    assert pd.get("/api/v2/persons/1").data["name"] == "Changed"
    pd.call("DELETE", "/api/v2/persons/2")
    assert 2 in pd.ids()
    pd.later(90)
    page = pd.get("/api/v2/persons").data
    assert [person["id"] for person in page] == [1, 3, 4, 5, 6, 7, 8]
    assert page[0]["name"] == "Changed"


def test_read_lag_of_single_reads(pd: Caller) -> None:
    """get_lag_s does the same for GET of one record, and for nothing else."""
    pd.switch(get_lag_s=30.0)
    pd.person(name="New")
    pd.patch(1, name="Changed")
    assert pd.get("/api/v2/persons/8").status == 404
    assert pd.get("/api/v2/persons/1").data["name"] == "Person 0"
    assert 8 in pd.ids()
    pd.later(30)
    assert pd.get("/api/v2/persons/8").status == 200
    assert pd.get("/api/v2/persons/1").data["name"] == "Changed"


def test_deep_history_is_forgotten_but_the_lag_holds(pd: Caller) -> None:
    """Many versions of one record do not pile up, and a lag within the hour still finds the right one."""
    for place in range(100):
        pd.later(120)
        pd.patch(1, name=f"Version {place}")
    assert len(pd.service.company.persons.rows[1]) < 40
    pd.switch(get_lag_s=240.0)
    assert pd.get("/api/v2/persons/1").data["name"] == "Version 97"
