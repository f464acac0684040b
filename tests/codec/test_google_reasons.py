"""The table of Google's refusals: each answer seen in the wild, and the error that it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tandem.connectors.google import api
from tandem.connectors.google.reasons import BatchRejected, explainer
from tandem.connectors.http import Answer, Call
from tandem.errors import (
    ConsentNarrowed,
    CursorExpired,
    NotAllowed,
    NotThere,
    QuotaExhausted,
    RateLimited,
    Rejected,
    ServiceSwitchedOff,
    TandemError,
    Unavailable,
    VersionMoved,
)

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
FIRST = api.list_people()
NEXT = api.list_people(sync_token="t")
PAGE = api.list_people(page_token="t")
GET = api.get_person("people/c1")
CREATE = api.create_person({})
UPDATE = api.update_person("people/c1", {}, ["names"])
STALE = "Request person.etag is different than the current person.etag. Clear local cache and get the latest person."
STALE_SOURCE = STALE.replace("person.etag", "person.metadata.sources.etag")
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
EXHAUSTED = "Resource has been exhausted (e.g. check quota)."


class Standing:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Always the same."""
        return NOW

    def sleep(self, seconds: float) -> None:
        """Nobody waits here."""
        raise AssertionError(seconds)


def explain(call: Call, status: int, code: str = "", message: str = "", **more: object) -> TandemError:
    """The error for an answer of the documented form."""
    body = {"error": {"code": status, "status": code, "message": message, **more}}
    return explainer(Standing())(call, Answer(status, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("call", "status", "code", "message", "details", "error"),
    [
        (
            NEXT,
            400,
            "FAILED_PRECONDITION",
            "Sync token is expired. Clear local cache",
            [{"@type": INFO, "reason": "EXPIRED_SYNC_TOKEN"}],
            CursorExpired,
        ),
        (NEXT, 400, "INVALID_ARGUMENT", "Request contains an invalid argument.", [], CursorExpired),
        (PAGE, 400, "INVALID_ARGUMENT", "Request contains an invalid argument.", [], CursorExpired),
        (FIRST, 400, "INVALID_ARGUMENT", "Request contains an invalid argument.", [], Rejected),
        (UPDATE, 400, "FAILED_PRECONDITION", STALE, [{"@type": "type.googleapis.com/google.rpc.DebugInfo", "detail": "x"}], VersionMoved),
        (UPDATE, 400, "FAILED_PRECONDITION", STALE_SOURCE, [], VersionMoved),
        (UPDATE, 400, "FAILED_PRECONDITION", "Something else is in the way.", [], Rejected),
        (UPDATE, 400, "INVALID_ARGUMENT", "Invalid country code: ZZ", [], Rejected),
        (UPDATE, 412, "FAILED_PRECONDITION", "", [], VersionMoved),
        (CREATE, 400, "FAILED_PRECONDITION", "MY_CONTACTS_OVERFLOW_COUNT", [], Rejected),
        (CREATE, 429, "RESOURCE_EXHAUSTED", "MY_CONTACTS_OVERFLOW_COUNT", [], Rejected),
        (GET, 404, "NOT_FOUND", "Requested entity was not found.", [], NotThere),
        (GET, 403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", [], ConsentNarrowed),
        (GET, 403, "PERMISSION_DENIED", "", [{"@type": INFO, "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}], ConsentNarrowed),
        (GET, 403, "PERMISSION_DENIED", "People API has not been used in project 1 before or it is disabled.", [], ServiceSwitchedOff),
        (GET, 403, "PERMISSION_DENIED", "", [{"@type": INFO, "reason": "SERVICE_DISABLED"}], ServiceSwitchedOff),
        (GET, 403, "PERMISSION_DENIED", "The caller does not have permission", [], NotAllowed),
        (CREATE, 409, "ABORTED", "The operation was aborted.", [], Unavailable),
        (CREATE, 409, "ALREADY_EXISTS", "Contact group name already exists.", [], Rejected),
        (
            GET,
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded for quota metric",
            [{"@type": INFO, "reason": "RATE_LIMIT_EXCEEDED"}],
            RateLimited,
        ),
        (GET, 429, "RESOURCE_EXHAUSTED", EXHAUSTED, [], RateLimited),
        (GET, 429, "RESOURCE_EXHAUSTED", EXHAUSTED, [{"violations": [{"subject": "QUOTA_EXCEEDED"}]}], QuotaExhausted),
        (
            CREATE,
            429,
            "RESOURCE_EXHAUSTED",
            "",
            [{"@type": INFO, "metadata": {"quota_limit": "DailyPerDayPerProjectPerUser"}}],
            QuotaExhausted,
        ),
        (CREATE, 413, "", "", [], Rejected),
    ],
)
def test_each_refusal_has_its_error(
    call: Call, status: int, code: str, message: str, details: list[object], error: type[TandemError]
) -> None:
    """Exactly this class: a wider one would take another next step."""
    assert type(explain(call, status, code, message, details=details)) is error


def test_the_old_error_form_is_understood() -> None:
    """Some paths still answer with a list of `errors`."""
    old = {"errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded", "message": "x"}]}
    assert type(explain(GET, 403, "", "", **old)) is RateLimited


def test_a_used_up_quota_says_until_when() -> None:
    """It is a state with a time."""
    error = explain(GET, 429, "RESOURCE_EXHAUSTED", EXHAUSTED, details=[{"violations": []}])
    assert isinstance(error, QuotaExhausted)
    assert error.until > NOW


def test_a_refused_batch_names_its_members() -> None:
    """Each with an error of its own."""
    members = {
        "people/c1": {"code": 9, "message": STALE},
        "people/c2": {"code": 5, "message": "Requested entity was not found."},
        "people/c3": {"code": 3, "message": "Invalid country code: ZZ"},
        "people/c4": {"code": 7, "message": "x"},
    }
    error = explain(UPDATE, 400, "INVALID_ARGUMENT", "x", details=[{"contactErrors": members}])
    assert isinstance(error, BatchRejected)
    assert [type(one) for one in error.members.values()] == [VersionMoved, NotThere, Rejected, NotAllowed]


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"[]", b'{"error":"x"}', b'{"error":{"details":[5]}}', b'{"error":{"message":{}}}']
)
def test_a_body_of_another_form_says_nothing(content: bytes) -> None:
    """A gateway's page is judged by its status alone."""
    assert type(explainer(Standing())(GET, Answer(403, {}, content))) is NotAllowed


def test_no_error_keeps_what_the_service_wrote() -> None:
    """Messages may hold contact data."""
    for status in (400, 403, 404, 409, 412, 418, 429):
        error = explain(UPDATE, status, "INVALID_ARGUMENT", "Invalid value: Ann Secretname")
        assert "Secretname" not in f"{error} {error.args} {vars(error)}"
