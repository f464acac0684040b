"""Promises of the change log, of recents and of merging."""

from __future__ import annotations

import pytest

from sandbox.pipedrive_caller import Caller


@pytest.fixture
def pd() -> Caller:
    """A fresh company."""
    return Caller()


def test_changelog_tells_who_what_when(pd: Caller) -> None:
    """Each changed value is a line with old and new text, actor and source, the newest first."""
    pd.person(emails=[{"value": "a@example.com"}])
    pd.later(60)
    pd.patch(1, emails=[{"value": "b@example.com"}])
    pd.later(60)
    pd.human("update_person", id=1, last_name="Roe", user=2)
    log = pd.get("/api/v1/persons/1/changelog").data
    assert [(line["field_key"], line["old_value"], line["new_value"], line["actor_user_id"], line["change_source"]) for line in log] == [
        ("name", "Jane Doe", "Jane Roe", 2, "app"),
        ("last_name", "Doe", "Roe", 2, "app"),
        ("email", "a@example.com", "b@example.com", 1, "api"),
    ]
    assert log[2]["time"] == "2026-11-22 12:01:00"
    assert log[2]["change_source_user_agent"] == "test"


def test_changelog_pages(pd: Caller) -> None:
    """The change log pages by its own kind of cursor."""
    pd.person(name="Version")
    for place in range(5):
        pd.patch(1, name=f"Version {place}")
    first = pd.get("/v1/persons/1/changelog", limit=4)
    rest = pd.get("/v1/persons/1/changelog", cursor=first.cursor)
    assert len(first.data) == 4
    assert rest.cursor is None
    assert first.data + rest.data == pd.get("/v1/persons/1/changelog").data
    assert pd.get("/v1/persons/1/changelog", cursor="!").status == 400


def test_noop_and_touch_leave_no_line(pd: Caller) -> None:
    """An edit that changes no value leaves no line."""
    pd.person()
    pd.patch(1, name="Jane Doe")
    pd.human("touch_person", id=1)
    assert pd.get("/v1/persons/1/changelog").data == []


def test_organization_changelog(pd: Caller) -> None:
    """Organisations have one too."""
    pd.organization("Firm")
    pd.human("rename_organization", id=1, name="Firma")
    assert pd.get("/v1/organizations/1/changelog").data[0]["new_value"] == "Firma"
    assert pd.get("/v1/organizations/9/changelog").status == 404


def test_recents_show_deletions(pd: Caller) -> None:
    """Recents list changes by time, deleted persons with active_flag false, in v1 form."""
    pd.organization("Firm")
    pd.person(name="First Person", org_id=1)
    pd.later(60)
    pd.person(name="Second Person")
    pd.later(60)
    pd.call("DELETE", "/api/v2/persons/1")
    answer = pd.get("/v1/recents", since_timestamp="2026-11-22 12:01:00", items="person")
    assert [(item["item"], item["id"], item["data"]["active_flag"]) for item in answer.data] == [("person", 2, True), ("person", 1, False)]
    assert answer.data[1]["data"]["update_time"] == "2026-11-22 12:02:00"
    assert answer.json["additional_data"] == {
        "since_timestamp": "2026-11-22 12:01:00",
        "last_timestamp_on_page": "2026-11-22 12:02:00",
        "pagination": {"start": 0, "limit": 100, "more_items_in_collection": False},
    }
    both = pd.get("/v1/recents", since_timestamp="2026-11-22 12:00:00", items="person,organization", limit=2)
    assert both.json["additional_data"]["pagination"]["next_start"] == 2
    assert pd.get("/v1/recents", since_timestamp="yesterday").status == 400


def test_recents_reach_back_a_month(pd: Caller) -> None:
    """Older changes are not listed."""
    pd.person()
    pd.later(32 * 86400)
    pd.person(name="New Person")
    assert [item["id"] for item in pd.get("/v1/recents", since_timestamp="2020-01-01 00:00:00").data] == [2]


def test_recents_lag_as_lists_do(pd: Caller) -> None:
    """read_lag_s holds for recents."""
    pd.switch(read_lag_s=30.0)
    pd.person()
    assert pd.get("/v1/recents", since_timestamp="2026-11-22 00:00:00").data == []


def test_merge_prefers_the_survivor_and_joins_lists(pd: Caller) -> None:
    """The person in the body survives with its own values; what it lacks comes from the other; lists are joined with one primary."""
    pd.organization("Firm")
    pd.person(name="Jane Doe", emails=[{"value": "a@example.com"}], org_id=1, label_ids=[1])
    pd.person(name="J. Doe", emails=[{"value": "A@example.com"}, {"value": "b@example.com"}], phones=[{"value": "1"}], label_ids=[2])
    merged = pd.call("PUT", "/api/v1/persons/1/merge", {"merge_with_id": 2})
    assert (merged.status, merged.data["id"], merged.data["merge_what_id"]) == (200, 2, 1)
    survivor = pd.get("/api/v2/persons/2").data
    assert (survivor["name"], survivor["org_id"], sorted(survivor["label_ids"])) == ("J. Doe", 1, [1, 2])
    assert [one["value"] for one in survivor["emails"]] == ["A@example.com", "b@example.com"]
    assert [one["primary"] for one in survivor["emails"]] == [True, False]
    assert pd.get("/api/v2/persons/1").data["is_deleted"] is True
    assert pd.ids() == [2]
    assert pd.call("PUT", "/api/v1/persons/2/merge", {"merge_with_id": 2}).status == 404
    assert pd.call("PUT", "/api/v1/persons/2/merge", {}).status == 404


def test_human_merge(pd: Caller) -> None:
    """People merge in the app; the state tells what became of the loser."""
    pd.person(name="One Person")
    pd.person(name="Two Person")
    pd.human("merge_persons", id=1, into=2)
    assert pd.service.state()["persons"][0]["merged_into"] == 2
