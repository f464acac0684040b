"""What the simulator found: each a schedule that once broke a promise, as short as it could be made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest

from engine.scenarios import change_contact, change_person, contact_named, contacts, person_named
from engine.stage import Stage, Terms
from tandem.core.policy import ConflictRule, DeletionRule, Policy
from tandem.core.state import Side
from tandem.sandbox.transport import SandboxTransport
from tandem.store import models

DAY = 86_400.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    """One stage with the usual terms."""
    stage = Stage()
    yield stage
    stage.close()


class Meddling(httpx2.BaseTransport):
    """The sandbox, with somebody acting once, right before the first request whose path ends so."""

    def __init__(self, stage: Stage, path: str, act: Callable[[], object]) -> None:
        self._inner = SandboxTransport(stage.world)
        self._path = path
        self._act: Callable[[], object] | None = act

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on."""
        if self._act and request.url.path.endswith(self._path):
            act, self._act = self._act, None
            act()
        return self._inner.handle_request(request)


def test_an_edit_between_two_waves_is_not_taken_for_agreed(stage: Stage) -> None:
    """P1: what a write carries is what was planned on, even when its source has moved since, so that the newer value follows."""
    contacts("Ala")(stage)
    stage.settle()
    change_person(stage, "Ala", emails=[{"value": "neu@example.com", "label": "work", "primary": True}])
    change_contact(stage, "Ala", names=[{"givenName": "Alicja", "familyName": "Nowak"}])
    again = Meddling(
        stage, ":updateContact", lambda: change_contact(stage, "Alicja", names=[{"givenName": "Alina", "familyName": "Nowak"}])
    )
    stage.transport = again
    stage.settle()
    assert contact_named(stage, "Alina")
    assert person_named(stage, "Alina")


def test_a_person_who_was_hidden_is_not_taken_for_deleted(stage: Stage) -> None:
    """P4: a colleague takes a person over and hides it; Pipedrive then answers 404. The contact stays, and a person is asked."""
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    person = person_named(stage, "Ala")["id"]
    stage.pipedrive_does("set_owner", id=person, owner_id=2)
    stage.pipedrive_does("set_visibility", id=person, visible_to=1)
    stage.wait(2 * DAY)
    for _ in range(6):
        report = stage.cycle()
        stage.wait(61)
    assert contact_named(stage, "Ala")
    assert (report.state.value, report.held) == ("waiting-for-person", 1)
    models.Question.objects.using(stage.alias).update(choice="release")
    stage.settle()
    assert len(stage.google()) == 2


def test_what_is_deleted_after_it_left_the_sync_takes_nobody_along(stage: Stage) -> None:
    """P4: a contact is taken out of the group, and later deleted; the person in Pipedrive stays."""
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    id_ = contact_named(stage, "Ala")["id"]
    stage.google_does("remove_label", id=id_, group=stage.group)
    stage.settle()
    stage.google_does("delete", id=id_)
    stage.wait(2 * DAY)
    stage.settle()
    assert person_named(stage, "Ala")
    assert len(stage.google()) == 2


def test_a_deletion_that_was_asked_for_is_carried_out_when_released() -> None:
    """The deletion rule `ask`: the word of a person is followed, and the question is closed."""
    stage = Stage(Terms(policy=Policy(conflicts=ConflictRule.RIGHT, deletions={Side.RIGHT: DeletionRule.ASK})))
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(300)
    stage.cycle()
    assert len(stage.pipedrive()) == 3
    assert models.Question.objects.using(stage.alias).filter(closed_at=None).update(choice="release") == 1
    stage.wait(300)
    stage.settle()
    assert len(stage.pipedrive()) == 2
    assert not models.Question.objects.using(stage.alias).filter(closed_at=None).exists()
    stage.close()


def test_a_restored_record_does_not_fall_silent(stage: Stage) -> None:
    """P1: what somebody took out of the bin again is in sync, or a person is asked; it is not forgotten."""
    contacts("Ala", "Bartek", "Celina")(stage)
    stage.settle()
    id_ = contact_named(stage, "Ala")["id"]
    stage.google_does("delete", id=id_)
    stage.wait(300)
    stage.settle()
    stage.google_does("restore", id=id_)
    stage.wait(300)
    report = stage.cycle()
    assert (report.state.value, report.questions) == ("waiting-for-person", 1)
    assert models.Question.objects.using(stage.alias).get(closed_at=None).kind == "restored"


def test_an_organisation_that_somebody_just_made_is_not_made_again(stage: Stage) -> None:
    """P3: before an organisation is made, Pipedrive is looked at once more, as before a person is."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    change_contact(stage, "Ala", organizations=[{"name": "Zupełnie Nowa"}])
    stage.transport = Meddling(stage, "/api/v2/persons", lambda: stage.pipedrive_does("create_organization", name="Zupełnie Nowa"))
    stage.settle()
    names = [row["name"] for row in stage.world.pipedrive.state()["organizations"]]
    assert names.count("Zupełnie Nowa") == 1
    assert person_named(stage, "Ala")["org_id"]
