"""The calls that the tests of the imitated Google make, without any client of ours or Google's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tandem.sandbox.google_oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tandem.sandbox.wire import Request, Response
from tandem.sandbox.world import World

CONTACT = "READ_SOURCE_TYPE_CONTACT"
FIELDS = "names,emailAddresses,phoneNumbers,memberships,metadata"


def value(response: Response) -> Any:
    """The JSON in an answer."""
    return json.loads(response.body)


@dataclass
class Google:
    """A caller of one world's Google; signed in with the known refresh token unless told otherwise."""

    world: World
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None) -> Response:
        """One request; a query value may be a list."""
        pairs = [(key, str(one)) for key, given in (query or {}).items() for one in (given if isinstance(given, list) else [given])]
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", **self.headers} if self.token else dict(self.headers)
        return self.world.handle(Request(method, f"/google{path}", tuple(pairs), headers, data))

    def call(self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None) -> Any:
        """One request that must succeed; its JSON."""
        response = self.send(method, path, query, body)
        assert response.status == 200, response.body
        return value(response)

    def fails(self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None) -> tuple[int, str, str]:
        """One request that must fail: code, status and message."""
        response = self.send(method, path, query, body)
        error = value(response)["error"]
        assert response.status == error["code"]
        return error["code"], error["status"], error["message"]

    def form(self, path: str, **parts: str) -> Response:
        """A form, as the OAuth calls take it."""
        from urllib.parse import urlencode

        return self.world.handle(Request("POST", f"/google{path}", body=urlencode(parts).encode()))

    def refresh(self, refresh_token: str = REFRESH_TOKEN) -> Response:
        """The token endpoint."""
        return self.form(
            "/token", grant_type="refresh_token", refresh_token=refresh_token, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
        )

    def sign_in(self) -> Google:
        """Take an access token."""
        self.token = value(self.refresh())["access_token"]
        return self

    def create(self, **fields: object) -> Any:
        """A contact, read back with all fields."""
        return self.call("POST", "/v1/people:createContact", {"sources": CONTACT}, fields or {"names": [{"givenName": "Ann"}]})

    def update(self, person: Mapping[str, Any], mask: str, **fields: object) -> Any:
        """A contact updated from the version in hand."""
        query = {"updatePersonFields": mask, "sources": CONTACT}
        return self.call("PATCH", f"/v1/{person['resourceName']}:updateContact", query, {"etag": person["etag"], **fields})

    def get(self, name: str, mask: str = FIELDS) -> Any:
        """One contact."""
        return self.call("GET", f"/v1/{name}", {"personFields": mask, "sources": CONTACT})

    def page(self, **query: object) -> Any:
        """One page of the listing, with sync asked for."""
        return self.call("GET", "/v1/people/me/connections", listing(**query))

    def listed(self, sync_token: str = "", **query: object) -> tuple[list[Any], str]:
        """All pages of a listing, and the sync token at their end."""
        people: list[Any] = []
        more = {"syncToken": sync_token} if sync_token else {}
        page = self.page(**more, **query)
        while True:
            people += page.get("connections", [])
            if "nextPageToken" not in page:
                return people, page["nextSyncToken"]
            assert "nextSyncToken" not in page
            page = self.page(**more, **query, pageToken=page["nextPageToken"])


def listing(**query: object) -> dict[str, object]:
    """The query of a listing with sync."""
    return {"personFields": FIELDS, "sources": CONTACT, "requestSyncToken": "true", **query}
