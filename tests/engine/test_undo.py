"""B6: what Tandem wrote can be taken back - a change, a cycle, a creation, a match, a deletion, an undo - and later edits stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.crash import LossyTransport, end_state
from engine.scenarios import FOUR, change_contact, change_person, contact_named, contacts, person_named
from engine.stage import Stage
from tandem.core.contact import PHONES
from tandem.core.policy import OutsideRule, Policy
from tandem.engine.returned import Returns, Step
from tandem.engine.undo import preview_undo
from tandem.store import models

MakeStage = Callable[..., Stage]


def lines(stage: Stage, **where: object) -> list[models.History]:
    """Lines of history, the newest first."""
    return list(models.History.objects.using(stage.alias).filter(**where).order_by("-id"))


def ask(stage: Stage, rows: list[models.History]) -> models.Undo:
    """A person wants these lines taken back."""
    return stage.bench().past.ask([row.id for row in rows], stage.clock.now())


def undo(stage: Stage, rows: list[models.History]) -> Returns:
    """Preview, ask, and let everything come to rest; the preview writes nothing."""
    before = len(stage.world.log)
    shown = preview_undo(stage.bench(), rows)
    assert stage.writes(before) == []
    ask(stage, rows)
    stage.settle()
    assert not models.Undo.objects.using(stage.alias).filter(done_at=None).exists()
    return shown


def cycle_of(stage: Stage) -> int:
    """The cycle that wrote last."""
    return lines(stage)[0].cycle_id


def agreed(stage: Stage) -> None:
    """Four people on both sides, in sync."""
    contacts(*FOUR)(stage)
    stage.settle()
    stage.wait(300)


def phone(stage: Stage, first: str) -> tuple[list[object], list[object]]:
    """The numbers of somebody, on both sides."""
    contact, person = contact_named(stage, first), person_named(stage, first)
    return [item["value"] for item in contact["fields"].get("phoneNumbers", [])], [item["value"] for item in person["phones"]]


def test_a_change_returns_on_both_sides(stage: Stage) -> None:
    """Undo of one change writes the earlier value where Tandem had written, and the same cycle carries it to where it came from."""
    agreed(stage)
    change_person(
        stage, "Ala", phones=[{"value": "+48 602 111 222", "label": "work", "primary": True}], first_name="Alicja", last_name="Nowak"
    )
    stage.settle()
    (line,) = lines(stage, kind="update")
    shown = undo(stage, [line])
    assert [(item.step, item.side.value) for item in shown.returns] == [(Step.UPDATE, "left")]
    assert not shown.kept
    assert phone(stage, "Ala") == (["+48 600 123 400"], ["+48 600 123 400"])
    assert lines(stage, undo__isnull=False)[0].weighs == ""


def test_a_cycle_of_fifty_on_both_sides(make_stage: MakeStage) -> None:
    """Fifty records changed by one cycle, half on each side, return; what people edited since stays, on whichever side they did it."""
    stage = make_stage()
    names = tuple(f"Osoba{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(50))
    contacts(*names)(stage)
    stage.settle()
    stage.wait(300)
    before = end_state(stage)
    for number, first in enumerate(names):
        if number % 2:
            numbers = [{"value": f"+48 602 111 {number:03d}", "type": "mobile"}]
            change_contact(stage, first, organizations=[{"name": f"Nowa {number}"}], phoneNumbers=numbers)
        else:
            change_person(stage, first, emails=[{"value": f"neu{number}@example.net", "label": "work", "primary": True}])
    cycle = stage.cycle().cycle
    written = stage.bench().past.of_cycle(cycle)
    assert [sum(row.side == side for row in written) for side in ("left", "right")] == [25, 25]
    assert {row.kind for row in written} == {"update"}
    stage.wait(300)
    change_contact(stage, names[0], emailAddresses=[{"value": "later@example.net", "type": "work"}])
    change_person(stage, names[1], phones=[{"value": "+48 605 000 001", "label": "work", "primary": True}])
    change_contact(stage, names[2], addresses=[{"city": "Kielce", "type": "home"}])
    shown = undo(stage, written)
    assert len(shown.of(Step.UPDATE)) >= 48
    assert {item.sentence for item in shown.kept}
    after = end_state(stage)
    for product in ("google", "pipedrive"):
        assert len([one for one in after[product] if one not in before[product]]) == 3, product
    assert contact_named(stage, names[0])["fields"]["emailAddresses"][0]["value"] == "later@example.net"
    assert person_named(stage, names[0])["emails"][0]["value"] == "later@example.net"
    assert phone(stage, names[1]) == (["+48 605 000 001"], ["+48 605 000 001"])
    assert contact_named(stage, names[2])["fields"]["emailAddresses"][0]["value"] == f"{names[2].lower()}@example.com"
    assert "Kielce" in str(person_named(stage, names[2])["postal_address"])
    stage.wait(90_000)
    assert stage.settle().writes == 0


def test_an_undo_can_be_undone(stage: Stage) -> None:
    """What an undo wrote is history, and goes back by the same way; twice is as if nothing had happened."""
    agreed(stage)
    change_person(stage, "Ala", phones=[{"value": "+48 602 111 222", "label": "work", "primary": True}])
    stage.settle()
    changed = end_state(stage)
    undo(stage, lines(stage, kind="update"))
    assert end_state(stage) != changed
    undo(stage, lines(stage, cycle_id=cycle_of(stage)))
    assert phone(stage, "Ala") == (["+48 602 111 222"], ["+48 602 111 222"])


def test_a_value_that_lost_is_put_back(stage: Stage) -> None:
    """B3: the loser of a conflict returns on both sides, by the line that tells of it; other fields of that write stay."""
    agreed(stage)
    change_contact(stage, "Ala", names=[{"givenName": "Alina", "familyName": "Nowak"}])
    change_person(
        stage, "Ala", first_name="Alicja", last_name="Nowak", phones=[{"value": "+48 602 111 222", "label": "work", "primary": True}]
    )
    stage.settle()
    undo(stage, lines(stage, kind="conflict"))
    assert person_named(stage, "Alina")["phones"][0]["value"] == "+48 602 111 222"
    assert contact_named(stage, "Alina")


def test_a_creation_is_taken_back_and_not_born_again(stage: Stage) -> None:
    """Our copy goes, its source stays as it is, and is not created again; opened again, it is."""
    agreed(stage)
    (line,) = [row for row in lines(stage, kind="create") if "Ala" in bytes(row.after or b"").decode()]
    shown = undo(stage, [line])
    assert [item.step for item in shown.returns] == [Step.REMOVE]
    assert sorted(str(one["first_name"]) for one in stage.pipedrive()) == ["Bartek", "Celina", "Darek"]
    assert contact_named(stage, "Ala")
    stage.wait(90_000)
    stage.settle()
    assert len(stage.pipedrive()) == 3
    undo(stage, lines(stage, kind="delete"))
    assert person_named(stage, "Ala")["emails"][0]["value"] == "ala@example.com"
    change_person(stage, "Ala", phones=[{"value": "+48 602 111 222", "label": "work", "primary": True}])
    stage.settle()
    assert phone(stage, "Ala")[0] == ["+48 602 111 222"]


@pytest.mark.parametrize("how", ["synced field", "other field", "a deal"])
def test_a_copy_that_somebody_touched_stays(stage: Stage, how: str) -> None:
    """A copy is removed only where nobody has touched it since: not after an edit, be it in a field that Tandem does not sync."""
    agreed(stage)
    stage.wait(300)
    person = person_named(stage, "Ala")["id"]
    if how == "synced field":
        change_person(stage, "Ala", phones=[])
    elif how == "other field":
        stage.pipedrive_does("update_person", id=person, job_title="Baker")
    else:
        stage.world.pipedrive.human("set_counts", {"id": person, "open_deals_count": 1})
    shown = undo(stage, lines(stage, kind="create"))
    assert len(stage.pipedrive()) == 1
    assert len(shown.kept) == 1
    assert person_named(stage, "Ala")["id"] == person
    change_contact(stage, "Ala", organizations=[{"name": "Firma 9"}])
    stage.settle()
    assert person_named(stage, "Ala")["org_id"] is not None


def test_a_match_is_taken_back(stage: Stage) -> None:
    """Two who were taken for one are themselves again: what each got from the other goes, neither is created anew, nothing flows."""
    stage.contact(
        names=[{"givenName": "Ala", "familyName": "Nowak"}],
        emailAddresses=[{"value": "ala@example.com"}],
        phoneNumbers=[{"value": "+48 600 123 400"}],
    )
    stage.person(
        first_name="Ala", last_name="Nowak", emails=[{"value": "ala@example.com"}], phones=[{"value": "22 555 01 02", "label": "work"}]
    )
    before = end_state(stage)
    stage.settle()
    assert end_state(stage) != before
    shown = undo(stage, lines(stage, kind="match"))
    assert {item.step for item in shown.returns} == {Step.UNPAIR, Step.UPDATE}
    assert phone(stage, "Ala") == (["+48 600 123 400"], ["22 555 01 02"])
    change_contact(stage, "Ala", organizations=[{"name": "Firma 9"}])
    stage.settle()
    assert person_named(stage, "Ala")["org_id"] is None
    undo(stage, lines(stage, cycle_id=lines(stage, kind="unpair")[0].cycle_id))
    assert set(phone(stage, "Ala")[0]) == set(phone(stage, "Ala")[1]) == {"+48 600 123 400", "22 555 01 02"}


def test_an_adoption_is_taken_back(make_stage: MakeStage) -> None:
    """The label goes off again, the pair ends, what each got from the other when they could be seen to meet goes, and nobody is doubled."""
    stage = make_stage(policy=Policy(outside=OutsideRule.ADOPT))
    stage.contact(
        names=[{"givenName": "Ala", "familyName": "Nowak"}],
        emailAddresses=[{"value": "ala@example.com"}],
        phoneNumbers=[{"value": "+48 600 123 400"}],
        inside=False,
    )
    stage.person(
        first_name="Ala", last_name="Nowak", emails=[{"value": "ala@example.com"}], phones=[{"value": "22 555 01 02", "label": "work"}]
    )
    stage.settle()
    assert len(stage.in_group()) == 1
    undo(stage, lines(stage, kind="adopt"))
    assert (len(stage.in_group()), len(stage.google()), len(stage.pipedrive())) == (0, 1, 1)
    assert phone(stage, "Ala") == (["+48 600 123 400"], ["22 555 01 02"])
    stage.wait(90_000)
    stage.settle()
    assert (len(stage.in_group()), len(stage.google()), len(stage.pipedrive())) == (0, 1, 1)


@pytest.mark.parametrize("side", ["google", "pipedrive"])
def test_a_deletion_is_taken_back(stage: Stage, side: str) -> None:
    """What Tandem deleted is there again, under a new id, with what Tandem does not sync; the half that a human deleted is only offered."""
    agreed(stage)
    change_contact(stage, "Ala", birthdays=[{"date": {"year": 1980, "month": 2, "day": 3}}])
    stage.pipedrive_does("update_person", id=person_named(stage, "Ala")["id"], job_title="Baker")
    stage.settle()
    stage.wait(300)
    if side == "google":
        stage.pipedrive_does("delete_person", id=person_named(stage, "Ala")["id"])
    else:
        stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(90_000)
    stage.settle()
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 3)
    shown = undo(stage, lines(stage, kind="delete"))
    assert [item.step for item in shown.returns] == [Step.RESTORE]
    if side == "google":
        assert contact_named(stage, "Ala")["fields"]["birthdays"][0]["date"]["year"] == 1980
        assert (len(stage.in_group()), len(stage.pipedrive())) == (4, 3)
    else:
        assert person_named(stage, "Ala")["job_title"] == "Baker"
        assert (len(stage.in_group()), len(stage.pipedrive())) == (3, 4)
    undo(stage, lines(stage, undo__isnull=False))
    assert (len(stage.google()), len(stage.pipedrive())) == (3, 3)


def test_what_was_edited_elsewhere_is_kept_and_listed(stage: Stage) -> None:
    """A field that somebody has edited since on the other side stays, even before that edit has travelled; the preview says so."""
    agreed(stage)
    change_person(stage, "Ala", phones=[{"value": "+48 602 111 222", "label": "work", "primary": True}])
    stage.settle()
    change_person(stage, "Ala", phones=[{"value": "+48 603 333 333", "label": "work", "primary": True}])
    shown = undo(stage, lines(stage, kind="update"))
    assert [item.fields for item in shown.kept] == [(PHONES,)]
    assert phone(stage, "Ala") == (["+48 603 333 333"], ["+48 603 333 333"])


def test_a_lost_answer_without_a_marker_doubles_nobody(make_stage: MakeStage) -> None:
    """A person made again, of whose making the answer is lost where no marker can be kept, is found, and not copied to Google."""
    stage = make_stage(contact_sync=False)
    stage.world.pipedrive.switches["user.1.add_fields"] = False
    agreed(stage)
    stage.google_does("delete", id=contact_named(stage, "Ala")["id"])
    stage.wait(90_000)
    stage.settle()
    assert len(stage.pipedrive()) == 3
    ask(stage, lines(stage, kind="delete"))
    stage.transport = LossyTransport(stage.world, 0, "lost answer")
    stage.settle()
    assert sorted(str(one["first_name"]) for one in stage.pipedrive()) == sorted(FOUR)
    assert len(stage.google()) == 3
    assert not models.Undo.objects.using(stage.alias).filter(done_at=None).exists()
