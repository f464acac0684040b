"""Promises of fields: what is listed, who may make them, how their values are read and cleared."""

from __future__ import annotations

import re

import pytest

from sandbox.pipedrive_caller import Caller

API = "/api/v2/personFields"


@pytest.fixture
def pd() -> Caller:
    """A fresh company."""
    return Caller()


def codes(pd: Caller) -> list[str]:
    """The listed codes."""
    return [field["field_code"] for field in pd.get(API, limit=500).data]


def test_contact_sync_fields_are_listed_only_where_they_exist(pd: Caller) -> None:
    """A company without contact sync has none of the five fields; once set up it has all, marked as custom."""
    sync = {"im", "postal_address", "notes", "birthday", "job_title"}
    assert not sync & set(codes(pd))
    assert {"name", "phone", "email", "org_id", "label_ids"} <= set(codes(pd))
    assert pd.get(f"{API}/job_title").status == 404
    pd.human("enable_contact_sync")
    assert sync <= set(codes(pd))
    assert pd.get(f"{API}/job_title").data["is_custom_field"] is True
    assert "job_title" not in [one["field_code"] for one in pd.get("/api/v2/organizationFields").data]


def test_make_rename_delete(pd: Caller) -> None:
    """A custom field gets a code of 40 hexadecimal digits; names need not be unique; deleting takes the values along."""
    made = pd.call("POST", API, {"field_name": "Tandem ID", "field_type": "varchar"}).data
    assert re.fullmatch(r"[0-9a-f]{40}", made["field_code"])
    again = pd.call("POST", API, {"field_name": "Tandem ID", "field_type": "varchar"}).data
    assert again["field_code"] != made["field_code"]
    code = made["field_code"]
    person = pd.person(custom_fields={code: " x "})
    assert person["custom_fields"] == {code: "x", again["field_code"]: None}
    assert pd.call("PATCH", f"{API}/{code}", {"field_name": "Other"}).data["field_name"] == "Other"
    assert pd.call("DELETE", f"{API}/{code}").status == 200
    shown = pd.get("/api/v2/persons/1").data
    assert code not in shown["custom_fields"]
    assert shown["update_time"] == person["update_time"]
    answer = pd.patch(1, custom_fields={code: "y"})
    assert answer.json["error"] == f"Validation failed: custom_fields: Unknown key '{code}'"


def test_built_in_fields_can_not_be_renamed_or_deleted(pd: Caller) -> None:
    """Only custom fields can."""
    assert pd.call("DELETE", f"{API}/name").status == 403
    assert pd.call("PATCH", f"{API}/name", {"field_name": "x"}).status == 403


@pytest.mark.parametrize(
    "body",
    [
        {"field_name": "x"},
        {"field_type": "varchar"},
        {"field_name": "", "field_type": "varchar"},
        {"field_name": "x", "field_type": "url"},
        {"field_name": "x", "field_type": "enum"},
        {"field_name": "x" * 256, "field_type": "varchar"},
        {"field_name": "x", "field_type": "varchar", "name": "y"},
    ],
)
def test_bad_fields_are_refused(pd: Caller, body: dict[str, object]) -> None:
    """Name and type are required, the type known, options given for enum and set."""
    assert pd.call("POST", API, body).status == 400


def test_right_to_make_fields(pd: Caller) -> None:
    """A user without the right gets 403; the colleague has none at first."""
    body = {"field_name": "x", "field_type": "varchar"}
    assert pd.as_colleague().call("POST", API, body).status == 403
    pd.service.switches["user.1.add_fields"] = False
    assert pd.call("POST", API, body).status == 403
    assert pd.service.company.persons.custom_fields() == []


def test_limit_of_custom_fields(pd: Caller) -> None:
    """Beyond the company's limit 403 with a code that names the cap."""
    pd.switch(custom_field_limit=1)
    body = {"field_name": "x", "field_type": "varchar"}
    assert pd.call("POST", API, body).status == 200
    refused = pd.call("POST", "/api/v2/organizationFields", body)
    assert refused.status == 403
    assert refused.json["code"] == "feature_capping_custom_fields_limit"


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("varchar", "x", 5),
        ("varchar", "x" * 255, "x" * 256),
        ("text", "x" * 65_000, "x" * 66_000),
        ("double", 5.5, "5.5"),
        ("phone", "+48 600", 48),
        ("date", "2024-01-31", "2024-02-31"),
        ("time", {"value": "10:30:00", "timezone_name": "Europe/Warsaw"}, "10:30"),
        ("daterange", {"value": "2024-01-01", "until": "2024-01-02"}, ["2024-01-01"]),
        ("monetary", {"value": 5, "currency": "PLN"}, 5),
        ("address", {"value": "Main St"}, "Main St"),
        ("user", 1, "1"),
    ],
)
def test_values_by_type(pd: Caller, type_: str, good: object, bad: object) -> None:
    """Each type takes its own shape only; null clears; the complaint names the field."""
    code = pd.human("add_field", name="F", type=type_)["field_code"]
    pd.person()
    stored = pd.patch(1, custom_fields={code: good})
    assert stored.status == 200, stored.text
    value = stored.data["custom_fields"][code]
    assert value == good or (type_ == "address" and value["value"] == "Main St" and value["country"] is None)
    refused = pd.patch(1, custom_fields={code: bad})
    assert refused.status == 400
    assert code in refused.json["error"]
    assert pd.patch(1, custom_fields={code: None}).data["custom_fields"][code] is None


def test_enum_and_set(pd: Caller) -> None:
    """Options go by id; an empty set is an error, null clears it; labels come when asked for."""
    one = pd.human("add_field", name="E", type="enum", options=["a", "b"])
    many = pd.human("add_field", name="S", type="set", options=["c", "d"])
    a, c, d = one["options"][0]["id"], *(option["id"] for option in many["options"])
    pd.person(custom_fields={one["field_code"]: a, many["field_code"]: [c, d]})
    labelled = pd.get("/api/v2/persons/1", include_option_labels="true").data["custom_fields"]
    assert labelled == {
        one["field_code"]: {"id": a, "label": "a"},
        many["field_code"]: [{"id": c, "label": "c"}, {"id": d, "label": "d"}],
    }
    assert pd.patch(1, custom_fields={many["field_code"]: []}).status == 400
    assert pd.patch(1, custom_fields={one["field_code"]: 999}).status == 400
    assert pd.patch(1, custom_fields={many["field_code"]: None}).data["custom_fields"][many["field_code"]] is None


def test_custom_fields_are_merged_key_by_key(pd: Caller) -> None:
    """A PATCH of one custom field leaves the others."""
    first, second = (pd.human("add_field", name=name)["field_code"] for name in "ab")
    pd.person(custom_fields={first: "1", second: "2"})
    assert pd.patch(1, custom_fields={first: "3"}).data["custom_fields"] == {first: "3", second: "2"}


def test_fields_page_and_details(pd: Caller) -> None:
    """Fields page by cursor; settings come when asked for."""
    first = pd.get(API, limit=4)
    rest = pd.get(API, limit=500, cursor=first.cursor)
    assert [one["field_code"] for one in first.data + rest.data] == codes(pd)
    assert "ui_visibility" not in first.data[0]
    assert "ui_visibility" in pd.get(f"{API}/name", include_fields="ui_visibility,required_fields").data
    assert pd.get(f"{API}/name", include_fields="nope").status == 400
