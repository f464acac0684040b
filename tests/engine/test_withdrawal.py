"""When a record that Tandem made turns out to be a second copy of somebody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.crash import LossyTransport
from engine.reviewing import choose
from engine.scenarios import change_contact, change_person, contact_named, contacts
from engine.stage import Stage
from tandem.core.policy import ConflictRule, OutsideRule, Policy
from tandem.core.state import Side
from tandem.engine.outside import Choice
from tandem.engine.preview import preview
from tandem.store import models

OLA = {
    "names": [{"givenName": "Ola", "familyName": "Sowa"}],
    "emailAddresses": [{"value": "ola@example.com", "type": "home"}],
    "phoneNumbers": [{"value": "+48 600 777 111", "type": "mobile"}],
}
EMAILS = [{"value": "ola@example.com", "primary": True}]


def _with_copy_and_twin(stage: Stage) -> int:
    """Ola, typed on both sides so that Tandem saw only the contact and made a person; then the human's person shows up: its id."""
    contacts("Ala")(stage)
    stage.settle()
    stage.contact(**OLA)
    stage.settle()
    return stage.person(first_name="Ola", last_name="Sowa", emails=EMAILS, phones=[{"value": "22 555 66 77", "label": "work"}])


def _olas(stage: Stage) -> list[dict[str, object]]:
    return [one for one in stage.pipedrive() if one["first_name"] == "Ola"]


def test_our_untouched_copy_goes(stage: Stage) -> None:
    """The pair moves to the human's person, who gains what the contact holds; our copy is removed, by a journalled deletion."""
    human = _with_copy_and_twin(stage)
    report = stage.cycle()
    assert (report.written[Side.RIGHT]["deleted"], report.questions, report.held) == (1, 0, 0)
    stage.settle()
    (ola,) = _olas(stage)
    assert ola["id"] == human
    assert {item["value"] for item in ola["phones"]} == {"22 555 66 77", "+48 600 777 111"}
    assert {item["value"] for item in contact_named(stage, "Ola")["fields"]["phoneNumbers"]} == {"22 555 66 77", "+48 600 777 111"}
    assert len(stage.google()) == 2
    assert models.History.objects.using(stage.alias).get(kind="delete").weighs == ""
    assert stage.cycle(is_full=True).writes == 0


def test_the_other_way_round(stage: Stage) -> None:
    """The same for a copy that we made in Google."""
    contacts("Ala")(stage)
    stage.settle()
    stage.person(first_name="Ola", last_name="Sowa", emails=EMAILS)
    stage.settle()
    human = stage.contact(**OLA)
    stage.settle()
    assert [one["id"] for one in stage.google() if one["fields"]["names"][0]["givenName"] == "Ola"] == [human]
    assert len(stage.pipedrive()) == 2


def test_the_preview_writes_nothing(stage: Stage) -> None:
    """P11: a withdrawal is concluded in the preview and rolled back."""
    _with_copy_and_twin(stage)
    since = len(stage.world.log)
    before = list(models.Pair.objects.using(stage.alias).values_list("id", "left_id", "right_id", "reason"))
    preview(stage.bench())
    assert list(models.Pair.objects.using(stage.alias).values_list("id", "left_id", "right_id", "reason")) == before
    assert stage.writes(since) == []


@pytest.mark.parametrize("touch", ["field", "note", "deal"])
def test_a_touched_copy_stays(stage: Stage, touch: str) -> None:
    """What somebody worked on is not ours any more: both stay, and a person is told."""
    human = _with_copy_and_twin(stage)
    copy = next(one for one in _olas(stage) if one["id"] != human)
    if touch == "field":
        stage.pipedrive_does("update_person", id=copy["id"], phones=[{"value": "+48 600 777 112", "label": "work", "primary": True}])
    elif touch == "note":
        stage.wait(5)
        stage.pipedrive_does("update_person", id=copy["id"], label_ids=[1])
    else:
        stage.pipedrive_does("set_counts", id=copy["id"], open_deals_count=1)
    report = stage.cycle()
    assert report.written[Side.RIGHT]["deleted"] == 0
    assert len(_olas(stage)) == 2
    assert report.questions == 1


@pytest.mark.parametrize("effect", ["lost request", "lost answer", "reset"])
def test_a_removal_without_an_answer(stage: Stage, effect: str) -> None:
    """The end is the same: one person, the human's, and nothing twice."""
    human = _with_copy_and_twin(stage)
    stage.transport = LossyTransport(stage.world, 0, effect)
    stage.cycle()
    stage.transport = None
    stage.wait(120)
    stage.settle()
    assert [one["id"] for one in _olas(stage)] == [human]
    assert len(stage.google()) == 2


def _born_bare(make_stage: Callable[..., Stage], rule: OutsideRule) -> Stage:
    """Ola stands in Google outside the group; her person says only a nickname, was born, and then gains the e-mail."""
    stage = make_stage(policy=Policy(conflicts=ConflictRule.RIGHT, region="PL", outside=rule))
    contacts("Ala")(stage)
    stage.contact(inside=False, **OLA)
    stage.settle()
    stage.person(name="Olcia", phones=[{"value": "22 555 66 77", "label": "work", "primary": True}])
    stage.settle()
    assert len(stage.in_group()) == 2
    stage.wait(3600)
    change_person(stage, "Olcia", first_name="Ola", last_name="Sowa", emails=EMAILS)
    return stage


def test_evidence_that_grows_withdraws(make_stage: Callable[..., Stage]) -> None:
    """Policy `adopt`: the contact that was there is brought in, and our copy goes before anything is written to it."""
    stage = _born_bare(make_stage, OutsideRule.ADOPT)
    report = stage.cycle()
    assert (report.adopted, report.written[Side.LEFT]["deleted"], report.questions) == (1, 1, 0)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)
    values = {item["value"] for item in contact_named(stage, "Ola")["fields"]["phoneNumbers"]}
    assert values == {"+48 600 777 111", "22 555 66 77"}


def test_evidence_that_grows_is_listed(make_stage: Callable[..., Stage]) -> None:
    """Policy `ask`: the update flows, a person is asked, and the answer withdraws the copy."""
    stage = _born_bare(make_stage, OutsideRule.ASK)
    report = stage.cycle()
    assert (report.written[Side.LEFT]["updated"], report.questions) == (1, 1)
    (question,) = stage.bench().pairs.questions()
    assert (question.kind, question.data["doubt"], question.data["certain"]) == ("duplicate", "outside", True)
    assert stage.settle().questions == 1
    choose(stage.bench(), question, Choice.ADOPT)
    report = stage.cycle()
    assert (report.adopted, report.written[Side.LEFT]["deleted"], report.questions) == (1, 1, 0)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)


def test_two_people_after_all(make_stage: Callable[..., Stage]) -> None:
    """Separate: both stay, and later values ask nobody again."""
    stage = _born_bare(make_stage, OutsideRule.ASK)
    stage.cycle()
    (question,) = stage.bench().pairs.questions()
    choose(stage.bench(), question, Choice.SEPARATE)
    assert stage.settle().questions == 0
    change_person(stage, "Ola", phones=[{"value": "+48 600 777 111", "label": "work", "primary": True}])
    assert stage.settle().questions == 0
    assert len(stage.google()) == 3


def test_an_old_copy_is_not_asked_about(make_stage: Callable[..., Stage]) -> None:
    """After a week what the source gains is an edit like any other."""
    stage = make_stage()
    contacts("Ala")(stage)
    stage.contact(inside=False, **OLA)
    stage.settle()
    stage.person(name="Olcia", phones=[{"value": "22 555 66 77", "label": "work", "primary": True}])
    stage.settle()
    stage.wait(8 * 86_400)
    stage.settle()
    change_person(stage, "Olcia", emails=EMAILS)
    assert stage.settle().questions == 0
    assert len(stage.google()) == 3


def test_a_human_copy_is_never_removed(stage: Stage) -> None:
    """Two persons of humans beside one contact: a question, and nothing is removed."""
    contacts("Ala")(stage)
    stage.settle()
    stage.contact(**OLA)
    stage.person(first_name="Ola", last_name="Sowa", emails=EMAILS)
    stage.settle()
    stage.person(first_name="Ola", last_name="Sowa", emails=EMAILS)
    report = stage.cycle()
    assert (report.writes, report.questions) == (0, 1)
    assert len(_olas(stage)) == 2
    change_contact(stage, "Ola", organizations=[{"name": "Nowa"}])
    stage.cycle()
    assert len(_olas(stage)) == 2
