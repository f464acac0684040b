"""The imitated Pipedrive: which call is which, who may make it, and what it costs.

Rules: in this order a request is stopped by a closed account (402), a missing or bad token (401), an unknown call (501), the limits
(429, 403 page), a missing scope (403), and only then by what it says. `handle` never raises.
Sources: call names, costs and scopes from the vendor's published API reference; see the modules for the rest.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from tandem.sandbox import pipedrive_fields as fields
from tandem.sandbox import pipedrive_history as history
from tandem.sandbox import pipedrive_lists as lists
from tandem.sandbox import pipedrive_records as records
from tandem.sandbox import pipedrive_search as searches
from tandem.sandbox import pipedrive_settings as settings
from tandem.sandbox.clock import Clock
from tandem.sandbox.pipedrive_calls import Call as Authorised
from tandem.sandbox.pipedrive_calls import Handler
from tandem.sandbox.pipedrive_company import API_TOKEN, COLLEAGUE_TOKEN, COMPANY_DOMAIN, COMPANY_NAME, Company, HumanEdit, found
from tandem.sandbox.pipedrive_errors import RefusedError, not_imitated, payment_required, scope_mismatch, unauthorized
from tandem.sandbox.pipedrive_human import perform, tell_uninstalled
from tandem.sandbox.pipedrive_model import Kind, Object
from tandem.sandbox.pipedrive_oauth import CLIENT_ID, CLIENT_SECRET
from tandem.sandbox.pipedrive_webhooks import Delivery
from tandem.sandbox.service import Switch
from tandem.sandbox.wire import Call, Json, Request, Response

__all__ = ["API_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "COLLEAGUE_TOKEN", "COMPANY_DOMAIN", "COMPANY_NAME", "PipedriveService"]

_READ = frozenset({"contacts:read", "contacts:full"})
_FULL = frozenset({"contacts:full"})
_FIND = _READ | {"search:read"}
_FIELDS_READ = _READ | {"admin", "contact-fields:full"}
_FIELDS_WRITE = frozenset({"admin", "contact-fields:full"})
_FILTERS = _READ | {"deals:read", "deals:full", "activities:read", "activities:full"}
_ADMIN = frozenset({"admin"})
_BASE = frozenset({"base"})
_RECENTS = frozenset({"recents:read", "search:read"})
_CHANGES = frozenset({"recents:read"})
_USERS = frozenset({"users:read"})


@dataclass(frozen=True, slots=True)
class Route:
    """One call: the vendor's name for it, its cost in tokens, and the scopes of which an app needs one."""

    method: str
    path: str
    name: str
    cost: int
    scopes: frozenset[str]
    handler: Handler
    kind: Kind = "person"


def _entity(plural: str, singular: str, kind: Kind) -> tuple[Route, ...]:
    base = f"v2/{plural.lower()}"
    field_path = f"v2/{singular.lower()}Fields"
    one = f"{field_path}/{{field_code}}"
    return (
        Route("GET", base, f"get{plural}", 10, _READ, lists.list_records, kind),
        Route("GET", f"{base}/search", f"search{'Persons' if kind == 'person' else 'Organization'}", 20, _FIND, searches.search, kind),
        Route("GET", f"{base}/{{id}}", f"get{singular}", 1, _READ, records.get, kind),
        Route("POST", base, f"add{singular}", 5, _FULL, records.create, kind),
        Route("PATCH", f"{base}/{{id}}", f"update{singular}", 5, _FULL, records.change, kind),
        Route("DELETE", f"{base}/{{id}}", f"delete{singular}", 3, _FULL, records.delete, kind),
        Route("GET", field_path, f"get{singular}Fields", 10, _FIELDS_READ, fields.list_fields, kind),
        Route("POST", field_path, f"add{singular}Field", 5, _FIELDS_WRITE, fields.add_field, kind),
        Route("GET", one, f"get{singular}Field", 1, _FIELDS_READ, fields.get_field, kind),
        Route("PATCH", one, f"update{singular}Field", 5, _FIELDS_WRITE | _FULL, fields.change_field, kind),
        Route("DELETE", one, f"delete{singular}Field", 3, _FIELDS_WRITE, fields.delete_field, kind),
        Route("PUT", f"v1/{plural.lower()}/{{id}}/merge", f"merge{plural}", 40, _FULL, records.merge, kind),
        Route("GET", f"v1/{plural.lower()}/{{id}}/changelog", f"get{singular}Changelog", 20, _CHANGES, history.changelog, kind),
    )


ROUTES: tuple[Route, ...] = (
    *_entity("Persons", "Person", "person"),
    *_entity("Organizations", "Organization", "organization"),
    Route("GET", "v2/itemSearch/field", "searchItemByField", 20, frozenset({"search:read"}), searches.by_field),
    Route("GET", "v1/users/me", "getCurrentUser", 2, _BASE, settings.me),
    Route("GET", "v1/users", "getUsers", 20, _USERS, settings.list_users),
    Route("GET", "v1/users/{id}", "getUser", 2, _USERS, settings.get_user),
    Route("GET", "v1/userSettings", "getUserSettings", 2, _BASE, settings.user_settings),
    Route("GET", "v1/recents", "getRecents", 20, _RECENTS, history.recents),
    Route("GET", "v1/filters", "getFilters", 20, _FILTERS, settings.list_filters),
    Route("GET", "v1/filters/{id}", "getFilter", 2, _FILTERS, settings.get_filter),
    Route("GET", "v1/webhooks", "getWebhooks", 10, _ADMIN, settings.list_webhooks),
    Route("POST", "v1/webhooks", "addWebhook", 10, _ADMIN, settings.add_webhook),
    Route("DELETE", "v1/webhooks/{id}", "deleteWebhook", 6, _ADMIN, settings.delete_webhook),
)
#: Routes by method, those without a parameter in the path first, so that `users/me` is not taken for a user's id.
_TABLE: Mapping[str, list[tuple[re.Pattern[str], Route]]] = {
    method: [
        (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)), route)
        for route in sorted(ROUTES, key=lambda route: route.path.count("{"))
        if route.method == method
    ]
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE")
}
_OAUTH = {"/oauth/authorize": "authorize", "/oauth/token": "token", "/oauth/token/": "token", "/oauth/revoke": "revoke"}


def _resource(path: str) -> str:
    """The path without its base: v2 lives under /api/v2 only, v1 under /api/v1 and /v1."""
    if path.startswith(("/api/v2/", "/api/v1/")):
        return path.removeprefix("/api/")
    return path.removeprefix("/") if path.startswith("/v1/") else ""


def _route(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    resource = _resource(path)
    for pattern, route in _TABLE.get(method, ()):
        match = pattern.fullmatch(resource)
        if match is not None:
            return route, match.groupdict()
    return None


class PipedriveService:
    """One company with two users, behind the vendor's HTTP API. Everything in it can be pickled."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.company: Company = found(clock, rng)
        for kind in ("person", "organization"):
            known: Kind = "person" if kind == "person" else "organization"
            self.company.table(known).fields = fields.built_in(known)

    @property
    def switches(self) -> dict[str, Switch]:
        """The named behaviours; see `pipedrive_switches`."""
        return self.company.switches

    @property
    def human_log(self) -> list[HumanEdit]:
        """Every edit that people made, oldest first."""
        return self.company.human_log

    def describe(self, request: Request) -> Call:
        """The vendor's name of the call, and whether it changes any record."""
        if request.path in _OAUTH:
            return Call(f"oauth.{_OAUTH[request.path]}")
        hit = _route(request.method, request.path)
        return Call(hit[0].name, request.method != "GET") if hit is not None else Call("unknown", request.method not in ("GET", "HEAD"))

    def handle(self, request: Request) -> Response:
        """Answer one request; its cost stands in `tokens`."""
        company = self.company
        now = company.clock.now()
        company.persons.purge(now)
        company.organizations.purge(now)
        if request.path in _OAUTH:
            return self._oauth(request)
        try:
            return self._authorised(request)
        except RefusedError as refused:
            return refused.response

    def human(self, op: str, arguments: Mapping[str, Json]) -> Json:
        """An edit in the vendor's own app; the record afterwards. HumanError for nonsense. See `pipedrive_human`."""
        return perform(self.company, op, arguments)

    def state(self) -> Json:
        """Everything, deleted records included, by id."""
        company = self.company
        people: list[Json] = [self._raw("person", id_) for id_ in company.persons.ids]
        organizations: list[Json] = [self._raw("organization", id_) for id_ in company.organizations.ids]
        return {
            "persons": people,
            "organizations": organizations,
            "person_fields": [fields.shown("person", one) for one in fields.listed(company, "person")],
            "organization_fields": [fields.shown("organization", one) for one in fields.listed(company, "organization")],
            "users": [{key: value for key, value in asdict(user).items() if key != "api_token"} for user in company.users.values()],
            "filters": [asdict(one) for one in company.filters.values()],
            "webhooks": [one.shown(1) for one in company.outbox.webhooks.values()],
            "tokens_spent": company.quota.spent,
        }

    def due_deliveries(self, now: datetime | None = None) -> list[Delivery]:
        """Outgoing calls whose time has come (by the sandbox's clock unless told); report each by `delivered`."""
        return self.company.outbox.due((now or self.company.clock.now()).timestamp())

    def delivered(self, id_: str, status: int) -> None:
        """What an outgoing call was answered; 0 for nothing."""
        self.company.outbox.delivered(id_, status, self.company.now())

    def _raw(self, kind: Kind, id_: int) -> Json:
        record = self.company.table(kind).now(id_)
        if record is None:
            return None
        merged: Object = {"merged_into": record.merged_into} if record.merged_into is not None else {}
        return {**records.shown(self.company, kind, record), "counts": record.counts, **merged}

    def _authorised(self, request: Request) -> Response:
        company = self.company
        if not company.switches["account_open"]:
            raise payment_required()
        user_id, key, scopes = self._caller(request)
        hit = _route(request.method, request.path)
        if hit is None:
            raise not_imitated(request.method, request.path)
        route, arguments = hit
        oauth = scopes is not None
        search = route.handler in (searches.search, searches.by_field)
        now = company.now()
        headers = company.quota.admit(key, oauth=oauth, cost=route.cost, search=search, now=now, switches=company.switches)
        try:
            if scopes is not None and not scopes & route.scopes:
                raise scope_mismatch()
            response = route.handler(Authorised(company, request, user_id, oauth, route.kind, arguments))
        except RefusedError as refused:
            response = refused.response
            if not company.switches["failed_calls_cost"]:
                company.quota.give_back(route.cost)
                return replace(response, headers={**response.headers, **headers})
        return replace(response, headers={**response.headers, **headers}, tokens={"tokens": route.cost})

    def _caller(self, request: Request) -> tuple[int, str, frozenset[str] | None]:
        """User, key of the rate limit, and scopes (None for an API token, which may all that its user may)."""
        company = self.company
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            access = company.grants.bearer(bearer.strip(), company.now())
            if access is None:
                raise unauthorized()
            return access.user_id, f"oauth {access.user_id}", access.scopes
        token = request.headers.get("x-api-token") or (request.one("api_token") if company.switches["token_in_query"] else "")
        user = next((one for one in company.users.values() if token and one.api_token == token), None)
        if user is None:
            raise unauthorized()
        return user.id, f"token {user.id}", None

    def _oauth(self, request: Request) -> Response:
        company = self.company
        now, rng = company.now(), company.rng
        match _OAUTH[request.path]:
            case "authorize" if request.method in ("GET", "POST"):
                return company.grants.authorize(
                    request, {user.id: user.name for user in company.users.values()}, company.switches, now, rng
                )
            case "token" if request.method == "POST":
                return company.grants.token(request, company.switches, now, rng)
            case "revoke" if request.method == "POST":
                response, gone = company.grants.revoke(request, company.switches)
                if gone is not None:
                    tell_uninstalled(company, gone)
                return response
            case _:
                return not_imitated(request.method, request.path).response
