"""Promise: what a person says about doubtful matches, copies and unclear creations is done, once, and never asked again."""

from __future__ import annotations

import pytest

from engine.reviewing import everything, open_questions, resolve
from engine.scenarios import change_contact, change_person, contact_named, contacts, person_named
from engine.stage import Stage
from tandem.core.plan import ActionKind
from tandem.core.state import Side
from tandem.engine.preview import preview
from tandem.errors import OtherInstallation, WrongInput
from tandem.sandbox.faults import Rule
from tandem.store import models
from tandem.store.answers import Answers


def _two_jans(stage: Stage) -> None:
    stage.contact(names=[{"givenName": "Jan", "familyName": "Kowalski"}], emailAddresses=[{"value": "jan@example.com"}])
    stage.person(first_name="Jan", last_name="Kowalski", emails=[{"value": "kowalski@example.org"}])
    assert stage.cycle().questions == 1


def test_a_question_is_told_with_names_evidence_and_choices(stage: Stage) -> None:
    """Its owner sees whom it is about, why it waits, and what may be said."""
    _two_jans(stage)
    (question,) = open_questions(stage)
    assert (question.kind, question.sub, question.name, bool(question.evidence)) == ("match", "ambiguous", "Jan Kowalski", True)
    assert {(record.side, record.name, record.is_free) for record in question.records} == {
        (Side.LEFT, "Jan Kowalski", True),
        (Side.RIGHT, "Jan Kowalski", True),
    }
    assert [choice.word for choice in question.choices] == ["link", "apart", "leave-out"]


def test_linked_they_are_united(stage: Stage) -> None:
    """`link`: one pair, both sides hold both e-mails, nobody is made, nothing is open."""
    _two_jans(stage)
    resolve(stage, "link")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (1, 1)
    assert {item["value"] for item in person_named(stage, "Jan")["emails"]} == {"jan@example.com", "kowalski@example.org"}
    assert {item["value"] for item in contact_named(stage, "Jan")["fields"]["emailAddresses"]} == {
        "jan@example.com",
        "kowalski@example.org",
    }
    assert everything(stage) == []


def test_kept_apart_they_are_two_for_ever(stage: Stage) -> None:
    """`apart`: each gets its own copy, and no later cycle asks again, also after an edit and a full listing."""
    _two_jans(stage)
    resolve(stage, "apart")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)
    stage.cycle(is_full=True)
    assert (stage.settle().questions, everything(stage)) == (0, [])
    assert len(stage.bench().words.apart()) == 1


def test_left_out_they_stay_as_they_are(stage: Stage) -> None:
    """`leave-out`: neither side changes, nothing is asked again, and an edit flows nowhere."""
    _two_jans(stage)
    resolve(stage, "leave-out")
    stage.settle()
    change_contact(stage, "Jan", emailAddresses=[{"value": "neu@example.com"}])
    assert stage.settle().writes == 0
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (1, 1, [])


def test_of_several_one_is_named(stage: Stage) -> None:
    """Where several could be it, `link` has to name one of each side; another id, and no id, are refused and nothing is written."""
    left = stage.contact(names=[{"givenName": "Jan", "familyName": "Kowalski"}], emailAddresses=[{"value": "jan@example.com"}])
    persons = [stage.person(first_name="Jan", last_name="Kowalski", emails=[{"value": "jan@example.com"}]) for _ in range(2)]
    stage.cycle()
    (question,) = open_questions(stage)
    ids = {record.side: [item.record for item in question.records if item.side is record.side] for record in question.records}
    assert ids[Side.RIGHT] == [str(person) for person in persons]
    for named in ((), (ids[Side.LEFT][0], "999"), (ids[Side.RIGHT][0], ids[Side.LEFT][0])):
        with pytest.raises(WrongInput):
            resolve(stage, "link", *named)
    assert open_questions(stage)
    resolve(stage, "link", ids[Side.LEFT][0], ids[Side.RIGHT][1])
    stage.cycle()
    pair = models.Pair.objects.using(stage.alias).get(state="linked")
    assert (pair.right_id, left in str(pair.left_id)) == (str(persons[1]), True)
    # The other one now looks like a twin: it waits, and nobody makes a copy of it.
    (rest,) = open_questions(stage)
    assert (rest.sub, len(stage.google())) == ("twin", 1) if rest.sub == "twin" else ("ambiguous", len(stage.google()))


@pytest.mark.parametrize(("word", "made"), [("leave", 0), ("apart", 1)])
def test_a_twin(stage: Stage, word: str, made: int) -> None:
    """A second record of somebody who has a counterpart: left where it is, or another person with a copy of its own."""
    contacts("Ala")(stage)
    stage.settle()
    stage.contact(names=[{"givenName": "Ala", "familyName": "Nowak"}], emailAddresses=[{"value": "ala@example.com"}])
    stage.cycle()
    (question,) = open_questions(stage)
    resolve(stage, word if word in {choice.word for choice in question.choices} else "leave-out")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (2, 1 + made, [])


@pytest.mark.parametrize(("word", "made"), [("leave", 0), ("apart", 1)])
def test_a_copy_of_what_we_made(stage: Stage, word: str, made: int) -> None:
    """Somebody duplicated a contact that Tandem had made, marker and all: it is left alone, or becomes a person of its own."""
    stage.person(first_name="Ala", last_name="Kot", emails=[{"value": "ala@example.com"}])
    stage.settle()
    marker = contact_named(stage, "Ala")["fields"]["clientData"]
    stage.contact(names=[{"givenName": "Alicja", "familyName": "Kocur"}], emailAddresses=[{"value": "ala@example.com"}], clientData=marker)
    stage.cycle()
    (question,) = open_questions(stage)
    assert question.sub == "copy"
    resolve(stage, word)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), everything(stage)) == (2, 1 + made, [])


def test_a_preview_shows_what_an_answer_does(stage: Stage) -> None:
    """P11: the preview follows the answers, and leaves no trace of having done so."""
    _two_jans(stage)
    resolve(stage, "link")
    before = stage.database.every_row()
    shown = preview(stage.bench())
    assert [(pair.name, pair.evidence) for pair in shown.pairs] == [("Jan Kowalski", ("a person's word",))]
    assert shown.questions == []
    assert stage.database.every_row() == before
    stage.settle()
    assert len(stage.google()) == 1


def test_an_answer_survives_the_death_of_the_process(stage: Stage) -> None:
    """Between answer and cycle the process may die: a new one on the same database follows it."""
    _two_jans(stage)
    resolve(stage, "apart")
    content = stage.database.content()
    reborn = Stage(stage.terms, stage.world, content)
    reborn.settle()
    assert (len(reborn.google()), len(reborn.pipedrive())) == (2, 2)
    reborn.close()


def test_an_answer_that_cannot_be_followed_any_more_asks_again(stage: Stage) -> None:
    """One of the two was deleted before the cycle: nothing is joined, and nothing breaks."""
    _two_jans(stage)
    resolve(stage, "link")
    stage.google_does("delete", id=contact_named(stage, "Jan")["id"])
    stage.settle()
    assert len(stage.pipedrive()) == 1
    assert everything(stage) == []


def test_wrong_answers_write_nothing(stage: Stage) -> None:
    """All or none: with one answer that does not fit, the others are not taken either."""
    _two_jans(stage)
    for word in ("release", "left", "adopt-me", ""):
        with pytest.raises(WrongInput):
            resolve(stage, word)
    assert [item.choice for item in everything(stage)] == [""]


def _lose_a_creation(stage: Stage) -> str:
    """A creation that never arrived, and a person typed by hand who shares the phone: nobody can tell. Returns that person's id."""
    contacts("Ala")(stage)
    stage.world.faults.add(Rule("pipedrive", "addPerson$", "500"))
    stage.cycle()
    typed = stage.person(first_name="A.", last_name="N.", phones=[{"value": "+48 600 123 400", "label": "work", "primary": True}])
    for _ in range(4):
        stage.wait(61)
        stage.cycle()
    return str(typed)


@pytest.mark.parametrize(("word", "persons"), [("it-was-that-one", 1), ("create-again", 2), ("leave", 1)])
def test_an_unclear_creation(stage: Stage, word: str, persons: int) -> None:
    """It was that one, or it is made again, or left: a person says so, and nothing is made before; edits do not make it either."""
    typed = _lose_a_creation(stage)
    (question,) = open_questions(stage, "unknown-creation")
    assert typed in [record.record for record in question.records if record.side is Side.RIGHT]
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Lis"}])
    stage.cycle()
    assert len(stage.pipedrive()) == 1
    resolve(stage, word, *([typed] if word == "it-was-that-one" else []), kind="unknown-creation")
    for item in open_questions(stage, "match"):
        resolve(stage, "leave" if item.sub == "twin" else "leave-out", kind="match")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (1, persons)
    assert everything(stage) == []
    if word == "create-again":
        change_contact(stage, "Ala", names=[{"givenName": "Ola", "familyName": "Lis"}])
        stage.settle()
        assert person_named(stage, "Ola")


def _foreign(stage: Stage) -> None:
    stage.person(first_name="Jan", last_name="Kowalski", emails=[{"value": "jan@example.com"}])
    person = person_named(stage, "Jan")["id"]
    stage.contact(
        names=[{"givenName": "Jan", "familyName": "Kowalski"}],
        emailAddresses=[{"value": "jan@example.com"}],
        clientData=[{"key": "tandem", "value": f"tandem1:stranger:4:{person}:abc"}],
    )


def test_another_tandem_stops_the_link_until_it_is_gone(stage: Stage) -> None:
    """Its markers stop the link, with their number; declared gone they are evidence: the two are paired, and nobody is doubled."""
    _foreign(stage)
    report = stage.cycle()
    assert (report.state.value, report.writes) == ("waiting-for-person", 0)
    assert "has made 1 of these" in report.sentence
    assert stage.link.reason == OtherInstallation.__name__
    Answers(stage.alias, stage.bench().link).declare_gone("installation1", "tandem1")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), stage.link.state) == (1, 1, "active")


def test_a_marker_of_a_tandem_that_is_gone_is_no_proof(stage: Stage) -> None:
    """It names the id of a record that has nothing in common: another company's, or a copied marker. They are two people."""
    person = stage.person(first_name="Zofia", last_name="Kot", emails=[{"value": "zofia@example.org"}])
    stage.contact(
        names=[{"givenName": "Jan", "familyName": "Kowalski"}],
        emailAddresses=[{"value": "jan@example.com"}],
        clientData=[{"key": "tandem", "value": f"tandem1:stranger:4:{person}:abc"}],
    )
    stage.cycle()
    Answers(stage.alias, stage.bench().link).declare_gone("installation1", "tandem1")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)
    assert preview(stage.bench()).count(Side.LEFT, ActionKind.CREATE) == 0
    change_person(stage, "Zofia", first_name="Zosia", last_name="Kot")
    stage.settle()
    assert contact_named(stage, "Zosia")
