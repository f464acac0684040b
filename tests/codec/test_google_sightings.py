"""What Google's answers say about records, and what they do not say."""

from __future__ import annotations

import json

import pytest

from tandem.connectors.google.observing import answers, created, observe, see
from tandem.errors import Malformed
from tandem.replica import Absent, Handle, Observation, Tombstone, Unreadable

GROUP = "contactGroups/1"
SOURCE = {"type": "CONTACT", "id": "8e620c78e01409e", "etag": "#bUk81Tdzxtc=", "updateTime": "2023-03-29T08:09:22.140191Z"}
NAME = "people/c641236038399901854"
HANDLE = Handle("8e620c78e01409e", NAME)


def person(**more: object) -> dict:
    """A live contact."""
    return {"resourceName": NAME, "etag": "%x", "metadata": {"sources": [SOURCE]}, **more}


def with_source(**more: object) -> dict:
    """A contact whose source says something else."""
    return {**person(), "metadata": {"sources": [{"type": "PROFILE", "id": "1"}, {**SOURCE, **more}]}}


def raw(value: object) -> bytes:
    """As it stands in a page."""
    return json.dumps(value).encode()


def test_the_raw_record_is_kept_to_the_byte() -> None:
    """Spaces, order of keys and unknown parts included."""
    text = raw(person(somethingNew=[1.0, {"b": 1, "a": "\u017c"}])).replace(b", ", b" ,  ")
    seen = see(text, GROUP).sighting
    assert isinstance(seen, Observation)
    assert seen.raw == text


@pytest.mark.parametrize("damage", [{"names": "x"}, {"phoneNumbers": [{"value": 5}]}, {"memberships": [5]}, {"clientData": [{"key": 1}]}])
def test_a_record_that_is_not_understood_is_unreadable(damage: dict) -> None:
    """It is there, it is told apart, and it holds up no other."""
    seen = see(raw(person() | damage), GROUP).sighting
    assert isinstance(seen, Unreadable)
    assert seen.handle == HANDLE


@pytest.mark.parametrize("lacking", [{"etag": ""}, {"updateTime": ""}, {"updateTime": "yesterday"}, {"etag": None}])
def test_a_record_without_a_version_is_unreadable(lacking: dict) -> None:
    """Nothing could be built on it."""
    assert isinstance(see(raw(with_source(**lacking)), GROUP).sighting, Unreadable)


def test_what_has_no_id_spoils_the_page() -> None:
    """A listing that cannot say what it shows is no listing."""
    for odd in ({}, [], {"resourceName": "people/107"}, {"metadata": {"sources": [SOURCE]}}):
        with pytest.raises(Malformed):
            see(raw(odd), GROUP)


def test_a_tombstone_may_have_little_more_than_its_name() -> None:
    """The mark wins over whatever else stands there; the id is told from the name if need be."""
    full = {**person(names=[{"givenName": "Ann"}]), "metadata": {"sources": [{"type": "CONTACT", "id": SOURCE["id"]}], "deleted": True}}
    bare = {"resourceName": NAME, "metadata": {"deleted": True}}
    assert see(raw(full), GROUP).sighting == see(raw(bare), GROUP).sighting == Tombstone(HANDLE)


def test_versions_have_one_form() -> None:
    """Whatever the number of decimals, a later time sorts behind an earlier one."""
    times = ["2023-03-29T08:09:22Z", "2023-03-29T08:09:22.1Z", "2023-03-29T08:09:22.140191Z", "2023-03-29T08:09:22.140192999Z"]
    versions = [observe(with_source(updateTime=time), GROUP).version for time in times]
    assert versions == sorted(versions)
    assert len({len(version) for version in versions}) == 1


def test_each_handle_has_its_answer() -> None:
    """By name, in the order asked; what the answer leaves out or forbids is unreadable, never deleted."""
    names = ("people/c1", "people/c2", "people/c3", "people/c4", NAME)
    handles = [*(Handle(str(n), name) for n, name in enumerate(names[:4])), HANDLE]
    responses = [
        {"requestedResourceName": NAME, "person": person()},
        {"requestedResourceName": "people/c1", "status": {"code": 5}},
        {"requestedResourceName": "people/c2", "httpStatusCode": 403, "status": {"code": 7}},
        {"requestedResourceName": "people/c3", "person": {"resourceName": "people/c3"}},
    ]
    found = answers(responses, handles, GROUP)
    assert [type(one) for one in found] == [Absent, Unreadable, Unreadable, Unreadable, Observation]
    assert [one.handle for one in found] == handles


def test_of_a_batch_only_what_can_be_read_was_seen_made() -> None:
    """The others are in doubt."""
    assert [one.handle for one in created({"createdPeople": [{}, {"person": {}}, {"person": person()}]}, GROUP)] == [HANDLE]
