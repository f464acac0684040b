"""Finding and making the fields of a company that hold what a person has no place for by itself.

Rules: a link keeps the field with which it was enabled while that exists, even when Pipedrive's own appear later; a new link takes
Pipedrive's own, else a custom field of our name and type (whoever made it), else one is made, once for the whole company. Two fields
of one name: the first in the company's order. Without the right to make fields the messengers and the address stay unsynced, with a
sentence that says whom to ask, and what we create bears no marker.
Sources: Pipedrive's page on custom fields (its own five come with its own contact sync; names are not unique; limits of the plans).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tandem.connectors.http import JsonObject, text_at
from tandem.connectors.pipedrive.api import Api
from tandem.connectors.pipedrive.layout import OWN_ADDRESS, OWN_MESSENGERS, Layout
from tandem.core.contact import ADDRESS, MESSENGERS, FieldName
from tandem.errors import ConsentNarrowed, NotAllowed, TandemError
from tandem.replica import Preparation


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the layout: its name there, the custom field that serves, Pipedrive's own code, what it holds."""

    slot: str
    name: str
    field_type: str
    own: str = ""
    holds: FieldName | None = None


PLACES = (
    Place("messengers", "Instant messenger", "varchar", OWN_MESSENGERS, MESSENGERS),
    Place("address", "Postal address", "address", OWN_ADDRESS, ADDRESS),
    Place("marker", "Tandem ID", "varchar"),
)

#: Why a field could not be made; each says whom to ask.
_NO_RIGHT = (
    "The connected Pipedrive user may not add custom fields: ask an administrator of the company to allow it, or to enable this link."
)
_NO_ROOM = (
    "The company's Pipedrive plan has no room for another custom field: ask an administrator to remove one or to choose a larger plan."
)
_NO_SCOPE = (
    "The connection does not cover custom fields: connect Pipedrive again and allow contact fields, or ask an administrator to do so."
)

_REMOVED_AGAIN = "The Pipedrive field {name!r} was removed twice: it is left out. An administrator can add it again under that name."
_OWN_FIELDS = (
    "Pipedrive's own messenger and address fields have appeared: its Contact Sync was switched on. This link stays with the fields with "
    "which it was made. Keep Pipedrive's Contact Sync off this Google account: both together would double every contact."
)


def survey(api: Api, kept: Layout) -> Preparation:
    """Where the fields are, and what enabling would make. Sends no write. `kept` is the link's present layout."""
    existing = api.person_fields()
    layout, missing = _found(existing, kept)
    to_create = tuple(place.name for place in missing if place.slot not in kept.remade)
    left_out = [place for place in missing if place.slot in kept.remade]
    return Preparation(
        layout.render(), _places(layout), to_create=to_create, lacking=_lacking(left_out), notices=_notices(existing, layout, left_out)
    )


def enable(api: Api, kept: Layout) -> Preparation:
    """Make what is missing; what was there and was removed is made again once, and then left out.

    Raises OutcomeUnknown when an answer is lost; repeating finds by its name what was made.
    """
    existing = api.person_fields()
    layout, missing = _found(existing, kept)
    left_out = [place for place in missing if place.slot in kept.remade]
    lacking = _lacking(left_out)
    for place in missing:
        if place in left_out:
            continue
        try:
            made = api.add_person_field(place.name, place.field_type)
        except (NotAllowed, ConsentNarrowed) as error:
            if place.holds is not None:
                lacking[place.holds] = _sentence(error)
            continue
        layout = _with(layout, place, text_at(made, "field_code"))
        if _held(kept, place):
            layout = replace(layout, remade=(*layout.remade, place.slot))
    notices = _notices(existing, layout, left_out)
    return Preparation(layout.render(), _places(layout), lacking=lacking, holds_marker=bool(layout.marker), notices=notices)


def _lacking(left_out: Sequence[Place]) -> dict[FieldName, str]:
    return {place.holds: _REMOVED_AGAIN.format(name=place.name) for place in left_out if place.holds is not None}


def _notices(existing: Sequence[JsonObject], layout: Layout, left_out: Sequence[Place]) -> tuple[str, ...]:
    """What the user should know: fields that were removed for good, and Pipedrive's own that have appeared beside ours."""
    codes = {text_at(field, "field_code") for field in existing}
    notices = [_REMOVED_AGAIN.format(name=place.name) for place in left_out]
    if any(place.own in codes and _held(layout, place) not in ("", place.own) for place in PLACES if place.own):
        notices.append(_OWN_FIELDS)
    return tuple(notices)


def _places(layout: Layout) -> Mapping[FieldName, str]:
    return {MESSENGERS: layout.messengers, ADDRESS: layout.address}


def _found(fields: Sequence[JsonObject], kept: Layout) -> tuple[Layout, list[Place]]:
    """The layout as far as its fields exist, and the places that have none."""
    existing = {text_at(field, "field_code"): field for field in fields}
    layout, missing = Layout(remade=kept.remade), []
    for place in PLACES:
        code = _code(place, existing, _held(kept, place))
        if code:
            layout = _with(layout, place, code)
        else:
            missing.append(place)
    return layout, missing


def _code(place: Place, existing: Mapping[str, JsonObject], kept: str) -> str:
    if kept in existing:
        return kept
    if place.own in existing:
        return place.own
    named = (code for code, field in existing.items() if code != place.own and _is_named(field, place))
    return next(named, "")


def _is_named(field: JsonObject, place: Place) -> bool:
    name, kind = text_at(field, "field_name"), text_at(field, "field_type")
    return field.get("is_custom_field") is True and name.strip().casefold() == place.name.casefold() and kind == place.field_type


def _held(layout: Layout, place: Place) -> str:
    return {"messengers": layout.messengers, "address": layout.address, "marker": layout.marker}[place.slot]


def _with(layout: Layout, place: Place, code: str) -> Layout:
    match place.slot:
        case "messengers":
            return replace(layout, messengers=code)
        case "address":
            return replace(layout, address=code)
        case _:
            return replace(layout, marker=code)


def _sentence(error: TandemError) -> str:
    if isinstance(error, ConsentNarrowed):
        return _NO_SCOPE
    return _NO_ROOM if isinstance(error, NotAllowed) and error.reason.startswith("feature_capping") else _NO_RIGHT
