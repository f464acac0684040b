"""Where messengers, the address and the marker live in a company's persons.

Rules: a place is a field code: Pipedrive's own (`im`, `postal_address`), which stand at the root of a person, or the forty hexadecimal
digits of a custom field, which stands under `custom_fields`; empty means that the company has no place for it.
Theory: Pipedrive makes its own two fields for the whole company when somebody there first sets up its own contact sync. Before that
they do not exist, and writing them is refused. Custom fields of the same names may stand beside them, so only the code counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tandem.connectors.http import Json, JsonObject, object_at
from tandem.errors import Malformed

OWN_MESSENGERS = "im"
OWN_ADDRESS = "postal_address"


@dataclass(frozen=True, slots=True)
class Layout:
    """The three places. `remade`: those that were made a second time already, by their names here."""

    messengers: str = ""
    address: str = ""
    marker: str = ""
    remade: tuple[str, ...] = ()

    def render(self) -> str:
        """As it is kept with the link."""
        places = {"address": self.address, "marker": self.marker, "messengers": self.messengers}
        return msgspec.json.encode({**places, "remade": " ".join(self.remade)} if self.remade else places).decode()


def parse_layout(text: str) -> Layout:
    """The layout of a link; of a link without one: no places. Malformed for anything but our own text."""
    if not text:
        return Layout()
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        raise Malformed("this is no layout of Pipedrive fields") from None
    return Layout(found.get("messengers", ""), found.get("address", ""), found.get("marker", ""), tuple(found.get("remade", "").split()))


def is_own(code: str) -> bool:
    """Whether a field is Pipedrive's own."""
    return code in (OWN_MESSENGERS, OWN_ADDRESS)


def held_at(person: JsonObject, code: str) -> Json:
    """What stands at a place; nothing for no place."""
    if not code:
        return None
    if not is_own(code):
        return object_at(person, "custom_fields").get(code)
    if code == OWN_MESSENGERS and code not in person:
        return person.get("ims")  # so called in the prose of the guide to API v2, though nowhere else
    return person.get(code)


def is_shown(person: JsonObject, code: str) -> bool:
    """Whether a person has the place at all, be it empty."""
    if is_own(code):
        return code in person or (code == OWN_MESSENGERS and "ims" in person)
    return code in object_at(person, "custom_fields")


def put_at(body: JsonObject, code: str, value: Json) -> None:
    """Set a place in the body of a write."""
    if is_own(code):
        body[code] = value
        return
    body["custom_fields"] = {**object_at(body, "custom_fields"), code: value}
