"""The People API's errors: one exception, and the bodies seen from the real service.

Sources: public issues that quote real answers. Texts nobody has published fall back on the service's general one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tandem.sandbox.fault_bodies import BAD_CREDENTIALS
from tandem.sandbox.wire import Json, JsonObject, Response, answer

GENERAL = "Request contains an invalid argument."
_CODES = {
    "INVALID_ARGUMENT": (400, 3),
    "FAILED_PRECONDITION": (400, 9),
    "NOT_FOUND": (404, 5),
    "ALREADY_EXISTS": (409, 6),
    "PERMISSION_DENIED": (403, 7),
    "RESOURCE_EXHAUSTED": (429, 8),
    "UNAUTHENTICATED": (401, 16),
    "UNIMPLEMENTED": (501, 12),
}
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class ApiError(Exception):
    """One refused call, or one refused contact of a batch."""

    def __init__(
        self, status: str, message: str = GENERAL, details: Sequence[JsonObject] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details: list[Json] = list(details)
        self.headers = dict(headers or {})

    @property
    def code(self) -> int:
        """The HTTP status."""
        return _CODES[self.status][0]

    def response(self, tokens: Mapping[str, int] | None = None) -> Response:
        """The whole answer."""
        error: JsonObject = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return answer({"error": error}, self.code, self.headers, tokens)

    def rpc_status(self) -> JsonObject:
        """A `google.rpc.Status`, as it stands inside a batch's answer."""
        return {"code": _CODES[self.status][1], "message": self.message}


def invalid(message: str = GENERAL) -> ApiError:
    """400 INVALID_ARGUMENT."""
    return ApiError("INVALID_ARGUMENT", message)


def bad_field(path: str, description: str) -> ApiError:
    """400 for a body or parameter that does not fit the schema; `path` may be empty."""
    violation: JsonObject = {"description": description}
    if path:
        violation["field"] = path
    return ApiError(
        "INVALID_ARGUMENT", description, [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    )


def not_found() -> ApiError:
    """404 for a contact or group that is not there, or no longer."""
    return ApiError("NOT_FOUND", "Requested entity was not found.")


def expired_sync_token() -> ApiError:
    """400 FAILED_PRECONDITION for a sync token past its seven days."""
    info: JsonObject = {"@type": _ERROR_INFO, "reason": "EXPIRED_SYNC_TOKEN", "domain": "people.googleapis.com"}
    return ApiError("FAILED_PRECONDITION", "Sync token is expired. Clear local cache and retry call without the sync token.", [info])


def missing_etag() -> ApiError:
    """400 for an update that names no version."""
    return invalid("Request must set person.etag or person.metadata.sources.etag for the source that is being updated.")


def stale_etag(what: str) -> ApiError:
    """400 for an update of a version that is no longer current; `what` is the place where it was named."""
    debug: JsonObject = {
        "@type": "type.googleapis.com/google.rpc.DebugInfo",
        "detail": (
            "[ORIGINAL ERROR] generic::failed_precondition: com.google.social.boq.socialgraph.peopleapi"
            f": Request {what} is different than the current {what}."
        ),
    }
    message = f"Request {what} is different than the current {what}. Clear local cache and get the latest person."
    return ApiError("FAILED_PRECONDITION", message, [debug])


def exhausted() -> ApiError:
    """429 of the backend behind the service; also what an oversized note gets."""
    return ApiError("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")


def unauthenticated(*, missing: bool) -> ApiError:
    """401 for a missing or dead access token."""
    text = BAD_CREDENTIALS
    realm = 'Bearer realm="https://accounts.google.com/"'
    if missing:
        text = BAD_CREDENTIALS.replace("Request had invalid", "Request is missing required").replace("credentials.", "credential.", 1)
        return ApiError("UNAUTHENTICATED", text, headers={"www-authenticate": realm})
    return ApiError("UNAUTHENTICATED", text, headers={"www-authenticate": f'{realm}, error="invalid_token"'})


def scope_insufficient(scopes: Sequence[str]) -> ApiError:
    """403 for a token without any of the scopes that the call accepts."""
    info: JsonObject = {
        "@type": _ERROR_INFO,
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "people.googleapis.com"},
    }
    challenge = f'Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="{" ".join(scopes)}"'
    headers = {"www-authenticate": challenge, "vary": "Origin, X-Origin, Referer", "server": "ESF"}
    return ApiError("PERMISSION_DENIED", "Request had insufficient authentication scopes.", [info], headers)


def api_disabled(project: str) -> ApiError:
    """403 for a project in which the People API is switched off."""
    url = f"https://console.developers.google.com/apis/api/people.googleapis.com/overview?project={project}"
    info: JsonObject = {
        "@type": _ERROR_INFO,
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": "people.googleapis.com", "consumer": f"projects/{project}"},
    }
    message = f"People API has not been used in project {project} before or it is disabled. Enable it by visiting {url} then retry."
    return ApiError("PERMISSION_DENIED", message, [info])


def batch_failed(message: str, errors: Mapping[str, ApiError]) -> ApiError:
    """400 for a batch of which some contacts cannot be done, and therefore none was. `message` names the detail's type."""
    detail: JsonObject = {
        "@type": f"type.googleapis.com/google.people.v1.{message}",
        "contactErrors": {key: error.rpc_status() for key, error in errors.items()},
    }
    return ApiError("INVALID_ARGUMENT", GENERAL, [detail])
