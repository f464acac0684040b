"""The laws of the lens against the sandbox's own replacing and rewriting, and people of ten countries."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codec.google_people import deltas, settle, stored_fields
from replica.google_bench import Bench, contact
from replica.worlds import START, WorldClock
from tandem.connectors.google.lenses import LENSES
from tandem.connectors.http import make_client
from tandem.core.contact import Address, Contact, Edit, Entry, apply_delta
from tandem.replica import Creation, Refused, Update, Written
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

LAWFUL = settings(max_examples=60, print_blob=True, deadline=None, suppress_health_check=list(HealthCheck))
#: What makes the people of the test, without the parts that the service would refuse by name.
known_fields = stored_fields.map(
    lambda fields: {name: [{k: v for k, v in item.items() if k != "somethingNew"} for item in items] for name, items in fields.items()}
)


def open_bench() -> Bench:
    """A signed-in account without quotas: the laws are not about these."""
    world = World(clock=SandboxClock(frozen_at=START), seed=11)
    world.google.switches["quotas"] = False
    return Bench(world, WorldClock(world), make_client(timeout_s=30.0, transport=SandboxTransport(world)))


@pytest.fixture(scope="module")
def bench() -> Bench:
    """One account for all examples; each makes a contact of its own."""
    return open_bench()


@LAWFUL
@given(known_fields, st.data())
def test_a_write_shows_the_change_and_nothing_else(bench: Bench, fields: dict, data: st.DataObject) -> None:
    """PutGet on the service's own rewriting; what the mask does not name is stored to the letter as it was."""
    id_ = bench.contact(**{**fields, "nicknames": [{"value": "never empty"}]})
    seen = bench.see(id_)
    before = bench.fields(id_)
    delta = data.draw(deltas(seen.contact))
    (outcome,) = bench.replica.update([Update(seen, delta)])
    assert isinstance(outcome, Written)
    assert outcome.observation == bench.see(id_)
    uncovered = {
        name for name in ("address", "organisation") if name in delta and not delta[name] and len(before.get(LENSES[name].field, [])) > 1
    }
    shown = LENSES.keys() - uncovered
    assert settle(outcome.observation.contact).restricted(shown) == settle(apply_delta(seen.contact, delta)).restricted(shown)
    after = bench.fields(id_)
    touched = {LENSES[name].field for name in delta}
    assert {name: after.get(name) for name in after if name not in touched} == {
        name: before[name] for name in before if name not in touched
    }


@LAWFUL
@given(known_fields, st.data())
def test_an_edit_undone_restores_the_record(bench: Bench, fields: dict, data: st.DataObject) -> None:
    """Adding an entry and taking it away again leaves every list as it stood, foreign parts and all."""
    id_ = bench.contact(**{**fields, "nicknames": [{"value": "never empty"}]})
    before = bench.fields(id_)
    name = data.draw(st.sampled_from(("phones", "emails", "messengers")))
    seen = bench.see(id_)
    (there,) = bench.replica.update([Update(seen, {name: (Edit(None, Entry("passing@example.com", "work")),)})])
    assert isinstance(there, Written)
    added = there.observation.contact.entries(name)[-1]
    (back,) = bench.replica.update([Update(there.observation, {name: (Edit(added, None),)})])
    assert isinstance(back, Written)
    assert bench.fields(id_) == before


PEOPLE = {
    "Poland": contact(
        first_name="Łucja Grażyna",
        last_name="Brzęczyszczykiewicz-Żółć",
        phones=(Entry("+48 22 555 01 23 wew. 12", "work"), Entry("500 000 000", "mobile")),
        address=Address("ul. Świętego Ducha 15/17 m. 3", "Gdańsk", "pomorskie", "80-834", "Polska"),
    ),
    "Germany": contact(
        first_name="Jörg-Ömer",
        last_name="Freiherr von und zu Groß",
        phones=(Entry("+49 (0)30 23125 000", "work fax"),),
        address=Address("Königstraße 12a, 3. OG", "Köln", "", "50667", "Deutschland"),
    ),
    "France": contact(
        first_name="Zoé Noëlle",
        last_name="L'Hôpital d'Août",
        phones=(Entry("01 99 00 12 34", "home"),),
        address=Address("12 bis, rue de l’Église", "Saint-Étienne", "", "42000", "France"),
    ),
    "Spain": contact(
        first_name="María José",
        last_name="Núñez de la Peña i Güell",
        phones=(Entry("+34 900 00 00 00", "main"),),
        address=Address("C/ Ávila, n.º 4, 2.º 1.ª", "A Coruña", "Galicia", "15001", "España"),
    ),
    "Great Britain": contact(
        first_name="Siân",
        last_name="O'Neill-ap-Rhys",
        phones=(Entry("020 7946 0123 ext. 5", "work"),),
        address=Address("Flat 2\n1 St. John's Rd", "Llanfairpwll", "Ynys Môn", "LL61 5UJ", "United Kingdom"),
    ),
    "United States": contact(
        first_name='J. R. "Bob"',
        last_name="Dobbs Jr.",
        phones=(Entry("(212) 555-0123 x45", "Old"), Entry("+1 212-555-0199", "work mobile")),
        address=Address("123 Main St, Apt #4B", "New York", "NY", "10001-1234", "US"),
    ),
    "Japan": contact(
        first_name="花子",
        last_name="山田",
        phones=(Entry("０３－００００－００００", "自宅"),),
        address=Address("千代田１丁目１−１", "千代田区", "東京都", "〒100-0001", "日本"),
    ),
    "China": contact(
        first_name="小明",
        last_name="欧阳",
        phones=(Entry("+86 10 0000 0000", ""),),
        address=Address("长安街1号", "北京市", "北京", "100000", "中国"),
    ),
    "Greece": contact(
        first_name="Ευάγγελος",
        last_name="Παπαδόπουλος",
        phones=(Entry("+30 210 000 0000", "pager"),),
        address=Address("Λεωφ. Αθηνών 5", "Αθήνα", "Αττική", "104 41", "Ελλάδα"),
    ),
    "Saudi Arabia": contact(
        first_name="فاطمة",
        last_name="آل سعود",
        phones=(Entry("+966 11 000 0000", "google voice"),),
        address=Address("شارع العليا ١٢", "الرياض", "", "12211", "السعودية"),
    ),
    "Ukraine": contact(
        first_name="Мар’яна",
        last_name="Ґонґадзе-Їжак",
        phones=(Entry("+380 44 000 00 00", "other"),),
        address=Address("вул. Хрещатик, 1, кв. 2", "Київ", "", "01001", "Україна"),
    ),
}


@pytest.mark.parametrize("country", PEOPLE)
def test_people_of_all_countries_survive_the_round_trip(bench: Bench, country: str) -> None:
    """Made, read, and written into an existing contact: to the letter the same."""
    wanted = settle(PEOPLE[country])
    (made,) = bench.replica.create([Creation(PEOPLE[country], country)])
    assert isinstance(made, Written)
    assert settle(made.observation.contact) == wanted
    old = bench.see(bench.contact(names=[{"givenName": "x", "familyName": "y"}], phoneNumbers=[{"value": "1"}]))
    phones = (Edit(old.contact.entries("phones")[0], None), *(Edit(None, entry) for entry in wanted.entries("phones")))
    (changed,) = bench.replica.update([Update(old, {**wanted.values, "phones": phones})])
    assert isinstance(changed, Written)
    assert settle(changed.observation.contact) == wanted


def test_the_longest_text_is_taken_and_a_longer_one_announced(bench: Bench) -> None:
    """What `refusals` lets pass the service takes; what it names the service refuses."""
    fits, too_long = "x" * 1024, "x" * 1025
    for text, expected in ((fits, Written), (too_long, Refused)):
        assert bool(bench.replica.refusals({"first_name": text})) == (expected is Refused)
        (outcome,) = bench.replica.create([Creation(Contact({"first_name": text}), f"m{len(text)}")])
        assert isinstance(outcome, expected)
