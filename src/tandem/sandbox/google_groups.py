"""The calls on contact groups (labels), and what a group's end does to its members.

Sources: reference pages of `contactGroups`; the rules for names beyond "unique" are not published: trimmed, and compared without
regard to case (switch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tandem.sandbox.google_asked import Asked, page_size
from tandem.sandbox.google_body import as_list, as_object, as_text, only, read_json, read_mask
from tandem.sandbox.google_contacts import regroup, trash, usable_group
from tandem.sandbox.google_errors import ApiError, invalid, not_found
from tandem.sandbox.google_model import MY_CONTACTS, STARRED, SYSTEM_GROUPS, GroupState, Life, Shelf, timestamp
from tandem.sandbox.google_schema import GROUP_READ_PATHS, GROUP_UPDATE_PATHS
from tandem.sandbox.google_sync import PageNote, SyncNote, check_life, print_of, seal, unseal_page, unseal_sync
from tandem.sandbox.wire import Json, JsonObject

MAX_MODIFIED = 1000
MAX_BATCH = 200
_DEFAULT_LIST = frozenset({"metadata", "groupType", "memberCount", "name"})
_DEFAULT_WRITE = frozenset({"metadata", "groupType", "name"})
_GROUP_KEYS = frozenset(("resourceName", "etag", "formattedName", "memberResourceNames")) | GROUP_READ_PATHS


def list_groups(asked: Asked) -> JsonObject:
    """contactGroups.list: a sync token comes without asking."""
    shelf, request = asked.shelf, asked.request
    mask, size = _mask(request.one("groupFields"), _DEFAULT_LIST, "groupFields"), page_size(request, 30)
    note = _open(asked, mask, size)
    rows: list[tuple[str, GroupState]] = []
    for record in shelf.book.groups.values():
        version = record.seen(shelf.now - shelf.number("read_lag_s"))
        if version is None or version.seq <= note.since or (note.since < 0 and version.state.life is not Life.LIVE):
            continue
        rows.append((f"{0 if version.state.is_system else 1} {record.record_id}", version.state))
    rows.sort(key=lambda row: row[0])
    page = [row for row in rows if row[0] > note.last_key]
    groups: list[Json] = [show_group(shelf, state, mask) for _, state in page[:size]]
    result: JsonObject = {"contactGroups": groups} if groups else {}
    if len(page) > size:
        result["nextPageToken"] = seal(asked.secret, PageNote(note.print, note.horizon, note.full_at, note.since, page[size - 1][0]))
    else:
        result["nextSyncToken"] = seal(asked.secret, SyncNote(_print(mask), note.horizon, note.full_at))
    if note.since < 0 and rows:
        result["totalItems"] = len(rows)
    return result


def _print(mask: frozenset[str]) -> str:
    return print_of(["groups", sorted(mask)])


def _open(asked: Asked, mask: frozenset[str], size: int) -> PageNote:
    """Where this page starts. ApiError 400 for tokens that do not fit or are too old."""
    shelf, token = asked.shelf, asked.request.one("syncToken")
    paging = print_of(["groups", sorted(mask), size, token])
    if page_token := asked.request.one("pageToken"):
        note = unseal_page(asked.secret, page_token)
        if note.print != paging:
            raise invalid()
        return note
    lag = shelf.number("read_lag_s")
    horizon = shelf.book.horizon(shelf.now - lag) if lag else shelf.book.seq
    if not token:
        return PageNote(paging, horizon, shelf.now, -1, "")
    known = unseal_sync(asked.secret, token)
    if known.print != _print(mask):
        raise invalid()
    check_life(known.full_at, shelf.now)
    return PageNote(paging, max(horizon, known.horizon), known.full_at, known.horizon, "")


def show_group(shelf: Shelf, state: GroupState, mask: frozenset[str], max_members: int = 0) -> JsonObject:
    """A group as a reader sees it; a deleted one as a tombstone without a name."""
    metadata: JsonObject = {} if state.is_system else {"updateTime": timestamp(state.updated_at)}
    result: JsonObject = {"resourceName": f"contactGroups/{state.group_id}", "etag": state.etag}
    if state.life is not Life.LIVE:
        return {**result, "metadata": {**metadata, "deleted": True}}
    if "metadata" in mask and metadata:
        result["metadata"] = metadata
    if "groupType" in mask:
        result["groupType"] = "SYSTEM_CONTACT_GROUP" if state.is_system else "USER_CONTACT_GROUP"
    if "name" in mask:
        result["name"], result["formattedName"] = state.name, SYSTEM_GROUPS.get(state.group_id, state.name)
    if "clientData" in mask and state.client_data:
        result["clientData"] = [{"key": key, "value": value} for key, value in state.client_data]
    members = list(shelf.book.members(state.group_id)) if "memberCount" in mask or max_members else []
    if members and "memberCount" in mask:
        result["memberCount"] = len(members)
    if members[:max_members]:
        result["memberResourceNames"] = list[Json](members[:max_members])
    return result


def get_group(asked: Asked) -> JsonObject:
    """contactGroups.get."""
    mask = _mask(asked.request.one("groupFields"), _DEFAULT_LIST, "groupFields")
    return show_group(asked.shelf, _readable(asked.shelf, asked.names[0]), mask, _max_members(asked))


def batch_get_groups(asked: Asked) -> JsonObject:
    """contactGroups.batchGet: an answer per name, in order."""
    mask, most = _mask(asked.request.one("groupFields"), _DEFAULT_LIST, "groupFields"), _max_members(asked)
    names = asked.request.every("resourceNames")
    if not 0 < len(names) <= MAX_BATCH:
        raise invalid()
    responses: list[Json] = []
    for name in names:
        try:
            state = _readable(asked.shelf, name.removeprefix("contactGroups/"))
        except ApiError as error:
            responses.append({"requestedResourceName": name, "status": error.rpc_status()})
        else:
            responses.append({"requestedResourceName": name, "status": {}, "contactGroup": show_group(asked.shelf, state, mask, most)})
    return {"responses": responses}


def _readable(shelf: Shelf, group_id: str) -> GroupState:
    """The group as a single read sees it. ApiError 404."""
    usable_group(shelf, group_id)
    version = shelf.book.groups[group_id].seen(shelf.now - shelf.number("get_lag_s"))
    if version is None or version.state.life is not Life.LIVE:
        raise not_found()
    return version.state


def _max_members(asked: Asked) -> int:
    text = asked.request.one("maxMembers", "0")
    if not text.isdecimal():
        raise invalid()
    return int(text)


def create_group(asked: Asked) -> JsonObject:
    """contactGroups.create."""
    body = only(read_json(asked.request.body), frozenset({"contactGroup", "readGroupFields"}), "")
    group = only(as_object(body.get("contactGroup", {}), "contact_group"), _GROUP_KEYS, "contact_group")
    mask = _mask(as_text(body.get("readGroupFields"), "read_group_fields"), _DEFAULT_WRITE, "readGroupFields")
    state = new_group(asked.shelf, as_text(group.get("name"), "contact_group.name"), _client_data(group))
    return show_group(asked.shelf, state, mask)


def new_group(shelf: Shelf, name: str, client_data: tuple[tuple[str, str], ...] = ()) -> GroupState:
    """Make a group. ApiError 400 without a name, 409 for a name that is taken."""
    clean = free_name(shelf, name)
    state = GroupState(shelf.fresh_id(), clean, shelf.fresh_etag(), shelf.now, shelf.now, client_data=client_data)
    shelf.book.put_group(state, shelf.now)
    return state


def free_name(shelf: Shelf, name: str, mine: str = "") -> str:
    """The name as it is stored. ApiError 400 when empty, 409 when another user group bears it."""
    clean = name.strip()
    if not clean:
        raise invalid("Request contactGroup.name must not be empty.")
    fold = str.casefold if shelf.is_on("group_names_fold_case") else str
    for record in shelf.book.groups.values():
        state = record.state
        if state.life is Life.LIVE and not state.is_system and state.group_id != mine and fold(state.name) == fold(clean):
            raise ApiError("ALREADY_EXISTS", "Contact group name already exists.")
    return clean


def update_group(asked: Asked) -> JsonObject:
    """contactGroups.update: the name, the client data, or both."""
    body = only(read_json(asked.request.body), frozenset({"contactGroup", "updateGroupFields", "readGroupFields"}), "")
    group = only(as_object(body.get("contactGroup", {}), "contact_group"), _GROUP_KEYS, "contact_group")
    text = as_text(body.get("updateGroupFields"), "update_group_fields") or "name"
    fields = read_mask(text, "updateGroupFields", GROUP_UPDATE_PATHS, "contactGroups/update")
    mask = _mask(as_text(body.get("readGroupFields"), "read_group_fields"), _DEFAULT_WRITE, "readGroupFields")
    old = usable_group(asked.shelf, asked.names[0])
    if old.is_system:
        raise invalid("System contact groups cannot be changed.")
    etag = as_text(group.get("etag"), "contact_group.etag")
    if etag and etag != old.etag:
        raise ApiError("FAILED_PRECONDITION", "Request contactGroup.etag is different than the current contactGroup.etag.")
    name = free_name(asked.shelf, as_text(group.get("name"), "contact_group.name"), old.group_id) if "name" in fields else old.name
    client_data = _client_data(group) if "clientData" in fields else old.client_data
    return show_group(asked.shelf, change_group(asked.shelf, replace(old, name=name, client_data=client_data)), mask)


def change_group(shelf: Shelf, state: GroupState) -> GroupState:
    """Store another version of a group."""
    new = replace(state, etag=shelf.fresh_etag(), updated_at=shelf.now)
    shelf.book.put_group(new, shelf.now)
    return new


def delete_group(asked: Asked) -> JsonObject:
    """contactGroups.delete; the members stay unless they shall go too."""
    state = usable_group(asked.shelf, asked.names[0])
    if state.is_system:
        raise invalid("System contact groups cannot be deleted.")
    drop_group(asked.shelf, state, delete_contacts=asked.request.one("deleteContacts").lower() == "true")
    return {}


def drop_group(shelf: Shelf, state: GroupState, *, delete_contacts: bool) -> None:
    """End a group. A member that would be in no group at all falls back into My Contacts."""
    for record in list(shelf.book.contacts.values()):
        if state.group_id not in record.state.groups or record.state.life is not Life.LIVE:
            continue
        if delete_contacts:
            trash(shelf, record)
        else:
            left = tuple(group_id for group_id in record.state.groups if group_id != state.group_id)
            regroup(shelf, record, left or (MY_CONTACTS,))
    change_group(shelf, replace(state, life=Life.GONE))


def modify_members(asked: Asked) -> JsonObject:
    """contactGroups.members.modify: what cannot be done is reported, the rest is done."""
    keys = frozenset({"resourceNamesToAdd", "resourceNamesToRemove"})
    body = only(read_json(asked.request.body), keys, "")
    to_add = [as_text(name, "resource_names_to_add") for name in as_list(body.get("resourceNamesToAdd"), "resource_names_to_add")]
    to_remove = [
        as_text(name, "resource_names_to_remove") for name in as_list(body.get("resourceNamesToRemove"), "resource_names_to_remove")
    ]
    if not 0 < len(to_add) + len(to_remove) <= MAX_MODIFIED:
        raise invalid()
    group = usable_group(asked.shelf, asked.names[0])
    if to_add and group.is_system and group.group_id not in {MY_CONTACTS, STARRED}:
        raise invalid()
    missing, last = move_members(asked.shelf, group.group_id, to_add, to_remove)
    result: JsonObject = {"notFoundResourceNames": missing} if missing else {}
    if last:
        result["canNotRemoveLastContactGroupResourceNames"] = last
    return result


def move_members(shelf: Shelf, group_id: str, to_add: Sequence[str], to_remove: Sequence[str]) -> tuple[list[Json], list[Json]]:
    """Put contacts in and out; returns those not found, and those whose only group this is."""
    missing: list[Json] = []
    last: list[Json] = []
    for name in [*to_add, *to_remove]:
        record = shelf.book.live_contact(name)
        if record is None:
            missing.append(name)
            continue
        left = tuple(other for other in record.state.groups if other != group_id)
        if name in to_add:
            regroup(shelf, record, record.state.groups if group_id in record.state.groups else (*left, group_id))
        elif left:
            regroup(shelf, record, left)
        elif group_id in record.state.groups:
            last.append(name)
    return missing, last


def _mask(text: str, default: frozenset[str], name: str) -> frozenset[str]:
    return read_mask(text, name, GROUP_READ_PATHS, "contactGroups/list") if text else default


def _client_data(group: JsonObject) -> tuple[tuple[str, str], ...]:
    pairs = [as_object(item, "client_data") for item in as_list(group.get("clientData"), "client_data")]
    return tuple((as_text(pair.get("key"), "key"), as_text(pair.get("value"), "value")) for pair in pairs)
