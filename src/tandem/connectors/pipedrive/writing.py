"""What a link does to persons: create, change, delete, each sent once, each with an outcome that says what is known.

Rules
    - Pipedrive has no compare-and-set: a person is read right before it is changed or deleted, and left alone when it is no longer
      what was planned on. What is written is built on that read.
    - Only the touched top-level fields are sent.
    - A definite no (400) may be followed by another form of the same change: one name for refused parts, "" for a refused null
      (never for an organisation). Nothing else is sent twice.
    - Nothing raises: an error of the whole link is an outcome as well, so that those of a wave are never lost.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from tandem.connectors.http import Json, JsonObject, as_object, object_at, parse
from tandem.connectors.pipedrive import codec, limits
from tandem.connectors.pipedrive.api import Api
from tandem.connectors.pipedrive.layout import OWN_ADDRESS, Layout
from tandem.connectors.pipedrive.organisations import Organisations
from tandem.connectors.pipedrive.reading import Reader, handle_of
from tandem.connectors.pipedrive.reasons import CONTACT_SYNC, Complaint, complaints
from tandem.core.contact import MESSENGERS, ORGANISATION, Contact, Delta
from tandem.errors import NotAllowed, NotThere, OutcomeUnknown, Rejected, TandemError
from tandem.replica import (
    Absent,
    Creation,
    Deletion,
    Moved,
    Observation,
    Outcome,
    Refused,
    Removed,
    Sighting,
    Tombstone,
    Unanswered,
    Untouched,
    Update,
    Written,
)

_log = logging.getLogger(__name__)

NAMELESS = "Pipedrive wants a name for every person, and this contact has neither name, organisation, e-mail nor phone."
_NO_ORGANISATION = "The organisation does not exist in Pipedrive yet."
_HIDDEN_ORGANISATION = "The person's organisation is hidden from the connected Pipedrive user, so it is left as it is."
_MAY_NOT_ADD = "The connected Pipedrive user may not add persons: ask an administrator of the company to allow it."
_MAY_NOT_CHANGE = "The connected Pipedrive user may not change this person: ask its owner or an administrator of the company."
_NO_CONTACT_SYNC = "Pipedrive's own fields for messengers and addresses are not there any more."
_SOME_REFUSED = "Pipedrive does not take this value."
_ALL_REFUSED = "Pipedrive does not take this person as it is."
_LAYOUT_REFUSED = "A field in which Tandem keeps messengers, addresses or its own id has been removed from Pipedrive."
#: What the answer to a write must hold to be taken for the whole person.
_WHOLE = ("id", "update_time", "emails", "phones")


@dataclass(frozen=True, slots=True)
class Births:
    """What every person gets who is created for a link. `visible_to` None: the user's own default."""

    owner_id: int
    visible_to: int | None


class Writer:
    """The writing half of the replica."""

    def __init__(self, api: Api, layout: Layout, organisations: Organisations, reader: Reader, births: Births) -> None:
        self._api = api
        self._layout = layout
        self._organisations = organisations
        self._reader = reader
        self._births = births
        #: The service has refused the parts of a name once: from then on they go as one name.
        self._takes_parts = True

    def create(self, creation: Creation) -> Outcome:
        """Make one person, inside the scope and with the marker where there is a place for it."""
        organisation = creation.contact.text(ORGANISATION)
        org_id = self._organisations.id_for(organisation) if organisation else None
        if organisation and org_id is None:
            return Refused(_NO_ORGANISATION, frozenset({ORGANISATION}))
        try:
            body = codec.put_new(creation.contact, self._layout, creation.marker, org_id=org_id)
        except codec.Nameless:
            return Refused(NAMELESS)
        if limits.is_overlong(body, self._layout):
            return Refused(limits.TOO_LONG, frozenset({MESSENGERS}))
        body["owner_id"] = self._births.owner_id
        if creation.like:
            return self._create_like(creation, body)
        if self._births.visible_to is not None:
            body["visible_to"] = self._births.visible_to
        return self._settled(body, _MAY_NOT_ADD, lambda: self._written(self._send(body, self._api.add_person), in_scope=True))

    def _create_like(self, creation: Creation, body: JsonObject) -> Outcome:
        """Make a person with what an earlier one held besides; what is refused for certain is left, and the rest is made."""
        whole = codec.with_rest(body, as_object(parse(creation.like)))
        outcome = self._settled(whole, _MAY_NOT_ADD, lambda: self._written(self._send(whole, self._api.add_person), in_scope=True))
        return self.create(replace(creation, like=b"")) if isinstance(outcome, Refused) else outcome

    def update(self, update: Update) -> Outcome:
        """Change one person, if it still is what was planned on."""
        planned = update.planned_on
        body: JsonObject = {}

        def change() -> Outcome:
            now = self._now(planned)
            if not isinstance(now, Observation):
                return Moved(now)
            person = as_object(parse(now.raw))
            has_left = planned.in_scope and not now.in_scope
            if now.version < planned.version or has_left or now.contact != self._planned(planned):
                return Moved(now)
            if ORGANISATION in update.delta and self._organisations.is_hidden(person):
                return Refused(_HIDDEN_ORGANISATION, frozenset({ORGANISATION}))
            organisation = _text(update.delta)
            org_id = self._organisations.id_for(organisation, person) if organisation else None
            if organisation and org_id is None:
                return Refused(_NO_ORGANISATION, frozenset({ORGANISATION}))
            present = self._organisations.name_of(person)
            body.update(codec.put(update.delta, person, self._layout, organisation=present, org_id=org_id))
            if not body:
                return Written(now)
            if limits.is_overlong(body, self._layout):
                return Refused(limits.TOO_LONG, frozenset({MESSENGERS}))
            return self._written(self._send(body, partial(self._api.update_person, now.handle.locator)), in_scope=now.in_scope)

        try:
            return self._settled(body, _MAY_NOT_CHANGE, change)
        except codec.Nameless:
            return Refused(NAMELESS, codec.NAMES & update.delta.keys())

    def delete(self, deletion: Deletion) -> Outcome:
        """Delete one person, if it still is exactly what was decided upon."""
        planned = deletion.planned_on

        def remove() -> Outcome:
            now = self._now(planned)
            if isinstance(now, Tombstone | Absent):
                return Removed()
            if not isinstance(now, Observation) or now.version != planned.version or now.contact != self._planned(planned):
                return Moved(now)
            with contextlib.suppress(NotThere):
                self._api.delete_person(now.handle.locator)
            return Removed()

        return self._settled({}, _MAY_NOT_CHANGE, remove)

    def _now(self, planned: Observation) -> Sighting:
        """The person right before a write. Of a filter's member it is believed that it still is one."""
        return self._reader.look(planned.handle, frozenset(), in_scope=planned.in_scope)

    def _planned(self, planned: Observation) -> Contact:
        """What was planned on, with the organisations as they are called now."""
        return self._reader.contact(as_object(parse(planned.raw)))

    def _written(self, raw: bytes, *, in_scope: bool) -> Outcome:
        """The outcome of an answer; one read where the answer does not hold the whole person."""
        try:
            person = as_object(parse(raw), "a person")
            if all(key in person for key in _WHOLE):
                sighting = self._reader.sighting(raw, person, frozenset(), in_scope=in_scope)
            else:
                sighting = self._reader.look(handle_of(person), frozenset(), in_scope=in_scope)
        except TandemError:
            return Unanswered("What was written could not be read back.")
        return Written(sighting) if isinstance(sighting, Observation) else Unanswered("What was written could not be read back.")

    # --- sending --------------------------------------------------------------------------------------------------------

    def _send(self, body: JsonObject, send: Callable[[JsonObject], bytes]) -> bytes:
        """Send once; after a definite no that names the form, once more in the other form."""
        form = body if self._takes_parts else _joined(body)
        for _ in range(3):
            try:
                return send(form)
            except Rejected as error:
                other = self._other_form(form, error)
                if other is None:
                    raise
                form = other
        return send(form)

    def _other_form(self, form: JsonObject, error: Rejected) -> JsonObject | None:
        """How else the same could be said; None when there is no other way."""
        if error.status != 400:
            return None
        named = complaints(error)
        parts = {"first_name", "last_name"} & form.keys()
        if parts and any(complaint.is_unknown and complaint.parameter in parts for complaint in named):
            if self._takes_parts:
                _log.warning("Pipedrive refused the parts of a name; from now on names go whole, split as Pipedrive splits them")
            self._takes_parts = False
            return _joined(form)
        return _without_nulls(form, named)

    def _settled(self, body: Mapping[str, Json], forbidden: str, act: Callable[[], Outcome]) -> Outcome:
        """The outcome of an action, errors included."""
        try:
            return act()
        except OutcomeUnknown:
            return Unanswered("Pipedrive's answer is missing: it may have happened.")
        except NotThere:
            return Moved()
        except NotAllowed as error:
            return Refused(_NO_CONTACT_SYNC, is_layout=True) if error.reason == CONTACT_SYNC else Refused(forbidden)
        except Rejected as error:
            return self._refused(body, complaints(error))
        except TandemError as error:
            return Untouched(error)

    def _refused(self, body: Mapping[str, Json], named: tuple[Complaint, ...]) -> Outcome:
        """A refusal by the fields that it names; what Tandem's own fields are concerned is a matter of the layout."""
        parameters = frozenset(complaint.parameter for complaint in named)
        fields = codec.fields_in(parameters, self._layout)
        places = {self._layout.messengers, self._layout.address, self._layout.marker} - {""}
        if any(complaint.is_unknown and complaint.parameter in places for complaint in named):
            return Refused(_LAYOUT_REFUSED, fields, is_layout=True)
        if "org_id" in parameters and isinstance(body.get("org_id"), int):
            self._forget_organisation(str(body["org_id"]))
        return Refused(_SOME_REFUSED if fields else _ALL_REFUSED, fields)

    def _forget_organisation(self, id_: str) -> None:
        """Pipedrive refused this organisation: see whether it is deleted, so that the next plan does not choose it again."""
        try:
            self._organisations.look_up([id_])
        except TandemError:
            _log.debug("organisation %s was refused and could not be read", id_)


def _text(delta: Delta) -> str:
    """The name of the organisation that shall be, if that changes."""
    change = delta.get(ORGANISATION)
    return change if isinstance(change, str) else ""


def _joined(body: JsonObject) -> JsonObject:
    return codec.joined_name(body) if "first_name" in body else body


def _without_nulls(form: JsonObject, named: tuple[Complaint, ...]) -> JsonObject | None:
    """The same with "" in the place of refused nulls; None when there are none, or none that may be emptied so."""
    parameters = {complaint.parameter for complaint in named}
    changed: JsonObject = {}
    for key, value in form.items():
        if value is None and key != "org_id" and (not parameters or key in parameters):
            changed[key] = {"value": ""} if key == OWN_ADDRESS else ""
    custom = object_at(form, "custom_fields")
    emptied: JsonObject = {code: "" for code, value in custom.items() if value is None and (not parameters or code in parameters)}
    if emptied:
        changed["custom_fields"] = {**custom, **emptied}
    return {**form, **changed} if changed else None
