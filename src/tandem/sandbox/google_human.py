"""What the owner of an account does in Google's own pages: contacts, labels, the trash, merging, and what was granted to whom.

Every edit of a contact or label is kept with its before and after, so that a test can ask afterwards whether each edit survived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from tandem.sandbox.clock import Clock
from tandem.sandbox.google_body import PersonBody, read_person
from tandem.sandbox.google_contacts import Change, prepare_create, prepare_update, regroup, store, trash
from tandem.sandbox.google_errors import ApiError
from tandem.sandbox.google_groups import change_group, drop_group, free_name, new_group
from tandem.sandbox.google_model import (
    SYSTEM_GROUPS,
    Account,
    ContactState,
    GroupState,
    Life,
    Record,
    Shelf,
    contact_name,
    counts,
)
from tandem.sandbox.google_oauth import CLIENT_ID, Client, OAuth
from tandem.sandbox.google_person import bare
from tandem.sandbox.google_schema import FIELDS
from tandem.sandbox.google_state import raw_contact, raw_group
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Json, JsonObject


@dataclass(frozen=True, slots=True)
class HumanEdit:
    """One edit by a person: when (seconds since 1970), what, to which record, and the record before and after."""

    at: float
    op: str
    record_id: str
    before: Json
    after: Json


class Owner(Protocol):
    """What an edit needs of the service."""

    clock: Clock
    accounts: dict[str, Account]
    oauth: OAuth
    human_log: list[HumanEdit]

    def shelf(self, email: str = ...) -> Shelf:
        """The book of one account."""

    def add_account(self, email: str, name: str) -> Account:
        """Another Google user."""


@dataclass(slots=True)
class People:
    """One edit on its way: the operation, and its arguments by name. `account` chooses the account by its address."""

    owner: Owner
    op: str
    arguments: Mapping[str, Json]

    @property
    def email(self) -> str:
        """The account meant; the first one when none is named."""
        email = self.text("account", next(iter(self.owner.accounts)))
        if email not in self.owner.accounts:
            raise HumanError("no such account")
        return email

    @property
    def shelf(self) -> Shelf:
        """That account's book."""
        return self.owner.shelf(self.email)

    def text(self, name: str, default: str | None = None) -> str:
        """A text argument. HumanError when it is missing and has no default."""
        value = self.arguments.get(name, default)
        if not isinstance(value, str):
            raise HumanError(f"{self.op} wants a text: {name}")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty when missing."""
        value = self.arguments.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise HumanError(f"{self.op} wants a list of texts: {name}")
        return [str(item) for item in value]

    def body(self) -> PersonBody:
        """The fields in the API's form, under `fields` or beside the other arguments. HumanError for what is no field."""
        given = self.arguments.get("fields", {})
        if not isinstance(given, dict) or set(given) - set(FIELDS):
            raise HumanError(f"{self.op} wants contact fields in the form of the API: fields")
        return read_person({**given, **{name: value for name, value in self.arguments.items() if name in FIELDS}})

    def record(self, record_id: str = "", life: Life = Life.LIVE) -> Record[ContactState]:
        """The contact meant, by source id or resource name. HumanError."""
        record_id = record_id or self.text("id")
        book = self.shelf.book
        record = book.contact(record_id) or book.contacts.get(record_id)
        if record is None or record.state.life is not life:
            raise HumanError(f"no such contact: {record_id} ({life.value})")
        return record

    def group(self, *, make: bool = False) -> GroupState:
        """The label meant, by id, resource name or name; made first if so wished. HumanError."""
        return self.label(self.text("group"), make=make)

    def label(self, wanted: str, *, make: bool = False) -> GroupState:
        """A label by id, resource name or name. HumanError."""
        shelf = self.shelf
        group_id = wanted.removeprefix("contactGroups/")
        if (record := shelf.book.live_group(group_id)) is not None:
            return record.state
        for record in shelf.book.groups.values():
            if record.state.life is Life.LIVE and record.state.name == wanted:
                return record.state
        if not make:
            raise HumanError(f"no such label: {wanted}")
        return new_group(shelf, wanted)


def edit(people: People) -> Json:
    """Do one edit. HumanError for an unknown operation, and for whatever the service refuses."""
    run = OPERATIONS.get(people.op)
    if run is None:
        raise HumanError(f"no such edit: {people.op}; there are: {', '.join(sorted(OPERATIONS))}")
    try:
        return run(people)
    except ApiError as error:
        raise HumanError(error.message) from None


def _logged(people: People, record: Record[ContactState], before: Json) -> Json:
    after = raw_contact(record)
    people.owner.human_log.append(HumanEdit(people.shelf.now, people.op, record.record_id, before, after))
    return after


def _create(people: People) -> Json:
    groups = [people.label(name, make=True).group_id for name in [*people.texts("groups"), *people.texts("labels")]]
    shelf = people.shelf
    change = prepare_create(shelf, people.body())
    state = replace(change.state, groups=tuple(dict.fromkeys([*change.state.groups, *groups])))
    store(shelf, Change(change.source_id, state))
    return _logged(people, shelf.book.contacts[change.source_id], None)


def _update(people: People) -> Json:
    record, shelf, body = people.record(), people.shelf, people.body()
    before = raw_contact(record)
    body.source_etag = f"#{record.state.etag}"
    store(shelf, prepare_update(shelf, record.state.name, body, frozenset(body.items)))
    return _logged(people, record, before)


def _delete(people: People) -> Json:
    record = people.record()
    before = raw_contact(record)
    trash(people.shelf, record)
    return _logged(people, record, before)


def _restore(people: People) -> Json:
    record, shelf = people.record(life=Life.TRASHED), people.shelf
    before = raw_contact(record)
    if not counts(record.state, shelf.now):
        raise HumanError("that contact left the trash for good after 30 days")
    groups = tuple(group_id for group_id in record.state.groups if shelf.book.live_group(group_id)) or ("myContacts",)
    state = replace(record.state, life=Life.LIVE, groups=groups, etag=shelf.fresh_etag(), updated_at=shelf.now)
    if not shelf.is_on("restore_gives_new_id"):
        store(shelf, Change(record.record_id, state))
        return _logged(people, record, before)
    trash(shelf, record, Life.GONE)
    body = PersonBody(items=bare(state.items))
    change = prepare_create(shelf, body)
    store(shelf, Change(change.source_id, replace(change.state, groups=groups)))
    return _logged(people, shelf.book.contacts[change.source_id], before)


def _merge(people: People) -> Json:
    """The first contact named survives with everything of all; the others are gone without a stay in the trash."""
    names, shelf = people.texts("ids"), people.shelf
    records = [people.record(name) for name in names]
    if len({record.record_id for record in records}) < 2:
        raise HumanError("merge wants at least two contacts: ids")
    survivor, others = records[0], records[1:]
    before = raw_contact(survivor)
    items, groups = bare(survivor.state.items), dict.fromkeys(survivor.state.groups)
    for other in others:
        for name, values in bare(other.state.items).items():
            mine = items.setdefault(name, [])
            mine += [] if FIELDS[name].singleton and mine else [value for value in values if value not in mine]
        groups.update(dict.fromkeys(other.state.groups))
    body = PersonBody(source_etag=f"#{survivor.state.etag}", items=items)
    change = prepare_update(shelf, survivor.state.name, body, frozenset(items))
    store(shelf, Change(change.source_id, replace(change.state, groups=tuple(groups))))
    for other in others:
        was = raw_contact(other)
        trash(shelf, other, Life.GONE)
        _logged(people, other, was)
    return _logged(people, survivor, before)


def _add_label(people: People) -> Json:
    record, group = people.record(), people.group(make=True)
    before = raw_contact(record)
    regroup(people.shelf, record, tuple(dict.fromkeys([*record.state.groups, group.group_id])))
    return _logged(people, record, before)


def _remove_label(people: People) -> Json:
    record, group = people.record(), people.group()
    before = raw_contact(record)
    left = tuple(group_id for group_id in record.state.groups if group_id != group.group_id)
    regroup(people.shelf, record, left or ("myContacts",))
    return _logged(people, record, before)


def _group_logged(people: People, before: Json, state: GroupState) -> Json:
    after = raw_group(state)
    people.owner.human_log.append(HumanEdit(people.shelf.now, people.op, state.group_id, before, after))
    return after


def _create_group(people: People) -> Json:
    return _group_logged(people, None, new_group(people.shelf, people.text("name")))


def _own_group(people: People) -> GroupState:
    state = people.group()
    if state.group_id in SYSTEM_GROUPS:
        raise HumanError("that label is not the user's own")
    return state


def _rename_group(people: People) -> Json:
    state, shelf = _own_group(people), people.shelf
    new = change_group(shelf, replace(state, name=free_name(shelf, people.text("name"), state.group_id)))
    return _group_logged(people, raw_group(state), new)


def _delete_group(people: People) -> Json:
    state, shelf = _own_group(people), people.shelf
    drop_group(shelf, state, delete_contacts=people.arguments.get("delete_contacts") is True)
    return _group_logged(people, raw_group(state), shelf.book.groups[state.group_id].state)


def _rename_resource(people: People) -> Json:
    """Give the contact another resource name, as when it gets linked to a profile; its source id stays."""
    record, shelf = people.record(), people.shelf
    before, old = raw_contact(record), record.state
    name = people.text("name", contact_name(shelf.fresh_id()))
    if shelf.book.contact(name) is not None or not name.startswith("people/c"):
        raise HumanError(f"not a free resource name: {name}")
    state = replace(old, name=name, former_names=(*old.former_names, old.name), etag=shelf.fresh_etag(), updated_at=shelf.now)
    store(shelf, Change(record.record_id, state))
    return _logged(people, record, before)


def _touch(people: People) -> Json:
    """Move etag and time, and nothing else."""
    record, shelf = people.record(), people.shelf
    before = raw_contact(record)
    store(shelf, Change(record.record_id, replace(record.state, etag=shelf.fresh_etag(), updated_at=shelf.now)))
    return _logged(people, record, before)


def _set_photo(people: People) -> Json:
    record, shelf = people.record(), people.shelf
    before = raw_contact(record)
    state = replace(record.state, photo_url=people.text("url"), etag=shelf.fresh_etag(), updated_at=shelf.now)
    store(shelf, Change(record.record_id, state))
    return _logged(people, record, before)


def _link_profile(people: People) -> Json:
    """The contact's address turns out to belong to a Google account, whose own data now comes along."""
    record, shelf = people.record(), people.shelf
    before = raw_contact(record)
    profile_id = people.text("profile_id", str(10**20 + shelf.rng.randrange(10**19)))
    source: JsonObject = {"type": "PROFILE", "id": profile_id}
    items: dict[str, list[JsonObject]] = {
        name: [{"metadata": {"source": source, "verified": True}, **value} for value in values]
        for name, values in people.body().items.items()
    }
    store(shelf, Change(record.record_id, replace(record.state, profile=items, profile_id=profile_id)))
    return _logged(people, record, before)


def _grant(people: People) -> Json:
    """Consent without the page: a refresh token for an account, a client, and scopes (by default all that are needed)."""
    client_id = people.text("client_id", CLIENT_ID)
    if client_id not in people.owner.oauth.clients:
        raise HumanError(f"no such client: {client_id}")
    given = people.texts("scopes") or [scope for grant in people.owner.oauth.grants.values() for scope in grant.scopes]
    scopes = tuple(dict.fromkeys(given))
    return {"refresh_token": people.owner.oauth.grant(people.email, client_id, scopes, people.shelf.now, people.text("refresh_token", ""))}


def _revoke(people: People) -> Json:
    return {"revoked": people.owner.oauth.end(people.email)}


def _register_client(people: People) -> Json:
    uris = tuple(people.texts("redirect_uris"))
    client = Client(people.text("client_id"), people.text("client_secret"), uris)
    people.owner.oauth.clients[client.client_id] = client
    return {"client_id": client.client_id, "redirect_uris": list[Json](uris)}


def _register_redirect(people: People) -> Json:
    """One more redirect address of a client, as in the console; from the first on it is a web client: exact matches only."""
    clients, client_id = people.owner.oauth.clients, people.text("client_id", CLIENT_ID)
    if client_id not in clients:
        raise HumanError(f"no such client: {client_id}")
    uris = dict.fromkeys((*clients[client_id].redirect_uris, people.text("redirect_uri")))
    clients[client_id] = replace(clients[client_id], redirect_uris=tuple(uris))
    return {"client_id": client_id, "redirect_uris": list[Json](uris)}


def _add_account(people: People) -> Json:
    email = people.text("email")
    if email in people.owner.accounts:
        raise HumanError("that account exists")
    account = people.owner.add_account(email, people.text("name", "Another Person"))
    return {"id": account.account_id, "email": email}


OPERATIONS: Mapping[str, Callable[[People], Json]] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "restore": _restore,
    "merge": _merge,
    "add_label": _add_label,
    "remove_label": _remove_label,
    "create_group": _create_group,
    "rename_group": _rename_group,
    "delete_group": _delete_group,
    "rename_resource": _rename_resource,
    "touch": _touch,
    "set_photo": _set_photo,
    "link_profile": _link_profile,
    "grant": _grant,
    "revoke": _revoke,
    "register_client": _register_client,
    "register_redirect": _register_redirect,
    "add_account": _add_account,
}
