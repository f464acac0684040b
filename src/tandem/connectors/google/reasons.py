"""What the People API's refusals mean: from status, code and details to one of Tandem's errors.

Rules: only codes of the service are looked at and kept, and few words of its messages are recognised where it has no code for a
thing; a message itself is never kept. A refusal of a batch names its members: `BatchRejected`.

Sources: google.rpc.Status and its details; messages quoted in public issues of the official client libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from tandem.clock import Clock
from tandem.connectors.http import Answer, Call
from tandem.connectors.wire import JsonObject, as_object, number_at, object_at, objects_at, text_at
from tandem.errors import (
    ConsentNarrowed,
    CursorExpired,
    Malformed,
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

SERVICE = "google"
#: The limits are by the minute and no answer says when it is over: waits of this length outlast it.
MINUTE_LIMIT_WAIT_S = 25.0
#: The quota of a day, and the one behind the service, come back in hours; it is looked for this often.
LONG_WAIT = timedelta(minutes=30)
#: google.rpc.Code of the refusals that matter inside a batch.
_CODES = {3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 7: "PERMISSION_DENIED", 9: "FAILED_PRECONDITION"}


class BatchRejected(Rejected):
    """The service refused a batch as a whole; nothing of it was done."""

    def __init__(self, members: Mapping[str, Rejected], *, status: int, reason: str) -> None:
        super().__init__(
            f"Google refused the batch because of {len(members)} of its members", service=SERVICE, status=status, reason=reason
        )
        #: Those that made it fail, by resource name (updates) or position (creations).
        self.members = members


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal taken apart. `message` is for recognising only."""

    status: int
    code: str
    message: str
    reasons: frozenset[str]
    members: Mapping[str, Rejected]
    is_long_quota: bool


def explainer(clock: Clock) -> Callable[[Call, Answer], TandemError]:
    """The table from a refusal to an error; the clock says until when a used-up quota is waited for."""

    def explain(call: Call, answer: Answer) -> TandemError:
        refusal = _read(answer)
        match refusal.status:
            case 400:
                return _bad_request(call, refusal)
            case 403:
                return _forbidden(refusal)
            case 404:
                return NotThere("Google knows no such record", service=SERVICE, status=404, reason=refusal.code)
            case 409 if refusal.code == "ABORTED":
                return Unavailable("Google gave way to another writer", service=SERVICE, status=409, reason=refusal.code)
            case 412:
                return VersionMoved(service=SERVICE, status=412, reason=refusal.code)
            case 429:
                return _too_much(refusal, clock)
            case _:
                return _rejected(refusal)

    return explain


def _bad_request(call: Call, refusal: _Refusal) -> TandemError:
    names = {name for name, _ in call.query}
    if call.kind == "people.connections.list" and names & {"syncToken", "pageToken"}:
        # An expired token has a code of its own; a foreign one, or one for other parameters, is just an invalid argument.
        return CursorExpired(service=SERVICE, status=400, reason=refusal.code)
    if refusal.members:
        return BatchRejected(refusal.members, status=400, reason=refusal.code)
    if _is_stale(refusal.code, refusal.message):
        return VersionMoved(service=SERVICE, status=400, reason=refusal.code)
    return _rejected(refusal)


def _forbidden(refusal: _Refusal) -> TandemError:
    if "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in refusal.reasons or "insufficient authentication scopes" in refusal.message:
        return ConsentNarrowed()
    if refusal.reasons & {"SERVICE_DISABLED", "accessNotConfigured"} or "is disabled" in refusal.message:
        return ServiceSwitchedOff("The People API is switched off in the Google project that this Tandem uses.")
    if refusal.reasons & {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"}:
        return RateLimited(retry_after_s=MINUTE_LIMIT_WAIT_S, service=SERVICE, status=403, reason=refusal.code)
    return NotAllowed(service=SERVICE, status=403, reason=refusal.code)


def _too_much(refusal: _Refusal, clock: Clock) -> TandemError:
    if _is_full(refusal.message):
        return _rejected(refusal)
    if refusal.is_long_quota:
        return QuotaExhausted(until=clock.now() + LONG_WAIT, service=SERVICE, reason=refusal.code)
    return RateLimited(retry_after_s=MINUTE_LIMIT_WAIT_S, service=SERVICE, reason=refusal.code)


def _rejected(refusal: _Refusal) -> Rejected:
    if _is_full(refusal.message):
        message = "The Google account holds as many contacts as it may (25,000, those in the bin among them): make room there."
        return Rejected(message, service=SERVICE, status=refusal.status, reason="MY_CONTACTS_OVERFLOW_COUNT")
    return Rejected(f"Google refused it ({refusal.status} {refusal.code})", service=SERVICE, status=refusal.status, reason=refusal.code)


def _member(error: JsonObject) -> Rejected:
    """What is wrong with one member of a batch."""
    code, message = _CODES.get(number_at(error, "code"), "UNKNOWN"), text_at(error, "message")
    if code == "NOT_FOUND":
        return NotThere(service=SERVICE, status=404, reason=code)
    if code == "PERMISSION_DENIED":
        return NotAllowed(service=SERVICE, status=403, reason=code)
    if _is_stale(code, message):
        return VersionMoved(service=SERVICE, status=400, reason=code)
    return _rejected(_Refusal(400, code, message, frozenset(), {}, is_long_quota=False))


def _is_stale(code: str, message: str) -> bool:
    return code == "FAILED_PRECONDITION" and "etag" in message


def _is_full(message: str) -> bool:
    return "MY_CONTACTS_OVERFLOW_COUNT" in message


def _read(answer: Answer) -> _Refusal:
    """The parts of an error body; a body of any other form says nothing."""
    try:
        error = object_at(as_object(answer.json()), "error")
        details = objects_at(error, "details")
        found = {text_at(detail, "reason") for detail in details} | {text_at(old, "reason") for old in objects_at(error, "errors")}
        members = {name: _member(as_object(one)) for detail in details for name, one in object_at(detail, "contactErrors").items()}
        is_long = any("violations" in one or "PerDay" in text_at(object_at(one, "metadata"), "quota_limit") for one in details)
        return _Refusal(answer.status, text_at(error, "status"), text_at(error, "message"), frozenset(found - {""}), members, is_long)
    except Malformed:
        return _Refusal(answer.status, "", "", frozenset(), {}, is_long_quota=False)
