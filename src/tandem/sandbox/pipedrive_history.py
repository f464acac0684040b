"""The change log of a record, and `recents`: what changed lately, deletions included (both API v1).

Sources: the vendor's reference; that recents reach back one month and show deleted records with `active_flag` false is known from
public data extractors.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

from tandem.sandbox.pipedrive_calls import Call, found
from tandem.sandbox.pipedrive_errors import old_refusal
from tandem.sandbox.pipedrive_model import Kind, Object, Record, instant, old_instant
from tandem.sandbox.pipedrive_records import NAMES, shown_old
from tandem.sandbox.wire import Json, Response

RECENTS_REACH = timedelta(days=31)
_KINDS: tuple[Kind, ...] = ("person", "organization")


def changelog(call: Call) -> Response:
    """GET changelog: the newest first; values are texts."""
    record = call.table.now(call.id)
    if record is None or not call.company.sees(call.user_id, record):
        raise old_refusal(404, f"{NAMES[call.kind]} not found")
    limit = _whole(call.request.one("limit"), 100)
    before = _cursor(call.request.one("cursor"))
    now = instant(datetime.fromtimestamp(call.company.lists_as_of(), UTC))
    lines = [line for line in reversed(call.table.changes.get(record.id, [])) if line.number < before and line.time <= now]
    entries: list[Json] = [
        {
            "field_key": line.key,
            "old_value": line.old,
            "new_value": line.new,
            "actor_user_id": line.actor.user_id,
            "time": old_instant(line.time),
            "change_source": line.actor.source,
            "change_source_user_agent": line.actor.agent,
            "is_bulk_update_flag": False,
        }
        for line in lines[:limit]
    ]
    next_cursor = base64.b64encode(f"id:{lines[limit - 1].number}".encode()).decode() if len(lines) > limit else None
    return found(entries, {"next_cursor": next_cursor})


def _cursor(text: str) -> int:
    if not text:
        return 2**62
    try:
        return int(base64.b64decode(text, validate=True).decode().removeprefix("id:"))
    except (binascii.Error, ValueError) as error:
        raise old_refusal(400, "Invalid cursor") from error


def _whole(text: str, otherwise: int) -> int:
    return min(max(int(text), 1), 500) if text.isdigit() else otherwise


def recents(call: Call) -> Response:
    """GET recents: everything changed since a time, oldest change first; at most a month back."""
    since = _since(call)
    wanted = [word.strip() for word in call.request.one("items").split(",") if word.strip()]
    start_text = call.request.one("start")
    start, limit = int(start_text) if start_text.isdigit() else 0, _whole(call.request.one("limit"), 100)
    company = call.company
    at = company.lists_as_of()
    rows: list[tuple[str, Kind, Record]] = [
        (record.update_time, kind, record)
        for kind in _KINDS
        if not wanted or kind in wanted
        for record in company.table(kind).seen_at(at)
        if record.update_time >= since and company.sees(call.user_id, record)
    ]
    rows.sort(key=lambda row: (row[0], row[1], row[2].id))
    page = rows[start : start + limit]
    items: list[Json] = [{"item": kind, "id": record.id, "data": shown_old(company, kind, record)} for _, kind, record in page]
    more = start + limit < len(rows)
    pagination: Object = {"start": start, "limit": limit, "more_items_in_collection": more}
    if more:
        pagination["next_start"] = start + limit
    last = old_instant(page[-1][0]) if page else None
    return found(items, {"since_timestamp": old_instant(since), "last_timestamp_on_page": last, "pagination": pagination})


def _since(call: Call) -> str:
    text = call.request.one("since_timestamp")
    try:
        asked = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise old_refusal(400, "since_timestamp must be a time in the format YYYY-MM-DD HH:MM:SS") from error
    return instant(max(asked, call.company.clock.now() - RECENTS_REACH))
