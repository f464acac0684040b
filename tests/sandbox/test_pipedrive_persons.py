"""Promises of persons in the imitated API v2: strict bodies, names, lists, addresses, clearing, deletion, visibility, rights."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.pipedrive_caller import Caller


@pytest.fixture
def pd() -> Caller:
    """A fresh company."""
    return Caller()


@pytest.fixture
def synced(pd: Caller) -> Caller:
    """A company with contact sync fields."""
    pd.human("enable_contact_sync")
    return pd


def error(answer: Any) -> str:
    """The text of a 400 of schema validation."""
    assert answer.status == 400, answer.text
    assert answer.json["success"] is False
    return str(answer.json["error"])


def test_whole_object_and_defaults(pd: Caller) -> None:
    """A new person comes back whole, owned by the caller, times in whole seconds."""
    person = pd.person(name="Jane Doe")
    assert person == {
        "id": 1, "name": "Jane Doe", "first_name": "Jane", "last_name": "Doe", "owner_id": 1, "org_id": None,
        "add_time": "2026-11-22T12:00:00Z", "update_time": "2026-11-22T12:00:00Z", "emails": [], "phones": [], "is_deleted": False,
        "visible_to": 3, "label_ids": [], "picture_id": None, "custom_fields": {},
    }  # fmt: skip
    assert pd.get("/api/v2/persons/1").data == person


def test_unknown_parameters_get_the_exact_words(pd: Caller) -> None:
    """Unknown names in body and query are refused, all in one message."""
    body = pd.call("POST", "/api/v2/persons", {"name": "x", "foo": 1, "bar": 2})
    assert body.json == {
        "success": False,
        "error": "Validation failed: foo: Parameter 'foo' is not allowed for this request; "
        "bar: Parameter 'bar' is not allowed for this request",
        "code": "ERR_SCHEMA_VALIDATION_FAILED",
    }
    assert error(pd.get("/api/v2/persons", status="deleted")) == (
        "Validation failed: status: Parameter 'status' is not allowed for this request"
    )
    assert error(pd.patch(pd.person()["id"], add_time="2026-01-01T00:00:00Z")).count("not allowed") == 1
    assert error(pd.patch(1, update_time="2026-01-01T00:00:00Z")).count("not allowed") == 1
    assert error(pd.patch(1, is_deleted=True)).count("not allowed") == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"owner_id": "1"}, "owner_id: The value is not a valid 'integer'"),
        ({"owner_id": True}, "owner_id: The value is not a valid 'integer'"),
        ({"name": 5}, "name: The value is not a valid 'string'"),
        ({"name": None}, "name: The value is not a valid 'string'"),
        ({"emails": "a@example.com"}, "emails: The value is not a valid 'array'"),
        ({"emails": [{"label": "work"}]}, "emails.0.value: The value is required"),
        ({"emails": [{"value": "a@example.com", "primary": 1}]}, "emails.0.primary: The value is not a valid 'boolean'"),
        ({"emails": [{"value": "a@example.com", "type": "x"}]}, "Parameter 'type' is not allowed"),
        ({"label_ids": ["1"]}, "label_ids: The value is not a valid 'integer'"),
        ({"label_ids": [99]}, "label_ids: The label does not exist"),
        ({"visible_to": 7}, "visible_to"),
        ({"visible_to": "3"}, "visible_to: The value is not a valid 'integer'"),
        ({"owner_id": 9}, "owner_id: The user does not exist"),
        ({"org_id": 9}, "org_id: The organization does not exist"),
        ({"custom_fields": {"title": "x"}}, "custom_fields: Unknown key 'title'"),
        ({"name": "x" * 256}, "name: The value must not be longer than 255 characters"),
        ({"name": "  "}, "name"),
    ],
)
def test_strict_types(pd: Caller, fields: dict[str, object], words: str) -> None:
    """Values of the wrong type are refused, never coerced; nothing is stored."""
    pd.person()
    assert words in error(pd.patch(1, **fields))
    assert words in error(pd.call("POST", "/api/v2/persons", {"name": "x"} | fields))
    assert pd.ids() == [1]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"name": "Ana Maria de Souza"}, ("Ana Maria de Souza", "Ana Maria de", "Souza")),
        ({"name": "Björk"}, ("Björk", "Björk", None)),
        ({"name": "  Jane   Doe "}, ("Jane Doe", "Jane", "Doe")),
        ({"first_name": "Ana Maria", "last_name": "de Souza"}, ("Ana Maria de Souza", "Ana Maria", "de Souza")),
        ({"first_name": "", "last_name": "Souza"}, ("Souza", "", "Souza")),
        ({"first_name": "Björk", "last_name": ""}, ("Björk", "Björk", "")),
    ],
)
def test_names_are_split_and_joined(pd: Caller, given: dict[str, str], stored: tuple[str, ...]) -> None:
    """A name is split at its last blank; parts are joined by one."""
    person = pd.call("POST", "/api/v2/persons", given).data
    assert (person["name"], person["first_name"], person["last_name"]) == stored


def test_name_and_parts_exclude_each_other(pd: Caller) -> None:
    """Both forms at once are refused; a new person needs one; both parts can not be empty."""
    pd.person()
    assert error(pd.patch(1, name="A B", first_name="A")) == "Cannot set 'name' and 'first_name'/'last_name' at the same time"
    assert "name: The value is required" in error(pd.call("POST", "/api/v2/persons", {"emails": []}))
    assert "Both first_name and last_name" in error(pd.call("POST", "/api/v2/persons", {"first_name": "A"}))
    assert "empty" in error(pd.patch(1, first_name="", last_name=""))


def test_one_part_alone_recomputes_the_name(pd: Caller) -> None:
    """PATCH of first_name alone keeps the last name."""
    pd.person(name="Jane Doe")
    assert pd.patch(1, first_name="Joan").data["name"] == "Joan Doe"


def test_lists_default_label_primary_and_trimming(pd: Caller) -> None:
    """Label work unless given; the last primary wins; without any the first is; values are trimmed."""
    person = pd.person(
        emails=[{"value": " a@example.com "}, {"value": "b@example.com", "label": "home"}],
        phones=[{"value": "1", "primary": True}, {"value": "2", "primary": True}, {"value": "3"}],
    )
    assert person["emails"] == [
        {"label": "work", "value": "a@example.com", "primary": True},
        {"label": "home", "value": "b@example.com", "primary": False},
    ]
    assert [phone["primary"] for phone in person["phones"]] == [False, True, False]


def test_lists_are_replaced_whole(pd: Caller) -> None:
    """PATCH replaces e-mails and phones, and [] empties them; other values stay."""
    pd.person(emails=[{"value": "a@example.com"}, {"value": "b@example.com"}], phones=[{"value": "1"}])
    changed = pd.patch(1, emails=[{"value": "c@example.com"}]).data
    assert [one["value"] for one in changed["emails"]] == ["c@example.com"]
    assert len(changed["phones"]) == 1
    assert pd.patch(1, phones=[]).data["phones"] == []


def test_contact_sync_keys_are_absent_and_refused_without_contact_sync(pd: Caller) -> None:
    """Without contact sync the five keys do not exist in answers, and writing them is 403."""
    for key, value in (("job_title", "x"), ("notes", "x"), ("birthday", "2000-01-01"), ("postal_address", {"value": "x"}), ("im", [])):
        assert pd.call("POST", "/api/v2/persons", {"name": "x", key: value}).status == 403
        assert key not in pd.person()
    pd.human("enable_contact_sync")
    person = pd.person(job_title="Boss", birthday="2000-12-31", im=[{"value": "jane", "label": "skype"}], notes="n")
    assert (person["job_title"], person["birthday"], person["im"][0]["label"], person["notes"]) == ("Boss", "2000-12-31", "skype", "n")


def test_address_parts_become_null_when_not_given(synced: Caller) -> None:
    """Only value is required; a PATCH with value alone wipes the parts."""
    person = synced.person(postal_address={"value": "Main St 1, Tartu", "locality": "Tartu", "country": "EE"})
    assert person["postal_address"]["locality"] == "Tartu"
    assert person["postal_address"]["postal_code"] is None
    changed = synced.patch(1, postal_address={"value": "Elsewhere"}).data["postal_address"]
    assert changed["value"] == "Elsewhere"
    assert changed["locality"] is None
    assert "postal_address.value: The value is required" in error(synced.patch(1, postal_address={"locality": "Tartu"}))
    assert "postal_address.city" in error(synced.patch(1, postal_address={"value": "x", "city": "y"}))


def test_null_policy_for_texts(synced: Caller) -> None:
    """Null for built-in texts is refused or clears, as the switch says; the empty text is stored as a value."""
    synced.person(job_title="Boss", birthday="2000-12-31", notes="n")
    for key in ("job_title", "notes", "birthday"):
        assert f"{key}: The value is not a valid" in error(synced.patch(1, **{key: None}))
    assert "The value is not a valid 'string'" in error(synced.patch(1, job_title=None))
    assert synced.patch(1, job_title="").data["job_title"] == ""
    assert synced.patch(1, birthday="").data["birthday"] == "0000-00-00"
    synced.switch(null_scalars="accept")
    changed = synced.patch(1, job_title=None, birthday=None, notes=None).data
    assert changed["job_title"] is changed["birthday"] is changed["notes"] is None


def test_null_policy_for_links_and_addresses(synced: Caller) -> None:
    """org_id and postal_address have null switches of their own."""
    synced.organization()
    synced.person(org_id=1, postal_address={"value": "x"})
    synced.switch(null_org_id="refuse", null_address="refuse")
    assert "org_id: The value is not a valid 'integer'" in error(synced.patch(1, org_id=None))
    assert "postal_address" in error(synced.patch(1, postal_address=None))
    synced.switch(null_org_id="accept", null_address="accept")
    changed = synced.patch(1, org_id=None, postal_address=None).data
    assert changed["org_id"] is changed["postal_address"] is None


@pytest.mark.parametrize("value", ["31.12.2000", "2000-13-01", "2000-1-1", "2000-12-31T00:00:00Z"])
def test_birthday_must_be_a_day(synced: Caller, value: str) -> None:
    """A birthday is YYYY-MM-DD."""
    synced.person()
    assert "birthday" in error(synced.patch(1, birthday=value))


def test_notes_hold_ten_thousand_characters(synced: Caller) -> None:
    """10 000 characters fit, one more does not."""
    synced.person(notes="n" * 10_000)
    assert "notes" in error(synced.patch(1, notes="n" * 10_001))


def test_update_time_moves_with_every_edit(pd: Caller) -> None:
    """An edit moves update_time; one that changes nothing does so too unless switched off; times have no fraction."""
    pd.person()
    pd.later(10.9)
    assert pd.patch(1, name="Jane Roe").data["update_time"] == "2026-11-22T12:00:11Z"
    pd.later(5)
    assert pd.patch(1, name="Jane Roe").data["update_time"] == "2026-11-22T12:00:16Z"
    pd.switch(noop_patch_touches=False)
    pd.later(5)
    assert pd.patch(1, name="Jane Roe").data["update_time"] == "2026-11-22T12:00:16Z"


def test_delete_is_soft_then_final(pd: Caller) -> None:
    """A deleted person leaves the lists, is shown as deleted for 30 days, then is gone."""
    pd.person()
    pd.later(60)
    assert pd.call("DELETE", "/api/v2/persons/1").json == {"success": True, "data": {"id": 1}}
    assert pd.ids() == []
    shown = pd.get("/api/v2/persons/1")
    assert (shown.status, shown.data["is_deleted"], shown.data["update_time"]) == (200, True, "2026-11-22T12:01:00Z")
    assert pd.patch(1, name="x").status == 404
    assert pd.call("DELETE", "/api/v2/persons/1").status == 404
    pd.switch(deleted_get="404")
    assert pd.get("/api/v2/persons/1").status == 404
    pd.switch(deleted_get="show")
    pd.later(30 * 86400 - 1)
    assert pd.get("/api/v2/persons/1").status == 200
    pd.later(1)
    gone = pd.get("/api/v2/persons/1")
    assert (gone.status, gone.json["error"]) == (404, "Person not found")
    assert pd.service.state()["persons"] == []


def test_restore_brings_a_person_back(pd: Caller) -> None:
    """Only people can undelete; all values are there again."""
    person = pd.person(emails=[{"value": "a@example.com"}])
    pd.call("DELETE", "/api/v2/persons/1")
    pd.human("restore_person", id=1)
    assert pd.get("/api/v2/persons/1").data == person


def test_visibility_by_owner_and_visible_to(pd: Caller) -> None:
    """What is visible to its owner only does not exist for others: lists, ids, get, patch, delete, search."""
    pd.person(name="Secret Person", visible_to=1)
    pd.person(name="Open Person", visible_to=3)
    other = pd.as_colleague()
    assert other.ids() == other.ids(ids="1,2") == [2]
    assert other.get("/api/v2/persons/1").status == other.patch(1, name="x").status == 404
    assert other.call("DELETE", "/api/v2/persons/1").status == 404
    assert other.get("/api/v2/persons/search", term="Secret").data["items"] == []
    pd.human("set_owner", id=1, owner_id=2)
    assert pd.ids() == [2]
    assert other.ids() == [1, 2]
    pd.human("set_visibility", id=1, visible_to=3)
    assert pd.ids() == [1, 2]
    pd.human("set_visibility", id=1, visible_to=1)
    pd.switch(admin_sees_all=True)
    assert pd.ids() == [1, 2]


def test_rights_to_add(pd: Caller) -> None:
    """Without the right to add persons or organisations creating is 403; changing still works."""
    pd.person()
    pd.service.switches["user.1.add_persons"] = False
    pd.service.switches["user.1.add_organizations"] = False
    refused = pd.call("POST", "/api/v2/persons", {"name": "x"})
    assert (refused.status, refused.json["error"]) == (403, "You do not have permissions to do this.")
    assert pd.call("POST", "/api/v2/organizations", {"name": "x"}).status == 403
    assert pd.patch(1, name="x").status == 200


def test_include_fields_and_counts(pd: Caller) -> None:
    """Counts come only when asked for, as people's deals and activities made them; a switch can leave them out."""
    pd.person()
    pd.human("set_counts", id=1, open_deals_count=2, undone_activities_count=1)
    assert "open_deals_count" not in pd.get("/api/v2/persons/1").data
    asked = "open_deals_count,undone_activities_count,closed_deals_count,last_incoming_mail_time"
    person = pd.get("/api/v2/persons/1", include_fields=asked).data
    assert [person[key] for key in asked.split(",")] == [2, 1, 0, None]
    assert pd.get("/api/v2/persons", include_fields=asked).data[0]["open_deals_count"] == 2
    assert pd.get("/api/v2/persons", include_fields="nonsense").status == 400
    pd.switch(hide_counts="open_deals_count")
    assert "open_deals_count" not in pd.get("/api/v2/persons/1", include_fields=asked).data


def test_labels_by_request(pd: Caller) -> None:
    """include_labels adds the labels with their texts."""
    pd.person(label_ids=[2])
    assert pd.get("/api/v2/persons/1", include_labels="true").data["labels"] == [{"id": 2, "label": "Hot lead"}]
    assert pd.get("/api/v2/persons/1", include_labels="1").status == 400


def test_touch_moves_update_time_only(pd: Caller) -> None:
    """A touched person is the same but for its update_time."""
    person = pd.person()
    pd.later(60)
    touched = pd.human("touch_person", id=1)
    assert touched == person | {"update_time": "2026-11-22T12:01:00Z"}
