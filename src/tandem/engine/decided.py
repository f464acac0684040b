"""The decisions of one look at a link: data, filled by decide.py and those that it asks, carried out by apply.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tandem.core.canonical import recognised_by
from tandem.core.contact import ORGANISATION, Contact, Delta, Edit, FieldName
from tandem.core.merge import Conflict
from tandem.core.plan import Action, ActionKind, Plan
from tandem.core.state import PairId, Side
from tandem.engine.answers import QuestionKey
from tandem.engine.bench import Bench
from tandem.engine.births import Births, is_nobody
from tandem.engine.restored import WANTED
from tandem.errors import LinkStopped
from tandem.store import models
from tandem.store.journal import Note


@dataclass(frozen=True, slots=True)
class Newborn:
    """A record to be created: where it comes from, what it will hold, and what of it the other side cannot take."""

    source: Side
    record_id: str
    contact: Contact
    refusals: Mapping[FieldName, str]
    #: The pair of an earlier try, whose marker is used again.
    pair: int | None = None
    #: A person asked for it.
    is_wanted: bool = False
    #: It may have been there before a restore, and somebody has deleted it since.
    is_doubted: bool = False
    #: The match keys that are stored of its source, where they are those of `contact`, too.
    keys: Sequence[str] | None = None


@dataclass(slots=True)
class Decided:
    """The decisions of one look."""

    plan: Plan = field(default_factory=lambda: Plan((), ()))
    #: By the (negative) pair id of their action.
    newborn: dict[PairId, Newborn] = field(default_factory=dict)
    conflicts: dict[PairId, tuple[Conflict, ...]] = field(default_factory=dict)
    #: What an update carries, as it was when planned; the source may have moved by the time of the write.
    sources: dict[tuple[PairId, Side], Contact] = field(default_factory=dict)
    births: Births = field(default_factory=Births)
    matched: int = 0
    #: Pairs that were looked at.
    reconciled: set[int] = field(default_factory=set)
    #: Deletions that the policy leaves to a person.
    asked: list[QuestionKey] = field(default_factory=list)
    #: Released and not done yet: their questions stay until it is.
    asked_before: list[QuestionKey] = field(default_factory=list)
    #: Pairs of closed deletions that a person wants on the other side, too.
    wanted: set[PairId] = field(default_factory=set)
    #: Pairs of which a person has released what was held.
    released: frozenset[PairId] = frozenset()
    #: Creations that wait since a restore.
    doubted: frozenset[PairId] = frozenset()
    #: Deletions that a person has released although something hangs on the record.
    despite: frozenset[PairId] = frozenset()
    #: Deletions that follow if what a listing did not show proves to be gone; told of after a restore.
    expected: list[tuple[PairId, Side]] = field(default_factory=list)
    #: Pairs of which nobody can tell since a restore which side is newer.
    unclear: list[PairId] = field(default_factory=list)
    #: Pairs that wait for time to pass or for an outcome.
    settling: int = 0
    #: What ended without a write, for the history.
    notes: list[Note] = field(default_factory=list)
    #: Nothing is decided before a person has spoken.
    stopped_by: LinkStopped | None = None

    def reference_wanted(self, action: Action) -> str:
        """The name that the written record shall point at; empty when it shall point at none, or stay as it is."""
        newborn = self.newborn.get(action.pair)
        wanted = newborn.contact.text(ORGANISATION) if newborn else action.delta.get(ORGANISATION, "")
        return wanted if isinstance(wanted, str) else ""

    def creates_on(self) -> set[Side]:
        """Sides on which records would be created."""
        return {action.side for action in self.plan.actions if action.kind is ActionKind.CREATE}


def add_newborn(
    bench: Bench,
    decided: Decided,
    side: Side,
    record_id: str,
    contact: Contact,
    pair: models.Pair | None,
    keys: Sequence[str] | None = None,
    *,
    is_doubted: bool = False,
) -> None:
    """Plan a creation on the other side of what the link syncs of a record. `keys`: those stored of it."""
    wanted = contact.restricted(bench.fields)
    refusals = bench.refusals(side.other, as_delta(wanted))
    kept = wanted.restricted(wanted.values.keys() - refusals.keys())
    if is_nobody(kept):
        decided.births.left_out.append((side, record_id, "; ".join(refusals.values()) or "it has nothing to be known by"))
        return
    pair_id = PairId(-1 - len(decided.newborn))
    decided.newborn[pair_id] = Newborn(
        side,
        record_id,
        kept,
        refusals,
        pair.id if pair else None,
        is_wanted=pair is not None and pair.reason == WANTED,
        is_doubted=is_doubted,
        keys=keys if keys is not None and recognised_by(kept) == recognised_by(contact) else None,
    )


def as_delta(contact: Contact) -> Delta:
    """All of a contact as a change against nothing."""
    return {
        name: tuple(Edit(None, entry) for entry in value) if isinstance(value, tuple) else value for name, value in contact.values.items()
    }
