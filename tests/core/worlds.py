"""Made-up pairs of contacts for the laws: both sides come from one contact by small changes, as they do in life.

Two contacts drawn independently share nothing, and nothing about a merge would be tested.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tandem.core.contact import (
    EMAILS,
    FIELDS,
    FIRST_NAME,
    LAST_NAME,
    LISTED,
    MESSENGERS,
    ORGANISATION,
    PHONES,
    Address,
    Contact,
    Entry,
    FieldName,
    Kind,
    Value,
)
from tandem.core.policy import ConflictRule, DeletionRule, Direction, Policy
from tandem.core.state import Presence, Side, Sight

REGION = "PL"
#: Small pools: collisions are what is interesting.
SINGLE: dict[FieldName, list[str]] = {
    FIRST_NAME: ["Łukasz", "Lukasz", "ŁUKASZ ", "Anna", "Anna Maria", "Ewa"],
    LAST_NAME: ["Żółć", "Zolc", "Kowalska", "Kowalska-Nowak", "Nguyễn", "Øster"],
    ORGANISATION: ["Acme sp. z o.o.", "ACME Sp z oo", "Beta", "C#", "C"],
}
ADDRESSES = [
    Address(street="Prosta 1", city="Łódź", postal_code="90-001", country="PL"),
    Address(street="prosta 1", city="Lodz", postal_code="90-001", country="PL"),
    Address(text="Prosta 1, 90-001 Łódź, PL"),
    Address(text="Hauptstraße 5, Köln"),
    Address(street="Hauptstraße 5", city="Köln", text="Hauptstraße 5\nKöln"),
]
VALUES: dict[FieldName, list[str]] = {
    PHONES: ["+48 601 123 456", "601123456", "+49601123456", "22 123 45 67 wew. 12", "+48221234567", "112", "602 222 222", "ask Ewa"],
    EMAILS: ["anna@example.com", "Anna@Example.com", "a.nowak@example.com", "biuro@bücher.example", "biuro@xn--bcher-kva.example"],
    MESSENGERS: ["anna.n", "@anna.n", "Anna.N", "ewa77"],
}
LABELS: dict[FieldName, list[str]] = {
    PHONES: ["work", "Work", "home", "mobile", ""],
    EMAILS: ["work", "home", ""],
    MESSENGERS: ["skype", "Skype", "jabber"],
}
LISTED_FIELDS = tuple(name for name, spec in FIELDS.items() if spec.is_listed)


@dataclass(frozen=True)
class World:
    """Two live sides and the rules between them."""

    left: Sight
    right: Sight
    policy: Policy

    def mirrored(self) -> World:
        """The same with the sides exchanged."""
        return World(self.right, self.left, mirrored(self.policy))


def mirrored(policy: Policy) -> Policy:
    """The rules with the sides exchanged."""
    directions = {Direction.BOTH: Direction.BOTH, Direction.TO_LEFT: Direction.TO_RIGHT, Direction.TO_RIGHT: Direction.TO_LEFT}
    rules = {ConflictRule.ASK: ConflictRule.ASK, ConflictRule.LEFT: ConflictRule.RIGHT, ConflictRule.RIGHT: ConflictRule.LEFT}
    return replace(
        policy,
        direction=directions[policy.direction],
        conflicts=rules[policy.conflicts],
        conflicts_by_field={name: rules[rule] for name, rule in policy.conflicts_by_field.items()},
        deletions={side.other: rule for side, rule in policy.deletions.items()},
    )


def entries(name: FieldName) -> st.SearchStrategy[Entry]:
    """One entry without mark."""
    return st.builds(Entry, st.sampled_from(VALUES[name]), st.sampled_from(LABELS[name]))


@st.composite
def lists(draw: st.DrawFn, name: FieldName) -> tuple[Entry, ...]:
    """A list with at most one mark."""
    drawn = draw(st.lists(entries(name), max_size=3))
    return _marked(drawn, draw(st.integers(-1, len(drawn) - 1)))


def values(name: FieldName) -> st.SearchStrategy[Value]:
    """Any value of a field, the empty one included."""
    kind = FIELDS[name].kind
    if kind in LISTED:
        return lists(name)
    if kind is Kind.ADDRESS:
        return st.sampled_from([*ADDRESSES, Address()])
    return st.sampled_from([*SINGLE[name], ""])


@st.composite
def contacts(draw: st.DrawFn) -> Contact:
    """A contact with one to three fields: more only make the search slower, since fields do not touch each other (P10)."""
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3))
    return Contact({name: draw(values(name)) for name in sorted(names)})


@st.composite
def edited_lists(draw: st.DrawFn, name: FieldName, before: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """A list after a human's hand, or two."""
    now = list(before)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, max(len(now) - 1, 0)))
        match draw(st.sampled_from(["add", "remove", "relabel", "respell", "mark", "turn", "clear"])):
            case "add":
                now.append(draw(entries(name)))
            case "turn":
                now.reverse()
            case "clear":
                now.clear()
            case "mark" if now:
                now = list(_marked(now, place))
            case "remove" if now:
                del now[place]
            case "relabel" if now:
                now[place] = replace(now[place], label=draw(st.sampled_from(LABELS[name])))
            case "respell" if now:
                now[place] = replace(now[place], value=draw(st.sampled_from(VALUES[name])))
            case _:
                pass
    return tuple(now)


@st.composite
def edited(draw: st.DrawFn, before: Contact) -> Contact:
    """A contact after a human's hand: some fields changed, some not."""
    changed: dict[FieldName, Value] = {}
    names = [*before.values, draw(st.sampled_from(sorted(FIELDS)))]
    for name in names:
        if draw(st.booleans()):
            is_listed = FIELDS[name].is_listed
            changed[name] = draw(edited_lists(name, before.entries(name)) if is_listed else values(name))
    return before.replacing(changed)


rules = st.sampled_from(ConflictRule)
policies = st.builds(
    Policy,
    direction=st.sampled_from(Direction),
    conflicts=rules,
    conflicts_by_field=st.dictionaries(st.sampled_from(sorted(FIELDS)), rules, max_size=2),
    deletions=st.dictionaries(st.sampled_from(Side), st.sampled_from(DeletionRule)),
    region=st.just(REGION),
)
two_way = policies.map(lambda policy: replace(policy, direction=Direction.BOTH))


@st.composite
def worlds(draw: st.DrawFn, policy: st.SearchStrategy[Policy] = policies) -> World:
    """Two sides that met before, each with the base as it stored it (sometimes written otherwise, sometimes holding other things)."""
    common = draw(contacts())
    bases = [common, common]
    for side in range(2):
        if draw(st.integers(0, 3)) == 0:
            bases[side] = as_server_writes(common) if draw(st.booleans()) else draw(edited(common))
    left, right = (Sight(Presence.LIVE, draw(edited(base)), base) for base in bases)
    return World(left, right, draw(policy))


@st.composite
def even_worlds(draw: st.DrawFn, policy: st.SearchStrategy[Policy] = two_way) -> World:
    """Two sides that were the same to the letter when they last agreed."""
    common = draw(contacts())
    left, right = (Sight(Presence.LIVE, draw(edited(common)), common) for _ in range(2))
    return World(left, right, draw(policy))


@st.composite
def first_meetings(draw: st.DrawFn, policy: st.SearchStrategy[Policy] = policies) -> World:
    """Two sides that never met, of the same person."""
    person = draw(contacts())
    left, right = (Sight(Presence.LIVE, draw(edited(person))) for _ in range(2))
    return World(left, right, draw(policy))


def as_server_writes(contact: Contact) -> Contact:
    """What a server makes of what it is sent: trimmed, e-mails in lower case, one entry of a list always the primary one."""
    stored: dict[FieldName, Value] = {}
    for name, value in contact.values.items():
        if isinstance(value, tuple):
            cleaned = [replace(entry, value=_stored(name, entry.value)) for entry in value]
            has_mark = any(entry.primary for entry in cleaned)
            stored[name] = tuple(cleaned) if has_mark else _marked(cleaned, 0)
        elif isinstance(value, str):
            stored[name] = value.strip()
        else:
            stored[name] = value
    return contact.replacing(stored)


def marked(contact: Contact) -> Contact:
    """The contact with a primary entry in each list: the first, where there was none."""
    lists = {name: value for name, value in contact.values.items() if isinstance(value, tuple)}
    return contact.replacing(
        {name: value if any(entry.primary for entry in value) else _marked(list(value), 0) for name, value in lists.items()}
    )


def _stored(name: FieldName, value: str) -> str:
    return value.lower() if name == EMAILS else " ".join(value.split())


def _marked(drawn: list[Entry], place: int) -> tuple[Entry, ...]:
    return tuple(replace(entry, primary=number == place) for number, entry in enumerate(drawn))
