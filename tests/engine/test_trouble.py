"""What the world does to a sync: cut listings, expired tokens, limits, outages, lost consent, a full disk. Nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from django.db import connections

import databases
from engine.scenarios import change_contact, change_person, contact_named, contacts, person_named, persons
from engine.stage import Stage
from tandem.errors import LeaseLost, StorageError
from tandem.sandbox.faults import Rule
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World
from tandem.store import models
from tandem.store.journal import OutcomeKind

DAY = 90_000.0
LISTINGS = [("google", "people.connections.list"), ("pipedrive", "getPersons")]


class Overtaking(httpx2.BaseTransport):
    """The sandbox, with somebody editing right before the first update of a contact arrives."""

    def __init__(self, stage: Stage, edit: Callable[[], object]) -> None:
        self._inner = SandboxTransport(stage.world)
        self._edit: Callable[[], object] | None = edit

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on."""
        if self._edit and request.url.path.endswith(":updateContact"):
            self._edit()
            self._edit = None
        return self._inner.handle_request(request)


def _break(stage: Stage, service: str, match: str, effect: str, **more: object) -> None:
    stage.world.faults.add(Rule(service, match, effect, **more))


@pytest.mark.parametrize("effect", ["truncate", "empty"])
@pytest.mark.parametrize(("service", "listing"), LISTINGS, ids=["google", "pipedrive"])
def test_a_cut_first_listing_creates_nothing(stage: Stage, service: str, listing: str, effect: str) -> None:
    """A first sync that saw only part of one side must not take the rest for missing: the people would be doubled."""
    contacts(*(f"Osoba{number}" for number in range(8)))(stage)
    for number in range(8):
        stage.person(first_name=f"Osoba{number}", last_name="Nowak", emails=[{"value": f"osoba{number}@example.com"}])
    _break(stage, service, listing, effect)
    stage.cycle()
    stage.settle()
    assert len(stage.google()) == len(stage.pipedrive()) == 8


@pytest.mark.parametrize("effect", ["truncate", "empty"])
@pytest.mark.parametrize(("service", "listing"), LISTINGS, ids=["google", "pipedrive"])
def test_a_cut_later_listing_deletes_nothing(stage: Stage, service: str, listing: str, effect: str) -> None:
    """Absence from a listing is no deletion: what it lacks is read directly, and stays."""
    contacts(*(f"Osoba{number}" for number in range(8)))(stage)
    stage.settle()
    stage.wait(7 * DAY)
    _break(stage, service, listing, effect)
    change_contact(stage, "Osoba3", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    stage.settle()
    assert len(stage.google()) == len(stage.pipedrive()) == 8
    assert person_named(stage, "Osoba3")["phones"][0]["value"] == "+48 600 999 888"


def test_an_expired_sync_token_lists_everything_again(stage: Stage) -> None:
    """A Tandem that slept for a month goes on as if nothing had been: no double, no loss."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    stage.wait(30 * DAY)
    change_contact(stage, "Ala", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    change_person(stage, "Bartek", first_name="Bartosz", last_name="Nowak")
    stage.settle()
    assert person_named(stage, "Ala")["phones"][0]["value"] == "+48 600 999 888"
    assert contact_named(stage, "Bartosz")
    assert len(stage.google()) == len(stage.pipedrive()) == 2


def _crowd_outside(stage: Stage) -> None:
    """More than one page of contacts outside the group."""
    for number in range(1001):
        stage.contact(inside=False, names=[{"givenName": f"Nr {number}"}])


def test_a_sync_token_that_expires_in_mid_page_lists_everything_again(stage: Stage) -> None:
    """The first page of changes came, the second is refused: the same cycle lists everything, and carries what was on either page."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    change_contact(stage, "Ala", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    _crowd_outside(stage)
    change_contact(stage, "Bartek", names=[{"givenName": "Bartosz", "familyName": "Nowak"}])
    since = len(stage.world.log)
    _break(stage, "google", "people.connections.list", "400", skip=1)
    report = stage.cycle()
    listings = [entry for entry in stage.world.log[since:] if entry.kind == "people.connections.list"]
    assert (report.state.value, report.sentence, len(listings) >= 4) == ("in-sync", "", True)
    assert person_named(stage, "Ala")["phones"][0]["value"] == "+48 600 999 888"
    assert person_named(stage, "Bartosz")
    assert (stage.settle().writes, len(stage.google()), len(stage.pipedrive())) == (0, 1003, 2)


def test_a_full_listing_that_is_broken_off_in_mid_page_concludes_nothing(stage: Stage) -> None:
    """Its next page is not known any more: the link waits and says so, and a minute later it begins again."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    _crowd_outside(stage)
    change_contact(stage, "Ala", phoneNumbers=[{"value": "+48 600 999 888", "type": "home"}])
    stage.google_does("delete", id=contact_named(stage, "Bartek")["id"])
    _break(stage, "google", "people.connections.list", "400", skip=1)
    report = stage.cycle(is_full=True)
    assert (report.state.value, stage.link.state, stage.link.reason) == ("unfinished", "waiting", "unavailable")
    assert ("broke a listing off" in report.sentence, report.writes, len(stage.pipedrive())) == (True, 0, 2)
    stage.wait(61)
    stage.settle()
    assert person_named(stage, "Ala")["phones"][0]["value"] == "+48 600 999 888"
    assert (len(stage.google()), len(stage.pipedrive())) == (1002, 1)


@pytest.mark.parametrize("effect", ["429", "500", "502", "503", "garbage", "refused", "429-html"])
@pytest.mark.parametrize("service", ["google", "pipedrive"])
def test_an_outage_is_a_state_and_passes(stage: Stage, service: str, effect: str) -> None:
    """While a service is down or busy the link says that it is not finished; afterwards everything arrives, once."""
    contacts("Ala", "Bartek")(stage)
    persons("Olek", "Pola")(stage)
    _break(stage, service, ".", effect, times=None)
    report = stage.cycle()
    assert report.state.value in {"unfinished", "quota"}
    assert report.sentence
    stage.world.faults.clear()
    stage.wait(1000)
    stage.settle()
    assert len(stage.google()) == len(stage.pipedrive()) == 4


@pytest.mark.parametrize("effect", ["garbage", "after-500", "late"])
@pytest.mark.parametrize(("service", "call"), [("google", "people.createContact"), ("pipedrive", "addPerson")], ids=["google", "pipedrive"])
def test_a_creation_with_an_unreadable_answer_is_not_repeated(stage: Stage, service: str, call: str, effect: str) -> None:
    """P3: it was applied, at once or later; it is found by its marker and adopted."""
    contacts("Ala", "Bartek")(stage)
    persons("Olek", "Pola")(stage)
    _break(stage, service, call, effect)
    stage.cycle()
    stage.settle()
    assert len(stage.google()) == len(stage.pipedrive()) == 4


def test_a_revoked_consent_stops_the_link_and_loses_nothing(stage: Stage) -> None:
    """The link says that the account has to be connected again (exit code 4); after that it goes on where it was."""
    contacts("Ala")(stage)
    stage.settle()
    _break(stage, "google", ".", "401", times=None)
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")
    report = stage.cycle()
    assert (report.state.value, report.state.exit_code) == ("reconnect", 4)
    assert stage.link.state == "needs-person"
    stage.world.faults.clear()
    stage.settle()
    assert stage.link.state == "active"
    assert contact_named(stage, "Alicja")


def test_a_deleted_group_concludes_nothing(stage: Stage) -> None:
    """Without the chosen group the link stops and says so; nobody is deleted or frozen."""
    contacts("Ala", "Bartek")(stage)
    stage.settle()
    stage.google_does("delete_group", group=stage.group)
    report = stage.cycle()
    assert report.state.value == "waiting-for-person"
    assert "group" in report.sentence
    assert len(stage.google()) == len(stage.pipedrive()) == 2
    assert models.Pair.objects.using(stage.alias).filter(state="linked").count() == 2


def test_an_edit_that_overtakes_a_write_is_merged(stage: Stage) -> None:
    """Google refuses a write on an old version; both edits are there in the end."""
    contacts("Ala")(stage)
    stage.settle()
    change_person(stage, "Ala", first_name="Alicja", last_name="Nowak")
    id_ = contact_named(stage, "Ala")["id"]
    stage.transport = Overtaking(
        stage, lambda: stage.google_does("update", id=id_, fields={"phoneNumbers": [{"value": "+48 600 5 5 5 5 5 5"}]})
    )
    stage.settle()
    assert contact_named(stage, "Alicja")["fields"]["phoneNumbers"][0]["value"] == "+48 600 5 5 5 5 5 5"
    assert person_named(stage, "Alicja")["phones"][0]["value"] == "+48 600 5 5 5 5 5 5"
    outcomes = models.Intent.objects.using(stage.alias).values_list("outcome", flat=True)
    assert OutcomeKind.SUPERSEDED.value in set(outcomes)


class _Halves(httpx2.BaseTransport):
    """A sandbox whose answers hold half a character where a name says HALF."""

    def __init__(self, world: World) -> None:
        self._inner = SandboxTransport(world)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass it on."""
        answer = self._inner.handle_request(request)
        return httpx2.Response(answer.status_code, content=answer.read().replace(b"HALF", rb"\ud83d"), request=request)


def test_half_a_character_stops_nobody(stage: Stage) -> None:
    """A name with a lone surrogate, on either side, goes over with U+FFFD in its place, and so does everybody else."""
    stage.transport = _Halves(stage.world)
    contacts("Ala", "HALFa")(stage)
    persons("HALFo")(stage)
    stage.settle()
    assert {one["first_name"] for one in stage.pipedrive()} == {"Ala", "\ufffda", "HALFo"}
    assert {one["fields"]["names"][0]["givenName"] for one in stage.google()} == {"Ala", "HALFa", "\ufffdo"}


def _cycle_until_it_fails(stage: Stage) -> None:
    for _ in range(60):
        stage.cycle()
        stage.contact(names=[{"givenName": "Ktoś", "familyName": "x" * 900}], emailAddresses=[{"value": "ktos@example.com"}])


@pytest.mark.skipif(databases.usual() != databases.SQLITE, reason="a full disk is SQLite's: a server's cannot be filled in a test")
def test_a_full_disk_stops_before_sending(stage: Stage) -> None:
    """Journal first: when an intent cannot be written down, nothing is sent; with space again, the sync goes on."""
    contacts("Ala", "Bartek")(stage)
    stage.bench()
    with connections[stage.alias].cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    before = len(stage.world.log)
    with pytest.raises(StorageError, match="disk full"):
        _cycle_until_it_fails(stage)
    assert stage.writes(before).count("addPerson") == len(stage.pipedrive())
    with connections[stage.alias].cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
    stage.settle()
    assert {one["first_name"] for one in stage.pipedrive()} >= {"Ala", "Bartek"}


def test_a_worker_that_lost_its_lease_writes_nothing_more(stage: Stage) -> None:
    """P13: somebody else has taken the link over; the stale worker's next transaction fails."""
    contacts("Ala")(stage)
    bench = stage.bench()
    bench.lease = bench.schedule.claim(bench.link, "stale", stage.clock.now())
    assert bench.schedule.claim(bench.link, "other", stage.clock.now()) is None
    stage.wait(121)
    assert bench.schedule.claim(bench.link, "other", stage.clock.now()) is not None
    with pytest.raises(LeaseLost), bench.commit():
        pass
