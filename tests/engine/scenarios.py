"""What may happen between two cycles, as small stories: each sets the two books up, lets them agree, and then has people edit.

A story is run to its end without trouble, and then again with a death at every step; both must end the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet

from engine.reviewing import open_questions, resolve
from engine.stage import Stage, Terms
from tandem.core.policy import ConflictRule, OutsideRule, Policy
from tandem.store import models


@dataclass(frozen=True)
class Story:
    """One story: what is there before, and what people do then."""

    name: str
    edit: Callable[[Stage], None]
    before: Callable[[Stage], None] = lambda _: None
    contact_sync: bool = True
    #: The user may not make fields: no marker, no messengers, no address.
    may_make_fields: bool = True
    #: Time that passes before the watched run; a day brings the next full listing, which alone shows what Pipedrive deleted.
    pause_s: float = 300.0
    #: What the link does about people who stand outside the group.
    outside: OutsideRule = OutsideRule.ASK

    def terms(self, lag_s: float) -> Terms:
        """How its stage is set up."""
        policy = Policy(conflicts=ConflictRule.RIGHT, region="PL", outside=self.outside)
        return Terms(lag_s=lag_s, contact_sync=self.contact_sync, policy=policy)

    def stage(self, lag_s: float) -> Stage:
        """A stage at the moment when the watched run begins: people have edited, and every read can see it."""
        stage = Stage(self.terms(lag_s))
        if not self.may_make_fields:
            stage.world.pipedrive.switches["user.1.add_fields"] = False
        self.before(stage)
        stage.wait(2 * lag_s + 300)
        if stage.google() or stage.pipedrive():
            stage.settle()
            stage.wait(2 * lag_s + 300)
        self.edit(stage)
        stage.wait(2 * lag_s + self.pause_s)
        return stage


def person_named(stage: Stage, first: str) -> dict[str, object]:
    """The person with that first name."""
    return next(one for one in stage.pipedrive() if one["first_name"] == first)


def contact_named(stage: Stage, first: str) -> dict[str, object]:
    """The contact with that given name."""
    return next(one for one in stage.google() if one["fields"]["names"][0]["givenName"] == first)


def change_contact(stage: Stage, first: str, **fields: object) -> None:
    """Somebody edits a contact in Google."""
    stage.google_does("update", id=contact_named(stage, first)["id"], fields=fields)


def change_person(stage: Stage, first: str, **values: object) -> None:
    """Somebody edits a person in Pipedrive."""
    stage.pipedrive_does("update_person", id=person_named(stage, first)["id"], **values)


NAMES = ("Ala", "Bartek", "Celina", "Darek", "Ewa", "Filip", "Gosia", "Hubert", "Iga")


def contacts(*firsts: str) -> Callable[[Stage], None]:
    """People typed in Google, each with a phone, an e-mail and an employer."""

    def act(stage: Stage) -> None:
        for number, first in enumerate(firsts):
            stage.contact(
                names=[{"givenName": first, "familyName": "Nowak"}],
                emailAddresses=[{"value": f"{first.lower()}@example.com", "type": "work"}],
                phoneNumbers=[{"value": f"+48 600 123 4{number:02d}", "type": "mobile"}],
                organizations=[{"name": f"Firma {number % 2}"}],
            )

    return act


def persons(*firsts: str) -> Callable[[Stage], None]:
    """People typed in Pipedrive."""

    def act(stage: Stage) -> None:
        for number, first in enumerate(firsts):
            stage.person(
                first_name=first,
                last_name="Kowalska",
                emails=[{"value": f"{first.lower()}@example.org", "label": "work", "primary": True}],
                phones=[{"value": f"+48 601 765 4{number:02d}", "label": "mobile", "primary": True}],
            )

    return act


def both(*acts: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """One after the other."""

    def act(stage: Stage) -> None:
        for each in acts:
            each(stage)

    return act


def _six_fields_in_google(stage: Stage) -> None:
    change_contact(stage, "Ala", names=[{"givenName": "Alicja", "familyName": "Nowak"}])
    change_contact(stage, "Bartek", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    change_contact(stage, "Celina", emailAddresses=[{"value": "c@example.net", "type": "home"}], organizations=[{"name": "Nowa Firma"}])
    change_contact(stage, "Darek", imClients=[{"username": "darek", "protocol": "skype"}], addresses=[{"city": "Kielce", "type": "home"}])


def _six_fields_in_pipedrive(stage: Stage) -> None:
    organization = stage.pipedrive_does("create_organization", name="Trzecia")["id"]
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")
    change_person(stage, "Bartek", phones=[{"value": "+48 600 999 888", "label": "home", "primary": True}], org_id=organization)
    change_person(stage, "Celina", emails=[{"value": "c@example.net", "label": "home", "primary": True}])
    change_person(stage, "Darek", im=[{"value": "darek", "label": "skype", "primary": True}], postal_address={"value": "Kielce"})


def _batch_of_changes(stage: Stage) -> None:
    for number, first in enumerate(NAMES):
        change_person(stage, first, phones=[{"value": f"+48 602 111 2{number:02d}", "label": "work", "primary": True}])


def _different_fields(stage: Stage) -> None:
    change_contact(stage, "Ala", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    change_person(stage, "Ala", emails=[{"value": "neu@example.net", "label": "work", "primary": True}])
    change_contact(stage, "Bartek", organizations=[{"name": "Ganz Neu"}])
    change_person(stage, "Bartek", first_name="Bartosz", last_name="Nowak")


def _same_field(stage: Stage) -> None:
    change_contact(stage, "Ala", names=[{"givenName": "Alina", "familyName": "Nowak"}])
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")


def _clearing(stage: Stage) -> None:
    change_contact(stage, "Ala", phoneNumbers=[])
    change_person(stage, "Bartek", emails=[])


def _deletions(stage: Stage) -> None:
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.pipedrive_does("delete_person", id=person_named(stage, "Bartek")["id"])


def _same_people(stage: Stage) -> None:
    for first in ("Ala", "Bartek"):
        stage.person(
            first_name=first,
            last_name="Nowak",
            emails=[{"value": f"{first.upper()}@Example.com"}],
            phones=[{"value": "+48 22 600 11 22", "label": "work"}],
        )


def _everything(stage: Stage) -> None:
    persons("Olek", "Pola")(stage)
    contacts("Rafał")(stage)
    _different_fields(stage)
    change_contact(stage, "Celina", addresses=[{"streetAddress": "Polna 1", "city": "Łódź", "type": "work"}])
    stage.google_does("delete", id=contact_named(stage, "Darek")["id"])


def _asked(stage: Stage, kind: str) -> None:
    """Cycles with time between them, until a person is asked."""
    for _ in range(6):
        stage.cycle()
        if open_questions(stage, kind):
            return
        stage.wait(2 * stage.terms.lag_s + 61)
    raise AssertionError(f"nobody is asked about {kind}")


def _deletions_in_a_crowd(stage: Stage) -> None:
    for first in NAMES[:7]:
        stage.google_does("delete", id=contact_named(stage, first)["id"])
    _asked(stage, "hold")
    resolve(stage, "release", kind="hold")


def _namesakes(stage: Stage) -> None:
    for number in range(2):
        stage.contact(
            names=[{"givenName": "Jan", "familyName": "Kowalski"}],
            emailAddresses=[{"value": f"jan{number}@example.com", "type": "work"}],
            phoneNumbers=[{"value": f"+48 600 123 40{number}", "type": "mobile"}],
        )


def _merged_and_folded(stage: Stage) -> None:
    by_email = {one["fields"]["emailAddresses"][0]["value"]: one["id"] for one in stage.google()}
    stage.google_does("merge", ids=[by_email["jan0@example.com"], by_email["jan1@example.com"]])
    _asked(stage, "merge")
    leftover = next(one for one in stage.pipedrive() if len(one["emails"]) == 1 and one["emails"][0]["value"] == "jan1@example.com")
    phones = [*leftover["phones"], {"value": "+48 601 555 666", "label": "home"}]
    stage.pipedrive_does("update_person", id=leftover["id"], phones=phones)
    resolve(stage, "fold", kind="merge")


def _ola_outside(stage: Stage) -> None:
    stage.contact(
        inside=False,
        names=[{"givenName": "Ola", "familyName": "Sowa"}],
        emailAddresses=[{"value": "ola@example.com", "type": "home"}],
        phoneNumbers=[{"value": "+48 600 777 111", "type": "mobile"}],
    )


def _ola_in_pipedrive(stage: Stage) -> None:
    stage.person(first_name="Ola", last_name="Sowa", emails=[{"value": "ola@example.com", "label": "work", "primary": True}])


def _restored(stage: Stage) -> None:
    gone = contact_named(stage, "Ala")["id"]
    stage.google_does("delete", id=gone)
    stage.wait(2 * stage.terms.lag_s + 61)
    stage.settle()
    stage.wait(2 * stage.terms.lag_s + 61)
    stage.google_does("restore", id=gone)
    _asked(stage, "restored")
    resolve(stage, "pair", kind="restored")


def _all_taken_back(stage: Stage) -> None:
    """A cycle that changed on both sides, created and deleted, and a person's word to take all of it back."""
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")
    change_contact(stage, "Bartek", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    stage.google_does("delete", id=contact_named(stage, "Celina")["id"])
    persons("Olek")(stage)
    stage.wait(2 * stage.terms.lag_s + 90_000)
    known = set(_history(stage).values_list("id", flat=True))
    stage.settle()
    stage.wait(2 * stage.terms.lag_s + 300)
    rows = [row for row in _history(stage) if row.id not in known]
    assert sorted(row.kind for row in rows) == ["create", "delete", "update", "update"]
    stage.bench().past.ask([row.id for row in rows], stage.clock.now())


def _outsiders(stage: Stage) -> None:
    """Two people on both sides who stand outside the group in Google, and one who stands in it; each side knows something of its own."""
    for first in ("Ala", "Bartek", "Celina"):
        stage.contact(
            names=[{"givenName": first, "familyName": "Nowak"}], emailAddresses=[{"value": f"{first.lower()}@example.com", "type": "work"}],
            phoneNumbers=[{"value": "+48 600 123 400", "type": "mobile"}], inside=first == "Celina",
        )  # fmt: skip
        stage.person(
            first_name=first, last_name="Nowak", emails=[{"value": f"{first.lower()}@example.com", "label": "work", "primary": True}],
            phones=[{"value": "+48 22 555 01 02", "label": "work", "primary": True}],
        )  # fmt: skip


def _meetings_taken_back(stage: Stage) -> None:
    """Two adoptions and a match are taken back."""
    rows = _history(stage).filter(kind__in=["match", "adopt"])
    assert sorted(row.kind for row in rows) == ["adopt", "adopt", "match"]
    stage.bench().past.ask([row.id for row in rows], stage.clock.now())


def _history(stage: Stage) -> QuerySet[models.History]:
    return models.History.objects.using(stage.alias).order_by("id")


FOUR = ("Ala", "Bartek", "Celina", "Darek")
STORIES = (
    Story("births in google", contacts("Ala", "Bartek", "Celina")),
    Story("births in pipedrive", persons("Ala", "Bartek", "Celina")),
    Story("births on both sides", both(contacts("Ala", "Bartek"), persons("Olek", "Pola"))),
    Story("a batch of births in pipedrive", persons(*NAMES)),
    Story("births without a marker", both(contacts("Ala"), persons("Olek")), contact_sync=False, may_make_fields=False),
    Story("births into custom fields", both(contacts("Ala"), persons("Olek")), contact_sync=False),
    Story("the same people on both sides", both(contacts("Ala", "Bartek", "Celina"), _same_people)),
    Story("six fields in google", _six_fields_in_google, contacts(*FOUR)),
    Story("six fields in pipedrive", _six_fields_in_pipedrive, contacts(*FOUR)),
    Story("six fields in custom fields", _six_fields_in_google, contacts(*FOUR), contact_sync=False),
    Story("a batch of changes in pipedrive", _batch_of_changes, contacts(*NAMES)),
    Story("different fields on both sides", _different_fields, contacts(*FOUR)),
    Story("the same field on both sides", _same_field, contacts(*FOUR)),
    Story("clearing on both sides", _clearing, contacts(*FOUR)),
    Story("deletions on both sides", _deletions, contacts(*NAMES), pause_s=90_000.0),
    Story("deletions in a crowd that are released", _deletions_in_a_crowd, contacts(*NAMES)),
    Story("a merge in google that is folded", _merged_and_folded, both(contacts("Ala"), _namesakes)),
    Story("somebody outside who is adopted", _ola_in_pipedrive, both(contacts("Ala"), _ola_outside), outside=OutsideRule.ADOPT),
    Story("restored from the bin and paired again", _restored, contacts("Ala", "Bartek")),
    Story("everything at once", _everything, contacts(*FOUR), pause_s=90_000.0),
    Story("a cycle taken back", _all_taken_back, contacts(*FOUR)),
    Story("meetings taken back", _meetings_taken_back, _outsiders, outside=OutsideRule.ADOPT),
)
