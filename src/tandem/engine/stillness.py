"""Whether a link has anything to decide about. Most looks find nothing new, and then nothing else has to be asked of the archive.

Rules: whatever `bring_in` or `decide` would act upon has to stir here: a pair to be reconciled or on its way in or out, an open
question, a record in no pair, words about somebody outside, a changed set of fields, a first sync.
"""

from __future__ import annotations

from tandem.engine.bench import Bench
from tandem.engine.outside import ADOPTING
from tandem.engine.withdrawal import WITHDRAWING


def is_still(bench: Bench) -> bool:
    """Whether neither bringing in nor deciding would do anything."""
    link = bench.link_row()
    if link.first_synced_at is None or link.mapping_version != bench.mapping_version:
        return False
    return bench.pairs.is_still((ADOPTING, WITHDRAWING)) and not bench.archive.has_unpaired() and not bench.words.left_out()
