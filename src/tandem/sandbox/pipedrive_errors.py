"""How the imitated Pipedrive refuses: bodies by status, as seen in the wild or, where nobody has shown one, a likely form.

Rules: raise `RefusedError` (it carries the whole answer); one function per kind of refusal, each says how certain its body is.
Sources: the vendor's pages on responses, rate limiting and webhooks; reports in public issue trackers and clients.
"""

from __future__ import annotations

from tandem.sandbox.wire import Response, answer

HELP = "Please check developers.pipedrive.com"


class RefusedError(Exception):
    """Carries the answer to a request that is not carried out."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def invalid(*complaints: str) -> RefusedError:
    """400 of v2 (seen): every complaint is "parameter: what is wrong with it"."""
    return refusal(400, f"Validation failed: {'; '.join(complaints)}", "ERR_SCHEMA_VALIDATION_FAILED")


def bad_request(message: str) -> RefusedError:
    """400 of v2 for a rule that concerns several parameters (text seen, code likely)."""
    return refusal(400, message, "ERR_BAD_REQUEST")


def refusal(status: int, message: str, code: str) -> RefusedError:
    """The v2 form."""
    return RefusedError(answer({"success": False, "error": message, "code": code}, status))


def old_refusal(status: int, message: str, code: str | None = None) -> RefusedError:
    """The v1 form (documented)."""
    body = {"success": False, "error": message, "error_info": HELP, "data": None, "additional_data": None}
    return RefusedError(answer({**body, "code": code} if code else body, status))


def unauthorized() -> RefusedError:
    """401 (seen), for a bad token and for none, even on unknown paths."""
    body = {"success": False, "error": "unauthorized access", "errorCode": 401, "error_info": HELP}
    return RefusedError(answer(body, 401, {"x-401-by-gw": "true", "x-correlation-id": "00000000-0000-4000-8000-000000000401"}))


def payment_required() -> RefusedError:
    """402 (status documented, body likely)."""
    return old_refusal(402, "Company account is not open")


def forbidden(message: str = "You do not have permissions to do this.", code: str | None = None) -> RefusedError:
    """403 for want of a right (documented for v1, likely for v2)."""
    return old_refusal(403, message, code)


def scope_mismatch() -> RefusedError:
    """403 for want of an OAuth scope (remembered)."""
    return RefusedError(answer({"success": False, "error": "Scope and URL mismatch", "errorCode": 403, "error_info": HELP}, 403))


def not_found(what: str) -> RefusedError:
    """404 of v2 (text seen, code likely)."""
    return refusal(404, f"{what} not found", "ERR_NOT_FOUND")


def not_imitated(method: str, path: str) -> RefusedError:
    """501: a call that this sandbox does not know."""
    return RefusedError(
        answer({"success": False, "error": f"The sandbox does not imitate {method} {path}", "code": "ERR_NOT_IMITATED"}, 501)
    )


def over_limit(message: str, headers: dict[str, str]) -> RefusedError:
    """429 (body remembered); the headers tell a burst from an empty daily budget."""
    return RefusedError(answer({"success": False, "error": message, "errorCode": 429, "error_info": HELP}, 429, headers))


def blocked() -> RefusedError:
    """403 with a page of the vendor's content network instead of JSON (documented), for those who go on after 429."""
    page = "<!DOCTYPE html><html><head><title>Access denied</title></head><body><p>This error is produced by Cloudflare.</p></body></html>"
    return RefusedError(Response(403, {"content-type": "text/html; charset=UTF-8", "server": "cloudflare"}, page.encode()))
