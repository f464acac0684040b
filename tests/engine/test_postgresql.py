"""Ten stories of other files once more, on PostgreSQL, in a usual run that is on SQLite: those that lean on transactions most.

`./tandem test --all` runs everything on both.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import databases
from engine.crash import Watch, end_state, resume
from engine.scenarios import STORIES, contacts
from engine.stage import Stage
from engine.test_decisions import test_an_open_conflict_waits_and_everything_else_flows as test_an_open_conflict
from engine.test_decisions import test_the_same_people_on_both_sides_are_paired_not_doubled as test_a_first_sync
from engine.test_decisions import test_too_many_deletions_are_all_held as test_deletions_and_a_hold
from engine.test_preview import test_a_preview_of_a_first_sync_is_pure_and_true as test_a_preview
from engine.test_review_matches import test_linked_they_are_united as test_a_review_answer
from engine.test_trouble import test_a_worker_that_lost_its_lease_writes_nothing_more as test_a_lost_lease
from engine.test_trouble import test_an_edit_that_overtakes_a_write_is_merged as test_an_overtaking_edit
from engine.test_undo import test_a_change_returns_on_both_sides as test_an_undo
from tandem.connectors.google.codec import MARKER_KEY

__all__ = [
    "test_a_first_sync", "test_a_lost_lease", "test_a_preview", "test_a_review_answer", "test_an_open_conflict",
    "test_an_overtaking_edit", "test_an_undo", "test_deletions_and_a_hold",
]  # fmt: skip

pytestmark = [
    pytest.mark.usefixtures("on_postgresql"),
    pytest.mark.skipif(databases.usual() == databases.POSTGRESQL, reason="the whole run is on PostgreSQL"),
]


@pytest.mark.parametrize("number", range(0, len(STORIES), len(STORIES) // 2))
def test_dying(number: int) -> None:
    """P3, P4: of two stories two places to die at each; a new process ends in the same state, and then writes nothing."""
    story = STORIES[number]
    stage = story.stage(0.0)
    watch = Watch(stage)
    watch.run(stage.settle)
    expected = end_state(stage)
    stage.close()
    for death in random.Random(number).sample(watch.deaths, 2):
        other = resume(story.terms(0.0), death)
        other.settle()
        assert end_state(other) == expected, death.label
        assert other.cycle().writes == 0, death.label
        other.close()


def test_what_no_text_column_takes(make_stage: Callable[..., Stage]) -> None:
    """U+0000 in a name and in an organisation, and a place of ours that holds more than ours, stop nothing and are not lost."""
    stage = make_stage()
    contacts("Ala")(stage)
    stage.contact(
        names=[{"givenName": "Nul\x00a", "familyName": "Nowak"}],
        emailAddresses=[{"value": "nula@example.com", "type": "work"}],
        organizations=[{"name": "Zero\x00 Works"}],
        clientData=[{"key": MARKER_KEY, "value": "x" * 500}],
    )
    stage.settle()
    assert {one["first_name"] for one in stage.pipedrive()} == {"Ala", "Nul\x00a"}
    organizations = [one["name"] for one in stage.world.pipedrive.state()["organizations"] if not one["is_deleted"]]
    assert "Zero\x00 Works" in organizations
    stage.wait(300)
    person = next(one for one in stage.pipedrive() if one["first_name"] == "Nul\x00a")
    stage.pipedrive_does("update_person", id=person["id"], first_name="Nu\x00la")
    stage.settle()
    assert "Nu\x00la" in {one["fields"]["names"][0]["givenName"] for one in stage.google()}
