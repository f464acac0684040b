"""A link at rest: most looks find nothing, and then nothing but the new positions is written down.

Theory: a cycle that found nothing to decide, with nothing open, leaves the link at rest under its epoch. Whatever else may give it
something to do - another cycle, a pause, another group - takes a newer epoch; what a person asks for makes it dirty; what a webhook tells
is a hint. As long as there is none of these, deciding again would decide nothing again, and only a look can stir the link.

Rules: a look that brings anything at all, or fails, is followed by a whole cycle, which is given what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem.core.state import Side
from tandem.engine.bench import Bench
from tandem.engine.hints import Glance, Look
from tandem.engine.observe import Gathered, gather, is_known, move_feed
from tandem.errors import LeaseLost, StorageError, TandemError
from tandem.replica import Listing, Observation, Work
from tandem.store import models


def is_at_rest(link: models.Link) -> bool:
    """Whether nothing has happened to a link since a cycle found nothing to do, as far as the link itself tells."""
    return link.state == "active" and not link.is_dirty and 0 < link.epoch == link.rest_epoch


def look(bench: Bench, looks: Mapping[Side, Look], work: Work) -> dict[Side, Glance]:
    """Look at the sides that are due. What fails is left out: the cycle that follows meets the trouble by itself."""
    seen: dict[Side, Glance] = {}
    bench.spend_as(work)
    for side in Side:
        if looks[side] is Look.CHANGES:
            try:
                seen[side] = Glance(gather(bench, side, is_brief=True), [])
            except (LeaseLost, StorageError):
                raise
            except TandemError:
                break
    return seen


def is_quiet(bench: Bench, looks: Mapping[Side, Look], seen: Mapping[Side, Glance]) -> bool:
    """Whether all that was due was looked at, and showed what is known already. A list of what moved repeats its last entries."""
    if any(look is Look.CHANGES and side not in seen for side, look in looks.items()):
        return False
    return all(_is_known(bench, glance.gathered) for glance in seen.values())


def _is_known(bench: Bench, gathered: Gathered) -> bool:
    if gathered.listing is not Listing.CHANGES or gathered.relocated:
        return False
    if not gathered.references and not gathered.sightings:
        return True
    if any(reference.is_gone for reference in gathered.references):
        return False
    names = bench.archive.reference_names(gathered.side, [reference.id for reference in gathered.references])
    if any(names.get(reference.id) != reference.name for reference in gathered.references):
        return False
    known = gathered.known - gathered.direct
    open_sightings = {id_: sighting for id_, sighting in gathered.sightings.items() if id_ not in known}
    heads = bench.archive.heads(gathered.side, open_sightings)
    has_cas = bench.replicas[gathered.side].capabilities.has_compare_and_set
    return all(
        isinstance(sighting, Observation) and id_ in heads and is_known(sighting, heads[id_], has_cas=has_cas)
        for id_, sighting in open_sightings.items()
    )


def move_on(bench: Bench, seen: Mapping[Side, Glance]) -> list[models.Feed]:
    """The feeds at where the looks ended; to be kept, and as at any look for changes all but when everything was listed."""
    for glance in seen.values():
        move_feed(bench, glance.gathered)
    return [bench.archive.feed(side) for side in seen]


def may_rest(bench: Bench) -> bool:
    """Whether a link that a cycle has just found in sync, with nothing to do, has nothing else open either."""
    return not (bench.hints.count() or bench.past.wanted() or bench.archive.has_doubts())
