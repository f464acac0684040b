"""The calls of the People API that Tandem makes: paths, parameters, costs, paging, and the shapes of their answers.

Rules
    - Every read asks for contact data only (`sources`): without it the service mixes in what the other person's own Google
      profile says.
    - The listing of contacts always looks the same: its sync token is bound to its parameters (`TEMPLATE`).
    - Masks are never empty: without a read mask a batch answers nothing, and ids and etags of what it made are lost.

Sources: the People API's discovery document (paths, parameters); "Read and manage contacts" (costs by quota bucket); the
reference of `people.connections.list` (sync tokens).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from tandem.connectors.http import Answer, Call, Door
from tandem.connectors.wire import JsonObject, as_object, number_at, object_at, objects_at, text_at
from tandem.errors import Malformed

#: Everything that a contact can hold and a program can write, and what is needed to recognise a version.
PERSON_FIELDS = (
    "addresses,biographies,birthdays,calendarUrls,clientData,emailAddresses,events,externalIds,genders,imClients,interests,"
    "locales,locations,memberships,metadata,miscKeywords,names,nicknames,occupations,organizations,phoneNumbers,relations,"
    "sipAddresses,urls,userDefined"
)
CONTACTS_ONLY = "READ_SOURCE_TYPE_CONTACT"
PAGE_SIZE = 1000
GROUP_PAGE_SIZE = 1000
MAX_BATCH = 200
MAX_MEMBERS_A_CALL = 1000
#: Longer URLs are not sure to pass every gateway on the way.
MAX_URL = 7500
#: Changes of these would make the service refuse a sync token; kept with it, to notice first.
TEMPLATE = hashlib.sha256(f"{PERSON_FIELDS} {CONTACTS_ONLY} {PAGE_SIZE}".encode()).hexdigest()[:16]

_READ = {"critical-read": 1}
_WRITE = {"critical-read": 1, "critical-write": 1}
#: A batch costs the same whether it holds two contacts or two hundred.
_BATCH = {"critical-read": 6, "critical-write": 6}
_GROUP_READ = {"read": 1}
_GROUP_WRITE = {"write": 1}
_NAME = re.compile(r"(people|contactGroups)/[A-Za-z0-9_-]+")


class PeoplePage(msgspec.Struct, rename="camel"):
    """One page of the listing; only the last one has a sync token. A person stays as its bytes."""

    connections: list[msgspec.Raw] = []
    next_page_token: str = ""
    next_sync_token: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A label of the account. `members` are resource names, as many of them as were asked for."""

    name: str
    title: str
    member_count: int
    is_system: bool
    is_deleted: bool = False
    members: tuple[str, ...] = ()


def _path(resource_name: str) -> str:
    """The path of a resource. Malformed for a name that would lead somewhere else."""
    if not _NAME.fullmatch(resource_name):
        raise Malformed("a resource name is not of the documented form")
    return f"/v1/{resource_name}"


def _reading(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("personFields", PERSON_FIELDS), ("sources", CONTACTS_ONLY), *more]


def list_people(*, sync_token: str = "", page_token: str = "") -> Call:
    """One page of all contacts, or with a sync token of those that moved."""
    query = _reading(("pageSize", str(PAGE_SIZE)), ("requestSyncToken", "true"))
    query += [("syncToken", sync_token)] if sync_token else []
    query += [("pageToken", page_token)] if page_token else []
    return Call("people.connections.list", "GET", "/v1/people/me/connections", query, cost=_READ)


def get_person(name: str) -> Call:
    """One contact, with its lists whole."""
    return Call("people.get", "GET", _path(name), _reading(), cost=_READ)


def get_myself() -> Call:
    """The account's own profile: its id, and the address if the consent covers it."""
    return Call("people.get", "GET", "/v1/people/me", [("personFields", "metadata,emailAddresses")], cost=_READ)


def get_people(names: Sequence[str]) -> Call:
    """Up to 200 contacts."""
    query = _reading(*(("resourceNames", _path(name).removeprefix("/v1/")) for name in names))
    return Call("people.getBatchGet", "GET", "/v1/people:batchGet", query, cost=_READ)


def batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """The names in parts that fit into one `get_people` each."""
    room = MAX_URL - len(urlencode(_reading()))
    start, used = 0, 0
    for position, name in enumerate(names):
        size = len(urlencode([("resourceNames", name)])) + 1
        if position > start and (used + size > room or position - start == MAX_BATCH):
            yield names[start:position]
            start, used = position, 0
        used += size
    if names:
        yield names[start:]


def create_person(person: JsonObject) -> Call:
    """Make one contact."""
    return Call("people.createContact", "POST", "/v1/people:createContact", _reading(), person, is_write=True, cost=_WRITE)


def create_people(people: Sequence[JsonObject]) -> Call:
    """Make up to 200 contacts: all or none."""
    body: JsonObject = {
        "contacts": [{"contactPerson": person} for person in people],
        "readMask": PERSON_FIELDS,
        "sources": [CONTACTS_ONLY],
    }
    return Call("people.batchCreateContacts", "POST", "/v1/people:batchCreateContacts", (), body, is_write=True, cost=_BATCH)


def update_person(name: str, person: JsonObject, mask: Sequence[str]) -> Call:
    """Replace the lists named by the mask, if the person still has the etag that stands in the body."""
    query = _reading(("updatePersonFields", ",".join(mask)))
    return Call("people.updateContact", "PATCH", f"{_path(name)}:updateContact", query, person, is_write=True, cost=_WRITE)


def update_people(people: Mapping[str, JsonObject], mask: Sequence[str]) -> Call:
    """The same for up to 200 contacts by resource name, under one mask: all or none."""
    body: JsonObject = {
        "contacts": dict(people),
        "updateMask": ",".join(mask),
        "readMask": PERSON_FIELDS,
        "sources": [CONTACTS_ONLY],
    }
    return Call("people.batchUpdateContacts", "POST", "/v1/people:batchUpdateContacts", (), body, is_write=True, cost=_BATCH)


def delete_person(name: str) -> Call:
    """Put one contact into the bin, whatever its version."""
    return Call("people.deleteContact", "DELETE", f"{_path(name)}:deleteContact", is_write=True, cost=_GROUP_WRITE)


def add_members(group: str, names: Sequence[str]) -> Call:
    """Put up to 1,000 contacts into a group."""
    body: JsonObject = {"resourceNamesToAdd": list(names)}
    path = f"{_path(group)}/members:modify"
    return Call("contactGroups.members.modify", "POST", path, (), body, is_write=True, cost=_GROUP_WRITE)


def remove_members(group: str, names: Sequence[str]) -> Call:
    """Take up to 1,000 contacts out of a group."""
    body: JsonObject = {"resourceNamesToRemove": list(names)}
    path = f"{_path(group)}/members:modify"
    return Call("contactGroups.members.modify", "POST", path, (), body, is_write=True, cost=_GROUP_WRITE)


def ask_group(group: str, max_members: int) -> Call:
    """One group, with up to that many of its members."""
    query = [("groupFields", "groupType,memberCount,metadata,name"), ("maxMembers", str(max_members))]
    return Call("contactGroups.get", "GET", _path(group), query, cost=_GROUP_READ)


def people_page(answer: Answer) -> PeoplePage:
    """A page of the listing. Malformed for anything else."""
    try:
        return msgspec.json.decode(answer.content, type=PeoplePage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("a page of contacts cannot be read", service="google") from None


def get_group(door: Door, group: str, max_members: int = 0) -> Group:
    """One group. NotThere when it is not (or, when it is new, not yet) there."""
    return _group(as_object(door.send(ask_group(group, max_members)).json()))


def list_groups(door: Door) -> list[Group]:
    """All labels of the account with their member counts, the system's own among them."""
    groups: list[Group] = []
    page_token = ""
    while True:
        query = [("groupFields", "groupType,memberCount,metadata,name"), ("pageSize", str(GROUP_PAGE_SIZE))]
        query += [("pageToken", page_token)] if page_token else []
        page = as_object(door.send(Call("contactGroups.list", "GET", "/v1/contactGroups", query, cost=_GROUP_READ)).json())
        groups += [_group(item) for item in objects_at(page, "contactGroups")]
        page_token = text_at(page, "nextPageToken")
        if not page_token:
            return groups


def create_group(door: Door, title: str) -> Group:
    """Make a label. Rejected with reason ALREADY_EXISTS when there is one of that title."""
    body: JsonObject = {"contactGroup": {"name": title}, "readGroupFields": "groupType,metadata,name"}
    call = Call("contactGroups.create", "POST", "/v1/contactGroups", (), body, is_write=True, cost=_GROUP_WRITE)
    return _group(as_object(door.send(call).json()))


def _group(raw: JsonObject) -> Group:
    return Group(
        name=text_at(raw, "resourceName"),
        title=text_at(raw, "formattedName") or text_at(raw, "name"),
        member_count=number_at(raw, "memberCount"),
        is_system=text_at(raw, "groupType") == "SYSTEM_CONTACT_GROUP",
        is_deleted=object_at(raw, "metadata").get("deleted") is True,
        members=tuple(name for name in _texts(raw, "memberResourceNames")),
    )


def _texts(raw: JsonObject, key: str) -> list[str]:
    value = raw.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
