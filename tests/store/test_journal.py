"""Promises of the journal: what was wanted is there until its outcome is known, and history tells what was replaced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from tandem.core.state import LinkId, Side
from tandem.store.journal import Journal, Note, OutcomeKind

from .conftest import NOW

if TYPE_CHECKING:
    from tandem.store import models


@pytest.fixture
def journal(alias: str, make_link: Callable[..., models.Link]) -> Journal:
    """The journal of a link."""
    return Journal(alias, LinkId(make_link().id))


@pytest.fixture
def cycle(journal: Journal) -> models.Cycle:
    """An open cycle."""
    return journal.open_cycle(epoch=1, cause="test", at=NOW)


def intent(cycle: models.Cycle, kind: str = "update", **columns: object) -> models.Intent:
    """An intent of a cycle."""
    from tandem.store import models

    return models.Intent(link_id=cycle.link_id, cycle=cycle, side="left", kind=kind, payload=b"{}", **columns)


def test_cycles_newest_first(journal: Journal, cycle: models.Cycle) -> None:
    """A cycle is open until it is closed with what it did."""
    assert (cycle.state, cycle.ended_at) == ("running", None)
    journal.close_cycle(cycle, state="in-sync", counts={"matched": 2}, at=NOW)
    later = journal.open_cycle(epoch=2, cause="due", at=NOW)
    assert [row.id for row in journal.cycles(5)] == [later.id, cycle.id]
    assert (journal.cycles(5)[1].counts, journal.cycles(1)[0].state) == ({"matched": 2}, "running")


@pytest.mark.parametrize("outcome", [kind for kind in OutcomeKind if kind is not OutcomeKind.PENDING])
def test_what_is_pending_is_a_query(journal: Journal, cycle: models.Cycle, outcome: OutcomeKind) -> None:
    """Intents are pending in the order in which they were written, until an outcome of any kind is kept."""
    first, second = journal.record([intent(cycle, record_id="a"), intent(cycle, record_id="b")])
    assert [row.record_id for row in journal.pending()] == ["a", "b"]
    journal.settle(first, outcome, NOW, "why")
    assert journal.count_pending() == 2, "settled in the hand is not yet settled on disk"
    journal.save_settled([first])
    assert [row.id for row in journal.pending()] == [second.id]
    assert journal.count_pending() == 1


def test_an_intent_is_on_disk_before_anything_is_sent(alias: str, journal: Journal, cycle: models.Cycle) -> None:
    """A transaction that fails leaves no intent behind, one that commits leaves all of it."""

    class DiskFull(Exception):
        pass

    def fill() -> None:
        with transaction.atomic(using=alias):
            journal.record([intent(cycle)])
            raise DiskFull

    with pytest.raises(DiskFull):
        fill()
    assert journal.pending() == []


def test_markers_are_found_again(alias: str, journal: Journal, cycle: models.Cycle) -> None:
    """A creation tried again bears the marker of its last try; a marker leads to its latest intent."""
    from tandem.store import models

    pair = models.Pair.objects.using(alias).create(link_id=cycle.link_id, state="one-sided", left_id="a", created_at=NOW)
    assert journal.last_marker(pair.id, Side.LEFT) == ""
    rows = journal.record([intent(cycle, "create", pair=pair, marker=marker) for marker in ("m1", "m2", "m2")])
    assert journal.last_marker(pair.id, Side.LEFT) == "m2"
    assert {marker: row.id for marker, row in journal.intents_of_markers(["m1", "m2", "m3"]).items()} == {
        "m1": rows[0].id,
        "m2": rows[2].id,
    }


def test_other_links_of_an_account_are_seen(
    alias: str, journal: Journal, cycle: models.Cycle, make_link: Callable[..., models.Link]
) -> None:
    """A record on which another link of the same account has an open write, or which it has in a pair, is known; not of other accounts."""
    from tandem.store import models

    sibling, stranger = make_link(1, 2), make_link(3, 3)
    for row in (sibling, stranger):
        there = Journal(alias, LinkId(row.id))
        at = there.open_cycle(epoch=1, cause="test", at=NOW)
        there.record([intent(at, record_id=f"busy-{row.id}")])
        models.Pair.objects.using(alias).create(link=row, state="linked", left_id=f"l-{row.id}", right_id=f"r-{row.id}", created_at=NOW)
    assert journal.busy_elsewhere(Side.LEFT) == {f"busy-{sibling.id}"}
    assert journal.busy_elsewhere(Side.RIGHT) == set()
    assert journal.paired_elsewhere(Side.LEFT, f"l-{sibling.id}")
    assert not journal.paired_elsewhere(Side.LEFT, f"l-{stranger.id}")
    assert not journal.paired_elsewhere(Side.RIGHT, f"r-{sibling.id}")


def test_history_newest_first(journal: Journal, cycle: models.Cycle) -> None:
    """Each write with what stood there before, newest first, all or of one cycle."""
    journal.note(cycle, [Note(None, Side.LEFT, "update", "a", ["phones"], b"old", b"new")], NOW)
    other = journal.open_cycle(epoch=1, cause="test", at=NOW)
    journal.note(other, [Note(None, Side.RIGHT, "create", "b")], NOW)
    assert [row.record_id for row in journal.history(10)] == ["b", "a"]
    (row,) = journal.history(10, cycle.id)
    assert (row.side, row.fields, bytes(row.before or b""), bytes(row.after or b"")) == ("left", ["phones"], b"old", b"new")
    assert (journal.count_written("create", Side.RIGHT), journal.count_written("create", Side.LEFT)) == (1, 0)


def test_the_brake_counts_one_day(journal: Journal, cycle: models.Cycle) -> None:
    """What a person agreed to weighs nothing, and after 24 hours nothing weighs any more."""
    notes = [Note(None, Side.LEFT, kind, weighs=weighs) for kind, weighs in (("delete", "removal"), ("create", "creation"), ("create", ""))]
    journal.note(cycle, notes, NOW)
    tally = journal.tally(NOW + timedelta(hours=23))
    assert (tally.removals, tally.creations, tally.updates) == (1, 1, 0)
    tally = journal.tally(NOW + timedelta(hours=24))
    assert (tally.removals, tally.creations, tally.updates) == (0, 0, 0)
