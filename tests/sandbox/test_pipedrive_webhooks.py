"""Promises of webhooks: who may make them, what they tell, retries, ban, removal, loss and duplication."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.pipedrive_caller import Caller
from tandem.sandbox.pipedrive_webhooks import Delivery, deliver_due

URL = "https://tandem.example.com/hook"


@pytest.fixture
def pd() -> Caller:
    """A company with one webhook on persons."""
    caller = Caller()
    assert subscribe(caller).status == 201
    return caller


def subscribe(pd: Caller, **more: Any) -> Any:
    """Make a webhook."""
    body = {"subscription_url": URL, "event_action": "*", "event_object": "person", "name": "Tandem"} | more
    return pd.call("POST", "/v1/webhooks", body)


def sent(pd: Caller, status: int = 200) -> list[Any]:
    """Deliver what is due and return the payloads."""
    payloads: list[Any] = []

    def post(delivery: Delivery) -> int:
        payloads.append(json.loads(delivery.body))
        return status

    deliver_due(pd.service, post)
    return payloads


def test_subscription_form(pd: Caller) -> None:
    """The answer has the vendor's form; the password is never shown; bad ones are refused."""
    made = subscribe(pd, http_auth_user="u", http_auth_password="p").json
    assert made["status"] == "ok"
    assert (made["data"]["type"], made["data"]["version"], made["data"]["http_auth_password"]) == ("general", "2.0", "*****")
    assert [one["id"] for one in pd.get("/v1/webhooks").data] == [1, 2]
    assert subscribe(pd, subscription_url="nowhere").json["errors"] == {"subscription_url": ["invalid or non-reachable URL"]}
    assert subscribe(pd, event_action="updated").status == 400
    assert subscribe(pd, event_object="cat").status == 400
    assert subscribe(pd, name="").status == 400
    assert pd.call("DELETE", "/v1/webhooks/2").json == {"status": "ok", "success": True}
    assert pd.call("DELETE", "/v1/webhooks/2").json["errors"] == {"id": ["not found"]}
    assert pd.as_colleague().call("DELETE", "/v1/webhooks/1").json == {"success": False, "message": "Forbidden"}


def test_limit_of_forty(pd: Caller) -> None:
    """The 41st webhook of a user is 422."""
    assert [subscribe(pd).status for _ in range(40)] == [201] * 39 + [422]


def test_create_change_delete(pd: Caller) -> None:
    """One event each; previous holds changed values only; visible_to is a text, ids in meta are texts."""
    pd.person(name="Sample Person", emails=[{"value": "s@example.com"}])
    pd.patch(1, name="Sample Other")
    pd.human("delete_person", id=1, user=2)
    create, change, delete = sent(pd)
    assert create["previous"] is None
    assert (create["data"]["name"], create["data"]["visible_to"], create["data"]["label"]) == ("Sample Person", "3", None)
    assert change["previous"] == {"name": "Sample Person", "last_name": "Person"}
    assert delete["data"] is None
    assert delete["previous"]["name"] == "Sample Other"
    metas = [event["meta"] for event in (create, change, delete)]
    assert [meta["action"] for meta in metas] == ["create", "change", "delete"]
    assert [(meta["user_id"], meta["change_source"]) for meta in metas] == [("1", "api"), ("1", "api"), ("2", "app")]
    assert metas[0] | {"id": "", "correlation_id": ""} == {
        "action": "create", "company_id": "1", "correlation_id": "", "entity_id": "1", "entity": "person", "id": "", "is_bulk_edit": False,
        "timestamp": "2026-11-22T12:00:00.250Z", "type": "general", "user_id": "1", "version": "2.0", "webhook_id": "1",
        "webhook_owner_id": "1", "change_source": "api", "attempt": 1, "host": "sandbox-company.pipedrive.test",
        "permitted_user_ids": ["1", "2"],
    }  # fmt: skip
    assert sent(pd) == []


def test_a_change_of_nothing_is_no_event(pd: Caller) -> None:
    """A PATCH with the same values tells nobody."""
    pd.person()
    pd.patch(1, name="Jane Doe")
    assert len(sent(pd)) == 1


def test_contact_sync_keys_only_where_switched(pd: Caller) -> None:
    """Whether job_title and its like are told is a switch."""
    pd.human("enable_contact_sync")
    pd.person(job_title="Boss")
    assert "job_title" not in sent(pd)[0]["data"]
    pd.switch(webhook_contact_sync_keys=True)
    pd.patch(1, job_title="Chief")
    assert sent(pd)[0]["previous"] == {"job_title": "Boss"}


def test_custom_fields_are_typed(pd: Caller) -> None:
    """Custom values come with their type, absent ones not at all."""
    text = pd.human("add_field", name="T")["field_code"]
    enum = pd.human("add_field", name="E", type="enum", options=["a"])
    pd.human("add_field", name="empty")
    option = enum["options"][0]["id"]
    pd.person(custom_fields={text: "x", enum["field_code"]: option})
    assert sent(pd)[0]["data"]["custom_fields"] == {
        text: {"type": "varchar", "value": "x"},
        enum["field_code"]: {"type": "enum", "id": option},
    }


def test_merge_is_a_delete_and_a_change(pd: Caller) -> None:
    """The loser's delete names the survivor, the survivor's change names the loser."""
    pd.person(name="One Person")
    pd.person(name="Two Person")
    sent(pd)
    pd.call("PUT", "/v1/persons/1/merge", {"merge_with_id": 2})
    delete, change = (event["meta"] for event in sent(pd))
    assert (delete["action"], delete["entity_id"], delete["merged_to_id"]) == ("delete", "1", "2")
    assert (change["action"], change["entity_id"], change["merged_from_id"]) == ("change", "2", "1")


def test_only_what_was_subscribed_and_may_be_seen() -> None:
    """Action and object choose; private records of others are not told."""
    pd = Caller()
    subscribe(pd, event_action="delete", event_object="organization")
    subscribe(pd.as_colleague(), event_object="*")
    pd.person(visible_to=1)
    pd.organization()
    pd.call("DELETE", "/api/v2/organizations/1")
    told = [(event["meta"]["webhook_id"], event["meta"]["action"], event["meta"]["entity"]) for event in sent(pd)]
    assert told == [("2", "create", "organization"), ("1", "delete", "organization"), ("2", "delete", "organization")]


def test_basic_auth_travels(pd: Caller) -> None:
    """The name and password that were configured come as Basic authorization."""
    subscribe(pd, http_auth_user="u", http_auth_password="p")
    pd.person()
    headers = [delivery.headers.get("authorization") for delivery in pd.service.due_deliveries()]
    assert headers == [None, "Basic dTpw"]


def test_retries_after_3_30_150_seconds(pd: Caller) -> None:
    """A failed delivery is repeated three times with its attempt counted, then given up."""
    pd.person()
    attempts = [sent(pd, 500)[0]["meta"]["attempt"]]
    for wait in (3, 30, 150):
        pd.later(wait - 0.5)
        assert sent(pd, 500) == []
        pd.later(0.5)
        attempts.append(sent(pd, 0)[0]["meta"]["attempt"])
    assert attempts == [1, 2, 3, 4]
    pd.later(100_000)
    assert sent(pd) == []


def test_unreported_deliveries_come_again(pd: Caller) -> None:
    """A delivery handed out is not handed out twice at once, but again when nobody reports."""
    pd.person()
    assert len(pd.service.due_deliveries()) == 1
    assert pd.service.due_deliveries() == []
    pd.later(20)
    assert len(pd.service.due_deliveries()) == 1


def test_ban_after_ten_first_failures(pd: Caller) -> None:
    """Ten failed first attempts ban for 30 minutes; events meanwhile are lost."""
    for place in range(10):
        pd.person(name=f"Person {place}")
    sent(pd, 500)
    pd.person(name="Lost Person")
    pd.later(29 * 60)
    sent(pd)
    pd.later(61)
    pd.person(name="Heard Person")
    assert [event["data"]["name"] for event in sent(pd)] == ["Heard Person"]


def test_removal_after_three_days_without_success(pd: Caller) -> None:
    """A webhook that fails for three days is deleted."""
    for _ in range(4):
        pd.person()
        sent(pd, 500)
        pd.later(86_400)
    assert pd.get("/v1/webhooks").data == []
    assert sent(pd) == []


def test_success_keeps_it(pd: Caller) -> None:
    """One success in between is enough."""
    for place in range(6):
        pd.person()
        sent(pd, 200 if place == 2 else 500)
        pd.later(86_400)
    assert len(pd.get("/v1/webhooks").data) == 1


def test_loss_duplication_delay_and_reordering(pd: Caller) -> None:
    """By switch events get lost, come twice, late, or out of order."""
    pd.switch(webhook_loss=1.0)
    pd.person()
    assert sent(pd) == []
    pd.switch(webhook_loss=0.0, webhook_duplication=1.0)
    pd.patch(1, name="Twice Told")
    first, second = sent(pd)
    assert first == second
    pd.switch(webhook_duplication=0.0, webhook_delay_s=5.0)
    pd.patch(1, name="Late Told")
    assert sent(pd) == []
    pd.later(5)
    assert len(sent(pd)) == 1
    pd.switch(webhook_delay_s=0.0, webhook_reorder_s=60.0)
    for place in range(20):
        pd.patch(1, name=f"Name {place}")
    pd.later(60)
    names = [event["data"]["name"] for event in sent(pd)]
    assert len(names) == 20
    assert names != [f"Name {place}" for place in range(20)]
