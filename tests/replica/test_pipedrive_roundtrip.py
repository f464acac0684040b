"""Promise: what is written into Pipedrive is read back as it was meant: names, phones and addresses of ten countries, and anything else.

PutGet against the sandbox; what Tandem does not sync stays byte for byte through every write.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replica.pipedrive_bench import Bench, create, make_reference, update, written
from replica.worlds import START, WorldClock
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
    apply_delta,
)
from tandem.replica import Refused
from tandem.sandbox.clock import Clock as SandboxClock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World

#: Country, first and last name, organisation, phone with its label, e-mail, messenger, address; all of it made up.
PEOPLE = [
    ("PL", "Żaneta", "Gęślą-Jaźń", "Księgarnia „Pod Dębem”", "+48 22 555 01 23", "work", "zaneta@example.com", ("gadu", "Gadu-Gadu"),
     Address("ul. Świętej Łucji 5/7 m. 3", "Łódź", "łódzkie", "90-001", "Polska")),
    ("DE", "Jürgen", "Müller-Lüdenscheidt", "Straßenbau GmbH & Co. KG", "030 23125 555", "home", "jm@example.test", ("juergen", "jabber"),
     Address("Große Straße 12a", "Köln", "Nordrhein-Westfalen", "50667", "Deutschland")),
    ("US", "J. R.", "O'Neil Jr.", "Acme; Sons", "(202) 555-0172 ext. 5", "mobile", "jr@example.com", ("live:jr.oneil", "skype"),
     Address("123 Main St Apt 4", "Springfield", "IL", "62701", "USA")),
    ("GB", "Siân", "Llewelyn Davies", "Smith: Partners", "020 7946 0123", "main", "sian@example.co.test", ("sian", "msn"),
     Address("Flat 2, 10 Llanfair Rd", "Cardiff", "", "CF10 1AA", "United Kingdom")),
    ("FR", "Anne-Élise", "de la Fontaine", "L’Œuvre", "01 99 00 12 34", "Bureau", "anne@example.fr.test", ("+33 199001234", "WhatsApp"),
     Address("12 bis, rue de l’Église", "Saint-Étienne", "", "42000", "France")),
    ("PT", "Ana Maria", "de Souza e Silva", "Pão & Cia", "+351 210 000 000", "work fax", "ana@example.pt.test", ("ana maria", "skype"),
     Address("Rua das Flores, 25 - 3.º Esq.", "Lisboa", "", "1200-192", "Portugal")),
    ("GR", "Αγγελική", "Παπαδοπούλου", "Βιβλιοπωλείο", "+30 210 000 0000", "σπίτι", "a@example.gr.test", ("αγγελική", "Viber"),
     Address("Λεωφόρος Συγγρού 5", "Αθήνα", "Αττική", "117 43", "Ελλάδα")),
    ("UA", "Їжак", "О’Щукін", "ТОВ «Ґанок»", "+380 44 000 0000", "other", "yizhak@example.ua.test", ("yizhak", "Telegram"),
     Address("вул. Хрещатик, 1", "Київ", "", "01001", "Україна")),
    ("JP", "花子", "山田", "株式会社サンプル", "03-0000-0000", "携帯", "hanako@example.jp.test", ("hanako", "LINE"),
     Address("千代田1-1", "千代田区", "東京都", "100-0001", "日本")),
    ("EG", "ليلى", "عبد الرحمن", "شركة المثال", "+20 2 0000 0000", "work", "layla@example.eg.test", ("layla", ""),
     Address("١٢ شارع النيل", "القاهرة", "", "11511", "مصر")),
]  # fmt: skip


def contact_of(person: tuple[object, ...]) -> Contact:
    """One of them as a contact."""
    _, first, last, organisation, phone, label, email, (handle, protocol), address = person
    return Contact(
        {
            FIRST_NAME: first,
            LAST_NAME: last,
            ORGANISATION: organisation,
            PHONES: (Entry(phone, label, primary=True),),
            EMAILS: (Entry(email, "work", primary=True),),
            MESSENGERS: (Entry(handle, protocol, primary=True),),
            ADDRESS: address,
        }
    )


def bench(*, sync: bool) -> Bench:
    """A world of its own."""
    world = World(clock=SandboxClock(frozen_at=START), seed=7)
    made = Bench(world, WorldClock(world), make_client(timeout_s=30.0, transport=SandboxTransport(world)))
    made.switch(contact_sync_enabled=sync, limits=False)
    return made


def comparable(contact: Contact) -> dict[str, object]:
    """Without what a text of messengers cannot hold, and without the rendering of an address that has parts."""
    plain: dict[str, object] = dict(contact.values)
    plain[MESSENGERS] = [(entry.value, entry.label) for entry in contact.entries(MESSENGERS)]
    address = contact.address()
    plain[ADDRESS] = Address(
        address.street, address.city, address.region, address.postal_code, address.country, "" if address.has_parts else address.text
    )
    return plain


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("person", PEOPLE, ids=[str(person[0]) for person in PEOPLE])
def test_ten_countries(person: tuple[object, ...], sync: bool) -> None:
    """Created and read, then turned into the next one's values by an update and read: not a letter is lost."""
    company = bench(sync=sync)
    replica = company.replica()
    wanted, other = contact_of(person), contact_of(PEOPLE[PEOPLE.index(person) - 1])
    for organisation in (wanted, other):
        make_reference(replica, organisation.text(ORGANISATION))

    made = written(create(replica, wanted))
    delta = {
        name: tuple(Edit(old, new) for old, new in zip(wanted.entries(name), value, strict=True)) if isinstance(value, tuple) else value
        for name, value in other.values.items()
    }
    delta[MESSENGERS] = (Edit(made.contact.entries(MESSENGERS)[0], other.entries(MESSENGERS)[0]),)
    changed = written(update(replica, made, **delta))

    assert comparable(made.contact) == comparable(wanted)
    assert comparable(changed.contact) == comparable(other)


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).map(str.strip).filter(bool)
ENTRIES = {
    EMAILS: st.builds(Entry, TEXT, st.sampled_from(["work", "home", "other", "", "Biuro"])),
    PHONES: st.builds(Entry, TEXT, st.sampled_from(["work", "mobile", "work fax", "", "Biuro"])),
    MESSENGERS: st.builds(Entry, TEXT, st.sampled_from(["skype", "google", "", "my own"])),
}
PART = st.just("") | TEXT
ADDRESSES = st.one_of(st.builds(Address, PART, PART, PART, PART, PART), st.builds(Address, text=TEXT))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.booleans())
def test_what_is_put_is_read_again(data: st.DataObject, sync: bool) -> None:
    """Any values, any change: the view shows it and nothing else; what Tandem does not know is the same to the byte."""
    company = bench(sync=sync)
    shoe = company.human("add_field", name="Shoe size", type="double")["field_code"]
    replica = company.replica()
    make_reference(replica, "Acme")
    first = {name: data.draw(st.lists(strategy, max_size=3)) for name, strategy in ENTRIES.items()}
    lists = {name: tuple(Entry(one.value, one.label, primary=place == 0) for place, one in enumerate(made)) for name, made in first.items()}
    wanted = Contact({FIRST_NAME: data.draw(TEXT), LAST_NAME: data.draw(PART), ADDRESS: data.draw(st.just(Address()) | ADDRESSES), **lists})
    made = written(create(replica, wanted))
    extra = {"notes": "Likes tea", "job_title": "Boss"} if sync else {}
    company.human("update_person", id=int(made.handle.id), label_ids=[2], custom_fields={shoe: 38.5}, **extra)
    planned = replica.fetch([made.handle])[0]
    before = company.stored(made.handle.id)

    delta = {
        name: tuple(edits(data, planned.contact.entries(name), strategy)) for name, strategy in ENTRIES.items() if data.draw(st.booleans())
    }
    for name, strategy in (
        (FIRST_NAME, PART),
        (LAST_NAME, PART),
        (ADDRESS, st.just(Address()) | ADDRESSES),
        (ORGANISATION, st.just("Acme")),
    ):
        if data.draw(st.booleans()):
            delta[name] = data.draw(strategy)
    aim = apply_delta(planned.contact, delta)
    outcome = update(replica, planned, **delta)

    assert comparable(made.contact) == comparable(wanted)
    if isinstance(outcome, Refused):
        assert not any(name in aim.values for name in (FIRST_NAME, LAST_NAME, ORGANISATION, EMAILS, PHONES))
        return
    after = company.stored(made.handle.id)
    assert without_primary(comparable(written(outcome).contact)) == without_primary(comparable(aim))
    keys = ("owner_id", "visible_to", "label_ids", "add_time", "picture_id", *(("notes", "job_title", "birthday") if sync else ()))
    assert json.dumps([before[key] for key in keys]) == json.dumps([after[key] for key in keys])
    assert after["custom_fields"][shoe] == 38.5


def edits(data: st.DataObject, entries: tuple[Entry, ...], strategy: st.SearchStrategy[Entry]) -> list[Edit]:
    """Some removed, some replaced, some added."""
    made = [Edit(entry, data.draw(st.none() | strategy)) for entry in entries if data.draw(st.booleans())]
    return made + [Edit(None, entry) for entry in data.draw(st.lists(strategy, max_size=2))]


def without_primary(plain: dict[str, object]) -> dict[str, object]:
    """Which entry is primary is the server's to say where no edit says it."""
    return {
        name: [(entry.value, entry.label) for entry in value] if isinstance(value, tuple) and name in ENTRIES else value
        for name, value in plain.items()
    }
