"""Promise: what a person does in Google's own pages has the effects that a client sees, and is kept for later questions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from sandbox.google_calls import Google
from tandem.sandbox.service import HumanError


def human(google: Google, op: str, **arguments: Any) -> Any:
    """One edit by a person."""
    return google.world.google.human(op, arguments)


def test_create_update_delete_restore(google: Google) -> None:
    """A contact's life by hand, each step in the delta and in the log of edits."""
    _, token = google.listed()
    made = human(google, "create", names=[{"givenName": "Ann"}], labels=["Pipedrive", "Klub"])
    assert len(made["groups"]) == 3
    human(google, "update", id=made["id"], fields={"nicknames": [{"value": "N"}]})
    human(google, "delete", id=made["resourceName"])
    assert google.listed(token)[0][0]["metadata"]["deleted"] is True
    restored = human(google, "restore", id=made["id"])
    assert restored["id"] == made["id"]
    assert google.listed(token)[0][0]["names"][0]["givenName"] == "Ann"
    log = google.world.google.human_log
    assert [entry.op for entry in log] == ["create", "update", "delete", "restore"]
    assert [entry.record_id for entry in log] == [made["id"]] * 4
    assert log[0].before is None
    assert all(later.before == earlier.after for earlier, later in pairwise(log))


def test_the_trash_is_emptied_after_thirty_days(google: Google) -> None:
    """Then nothing comes back; within them it may come back under another id (switch)."""
    made = human(google, "create", names=[{"givenName": "Ann"}])
    human(google, "delete", id=made["id"])
    google.world.google.switches["restore_gives_new_id"] = True
    again = human(google, "restore", id=made["id"])
    assert again["id"] != made["id"]
    human(google, "delete", id=again["id"])
    google.world.clock.advance(30 * 86400)
    with pytest.raises(HumanError):
        human(google, "restore", id=again["id"])


def test_merge(google: Google) -> None:
    """One contact survives with everything, the other is a tombstone and not in the trash."""
    one = human(google, "create", names=[{"givenName": "Ann"}], emailAddresses=[{"value": "a@example.com"}], labels=["A"])
    two = human(google, "create", names=[{"givenName": "Anna"}], emailAddresses=[{"value": "b@example.com"}], labels=["B"])
    _, token = google.listed()
    merged = human(google, "merge", ids=[one["id"], two["id"]])
    assert [item["value"] for item in merged["fields"]["emailAddresses"]] == ["a@example.com", "b@example.com"]
    assert merged["fields"]["names"][0]["givenName"] == "Ann"
    assert set(merged["groups"]) == {*one["groups"], *two["groups"]}
    delta = {person["resourceName"]: person["metadata"].get("deleted", False) for person in google.listed(token)[0]}
    assert delta == {one["resourceName"]: False, two["resourceName"]: True}
    with pytest.raises(HumanError):
        human(google, "restore", id=two["id"])


def test_labels_by_hand(google: Google) -> None:
    """Putting on, taking off, renaming and deleting labels."""
    made = human(google, "create", names=[{"givenName": "Ann"}])
    labelled = human(google, "add_label", id=made["id"], group="Klub")
    assert len(labelled["groups"]) == 2
    renamed = human(google, "rename_group", group="Klub", name="Verein")
    assert renamed["id"] in labelled["groups"]
    assert human(google, "remove_label", id=made["id"], group="Verein")["groups"] == ["myContacts"]
    human(google, "delete_group", group="Verein")
    assert human(google, "create_group", name="Verein")["id"] != renamed["id"]
    with pytest.raises(HumanError):
        human(google, "rename_group", group="friends", name="x")


def test_touch_and_photo(google: Google) -> None:
    """A touch moves etag and time and no field; a photo is the contact's own."""
    made = human(google, "create", names=[{"givenName": "Ann"}])
    google.world.clock.advance(1)
    touched = human(google, "touch", id=made["id"])
    assert touched["etag"] != made["etag"]
    assert touched["updateTime"] > made["updateTime"]
    assert touched["fields"] == made["fields"]
    human(google, "set_photo", id=made["id"], url="https://example.com/p.jpg")
    photo = google.get(made["resourceName"], "photos")["photos"][0]
    assert (photo["url"], photo.get("default")) == ("https://example.com/p.jpg", None)


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("fly", {}),
        ("update", {"id": "people/c1", "fields": {}}),
        ("create", {"fields": {"nonsense": []}}),
        ("create", {"fields": {"names": [{"givenName": "A"}, {"givenName": "B"}]}}),
        ("create", {"account": "nobody@example.com", "names": [{"givenName": "A"}]}),
        ("merge", {"ids": []}),
        ("add_label", {"id": 7, "group": "x"}),
        ("grant", {"client_id": "x"}),
    ],
)
def test_nonsense_is_refused(google: Google, op: str, arguments: dict[str, Any]) -> None:
    """What no person could do raises, and leaves nothing behind."""
    before = google.world.google.state()
    with pytest.raises(HumanError):
        human(google, op, **arguments)
    assert google.world.google.state() == before
    assert google.world.google.human_log == []


def test_the_state_is_raw(google: Google) -> None:
    """State shows what is stored: fields without derived parts, client data, labels, and what lies in the trash."""
    made = google.create(
        names=[{"givenName": "Ann"}], phoneNumbers=[{"value": "+48 22 123 45 67", "type": "work"}], clientData=[{"key": "k", "value": "v"}]
    )
    google.call("DELETE", f"/v1/{made['resourceName']}:deleteContact")
    found: Any = google.world.google.state()
    contact = found["contacts"][0]
    assert contact["fields"]["phoneNumbers"] == [{"value": "+48 22 123 45 67", "type": "work"}]
    assert contact["fields"]["clientData"] == [{"key": "k", "value": "v"}]
    assert (contact["trashed"], contact["groups"], found["counters"]["trashed"]) == (True, ["myContacts"], 1)
