"""Promise: a link sees all of Pipedrive that it may see, concludes nothing from what it does not see, and reads as cheaply as it can."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import httpx2
import pytest

from replica.pipedrive_bench import Bench, create, drain, handle, see, sightings, update, written
from replica.worlds import WorldClock
from tandem.connectors.http import make_client
from tandem.core.contact import FIRST_NAME, LAST_NAME, MESSENGERS, ORGANISATION, Contact
from tandem.errors import CursorExpired, GroupGone, Malformed, Unavailable, WrongInput
from tandem.replica import Absent, Listing, Observation, Tombstone, Unreadable
from tandem.sandbox.faults import Rule
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """The company as its administrator sees it."""
    return Bench(world, clock, client)


def test_identity_is_company_and_user(bench: Bench, world: World, clock: WorldClock, client: httpx2.Client) -> None:
    """The id never changes; two users of a company are two identities; what the account page needs comes along."""
    replica = bench.replica()
    colleague = Bench(world, clock, client, user=2).replica(layout="")

    user = replica.api.current_user()

    assert (replica.identity().id, replica.identity().name) == ("1:1", "Sandbox Company, You")
    assert colleague.identity().id == "1:2"
    assert (user.company_domain, user.is_admin, user.timezone, user.locale) == ("sandbox-company", True, "Europe/Warsaw", "pl_PL")
    assert not colleague.api.current_user().is_admin


def test_a_full_listing_shows_organisations_before_persons(bench: Bench) -> None:
    """The name of each person's organisation is known when the person is decoded; only the last page has a cursor."""
    organisation = bench.human("create_organization", name="Acme")
    anna = bench.person(first_name="Anna", last_name="Kowalska", org_id=organisation["id"])
    pages = drain(bench.replica(scope="visible"))

    assert [page.listing for page in pages] == [Listing.FULL] * len(pages)
    assert [page.cursor is not None for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[0].references[0].name == "Acme"
    (seen,) = sightings(pages)
    assert isinstance(seen, Observation)
    assert seen.contact == Contact({FIRST_NAME: "Anna", LAST_NAME: "Kowalska", ORGANISATION: "Acme"})
    assert (seen.handle, seen.version, seen.reference) == (handle(anna), "2026-11-16T09:00:00Z", str(organisation["id"]))
    assert json.loads(seen.raw) == bench.stored(anna)


def test_long_lists_come_whole(bench: Bench) -> None:
    """More persons than one page holds, for the price of three pages."""
    for number in range(1001):
        bench.person(first_name=f"P{number}", last_name="X")
    replica = bench.replica(scope="visible")

    pages = drain(replica)

    assert len({sighting.handle.id for sighting in sightings(pages)}) == 1001
    assert bench.tokens() == 10 + 10 + 10 + 30  # what was newest, twice; organisations; persons


def test_changes_since_a_cursor(bench: Bench, clock: WorldClock) -> None:
    """What moved is shown with its new content, a renamed organisation as a reference; what did not move is not shown."""
    organisation = bench.human("create_organization", name="Acme")
    anna = bench.person(first_name="Anna", last_name="A", org_id=organisation["id"])
    bench.person(first_name="Bert", last_name="B")
    clock.sleep(60)
    replica = bench.replica(scope="visible")
    cursor = drain(replica)[-1].cursor
    clock.sleep(60)
    bench.human("update_person", id=int(anna), first_name="Hanna")
    bench.human("rename_organization", id=organisation["id"], name="Acme & Sons")

    pages = drain(replica, cursor)

    assert {page.listing for page in pages} == {Listing.CHANGES}
    assert [reference.name for page in pages for reference in page.references] == ["Acme & Sons"]
    assert next(one for one in sightings(pages) if one.handle.id == anna).contact == Contact(
        {FIRST_NAME: "Hanna", LAST_NAME: "A", ORGANISATION: "Acme & Sons"}
    )
    again = drain(replica, pages[-1].cursor)
    assert [sighting.handle.id for sighting in sightings(again)] == [anna]  # its second is included, so nothing can slip through


def test_organisations_are_asked_about_only_as_often_as_wished(bench: Bench, clock: WorldClock) -> None:
    """A look at persons alone costs ten tokens; the organisation of a person that is not known is read for one."""
    replica = bench.replica(scope="visible", organisations_every=lambda: 1800.0)
    cursor = drain(replica)[-1].cursor
    clock.sleep(60)
    organisation = bench.human("create_organization", name="Acme")
    bench.person(first_name="Anna", last_name="A", org_id=organisation["id"])
    bench.world.log.clear()

    first = drain(replica, cursor)
    spent = bench.tokens()
    clock.sleep(1800)
    drain(replica, first[-1].cursor)

    assert sightings(first)[0].contact.text(ORGANISATION) == "Acme"
    assert [reference.name for page in first for reference in page.references] == ["Acme"]
    assert spent == 11
    assert bench.kinds().count("getOrganizations") == 1


@pytest.mark.parametrize("lag_s", [0.0, 5.0, 120.0])
def test_nothing_slips_through_a_lag(bench: Bench, clock: WorldClock, lag_s: float) -> None:
    """Lists that show an old state: whatever changes at whatever moment round a look is seen by a later one."""
    bench.switch(read_lag_s=lag_s)
    ids = [bench.person(first_name=f"P{number}", last_name="X") for number in range(4)]
    clock.sleep(300)
    replica = bench.replica(scope="visible", read_lag_s=lag_s)
    cursor = drain(replica)[-1].cursor
    seen: dict[str, str] = {}
    for turn in range(30):
        bench.human("update_person", id=int(ids[turn % 4]), last_name=f"at {turn}")
        clock.sleep((turn * 7) % 13 * 0.37)
        pages = drain(replica, cursor)
        cursor = pages[-1].cursor
        seen |= {one.handle.id: one.contact.text(LAST_NAME) for one in sightings(pages)}
    clock.sleep(lag_s + 1)
    seen |= {one.handle.id: one.contact.text(LAST_NAME) for one in sightings(drain(replica, cursor))}

    assert seen == {ids[turn % 4]: f"at {turn}" for turn in range(26, 30)}


def test_what_changes_during_a_long_walk_is_seen_afterwards(world: World, clock: WorldClock) -> None:
    """The cursor of a full listing stands where the walk began: a change behind the walker's back comes with the next look."""
    edits: list[int] = []

    class Busy(SandboxTransport):
        """A company in which somebody edits the first person while later pages are read, and then a late one."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            response = super().handle_request(request)
            if b"cursor" in request.url.query and b"persons" in request.url.raw_path:
                world.clock.advance(20)
                for id_ in (1, 1400) if not edits else ():
                    edits.append(id_)
                    world.pipedrive.human("update_person", {"id": id_, "last_name": "Edited"})
                    world.clock.advance(20)
            return response

    with make_client(timeout_s=30.0, transport=Busy(world)) as client:
        bench = Bench(world, clock, client)
        for number in range(1500):
            bench.person(first_name=f"P{number}", last_name="X")
        clock.sleep(60)
        replica = bench.replica(scope="visible", read_lag_s=5.0)
        cursor = drain(replica)[-1].cursor
        seen = {one.handle.id for one in sightings(drain(replica, cursor))}

    assert edits == [1, 1400]
    assert seen >= {"1", "1400"}


def test_another_question_wants_a_full_listing(bench: Bench) -> None:
    """A cursor belongs to scope and fields; with others, or with nonsense, it is expired."""
    replica = bench.replica(scope="visible")
    cursor = drain(replica)[-1].cursor

    for other in (bench.replica(scope="mine"), bench.replica(scope="visible", layout="")):
        with pytest.raises(CursorExpired):
            drain(other, cursor)
    with pytest.raises(CursorExpired):
        drain(replica, "nonsense")
    with pytest.raises(WrongInput):
        bench.replica(scope="everything")


def test_scopes(bench: Bench) -> None:
    """Mine, all that is visible, a filter: everybody is seen, and each knows whether the link may touch him."""
    mine = bench.person(first_name="Mine", last_name="X")
    theirs = bench.person(first_name="Theirs", last_name="X", user=2)
    labelled = bench.person(first_name="Labelled", last_name="X", user=2, label_ids=[2])
    chosen = bench.human("create_filter", name="Hot", conditions=[{"field": "label_ids", "value": 2}])["id"]

    def inside(scope: str) -> set[str]:
        seen = sightings(drain(bench.replica(scope=scope)))
        assert len(seen) == 3
        return {one.handle.id for one in seen if one.in_scope}

    assert inside("mine") == {mine}
    assert inside("visible") == {mine, theirs, labelled}
    assert inside(f"filter:{chosen}") == {labelled}
    replica = bench.replica(scope=f"filter:{chosen}")
    assert [see(replica, id_).in_scope for id_ in (mine, labelled)] == [False, True]
    assert [(one.id, one.name) for one in replica.api.filters()] == [(chosen, "Hot")]
    bench.human("delete_filter", id=chosen)
    with pytest.raises(GroupGone):
        drain(replica)


def test_who_leaves_the_scope_is_seen_leaving(bench: Bench, clock: WorldClock) -> None:
    """Another owner: still shown, no longer in scope."""
    anna = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica(scope="mine")
    cursor = drain(replica)[-1].cursor
    clock.sleep(10)
    bench.human("set_owner", id=int(anna), owner_id=2)

    assert [(one.handle.id, one.in_scope) for one in sightings(drain(replica, cursor))] == [(anna, False)]


@pytest.mark.parametrize("count", [3, 25])
def test_direct_reads_tell_deleted_gone_hidden_and_living_apart(
    bench: Bench, world: World, clock: WorldClock, client: httpx2.Client, count: int
) -> None:
    """In the order asked, singly or by lists: a tombstone only where Pipedrive says deleted; 404 is absence, hidden as well."""
    living = [bench.person(first_name=f"P{number}", last_name="X") for number in range(count)]
    deleted = bench.person(first_name="Gone", last_name="X")
    hidden = bench.person(first_name="Hidden", last_name="X", visible_to=1)
    bench.human("delete_person", id=int(deleted))
    colleague = Bench(world, clock, client, user=2).replica(layout="", scope="visible")

    found = colleague.fetch([handle(deleted), *map(handle, living), handle("999"), handle(hidden)])

    assert found[0] == Tombstone(handle(deleted))
    assert [one.handle.id for one in found[1:-2] if isinstance(one, Observation)] == living
    assert found[-2:] == [Absent(handle("999")), Absent(handle(hidden))]
    assert bench.tokens() == (count + 3 if count == 3 else 10 + 3)
    assert colleague.fetch([]) == []


def test_what_cannot_be_read_is_not_gone(bench: Bench, world: World) -> None:
    """403 and half an answer make a record unreadable; a service that is down raises, and says nothing about any record."""
    anna = bench.person(first_name="Anna", last_name="A")
    replica = bench.replica()
    world.faults.add(Rule("pipedrive", "^getPerson$", "garbage", times=1))
    (garbled,) = replica.fetch([handle(anna)])
    world.faults.add(Rule("pipedrive", "^getPerson$", "503", times=9))

    with pytest.raises(Unavailable):
        replica.fetch([handle(anna)])

    assert isinstance(garbled, Unreadable)
    world.faults.add(Rule("pipedrive", "^getPersons$", "garbage", times=1))
    with pytest.raises(Malformed):
        drain(replica)


def test_a_deleted_organisation_is_told_and_a_hidden_one_keeps_its_name(
    bench: Bench, world: World, clock: WorldClock, client: httpx2.Client
) -> None:
    """Hidden is not removed: the name that is known stays; one that was never known is nothing, and is never written over."""
    known = bench.human("create_organization", name="Known")["id"]
    secret = bench.human("create_organization", name="Secret", visible_to=1)["id"]
    first = bench.person(first_name="A", last_name="A", org_id=known)
    second = bench.person(first_name="B", last_name="B", org_id=secret)
    other = bench.human("create_organization", name="Other")["id"]
    colleague = Bench(world, clock, client, user=2)
    replica = colleague.replica(layout="", scope="visible")
    cursor = drain(replica)[-1].cursor
    clock.sleep(10)
    bench.human("set_visibility", kind="organization", id=known, visible_to=1)
    bench.human("touch_person", id=int(first))

    seen = {one.handle.id: one for one in sightings(drain(replica, cursor))}
    refused = update(replica, see(replica, second), organisation="Other")
    bench.human("delete_organization", id=other)
    gone = replica._organisations.look_up([str(other)])  # as a person pointing at it would cause

    assert seen[first].contact.text(ORGANISATION) == "Known"
    assert refused.fields == {ORGANISATION}
    assert [(reference.id, reference.is_gone) for reference in gone] == [(str(other), True)]
    assert replica._organisations.id_for("Other") is None


def test_decoding_uses_the_names_of_now(bench: Bench, clock: WorldClock) -> None:
    """A raw person kept from before is read with what its organisation is called today."""
    organisation = bench.human("create_organization", name="Acme")["id"]
    anna = bench.person(first_name="Anna", last_name="A", org_id=organisation)
    replica = bench.replica()
    cursor = drain(replica)[-1].cursor
    raw = see(replica, anna).raw
    clock.sleep(10)
    bench.human("rename_organization", id=organisation, name="Zenith")
    drain(replica, cursor)

    assert replica.decode(raw).text(ORGANISATION) == "Zenith"


def test_two_walks_agree_unless_one_was_cut_short(bench: Bench, world: World, clock: WorldClock) -> None:
    """A listing without its tail is disputed on what it lacks; what was made, changed or deleted since is no dispute."""
    ids = [bench.person(first_name=f"P{number}", last_name="X") for number in range(12)]
    clock.sleep(60)
    replica = bench.replica(scope="visible")
    drain(replica)
    clock.sleep(60)
    new = bench.person(first_name="New", last_name="X")
    bench.human("delete_person", id=int(ids[0]))

    assert replica.disputed(frozenset(ids)) == frozenset()
    assert replica.disputed(frozenset(ids[:5])) == frozenset(ids[5:])
    assert replica.disputed(frozenset([*ids, new, "999"])) == {"999"}


def test_a_removed_field_is_never_read_as_empty(bench: Bench) -> None:
    """Somebody deletes the custom field of messengers: the persons are unreadable until the fields are surveyed again."""
    replica = bench.replica()
    anna = written(create(replica, Contact({FIRST_NAME: "Anna", MESSENGERS: ()})))
    bench.human("remove_field", field_code=replica.survey().places[MESSENGERS])

    assert all(isinstance(one, Unreadable) for one in sightings(drain(replica)))
    prepared = replica.survey()
    assert prepared.to_create == ("Instant messenger",)
    assert see(bench.replica(layout=prepared.layout), anna.handle.id).contact == Contact({FIRST_NAME: "Anna"})


def test_time_goes_out_in_whole_seconds(bench: Bench, world: World) -> None:
    """A fraction of a second is refused by Pipedrive; lags and clocks may have one."""
    bench.person(first_name="Anna", last_name="A")
    replica = bench.replica(read_lag_s=0.75)
    drain(replica, drain(replica)[-1].cursor)

    asked = [value for entry in world.log for name, value in entry.query if name == "updated_since"]
    assert asked
    assert [datetime.fromisoformat(text).microsecond for text in asked] == [0] * len(asked)
    assert all(datetime.fromisoformat(text) < world.clock.now() - timedelta(seconds=1) for text in asked)
