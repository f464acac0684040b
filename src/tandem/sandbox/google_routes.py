"""Which request is which call: method and path, the scopes that will do, and the query parameters that the call knows.

Source: the discovery document. Calls that a contact sync never makes are named too, so that the log says what was asked for; they
get 501, as does every path that is not here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from tandem.sandbox import google_groups as groups
from tandem.sandbox import google_people as people
from tandem.sandbox.google_asked import Asked
from tandem.sandbox.google_errors import bad_field
from tandem.sandbox.google_listing import list_connections
from tandem.sandbox.google_oauth import CONTACTS, CONTACTS_READONLY, EMAIL, PROFILE
from tandem.sandbox.wire import JsonObject, Request

_READ = (CONTACTS, CONTACTS_READONLY)
_WRITE = (CONTACTS,)
_GLOBAL = frozenset(
    (
        "fields",
        "alt",
        "prettyPrint",
        "quotaUser",
        "key",
        "access_token",
        "oauth_token",
        "$.xgafv",
        "callback",
        "uploadType",
        "upload_protocol",
    )
)


@dataclass(frozen=True, slots=True)
class Route:
    """One call. Without `answer` it is known by name only."""

    kind: str
    method: str
    path: re.Pattern[str]
    answer: Callable[[Asked], JsonObject] | None = None
    parameters: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()

    @property
    def is_write(self) -> bool:
        """Whether the call changes contacts or groups."""
        return self.scopes == _WRITE


def _route(kind: str, method: str, path: str, answer: Callable[[Asked], JsonObject] | None = None, parameters: str = "") -> Route:
    pattern = re.compile("/" + path.replace("{}", "([^/:]+)"))
    writes = method != "GET"
    return Route(kind, method, pattern, answer, frozenset(parameters.split()), _WRITE if writes else _READ)


_PERSON = frozenset(("personFields", "requestMask.includeField", "sources"))
_LIST = "personFields requestMask.includeField sources pageSize pageToken sortOrder requestSyncToken syncToken"
ROUTES: tuple[Route, ...] = (
    _route("people.connections.list", "GET", "v1/people/{}/connections", list_connections, _LIST),
    _route(
        "people.getBatchGet", "GET", "v1/people:batchGet", people.batch_get, "resourceNames personFields requestMask.includeField sources"
    ),
    # The rights of signing in will do to be told about oneself.
    Route("people.get", "GET", re.compile("/v1/people/([^/:]+)"), people.get_person, _PERSON, (*_READ, EMAIL, PROFILE)),
    _route("people.createContact", "POST", "v1/people:createContact", people.create_contact, "personFields sources"),
    _route("people.updateContact", "PATCH", "v1/people/{}:updateContact", people.update_contact, "updatePersonFields personFields sources"),
    _route("people.deleteContact", "DELETE", "v1/people/{}:deleteContact", people.delete_contact),
    _route("people.batchCreateContacts", "POST", "v1/people:batchCreateContacts", people.batch_create),
    _route("people.batchUpdateContacts", "POST", "v1/people:batchUpdateContacts", people.batch_update),
    _route("people.batchDeleteContacts", "POST", "v1/people:batchDeleteContacts", people.batch_delete),
    _route("people.updateContactPhoto", "PATCH", "v1/people/{}:updateContactPhoto"),
    _route("people.deleteContactPhoto", "DELETE", "v1/people/{}:deleteContactPhoto"),
    _route("people.searchContacts", "GET", "v1/people:searchContacts"),
    _route("people.listDirectoryPeople", "GET", "v1/people:listDirectoryPeople"),
    _route("people.searchDirectoryPeople", "GET", "v1/people:searchDirectoryPeople"),
    _route("contactGroups.list", "GET", "v1/contactGroups", groups.list_groups, "groupFields pageSize pageToken syncToken"),
    _route("contactGroups.batchGet", "GET", "v1/contactGroups:batchGet", groups.batch_get_groups, "resourceNames groupFields maxMembers"),
    _route("contactGroups.get", "GET", "v1/contactGroups/{}", groups.get_group, "groupFields maxMembers"),
    _route("contactGroups.create", "POST", "v1/contactGroups", groups.create_group),
    _route("contactGroups.update", "PUT", "v1/contactGroups/{}", groups.update_group),
    _route("contactGroups.delete", "DELETE", "v1/contactGroups/{}", groups.delete_group, "deleteContacts"),
    _route("contactGroups.members.modify", "POST", "v1/contactGroups/{}/members:modify", groups.modify_members),
    _route("otherContacts.list", "GET", "v1/otherContacts"),
    _route("otherContacts.search", "GET", "v1/otherContacts:search"),
    _route("otherContacts.copyOtherContactToMyContactsGroup", "POST", "v1/otherContacts/{}:copyOtherContactToMyContactsGroup"),
    Route("batch", "POST", re.compile(r"/batch(?:/.*)?")),
    Route("oauth.authorize", "GET", re.compile(r"/o/oauth2/(?:v2/)?auth")),
    Route("oauth.authorize", "POST", re.compile(r"/o/oauth2/(?:v2/)?auth")),
    Route("oauth.token", "POST", re.compile(r"/token|/oauth2/v4/token")),
    Route("oauth.revoke", "POST", re.compile(r"/revoke")),
    Route("oauth.tokeninfo", "GET", re.compile(r"/tokeninfo|/oauth2/v[123]/tokeninfo")),
    Route("oauth.tokeninfo", "POST", re.compile(r"/tokeninfo|/oauth2/v[123]/tokeninfo")),
    Route("oauth.userinfo", "GET", re.compile(r"/v1/userinfo|/oauth2/v[123]/userinfo")),
)


def find(request: Request) -> tuple[Route | None, tuple[str, ...]]:
    """The call and the names in its path."""
    for route in ROUTES:
        if route.method == request.method and (match := route.path.fullmatch(request.path)):
            return route, match.groups()
    return None, ()


def unwrapped(request: Request) -> Request:
    """A GET that came as POST because its address would have been too long: its parameters are in the body."""
    method = request.headers.get("x-http-method-override", "")
    if not method:
        return request
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True) if method == "GET" else []
    return replace(request, method=method, query=(*request.query, *pairs), body=b"" if method == "GET" else request.body)


def check_query(route: Route, request: Request) -> None:
    """Refuse a parameter that the call does not have. ApiError 400."""
    for name, _ in request.query:
        if name not in route.parameters and name not in _GLOBAL:
            reason = f"Cannot bind query parameter. Field '{name}' could not be found in request message."
            raise bad_field("", f'Invalid JSON payload received. Unknown name "{name}": {reason}')
