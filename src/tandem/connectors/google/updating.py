"""Changing contacts: single calls for a few, batches under one mask for many, always under the etag that was planned on.

Rules
    - Every body is built on the raw record that was planned on, each list whole, and bears its etag: the service refuses it
      when the record has moved. That makes a refused batch a definite no for all of it, and sending its parts again harmless.
    - One mask holds for a whole batch. A list that the mask names only for others' sake goes back as it stood.
    - A record with a list that may have been cut off is read whole first: sent as it is, it would lose the rest.
    - What concerns the whole link ends the wave.

Source: the reference of `people.updateContact`, `people.batchUpdateContacts` and `BatchUpdateContactsErrorDetails`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tandem.connectors.google import api, codec
from tandem.connectors.google.observing import about
from tandem.connectors.google.outcomes import UNREADABLE_ANSWER, failed, settled
from tandem.connectors.google.reasons import BatchRejected
from tandem.connectors.http import Door
from tandem.connectors.wire import JsonObject, as_object, object_at, parse, text_at
from tandem.errors import NotAllowed, Rejected, TandemError
from tandem.replica import Handle, Moved, Observation, Outcome, Sighting, Unanswered, Untouched, Update, Written

#: A batch costs as much as six single calls.
SINGLES_BELOW = 7
Look = Callable[[Sequence[Handle]], list[Sighting]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A write to one contact that is ready to be sent: the raw record with its lists whole, and what of it to replace."""

    handle: Handle
    raw: JsonObject
    patch: codec.Patch

    def body(self, mask: Sequence[str]) -> JsonObject:
        """The person to send under a mask that may be wider than the patch; it bears both forms of the etag."""
        source = codec.contact_source(self.raw)
        proof: JsonObject = {key: source[key] for key in ("type", "id", "etag") if key in source}
        body: JsonObject = {"etag": text_at(self.raw, "etag"), "metadata": {"sources": [proof]}}
        for field in mask:
            items = self.patch.fields.get(field, codec.contact_items(self.raw, field))
            body[field] = list(items)
        return body


def whole(planned_on: Observation, look: Look) -> Observation | Moved | Untouched:
    """The record that was planned on with no list cut off, as long as it still is the same version."""
    if not planned_on.is_partial:
        return planned_on
    try:
        found = look([planned_on.handle])[0]
    except TandemError as error:
        return Untouched(error)
    return found if isinstance(found, Observation) and found.version == planned_on.version else Moved(found)


class UpdateWave:
    """One wave of updates, and what became of each. Used once."""

    def __init__(self, door: Door, group: str, look: Look) -> None:
        self._door = door
        self._group = group
        self._look = look
        self._outcomes: dict[str, Outcome] = {}
        self._stopped: Untouched | None = None

    def run(self, updates: Sequence[Update]) -> list[Outcome]:
        """Change contacts, each only if it still is what was planned on; an outcome for each, in order."""
        self._send([planned for update in updates if (planned := self._prepared(update))])
        self._look_at_moved(updates)
        return [self._outcomes[update.planned_on.handle.locator] for update in updates]

    def _settle(self, locator: str, outcome: Outcome) -> None:
        self._outcomes[locator] = outcome
        if isinstance(outcome, Untouched):
            self._stopped = outcome

    def _prepared(self, update: Update) -> Planned | None:
        """The update ready to be sent; None when it is settled without a request."""
        locator = update.planned_on.handle.locator
        found = self._stopped or whole(update.planned_on, self._look)
        if not isinstance(found, Observation):
            self._settle(locator, found)
            return None
        raw = as_object(parse(found.raw))
        patch = codec.put(update.delta, raw)
        if not patch:
            self._settle(locator, Written(update.planned_on))
            return None
        return Planned(update.planned_on.handle, raw, patch)

    def _send(self, planned: Sequence[Planned]) -> None:
        if len(planned) >= SINGLES_BELOW and self._stopped is None:
            self._send_batch(planned)
            return
        for one in planned:
            self._settle(one.handle.locator, self._stopped or settled(partial(self._send_one, one)))

    def _send_one(self, planned: Planned) -> Outcome:
        mask = planned.patch.mask
        answer = self._door.send(api.update_person(planned.handle.locator, planned.body(mask), mask))
        return self._result(as_object(answer.json()), planned, is_whole=True)

    def _send_batch(self, planned: Sequence[Planned]) -> None:
        mask = sorted({field for one in planned for field in one.patch.mask})
        try:
            answer = self._door.send(api.update_people({one.handle.locator: one.body(mask) for one in planned}, mask))
            results = object_at(as_object(answer.json()), "updateResult")
        except BatchRejected as error:
            self._send_others(planned, error.members)
        except TandemError as error:
            if isinstance(error, Rejected) and not isinstance(error, NotAllowed):
                self._send_halves(planned)
            else:
                self._settle_all(planned, failed(error))
        else:
            self._settle_each(planned, results)

    def _settle_all(self, planned: Sequence[Planned], outcome: Outcome) -> None:
        for one in planned:
            self._settle(one.handle.locator, outcome)

    def _settle_each(self, planned: Sequence[Planned], results: JsonObject) -> None:
        """The answer of a batch has an entry for each of its members."""
        for one in planned:
            person = object_at(object_at(results, one.handle.locator), "person")
            self._settle(one.handle.locator, self._result(person, one))

    def _send_others(self, planned: Sequence[Planned], named: Mapping[str, Rejected]) -> None:
        """Settle those that made the batch fail; the rest goes again at once."""
        rest = [one for one in planned if one.handle.locator not in named]
        if len(rest) == len(planned):
            self._send_halves(planned)
            return
        for one in planned:
            if one.handle.locator in named:
                self._settle(one.handle.locator, failed(named[one.handle.locator]))
        self._send(rest)

    def _send_halves(self, planned: Sequence[Planned]) -> None:
        """The batch failed and nobody is named: the one to blame is looked for in ever smaller parts."""
        middle = len(planned) // 2
        self._send(planned[:middle])
        self._send(planned[middle:])

    def _result(self, person: JsonObject, planned: Planned, *, is_whole: bool = False) -> Outcome:
        """The answer of a write is what the record is now; one that does not say so proves nothing."""
        found = about(person, planned.handle, self._group, is_whole=is_whole)
        return Written(found) if isinstance(found, Observation) else Unanswered(UNREADABLE_ANSWER)

    def _look_at_moved(self, updates: Sequence[Update]) -> None:
        """Say of those that moved what they are now, as far as that can be read."""
        moved = [update.planned_on.handle for update in updates if self._outcomes[update.planned_on.handle.locator] == Moved()]
        try:
            sightings = self._look(moved) if moved else []
        except TandemError:
            return  # that they moved is enough; the cycle meets the trouble by itself
        for handle, sighting in zip(moved, sightings, strict=True):
            self._outcomes[handle.locator] = Moved(sighting)
