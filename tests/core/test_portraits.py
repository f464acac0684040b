"""Promise: the made-up people by whom matching is measured are who they are said to be, and matching keeps its promises on them."""

from __future__ import annotations

from collections import Counter

from benchmarks.match import candidates, score
from benchmarks.people import Humans
from benchmarks.portraits import WAYS, crowd

from depth import SEED
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, PHONES
from tandem.core.match import match


def test_everybody_has_a_number_and_a_mailbox_alone() -> None:
    """Nobody shares what is meant to be his or her own; names repeat, as names do."""
    humans = [human for human, _ in zip(Humans(SEED), range(20_000), strict=False)]
    assert len({human.mobile for human in humans}) == len({human.email for human in humans}) == 20_000, f"seed {SEED}"
    assert 5_000 < len({(human.given, human.family) for human in humans}) < 20_000, f"seed {SEED}"
    assert all(len(human.mobile) == 9 and human.mobile.isdigit() for human in humans), f"seed {SEED}"


def test_the_truth_about_a_crowd_is_the_truth() -> None:
    """The same people stand on both sides, the others on one; everybody can still be told by an address or a number."""
    made = crowd(900, SEED)
    assert len(made.truth) == 900
    assert len(made.left) == len(made.right) == 1_000
    assert {left for left, _ in made.truth} < made.left.keys(), f"seed {SEED}"
    assert {right for _, right in made.truth} < made.right.keys(), f"seed {SEED}"
    for side in (made.left, made.right):
        for contact in side.values():
            assert contact.text(LAST_NAME) or contact.text(FIRST_NAME), f"seed {SEED}"
            assert contact.entries(EMAILS) or contact.entries(PHONES), f"seed {SEED}"


def test_people_are_written_differently_often_enough() -> None:
    """At most a fifth is written the same on both sides, and strangers share numbers and mailboxes with others."""
    made = crowd(3_000, SEED)
    same = sum(made.left[left] == made.right[right] for left, right in made.truth)
    assert same < 600, f"seed {SEED}"
    addresses = Counter(entry.value for contact in made.left.values() for entry in contact.entries(EMAILS))
    assert sum(number > 1 for number in addresses.values()) >= 2, f"seed {SEED}"
    assert set(WAYS) > {"typing error", "swapped", "diacritics", "nickname", "national phone"}


def test_a_crowd_is_matched_as_promised() -> None:
    """The targets of the benchmark, at a tenth of its size."""
    made = crowd(1_000, SEED)
    right_ones, all_ones, found = score(made, match(candidates(made.left), candidates(made.right)))
    assert right_ones / all_ones >= 0.998, f"seed {SEED}"
    assert found / len(made.truth) >= 0.98, f"seed {SEED}"
