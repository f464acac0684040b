"""Values of contacts as they are kept, put side by side for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from tandem.core.contact import FIELDS, FieldName, Value
from tandem.engine.telling import said


@dataclass(frozen=True, slots=True)
class Differing:
    """One field with two values, in words; empty: there was none."""

    field: str
    old: str
    new: str


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Differing, ...]:
    """The fields in which two contacts differ, as plain data, in the order of fields."""
    found = []
    for name in FIELDS:
        old, new = _said(name, before), _said(name, after)
        if old != new:
            found.append(Differing(name, old, new))
    return tuple(found)


def _said(name: FieldName, values: Mapping[str, object]) -> str:
    if name not in values:
        return ""
    try:
        value: Value = msgspec.convert(values[name], Value)
    except msgspec.ValidationError:
        return str(values[name])
    return said(value)
