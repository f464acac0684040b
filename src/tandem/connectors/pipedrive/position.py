"""The cursor of Pipedrive's changes: up to which update times everything has been seen, and under which question.

Rules: only times that the service itself stamped, never our clock; a look begins two read lags before the newest time seen, because
lists may show a state that old. A full listing takes the newest time *before* its walk: what changes during a walk, behind it, has a
later one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from tandem.connectors.pipedrive.codec import whole_seconds
from tandem.core.state import Cursor
from tandem.errors import CursorExpired

#: Moves when the question to the service, or what is concluded from its answer, changes.
_QUESTION = 1


class Position(msgspec.Struct, frozen=True):
    """Update times up to which persons and organisations have been seen (empty: there were none), and when by our clock."""

    template: str
    persons: str
    organisations: str
    #: When organisations were last asked about.
    organisations_at: datetime
    #: When the last full listing began.
    listed_at: datetime


def template_of(parts: Mapping[str, str]) -> str:
    """The hash of what a cursor depends on."""
    return hashlib.sha256(msgspec.json.encode({**parts, "question": str(_QUESTION)}, order="sorted")).hexdigest()[:16]


def render(position: Position) -> Cursor:
    """As it is kept with the link."""
    return Cursor(msgspec.json.encode(position).decode())


def parse_position(cursor: Cursor, template: str) -> Position:
    """The position that a cursor stands for. CursorExpired when it is no such, or belongs to another question."""
    try:
        position = msgspec.json.decode(cursor, type=Position)
    except msgspec.DecodeError:
        raise CursorExpired("this is no position in Pipedrive's changes") from None
    if position.template != template:
        raise CursorExpired("scope or fields of the link have changed")
    return position


def since(newest: str, read_lag_s: float) -> tuple[tuple[str, str], ...]:
    """The query for all that may have changed since; everything when nothing has been seen yet."""
    query = (("sort_by", "update_time"), ("sort_direction", "asc"))
    if not newest:
        return query
    moment = datetime.fromisoformat(whole_seconds(newest).replace("Z", "+00:00")) - timedelta(seconds=2 * read_lag_s)
    return (("updated_since", moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")), *query)


def later(first: str, second: str) -> str:
    """The later of two update times, either of which may be empty."""
    return max(whole_seconds(first) if first else "", whole_seconds(second) if second else "")
