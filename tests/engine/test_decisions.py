"""Conflicts, deletions, the brake and matching, as a person meets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.reviewing import resolve
from engine.scenarios import NAMES, change_contact, change_person, contact_named, contacts, person_named, persons
from engine.stage import Stage
from tandem.core.policy import ConflictRule, DeletionRule, Policy
from tandem.core.state import Side
from tandem.sandbox.faults import Rule
from tandem.store import models

DAY = 90_000.0


def _family(one: dict[str, object]) -> str:
    return str(one["fields"]["names"][0]["familyName"])


@pytest.mark.parametrize(
    ("rule", "winner"), [(ConflictRule.RIGHT, "Pipedrive"), (ConflictRule.LEFT, "Google")], ids=["pipedrive", "google"]
)
def test_a_conflict_is_decided_and_the_loser_kept(make_stage: Callable[..., Stage], rule: ConflictRule, winner: str) -> None:
    """B3: both sides say what the rule says, and what lost stands in the history."""
    stage = make_stage(policy=Policy(conflicts=rule, region="PL"))
    contacts("Ala")(stage)
    stage.settle()
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Google"}])
    change_person(stage, "Ala", first_name="Ala", last_name="Pipedrive")
    assert stage.cycle().conflicts == 1
    stage.settle()
    assert _family(contact_named(stage, "Ala")) == person_named(stage, "Ala")["last_name"] == winner
    loser = models.History.objects.using(stage.alias).get(kind="conflict")
    assert {"Google", "Pipedrive"} - {winner} <= set(bytes(loser.before).decode().split('"'))


def test_an_open_conflict_waits_and_everything_else_flows(make_stage: Callable[..., Stage]) -> None:
    """P10: with the rule `ask` only that field of that contact waits, and the state says that a person is needed."""
    stage = make_stage(policy=Policy(conflicts=ConflictRule.ASK, region="PL"))
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    names, emails = [{"givenName": "Ala", "familyName": "Google"}], [{"value": "neu@example.com", "type": "work"}]
    change_contact(stage, "Ala", names=names, emailAddresses=emails)
    change_person(stage, "Ala", first_name="Ala", last_name="Pipedrive")
    change_person(stage, "Bartek", first_name="Bartosz", last_name="Nowak")
    report = stage.cycle()
    assert (report.state.value, report.state.exit_code) == ("waiting-for-person", 3)
    assert _family(contact_named(stage, "Ala")) == "Google"
    assert person_named(stage, "Ala")["last_name"] == "Pipedrive"
    assert person_named(stage, "Ala")["emails"][0]["value"] == "neu@example.com"
    assert contact_named(stage, "Bartosz")
    again = stage.cycle()
    assert (again.writes, again.questions) == (0, 1)


def test_a_deletion_travels_when_it_has_rested(stage: Stage) -> None:
    """A deletion on either side is carried to the other, and the record is not made again."""
    contacts(*NAMES)(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.pipedrive_does("delete_person", id=person_named(stage, "Bartek")["id"])
    stage.wait(DAY)
    stage.settle()
    assert len(stage.google()) == len(stage.pipedrive()) == len(NAMES) - 2
    assert models.Pair.objects.using(stage.alias).filter(state="closed").count() == 2


def test_a_deletion_against_an_edit_deletes_nothing(stage: Stage) -> None:
    """Deleted on one side and edited on the other: nothing is deleted, nothing is made again, a person is asked."""
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")
    stage.wait(60)
    report = stage.cycle()
    assert report.state.value == "waiting-for-person"
    stage.wait(DAY)
    stage.cycle()
    assert person_named(stage, "Alicja")
    assert len(stage.google()) == 2


def test_too_many_deletions_are_all_held(stage: Stage) -> None:
    """B5, P9: over the limit not one of them is carried out, and the other contacts still flow."""
    people = [f"Osoba{number}" for number in range(20)]
    contacts(*people)(stage)
    stage.settle()
    for first in people[:8]:
        stage.google_does("delete", id=contact_named(stage, first)["id"])
    change_contact(stage, people[10], phoneNumbers=[{"value": "+48 600 999 000", "type": "work"}])
    stage.wait(60)
    stage.cycle()
    stage.wait(60)
    report = stage.cycle()
    assert report.held == 8
    assert report.state.value == "waiting-for-person"
    assert len(stage.pipedrive()) == 20
    assert person_named(stage, people[10])["phones"][0]["value"] == "+48 600 999 000"


def test_a_deletion_that_the_policy_forbids_leaves_the_other_side(make_stage: Callable[..., Stage]) -> None:
    """With the rule `never` the survivor stays, and no copy is made again."""
    stage = make_stage(policy=Policy(conflicts=ConflictRule.RIGHT, deletions={Side.RIGHT: DeletionRule.NEVER}))
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(DAY)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (1, 2)


def test_leaving_the_group_freezes_and_coming_back_thaws(stage: Stage) -> None:
    """Out of the group is not deleted: both sides stay, edits wait, and meet when the contact comes back."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    stage.google_does("remove_label", id=contact_named(stage, "Ala")["id"], group=stage.group)
    stage.settle()
    change_person(stage, "Ala", emails=[{"value": "inna@example.com", "label": "work", "primary": True}])
    stage.wait(DAY)
    stage.settle()
    assert contact_named(stage, "Ala")["fields"]["emailAddresses"][0]["value"] == "ala@example.com"
    stage.google_does("add_label", id=contact_named(stage, "Ala")["id"], group=stage.group)
    stage.settle()
    assert contact_named(stage, "Ala")["fields"]["emailAddresses"][0]["value"] == "inna@example.com"
    assert len(stage.google()) == len(stage.pipedrive()) == 2


def test_the_same_people_on_both_sides_are_paired_not_doubled(stage: Stage) -> None:
    """First sync: equal e-mail and compatible name make a pair; the two are united, and nobody stands twice."""
    contacts("Ala", "Bartek", "Celina")(stage)
    for first in ("Ala", "Bartek"):
        emails = [{"value": f"{first.upper()}@example.com"}]
        stage.person(first_name=first, last_name="Nowak", emails=emails, phones=[{"value": "22 555 01 02"}])
    persons("Olek")(stage)
    report = stage.cycle()
    assert report.matched == 2
    stage.settle()
    assert len(stage.google()) == len(stage.pipedrive()) == 4
    phones = {item["value"] for item in contact_named(stage, "Ala")["fields"]["phoneNumbers"]}
    assert phones == {"+48 600 123 400", "22 555 01 02"}


def test_a_doubtful_match_waits_on_both_sides(stage: Stage) -> None:
    """One strong but insufficient sign: neither side gets a copy, and the question names both with the evidence."""
    stage.contact(names=[{"givenName": "Jan", "familyName": "Kowalski"}], emailAddresses=[{"value": "jan@example.com"}])
    stage.person(first_name="Jan", last_name="Kowalski", emails=[{"value": "kowalski@example.org"}])
    report = stage.cycle()
    assert (report.writes, report.questions) == (0, 1)
    question = models.Question.objects.using(stage.alias).get()
    assert all(question.data[name] for name in ("evidence", "left", "right"))
    assert (len(stage.google()), len(stage.pipedrive())) == (1, 1)


def test_somebody_who_stands_outside_the_group_is_not_doubled(stage: Stage) -> None:
    """B16, P12: a person who already stands elsewhere in Google waits; of that contact nothing but hashes is kept."""
    stage.contact(inside=False, names=[{"givenName": "Jan", "familyName": "Kowalski"}], emailAddresses=[{"value": "jan@example.com"}])
    stage.contact(inside=False, names=[{"givenName": "Ciocia", "familyName": "Zosia"}], phoneNumbers=[{"value": "+48 600 777 888"}])
    stage.person(first_name="Jan", last_name="Kowalski", emails=[{"value": "jan@example.com"}])
    report = stage.cycle()
    assert (report.writes, report.questions) == (0, 1)
    assert models.Question.objects.using(stage.alias).get().data["doubt"] == "outside"
    assert not stage.database.holds("Zosia")
    assert not stage.database.holds("777")
    assert (len(stage.google()), len(stage.pipedrive())) == (2, 1)


def test_a_bare_name_is_not_born_at_once(stage: Stage) -> None:
    """A new record with nothing but a name waits until it has more, or has been still for two minutes."""
    contacts("Ala")(stage)
    stage.settle()
    stage.contact(names=[{"givenName": "Bez", "familyName": "Danych"}])
    report = stage.cycle()
    assert (report.writes, report.state.value) == (0, "unfinished")
    stage.wait(121)
    assert stage.cycle().writes == 1


def test_nobody_is_made_of_an_empty_contact(stage: Stage) -> None:
    """A contact with neither name, organisation, e-mail nor phone is left out, and that is counted."""
    stage.contact(addresses=[{"city": "Radom"}])
    report = stage.cycle()
    assert (report.writes, report.left_out) == (0, 1)
    assert stage.pipedrive() == []


def test_what_a_side_cannot_take_parks_that_field_only(stage: Stage) -> None:
    """P10: a name too long for Pipedrive stays where it is; the phone flows; a shorter name flows then."""
    contacts("Ala")(stage)
    stage.settle()
    phones = [{"value": "+48 600 111 000", "type": "work"}]
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "N" * 300}], phoneNumbers=phones)
    stage.cycle()
    assert person_named(stage, "Ala")["phones"][0]["value"] == "+48 600 111 000"
    assert person_named(stage, "Ala")["last_name"] == "Nowak"
    assert stage.cycle().parked == 1
    change_contact(stage, "Ala", names=[{"givenName": "Ala", "familyName": "Kot"}])
    stage.settle()
    assert person_named(stage, "Ala")["last_name"] == "Kot"


def test_where_organisations_may_not_be_made_the_rest_flows(stage: Stage) -> None:
    """P10: without the right to add organisations that field waits, and the person is made without it."""
    stage.world.pipedrive.switches["user.1.add_organizations"] = False
    contacts("Ala", "Bartek")(stage)
    report = stage.cycle()
    assert {one["first_name"]: one["org_id"] for one in stage.pipedrive()} == {"Ala": None, "Bartek": None}
    assert stage.cycle().parked == 2
    assert report.state.value == "in-sync"
    assert contact_named(stage, "Ala")["fields"]["organizations"][0]["name"] == "Firma 0"


def test_a_person_with_deals_is_not_deleted_without_a_word(stage: Stage) -> None:
    """B5: what hangs on a person would go with it; that one waits, the others are deleted."""
    contacts(*NAMES)(stage)
    stage.settle()
    stage.pipedrive_does("set_counts", id=person_named(stage, "Ala")["id"], open_deals_count=1)
    for first in ("Ala", "Bartek"):
        stage.google_does("delete", id=contact_named(stage, first)["id"])
    stage.wait(60)
    stage.cycle()
    stage.wait(60)
    report = stage.cycle()
    assert (report.held, report.written[Side.RIGHT]["deleted"]) == (1, 1)
    assert person_named(stage, "Ala")
    again = stage.cycle()
    assert (again.held, again.writes, again.state.value) == (1, 0, "waiting-for-person")
    resolve(stage, "release", kind="hold")
    report = stage.cycle()
    assert (report.written[Side.RIGHT]["deleted"], stage.settle().held) == (1, 0)
    assert not models.Question.objects.using(stage.alias).filter(closed_at=None).exists()


def test_what_tandem_deleted_is_not_restored_by_a_late_listing(make_stage: Callable[..., Stage]) -> None:
    """A listing that lags still shows what we deleted, as it was: nobody has taken it out of the bin, and nobody is asked."""
    stage = make_stage(lag_s=600.0)
    contacts(*NAMES)(stage)
    stage.wait(1000)
    stage.settle()
    stage.pipedrive_does("delete_person", id=person_named(stage, "Ala")["id"])
    stage.wait(DAY)
    for _ in range(4):
        if stage.cycle().written[Side.LEFT]["deleted"]:
            break
        stage.wait(700)
    report = stage.cycle(is_full=True)
    assert (len(stage.google()), report.questions) == (len(NAMES) - 1, 0)


def test_a_contact_restored_while_its_deletion_travels_is_asked_about(stage: Stage) -> None:
    """The answer to the deletion is lost, and meanwhile somebody takes the contact out of the bin: it does not stand there unsynced
    without a word.
    """  # noqa: D205 - one promise
    contacts(*NAMES)(stage)
    stage.settle()
    ala = contact_named(stage, "Ala")["id"]
    stage.google_does("delete", id=ala)
    stage.wait(60)
    stage.cycle()
    stage.wait(60)
    stage.world.faults.add(Rule("pipedrive", ".", "lost-answer", "DELETE"))
    assert stage.cycle().settling
    stage.google_does("restore", id=ala)
    stage.wait(60)
    report = stage.settle()
    assert (report.questions, len(stage.google()), len(stage.pipedrive())) == (1, len(NAMES), len(NAMES) - 1)
    assert models.Question.objects.using(stage.alias).get(closed_at=None).kind == "restored"


def test_a_release_outlives_a_second_thought(stage: Stage) -> None:
    """P9: what was released is written also where the plan makes an organisation first, and so is thought over in the same cycle."""
    contacts(*NAMES)(stage)
    stage.settle()
    for first in NAMES:
        change_contact(stage, first, phoneNumbers=[], organizations=[{"name": f"Firma {first}"}])
    assert stage.cycle().held == len(NAMES)
    resolve(stage, "release", kind="hold")
    stage.wait(61)
    stage.cycle()
    assert all(one["phones"] == [] for one in stage.pipedrive())
    stage.settle()
    assert not models.Question.objects.using(stage.alias).filter(closed_at=None).exists()
