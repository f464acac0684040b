"""Postal addresses: Pipedrive's ten parts and the common five.

Rules: an address is written whole, because parts that are not sent are wiped (and parts without a value are not sent, because null is
no published value for one); of what the common view does not show (street number
apart from street, flat, district, county) everything stays while the part that it details stays, and goes with it: a flat belongs to
its street, district and county to their city and region. `formatted_address` is derived by Pipedrive and never sent.
Theory: Pipedrive keeps the whole address as `value`, and parts where it recognised them. The order of street and number is that of
`value`, since it differs from country to country.
Sources: Pipedrive's guide to API v2 (parts default to null on every write).
"""

from __future__ import annotations

from tandem.connectors.http import Json, JsonObject
from tandem.core.contact import Address

_DERIVED = frozenset({"formatted_address"})
_STREET = ("route", "street_number", "subpremise")
_CITY = ("locality", "sublocality", "admin_area_level_2")
PARTS = ("country", "admin_area_level_1", "postal_code", *_STREET, *_CITY)


def get_address(raw: Json) -> Address:
    """The common view; empty for no address. A bare text is an address without parts."""
    if isinstance(raw, str):
        return Address(text=raw)
    held = raw if isinstance(raw, dict) else {}
    return Address(
        street=_street(held),
        city=_part(held, "locality") or _part(held, "sublocality"),
        region=_part(held, "admin_area_level_1"),
        postal_code=_part(held, "postal_code"),
        country=_part(held, "country"),
        text=_part(held, "value"),
    )


def put_address(address: Address, raw: Json) -> JsonObject | None:
    """The whole address to write, None to clear it."""
    if not address:
        return None
    held: JsonObject = raw if isinstance(raw, dict) else {}
    before = get_address(held)
    written: JsonObject = {key: value for key, value in held.items() if key not in _DERIVED}
    written["value"] = _rendered(address)
    written |= {name: held.get(name) for name in PARTS}
    if address.street != before.street:
        written |= dict.fromkeys(_STREET) | {"route": address.street or None}
    if (address.city, address.region) != (before.city, before.region):
        written |= dict.fromkeys(_CITY) | {"locality": address.city or None}
    for name, new, old in (
        ("admin_area_level_1", address.region, before.region),
        ("postal_code", address.postal_code, before.postal_code),
        ("country", address.country, before.country),
    ):
        if new != old:
            written[name] = new or None
    return {key: value for key, value in written.items() if key not in PARTS or value is not None}


def _rendered(address: Address) -> str:
    """One line; Pipedrive wants it whatever the parts say."""
    if not address.has_parts:
        return address.text
    lines = [line.strip() for line in address.text.splitlines() if line.strip()]
    if lines:
        return ", ".join(line.rstrip(",") for line in lines)
    place = f"{address.postal_code} {address.city}".strip()
    return ", ".join(part for part in (address.street, place, address.region, address.country) if part)


def _street(held: JsonObject) -> str:
    """Street, number and flat in the order in which the whole address has them."""
    route, number, flat = (_part(held, name) for name in _STREET)
    whole = _part(held, "value")
    streets = (
        [f"{number} {route}", f"{route} {number}", f"{route}, {number}", f"{number}, {route}"] if route and number else [route or number]
    )
    street = next((text for text in streets if text in whole), streets[1 if len(streets) > 1 else 0])
    if not flat or not street:
        return street or flat
    with_flat = [f"{street}/{flat}", f"{street} {flat}", f"{flat}/{street}", f"{flat} {street}", f"{street}, {flat}"]
    return next((text for text in with_flat if text in whole), with_flat[-1])


def _part(held: JsonObject, name: str) -> str:
    value = held.get(name)
    return value if isinstance(value, str) else ""
