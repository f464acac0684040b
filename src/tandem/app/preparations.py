"""Where the fields of both sides live, as it is kept with a link.

Rules: a link knows this from its making on; enabling brings it up to date.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem.core.contact import FieldName
from tandem.core.policy import Policy
from tandem.replica import Preparation


def mapping_version(policy: Policy, left: Preparation, right: Preparation) -> str:
    """Where the synced fields live and how numbers are read; when this changes, bases made before it do not count any more."""
    places = sorted(f"{name}@{place}" for prepared in (left, right) for name, place in prepared.places.items())
    return ",".join([*places, f"region={policy.region}"])[:200]


def kept_data(prepared: Preparation) -> dict[str, object]:
    """What a survey found, as plain data."""
    return {
        "layout": prepared.layout,
        "places": dict(prepared.places),
        "to_create": list(prepared.to_create),
        "lacking": dict(prepared.lacking),
        "holds_marker": prepared.holds_marker,
    }


def kept(settings: Mapping[str, object]) -> Preparation:
    """What `kept_data` has kept."""
    places, lacking, to_create = settings.get("places"), settings.get("lacking"), settings.get("to_create")
    return Preparation(
        layout=str(settings.get("layout", "")),
        places={FieldName(name): str(place) for name, place in places.items()} if isinstance(places, dict) else {},
        to_create=tuple(str(name) for name in to_create) if isinstance(to_create, list) else (),
        lacking={FieldName(name): str(text) for name, text in lacking.items()} if isinstance(lacking, dict) else {},
        holds_marker=settings.get("holds_marker") is not False,
    )
