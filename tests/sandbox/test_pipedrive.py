"""Promises of the imitated Pipedrive's door: who gets in, what exists, determinism, persistence, speed."""

from __future__ import annotations

import pickle

import pytest

from sandbox.pipedrive_caller import Caller
from tandem.sandbox.pipedrive import ROUTES
from tandem.sandbox.pipedrive_switches import SWITCHES
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Request


@pytest.fixture
def pd() -> Caller:
    """A fresh company."""
    return Caller()


def test_401_body_and_header_without_a_token_even_on_unknown_paths(pd: Caller) -> None:
    """A missing or wrong token is answered 401 in the gateway's form, on any path."""
    for headers in ({}, {"x-api-token": "wrong"}, {"authorization": "Bearer nonsense"}):
        pd.headers = headers
        answer = pd.get("/api/v2/nowhere")
        assert answer.status == 401
        assert answer.json["error"] == "unauthorized access"
        assert answer.json["errorCode"] == 401
        assert answer.headers["x-401-by-gw"] == "true"


def test_token_may_stand_in_the_query_unless_switched_off(pd: Caller) -> None:
    """`?api_token=` works as the header does, and can be forbidden."""
    pd.headers = {}
    query = [("api_token", "sandbox-pipedrive-token")]
    assert pd.call("GET", "/api/v2/persons", query=query).status == 200
    pd.switch(token_in_query=False)
    assert pd.call("GET", "/api/v2/persons", query=query).status == 401


def test_v1_lives_under_two_bases_and_v2_under_one(pd: Caller) -> None:
    """v1 answers under /api/v1 and /v1, v2 only under /api/v2."""
    assert pd.get("/v1/users/me").status == pd.get("/api/v1/users/me").status == 200
    assert pd.get("/api/v2/persons").status == 200
    assert pd.get("/v2/persons").status == 501


def test_unknown_calls_are_501_and_name_the_call(pd: Caller) -> None:
    """What is not imitated says so."""
    answer = pd.call("POST", "/api/v1/deals", {})
    assert answer.status == 501
    assert "POST /api/v1/deals" in answer.json["error"]
    assert pd.get("/api/v1/persons").status == 501, "v1 persons are out of support and must not be used"


def test_402_when_the_account_is_closed(pd: Caller) -> None:
    """A company whose trial has run out answers 402 to everything."""
    pd.switch(account_open=False)
    assert pd.get("/api/v2/persons").status == 402


def test_describe_names_calls_as_the_vendor_does(pd: Caller) -> None:
    """Every route has a name, and only writes count as writes."""
    describe = pd.service.describe
    assert describe(Request("GET", "/api/v2/persons/5")).kind == "getPerson"
    assert describe(Request("GET", "/api/v2/persons/search")).kind == "searchPersons"
    assert describe(Request("PATCH", "/api/v2/persons/5")).is_write
    assert describe(Request("GET", "/v1/users/me")).kind == "getCurrentUser"
    assert describe(Request("POST", "/oauth/token")).kind == "oauth.token"
    assert not describe(Request("POST", "/oauth/token")).is_write
    assert describe(Request("GET", "/api/v2/leads")).kind == "unknown"
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_bad_json_never_raises(pd: Caller) -> None:
    """Bodies that are no JSON objects are refused."""
    for body in (b"", b"{", b"[]", b"\xff", b'"x"'):
        assert pd.call("POST", "/api/v2/persons", body).status == 400
    assert pd.get("/api/v2/persons/abc").status == 400
    assert pd.get("/api/v2/persons/99999999999999999999999").status == 400


def test_users_me_and_users(pd: Caller) -> None:
    """users/me tells the company's domain and who is an administrator."""
    me = pd.get("/api/v1/users/me").data
    assert (me["id"], me["company_domain"], me["company_id"]) == (1, "sandbox-company", 1)
    assert all(access["admin"] for access in me["access"])
    colleague = pd.as_colleague().get("/api/v1/users/me").data
    assert colleague["id"] == 2
    assert not any(access["admin"] for access in colleague["access"])
    assert [user["is_you"] for user in pd.get("/v1/users").data] == [True, False]
    assert pd.get("/v1/users/9").json == {"success": False, "error": "User not found or not accessible."}
    assert pd.get("/v1/userSettings").data["person_duplicate_condition"] == "name && (org_id || email || phone)"


def test_every_switch_has_an_explanation() -> None:
    """Each switch says what it does."""
    assert all(len(text) > 10 for _, text in SWITCHES.values())


def test_human_refuses_nonsense(pd: Caller) -> None:
    """A mistyped edit is an error, never a silent nothing."""
    pd.human("create_person", name="Jane")
    for op, arguments in (
        ("no_such", {}),
        ("delete_person", {"id": 99}),
        ("delete_person", {"id": 1, "extra": 1}),
        ("update_person", {"id": 1, "emails": None}),
        ("update_person", {"id": 1, "job_title": "x"}),
        ("create_person", {"name": "x", "user": 7}),
        ("create_person", {"foo": 1}),
        ("set_counts", {"id": 1, "bananas": 3}),
        ("rename_organization", {"id": 1, "name": "x"}),
    ):
        with pytest.raises(HumanError):
            pd.human(op, **arguments)


def test_human_log_keeps_before_and_after(pd: Caller) -> None:
    """Each human edit stands in the log with the record before and after."""
    pd.human("create_person", name="Jane Doe")
    pd.human("update_person", id=1, name="Jane Roe", user=2)
    log = pd.service.human_log
    assert [edit.op for edit in log] == ["create_person", "update_person"]
    assert log[0].before is None
    assert log[1].before["name"] == "Jane Doe"
    assert log[1].after["name"] == "Jane Roe"


def _play(pd: Caller) -> object:
    for place in range(5):
        pd.person(name=f"Person {place}", emails=[{"value": f"p{place}@example.com"}])
    pd.call("POST", "/api/v2/personFields", {"field_name": "Tandem ID", "field_type": "varchar"})
    pd.human("delete_person", id=3)
    return pd.service.state()


def test_same_seed_same_state() -> None:
    """The same seed and the same calls make the same state, custom field codes included."""
    assert _play(Caller()) == _play(Caller())


def test_pickle_round_trip(pd: Caller) -> None:
    """A stored company goes on where it was."""
    before = _play(pd)
    copy = Caller(pickle.loads(pickle.dumps(pd.service)))  # noqa: S301 - our own bytes
    assert copy.service.state() == before
    assert copy.person(name="New")["id"] == pd.person(name="New")["id"] == 6
    assert copy.service.state() == pd.service.state()
