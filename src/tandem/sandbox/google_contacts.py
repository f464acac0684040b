"""Changing contacts: the one place where a contact gets a new version, for the API's calls as for a person's edits.

Rules: a change is prepared whole (and refused whole) before anything is stored, so that a batch can be all or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tandem.sandbox.google_body import PersonBody, check
from tandem.sandbox.google_errors import ApiError, invalid, missing_etag, not_found, stale_etag
from tandem.sandbox.google_model import MY_CONTACTS, STARRED, ContactState, GroupState, Life, Record, Shelf, contact_name
from tandem.sandbox.google_person import bare, compose, embedded_etag
from tandem.sandbox.wire import JsonObject


@dataclass(frozen=True, slots=True)
class Change:
    """A contact's next version, ready to be stored."""

    source_id: str
    state: ContactState


def prepare_create(shelf: Shelf, body: PersonBody, *, ahead: int = 0) -> Change:
    """A new contact; `ahead` counts those prepared before it and not yet stored. ApiError 400, 429."""
    check(body.items)
    if shelf.is_on("refuse_empty_contact") and not any(body.items.values()):
        raise invalid("Request person must not be empty.")
    groups = _groups(shelf, body.memberships) if body.memberships else (MY_CONTACTS,)
    limit = shelf.number("contact_limit")
    if len(shelf.book.contacts) + ahead >= limit and shelf.book.stored(shelf.now) + ahead >= limit:
        raise ApiError(str(shelf.switches["overflow_status"]), "MY_CONTACTS_OVERFLOW_COUNT")
    source_id = shelf.fresh_id()
    items = _composed(shelf, source_id, {name: values for name, values in body.items.items() if values})
    return Change(source_id, ContactState(contact_name(source_id), items, groups, shelf.fresh_etag(), shelf.now))


def prepare_update(shelf: Shelf, name: str, body: PersonBody, mask: frozenset[str]) -> Change:
    """An existing contact with the fields of the mask replaced as whole lists. ApiError 400, 404."""
    record = find_contact(shelf, name)
    old = record.state
    _check_etag(body, old)
    if "memberships" in mask and not body.memberships:
        raise invalid("Request person.memberships must contain at least one contact group membership.")
    groups = _groups(shelf, body.memberships or [], already=old.groups) if "memberships" in mask else old.groups
    sent = {field: body.items.get(field, []) for field in mask - {"memberships"}}
    check({**bare(old.items), **sent})
    items = {**old.items, **_composed(shelf, record.record_id, sent)}
    if shelf.is_on("refuse_empty_contact") and not any(items.values()):
        raise invalid("Request person must not be empty.")
    new = replace(old, items={field: values for field, values in items.items() if values}, groups=groups)
    if new == old and not shelf.is_on("noop_update_bumps_etag"):
        return Change(record.record_id, old)
    return Change(record.record_id, replace(new, etag=shelf.fresh_etag(), updated_at=shelf.now))


def find_contact(shelf: Shelf, name: str) -> Record[ContactState]:
    """The live contact of that name, present or former. ApiError 400 for another kind of name, 404."""
    if not name.startswith("people/c"):
        raise invalid(f'Resource name "{name}" is not a valid contact person resource.')
    record = shelf.book.live_contact(name)
    if record is None:
        raise not_found()
    return record


def _check_etag(body: PersonBody, old: ContactState) -> None:
    """Either form of etag will do; each one that is sent must be current."""
    if not body.etag and not body.source_etag:
        raise missing_etag()
    if body.etag and embedded_etag(body.etag) != old.etag:
        raise stale_etag("person.etag")
    if body.source_etag and body.source_etag != f"#{old.etag}":
        raise stale_etag("person.metadata.sources.etag")


def _composed(shelf: Shelf, source_id: str, items: Mapping[str, Sequence[JsonObject]]) -> dict[str, list[JsonObject]]:
    source: JsonObject = {"type": "CONTACT", "id": source_id}
    return {name: compose(name, values, source, shelf) for name, values in items.items()}


def _groups(shelf: Shelf, names: Sequence[str], already: Sequence[str] = ()) -> tuple[str, ...]:
    """The group ids of a contact's new memberships, each once. ApiError 400 for a group that cannot take contacts, 404."""
    groups: dict[str, None] = {}
    for name in names:
        group_id = name.removeprefix("contactGroups/")
        group = usable_group(shelf, group_id)
        if group.is_system and group_id not in {MY_CONTACTS, STARRED, *already}:
            raise invalid()
        groups[group_id] = None
    return tuple(groups)


def usable_group(shelf: Shelf, group_id: str) -> GroupState:
    """The live group; a new one is not found for a while (switch). ApiError 404."""
    record = shelf.book.live_group(group_id)
    if record is None or shelf.now - record.state.created_at < shelf.number("group_delay_s"):
        raise not_found()
    return record.state


def store(shelf: Shelf, change: Change) -> None:
    """Make the change."""
    record = shelf.book.contacts.get(change.source_id)
    if record is None or record.state != change.state:
        shelf.book.put_contact(change.source_id, change.state, shelf.now)


def trash(shelf: Shelf, record: Record[ContactState], life: Life = Life.TRASHED) -> None:
    """Delete a contact: into the trash, or for good."""
    store(shelf, Change(record.record_id, replace(record.state, life=life, etag=shelf.fresh_etag(), updated_at=shelf.now)))


def regroup(shelf: Shelf, record: Record[ContactState], groups: Sequence[str]) -> None:
    """Give a contact other memberships; whether its etag moves is a switch."""
    if tuple(groups) == record.state.groups:
        return
    state = replace(record.state, groups=tuple(groups))
    if shelf.is_on("membership_bumps_etag"):
        state = replace(state, etag=shelf.fresh_etag(), updated_at=shelf.now)
    store(shelf, Change(record.record_id, state))
