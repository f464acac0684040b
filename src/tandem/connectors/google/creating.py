"""Making contacts: single calls for a few, one batch for many.

Rules: a contact is made with its memberships and its marker in the same request, so that it is never seen without them. Nothing
makes repeating a creation harmless: a batch is sent once, and unless the refusal is about the account, each member of a failed
one is `Unanswered`. Only a single creation is asked again, and only on a 404: that can mean nothing but a group too new.

Source: the reference of `people.createContact` and `people.batchCreateContacts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tandem.connectors.google import api, codec
from tandem.connectors.google.observing import created, observe
from tandem.connectors.google.outcomes import UNREADABLE_ANSWER, failed, failed_creations, patiently, settled
from tandem.connectors.http import Door
from tandem.connectors.wire import JsonObject, as_object, parse
from tandem.errors import TandemError
from tandem.replica import Creation, Outcome, Refused, Unanswered, Untouched, Written

#: A batch costs as much as six single calls.
SINGLES_BELOW = 7
_EMPTY = "There is nothing in it that Google could keep: no name, no organisation, no address and no number."


def create(door: Door, group: str, creations: Sequence[Creation]) -> list[Outcome]:
    """Make contacts inside the group, each bearing its marker; an outcome for each, in order."""
    fit = [creation for creation in creations if creation.contact]
    is_single = len(fit) < SINGLES_BELOW or any(creation.like for creation in fit)
    made = iter(_each(door, group, fit) if is_single else _batch(door, group, fit))
    return [next(made) if creation.contact else Refused(_EMPTY) for creation in creations]


def _each(door: Door, group: str, creations: Sequence[Creation]) -> list[Outcome]:
    """One after the other; what concerns the whole link ends the wave."""
    outcomes: list[Outcome] = []
    for creation in creations:
        last = outcomes[-1] if outcomes else None
        outcomes.append(last if isinstance(last, Untouched) else _one(door, group, creation))
    return outcomes


def _one(door: Door, group: str, creation: Creation) -> Outcome:
    """One contact; what is like an earlier one and refused for certain is made once more, from the common view alone."""
    call = api.create_person(person(creation, group))

    def write() -> Outcome:
        answer = patiently(door, lambda: door.send(call))
        return Written(observe(as_object(answer.json()), group, is_whole=True))

    outcome = settled(write)
    if creation.like and isinstance(outcome, Refused):
        return _one(door, group, replace(creation, like=b""))
    return outcome


def _batch(door: Door, group: str, creations: Sequence[Creation]) -> list[Outcome]:
    try:  # a group too new would fail the whole batch, and leave each of its members in doubt
        patiently(door, lambda: api.get_group(door, group))
    except TandemError as error:
        return [Untouched(error)] * len(creations)
    try:
        answer = door.send(api.create_people([person(creation, group) for creation in creations]))
    except TandemError as error:
        return [failed_creations(error)] * len(creations)
    try:
        by_marker = {one.marker: one for one in created(as_object(answer.json()), group)}
    except TandemError as error:
        return [failed(error)] * len(creations)
    found = [by_marker.get(creation.marker) for creation in creations]
    return [Written(one) if one is not None else Unanswered(UNREADABLE_ANSWER) for one in found]


def person(creation: Creation, group: str) -> JsonObject:
    """The body of a creation."""
    body: JsonObject = {field: list(items) for field, items in codec.put(codec.creating(creation.contact), None).fields.items()}
    if creation.like:
        body = codec.again(as_object(parse(creation.like)))
    body["memberships"] = list(codec.memberships(group))
    body["clientData"] = list(codec.marked(creation.marker))
    return body
