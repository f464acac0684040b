"""Merging two sides of a pair value by value, each against its own base.

Rules: a side changed when its text differs from its own base (`same_text`), never from the other side; only the fields of the
policy are looked at, each by itself; what no base holds was never removed, so a first meeting unites and blanks nothing; what
is written is the other side's value to the letter. Lists are merged entry by entry in `merge_lists.py`.

Theory: three-way merge with one base per replica, as in Balasubramaniam and Pierce, "What is a File Synchronizer?" (1998), and
lenses with complements: what a side cannot hold is no removal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tandem.core.canonical import field_kind, same_text, same_value
from tandem.core.contact import LISTED, Address, Change, Contact, Delta, FieldName, Kind, Value
from tandem.core.merge_lists import FieldMerge, merge_lists
from tandem.core.parts import Conflict, Part, advance, parts_of, settled_parts, was_applied
from tandem.core.policy import Direction, Policy
from tandem.core.state import Side, Sight

__all__ = ["Conflict", "Merged", "Part", "advance", "merge", "parts_of", "settled_parts", "was_applied"]

_NO_CHOICE: Mapping[Part, Side] = {}


@dataclass(frozen=True, slots=True)
class Merged:
    """What to write to each side; what both sides changed alike or nobody has to hear of (their bases advance); conflicts."""

    to_left: Delta = field(default_factory=dict)
    to_right: Delta = field(default_factory=dict)
    agreed: frozenset[Part] = frozenset()
    conflicts: tuple[Conflict, ...] = ()

    def to(self, side: Side) -> Delta:
        """What to write to that side."""
        return self.to_left if side is Side.LEFT else self.to_right


def merge(left: Sight, right: Sight, policy: Policy, chosen: Mapping[Part, Side] = _NO_CHOICE) -> Merged:
    """Merge two live sides. `chosen` is a person's word on conflicts that waited for one."""
    left, right = _speaking(left, policy, Side.LEFT), _speaking(right, policy, Side.RIGHT)
    found = {name: _field(name, left, right, policy, chosen) for name in sorted(policy.fields) if _is_changed(name, left, right)}
    return Merged(
        to_left={name: merged.to_left for name, merged in found.items() if merged.to_left is not None},
        to_right={name: merged.to_right for name, merged in found.items() if merged.to_right is not None},
        agreed=frozenset(part for merged in found.values() for part in merged.agreed),
        conflicts=tuple(conflict for merged in found.values() for conflict in merged.conflicts),
    )


def _speaking(sight: Sight, policy: Policy, side: Side) -> Sight:
    """The side as it may speak: on a one-way link nothing that happens on the receiving side is a change."""
    if policy.direction is not Direction.BOTH and policy.direction.allows(side):
        return replace(sight, base=sight.contact)
    return sight


def _is_changed(name: FieldName, left: Sight, right: Sight) -> bool:
    return any(not same_text(sight.contact.values.get(name), sight.base.values.get(name)) for sight in (left, right))


def _field(name: FieldName, left: Sight, right: Sight, policy: Policy, chosen: Mapping[Part, Side]) -> FieldMerge:
    if field_kind(name) in LISTED:
        return merge_lists(name, left, right, policy, chosen)
    return _single(name, left, right, policy, chosen)


def _single(name: FieldName, left: Sight, right: Sight, policy: Policy, chosen: Mapping[Part, Side]) -> FieldMerge:
    """One value of a field that at least one side changed."""
    part, kind = Part(name), field_kind(name)
    mine, yours = _value(kind, left.contact, name), _value(kind, right.contact, name)
    moved_left = not same_text(mine, left.base.values.get(name))
    moved_right = not same_text(yours, right.base.values.get(name))
    if same_text(mine, yours) or (moved_left and moved_right and same_value(kind, mine, yours, policy.region)):
        return FieldMerge(agreed=frozenset({part}))
    if not moved_right:
        return FieldMerge(to_right=_written(mine))
    if not moved_left:
        return FieldMerge(to_left=_written(yours))
    winner = chosen.get(part) or _edit_over_clearing(mine, yours) or policy.conflict_rule(name).winner
    conflicts = (Conflict(part, _said(mine), _said(yours), winner),)
    if winner is None:
        return FieldMerge(conflicts=conflicts)
    if winner is Side.LEFT:
        return FieldMerge(to_right=_written(mine), conflicts=conflicts)
    return FieldMerge(to_left=_written(yours), conflicts=conflicts)


def _value(kind: Kind, contact: Contact, name: FieldName) -> str | Address:
    return contact.address(name) if kind is Kind.ADDRESS else contact.text(name)


def _written(value: str | Address) -> Change:
    """What to write: the value to the letter, or nothing at all where only white space is left."""
    return value if not _is_empty(value) else type(value)()


def _is_empty(value: Value) -> bool:
    return same_text(value, None)


def _edit_over_clearing(left: str | Address, right: str | Address) -> Side | None:
    if _is_empty(left) == _is_empty(right):
        return None
    return Side.RIGHT if _is_empty(left) else Side.LEFT


def _said(value: str | Address) -> str:
    if isinstance(value, str):
        return value
    parts = (value.street, value.postal_code, value.city, value.region, value.country)
    return value.text or ", ".join(part for part in parts if part)
