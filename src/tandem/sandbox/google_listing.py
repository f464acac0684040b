"""people.connections.list: whole and incremental listings, page by page.

Theory: see `google_sync.py`. A page takes up behind the last key of the page before, so that records which come or go in between
shift nothing; the sync token at the end tells of the first page's moment, so that what changed in between comes in the next delta.
"""

from __future__ import annotations

from tandem.sandbox.google_asked import Asked, page_size
from tandem.sandbox.google_errors import invalid
from tandem.sandbox.google_model import ContactState, Life, Record, Shelf
from tandem.sandbox.google_person import tombstone
from tandem.sandbox.google_sync import PageNote, SyncNote, check_life, print_of, seal, unseal_page, unseal_sync
from tandem.sandbox.wire import Json, JsonObject

_SORT_ORDERS = ("LAST_MODIFIED_ASCENDING", "LAST_MODIFIED_DESCENDING", "FIRST_NAME_ASCENDING", "LAST_NAME_ASCENDING")


def list_connections(asked: Asked) -> JsonObject:
    """people.connections.list."""
    request, shelf = asked.request, asked.shelf
    if asked.names != ("me",):
        raise invalid()
    mask = asked.mask("personFields", "people.connections/list")
    sources = asked.sources()
    size = page_size(request, 100)
    order = request.one("sortOrder", _SORT_ORDERS[0])
    if order not in _SORT_ORDERS:
        raise invalid()
    wants_sync = request.one("requestSyncToken").lower() == "true" or bool(request.one("syncToken"))
    note = open_listing(asked, _parameters(asked, mask, sources, size), wants_sync=wants_sync)
    lag_at = shelf.now - shelf.number("read_lag_s")
    rows = _full(shelf, lag_at, "" if wants_sync else order) if note.since < 0 else _changed(shelf, lag_at, note.since)
    if order == "LAST_MODIFIED_DESCENDING" and not wants_sync:
        rows.sort(key=lambda row: row[0], reverse=True)
        page = [row for row in rows if not note.last_key or row[0] < note.last_key]
    else:
        rows.sort(key=lambda row: row[0])
        page = [row for row in rows if row[0] > note.last_key]
    connections: list[Json] = [
        _listed(asked, state, record.record_id, mask, sources, incremental=note.since >= 0) for _, record, state in page[:size]
    ]
    result: JsonObject = {"connections": connections} if connections else {}
    if len(page) > size:
        result["nextPageToken"] = seal(asked.secret, PageNote(note.print, note.horizon, note.full_at, note.since, page[size - 1][0]))
    elif wants_sync:
        result["nextSyncToken"] = seal(asked.secret, _sync_note(asked, mask, sources, size, note))
    if note.since < 0 and rows:
        result["totalPeople"] = result["totalItems"] = len(rows)
    return result


def closing_token(asked: Asked) -> str:
    """A sync token as the last page of this very listing would carry it, to make a shortened listing look whole."""
    mask, sources, size = asked.mask("personFields", "people.connections/list"), asked.sources(), page_size(asked.request, 100)
    wants_sync = asked.request.one("requestSyncToken").lower() == "true" or bool(asked.request.one("syncToken"))
    if not wants_sync:
        return ""
    note = open_listing(asked, _parameters(asked, mask, sources, size), wants_sync=True)
    return seal(asked.secret, _sync_note(asked, mask, sources, size, note))


def _parameters(asked: Asked, mask: frozenset[str], sources: frozenset[str], size: int) -> list[Json]:
    """What must stay the same for the life of a sync token; the page size too, unless a switch says otherwise."""
    bound = size if asked.shelf.is_on("sync_token_binds_page_size") else 0
    return [",".join(sorted(mask)), ",".join(sorted(sources)), asked.request.one("sortOrder"), bound]


def open_listing(asked: Asked, parameters: list[Json], *, wants_sync: bool) -> PageNote:
    """Where this page starts, from its tokens. ApiError 400 for tokens that do not fit, 429 for too many full listings."""
    request, shelf = asked.request, asked.shelf
    sync_token = request.one("syncToken")
    paging = print_of([parameters, sync_token, wants_sync, request.one("pageSize")])
    if token := request.one("pageToken"):
        note = unseal_page(asked.secret, token)
        if note.print != paging:
            raise invalid()
        if note.since >= 0:
            check_life(note.full_at, shelf.now)
        return note
    lag = shelf.number("read_lag_s")
    horizon = shelf.book.horizon(shelf.now - lag) if lag else shelf.book.seq
    if not sync_token:
        return PageNote(paging, horizon, shelf.now, -1, "")
    known = unseal_sync(asked.secret, sync_token)
    if known.print != print_of(parameters):
        raise invalid()
    check_life(known.full_at, shelf.now)
    full_at = shelf.now if shelf.is_on("sync_token_renews") else known.full_at
    return PageNote(paging, max(horizon, known.horizon), full_at, known.horizon, "")


def _sync_note(asked: Asked, mask: frozenset[str], sources: frozenset[str], size: int, note: PageNote) -> SyncNote:
    return SyncNote(print_of(_parameters(asked, mask, sources, size)), note.horizon, note.full_at)


_Row = tuple[str, Record[ContactState], ContactState]


def _full(shelf: Shelf, at: float, order: str) -> list[_Row]:
    """Every live contact with the key it is sorted by."""
    rows: list[_Row] = []
    for record in shelf.book.contacts.values():
        version = record.seen(at)
        if version is not None and version.state.life is Life.LIVE:
            rows.append((_key(order, version.seq, version.state, record.record_id), record, version.state))
    return rows


def _changed(shelf: Shelf, at: float, since: int) -> list[_Row]:
    """Every contact changed after `since`, deleted ones included."""
    return [
        (f"{version.seq:015}", record, version.state)
        for record in shelf.book.contacts.values()
        if record.versions[-1].seq > since and (version := record.seen(at)) and version.seq > since
    ]


def _key(order: str, seq: int, state: ContactState, source_id: str) -> str:
    """A contact's place in a listing; unique, and stable while the contact is."""
    if not order:
        return f"{int(source_id, 16):020}"
    if order.startswith("LAST_MODIFIED"):
        return f"{seq:015}"
    name = (state.items.get("names") or [{}])[0]
    keys = ("givenName", "familyName") if order.startswith("FIRST") else ("familyName", "givenName")
    return " ".join(str(name.get(key, "")).casefold() for key in keys) + f" {source_id}"


def _listed(
    asked: Asked, state: ContactState, source_id: str, mask: frozenset[str], sources: frozenset[str], *, incremental: bool
) -> JsonObject:
    if state.life is not Life.LIVE:
        return tombstone(state, source_id, mask)
    shown = asked.show(state, source_id, mask, sources, listed=True)
    metadata = shown.get("metadata")
    if incremental and state.former_names and isinstance(metadata, dict):
        metadata["previousResourceNames"] = list(state.former_names)
    return shown


def full_sync_cost(asked: Asked) -> dict[str, int]:
    """What the first page of a full listing costs on top."""
    request = asked.request
    first = request.one("requestSyncToken").lower() == "true" and not request.one("syncToken") and not request.one("pageToken")
    return {"full_sync": 1} if first else {}
