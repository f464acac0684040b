"""Promise: each write is sent once, on what was just read, names only what changes, and its outcome says exactly what is known."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from replica.pipedrive_bench import (
    MARKER,
    WHOLE,
    ApiToken,
    Bench,
    added,
    body_of,
    create,
    delete,
    drain,
    handle,
    make_reference,
    see,
    sightings,
    update,
    written,
)
from replica.worlds import WorldClock
from tandem.connectors.http import make_client
from tandem.core.contact import (
    ADDRESS,
    EMAILS,
    FIRST_NAME,
    LAST_NAME,
    MESSENGERS,
    ORGANISATION,
    PHONES,
    Address,
    Contact,
    Edit,
    Entry,
)
from tandem.replica import Moved, Refused, Removed, Tombstone
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """The company as its administrator sees it."""
    return Bench(world, clock, client)


@pytest.mark.parametrize("sync", [True, False])
def test_a_person_is_created_whole(bench: Bench, sync: bool) -> None:
    """One call; everything is there, labels and primaries too, with the marker, the owner and the visibility of the link."""
    bench.switch(contact_sync_enabled=sync)
    replica = bench.replica(visible_to=1)

    seen = written(create(replica, WHOLE))

    stored = bench.stored(seen.handle.id)
    assert bench.kinds() == ["addPerson"]
    assert {name: seen.contact.values[name] for name in (FIRST_NAME, LAST_NAME, EMAILS, PHONES)} == {
        name: WHOLE.values[name] for name in (FIRST_NAME, LAST_NAME, EMAILS, PHONES)
    }
    assert seen.contact.entries(MESSENGERS) == (Entry("ana", "skype", primary=sync),)
    assert seen.contact.address().street == "Prosta 5/7"
    assert (stored["owner_id"], stored["visible_to"], seen.marker, seen.in_scope) == (1, 1, MARKER, True)
    assert see(replica, seen.handle.id) == seen
    assert sightings(drain(replica)) == [seen]


def test_visibility_is_the_users_default_unless_chosen(bench: Bench) -> None:
    """Without a choice nothing is said about it."""
    assert bench.stored(written(create(bench.replica(), WHOLE)).handle.id)["visible_to"] == 3


def test_a_person_joins_the_organisation_of_that_name(bench: Bench) -> None:
    """The organisation is found in the index, whatever its spelling; where there is none, nothing is made of it here."""
    replica = bench.replica()
    made = make_reference(replica, "Księgarnia Pod Dębem")
    contact = Contact({LAST_NAME: "Nowak", ORGANISATION: "KSIEGARNIA pod debem"})

    seen = written(create(replica, contact))
    refused = create(replica, Contact({LAST_NAME: "Nowak", ORGANISATION: "Unknown"}))

    assert (seen.reference, seen.contact.text(ORGANISATION)) == (made.id, "Księgarnia Pod Dębem")
    assert isinstance(refused, Refused)
    assert refused.fields == {ORGANISATION}
    moved = written(update(replica, seen, organisation=""))
    assert (moved.reference, moved.contact.text(ORGANISATION)) == ("", "")


def test_an_update_names_only_what_changes_and_keeps_the_rest(world: World, clock: WorldClock) -> None:
    """One read, one call with the touched fields alone; foreign entries, custom fields, notes, owner and labels stay as they were."""
    bodies: list[dict[str, object]] = []

    class Listening(SandboxTransport):
        """Keeps the bodies of changes."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "PATCH":
                bodies.append(body_of(request))
            return super().handle_request(request)

    with make_client(timeout_s=30.0, transport=Listening(world)) as client:
        bench = Bench(world, clock, client)
        bench.switch(contact_sync_enabled=True)
        foreign = bench.human("add_field", name="Shoe size", type="double")["field_code"]
        person = bench.person(
            first_name="Anna",
            last_name="Kowalska",
            user=2,
            label_ids=[2],
            notes="Likes tea",
            birthday="1980-02-29",
            job_title="Boss",
            emails=[
                {"value": "a@example.com", "label": "Newsletter", "primary": False},
                {"value": "b@example.com", "label": "WORK", "primary": True},
            ],
            custom_fields={foreign: 38.5},
        )
        replica = bench.replica(scope="visible")
        planned = see(replica, person)
        before = bench.stored(person)
        bench.world.log.clear()

        seen = written(update(replica, planned, emails=added(Entry("c@example.com", "home")), last_name="Nowak"))

        after = bench.stored(person)
    assert [(entry.kind, sum(entry.tokens.values())) for entry in world.log] == [("getPerson", 1), ("updatePerson", 5)]
    assert bodies == [
        {
            "emails": [*before["emails"], {"value": "c@example.com", "label": "home", "primary": False}],
            "first_name": "Anna",
            "last_name": "Nowak",
        }
    ]
    changed = {key for key in after if after[key] != before[key]}
    assert changed <= {"emails", "last_name", "name", "update_time"}
    assert seen.contact == planned.contact.replacing(
        {LAST_NAME: "Nowak", EMAILS: (*planned.contact.entries(EMAILS), Entry("c@example.com", "home"))}
    )


def test_nothing_to_write_is_not_written(bench: Bench) -> None:
    """An update whose delta this side cannot hold is done without a call."""
    replica = bench.replica()
    planned = written(create(replica, WHOLE))
    bench.world.log.clear()

    outcome = update(replica, planned, messengers=(Edit(Entry("ana", "skype"), Entry("ana", "skype", primary=True)),))

    assert written(outcome) == planned
    assert bench.kinds() == ["getPerson"]


@pytest.mark.parametrize("field", ["first_name", "emails"])
def test_a_moved_person_is_left_alone(bench: Bench, clock: WorldClock, field: str) -> None:
    """Somebody was quicker, even within the same second: nothing is sent, and the outcome shows what is there now."""
    person = bench.person(first_name="Anna", last_name="A", emails=[{"value": "a@example.com"}])
    replica = bench.replica()
    planned = see(replica, person)
    bench.human("update_person", id=int(person), **{field: "Hanna" if field == "first_name" else [{"value": "b@example.com"}]})

    outcome = update(replica, planned, last_name="B")

    assert outcome == Moved(see(replica, person))
    assert bench.stored(person)["last_name"] == "A"


def test_a_touched_person_is_still_the_same(bench: Bench, clock: WorldClock) -> None:
    """A later time without another content does not stop an update, but it stops a deletion."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    planned = see(replica, person)
    clock.sleep(10)
    bench.human("touch_person", id=int(person))

    assert isinstance(delete(replica, planned), Moved)
    assert written(update(replica, planned, last_name="B")).contact.text(LAST_NAME) == "B"


def test_an_old_state_is_not_written_on(bench: Bench, clock: WorldClock) -> None:
    """A lagging read right before the write shows less than is known: left alone."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    clock.sleep(100)
    planned = written(update(replica, see(replica, person), last_name="B"))
    bench.switch(get_lag_s=60.0)

    assert isinstance(update(replica, planned, first_name="Hanna"), Moved)


def test_an_old_state_of_the_same_content_is_not_written_on(bench: Bench, clock: WorldClock) -> None:
    """What Tandem does not see of a person may differ between the two: a version smaller than the planned one is never built on."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    clock.sleep(100)
    bench.human("touch_person", id=int(person))
    planned = see(replica, person)
    bench.switch(get_lag_s=60.0)

    assert isinstance(update(replica, planned, first_name="Hanna"), Moved)


def test_who_left_the_scope_is_left_alone(bench: Bench) -> None:
    """The person went to another owner since: nothing is written."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    planned = see(replica, person)
    bench.human("set_owner", id=int(person), owner_id=2)

    assert isinstance(update(replica, planned, last_name="B"), Moved)


@pytest.mark.parametrize("change", [update, delete])
def test_deleted_meanwhile(bench: Bench, change: Callable[..., object]) -> None:
    """An update of a deleted person moves nothing; a deletion of it is done."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    planned = see(replica, person)
    bench.human("delete_person", id=int(person))

    if change is delete:
        assert delete(replica, planned) == Removed()
    else:
        assert update(replica, planned, last_name="B") == Moved(Tombstone(handle(person)))


def test_a_deletion_goes_to_the_bin(bench: Bench) -> None:
    """One read, one call; afterwards Pipedrive says deleted."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    planned = see(replica, person)
    bench.world.log.clear()

    assert delete(replica, planned) == Removed()
    assert bench.kinds() == ["getPerson", "deletePerson"]
    assert replica.fetch([handle(person)]) == [Tombstone(handle(person))]


# --- clearing ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("null_address", ["accept", "refuse"])
@pytest.mark.parametrize("sync", [True, False])
def test_every_field_can_be_cleared(bench: Bench, sync: bool, null_address: str) -> None:
    """By null, by an empty value where null is refused; the rest stays."""
    bench.switch(contact_sync_enabled=sync, null_address=null_address)
    replica = bench.replica()
    make_reference(replica, "Acme")
    seen = written(create(replica, WHOLE.replacing({ORGANISATION: "Acme"})))
    for name in (ADDRESS, ORGANISATION, MESSENGERS, PHONES, LAST_NAME):
        value = seen.contact.values[name]
        nothing = tuple(Edit(entry, None) for entry in value) if isinstance(value, tuple) else type(value)()

        seen = written(update(replica, seen, **{name: nothing}))

        assert name not in seen.contact.values
    assert seen.contact == WHOLE.restricted([FIRST_NAME, EMAILS])


def test_an_organisation_that_cannot_be_left_is_refused(bench: Bench) -> None:
    """Null refused: the organisation is never emptied in another way; that field waits, with a sentence."""
    bench.switch(null_org_id="refuse")
    replica = bench.replica()
    make_reference(replica, "Acme")
    seen = written(create(replica, Contact({LAST_NAME: "Nowak", ORGANISATION: "Acme"})))
    bench.world.log.clear()

    outcome = update(replica, seen, organisation="")

    assert isinstance(outcome, Refused)
    assert outcome.fields == {ORGANISATION}
    assert bench.kinds() == ["getPerson", "updatePerson"]


def test_a_person_keeps_a_name(bench: Bench) -> None:
    """A cleared name leaves one that is made up and never seen; without anything to make it from it is refused."""
    replica = bench.replica()
    seen = written(create(replica, Contact({FIRST_NAME: "Anna", EMAILS: (Entry("a@example.com", "work", primary=True),)})))

    cleared = written(update(replica, seen, first_name=""))
    refused = update(replica, written(create(replica, Contact({FIRST_NAME: "Bert"}))), first_name="")

    assert (cleared.contact.text(FIRST_NAME), bench.stored(seen.handle.id)["name"]) == ("", "a@example.com")
    assert cleared.marker == MARKER
    assert isinstance(refused, Refused)
    assert refused.fields == {FIRST_NAME}
    assert isinstance(create(replica, Contact({ADDRESS: Address(text="Somewhere")})), Refused)


# --- what hangs on a person ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["open_deals_count", "closed_deals_count", "undone_activities_count"])
def test_deals_and_activities_are_attachments(bench: Bench, name: str) -> None:
    """One of any kind counts, and one that is not told counts as well."""
    person = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    assert not replica.has_attachments(handle(person))

    bench.human("set_counts", id=int(person), **{name: 1})
    assert replica.has_attachments(handle(person))
    bench.human("set_counts", id=int(person), **{name: 0})
    assert not replica.has_attachments(handle(person))
    bench.switch(hide_counts=name)
    assert replica.has_attachments(handle(person))
    assert replica.has_attachments(handle("999"))


def test_adopting_does_nothing(bench: Bench) -> None:
    """A person comes into the scope by a person's word; nothing is sent."""
    replica = bench.replica()
    replica.adopt([handle("1")])

    assert bench.kinds() == []
    assert ApiToken().renew() is False
