"""What a pair keeps of both sides: its bases, and the fields that a side would not take.

Rules: a side's base is its own image of what both agreed on, never a copy of the other's; nothing here saves the pair.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem.core.canonical import fingerprint
from tandem.core.contact import FIELDS, Contact, FieldName
from tandem.core.merge import Part, advance
from tandem.core.state import Side, Sight
from tandem.engine.bench import Bench
from tandem.store import models
from tandem.store.contents import decode_contact, encode_contact


def base_of(pair: models.Pair, side: Side) -> Contact:
    """What a side looked like when both last agreed."""
    return decode_contact(pair.base_left if side is Side.LEFT else pair.base_right)


def set_base(pair: models.Pair, side: Side, base: Contact) -> None:
    """Move one side's base."""
    if side is Side.LEFT:
        pair.base_left = encode_contact(base)
    else:
        pair.base_right = encode_contact(base)


def agree(bench: Bench, pair: models.Pair, sights: Mapping[Side, Sight], agreed: frozenset[Part]) -> None:
    """What both sides changed alike needs no write: both bases move at once."""
    if agreed:
        for side in Side:
            set_base(pair, side, advance(sights[side].base, agreed, sights[side].contact, bench.policy.region))


def fit_mapping(bench: Bench, pair: models.Pair) -> None:
    """A field that lives elsewhere now has no base: it is united, never cleared."""
    if pair.mapping_version == bench.mapping_version:
        return
    old, new = _places(pair.mapping_version), _places(bench.mapping_version)
    kept = [name for name in FIELDS if old.get(name) == new.get(name)]
    for side in Side:
        set_base(pair, side, base_of(pair, side).restricted(kept))
    pair.mapping_version = bench.mapping_version


def _places(mapping_version: str) -> dict[str, str]:
    return {name: place for name, _, place in (item.partition("@") for item in mapping_version.split(","))}


def field_print(contact: Contact, name: str) -> str:
    """A digest of one field's value."""
    return fingerprint(contact.restricted([FieldName(name)]))


def park(pair: models.Pair, side: Side, source: Contact, refusals: Mapping[FieldName, str]) -> None:
    """Set fields aside that a side cannot take, until their value changes."""
    parked = {name: {"side": side.value, "sentence": sentence, "print": field_print(source, name)} for name, sentence in refusals.items()}
    pair.parked = {**pair.parked, **parked}
