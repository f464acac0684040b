"""The change stream of the contacts: full listings, sync tokens, and what a cursor remembers.

A sync token is bound to the parameters of its listing and dies seven days after the full listing from which it descends,
whatever came since. The cursor therefore keeps both, and is given up a day early. Only the page that brings the next sync token
is the last one: pages that end without it were cut short and prove nothing.

That the group is still there is looked at first: of contacts whose group has been deleted nothing may be concluded. A brief look, which
concludes nothing from finding nothing, asks for the group once it has found something, and once an hour.

Source: the reference of `people.connections.list`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem.connectors.google import api
from tandem.connectors.google.observing import see
from tandem.connectors.google.reading import check_group
from tandem.connectors.http import Door
from tandem.connectors.wire import as_object, parse, text_at
from tandem.core.state import Cursor
from tandem.errors import CursorExpired, Malformed
from tandem.replica import Handle, Listing, Page

FULL_LISTING_EVERY = timedelta(days=6)
CHECK_GROUP_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Position:
    """A sync token, the parameters that it is good for, when the full listing at its root began, and when the group was last seen."""

    token: str
    template: str
    listed_at: datetime
    checked_at: datetime

    def cursor(self) -> Cursor:
        """The position as the engine keeps it."""
        times = {"listed_at": self.listed_at.isoformat(), "checked_at": self.checked_at.isoformat()}
        return Cursor(json.dumps({"token": self.token, "template": self.template, **times}))


def position(cursor: Cursor, now: datetime) -> Position:
    """What a cursor stands for. CursorExpired when it is not ours, too old, or for a listing that asks for something else."""
    try:
        kept = as_object(parse(cursor.encode()))
        listed_at = datetime.fromisoformat(text_at(kept, "listed_at"))
        checked_at = datetime.fromisoformat(text_at(kept, "checked_at") or listed_at.isoformat())
        found = Position(text_at(kept, "token"), text_at(kept, "template"), listed_at, checked_at)
    except (Malformed, ValueError):
        raise CursorExpired(service="google") from None
    age = now - found.listed_at if found.listed_at.tzinfo else FULL_LISTING_EVERY
    if not found.token or found.template != api.TEMPLATE or not timedelta(0) <= age < FULL_LISTING_EVERY:
        raise CursorExpired(service="google")
    return found


def pages(door: Door, group: str, cursor: Cursor | None, *, is_brief: bool = False) -> Iterator[Page]:
    """The drain: everything, or what moved since the cursor. GroupGone, at the latest before the last page."""
    now = door.clock.now()
    since = position(cursor, now) if cursor is not None else None
    listing = Listing.CHANGES if since else Listing.FULL
    listed_at, checked_at = (since.listed_at, since.checked_at) if since else (now, now)
    if since is None or not is_brief or now - checked_at >= CHECK_GROUP_EVERY:
        check_group(door, group)
        checked_at = now
    page_token = ""
    while True:
        call = api.list_people(sync_token=since.token if since else "", page_token=page_token)
        page = api.people_page(door.send(call))
        page_token = page.next_page_token
        if page.connections and checked_at != now:
            check_group(door, group)
            checked_at = now
        is_last = not page_token and bool(page.next_sync_token)
        following = Position(page.next_sync_token, api.TEMPLATE, listed_at, checked_at).cursor() if is_last else None
        yield _page(listing, page, group, following)
        if not page_token:
            return


def _page(listing: Listing, page: api.PeoplePage, group: str, cursor: Cursor | None) -> Page:
    seen = [see(bytes(raw), group) for raw in page.connections]
    moved: dict[str, Handle] = {name: one.sighting.handle for one in seen for name in one.former_names}
    return Page(listing, tuple(one.sighting for one in seen), relocated=moved, cursor=cursor)
