"""The error bodies that each service sends when something outside the call itself is wrong.

Sources: Google's error model (google.rpc.Status) with the texts seen in public issues; Pipedrive's status list and the bodies
seen in issues of its official clients. Pipedrive's 429 and 402 bodies are not documented and are likely, not proven.
"""

from __future__ import annotations

from tandem.sandbox.wire import Response, answer

BAD_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication "
    "credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_GOOGLE: dict[str, tuple[str, str]] = {
    "400": ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    "401": ("UNAUTHENTICATED", BAD_CREDENTIALS),
    "403": ("PERMISSION_DENIED", "The caller does not have permission"),
    "404": ("NOT_FOUND", "Requested entity was not found."),
    "409": ("ABORTED", "The operation was aborted."),
    "429": ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "500": ("INTERNAL", "Internal error encountered."),
    "502": ("UNAVAILABLE", "Bad Gateway"),
    "503": ("UNAVAILABLE", "The service is currently unavailable."),
    "504": ("DEADLINE_EXCEEDED", "Deadline exceeded."),
}
_PIPEDRIVE: dict[str, tuple[str, dict[str, str]]] = {
    "401": ("unauthorized access", {"x-401-by-gw": "true"}),
    "402": ("Company account is not open (possible reason: trial expired, payment details not entered)", {}),
    "403": ("Scope and URL mismatch", {}),
    "404": ("Not found", {}),
    "429": ("request over limit", {"x-ratelimit-limit": "80", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}),
    "429-daily": (
        "request over limit",
        {"x-ratelimit-limit": "80", "x-ratelimit-remaining": "78", "x-ratelimit-reset": "2", "x-daily-ratelimit-token-remaining": "0"},
    ),
    "500": ("Internal Server Error", {}),
}
_PAGE = (
    "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>Error {status}</h1>"
    "<p>This error is produced by the gateway in front of the service.</p></body></html>"
)


def error_answer(service: str, name: str) -> Response:
    """The answer for `429`, `429-daily`, `403-html`, ...: JSON in the service's own form, or a gateway's HTML page."""
    status = int(name[:3])
    if name.endswith("-html") or (service == "pipedrive" and status in {502, 503, 504, 524}):
        return Response(status, {"content-type": "text/html; charset=UTF-8"}, _PAGE.format(status=status).encode())
    return _google(name) if service == "google" else _pipedrive(name)


def _google(name: str) -> Response:
    status, message = _GOOGLE.get(name[:3], ("UNKNOWN", "Unknown Error."))
    error: dict[str, object] = {"code": int(name[:3]), "message": message, "status": status}
    if name == "429-daily":
        violation = {"subject": "QUOTA_EXCEEDED", "description": "FBS quota limit exceeded"}
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    return answer({"error": error}, int(name[:3]))


def _pipedrive(name: str) -> Response:
    status = int(name[:3])
    text, headers = _PIPEDRIVE.get(name) or _PIPEDRIVE.get(name[:3]) or ("Unknown error", {})
    if status == 500:
        return answer({"success": False, "error": text, "code": "ERR_UNKNOWN"}, status)
    body = {"success": False, "error": text, "errorCode": status, "error_info": "Please check developers.pipedrive.com"}
    return answer(body, status, headers)
