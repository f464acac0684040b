"""Direct reads: contacts by their names, and the group's own list of members.

Rules: a read of many that is refused as a whole is read in parts, so that one bad name hides no other; reads may lag behind
writes by minutes, and nobody here concludes anything from that.

Source: the reference of `people.getBatchGet` and `contactGroups.get`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tandem.connectors.google import api, codec
from tandem.connectors.google.observing import about, answers
from tandem.connectors.google.outcomes import patiently
from tandem.connectors.http import Door
from tandem.connectors.wire import as_object, objects_at
from tandem.core.state import RecordId
from tandem.errors import GroupGone, NotAllowed, NotThere, Rejected
from tandem.replica import Absent, Handle, Observation, Sighting, Tombstone, Unreadable

#: So many members that no listing showed are looked at singly; where more are missing the listing is wrong anyway.
MOST_STRANGERS = 200


def fetch(door: Door, group: str, handles: Sequence[Handle]) -> list[Sighting]:
    """What each record is now, in the order of the handles."""
    by_name = {handle.locator: handle for handle in handles}
    found: dict[str, Sighting] = {}
    for names in api.batches(list(by_name)):
        part = [by_name[name] for name in names]
        found.update(zip(names, _part(door, group, part), strict=True))
    return [found[handle.locator] for handle in handles]


def _part(door: Door, group: str, handles: Sequence[Handle]) -> list[Sighting]:
    if len(handles) == 1:
        return [_one(door, group, handles[0])]
    try:
        answer = door.send(api.get_people([handle.locator for handle in handles]))
    except NotAllowed:
        return [_forbidden(handle) for handle in handles]
    except Rejected:
        middle = len(handles) // 2
        return _part(door, group, handles[:middle]) + _part(door, group, handles[middle:])
    return answers(objects_at(as_object(answer.json()), "responses"), handles, group)


def _one(door: Door, group: str, handle: Handle) -> Sighting:
    try:
        answer = door.send(api.get_person(handle.locator))
    except NotThere:
        return Absent(handle)
    except NotAllowed:
        return _forbidden(handle)
    except Rejected as error:
        return Unreadable(handle, str(error))
    return about(as_object(answer.json()), handle, group, is_whole=True)


def _forbidden(handle: Handle) -> Unreadable:
    return Unreadable(handle, "Google does not let this account read the contact.")


def check_group(door: Door, group: str) -> api.Group:
    """The group, if it is there. GroupGone otherwise."""
    found = patiently(door, lambda: api.get_group(door, group))
    if found.is_deleted:
        raise GroupGone
    return found


def disputed(door: Door, group: str, listed: frozenset[RecordId]) -> frozenset[RecordId]:
    """Ids on which the group's own list of members and a full listing disagree."""
    count = check_group(door, group).member_count
    members = api.get_group(door, group, max_members=count).members if count else ()
    known = {name: codec.id_of_name(name) for name in members}
    strangers = [name for name, id_ in known.items() if id_ is None or id_ not in listed][:MOST_STRANGERS]
    # The name of a contact may have changed; its id has not.
    known.update(_true_ids(door, group, strangers))
    return frozenset(RecordId(name) if id_ is None else id_ for name, id_ in known.items()) ^ listed


def _true_ids(door: Door, group: str, names: Sequence[str]) -> dict[str, RecordId]:
    handles = [Handle(codec.id_of_name(name) or RecordId(""), name) for name in names]
    ids: dict[str, RecordId] = {}
    for name, sighting in zip(names, fetch(door, group, handles), strict=True):
        match sighting:
            case Observation():
                ids[name] = sighting.handle.id
            case Tombstone(merged_into=str() as survivor):
                ids[name] = survivor
            case _:
                pass
    return ids
