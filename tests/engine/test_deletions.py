"""Deletions, departures from the group, groups that vanish, and records that come back: nobody is deleted without cause or word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.scenarios import change_person, contact_named, contacts, person_named
from engine.stage import Stage
from tandem.core.state import Side
from tandem.engine.leaving import let_go
from tandem.engine.rejoin import ADOPT, LEAVE, ask_rejoin
from tandem.store import models
from tandem.store.links import Links

DAY = 90_000.0
PEOPLE = [f"Osoba{number}" for number in range(40)]


def _forty(stage: Stage) -> None:
    contacts(*PEOPLE)(stage)
    stage.settle()


def _delete(stage: Stage, firsts: list[str]) -> None:
    for first in firsts:
        stage.google_does("delete", id=contact_named(stage, first)["id"])


def _unlabel(stage: Stage, firsts: list[str]) -> None:
    for first in firsts:
        stage.google_does("remove_label", id=contact_named(stage, first)["id"], group=stage.group)


def _states(stage: Stage) -> dict[str, int]:
    states = list(models.Pair.objects.using(stage.alias).values_list("state", flat=True))
    return {state: states.count(state) for state in set(states)}


def _open(stage: Stage, kind: str) -> list[models.Question]:
    return list(models.Question.objects.using(stage.alias).filter(kind=kind, closed_at=None))


def _choose(stage: Stage, kind: str, choice: str) -> None:
    models.Question.objects.using(stage.alias).filter(kind=kind, closed_at=None).update(choice=choice)


def test_two_of_forty_pass_and_thirty_two_are_all_held(stage: Stage) -> None:
    """Few deletions travel; many of them wait together, and not one is carried out."""
    _forty(stage)
    _delete(stage, PEOPLE[:2])
    stage.wait(60)
    stage.settle()
    assert len(stage.pipedrive()) == 38
    stage.wait(2 * DAY)
    stage.cycle()
    _delete(stage, PEOPLE[2:34])
    stage.wait(60)
    stage.cycle()
    stage.wait(60)
    report = stage.cycle()
    assert (report.held, len(stage.pipedrive()), report.state.value) == (32, 38, "waiting-for-person")
    stage.wait(DAY)
    assert (stage.cycle().held, len(stage.pipedrive())) == (32, 38)


def test_an_emptied_group_deletes_and_freezes_nobody(stage: Stage) -> None:
    """Everybody leaves the group at once: the link stops and asks; put back, it goes on as if nothing had been."""
    _forty(stage)
    _unlabel(stage, PEOPLE)
    report = stage.cycle()
    assert (report.state.value, report.writes, stage.link.reason) == ("waiting-for-person", 0, "ScopeLeft")
    assert (len(stage.google()), len(stage.pipedrive()), _states(stage)) == (40, 40, {"linked": 40})
    assert "40 of 40" in report.sentence
    for first in PEOPLE:
        stage.google_does("add_label", id=contact_named(stage, first)["id"], group=stage.group)
    change_person(stage, "Osoba3", first_name="Ola", last_name="Nowak")
    stage.settle()
    assert contact_named(stage, "Ola")
    assert (_open(stage, "scope"), stage.link.state) == ([], "active")


def test_a_word_lets_those_go_who_were_shown(stage: Stage) -> None:
    """The word freezes the six that had left; others that leave afterwards in a crowd are asked about anew."""
    _forty(stage)
    _unlabel(stage, PEOPLE[:6])
    assert stage.cycle().state.value == "waiting-for-person"
    assert let_go(stage.alias, stage.link.id) == 6
    stage.settle()
    assert (_states(stage), len(stage.pipedrive())) == ({"linked": 34, "frozen": 6}, 40)
    _unlabel(stage, PEOPLE[6:12])
    assert stage.cycle().state.value == "waiting-for-person"
    assert _states(stage) == {"linked": 34, "frozen": 6}


def test_five_may_leave_without_a_word(stage: Stage) -> None:
    """Few departures are no accident: they freeze, and nobody is asked."""
    _forty(stage)
    _unlabel(stage, PEOPLE[:5])
    stage.settle()
    assert (_states(stage), len(stage.pipedrive())) == ({"linked": 35, "frozen": 5}, 40)


def test_another_owner_in_pipedrive_freezes_and_a_crowd_of_them_asks(stage: Stage) -> None:
    """The other side's scope is braked alike."""
    _forty(stage)
    for first in PEOPLE[:7]:
        stage.pipedrive_does("set_owner", id=person_named(stage, first)["id"], owner_id=2)
    report = stage.cycle()
    assert (report.state.value, stage.link.reason, len(stage.google())) == ("waiting-for-person", "ScopeLeft", 40)


@pytest.mark.parametrize("lag_s", [0.0, 30.0])
def test_another_group_takes_the_paired_contacts_in(make_stage: Callable[..., Stage], lag_s: float) -> None:
    """The group is gone; another one is chosen: the pairs stay, their contacts are put into it, and edits flow again."""
    stage = make_stage(lag_s=lag_s)
    contacts(*PEOPLE[:8])(stage)
    stage.wait(100)
    stage.settle()
    stage.google_does("delete_group", group=stage.group)
    assert stage.cycle().state.value == "waiting-for-person"
    stage.google_does("create_group", name="Inna")
    _regroup(stage, "Inna", ADOPT)
    change_person(stage, PEOPLE[0], first_name="Ola", last_name="Nowak")
    stage.settle()
    assert (len(stage.in_group()), _states(stage), len(stage.pipedrive())) == (8, {"linked": 8}, 8)
    assert contact_named(stage, "Ola")
    journalled = models.Intent.objects.using(stage.alias).filter(kind="join", outcome="applied").count()
    assert (journalled, models.History.objects.using(stage.alias).filter(kind="join").count()) == (8, 8)


def test_another_group_may_leave_the_paired_contacts(stage: Stage) -> None:
    """With the word `leave` the pairs freeze, nobody is moved or deleted, and what is in the new group is synced."""
    contacts(*PEOPLE[:8])(stage)
    stage.settle()
    stage.google_does("create_group", name="Inna")
    _regroup(stage, "Inna", LEAVE)
    stage.contact(names=[{"givenName": "Nowa"}], emailAddresses=[{"value": "nowa@example.com"}])
    stage.settle()
    assert (len(stage.in_group()), _states(stage)) == (1, {"frozen": 8, "linked": 1})
    assert len(stage.pipedrive()) == 9


def _regroup(stage: Stage, name: str, choice: str) -> None:
    stage.choose_group(name)
    Links(stage.alias).regroup(stage.link.id, {})
    ask_rejoin(stage.alias, stage.link.id, Side.LEFT, choice, stage.clock.now())


def test_a_colleagues_person_is_never_deleted_from_one_phone(make_stage: Callable[..., Stage]) -> None:
    """With all visible persons in the link, somebody deletes a colleague's from the phone: the person stays, and is not made again."""
    stage = make_stage(scope="visible")
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    stage.pipedrive_does("set_owner", id=person_named(stage, "Ala")["id"], owner_id=2)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(60)
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert person_named(stage, "Ala")["owner_id"] == 2
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 3)
    assert models.Pair.objects.using(stage.alias).get(state="closed").reason == "left-on-this-account"
    assert models.History.objects.using(stage.alias).filter(kind="left").count() == 1


def test_a_deletion_against_an_edit_waits_with_nothing_lost(stage: Stage) -> None:
    """Deleted in Google, edited in Pipedrive: the edited person stays as it is, nothing is made again, and one question is open."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    change_person(stage, "Ala", emails=[{"value": "inna@example.com", "label": "work", "primary": True}])
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(60)
    stage.cycle()
    stage.wait(DAY)
    stage.cycle()
    assert person_named(stage, "Ala")["emails"][0]["value"] == "inna@example.com"
    assert (len(stage.google()), len(_open(stage, "deletion-against-edit"))) == (1, 1)


@pytest.mark.parametrize("choice", ["pair", "leave"])
def test_a_contact_taken_back_out_of_the_bin_is_a_question(stage: Stage, choice: str) -> None:
    """A deletion has travelled; then the contact is restored: no birth by itself, and a person's word decides."""
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    id_ = contact_named(stage, "Ala")["id"]
    stage.google_does("delete", id=id_)
    stage.wait(60)
    stage.settle()
    assert len(stage.pipedrive()) == 2
    stage.google_does("restore", id=id_)
    report = stage.cycle()
    assert (report.state.value, report.writes, len(_open(stage, "restored"))) == ("waiting-for-person", 0, 1)
    stage.google_does("add_label", id=id_, group=stage.group)
    assert stage.cycle().writes == 0
    _choose(stage, "restored", choice)
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 3 if choice == "pair" else 2)
    assert _open(stage, "restored") == []


def test_a_person_restored_together_with_the_contact_is_paired_again(stage: Stage) -> None:
    """Both halves come back: one question each, one word, and the two are united, not doubled."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    contact, person = contact_named(stage, "Ala")["id"], person_named(stage, "Ala")["id"]
    stage.google_does("delete", id=contact)
    stage.wait(60)
    stage.settle()
    stage.pipedrive_does("restore_person", id=person)
    stage.google_does("restore", id=contact)
    stage.google_does("add_label", id=contact, group=stage.group)
    stage.wait(DAY)
    assert stage.cycle().writes == 0
    change_person(stage, "Ala", emails=[{"value": "neu@example.com", "label": "work", "primary": True}])
    _choose(stage, "restored", "pair")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)
    assert {item["value"] for item in contact_named(stage, "Ala")["fields"]["emailAddresses"]} >= {"neu@example.com"}


def test_a_contact_restored_at_once_was_never_deleted(stage: Stage) -> None:
    """A deletion that is taken back before it has rested does nothing."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    id_ = contact_named(stage, "Ala")["id"]
    stage.google_does("delete", id=id_)
    stage.cycle()
    stage.google_does("restore", id=id_)
    stage.google_does("add_label", id=id_, group=stage.group)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive()), _open(stage, "restored")) == (2, 2, [])
