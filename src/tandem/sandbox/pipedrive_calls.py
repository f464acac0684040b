"""What every call of the imitated API is given, and the common forms of its answers.

Rules: a handler takes a `Call` and returns a `Response` or raises `RefusedError`; who calls, from where and with which right has been
settled before it runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_errors import bad_request, invalid
from tandem.sandbox.pipedrive_model import Actor, Kind, Object, Table
from tandem.sandbox.wire import Json, Request, Response, answer

QueryCheck: TypeAlias = Callable[[str], Json]

MAX_LIMIT = 500
DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request. `kind` is the sort of record it is about; `oauth` tells an app from an API token."""

    company: Company
    request: Request
    user_id: int
    oauth: bool
    kind: Kind
    arguments: Mapping[str, str]

    @property
    def actor(self) -> Actor:
        """Who acts, as the change log names it."""
        return Actor(self.user_id, "api", self.request.headers.get("user-agent", ""))

    @property
    def table(self) -> Table:
        """The records of the kind that the call is about."""
        return self.company.table(self.kind)

    @property
    def id(self) -> int:
        """The id in the path; refused unless a whole number."""
        text = self.arguments["id"]
        if not text.isdigit() or len(text) > 18:
            raise invalid("id: The value is not a valid 'integer'")
        return int(text)

    def query(self, allowed: Mapping[str, QueryCheck]) -> Object:
        """The query of a v2 call, strictly read; the token may stand in it."""
        given = tuple((name, text) for name, text in self.request.query if name != "api_token")
        return check.query(given, allowed)

    def body(self) -> Object:
        """The body as a JSON object; refused otherwise."""
        try:
            value = json.loads(self.request.body or b"null")
        except (ValueError, UnicodeDecodeError) as error:
            raise bad_request("The request body is not valid JSON") from error
        if not isinstance(value, dict):
            raise bad_request("The request body must be a JSON object")
        return value

    def limit(self, asked: Json) -> int:
        """The page size asked for; beyond the maximum a switch decides."""
        limit = asked if isinstance(asked, int) else DEFAULT_LIMIT
        if limit < 1 or (limit > MAX_LIMIT and self.company.switches["over_limit"] == "refuse"):
            raise invalid(f"limit: The value must be between 1 and {MAX_LIMIT}")
        return min(limit, MAX_LIMIT)


def found(data: Json, additional: Json = None, status: int = 200) -> Response:
    """The usual answer."""
    return answer({"success": True, "data": data} | ({"additional_data": additional} if additional is not None else {}), status)


Handler: TypeAlias = Callable[[Call], Response]
