"""Somebody who stands outside the group or the scope, and what a person may say about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.crash import LossyTransport
from engine.reviewing import choose, choose_all
from engine.scenarios import change_contact, contacts
from engine.stage import Stage
from tandem.core.policy import ConflictRule, OutsideRule, Policy
from tandem.core.state import Side
from tandem.engine.observe import absorb, gather
from tandem.engine.outside import Choice
from tandem.engine.preview import preview
from tandem.errors import WrongInput
from tandem.store import models

OLA = {
    "names": [{"givenName": "Ola", "familyName": "Sowa"}],
    "emailAddresses": [{"value": "ola@example.com", "type": "home"}],
    "phoneNumbers": [{"value": "+48 600 777 111", "type": "mobile"}],
}
#: A colleague of the linking user.
COLLEAGUE = 2


def _policy(rule: OutsideRule) -> Policy:
    return Policy(conflicts=ConflictRule.RIGHT, region="PL", outside=rule)


def _ola_in_pipedrive(stage: Stage, **values: object) -> int:
    return stage.person(first_name="Ola", last_name="Sowa", emails=[{"value": "ola@example.com", "primary": True}], **values)


def _stage_with_ola(make_stage: Callable[..., Stage], rule: OutsideRule = OutsideRule.ASK, **terms: object) -> Stage:
    """A synced link, then Ola in Pipedrive, who stands in Google outside the group."""
    stage = make_stage(policy=_policy(rule), **terms)
    contacts("Ala")(stage)
    stage.contact(inside=False, **OLA)
    stage.wait(600)
    stage.settle()
    stage.wait(600)
    _ola_in_pipedrive(stage)
    stage.wait(600)
    return stage


def _question(stage: Stage) -> models.Question:
    (question,) = (item for item in stage.bench().pairs.questions() if item.kind in {"match", "duplicate"})
    return question


def _reads(stage: Stage, since: int) -> list[str]:
    return [entry.path for entry in stage.world.log[since:] if "people" in entry.path and not entry.path.endswith("connections")]


def test_adopted_by_a_word(make_stage: Callable[..., Stage]) -> None:
    """B16: the existing contact is put into the group and both hold what either held; nobody is made."""
    stage = _stage_with_ola(make_stage)
    assert stage.cycle().questions == 1
    assert len(stage.in_group()) == 1
    choose(stage.bench(), _question(stage), Choice.ADOPT)
    report = stage.cycle()
    assert (report.adopted, report.questions) == (1, 0)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)
    (ola,) = (one for one in stage.pipedrive() if one["first_name"] == "Ola")
    assert [item["value"] for item in ola["phones"]] == ["+48 600 777 111"]
    assert models.History.objects.using(stage.alias).filter(kind="adopt").count() == 1
    assert models.Intent.objects.using(stage.alias).get(kind="adopt").outcome == "applied"


def test_adopted_by_the_rule(make_stage: Callable[..., Stage]) -> None:
    """Policy `adopt`: the same without a question, and the preview says so beforehand."""
    stage = _stage_with_ola(make_stage, OutsideRule.ADOPT)
    shown = preview(stage.bench())
    assert [(item.name, len(item.left) > 0) for item in shown.adoptions] == [("Ola Sowa", True)]
    assert (shown.questions, len(stage.in_group())) == ([], 1)
    report = stage.cycle()
    assert (report.adopted, report.questions) == (1, 0)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)


def test_separate_by_the_rule(make_stage: Callable[..., Stage]) -> None:
    """Policy `separate`: a contact of its own in the group; the one outside stays untouched."""
    stage = _stage_with_ola(make_stage, OutsideRule.SEPARATE)
    before = [one for one in stage.google() if one not in stage.in_group()]
    stage.settle()
    assert (len(stage.google()), len(stage.in_group())) == (3, 2)
    assert [one for one in stage.google() if one not in stage.in_group()] == before


def test_separate_by_a_word_is_remembered(make_stage: Callable[..., Stage]) -> None:
    """Two people: each goes its own way, and a later edit of either asks nobody again."""
    stage = _stage_with_ola(make_stage)
    stage.cycle()
    choose(stage.bench(), _question(stage), Choice.SEPARATE)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group())) == (3, 2)
    change_person = next(one for one in stage.pipedrive() if one["first_name"] == "Ola")
    stage.pipedrive_does("update_person", id=change_person["id"], phones=[{"value": "+48 600 777 111", "label": "work"}])
    assert stage.settle().questions == 0
    assert len(stage.google()) == 3


def test_left_out_until_a_human_brings_it_in(make_stage: Callable[..., Stage]) -> None:
    """Left out: neither side gets anything; when a human puts the contact into the group, the two are one pair."""
    stage = _stage_with_ola(make_stage)
    stage.cycle()
    choose(stage.bench(), _question(stage), Choice.LEAVE_OUT)
    report = stage.settle()
    assert (report.questions, len(stage.google()), len(stage.in_group())) == (0, 2, 1)
    ola = next(one for one in stage.google() if one["fields"]["names"][0]["givenName"] == "Ola")
    stage.google_does("add_label", id=ola["id"], group=stage.group)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)
    person = next(one for one in stage.pipedrive() if one["first_name"] == "Ola")
    assert [item["value"] for item in person["phones"]] == ["+48 600 777 111"]


def test_a_hash_only_nominates(make_stage: Callable[..., Stage]) -> None:
    """The contact outside is read once before anybody is asked, and not again while it does not move."""
    stage = _stage_with_ola(make_stage)
    since = len(stage.world.log)
    stage.cycle()
    ola = next(one for one in stage.google() if one["fields"]["names"][0]["givenName"] == "Ola")
    name = f"people/c{int(str(ola['id']), 16)}"
    assert sum(name in path for path in _reads(stage, since)) == 1
    since = len(stage.world.log)
    stage.cycle()
    assert sum(name in path for path in _reads(stage, since)) == 0
    assert not stage.database.holds("777")


def test_what_is_read_decides(make_stage: Callable[..., Stage]) -> None:
    """Stored keys may be out of date: who holds something else by now is no proposal, and the person is born."""
    stage = _stage_with_ola(make_stage)
    outside = models.Shadow.objects.using(stage.alias).filter(presence="out-of-scope")
    before = outside.get()
    stage.google_does("update", id=before.record_id, fields={"names": [{"givenName": "Iwo"}], "emailAddresses": [], "phoneNumbers": []})
    bench = stage.bench()
    with bench.commit():
        absorb(bench, gather(bench, Side.LEFT))
    assert outside.get().keys != before.keys
    outside.update(keys=before.keys)
    stage.settle()
    assert outside.get().keys != before.keys
    assert not models.Question.objects.using(stage.alias).exists()
    assert len(stage.in_group()) == 2


def test_twins_on_one_side_are_told_and_left(stage: Stage) -> None:
    """Two contacts that look like one person are counted in the preview; nobody merges them."""
    contacts("Ala")(stage)
    for _ in range(2):
        stage.contact(**OLA)
    shown = preview(stage.bench())
    assert [len(group) for group in shown.twins[Side.LEFT]] == [2]
    assert shown.twins[Side.RIGHT] == ()
    stage.settle()
    assert len(stage.google()) == 3


def test_several_need_a_name(make_stage: Callable[..., Stage]) -> None:
    """Two contacts outside could be the person: bulk passes over it, and adopting says which one."""
    stage = _stage_with_ola(make_stage)
    stage.contact(inside=False, **OLA)
    stage.cycle()
    question = _question(stage)
    assert question.data["certain"] is False
    assert choose_all(stage.bench(), Choice.ADOPT, with_doubtful=True) == 0
    with pytest.raises(WrongInput):
        choose(stage.bench(), question, Choice.ADOPT)
    left, right = question.data["left"][1], question.data["right"][0]
    with pytest.raises(WrongInput):
        choose(stage.bench(), question, Choice.ADOPT, ("nobody", right))
    choose(stage.bench(), question, Choice.ADOPT, (left, right))
    stage.cycle()
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (3, 2, 2)


def test_a_choice_about_something_else_is_refused(make_stage: Callable[..., Stage]) -> None:
    """Only questions about somebody outside take these answers."""
    stage = make_stage()
    stage.bench().pairs.ask("conflict", at=stage.clock.now(), part="name/")
    with pytest.raises(WrongInput):
        choose(stage.bench(), stage.bench().pairs.questions()[0], Choice.ADOPT)
    assert choose_all(stage.bench(), Choice.SEPARATE, with_doubtful=True) == 0


@pytest.mark.parametrize("effect", ["lost request", "lost answer", "server error"])
def test_an_adoption_without_an_answer_is_sent_again(make_stage: Callable[..., Stage], effect: str) -> None:
    """The membership may be set twice; the end is the same, and nobody is made."""
    stage = _stage_with_ola(make_stage, OutsideRule.ADOPT)
    stage.transport = LossyTransport(stage.world, 0, effect)
    stage.cycle()
    stage.transport = None
    stage.wait(120)
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)


def test_an_adoption_that_no_read_shows_yet(make_stage: Callable[..., Stage]) -> None:
    """With reads ten minutes behind the pair waits; it is not frozen, nobody is made, and the end is the same."""
    stage = _stage_with_ola(make_stage, OutsideRule.ADOPT, lag_s=600.0)
    stage.wait(1300)
    report = stage.cycle()
    assert report.adopted == 1
    stage.settle()
    assert (len(stage.google()), len(stage.in_group()), len(stage.pipedrive())) == (2, 2, 2)
    person = next(one for one in stage.pipedrive() if one["first_name"] == "Ola")
    assert [item["value"] for item in person["phones"]] == ["+48 600 777 111"]


def test_a_colleagues_person_is_followed_and_never_deleted(make_stage: Callable[..., Stage]) -> None:
    """Outside the Pipedrive scope: the person is covered by a word, changes flow, and a deletion in Google leaves it."""
    stage = make_stage(policy=_policy(OutsideRule.ASK))
    contacts("Ala")(stage)
    stage.settle()
    _ola_in_pipedrive(stage, user=COLLEAGUE)
    ola = stage.contact(**OLA)
    assert stage.cycle().questions == 1
    assert stage.database.holds("ola@example.com")
    choose(stage.bench(), _question(stage), Choice.ADOPT)
    stage.cycle()
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)
    change_contact(stage, "Ola", names=[{"givenName": "Aleksandra", "familyName": "Sowa"}])
    stage.settle()
    assert {one["first_name"] for one in stage.pipedrive()} == {"Ala", "Aleksandra"}
    assert stage.cycle(is_full=True).writes == 0
    stage.google_does("delete", id=ola)
    for _ in range(3):
        stage.wait(120)
        stage.cycle()
    assert {one["first_name"] for one in stage.pipedrive()} == {"Ala", "Aleksandra"}
    assert models.Pair.objects.using(stage.alias).get(state="closed").reason == "left-on-this-account"
    assert stage.settle().writes == 0
    assert len(stage.google()) == 1


def test_a_colleagues_person_in_scope_stays_too(make_stage: Callable[..., Stage]) -> None:
    """With all visible persons in scope, one that a colleague owns is not deleted on the word of one Google account."""
    stage = make_stage(scope="visible")
    contacts("Ala")(stage)
    stage.person(first_name="Ewa", last_name="Obca", emails=[{"value": "ewa@example.com"}], user=COLLEAGUE)
    stage.settle()
    ewa = next(one for one in stage.google() if one["fields"]["names"][0]["givenName"] == "Ewa")
    stage.google_does("delete", id=ewa["id"])
    for _ in range(3):
        stage.wait(120)
        stage.cycle()
    assert {one["first_name"] for one in stage.pipedrive()} == {"Ala", "Ewa"}
    assert models.Pair.objects.using(stage.alias).get(state="closed").reason == "left-on-this-account"


def test_who_was_deleted_meanwhile_is_not_brought_in(make_stage: Callable[..., Stage]) -> None:
    """The person goes between the word and the cycle: the contact outside stays where it is."""
    stage = _stage_with_ola(make_stage)
    stage.cycle()
    choose(stage.bench(), _question(stage), Choice.ADOPT)
    person = next(one for one in stage.pipedrive() if one["first_name"] == "Ola")
    stage.pipedrive_does("delete_person", id=person["id"])
    stage.wait(90_000)
    stage.cycle()
    stage.settle()
    assert len(stage.google()) == 2
    assert "Ala" in {one["first_name"] for one in stage.pipedrive()}
