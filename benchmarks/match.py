"""`match`: first-sync matching of made-up people of whom it is known who is who (`portraits.py`): how right, how complete, how fast.

Precision is the share of automatic pairs that are right; recall the share of true pairs that are found, automatically or as a question
that names both. The time is that of matching by the keys as they are stored; they are made once, when a record is observed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from benchmarks.figures import Figure, run
from benchmarks.portraits import Crowd, crowd
from tandem.core.canonical import match_keys
from tandem.core.contact import Contact
from tandem.core.match import Candidate, Matching, match
from tandem.core.state import RecordId

SIZES = (10_000, 25_000, 50_000)
#: 25,000 on each side within ten seconds; longer lists may take longer, in proportion.
_SECONDS_A_RECORD = 10 / 25_000


def measure(size: int) -> Iterator[Figure]:
    """Match two sides with so many people in common."""
    made = crowd(size)
    started = time.process_time()
    left, right = candidates(made.left), candidates(made.right)
    keyed = time.process_time()
    matching = match(left, right)
    seconds = time.process_time() - keyed
    right_ones, all_ones, found = score(made, matching)
    yield Figure("precision of automatic pairs", size, right_ones / all_ones, "", 0.999, is_floor=True)
    yield Figure("wrong automatic pairs", size, all_ones - right_ones)
    yield Figure("recall, automatic", size, right_ones / len(made.truth))
    yield Figure("recall, automatic or asked", size, found / len(made.truth), "", 0.98, is_floor=True)
    yield Figure("questions", size, len(matching.ambiguous))
    yield Figure("seconds of matching (CPU)", size, seconds, "s", _SECONDS_A_RECORD * size)
    yield Figure("keys: microseconds a record (CPU)", size, 1e6 * (keyed - started) / (len(left) + len(right)), "us")


def candidates(contacts: Mapping[str, Contact]) -> list[Candidate]:
    """Contacts as matching takes them."""
    return [Candidate(RecordId(id_), match_keys(contact, "PL")) for id_, contact in contacts.items()]


def score(made: Crowd, matching: Matching) -> tuple[int, int, int]:
    """Right automatic pairs, all automatic pairs, and true pairs found in either way."""
    pairs = {(str(one.left), str(one.right)) for one in matching.matches}
    asked = {(str(left), str(right)) for one in matching.ambiguous for left in one.left for right in one.right}
    return len(pairs & made.truth), len(pairs), len((pairs | asked) & made.truth)


if __name__ == "__main__":
    run("match", SIZES, measure)
