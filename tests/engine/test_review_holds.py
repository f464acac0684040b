"""Promise: conflicts, what the brake holds, and deletions against edits get an answer, which is followed exactly and survives a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.crash import Watch, end_state, resume
from engine.reviewing import everything, open_questions, resolve
from engine.scenarios import NAMES, change_contact, change_person, contact_named, contacts, person_named
from engine.stage import Stage, Terms
from tandem.core.plan import ActionKind
from tandem.core.policy import BrakeLimits, ConflictRule, DeletionRule, Policy
from tandem.core.state import LinkId, Side
from tandem.engine.preview import preview
from tandem.engine.review import Answer, Review
from tandem.store import models

DAY = 90_000.0
PEOPLE = [f"Osoba{number}" for number in range(12)]
ASK = Policy(conflicts=ConflictRule.ASK, region="PL")
#: Any update or creation beyond one is too many.
TIGHT = Policy(conflicts=ConflictRule.RIGHT, region="PL", brake=BrakeLimits(creations=1, creations_percent=1, updates=1, updates_percent=1))


def _family(stage: Stage, first: str) -> tuple[str, str]:
    return str(contact_named(stage, first)["fields"]["names"][0]["familyName"]), str(person_named(stage, first)["last_name"])


def _conflict(stage: Stage) -> None:
    contacts("Ala")(stage)
    stage.settle()
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Lewa"}])
    change_person(stage, "Ala", first_name="Ala", last_name="Prawa")
    stage.cycle()


@pytest.mark.parametrize(("word", "winner"), [("left", "Lewa"), ("right", "Prawa")])
def test_a_conflict_is_decided_by_a_person(make_stage: Callable[..., Stage], word: str, winner: str) -> None:
    """The question shows both values; the chosen one stands on both sides; what lost is in the history; nothing is open."""
    stage = make_stage(policy=ASK)
    _conflict(stage)
    (question,) = open_questions(stage)
    assert [(change.old, change.new) for change in question.changes] == [("Lewa", "Prawa")]
    resolve(stage, word)
    assert stage.cycle().state.value == "in-sync"
    stage.settle()
    assert _family(stage, "Ala") == (winner, winner)
    assert models.History.objects.using(stage.alias).filter(kind="conflict").exists()
    assert everything(stage) == []


def test_a_value_that_changed_after_the_answer_is_asked_about_again(make_stage: Callable[..., Stage]) -> None:
    """The answer was for what was shown: another value on the losing side is not overwritten unseen."""
    stage = make_stage(policy=ASK)
    _conflict(stage)
    resolve(stage, "left")
    change_person(stage, "Ala", first_name="Ala", last_name="Nowsza")
    stage.wait(61)
    assert stage.cycle().questions == 1
    assert _family(stage, "Ala") == ("Lewa", "Nowsza")
    (question,) = open_questions(stage)
    assert question.changes[0].new == "Nowsza"


def _delete_most(stage: Stage) -> None:
    contacts(*PEOPLE)(stage)
    stage.settle()
    for first in PEOPLE[:8]:
        stage.google_does("delete", id=contact_named(stage, first)["id"])
    stage.wait(61)
    stage.cycle()
    stage.wait(61)
    assert stage.cycle().held == 8


def test_what_is_held_together_is_released_together(stage: Stage) -> None:
    """All eight are deleted, they do not count for the day, and two more deletions on the same day pass by themselves."""
    _delete_most(stage)
    assert [(item.sub, item.action, item.side) for item in open_questions(stage)] == [("removals", "delete", Side.RIGHT)] * 8
    resolve(stage, "release")
    assert preview(stage.bench()).count(Side.RIGHT, ActionKind.DELETE) == 8
    report = stage.cycle()
    assert (report.written[Side.RIGHT]["deleted"], report.held) == (8, 0)
    assert not models.History.objects.using(stage.alias).exclude(weighs="").filter(kind="delete").exists()
    stage.google_does("delete", id=contact_named(stage, PEOPLE[9])["id"])
    stage.wait(61)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (3, 3, [])


def test_one_is_released_and_the_others_wait_on(stage: Stage) -> None:
    """A single release passes that one only; later removals wait with the rest until all are decided."""
    _delete_most(stage)
    resolve(stage, "release", count=1)
    report = stage.cycle()
    assert (report.written[Side.RIGHT]["deleted"], report.held, len(stage.pipedrive())) == (1, 7, 11)
    stage.google_does("delete", id=contact_named(stage, PEOPLE[9])["id"])
    stage.wait(61)
    stage.cycle()
    stage.wait(61)
    assert (stage.cycle().held, len(stage.pipedrive())) == (8, 11)


def test_a_rejected_deletion_is_final(stage: Stage) -> None:
    """The survivors stay, are never asked about again, and are not made again on the other side."""
    _delete_most(stage)
    resolve(stage, "reject")
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (4, 12, [])
    change_person(stage, PEOPLE[0], first_name="Inna", last_name="Nowak")
    assert stage.settle().writes == 0
    assert len(stage.google()) == 4


def test_a_release_is_not_for_what_changed_since(stage: Stage) -> None:
    """Somebody edits the survivor after the release: it is not deleted, and the edit is asked about."""
    _delete_most(stage)
    resolve(stage, "release")
    change_person(stage, PEOPLE[0], first_name="Inna", last_name="Nowak")
    stage.cycle()
    assert person_named(stage, "Inna")
    assert [item.kind for item in open_questions(stage)] == ["deletion-against-edit"]


def test_dying_while_a_release_is_followed(stage: Stage) -> None:
    """Wherever the process dies on the way, the word still holds: every released record is deleted in the end, no other one."""
    _delete_most(stage)
    resolve(stage, "release")
    watch = Watch(stage)
    watch.run(stage.settle)
    expected = end_state(stage)
    assert len(stage.pipedrive()) == 4
    for death in watch.deaths[:: max(1, len(watch.deaths) // 6)]:
        reborn = resume(Terms(), death)
        reborn.settle()
        assert end_state(reborn) == expected, death.label
        reborn.close()


@pytest.mark.parametrize(("word", "deleted"), [("release", 1), ("reject", 0)])
def test_attachments_are_asked_about_on_their_own(stage: Stage, word: str, deleted: int) -> None:
    """Releasing held removals is no word about the deals of one of them: that one is asked about again, and then done or left."""
    _delete_most(stage)
    stage.pipedrive_does("set_counts", id=person_named(stage, PEOPLE[0])["id"], open_deals_count=1)
    resolve(stage, "release")
    stage.wait(61)
    stage.cycle()
    assert person_named(stage, PEOPLE[0])
    (question,) = open_questions(stage)
    assert question.sub == "attachments"
    resolve(stage, word)
    stage.settle()
    assert (len(stage.pipedrive()), everything(stage)) == (5 - deleted, [])


@pytest.mark.parametrize(("word", "persons"), [("release", 1), ("reject", 2)])
def test_a_deletion_that_the_rule_asks_about(make_stage: Callable[..., Stage], word: str, persons: int) -> None:
    """With the rule `ask` a deletion waits; released it is done, rejected the survivor stays for good."""
    stage = make_stage(policy=Policy(deletions={Side.RIGHT: DeletionRule.ASK}, region="PL"))
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(61)
    assert (stage.cycle().held, stage.cycle().held) == (1, 1)
    resolve(stage, word)
    stage.wait(61)
    stage.settle()
    assert (len(stage.pipedrive()), everything(stage)) == (persons, [])


def _blank_most(stage: Stage) -> None:
    contacts(*NAMES)(stage)
    stage.settle()
    for first in NAMES[:7]:
        change_contact(stage, first, phoneNumbers=[], names=[{"givenName": first, "familyName": "Lis"}])
    assert stage.cycle().held == 7


def test_a_rejected_blanking_writes_the_value_back(stage: Stage) -> None:
    """The phones return to the side where they were removed; what else was changed with them is left as it is until edited again."""
    _blank_most(stage)
    assert {change.new for item in open_questions(stage) for change in item.changes if change.field == "phones"} == {""}
    resolve(stage, "reject")
    stage.settle()
    assert everything(stage) == []
    for first in NAMES[:7]:
        assert contact_named(stage, first)["fields"]["phoneNumbers"]
        assert person_named(stage, first)["phones"]
        assert _family(stage, first) == ("Lis", "Nowak")
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Kot"}])
    stage.settle()
    assert _family(stage, "Ala") == ("Kot", "Kot")


def test_a_released_blanking_is_done(stage: Stage) -> None:
    """The fields are emptied on the other side, too, and nothing is open."""
    _blank_most(stage)
    resolve(stage, "release")
    stage.settle()
    assert [person_named(stage, first)["phones"] for first in NAMES[:7]] == [[]] * 7
    assert everything(stage) == []


@pytest.mark.parametrize(("word", "family"), [("release", "Lis"), ("reject", "Nowak")])
def test_too_many_updates(make_stage: Callable[..., Stage], word: str, family: str) -> None:
    """Held updates pass as shown, or both sides stay as they are; in either case the next edit flows."""
    stage = make_stage(policy=TIGHT)
    contacts(*NAMES[:4])(stage)
    stage.settle()
    for first in NAMES[:3]:
        change_contact(stage, first, names=[{"givenName": first, "familyName": "Lis"}])
    assert stage.cycle().held == 3
    assert {(item.sub, item.changes[0].new) for item in open_questions(stage)} == {("updates", "Lis")}
    resolve(stage, word)
    stage.settle()
    assert [_family(stage, first) for first in NAMES[:3]] == [("Lis", family)] * 3
    assert everything(stage) == []
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Kot"}])
    stage.settle()
    assert _family(stage, "Ala") == ("Kot", "Kot")


@pytest.mark.parametrize(("word", "persons"), [("release", 4), ("reject", 1)])
def test_too_many_creations(make_stage: Callable[..., Stage], word: str, persons: int) -> None:
    """Held creations are named one by one; released they are made once, rejected they are left out and not asked about again."""
    stage = make_stage(policy=TIGHT)
    contacts("Ala")(stage)
    stage.settle()
    contacts("Ala2", "Bartek", "Celina")(stage)
    stage.wait(121)
    assert stage.cycle().held == 3
    assert sorted(item.name for item in open_questions(stage)) == ["Ala2 Nowak", "Bartek Nowak", "Celina Nowak"]
    resolve(stage, word)
    stage.settle()
    stage.cycle(is_full=True)
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (4, persons, [])
    assert not models.History.objects.using(stage.alias).filter(kind="create", weighs="creation").exists()


def test_one_side_of_a_pair_is_released(make_stage: Callable[..., Stage]) -> None:
    """A pair with a held write to each side: the released one is done, the other one waits on."""
    stage = make_stage(policy=TIGHT)
    contacts(*NAMES[:4])(stage)
    stage.settle()
    for first in NAMES[:3]:
        change_contact(stage, first, names=[{"givenName": first, "familyName": "Lis"}])
        change_person(stage, first, emails=[{"value": f"{first.lower()}@example.net", "label": "work", "primary": True}])
    assert stage.cycle().held == 6
    chosen = [Answer(item.id, "release") for item in open_questions(stage) if item.side is Side.RIGHT]
    Review(stage.alias, LinkId(stage.link.id)).resolve(chosen, stage.clock.now())
    stage.cycle()
    stage.wait(61)
    stage.cycle()
    assert [_family(stage, first) for first in NAMES[:3]] == [("Lis", "Lis")] * 3
    assert [contact_named(stage, first)["fields"]["emailAddresses"][0]["value"] for first in NAMES[:1]] == ["ala@example.com"]
    assert [item.side for item in open_questions(stage)] == [Side.LEFT] * 3
    resolve(stage, "release")
    stage.settle()
    assert contact_named(stage, "Ala")["fields"]["emailAddresses"][0]["value"] == "ala@example.net"
    assert everything(stage) == []


def test_what_a_question_showed_is_forgotten_with_it(make_stage: Callable[..., Stage]) -> None:
    """A closed question keeps no contact data."""
    stage = make_stage(policy=ASK)
    _conflict(stage)
    resolve(stage, "left")
    stage.settle()
    assert [item.data for item in models.Question.objects.using(stage.alias).exclude(closed_at=None)] == [{}]


def _delete_against_edit(stage: Stage) -> None:
    contacts("Ala", "Bartek", "Celina", "Darek")(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")
    stage.wait(61)
    assert stage.cycle().questions == 1


@pytest.mark.parametrize(("word", "google", "pipedrive"), [("restore", 4, 4), ("delete", 3, 3), ("leave", 3, 4)])
def test_a_deletion_against_an_edit_is_decided(stage: Stage, word: str, google: int, pipedrive: int) -> None:
    """Made again from the edited one, deleted there too, or left; afterwards nothing is open and nothing comes back."""
    _delete_against_edit(stage)
    resolve(stage, word)
    shown = preview(stage.bench())
    assert shown.count(Side.LEFT, ActionKind.CREATE) == (word == "restore")
    assert shown.count(Side.RIGHT, ActionKind.DELETE) == (word == "delete")
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (google, pipedrive, [])
    if word == "restore":
        assert contact_named(stage, "Alicja")
        change_person(stage, "Alicja", first_name="Ola", last_name="Nowak")
        stage.settle()
        assert contact_named(stage, "Ola")


@pytest.mark.parametrize("word", ["restore", "delete"])
def test_dying_while_a_deletion_against_an_edit_is_decided(stage: Stage, word: str) -> None:
    """Whatever step the process dies at, the answer is followed once: nobody is doubled, nobody stays behind."""
    _delete_against_edit(stage)
    resolve(stage, word)
    watch = Watch(stage)
    watch.run(stage.settle)
    expected = end_state(stage)
    for death in watch.deaths:
        reborn = resume(Terms(), death)
        reborn.settle()
        assert end_state(reborn) == expected, death.label
        reborn.close()


def test_a_survivor_edited_again_is_not_deleted(stage: Stage) -> None:
    """The word was for what was shown: another edit after it opens the question again."""
    _delete_against_edit(stage)
    resolve(stage, "delete")
    change_person(stage, "Alicja", first_name="Ala", last_name="Zupełnie Inna")
    stage.cycle()
    assert stage.cycle().questions == 1
    assert len(stage.pipedrive()) == 4
    assert open_questions(stage, "deletion-against-edit")


@pytest.mark.parametrize(("word", "persons"), [("release", 3), ("reject", 4)])
def test_a_survivor_with_deals_is_asked_about_once_more(stage: Stage, word: str, persons: int) -> None:
    """`delete` says nothing about deals that hang on the survivor: they are asked about on their own."""
    _delete_against_edit(stage)
    stage.pipedrive_does("set_counts", id=person_named(stage, "Alicja")["id"], open_deals_count=1)
    stage.cycle()
    resolve(stage, "delete")
    stage.cycle()
    assert len(stage.pipedrive()) == 4
    resolve(stage, word, kind="hold")
    stage.settle()
    assert (len(stage.pipedrive()), everything(stage)) == (persons, [])
