"""Promise: messengers, address and marker find their place in every company, and who may not make one is told whom to ask."""

from __future__ import annotations

import httpx2
import pytest

from replica.pipedrive_bench import MARKER, Bench, create, see, update, written
from replica.worlds import WorldClock
from tandem.connectors.pipedrive.layout import parse_layout
from tandem.core.contact import ADDRESS, FIRST_NAME, MESSENGERS, Address, Contact, Entry
from tandem.errors import Malformed, OutcomeUnknown
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World

CONTACT = Contact({FIRST_NAME: "Anna", MESSENGERS: (Entry("anna", "skype", primary=True),), ADDRESS: Address(text="Prosta 5, Warszawa")})


@pytest.fixture
def bench(world: World, clock: WorldClock, client: httpx2.Client) -> Bench:
    """The company as its administrator sees it."""
    return Bench(world, clock, client)


def custom_fields(bench: Bench) -> dict[str, str]:
    """The fields that people or we have made: name and type."""
    fields = bench.replica(layout="").api.person_fields()
    return {field["field_name"]: field["field_type"] for field in fields if len(field["field_code"]) == 40}


def test_a_company_without_contact_sync_gets_custom_fields_once(
    bench: Bench, world: World, clock: WorldClock, client: httpx2.Client
) -> None:
    """The survey names them and sends no write; enabling makes them; a second link, and a second user, finds them."""
    replica = bench.replica(layout="")
    surveyed = replica.survey()
    assert not any(entry.is_write for entry in world.log)

    enabled = replica.enable()
    again = bench.replica(layout="").enable()
    colleague = Bench(world, clock, client, user=2).replica(layout="").enable()

    assert surveyed.to_create == ("Instant messenger", "Postal address", "Tandem ID")
    assert (enabled.to_create, dict(enabled.lacking), enabled.holds_marker) == ((), {}, True)
    assert custom_fields(bench) == {"Instant messenger": "varchar", "Postal address": "address", "Tandem ID": "varchar"}
    assert again.layout == colleague.layout == enabled.layout
    assert enabled.places == {MESSENGERS: parse_layout(enabled.layout).messengers, ADDRESS: parse_layout(enabled.layout).address}
    seen = written(create(bench.replica(layout=enabled.layout), CONTACT))
    assert bench.stored(seen.handle.id)["custom_fields"][enabled.places[MESSENGERS]] == "skype: anna"
    assert (seen.contact.address(), seen.marker) == (Address(text="Prosta 5, Warszawa"), MARKER)


def test_a_company_with_contact_sync_uses_pipedrives_own_fields(bench: Bench) -> None:
    """Only the marker needs a field; messengers and address stand where Pipedrive's own sync has them."""
    bench.switch(contact_sync_enabled=True)
    replica = bench.replica(layout="")

    surveyed = replica.survey()
    layout = replica.enable().layout

    assert surveyed.to_create == ("Tandem ID",)
    assert surveyed.places == {MESSENGERS: "im", ADDRESS: "postal_address"}
    seen = written(create(bench.replica(layout=layout), CONTACT))
    stored = bench.stored(seen.handle.id)
    assert (stored["im"], stored["postal_address"]["value"]) == (
        [{"label": "skype", "value": "anna", "primary": True}],
        "Prosta 5, Warszawa",
    )
    assert seen.contact == CONTACT


@pytest.mark.parametrize("capped", [False, True])
def test_who_may_not_make_fields_goes_without(bench: Bench, world: World, clock: WorldClock, client: httpx2.Client, capped: bool) -> None:
    """No right, or no room in the plan: messengers and address stay unsynced, each with a sentence; all else works, without marker."""
    if capped:
        bench.switch(custom_field_limit=0)
    user = Bench(world, clock, client, user=1 if capped else 2)
    prepared = user.replica(layout="").enable()

    replica = user.replica(layout=prepared.layout)
    seen = written(create(replica, CONTACT))

    assert set(prepared.lacking) == {MESSENGERS, ADDRESS}
    assert all("administrator" in sentence for sentence in prepared.lacking.values())
    assert ("plan" in prepared.lacking[ADDRESS]) == capped
    assert not prepared.holds_marker
    assert custom_fields(bench) == {}
    assert (seen.contact, seen.marker) == (CONTACT.restricted([FIRST_NAME]), None)
    assert written(update(replica, see(replica, seen.handle.id), address=Address(text="Elsewhere"))) == seen
    assert set(replica.refusals({ADDRESS: Address(text="Elsewhere"), FIRST_NAME: "Anna"})) == {ADDRESS}


def test_a_link_keeps_its_fields_when_pipedrives_own_appear(bench: Bench) -> None:
    """Where a field lives changes by a person's word only; a new link takes Pipedrive's own."""
    layout = bench.replica(layout="").enable().layout
    bench.human("enable_contact_sync")

    assert bench.replica(layout=layout).survey().layout == layout
    assert bench.replica(layout="").survey().places == {MESSENGERS: "im", ADDRESS: "postal_address"}


def test_a_removed_field_is_made_again(bench: Bench) -> None:
    """The survey misses it, enabling makes another; the others stay."""
    before = parse_layout(bench.replica(layout="").enable().layout)
    bench.human("remove_field", field_code=before.marker)
    replica = bench.replica(layout=before.render())

    assert replica.survey().to_create == ("Tandem ID",)
    after = parse_layout(replica.enable().layout)
    assert (after.messengers, after.address) == (before.messengers, before.address)
    assert after.marker not in ("", before.marker)


def test_fields_that_somebody_made_are_used_by_name_and_type(bench: Bench) -> None:
    """The first of that name and type; one of another type is not."""
    bench.human("add_field", name="Postal address", type="varchar")
    first = bench.human("add_field", name="postal address ", type="address")["field_code"]
    bench.human("add_field", name="Postal address", type="address")

    prepared = bench.replica(layout="").survey()

    assert prepared.places[ADDRESS] == first
    assert "Postal address" not in prepared.to_create


def test_a_lost_answer_makes_no_second_field(bench: Bench, world: World) -> None:
    """The answer to a creation is lost: enabling again finds what was made."""
    replica = bench.replica(layout="")
    world.faults.add(Rule("pipedrive", "^addPersonField$", "lost-answer"))
    with pytest.raises(OutcomeUnknown):
        replica.enable()

    prepared = replica.enable()

    assert [entry.kind for entry in world.log].count("addPersonField") == 3
    assert prepared.holds_marker
    assert len(custom_fields(bench)) == 3


def test_a_layout_is_our_own_text() -> None:
    """What is kept with a link reads back as it was; anything else is refused."""
    layout = parse_layout('{"address":"postal_address","marker":"","messengers":"im"}')

    assert parse_layout(layout.render()) == layout
    with pytest.raises(Malformed):
        parse_layout("[1]")
