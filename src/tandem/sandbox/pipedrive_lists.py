"""Listing persons and organisations: what is chosen, in which order, and the cursor that leads to the next page.

Theory: a cursor marks the last row given (sort field, its value, id as tie-break), not a snapshot. A row whose update_time moves
during a walk by update_time is met twice or not at all; a walk by id meets every row that stays.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_calls import Call, found
from tandem.sandbox.pipedrive_company import Company, Filter
from tandem.sandbox.pipedrive_errors import invalid, not_found
from tandem.sandbox.pipedrive_model import Kind, Object, Record
from tandem.sandbox.pipedrive_records import shown, view_checks, view_of
from tandem.sandbox.wire import Json, Response

SORTS = ("id", "update_time", "add_time")


def encode_cursor(mark: Object) -> str:
    """Base64url JSON without padding."""
    return base64.urlsafe_b64encode(json.dumps(mark, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str, company: Company) -> Object | None:
    """The mark in a cursor; one that cannot be read is refused, or ignored where the switch says so."""
    try:
        mark = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        mark = None
    if isinstance(mark, dict) and isinstance(mark.get("id"), int) and "fieldValue" in mark:
        return mark
    if company.switches["bad_cursor"] == "refuse":
        raise invalid("cursor: The value is not a valid cursor")
    return None


@dataclass(frozen=True, slots=True)
class Walk:
    """The order of a listing, and the mark of the last row already given."""

    sort: str
    descending: bool
    mark: Object | None

    @property
    def start(self) -> int | None:
        """The id in the mark."""
        id_ = self.mark["id"] if self.mark is not None else None
        return id_ if isinstance(id_, int) else None

    def value(self, row: Record) -> str:
        """What the rows are sorted by, before the id."""
        return {"update_time": row.update_time, "add_time": row.add_time}.get(self.sort, "")

    def marked(self, row: Record) -> str:
        """The cursor that goes on behind a row."""
        direction = "desc" if self.descending else "asc"
        return encode_cursor({"field": self.sort, "fieldValue": self.value(row) or row.id, "sortDirection": direction, "id": row.id})


def list_records(call: Call) -> Response:
    """GET of a page."""
    query = call.query(_checks(call.kind))
    limit = call.limit(query.get("limit"))
    view = view_of(query)
    cursor = query.get("cursor")
    mark = decode_cursor(cursor, call.company) if isinstance(cursor, str) else None
    walk = Walk(str(query.get("sort_by", "id")), query.get("sort_direction") == "desc", mark)
    if mark is not None and (mark.get("field") != walk.sort or (mark.get("sortDirection") == "desc") != walk.descending):
        raise invalid("cursor: The cursor belongs to another sort order")
    rows = list(islice(_ordered(call, query, walk, _wanted(call, query)), limit + 1))
    next_cursor = walk.marked(rows[limit - 1]) if len(rows) > limit else None
    return found([shown(call.company, call.kind, row, view) for row in rows[:limit]], {"next_cursor": next_cursor})


def _checks(kind: Kind) -> dict[str, Callable[[str], Json]]:
    person: dict[str, Callable[[str], Json]] = {"org_id": check.q_integer, "deal_id": check.q_integer} if kind == "person" else {}
    return {
        **view_checks(kind),
        **person,
        "filter_id": check.q_integer,
        "ids": check.q_ids,
        "owner_id": check.q_integer,
        "updated_since": check.q_datetime,
        "updated_until": check.q_datetime,
        "sort_by": check.q_choice(*SORTS),
        "sort_direction": check.q_choice("asc", "desc"),
        "limit": check.q_integer,
        "cursor": check.q_text,
    }


def _ordered(call: Call, query: Object, walk: Walk, wanted: Callable[[Record], bool]) -> Iterator[Record]:
    """The chosen rows behind the mark, in order."""
    at = call.company.lists_as_of()
    ids = query.get("ids") if "filter_id" not in query else None
    if walk.sort == "id" and not isinstance(ids, list):
        if walk.descending:
            return filter(wanted, call.table.seen_at(at, before=walk.start or 2**62))
        return filter(wanted, call.table.seen_at(at, walk.start or 0))
    every: Iterable[Record] = call.table.seen_at(at)
    if isinstance(ids, list):
        named = (call.table.as_of(id_, at) for id_ in dict.fromkeys(ids) if isinstance(id_, int))
        every = [row for row in named if row is not None]
    chosen = [(walk.value(row), row.id, row) for row in every if wanted(row)]
    chosen.sort(key=lambda one: one[:2], reverse=walk.descending)
    if walk.mark is not None:
        edge = (str(walk.mark["fieldValue"]) if walk.sort != "id" else "", walk.start or 0)
        chosen = [one for one in chosen if (one[:2] < edge if walk.descending else one[:2] > edge)]
    return iter([row for _, _, row in chosen])


def _wanted(call: Call, query: Object) -> Callable[[Record], bool]:
    """The conditions of the query as one test; deleted and invisible rows never pass."""
    company, user_id = call.company, call.user_id
    tests: list[Callable[[Record], bool]] = [lambda row: not row.is_deleted and company.sees(user_id, row)]
    since, until = query.get("updated_since"), query.get("updated_until")
    filter_id = query.get("filter_id")
    if isinstance(filter_id, int):
        chosen = company.filters.get(filter_id)
        if chosen is None or chosen.type != ("people" if call.kind == "person" else "org"):
            raise not_found("Filter")
        tests.append(lambda row: passes(chosen, row))
        if company.switches["filter_with_updated_since"] == "ignore":
            since = until = None
    else:
        owner, organization = query.get("owner_id"), query.get("org_id")
        if owner is not None:
            tests.append(lambda row: row.owner_id == owner)
        if organization is not None:
            tests.append(lambda row: row.values.get("org_id") == organization)
        if "deal_id" in query:
            tests.append(lambda _row: False)
    if isinstance(since, str):
        tests.append(lambda row: row.update_time >= since)
    if isinstance(until, str):
        tests.append(lambda row: row.update_time < until)
    return lambda row: all(test(row) for test in tests)


def passes(chosen: Filter, row: Record) -> bool:
    """Whether a record meets all conditions of a filter: owner and labels, equal or not, empty or not."""
    return all(_meets(row, code, operator, value) for code, operator, value in chosen.conditions)


def _meets(row: Record, code: str, operator: str, value: Json) -> bool:
    held: tuple[int, ...] = (row.owner_id,) if code == "owner_id" else row.label_ids
    match operator:
        case "=":
            return value in held
        case "!=":
            return value not in held
        case "IS NULL":
            return not held
        case _:
            return bool(held)
