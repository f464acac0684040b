"""People who stand twice on one side: counted and told, never merged; only their owner knows whether they are one.

Rules: from keyed hashes alone; only what the link covers, since of others nothing is told.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem.core.match import twins
from tandem.core.state import Presence, RecordId, Side
from tandem.engine.births import candidate_of
from tandem.store.archive import Archive


def twins_of(archive: Archive) -> Mapping[Side, tuple[tuple[RecordId, ...], ...]]:
    """By side, the groups of records in scope that have the full name and another thing in common."""
    return {
        side: twins([candidate_of(id_, keys) for id_, presence, keys in archive.keys(side) if presence is Presence.LIVE]) for side in Side
    }
