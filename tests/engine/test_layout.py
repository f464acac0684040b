"""Where the fields live changes in the middle of a link's life: nothing is read as empty, and nothing that was entered is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.installed import Installed

DAY = 90_000.0


def _code(one: Installed, name: str) -> str:
    """The code of the custom field of that name."""
    fields = one.world.pipedrive.company.persons.fields
    return next(code for code, field in fields.items() if field.name == name and len(code) == 40)


def _messengers(one: Installed) -> list[str]:
    """What the contacts hold, in order of their given names."""
    found = sorted(one.google(), key=lambda contact: str(contact["fields"]["names"][0]["givenName"]))
    return [",".join(item["username"] for item in contact["fields"].get("imClients", [])) for contact in found]


def _held(one: Installed, code: str) -> list[object]:
    """What the persons hold in a custom field, by first name."""
    found = sorted(one.pipedrive(), key=lambda person: str(person["first_name"]))
    return [person["custom_fields"].get(code) for person in found]


def test_contact_sync_in_mid_life_leaves_the_link_with_its_fields(installed: Callable[..., Installed]) -> None:
    """Pipedrive's own fields appear: the status warns, messengers still live in the custom field, and nothing is blanked."""
    one = installed()
    one.contacts("Ala", "Bartek")
    one.settle()
    code = _code(one, "Instant messenger")
    before = _held(one, code)
    assert all(before)
    one.pipedrive_does("enable_contact_sync")
    one.wait(DAY)
    one.google_does("update", id=one.google()[0]["id"], fields={"imClients": [{"username": "neu", "protocol": "skype"}]})
    one.settle()
    assert sorted(_messengers(one)) == sorted({*_messengers(one)})
    assert any("neu" in str(held) for held in _held(one, code))
    assert all(_messengers(one))
    (notice,) = one.status().notices
    assert "Contact Sync" in notice
    assert "double" in notice


@pytest.mark.parametrize("is_found_at_once", [True, False])
def test_a_removed_field_is_made_again_and_filled(installed: Callable[..., Installed], is_found_at_once: bool) -> None:
    """Somebody removes the messengers' field: no messenger vanishes in Google; the field is made again, once, and filled."""
    one = installed()
    one.contacts("Ala", "Bartek")
    one.settle()
    old = _code(one, "Instant messenger")
    one.pipedrive_does("remove_field", field_code=old)
    if is_found_at_once:
        for person in one.pipedrive():
            one.pipedrive_does("touch_person", id=person["id"])
        one.wait(61)
    else:
        one.wait(DAY)
    one.settle()
    assert _messengers(one) == ["ala", "bartek"]
    new = _code(one, "Instant messenger")
    assert new != old
    assert all(_held(one, new))
    assert one.tandem.links.one(one.link).state == "active"


def test_a_field_removed_twice_is_left_out_and_listed(installed: Callable[..., Installed]) -> None:
    """Removed again: it is not made a third time, the rest flows, what Google holds stays, and the status says so."""
    one = installed()
    one.contacts("Ala", "Bartek")
    one.settle()
    for _ in range(2):
        one.pipedrive_does("remove_field", field_code=_code(one, "Instant messenger"))
        one.wait(DAY)
        one.settle()
    one.wait(DAY)
    one.google_does("update", id=one.google()[0]["id"], fields={"names": [{"givenName": "Zofia", "familyName": "Nowak"}]})
    one.settle()
    assert {person["first_name"] for person in one.pipedrive()} >= {"Zofia"}
    assert all(_messengers(one))
    with pytest.raises(StopIteration):
        _code(one, "Instant messenger")
    assert any("Instant messenger" in notice and "removed twice" in notice for notice in one.status().notices)


def test_the_marker_field_is_made_again_once(installed: Callable[..., Installed]) -> None:
    """Without Tandem's own field a creation is refused; the field is made again in the same cycle, and nobody is doubled."""
    one = installed()
    one.contacts("Ala")
    one.settle()
    one.pipedrive_does("remove_field", field_code=_code(one, "Tandem ID"))
    one.contacts("Bartek")
    one.settle()
    assert sorted(str(person["first_name"]) for person in one.pipedrive()) == ["Ala", "Bartek"]
    one.pipedrive_does("remove_field", field_code=_code(one, "Tandem ID"))
    one.contacts("Celina")
    one.settle()
    assert sorted(str(person["first_name"]) for person in one.pipedrive()) == ["Ala", "Bartek", "Celina"]
    assert any("Tandem ID" in notice for notice in one.status().notices)
    assert one.tandem.links.one(one.link).state == "active"
    assert len(one.google()) == 3


def test_an_update_of_a_removed_field_is_no_stop(installed: Callable[..., Installed]) -> None:
    """A write that the service refuses for the sake of a removed field leads to a survey, and arrives in the new field."""
    one = installed()
    one.contacts("Ala")
    one.settle()
    one.pipedrive_does("remove_field", field_code=_code(one, "Instant messenger"))
    one.google_does("update", id=one.google()[0]["id"], fields={"imClients": [{"username": "neu", "protocol": "skype"}]})
    one.settle()
    assert "neu" in str(_held(one, _code(one, "Instant messenger")))
    assert _messengers(one) == ["neu"]


def test_the_same_group_made_again_is_recognised(installed: Callable[..., Installed]) -> None:
    """The group is deleted and a person makes one of the same name: the paired contacts go back into it, and edits flow."""
    one = installed()
    one.contacts("Ala", "Bartek")
    one.settle()
    one.google_does("delete_group", group="Pipedrive")
    assert one.cycle().state.value == "waiting-for-person"
    assert "regroup" in one.status().next_step
    assert one.cycle().state.value == "waiting-for-person"
    one.google_does("create_group", name="Pipedrive")
    one.pipedrive_does("update_person", id=one.pipedrive()[0]["id"], first_name="Ola", last_name="Nowak")
    one.settle()
    group = one.tandem.links.one(one.link).left_settings["group"].removeprefix("contactGroups/")
    assert all(group in contact["groups"] for contact in one.google())
    assert "Ola" in {contact["fields"]["names"][0]["givenName"] for contact in one.google()}
    assert len(one.pipedrive()) == 2
