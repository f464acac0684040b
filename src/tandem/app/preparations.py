"""Where the fields of both sides live, as it is kept with a link.

Rules: a link knows this from its making on; enabling brings it up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tandem.core.contact import FieldName
from tandem.core.policy import Policy
from tandem.replica import Preparation

SURVEY_EVERY = timedelta(hours=23)


def mapping_version(policy: Policy, left: Preparation, right: Preparation) -> str:
    """Where the synced fields live and how numbers are read; when this changes, bases made before it do not count any more."""
    places = sorted(f"{name}@{place}" for prepared in (left, right) for name, place in prepared.places.items())
    return ",".join([*places, f"region={policy.region}"])[:200]


def is_survey_due(settings: Mapping[str, object], now: datetime) -> bool:
    """Whether the fields have to be looked for again: once a day."""
    last = settings.get("surveyed_at")
    return not isinstance(last, str) or now - datetime.fromisoformat(last) >= SURVEY_EVERY


def kept_data(prepared: Preparation) -> dict[str, object]:
    """What a survey found, as plain data."""
    return {
        "layout": prepared.layout,
        "places": dict(prepared.places),
        "to_create": list(prepared.to_create),
        "lacking": dict(prepared.lacking),
        "holds_marker": prepared.holds_marker,
        "notices": list(prepared.notices),
    }


def kept(settings: Mapping[str, object]) -> Preparation:
    """What `kept_data` has kept."""
    places, lacking, to_create = settings.get("places"), settings.get("lacking"), settings.get("to_create")
    notices = settings.get("notices")
    return Preparation(
        layout=str(settings.get("layout", "")),
        places={FieldName(name): str(place) for name, place in places.items()} if isinstance(places, dict) else {},
        to_create=tuple(str(name) for name in to_create) if isinstance(to_create, list) else (),
        lacking={FieldName(name): str(text) for name, text in lacking.items()} if isinstance(lacking, dict) else {},
        holds_marker=settings.get("holds_marker") is not False,
        notices=tuple(str(text) for text in notices) if isinstance(notices, list) else (),
    )
