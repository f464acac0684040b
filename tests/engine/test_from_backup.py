"""Promise: after a restore of an older archive nobody is doubled, nobody comes back, nothing is lost or overwritten unseen, and all of it
is shown before anything is written.
"""  # noqa: D205 - one promise

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from depth import SEED, at_most
from engine.archived import lines_of, restored, table
from engine.crash import end_state
from engine.probed.base import probes
from engine.reviewing import everything, open_questions, resolve
from engine.scenarios import STORIES, Story, change_contact, change_person, contact_named, contacts, person_named, persons
from engine.stage import Stage
from tandem.core.plan import ActionKind
from tandem.core.state import Side
from tandem.engine.preview import Preview, preview
from tandem.errors import Unavailable
from tandem.sandbox.faults import Rule
from tandem.store import models

#: How many stories are played, and how many moments of each are backed up.
PLAYED = random.Random(SEED).sample(STORIES, at_most(4, len(STORIES), len(STORIES)))
SAMPLE = at_most(1, 12, 2)
HOUR, DAY = 3600.0, 90_000.0


def begun(stage: Stage, *names: str) -> list[bytes]:
    """These people on both sides, in sync, and a backup of that."""
    contacts(*names)(stage)
    stage.settle()
    stage.wait(100)
    lines = lines_of(stage)
    stage.wait(HOUR)
    return lines


def come_back(stage: Stage, lines: list[bytes]) -> Preview:
    """Restore, and what the preview shows then; the preview has written nothing, there or here."""
    stage.wait(1)
    restored(stage, lines)
    bench = stage.bench()
    before, requests = _tables(stage), len(stage.world.log)
    shown = preview(bench)
    assert (stage.writes(requests), _tables(stage)) == ([], before)
    return shown


def _tables(stage: Stage) -> list[object]:
    return [table(stage.alias, model) for model in (models.Pair, models.Shadow, models.Question, models.Link, models.Feed, models.Intent)]


def quiet(stage: Stage) -> None:
    """Cycles until nothing settles any more; the last one writes nothing."""
    for _ in range(12):
        report = stage.cycle()
        if not report.writes and not report.settling:
            return
        stage.wait(61)
    raise AssertionError(report)


def family(one: dict[str, object]) -> str:
    """The family name of a contact or person."""
    return str(one["fields"]["names"][0]["familyName"] if "fields" in one else one["last_name"])  # type: ignore[index]


@pytest.mark.parametrize("story", PLAYED, ids=lambda story: story.name.replace(" ", "_"))
def test_any_story_that_came_to_its_end_is_not_told_again(story: Story) -> None:
    """Backed up at any commit of a story, in the middle of its writes too, and restored after its end: the books stay to the letter."""
    stage = story.stage(0.0)
    backups = [lines_of(stage)]

    def take(label: str) -> None:
        if label == "after-commit":
            backups.append(lines_of(stage))

    probes[stage.alias] = take
    try:
        quiet(stage)
    finally:
        del probes[stage.alias]
    stage.wait(DAY)
    quiet(stage)
    world = stage.world
    for lines in random.Random(f"{SEED} {story.name}").sample(backups, min(SAMPLE, len(backups))):
        stage.wait(HOUR)
        restored(stage, lines)
        before, requests = end_state(stage), len(world.log)
        stage.cycle()
        stage.wait(DAY)
        quiet(stage)
        # Who may not make fields is refused again, once, where the backup did not know it yet.
        assert [entry.kind for entry in world.log[requests:] if entry.is_write and entry.status < 400] == []
        assert end_state(stage) == before
    stage.close()


def test_what_was_made_since_is_known_again(stage: Stage) -> None:
    """Created by Tandem since the backup, from either side: paired again by marker, without a write; edits go on flowing."""
    lines = begun(stage, "Ala")
    both = ("Bartek", "Celina")
    contacts("Bartek")(stage)
    persons("Celina")(stage)
    stage.settle()
    shown = come_back(stage, lines)
    assert sorted(pair.name.split()[0] for pair in shown.pairs) == list(both)
    assert (shown.actions, shown.questions) == ([], [])
    requests = len(stage.world.log)
    stage.settle()
    assert stage.writes(requests) == []
    change_contact(stage, "Bartek", names=[{"givenName": "Bartek", "familyName": "Neu"}])
    stage.settle()
    assert family(person_named(stage, "Bartek")) == "Neu"


@pytest.mark.parametrize(("word", "count"), [("release", 2), ("reject", 1)])
def test_who_may_have_been_deleted_is_not_made_again(stage: Stage, word: str, count: int) -> None:
    """Made since the backup, then deleted by somebody: it looks new and waits for a person, whose word counts; later ones just flow."""
    lines = begun(stage, "Ala")
    contacts("Bartek")(stage)
    stage.settle()
    stage.pipedrive_does("delete_person", id=person_named(stage, "Bartek")["id"])
    shown = come_back(stage, lines)
    assert [(action.kind, action.held, action.name) for action in shown.actions] == [(ActionKind.CREATE, "since-backup", "Bartek Nowak")]
    requests = len(stage.world.log)
    stage.cycle()
    quiet(stage)
    assert stage.writes(requests) == []
    resolve(stage, word, kind="hold")
    quiet(stage)
    assert len(stage.pipedrive()) == count
    assert not everything(stage)
    stage.wait(1)
    persons("Ewa")(stage)
    stage.settle()
    assert contact_named(stage, "Ewa")


def test_a_side_that_stood_still_takes_what_the_other_says(stage: Stage) -> None:
    """Edited on one side since the backup, and not carried over yet: it flows as ever, in both directions, removals too."""
    lines = begun(stage, "Ala", "Bartek")
    change_contact(stage, "Ala", phoneNumbers=[], names=[{"givenName": "Ala", "familyName": "Neu"}])
    change_person(stage, "Bartek", first_name="Bartek", last_name="Later")
    shown = come_back(stage, lines)
    assert sorted((action.side.value, action.name.split()[0]) for action in shown.actions) == [("left", "Bartek"), ("right", "Ala")]
    stage.settle()
    assert (family(person_named(stage, "Ala")), person_named(stage, "Ala")["phones"]) == ("Neu", [])
    assert family(contact_named(stage, "Bartek")) == "Later"
    assert not everything(stage)


@pytest.mark.parametrize(("word", "phones", "name"), [("left", 2, "Neu"), ("right", 1, "Later"), ("unite", 2, "Later")])
def test_both_sides_moved_and_a_person_decides(stage: Stage, word: str, phones: int, name: str) -> None:
    """A number was added, carried over, and removed again; a name edited twice: the archive cannot tell, and nothing is written.

    What is not in doubt flows meanwhile, and what did not prevail stands in the history.
    """
    lines = begun(stage, "Ala", "Bartek")
    added = [{"value": "+48 600 123 400", "type": "mobile"}, {"value": "+48 600 999 111", "type": "work"}]
    change_contact(stage, "Ala", phoneNumbers=added, names=[{"givenName": "Ala", "familyName": "Neu"}])
    stage.settle()
    change_person(stage, "Ala", first_name="Ala", last_name="Later", phones=person_named(stage, "Ala")["phones"][:1])  # type: ignore[index]
    shown = come_back(stage, lines)
    assert shown.actions == []
    assert [(item.doubt, item.evidence) for item in shown.questions] == [("backup", ("last_name", "phones"))]
    requests = len(stage.world.log)
    quiet(stage)
    assert stage.writes(requests) == []
    (question,) = open_questions(stage)
    assert (question.changes[0].field, question.changes[0].old, question.changes[0].new) == ("last_name", "Neu", "Later")
    change_contact(stage, "Ala", emailAddresses=[{"value": "neu@example.com", "type": "work"}])
    quiet(stage)
    assert person_named(stage, "Ala")["emails"][0]["value"] == "neu@example.com"  # type: ignore[index]
    assert len(person_named(stage, "Ala")["phones"]) == 1  # type: ignore[arg-type]
    resolve(stage, word, kind="backup")
    stage.settle()
    contact, person = contact_named(stage, "Ala"), person_named(stage, "Ala")
    assert (len(contact["fields"]["phoneNumbers"]), len(person["phones"])) == (phones, phones)  # type: ignore[index,arg-type]
    assert {family(contact), family(person)} == {name}
    kept = b"".join(bytes(row.before or b"") for row in models.History.objects.using(stage.alias))
    assert ({"Neu", "Later"} - {name}).pop().encode() in kept
    assert not everything(stage)


def test_what_people_mend_by_hand_is_not_asked_any_more(stage: Stage) -> None:
    """The question ends by itself when both sides say the same; an answer to what it was before does not count."""
    lines = begun(stage, "Ala")
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Neu"}])
    stage.settle()
    change_person(stage, "Ala", first_name="Ala", last_name="Later")
    come_back(stage, lines)
    stage.cycle()
    resolve(stage, "left", kind="backup")
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Third"}])
    quiet(stage)
    assert (family(person_named(stage, "Ala")), len(open_questions(stage))) == ("Later", 1)
    change_person(stage, "Ala", first_name="Ala", last_name="Third")
    stage.settle()
    assert not everything(stage)


def test_deletions_since_the_backup(stage: Stage) -> None:
    """Deleted on one side: as ever where the other one stood still, told in the preview before; a question where it has moved since."""
    lines = begun(stage, "Ala", "Bartek", "Celina", "Darek", "Ewa", "Filip")
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.pipedrive_does("touch_person", id=person_named(stage, "Bartek")["id"])
    stage.google_does("delete", id=contact_named(stage, "Bartek")["id"])
    shown = come_back(stage, lines)
    assert sorted((action.kind.value, action.held, action.name) for action in shown.actions) == [
        ("delete", "unconfirmed", "Ala Nowak"), ("delete", "unconfirmed", "Bartek Nowak")
    ]  # fmt: skip
    quiet(stage)
    assert "Ala" not in {one["first_name"] for one in stage.pipedrive()}
    assert person_named(stage, "Bartek")
    (question,) = open_questions(stage)
    assert (question.sub, question.action, question.side) == ("since-backup", "delete", Side.RIGHT)
    resolve(stage, "release", kind="hold")
    quiet(stage)
    assert "Bartek" not in {one["first_name"] for one in stage.pipedrive()}


def test_what_we_had_made_and_taken_back_deletes_nobody(stage: Stage) -> None:
    """A creation was undone since the backup: whoever it was made from is there by somebody's will, and waits for a word."""
    persons("Celina")(stage)
    lines = begun(stage, "Ala")
    (line,) = models.History.objects.using(stage.alias).filter(kind="create", side="left")
    stage.bench().past.ask([line.id], stage.clock.now())
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert [contact["fields"]["names"][0]["givenName"] for contact in stage.google()] == ["Ala"]
    come_back(stage, lines)
    quiet(stage)
    assert person_named(stage, "Celina")
    (question,) = open_questions(stage)
    assert (question.sub, question.action, question.side) == ("since-backup", "delete", Side.RIGHT)
    resolve(stage, "reject", kind="hold")
    quiet(stage)
    assert (len(stage.google()), {one["first_name"] for one in stage.pipedrive()}) == (1, {"Ala", "Celina"})


def test_what_is_in_doubt_is_not_deleted(stage: Stage) -> None:
    """A person has not said yet which side is right, and one of them is deleted: the other one stays until somebody decides."""
    lines = begun(stage, "Ala", "Bartek")
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Neu"}])
    stage.settle()
    change_person(stage, "Ala", first_name="Ala", last_name="Later")
    come_back(stage, lines)
    quiet(stage)
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.cycle()
    stage.wait(61)
    quiet(stage)
    assert family(person_named(stage, "Ala")) == "Later"
    assert [item.kind for item in open_questions(stage)] == ["deletion-against-edit"]


def test_who_got_a_new_counterpart_since_keeps_it(stage: Stage) -> None:
    """Deleted, edited, and restored by a person's word since the backup: the new counterpart is known by its marker, nobody is deleted."""
    lines = begun(stage, "Ala", "Bartek")
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Neu"}])
    stage.pipedrive_does("delete_person", id=person_named(stage, "Ala")["id"])
    stage.wait(DAY)
    quiet(stage)
    resolve(stage, "restore", kind="deletion-against-edit")
    quiet(stage)
    assert family(person_named(stage, "Ala")) == "Neu"
    come_back(stage, lines)
    requests = len(stage.world.log)
    stage.wait(DAY)
    stage.settle()
    assert stage.writes(requests) == []
    change_person(stage, "Ala", first_name="Ala", last_name="Last")
    stage.settle()
    assert family(contact_named(stage, "Ala")) == "Last"


def test_a_merge_since_the_backup_deletes_nobody(stage: Stage) -> None:
    """Two contacts merged since: the pair follows the survivor, or a person is asked; the persons stay."""
    lines = begun(stage, "Ala", "Bartek")
    survivor, loser = contact_named(stage, "Ala")["id"], contact_named(stage, "Bartek")["id"]
    stage.google_does("merge", ids=[survivor, loser])
    come_back(stage, lines)
    requests = len(stage.world.log)
    quiet(stage)
    assert "deletePerson" not in stage.writes(requests)
    assert len(stage.pipedrive()) == 2


def test_an_undo_of_what_was_done_before(stage: Stage) -> None:
    """Cycles of before the backup can be taken back after it: what people changed since stays."""
    lines = begun(stage, "Ala")
    change_person(stage, "Ala", first_name="Ala", last_name="Later")
    come_back(stage, lines)
    stage.settle()
    line = models.History.objects.using(stage.alias).filter(kind="create").first()
    assert line is not None
    bench = stage.bench()
    bench.past.ask([line.id], stage.clock.now())
    stage.settle()
    assert family(contact_named(stage, "Ala")) == "Later"
    assert family(person_named(stage, "Ala")) == "Later"


def test_a_listing_in_doubt_decides_nothing(make_stage: Callable[..., Stage]) -> None:
    """The first listing after a restore is confirmed by a second look: cut short, the link stops, and nothing is concluded."""
    stage = make_stage()
    lines = begun(stage)
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    come_back(stage, lines)
    stage.world.faults.add(Rule("google", r"connections\.list", "empty"))
    requests = len(stage.world.log)
    report = stage.cycle()
    assert (report.state.value, stage.writes(requests)) == ("waiting-for-person", [])
    stage.world.faults.clear()
    stage.wait(61)
    stage.settle()
    assert stage.writes(requests) == []
    assert len(stage.google()) == len(stage.pipedrive()) == 3


def test_a_listing_that_was_cut_short_is_no_listing(stage: Stage) -> None:
    """Known records that it lacks are read one by one; but who shows up after it is still what may have been there before."""
    lines = begun(stage, "Ala", "Bartek", "Celina")
    contacts("Darek")(stage)
    stage.settle()
    stage.pipedrive_does("delete_person", id=person_named(stage, "Darek")["id"])
    come_back(stage, lines)
    stage.world.faults.add(Rule("google", r"connections\.list", "empty"))
    requests = len(stage.world.log)
    for _ in range(6):
        stage.cycle()
        stage.world.faults.clear()
        stage.wait(61)
    assert stage.writes(requests) == []
    assert [(item.sub, item.action) for item in open_questions(stage)] == [("since-backup", "create")]


def test_nothing_is_shown_before_everything_must_be_visible(make_stage: Callable[..., Stage]) -> None:
    """Reads lag ten minutes: a copy made right before the restore, and a number removed from its source, are not taken for older news."""
    stage = make_stage(lag_s=600.0)
    contacts("Ala")(stage)
    stage.wait(1000)
    stage.settle()
    stage.wait(2000)
    lines = lines_of(stage)
    contacts("Bartek")(stage)
    stage.wait(700)
    for _ in range(3):
        stage.cycle()
    change_contact(stage, "Bartek", phoneNumbers=[])
    stage.wait(1)
    restored(stage, lines)
    requests = len(stage.world.log)
    with pytest.raises(Unavailable, match="look again at"):
        preview(stage.bench())
    assert (stage.cycle().state.value, stage.writes(requests)) == ("unfinished", [])
    stage.wait(700)
    assert [item.evidence for item in preview(stage.bench()).questions] == [("phones",)]
    stage.cycle()
    resolve(stage, "left", kind="backup")
    stage.settle()
    assert (person_named(stage, "Bartek")["phones"], contact_named(stage, "Bartek")["fields"].get("phoneNumbers", [])) == ([], [])  # type: ignore[attr-defined]
    assert len(stage.pipedrive()) == 2
