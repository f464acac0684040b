"""Merges in the services' own pages, and contacts whose address changes: pairs follow, and nobody is deleted or doubled for it."""

from __future__ import annotations

import pytest

from engine.scenarios import change_contact, contact_named, contacts, person_named
from engine.stage import Stage
from tandem.store import models

DAY = 90_000.0


def _emails(one: dict[str, object]) -> set[str]:
    entries = one["fields"]["emailAddresses"] if "fields" in one else one["emails"]
    return {item["value"] for item in entries}


def _twins(stage: Stage) -> tuple[str, str]:
    """Two contacts of one man, and somebody else; all of them synced. Returns the twins' ids."""
    twins = [
        stage.contact(
            names=[{"givenName": "Jan", "familyName": "Kowalski"}],
            emailAddresses=[{"value": f"jan{number}@example.com", "type": "work"}],
            phoneNumbers=[{"value": f"+48 600 123 40{number}", "type": "mobile"}],
        )
        for number in range(2)
    ]
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    assert len(stage.pipedrive()) == 4
    return twins[0], twins[1]


def _person_with(stage: Stage, email: str) -> dict[str, object]:
    return next(one for one in stage.pipedrive() if email in _emails(one))


def _question(stage: Stage) -> models.Question:
    return models.Question.objects.using(stage.alias).get(kind="merge", closed_at=None)


def _choose(stage: Stage, choice: str) -> None:
    models.Question.objects.using(stage.alias).filter(kind="merge", closed_at=None).update(choice=choice)


def _merged_in_google(stage: Stage) -> None:
    """The twins are merged in Google; what becomes of that before anybody says a word."""
    survivor, loser = _twins(stage)
    stage.google_does("merge", ids=[survivor, loser])
    stage.cycle()
    stage.wait(61)
    report = stage.cycle()
    assert (report.state.value, report.questions, report.held) == ("waiting-for-person", 1, 0)
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 4)
    stage.wait(DAY)
    assert stage.cycle().writes == 0
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 4)
    assert models.Pair.objects.using(stage.alias).get(state="closed").reason == "merged"


def test_a_merge_in_google_deletes_no_person(stage: Stage) -> None:
    """One contact survives with both e-mails, and so does its person; the other person waits for a word."""
    _merged_in_google(stage)
    assert any(_emails(one) == {"jan0@example.com", "jan1@example.com"} for one in stage.pipedrive())


def test_the_leftover_of_a_merge_may_stay(stage: Stage) -> None:
    """With the word `leave` the person stays as it is, out of the sync, and is not made again in Google."""
    _merged_in_google(stage)
    _choose(stage, "leave")
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 4)


def test_the_leftover_of_a_merge_may_be_folded_in(stage: Stage) -> None:
    """With the word `fold` what was edited there since goes into the survivor on both sides, and the leftover to the bin."""
    _merged_in_google(stage)
    leftover = next(one for one in stage.pipedrive() if _emails(one) == {"jan1@example.com"})
    stage.pipedrive_does("update_person", id=leftover["id"], phones=[*leftover["phones"], {"value": "+48 601 555 666", "label": "home"}])
    stage.wait(5)
    _choose(stage, "fold")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 3)
    survivor = next(one for one in stage.google() if len(one["fields"]["emailAddresses"]) == 2)
    assert "+48 601 555 666" in {item["value"] for item in survivor["fields"]["phoneNumbers"]}
    assert "+48 601 555 666" in {item["value"] for item in _person_with(stage, "jan1@example.com")["phones"]}


def test_a_leftover_with_deals_is_not_deleted_by_a_fold(stage: Stage) -> None:
    """The word for the fold is the word for the deletion; with `leave` instead, deals stay with their person."""
    _merged_in_google(stage)
    leftover = next(one for one in stage.pipedrive() if _emails(one) == {"jan1@example.com"})
    stage.pipedrive_does("set_counts", id=leftover["id"], open_deals_count=2)
    _choose(stage, "leave")
    stage.settle()
    assert next(one for one in stage.pipedrive() if one["id"] == leftover["id"])


def test_the_leftover_of_a_merge_may_be_a_person_of_its_own(stage: Stage) -> None:
    """With the word `own` a contact is made for it, under a marker of its own, and the two pairs live side by side."""
    _merged_in_google(stage)
    _choose(stage, "own")
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (4, 4)
    assert models.Pair.objects.using(stage.alias).filter(state="linked").count() == 4


def test_a_merge_on_both_sides_needs_no_word(stage: Stage) -> None:
    """Who merges in Google and in Pipedrive alike is asked nothing in the end."""
    survivor, loser = _twins(stage)
    kept, lost = (_person_with(stage, f"jan{number}@example.com")["id"] for number in range(2))
    stage.google_does("merge", ids=[survivor, loser])
    stage.pipedrive_does("merge_persons", id=lost, into=kept)
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 3)
    assert not models.Question.objects.using(stage.alias).filter(closed_at=None).exists()


@pytest.mark.parametrize("has_rest", [False, True])
def test_a_merge_in_pipedrive_deletes_no_contact(stage: Stage, has_rest: bool) -> None:
    """The lost person is found missing at night; what it held is in the one that changed that day: a merge, and no deletion."""
    _twins(stage)
    kept, lost = (_person_with(stage, f"jan{number}@example.com")["id"] for number in range(2))
    if has_rest:
        stage.wait(2 * DAY)
        stage.settle()
    stage.pipedrive_does("merge_persons", id=lost, into=kept)
    stage.wait(61)
    stage.cycle()
    stage.wait(DAY)
    stage.cycle()
    stage.wait(DAY)
    report = stage.cycle()
    assert (len(stage.google()), len(stage.pipedrive())) == (4, 3)
    assert (report.questions, _question(stage).side) == (1, "left")


def test_a_pair_follows_the_survivor_that_was_not_paired(stage: Stage) -> None:
    """A synced contact goes up in one that stood outside the group: the pair moves with its base, and nothing is deleted or made."""
    contacts("Bartek")(stage)
    loser = stage.contact(names=[{"givenName": "Jan", "familyName": "Kowalski"}], emailAddresses=[{"value": "jan@example.com"}])
    stage.settle()
    person = person_named(stage, "Jan")["id"]
    survivor = stage.contact(
        inside=False, names=[{"givenName": "Jan", "familyName": "Kowalski"}], phoneNumbers=[{"value": "+48 600 777 888"}]
    )
    stage.settle()
    stage.google_does("merge", ids=[survivor, loser])
    stage.settle()
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)
    assert person_named(stage, "Jan")["id"] == person
    assert person_named(stage, "Jan")["phones"][0]["value"] == "+48 600 777 888"
    change_contact(stage, "Jan", names=[{"givenName": "Janusz", "familyName": "Kowalski"}])
    stage.settle()
    assert person_named(stage, "Janusz")["id"] == person


def test_a_deletion_beside_an_edit_of_somebody_else_is_no_merge(stage: Stage) -> None:
    """Only a record that holds all of the deleted one counts as its survivor."""
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    change_contact(stage, "Bartek", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    stage.wait(60)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)


def test_a_changed_resource_name_changes_nothing(stage: Stage) -> None:
    """A contact that is addressed otherwise stays itself: edits flow both ways, nobody is deleted or doubled."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    stage.google_does("rename_resource", id=contact_named(stage, "Ala")["id"])
    stage.settle()
    change_contact(stage, "Ala", names=[{"givenName": "Alicja", "familyName": "Nowak"}])
    stage.settle()
    stage.pipedrive_does("update_person", id=person_named(stage, "Alicja")["id"], first_name="Ola", last_name="Nowak")
    stage.settle()
    stage.wait(7 * DAY)
    stage.settle()
    assert contact_named(stage, "Ola")
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 2)
