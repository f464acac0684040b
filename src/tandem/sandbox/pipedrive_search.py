"""Searching, with an index that is behind the records: changes arrive late and deleted records stay for a while.

Rules: nothing in a hit tells that its record is gone. `exact_match` compares whole values without regard to case; field search
does regard case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_calls import Call, found
from tandem.sandbox.pipedrive_errors import invalid, not_found
from tandem.sandbox.pipedrive_lists import decode_cursor, encode_cursor
from tandem.sandbox.pipedrive_model import Kind, Object, Record
from tandem.sandbox.wire import Json, Response

_PERSON_FIELDS = ("custom_fields", "email", "notes", "phone", "name")
_ORGANIZATION_FIELDS = ("address", "custom_fields", "notes", "name")
#: Field types that field search knows.
_SEARCHABLE = frozenset({"address", "varchar", "text", "varchar_auto", "double", "monetary", "phone"})


def search(call: Call) -> Response:
    """GET search: items with a score; e-mails and phones are plain texts there."""
    person = call.kind == "person"
    names = _PERSON_FIELDS if person else _ORGANIZATION_FIELDS
    checks: dict[str, Callable[[str], Json]] = {
        "term": check.q_text,
        "fields": check.q_list(choices=names),
        "exact_match": check.q_boolean,
        "limit": check.q_integer,
        "cursor": check.q_text,
    }
    if person:
        checks |= {"organization_id": check.q_integer, "include_fields": check.q_choice("person.picture")}
    query = call.query(checks)
    exact = query.get("exact_match") is True
    term = _term(query, exact).casefold()
    fields = query.get("fields")
    chosen = tuple(str(one) for one in fields) if isinstance(fields, list) and fields else names
    organization = query.get("organization_id")

    def hit(record: Record) -> bool:
        if organization is not None and record.values.get("org_id") != organization:
            return False
        texts = [text.casefold() for name in chosen for text in _texts(record, name)]
        return term in texts if exact else any(term in text for text in texts)

    page, next_cursor = _page(call, query, hit)
    items: list[Json] = [{"result_score": round(1 / (2 + place), 4), "item": _item(call, record)} for place, record in enumerate(page)]
    return found({"items": items}, {"next_cursor": next_cursor})


def by_field(call: Call) -> Response:
    """GET itemSearch/field: ids and names of records with a value in one field; regards case."""
    query = call.query(
        {
            "term": check.q_text,
            "entity_type": check.q_choice("deal", "lead", "person", "organization", "product", "project"),
            "match": check.q_choice("exact", "beginning", "middle"),
            "field": check.q_text,
            "limit": check.q_integer,
            "cursor": check.q_text,
        }
    )
    kind, field = query.get("entity_type"), query.get("field")
    match = query.get("match", "exact")
    term = _term(query, match == "exact")
    if not isinstance(kind, str) or not isinstance(field, str):
        raise invalid(f"{'field' if isinstance(kind, str) else 'entity_type'}: The value is required")
    if kind not in ("person", "organization"):
        return found([], {"next_cursor": None})
    known: Kind = "person" if kind == "person" else "organization"
    fields = call.company.table(known).fields
    if field not in fields:
        raise not_found("Field")
    if fields[field].is_custom and fields[field].type not in _SEARCHABLE:
        raise invalid("field: The field is not searchable")
    name = field if field in ("name", "email", "phone", "address", "notes") else f"custom:{field}"

    def hit(record: Record) -> bool:
        texts = _texts(record, name)
        match match:
            case "exact":
                return term in texts
            case "beginning":
                return any(text.startswith(term) for text in texts)
            case _:
                return any(term in text for text in texts)

    page, next_cursor = _page(call, query, hit, known)
    return found([{"id": record.id, "name": record.name} for record in page], {"next_cursor": next_cursor})


def _term(query: Object, exact: bool) -> str:
    term = query.get("term")
    if not isinstance(term, str):
        raise invalid("term: The value is required")
    least = 1 if exact else 2
    if len(term.strip()) < least:
        raise invalid(f"term: The value must be at least {least} characters long")
    return term.strip()


def _page(call: Call, query: Object, hit: Callable[[Record], bool], kind: Kind | None = None) -> tuple[list[Record], str | None]:
    limit = call.limit(query.get("limit"))
    cursor = query.get("cursor")
    mark = decode_cursor(cursor, call.company) if isinstance(cursor, str) else None
    start = mark["id"] if mark is not None and isinstance(mark["id"], int) else 0
    rows = list(islice((one for one in _index(call, kind or call.kind, start) if hit(one)), limit + 1))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1].id
    return rows[:limit], encode_cursor({"field": "id", "fieldValue": last, "sortDirection": "asc", "id": last})


def _index(call: Call, kind: Kind, after: int) -> Iterator[Record]:
    """What the index holds: records as of a while ago, deleted ones for as long as the switch says."""
    company = call.company
    keep_s = float(company.switches[f"search_deleted_{kind}_s"])
    at = company.now() - float(company.switches["search_lag_s"])
    for record in company.table(kind).seen_at(at, after):
        if not company.sees(call.user_id, record):
            continue
        if record.is_deleted and keep_s >= 0:
            deleted_at = datetime.fromisoformat(record.update_time.replace("Z", "+00:00")).timestamp()
            if at - deleted_at >= keep_s:
                continue
        yield record


def _texts(record: Record, name: str) -> list[str]:
    """The texts that a search in one field looks at."""
    values = record.values
    match name:
        case "name":
            return [record.name]
        case "email" | "phone":
            held = values.get(f"{name}s")
            return [str(one["value"]) for one in held if isinstance(one, dict)] if isinstance(held, list) else []
        case "address":
            address = values.get("address")
            return [str(address["value"])] if isinstance(address, dict) else []
        case "notes":
            return [str(values["notes"])] if values.get("notes") else []
        case "custom_fields":
            return [_plain(value) for value in record.custom.values()]
        case _:
            code = name.removeprefix("custom:")
            return [_plain(record.custom[code])] if code in record.custom else []


def _plain(value: Json) -> str:
    return str(value["value"]) if isinstance(value, dict) and "value" in value else str(value)


def _item(call: Call, record: Record) -> Object:
    item: Object = {
        "id": record.id,
        "type": call.kind,
        "name": record.name,
        "visible_to": record.visible_to,
        "owner": {"id": record.owner_id},
        "custom_fields": [_plain(value) for value in record.custom.values()],
        "notes": [],
    }
    if call.kind == "organization":
        addresses = _texts(record, "address")
        return {**item, "address": addresses[0] if addresses else None}
    org_id = record.values.get("org_id")
    organization = call.company.organizations.now(org_id) if isinstance(org_id, int) else None
    shown: Json = None
    if organization is not None:
        addresses = _texts(organization, "address")
        shown = {"id": organization.id, "name": organization.name, "address": addresses[0] if addresses else None}
    phones: list[Json] = [*_texts(record, "phone")]
    emails: list[Json] = [*_texts(record, "email")]
    return {**item, "phones": phones, "emails": emails, "organization": shown}
