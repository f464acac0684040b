"""Pipedrive's calls as far as Tandem makes them: one row each with its price, and the answers taken apart down to raw records.

Rules: API v2 wherever it exists, v1 only for users and filters; records leave here as the bytes that came, so that nothing in them
is lost; a success that does not hold what it must is Malformed for a read and OutcomeUnknown for a write. Lists are asked for in
pages of 500, the most there is, because the price of a page does not depend on its length. Times go out in whole seconds: a
fraction is refused.
Sources: Pipedrive's OpenAPI files of August 2026 (paths, names, x-token-cost) and its guide to API v2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from tandem.connectors.http import Answer, Call, Door, Json, JsonObject, as_object, number_at, objects_at, parse, text_at
from tandem.errors import Malformed, OutcomeUnknown

PAGE = 500
#: How many ids one list call takes; what is not there or not visible is left out of its answer without a word.
IDS_A_CALL = 100
#: What a list call costs; below that many records, reading singly (1 each) is cheaper.
LIST_TOKENS = 10
#: The bucket of `Call.cost` in which all of Pipedrive's prices are counted.
TOKENS = "tokens"


class Operation(Enum):
    """The calls under Pipedrive's own names: method, path, price in tokens."""

    GET_PERSONS = ("getPersons", "GET", "/api/v2/persons", LIST_TOKENS)
    GET_PERSON = ("getPerson", "GET", "/api/v2/persons/{id}", 1)
    ADD_PERSON = ("addPerson", "POST", "/api/v2/persons", 5)
    UPDATE_PERSON = ("updatePerson", "PATCH", "/api/v2/persons/{id}", 5)
    DELETE_PERSON = ("deletePerson", "DELETE", "/api/v2/persons/{id}", 3)
    GET_ORGANISATIONS = ("getOrganizations", "GET", "/api/v2/organizations", LIST_TOKENS)
    GET_ORGANISATION = ("getOrganization", "GET", "/api/v2/organizations/{id}", 1)
    ADD_ORGANISATION = ("addOrganization", "POST", "/api/v2/organizations", 5)
    GET_PERSON_FIELDS = ("getPersonFields", "GET", "/api/v2/personFields", LIST_TOKENS)
    ADD_PERSON_FIELD = ("addPersonField", "POST", "/api/v2/personFields", 5)
    GET_CURRENT_USER = ("getCurrentUser", "GET", "/api/v1/users/me", 2)
    GET_FILTERS = ("getFilters", "GET", "/api/v1/filters", 20)
    GET_WEBHOOKS = ("getWebhooks", "GET", "/api/v1/webhooks", 10)
    ADD_WEBHOOK = ("addWebhook", "POST", "/api/v1/webhooks", 10)
    DELETE_WEBHOOK = ("deleteWebhook", "DELETE", "/api/v1/webhooks/{id}", 6)

    def __init__(self, kind: str, method: str, template: str, tokens: int) -> None:
        self.kind = kind
        self.method = method
        self.template = template
        self.tokens = tokens

    def call(self, *, id_: str = "", query: Sequence[tuple[str, str]] = (), body: JsonObject | None = None) -> Call:
        """The request."""
        return Call(
            self.kind,
            self.method,
            self.template.replace("{id}", id_),
            query,
            body,
            is_write=self.method != "GET",
            cost={TOKENS: self.tokens},
        )


class Kind(Enum):
    """The two kinds of records that are listed: the call for many, the call for one."""

    PERSON = (Operation.GET_PERSONS, Operation.GET_PERSON)
    ORGANISATION = (Operation.GET_ORGANISATIONS, Operation.GET_ORGANISATION)

    def __init__(self, many: Operation, one: Operation) -> None:
        self.many = many
        self.one = one


@dataclass(frozen=True, slots=True)
class User:
    """Who a token belongs to. `locale` (such as pl_PL) and `timezone` are empty where Pipedrive does not say."""

    id: int
    name: str
    company_id: int
    company_name: str
    company_domain: str
    is_admin: bool
    locale: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """A filter over persons that somebody has saved in Pipedrive."""

    id: int
    name: str


class _More(msgspec.Struct):
    next_cursor: str | None = None


class _Listed(msgspec.Struct):
    data: list[msgspec.Raw]
    success: bool = True
    additional_data: _More | None = None


class _Single(msgspec.Struct):
    data: msgspec.Raw
    success: bool = True


_listed = msgspec.json.Decoder(_Listed)
_single = msgspec.json.Decoder(_Single)


class Api:
    """The calls of one account. Raises whatever the door raises."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.clock = door.clock

    def pages(self, kind: Kind, query: Iterable[tuple[str, str]] = ()) -> Iterator[list[bytes]]:
        """A whole list, page by page, each record as it came."""
        fixed = [*query, ("limit", str(PAGE))]
        cursor: str | None = None
        while True:
            listed = self._page(kind.many, [*fixed, ("cursor", cursor)] if cursor else fixed)
            yield [bytes(raw) for raw in listed.data]
            following = listed.additional_data.next_cursor if listed.additional_data else None
            if not following:
                return
            if following == cursor:
                raise Malformed("a list leads from a page to the same page")
            cursor = following

    def newest(self, kind: Kind) -> str:
        """The latest update_time that lists show, as the service writes it; empty when there are no records."""
        listed = self._page(kind.many, (("sort_by", "update_time"), ("sort_direction", "desc"), ("limit", "1")))
        return text_at(as_object(parse(bytes(listed.data[0]))), "update_time") if listed.data else ""

    def by_ids(self, kind: Kind, ids: Sequence[str]) -> list[bytes]:
        """At most IDS_A_CALL records in any order, without those that are deleted, invisible or not there."""
        return [bytes(raw) for raw in self._page(kind.many, (("ids", ",".join(ids)), ("limit", str(PAGE)))).data]

    def one(self, kind: Kind, id_: str, include: Sequence[str] = ()) -> bytes:
        """One record, deleted ones too. `include` names optional fields. NotThere when it is not known."""
        return self._one(kind.one, id_, query=(("include_fields", ",".join(include)),) if include else ())

    def add_person(self, body: JsonObject) -> bytes:
        """The new person as it was stored."""
        return self._one(Operation.ADD_PERSON, body=body)

    def update_person(self, id_: str, body: JsonObject) -> bytes:
        """The whole person as it is now."""
        return self._one(Operation.UPDATE_PERSON, id_, body=body)

    def delete_person(self, id_: str) -> None:
        """Into Pipedrive's bin, for 30 days."""
        self._one(Operation.DELETE_PERSON, id_)

    def add_organisation(self, body: JsonObject) -> bytes:
        """The new organisation as it was stored."""
        return self._one(Operation.ADD_ORGANISATION, body=body)

    def person_fields(self) -> list[JsonObject]:
        """All fields of persons, those that people made among them."""
        found: list[JsonObject] = []
        cursor: str | None = None
        while True:
            listed = self._page(Operation.GET_PERSON_FIELDS, [("limit", str(PAGE)), *([("cursor", cursor)] if cursor else [])])
            found += [as_object(parse(bytes(raw)), "a field") for raw in listed.data]
            cursor = listed.additional_data.next_cursor if listed.additional_data else None
            if not cursor:
                return found

    def add_person_field(self, name: str, field_type: str) -> JsonObject:
        """A custom field for the whole company. A second one of the same name is made without a word."""
        raw = self._one(Operation.ADD_PERSON_FIELD, body={"field_name": name, "field_type": field_type})
        return as_object(parse(raw), "a field")

    def current_user(self) -> User:
        """The user and company of the token."""
        user = as_object(parse(self._one(Operation.GET_CURRENT_USER)), "a user")
        language = user.get("language")
        return User(
            id=number_at(user, "id"),
            name=text_at(user, "name"),
            company_id=number_at(user, "company_id"),
            company_name=text_at(user, "company_name"),
            company_domain=text_at(user, "company_domain"),
            is_admin=_is_admin(user),
            locale=text_at(user, "locale") or _locale(language if isinstance(language, dict) else {}),
            timezone=text_at(user, "timezone_name"),
        )

    def filters(self) -> list[PersonFilter]:
        """The saved filters over persons that the user may use."""
        rows = self._page(Operation.GET_FILTERS, (("type", "people"),)).data
        parsed = [as_object(parse(bytes(raw)), "a filter") for raw in rows]
        return [PersonFilter(number_at(row, "id"), text_at(row, "name")) for row in parsed]

    def webhooks(self) -> list[JsonObject]:
        """The subscriptions of the user (of an app: the app's own)."""
        return [as_object(parse(bytes(raw)), "a webhook") for raw in self._page(Operation.GET_WEBHOOKS, ()).data]

    def add_webhook(self, body: JsonObject) -> JsonObject:
        """A new subscription. Rejected with status 422 when the user has as many as there may be."""
        return as_object(parse(self._one(Operation.ADD_WEBHOOK, body=body)), "a webhook")

    def delete_webhook(self, id_: str) -> None:
        """End a subscription."""
        self._door.send(Operation.DELETE_WEBHOOK.call(id_=id_))

    def _page(self, operation: Operation, query: Sequence[tuple[str, str]]) -> _Listed:
        answer = self._door.send(operation.call(query=query))
        try:
            listed = _listed.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Malformed(f"the answer to {operation.kind} is no list", status=answer.status) from None
        if not listed.success:
            raise Malformed(f"the answer to {operation.kind} calls itself a failure", status=answer.status)
        return listed

    def _one(self, operation: Operation, id_: str = "", *, query: Sequence[tuple[str, str]] = (), body: JsonObject | None = None) -> bytes:
        call = operation.call(id_=id_, query=query, body=body)
        answer = self._door.send(call)
        raw = _data_of(answer)
        if raw is not None:
            return raw
        message = f"the answer to {operation.kind} does not hold what it must"
        raise OutcomeUnknown(message, status=answer.status) if call.is_write else Malformed(message, status=answer.status)


def _data_of(answer: Answer) -> bytes | None:
    """The `data` of a success if it is an object."""
    try:
        single = _single.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    raw = bytes(single.data)
    return raw if single.success and raw.startswith(b"{") else None


def _is_admin(user: JsonObject) -> bool:
    """Whether Pipedrive calls the user an administrator, of anything."""
    flag: Json = user.get("is_admin")
    return flag in (1, True) or any(entry.get("admin") is True for entry in objects_at(user, "access"))


def _locale(language: JsonObject) -> str:
    code, country = text_at(language, "language_code"), text_at(language, "country_code")
    return f"{code}_{country}" if code and country else code
