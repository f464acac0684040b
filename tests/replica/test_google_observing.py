"""What the replica of Google says about contacts, and what it never concludes."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx2
import pytest

from replica.google_bench import Bench, handle, sightings
from replica.worlds import WorldClock
from tandem.connectors.google import api
from tandem.connectors.http import make_client
from tandem.errors import ConsentNarrowed, CursorExpired, GroupGone, Malformed
from tandem.replica import Absent, Handle, Listing, Observation, Tombstone, Unreadable
from tandem.sandbox.faults import Rule
from tandem.sandbox.google_oauth import OPENID
from tandem.sandbox.world import World

ANN = {"names": [{"givenName": "Ann", "familyName": "Lee"}]}
DAY_S = 86400.0


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """A signed-in account with a group."""
    return Bench(world, clock, client)


def test_a_full_listing_shows_everything_and_ends_with_a_cursor(bench: Bench) -> None:
    """Contacts outside the group too, marked as such; over several pages; the cursor stands on the last page alone."""
    inside = bench.contact(**ANN)
    outside = bench.contact(inside=False, **ANN)
    for n in range(1000):
        bench.contact(names=[{"givenName": f"Nr {n}"}])
    pages = bench.drain()
    assert [page.listing for page in pages] == [Listing.FULL] * 2
    assert [page.cursor is None for page in pages] == [True, False]
    seen = {one.handle.id: one for one in sightings(pages)}
    assert len(seen) == 1002
    assert (seen[inside].in_scope, seen[outside].in_scope) == (True, False)


def test_an_observation_is_the_record(bench: Bench) -> None:
    """Id and version of the contact's own source, the raw record as it was received; reads and listings agree on the version."""
    id_ = bench.contact(**ANN, phoneNumbers=[{"value": "+48 500 000 000", "type": "mobile"}])
    (listed,) = sightings(bench.drain())
    read = bench.see(id_)
    assert listed.handle == read.handle == handle(id_)
    assert listed.version == read.version
    assert read.version.endswith(f"#{bench.stored(id_)['etag']}")
    assert listed.contact == read.contact == bench.replica.decode(listed.raw)
    assert json.loads(listed.raw)["phoneNumbers"][0]["canonicalForm"] == "+48500000000"


def test_a_change_stream_shows_changes_and_deletions(bench: Bench) -> None:
    """A quiet drain is empty and moves the cursor; an edit, a deletion and a change of label come through it."""
    edited, deleted, unlabelled, quiet = (bench.contact(**ANN) for _ in range(4))
    cursor = bench.drain()[-1].cursor
    (page,) = bench.drain(cursor)
    assert (page.listing, page.sightings) == (Listing.CHANGES, ())
    bench.human("update", id=edited, fields={"names": [{"givenName": "Eva"}]})
    bench.human("delete", id=deleted)
    bench.human("remove_label", id=unlabelled, group=bench.group)
    seen = {one.handle.id: one for one in sightings(bench.drain(page.cursor))}
    assert seen.keys() == {edited, deleted, unlabelled}
    assert seen[edited].contact.text("first_name") == "Eva"
    assert seen[deleted] == Tombstone(handle(deleted))
    assert not seen[unlabelled].in_scope
    assert quiet not in seen


def test_a_cursor_is_given_up_after_six_days(bench: Bench) -> None:
    """The seven days run from the full listing, whatever came since; what is later is not even asked."""
    cursor = bench.drain()[-1].cursor
    for _ in range(5):
        bench.world.clock.advance(DAY_S)
        cursor = bench.drain(cursor)[-1].cursor
    bench.world.clock.advance(DAY_S)
    bench.world.log.clear()
    with pytest.raises(CursorExpired):
        bench.drain(cursor)
    assert "people.connections.list" not in bench.kinds()


def test_a_token_that_the_service_refuses_is_an_expired_cursor(bench: Bench) -> None:
    """Expired early, foreign, or made for other parameters: one answer to all of them is to list everything."""
    kept = json.loads(bench.drain()[-1].cursor)
    later = (bench.clock.now() + timedelta(days=1)).isoformat()
    damages = ({"token": "AAAA"}, {"token": ""}, {"template": "x"}, {"listed_at": later}, {"listed_at": "soon"}, {"listed_at": 5})
    for text in ("", "x", "[]", "{}", *(json.dumps(kept | damage) for damage in damages)):
        with pytest.raises(CursorExpired):
            bench.drain(text)
    bench.world.faults.add(Rule("google", "people.connections.list", "400"))
    with pytest.raises(CursorExpired):
        bench.drain(json.dumps(kept))


def test_versions_sort_by_time(bench: Bench) -> None:
    """Of one contact a later version sorts behind an earlier one, whatever its etag looks like."""
    id_ = bench.contact(**ANN)
    versions = []
    for seconds in (0.0, 0.5, 0.25, 10.0):
        bench.world.clock.advance(seconds)
        bench.human("touch", id=id_)
        versions.append(bench.see(id_).version)
    assert versions == sorted(versions)


def test_expiry_at_a_later_page_ends_the_drain(bench: Bench) -> None:
    """The pages before it are thrown away by whoever drains."""
    cursor = bench.drain()[-1].cursor
    for n in range(1001):
        bench.contact(names=[{"givenName": f"Nr {n}"}])
    bench.world.faults.add(Rule("google", "people.connections.list", "400", skip=1))
    pages = bench.replica.changes(cursor)
    assert next(pages).cursor is None
    with pytest.raises(CursorExpired):
        next(pages)


def test_an_unreadable_page_is_no_end(bench: Bench) -> None:
    """Half a page is an error, not a short listing."""
    bench.contact(**ANN)
    bench.world.faults.add(Rule("google", "people.connections.list", "garbage", times=None))
    with pytest.raises(Malformed):
        bench.drain()


@pytest.mark.parametrize("content", [b"{}", b'{"connections": []}'])
def test_a_listing_without_an_end_proves_nothing(bench: Bench, content: bytes) -> None:
    """A last page that brings no sync token gives no cursor."""
    answers = {
        "connections": httpx2.Response(200, content=content),
        "Groups": httpx2.Response(200, content=b'{"resourceName": "contactGroups/x"}'),
    }

    class Endless(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            return next(answer for part, answer in answers.items() if part in request.url.path)

    bench.client = make_client(timeout_s=1.0, transport=Endless())
    bench.open()
    (page,) = bench.drain()
    assert page.cursor is None


def test_a_changed_name_is_told(bench: Bench) -> None:
    """The locator changes, the id stays; the old locator still finds it."""
    id_ = bench.contact(**ANN)
    before = bench.see(id_)
    cursor = bench.drain()[-1].cursor
    bench.human("rename_resource", id=id_)
    (page,) = bench.drain(cursor)
    (seen,) = page.sightings
    assert seen.handle.id == id_
    assert seen.handle.locator != before.handle.locator
    assert page.relocated == {before.handle.locator: seen.handle}
    assert bench.see(id_).handle == seen.handle


def test_a_group_that_is_gone_concludes_nothing(bench: Bench) -> None:
    """It stops the link before anything is listed."""
    bench.contact(**ANN)
    bench.human("delete_group", group=bench.group)
    with pytest.raises(GroupGone):
        bench.drain()
    assert "people.connections.list" not in bench.kinds()


def test_a_new_group_is_waited_for(bench: Bench) -> None:
    """For some seconds it is not found; that is no reason to stop."""
    bench.world.google.switches["group_delay_s"] = 2.0
    assert bench.drain()
    assert sum(bench.clock.waits) >= 2.0


def test_direct_reads_come_in_order(bench: Bench) -> None:
    """Hundreds in a few calls, the missing ones where they were asked for; a repeated one is answered twice."""
    ids = [bench.contact(names=[{"givenName": f"Nr {n}"}]) for n in range(401)]
    bench.human("delete", id=ids[7])
    bench.world.log.clear()
    asked = [handle(id_) for id_ in reversed(ids)] + [handle("abc"), handle(ids[0])]
    found = bench.replica.fetch(asked)
    assert [one.handle for one in found] == asked
    absent = [one.handle.id for one in found if isinstance(one, Absent)]
    assert absent == [ids[7], "abc"]
    assert bench.kinds() == ["people.getBatchGet"] * 3
    assert found[-1].contact.text("first_name") == "Nr 0"
    assert bench.replica.fetch([]) == []


def test_a_read_refused_as_a_whole_is_read_in_parts(bench: Bench) -> None:
    """One bad name hides no other."""
    ids = [bench.contact(**ANN) for _ in range(5)]
    bench.world.faults.add(Rule("google", "people.getBatchGet", "400", times=2))
    found = bench.replica.fetch([handle(id_) for id_ in ids])
    assert [type(one) for one in found] == [Observation] * 5


def test_what_merged_into_another_is_told_apart(bench: Bench) -> None:
    """A name that leads to another record is a deletion with a survivor, never that record's content under the wrong id."""
    id_ = bench.contact(**ANN)
    (found,) = bench.replica.fetch([Handle("abc", handle(id_).locator)])
    assert found == Tombstone(Handle("abc", handle(id_).locator), merged_into=id_)


def test_a_cut_list_is_announced_and_read_whole(bench: Bench) -> None:
    """A listing shows a hundred entries at most: such a record is partial, read directly it is not."""
    id_ = bench.contact(**ANN, emailAddresses=[{"value": f"a{n}@example.com"} for n in range(150)])
    (listed,) = sightings(bench.drain())
    assert (listed.is_partial, len(listed.contact.entries("emails"))) == (True, 100)
    read = bench.see(id_)
    assert (read.is_partial, len(read.contact.entries("emails"))) == (False, 150)


def test_a_second_look_agrees_or_names_the_difference(bench: Bench) -> None:
    """The group's own list of members against what a listing showed, whatever the contacts are called by now."""
    ids = {bench.contact(**ANN) for _ in range(3)}
    stranger = bench.contact(inside=False, **ANN)
    assert bench.replica.disputed(frozenset(ids)) == frozenset()
    renamed = min(ids)
    bench.human("rename_resource", id=renamed)
    assert bench.replica.disputed(frozenset(ids)) == frozenset()
    assert bench.replica.disputed(frozenset(ids - {renamed} | {stranger})) == {renamed, stranger}


def test_an_empty_group_is_agreed_upon(bench: Bench) -> None:
    """No members, none listed."""
    assert bench.replica.disputed(frozenset()) == frozenset()


def test_identity_is_the_account(bench: Bench) -> None:
    """An id that never changes, and the address where the consent covers it."""
    me = bench.replica.identity()
    assert (me.name, me.id.startswith("people/")) == ("sandbox.person@example.com", True)


def test_narrowed_consent_stops_the_link(bench: Bench) -> None:
    """Signed in, but without the contacts."""
    bench.world.google.oauth.grants["sandbox-google-refresh"].scopes = (OPENID,)
    with pytest.raises(ConsentNarrowed):
        bench.drain()


def test_adopting_puts_into_the_group(bench: Bench) -> None:
    """In calls of a thousand at most; may be repeated; what is gone is passed over; other labels stay."""
    ids = [bench.contact(inside=False, **ANN) for _ in range(1001)]
    bench.human("add_label", id=ids[0], group="starred")
    bench.human("delete", id=ids[1])
    bench.replica.adopt([handle(id_) for id_ in ids])
    bench.replica.adopt([handle(ids[0])])
    assert bench.writes() == ["contactGroups.members.modify"] * 3
    assert bench.see(ids[0]).in_scope
    assert "starred" in bench.stored(ids[0])["groups"]
    assert bench.replica.disputed(frozenset(ids) - {ids[1]}) == frozenset()


def test_groups_can_be_listed_and_made(bench: Bench) -> None:
    """For choosing one: with member counts, the system's own marked."""
    bench.contact(**ANN)
    made = api.create_group(bench.door, "Kunden")
    groups = {group.title: group for group in api.list_groups(bench.door)}
    assert groups["Kunden"] == made
    assert (groups["Pipedrive"].member_count, groups["Pipedrive"].is_system) == (1, False)
    assert groups["My Contacts"].is_system
    assert api.get_group(bench.door, bench.group, 5).members


def test_nothing_has_to_be_prepared(bench: Bench) -> None:
    """Every field is Google's own, and the marker has its place: no request at all."""
    assert bench.replica.survey() == bench.replica.enable()
    assert bench.replica.survey().holds_marker
    assert not bench.replica.has_attachments(handle("abc"))
    assert bench.kinds() == []


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("effect", ["403", "403-html"])
def test_what_may_not_be_read_is_unreadable(bench: Bench, effect: str, count: int) -> None:
    """A prohibition is no deletion, and is not asked again for each."""
    ids = [bench.contact(**ANN) for _ in range(count)]
    bench.world.faults.add(Rule("google", "people.get|getBatchGet", effect, times=None))
    assert [type(one) for one in bench.replica.fetch([handle(id_) for id_ in ids])] == [Unreadable] * count
    assert len(bench.kinds()) == 1


def test_a_name_that_the_service_does_not_take_is_unreadable(bench: Bench) -> None:
    """A single read that is refused says nothing about the record."""
    bench.world.faults.add(Rule("google", "people.get", "400"))
    assert isinstance(bench.replica.fetch([handle("abc")])[0], Unreadable)


def test_a_member_that_cannot_be_read_is_disputed(bench: Bench) -> None:
    """What the group names and nothing else shows stays in question."""
    id_ = bench.contact(**ANN)
    bench.world.faults.add(Rule("google", "people.get$", "404", times=None))
    assert bench.replica.disputed(frozenset()) == {id_}


def test_nobody_makes_references_here(bench: Bench) -> None:
    """Contacts bear the organisation's name themselves."""
    assert not bench.replica.capabilities.has_references
    with pytest.raises(NotImplementedError):
        bench.replica.create_references(["Acme"])
