"""Changing and deleting contacts at Google: only what was planned on, only what was meant, and nothing else touched."""

from __future__ import annotations

import httpx2
import pytest

from replica.google_bench import Bench, handle, sightings
from replica.worlds import WorldClock
from tandem.core.contact import Edit, Entry
from tandem.errors import LeaseLost, NotAllowed, RateLimited, TandemError, Unavailable
from tandem.replica import Absent, Deletion, Moved, Observation, Refused, Removed, Unanswered, Untouched, Update, Written
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World

ONE = "people.updateContact"
MANY = "people.batchUpdateContacts"
REMOVE = "people.deleteContact"
LOST = ["lost-request", "lost-answer", "reset", "late", "500", "after-503", "garbage"]
RICH = {
    "names": [{"givenName": "Anna", "familyName": "Nowak", "honorificPrefix": "Dr.", "phoneticGivenName": "Ana"}],
    "nicknames": [{"value": "Ania"}],
    "organizations": [{"name": "Acme", "title": "Plumber"}, {"name": "Beta", "type": "school"}],
    "phoneNumbers": [{"value": "+48 500 000 000", "type": "mobile"}, {"value": "22 555 01 01", "type": "Ferienhaus"}],
    "emailAddresses": [{"value": "anna@example.com", "type": "work", "displayName": "A. N."}],
    "imClients": [{"username": "anna.n", "protocol": "googleTalk", "type": "home"}],
    "addresses": [{"city": "Gdańsk", "poBox": "12"}, {"formattedValue": "Lipowa 3\nSopot", "type": "home"}],
    "biographies": [{"value": "likes\ttea", "contentType": "TEXT_PLAIN"}],
    "birthdays": [{"date": {"month": 2, "day": 29}}],
    "userDefined": [{"key": "shoe size", "value": "38"}],
    "clientData": [{"key": "CtsContactHash", "value": "abc"}, {"key": "tandem", "value": "tandem1:a:b:c:d"}],
}


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """A signed-in account with a group."""
    return Bench(world, clock, client)


def renaming(bench: Bench, ids: list[str]) -> list[Update]:
    """An update of each, planned on what it is now."""
    found = bench.replica.fetch([handle(id_) for id_ in ids])
    return [Update(one, {"first_name": f"Eva {n}"}) for n, one in enumerate(found)]


def rich(bench: Bench, count: int) -> list[str]:
    """So many contacts with everything that a contact can hold."""
    return [bench.contact(**RICH) for _ in range(count)]


def test_an_update_touches_its_field_alone(bench: Bench) -> None:
    """P5: all the rest of the contact is stored as it was, labels included; the answer is what is there now."""
    (id_,) = rich(bench, 1)
    bench.human("add_label", id=id_, group="starred")
    before = bench.stored(id_)
    (outcome,) = bench.replica.update([Update(bench.see(id_), {"phones": (Edit(None, Entry("+48 600 000 000", "work mobile")),)})])
    after = bench.stored(id_)
    assert isinstance(outcome, Written)
    assert outcome.observation == bench.see(id_)
    added = {"value": "+48 600 000 000", "type": "workMobile"}
    assert after["fields"]["phoneNumbers"] == [*before["fields"]["phoneNumbers"], added]
    assert {**after["fields"], "phoneNumbers": None} == {**before["fields"], "phoneNumbers": None}
    assert (after["groups"], after["photo"]) == (before["groups"], before["photo"])


@pytest.mark.parametrize(("count", "calls"), [(6, [ONE] * 6), (7, [MANY]), (60, [MANY])])
def test_many_go_in_one_batch_under_one_mask(bench: Bench, count: int, calls: list[str]) -> None:
    """Each record changes in its own field; a list that the mask names for others' sake goes back as it stood."""
    ids = rich(bench, count)
    before = {id_: bench.fields(id_) for id_ in ids}
    deltas = [{"first_name": "Eva"}, {"organisation": "Gamma"}, {"emails": (Edit(Entry("anna@example.com", "work", primary=True), None),)}]
    updates = [Update(bench.see(id_), deltas[n % 3]) for n, id_ in enumerate(ids)]
    bench.world.log.clear()
    outcomes = bench.replica.update(updates)
    assert bench.writes() == calls
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    field = ["names", "organizations", "emailAddresses"]
    for n, id_ in enumerate(ids):
        after = bench.fields(id_)
        assert after != before[id_]
        assert {**after, field[n % 3]: None} == {**before[id_], field[n % 3]: None}


def test_nothing_to_write_is_no_request(bench: Bench) -> None:
    """An update that would change nothing is done already."""
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    bench.world.log.clear()
    assert bench.replica.update([Update(seen, {"first_name": "Anna"}), Update(seen, {})]) == [Written(seen)] * 2
    assert bench.kinds() == []


@pytest.mark.parametrize("count", [1, 8])
def test_a_record_that_moved_is_left_alone(bench: Bench, count: int) -> None:
    """Compare-and-set: never forced; what it is now comes back."""
    ids = rich(bench, count)
    updates = renaming(bench, ids)
    bench.human("update", id=ids[0], fields={"nicknames": [{"value": "Anka"}]})
    outcomes = bench.replica.update(updates)
    assert outcomes[0] == Moved(bench.see(ids[0]))
    assert all(isinstance(outcome, Written) for outcome in outcomes[1:])
    assert bench.fields(ids[0])["names"][0]["givenName"] == "Anna"


def test_of_a_refused_batch_the_rest_goes_again_at_once(bench: Bench) -> None:
    """The named ones are settled by their reasons; two requests in all, and one read of those that moved."""
    ids = rich(bench, 12)
    updates = renaming(bench, ids)
    updates[3] = Update(updates[3].planned_on, {"first_name": "x" * 2000})
    bench.human("touch", id=ids[1])
    bench.human("delete", id=ids[2])
    bench.world.log.clear()
    outcomes = bench.replica.update(updates)
    assert [type(outcome) for outcome in outcomes] == [Written, Moved, Moved, Refused] + [Written] * 8
    assert isinstance(outcomes[1].sighting, Observation)
    assert outcomes[2].sighting == Absent(handle(ids[2]))
    assert bench.kinds() == [MANY, MANY, "people.getBatchGet"]


def test_a_batch_refused_without_naming_anybody_is_halved(bench: Bench) -> None:
    """Each member bears its etag, so sending the parts is harmless; in the end each has its own answer."""
    ids = rich(bench, 14)
    updates = renaming(bench, ids)
    bench.world.log.clear()
    bench.world.faults.add(Rule("google", MANY, "400", times=2))
    assert all(isinstance(outcome, Written) for outcome in bench.replica.update(updates))
    assert bench.writes() == [MANY, MANY, *[ONE] * 7, MANY]
    assert {bench.fields(id_)["names"][0]["givenName"] for id_ in ids} == {f"Eva {n}" for n in range(14)}


@pytest.mark.parametrize("effect", LOST)
@pytest.mark.parametrize("count", [1, 8])
def test_a_lost_update_is_unanswered(bench: Bench, effect: str, count: int) -> None:
    """It may have happened; it is not sent again."""
    updates = renaming(bench, rich(bench, count))
    bench.world.log.clear()
    bench.world.faults.add(Rule("google", "pdateContact", effect, times=None))
    assert [type(outcome) for outcome in bench.replica.update(updates)] == [Unanswered] * count
    assert len(bench.writes()) == 1


@pytest.mark.parametrize("count", [3, 8])
@pytest.mark.parametrize(("effect", "error"), [("refused", Unavailable), ("403", NotAllowed), ("429", RateLimited), ("409", Unavailable)])
def test_what_concerns_the_account_ends_the_wave(bench: Bench, effect: str, error: type[TandemError], count: int) -> None:
    """All that was not sent is untouched, for the same reason."""
    updates = renaming(bench, rich(bench, count))
    bench.world.log.clear()
    bench.world.faults.add(Rule("google", "pdateContact", effect, times=None))
    outcomes = bench.replica.update(updates)
    assert [type(outcome.error) for outcome in outcomes if isinstance(outcome, Untouched)] == [error] * count
    assert len(bench.writes()) == 1


def test_a_lease_lost_between_two_updates(bench: Bench) -> None:
    """What was written is told."""
    updates = renaming(bench, rich(bench, 4))

    def gate() -> None:
        if ONE in bench.kinds():
            raise LeaseLost

    bench.gates.append(gate)
    assert [type(outcome) for outcome in bench.replica.update(updates)] == [Written] + [Untouched] * 3


def test_updates_chain_without_a_read_between(bench: Bench) -> None:
    """The answer of a write bears the version for the next one, although a read would still show the old one."""
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    bench.world.google.switches["get_lag_s"] = 600.0
    bench.world.clock.advance(1.0)
    for name in ("Eva", "Iga", "Ola"):
        (outcome,) = bench.replica.update([Update(seen, {"first_name": name})])
        assert isinstance(outcome, Written)
        seen = outcome.observation
    assert bench.fields(id_)["names"][0]["givenName"] == "Ola"


@pytest.mark.parametrize("count", [0, 8])
def test_a_cut_list_is_read_whole_before_it_is_written(bench: Bench, count: int) -> None:
    """The entries that a listing did not show are still there afterwards, also when the mask names the list for others' sake."""
    long = bench.contact(names=[{"givenName": "Long"}], emailAddresses=[{"value": f"a{n}@example.com"} for n in range(150)])
    rich(bench, count)
    seen = sightings(bench.drain())
    added = {"emails": (Edit(None, Entry("new@example.com")),)}
    updates = [Update(one, {"first_name": "Longer"} if one.handle.id == long and count else added) for one in seen]
    assert all(isinstance(outcome, Written) for outcome in bench.replica.update(updates))
    assert len(bench.fields(long)["emailAddresses"]) == (150 if count else 151)


def test_a_cut_list_of_a_record_that_moved(bench: Bench) -> None:
    """What was planned on is gone: nothing is written."""
    id_ = bench.contact(names=[{"givenName": "Long"}], emailAddresses=[{"value": f"a{n}@example.com"} for n in range(150)])
    (seen,) = sightings(bench.drain())
    bench.human("touch", id=id_)
    (outcome,) = bench.replica.update([Update(seen, {"first_name": "Eva"})])
    assert outcome == Moved(bench.see(id_))
    assert bench.writes() == []


def test_labels_are_never_written_by_an_update(bench: Bench) -> None:
    """A label put on after the read stays, even where that does not move the version."""
    bench.world.google.switches["membership_bumps_etag"] = False
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    bench.human("add_label", id=id_, group="starred")
    assert isinstance(bench.replica.update([Update(seen, {"first_name": "Eva"})])[0], Written)
    assert "starred" in bench.stored(id_)["groups"]


def test_a_deletion_is_one_look_and_one_call(bench: Bench) -> None:
    """Into the bin, with everything that it held."""
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    before = bench.fields(id_)
    bench.world.log.clear()
    assert bench.replica.delete(Deletion(seen)) == Removed()
    assert bench.kinds() == [ONE, REMOVE]
    assert bench.stored(id_)["life"] == "trashed"
    assert bench.fields(id_) == before


@pytest.mark.parametrize("data", [RICH["clientData"], []])
def test_a_record_that_moved_is_not_deleted(bench: Bench, data: list[object]) -> None:
    """The look is refused under an old etag; deleting itself would not be."""
    id_ = bench.contact(names=[{"givenName": "Ann"}], clientData=data)
    seen = bench.see(id_)
    bench.human("update", id=id_, fields={"names": [{"givenName": "Eva"}]})
    assert bench.replica.delete(Deletion(seen)) == Moved(bench.see(id_))
    assert bench.stored(id_)["life"] == "live"


def test_what_is_gone_already_is_removed(bench: Bench) -> None:
    """Before the look, or between look and call."""
    first, second = rich(bench, 2)
    seen = [bench.see(first), bench.see(second)]
    bench.human("delete", id=first)
    assert bench.replica.delete(Deletion(seen[0])) == Removed()
    bench.world.faults.add(Rule("google", REMOVE, "404"))
    assert bench.replica.delete(Deletion(seen[1])) == Removed()


@pytest.mark.parametrize("effect", LOST)
def test_a_lost_look_deletes_nothing(bench: Bench, effect: str) -> None:
    """The look changes nothing, so its loss leaves nothing in doubt."""
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    bench.world.faults.add(Rule("google", ONE, effect))
    outcome = bench.replica.delete(Deletion(seen))
    assert isinstance(outcome, Untouched)
    assert isinstance(outcome.error, Unavailable)
    assert bench.stored(id_)["life"] == "live"
    assert REMOVE not in bench.writes()


@pytest.mark.parametrize("effect", LOST)
def test_a_lost_deletion_is_unanswered(bench: Bench, effect: str) -> None:
    """It may have happened; it is not sent again."""
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    bench.world.faults.add(Rule("google", REMOVE, effect))
    assert isinstance(bench.replica.delete(Deletion(seen)), Unanswered)
    assert bench.writes().count(REMOVE) == 1


def test_a_cut_list_that_cannot_be_read_leaves_all_untouched(bench: Bench) -> None:
    """Nothing is written on a guess; the rest of the wave is not tried either."""
    bench.contact(names=[{"givenName": "Long"}], emailAddresses=[{"value": f"a{n}@example.com"} for n in range(150)])
    rich(bench, 1)
    seen = sorted(sightings(bench.drain()), key=lambda one: not one.is_partial)
    bench.world.log.clear()
    bench.world.faults.add(Rule("google", "people.get", "503", times=None))
    outcomes = bench.replica.update([Update(one, {"first_name": "Eva"}) for one in seen])
    assert [type(outcome) for outcome in outcomes] == [Untouched, Untouched]
    assert isinstance(bench.replica.delete(Deletion(seen[0])), Untouched)
    assert bench.writes() == []


def test_that_it_moved_is_known_even_if_the_look_fails(bench: Bench) -> None:
    """The refusal stands by itself."""
    (id_,) = rich(bench, 1)
    seen = bench.see(id_)
    bench.human("touch", id=id_)
    bench.world.faults.add(Rule("google", "people.get", "503", times=None))
    assert bench.replica.update([Update(seen, {"first_name": "Eva"})]) == [Moved()]
    assert bench.replica.delete(Deletion(seen)) == Moved()


def test_an_update_answered_without_content_is_unanswered(bench: Bench) -> None:
    """A success that does not show the record proves nothing."""
    updates = renaming(bench, rich(bench, 8))

    class Mute(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, json={}, request=request)

    bench.client = httpx2.Client(transport=Mute())
    bench.open()
    assert [type(outcome) for outcome in bench.replica.update(updates)] == [Unanswered] * 8
    assert [type(outcome) for outcome in bench.replica.update(updates[:1])] == [Unanswered]
