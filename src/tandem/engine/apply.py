"""Carry a plan out: wave by wave, each written down before it is sent, each settled together with the next one's intents.

Rules:
- A wave is what may be in flight at once; a crash leaves at most one wave unknown.
- One commit per wave: the outcomes of the last wave, and the intents of the next one.
- What lost a conflict is in the history before the request that overwrites it is sent.
- An outcome that is unknown is left to recover.py; nothing is sent twice here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from tandem.core.canonical import fold_organisation
from tandem.core.contact import Contact
from tandem.core.plan import Action, ActionKind, HoldReason
from tandem.core.state import Marker, PairId, PairState, RecordId, Side, Version
from tandem.engine.bases import park
from tandem.engine.bench import Bench
from tandem.engine.decided import Decided, Newborn
from tandem.engine.holds import hold_deletion
from tandem.engine.settle import Acted, Settler
from tandem.errors import OutcomeUnknown, Rejected, StorageError, TandemError
from tandem.replica import (
    Creation,
    Deletion,
    Handle,
    Observation,
    Outcome,
    Reference,
    Refused,
    Unanswered,
    Untouched,
    Update,
    Written,
)
from tandem.store import models
from tandem.store.contents import Loser, Payload, decode_contact, encode_loser, encode_payload
from tandem.store.journal import Note
from tandem.store.pairs import record_of

#: Creations that failed before go a few at a time, so that one of them does not make the others fail with it again.
_TRIED_AT_ONCE = 4


@dataclass(slots=True)
class Flight:
    """A wave: its intents, and what each asks of the replica, in one order."""

    side: Side
    kind: str
    intents: list[models.Intent]
    requests: list[Creation | Update | Deletion | str]
    outcomes: list[Outcome] = field(default_factory=list)
    #: By pair, the match keys of what is created.
    keys: dict[int, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Hand:
    """Carries one plan out."""

    bench: Bench
    cycle: models.Cycle
    decided: Decided
    is_approved: bool
    acted: Acted = field(default_factory=Acted)
    #: The undo that this plan carries out, if it is one.
    undo: int | None = None

    def carry_out(self) -> Acted:
        """Send all waves, in the plan's order. What stops the link ends it early; everything known by then is settled."""
        last: Flight | None = None
        for side, kind, wave in self._waves():
            if kind == ActionKind.DELETE.value:
                # The look below may fail; what is known by now must not be lost with it.
                with self.bench.commit():
                    self._settle(last)
                    last = None
                if self._hold_attached(side, wave):
                    continue
            with self.bench.commit():
                self._settle(last)
                last = None
                flight = self._record(side, kind, wave)
            if self.acted.stopped_by is not None:
                break
            self._send(flight)
            last = flight
            self.bench.news("wave", side=side.value, kind=kind, records=len(flight.intents))
        with self.bench.commit():
            self._settle(last)
        return self.acted

    # Waves

    def _waves(self) -> Iterator[tuple[Side, str, Sequence[Action] | Sequence[str]]]:
        """(side, kind, actions), references first, because records have to point at them."""
        actions = self.decided.plan.actions
        for side in Side:
            if self.bench.replicas[side].capabilities.has_references:
                names = self._lacking_references([action for action in actions if action.side is side])
                size = self.bench.replicas[side].capabilities.wave_creations
                yield from ((side, "reference", names[start : start + size]) for start in range(0, len(names), size))
        for kind in (ActionKind.CREATE, ActionKind.UPDATE, ActionKind.DELETE):
            for side in Side:
                capabilities = self.bench.replicas[side].capabilities
                size = {ActionKind.CREATE: capabilities.wave_creations, ActionKind.UPDATE: capabilities.wave_updates}.get(kind, 1)
                chosen = [action for action in actions if action.side is side and action.kind is kind and self._has_its_reference(action)]
                tried = [action for action in chosen if self._was_tried(action)]
                fresh = [action for action in chosen if not self._was_tried(action)]
                for part, most in ((tried, min(size, _TRIED_AT_ONCE)), (fresh, size)):
                    yield from ((side, kind.value, part[start : start + most]) for start in range(0, len(part), most))

    def _was_tried(self, action: Action) -> bool:
        """Whether an earlier creation of it did not come about."""
        newborn = self.decided.newborn.get(action.pair)
        return newborn is not None and newborn.pair is not None

    def _hold_attached(self, side: Side, wave: Sequence[Action] | Sequence[str]) -> bool:
        """Hold a deletion that would take something along, unless a person has agreed to it."""
        for action in wave:
            if isinstance(action, str) or action.pair in self.decided.despite:
                continue
            pair = self.bench.pairs.one(action.pair)
            shadow = self.bench.archive.shadow(side, record_of(pair, side) or "") or _lost(pair)
            if self.bench.replicas[side].has_attachments(Handle(RecordId(shadow.record_id), shadow.locator)):
                with self.bench.commit():
                    hold_deletion(self.bench, pair, side, HoldReason.ATTACHMENTS)
                self.acted.held += 1
                return True
        return False

    def _has_its_reference(self, action: Action) -> bool:
        """Whether the name that a record shall point at is there by now. Without it the record waits for another round."""
        wanted = self.decided.reference_wanted(action)
        if not wanted or not self.bench.replicas[action.side].capabilities.has_references:
            return True
        is_there = self.bench.references[action.side].find(wanted) is not None
        self.acted.is_restless |= not is_there
        return is_there

    def _lacking_references(self, actions: Sequence[Action]) -> list[str]:
        names: dict[str, str] = {}
        for action in actions:
            wanted = self.decided.reference_wanted(action)
            if wanted and self.bench.references[action.side].find(wanted) is None:
                names.setdefault(fold_organisation(wanted), wanted)
        return list(names.values())

    # Record

    def _record(self, side: Side, kind: str, wave: Sequence[Action] | Sequence[str]) -> Flight:
        """Write the intents of a wave down. The caller holds the transaction."""
        flight = Flight(side, kind, [], [])
        names = [item for item in wave if isinstance(item, str)]
        actions = [item for item in wave if not isinstance(item, str)]
        for name in names:
            self._record_reference(flight, name)
        if kind == ActionKind.CREATE.value:
            self._record_creations(flight, actions)
        else:
            self._record_changes(flight, actions)
        flight.intents = self.bench.journal.record(flight.intents)
        return flight

    def _intent(self, flight: Flight, payload: Payload, **columns: object) -> models.Intent:
        intent = models.Intent(
            link_id=self.bench.link, cycle=self.cycle, side=flight.side.value, kind=flight.kind, payload=encode_payload(payload),
            sends=[self.bench.now().isoformat()], undo_id=self.undo, **columns,
        )  # fmt: skip
        flight.intents.append(intent)
        return intent

    def _is_agreed(self, action: Action) -> bool:
        """Whether a person has agreed to it: the brake does not count it."""
        return self.is_approved or action.pair in self.decided.released

    def _record_reference(self, flight: Flight, name: str) -> None:
        self._intent(flight, Payload(name=name), is_approved=self.is_approved)
        flight.requests.append(name)

    def _record_creations(self, flight: Flight, actions: Sequence[Action]) -> None:
        newborns = [self.decided.newborn[action.pair] for action in actions]
        known = self.bench.pairs.by_id(newborn.pair for newborn in newborns if newborn.pair is not None)
        pairs = [known[newborn.pair] if newborn.pair is not None else self._new_pair(newborn) for newborn in newborns]
        for pair, newborn in zip(pairs, newborns, strict=True):
            pair.state, pair.reason, pair.is_dirty = PairState.ONE_SIDED.value, "", True
            if newborn.refusals:
                source = self.bench.archive.shadow(newborn.source, newborn.record_id)
                park(pair, flight.side, decode_contact(source.content if source else None), newborn.refusals)
        self.bench.pairs.save_many(known.values())
        self.bench.pairs.add_many(pair for pair, newborn in zip(pairs, newborns, strict=True) if newborn.pair is None)
        for action, pair, newborn in zip(actions, pairs, newborns, strict=True):
            tried = self.bench.journal.last_marker(pair.id, flight.side) if newborn.pair is not None else ""
            marker = tried or self.bench.new_marker(newborn.record_id)
            payload = Payload(contact=newborn.contact, source=newborn.contact)
            self._intent(flight, payload, pair=pair, marker=marker, is_approved=self._is_agreed(action))
            flight.requests.append(Creation(newborn.contact, Marker(marker)))
            if newborn.keys is not None:
                flight.keys[pair.id] = newborn.keys

    def _new_pair(self, newborn: Newborn) -> models.Pair:
        """The one-sided pair of a creation that was not tried before."""
        pair = models.Pair(link_id=self.bench.link, mapping_version=self.bench.mapping_version, created_at=self.bench.now())
        pair.left_id, pair.right_id = (newborn.record_id, None) if newborn.source is Side.LEFT else (None, newborn.record_id)
        return pair

    def _record_changes(self, flight: Flight, actions: Sequence[Action]) -> None:
        pairs = self.bench.pairs.by_id(action.pair for action in actions)
        targets = self.bench.archive.shadows(flight.side, [record_of(pair, flight.side) or "" for pair in pairs.values()])
        followed = self.bench.words.followed(flight.side)
        for action in actions:
            pair = pairs[action.pair]
            target = targets.get(record_of(pair, flight.side) or "") or _lost(pair)
            source = self.decided.sources.get((action.pair, action.side), Contact())
            payload = Payload(source=source, target=decode_contact(target.content), delta=dict(action.delta))
            self._intent(
                flight, payload, pair=pair, record_id=target.record_id, expected_version=target.version,
                before=target.raw and bytes(target.raw), is_approved=self._is_agreed(action),
            )  # fmt: skip
            seen = as_observation(target, is_followed=target.record_id in followed)
            flight.requests.append(Deletion(seen) if action.kind is ActionKind.DELETE else Update(seen, action.delta))
        losers = [note for action in actions for note in self._losers(pairs[action.pair], action)]
        self.acted.conflicts += len(losers)
        self.bench.journal.note(self.cycle, losers, self.bench.now())

    def _losers(self, pair: models.Pair, action: Action) -> list[Note]:
        """What of an action's target lost a conflict, for the history."""
        conflicts = self.decided.conflicts.get(PairId(pair.id), ())
        lost = [item for item in conflicts if item.winner is action.side.other]
        return [
            Note(pair.id, action.side, "conflict", record_of(pair, action.side) or "", [item.part.field], before=encode_loser(
                Loser(item.part.field, item.part.key, item.left, item.right, action.side.other.value)))
            for item in lost
        ]  # fmt: skip

    # Send

    def _send(self, flight: Flight) -> None:
        replica, requests = self.bench.replicas[flight.side], flight.requests
        match flight.kind:
            case "create":
                flight.outcomes = replica.create([item for item in requests if isinstance(item, Creation)])
            case "update":
                flight.outcomes = replica.update([item for item in requests if isinstance(item, Update)])
            case "delete":
                flight.outcomes = [replica.delete(item) for item in requests if isinstance(item, Deletion)]
            case _:
                names = [item for item in requests if isinstance(item, str)]
                made = replica.create_references(names)
                flight.outcomes = [self._outcome(flight.side, name, found) for name, found in zip(names, made, strict=True)]

    def _outcome(self, side: Side, name: str, made: Reference | TandemError) -> Outcome:
        match made:
            case Reference():
                self.bench.references[side].learn(made)
                return Written(Observation(Handle(RecordId(made.id), made.id), made.version, Contact(), b""))
            case OutcomeUnknown():
                return Unanswered(str(made))
            case Rejected():
                self.bench.refused_references[side][fold_organisation(name)] = str(made)
                return Refused(str(made))
            case _:
                return Untouched(made)

    # Settle

    def _settle(self, flight: Flight | None) -> None:
        """Write down what became of a wave. The caller holds the transaction."""
        if flight is None:
            return
        Settler(self.bench, self.cycle, self.acted, flight.keys).settle_wave(flight.intents, flight.outcomes)


def _lost(pair: models.Pair) -> NoReturn:
    raise StorageError(f"The archive has lost a record of pair {pair.id}: `tandem sync --full` lists everything again.")


def as_observation(shadow: models.Shadow, *, is_followed: bool = False) -> Observation:
    """A shadow as the observation that it keeps. `is_followed`: its replica may well say that it is outside the scope."""
    return Observation(
        Handle(RecordId(shadow.record_id), shadow.locator),
        Version(shadow.version),
        decode_contact(shadow.content),
        bytes(shadow.raw or b""),
        in_scope=not is_followed,
        marker=Marker(shadow.marker) if shadow.marker else None,
        reference=shadow.reference,
        is_partial=shadow.is_partial,
    )
