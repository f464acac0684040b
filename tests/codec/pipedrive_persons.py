"""Made-up persons as Pipedrive shows them, and changes to them: with all that Tandem does not know left in."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tandem.connectors.pipedrive import codec
from tandem.connectors.pipedrive.layout import OWN_ADDRESS, OWN_MESSENGERS, Layout, put_at
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

ORGANISATION_NAME = "Księgarnia Pod Dębem"
ORG_ID = 41
OTHER_ID = 42
CUSTOM = Layout("a" * 40, "b" * 40, "c" * 40)
OWN = Layout(OWN_MESSENGERS, OWN_ADDRESS, "c" * 40)
NO_MARKER = Layout(OWN_MESSENGERS, "b" * 40, "")
LAYOUTS = st.sampled_from([CUSTOM, OWN, NO_MARKER])

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).map(str.strip).filter(bool)
WORDS = st.sampled_from(["Anna", "de Souza", "Łukasz", "O'Brien", "Müller-Lüdenscheidt", "李", "Αγγελική", "van der Berg", "Ana María"])
LABEL = st.sampled_from(["work", "Work", "HOME", "mobile", "other", "", "Biuro", "second home", "cell"])
COMMON_LABEL = st.sampled_from(["work", "home", "mobile", "other", "", "Biuro", "work fax"])
PROTOCOL = st.sampled_from(["skype", "Skype", "jabber", "google", "ICQ", "", "Threema", "my own"])
COMMON_PROTOCOL = st.sampled_from(["skype", "jabber", "google", "icq", "", "Threema", "my own"])
ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=2), max_leaves=3)


def items(labels: st.SearchStrategy[str]) -> st.SearchStrategy[list[object]]:
    """A list of phones, e-mails or messengers: doubles, unknown labels, placeholders, several or no primary, unknown keys."""
    known = {
        "value": st.one_of(TEXT, st.sampled_from(["+48 600 100 200", "anna@example.com", ""])),
        "label": labels,
        "primary": st.booleans(),
    }
    item = st.fixed_dictionaries(known, optional={"verified": ANY_JSON})
    return st.lists(item, max_size=4).flatmap(lambda one: st.sampled_from([one, one + one[:1]]))


PART = st.none() | TEXT
ADDRESSES = st.none() | st.fixed_dictionaries(
    {"value": TEXT},
    optional={
        **dict.fromkeys(["country", "admin_area_level_1", "admin_area_level_2", "locality", "sublocality", "postal_code"], PART),
        **dict.fromkeys(["route", "street_number", "subpremise", "formatted_address"], PART),
    },
)
MESSENGER_TEXTS = st.none() | st.lists(
    st.one_of(
        st.sampled_from(["skype: anna", "jabber: a@example.com", "call after five, please", "tel: ", "@anna", "Signal: +48 600 100 200"]),
        TEXT,
    ),
    max_size=4,
).map("; ".join)


@st.composite
def persons(draw: st.DrawFn, layout: Layout) -> dict[str, object]:
    """A person with things in it that Tandem has never heard of."""
    first, last = draw(st.none() | WORDS | TEXT), draw(st.none() | WORDS)
    whole = " ".join(part for part in (first, last) if part) or "Somebody"
    person: dict[str, object] = {
        "id": draw(st.integers(1, 9)),
        "name": whole,
        "first_name": first if first or last else "Somebody",
        "last_name": last,
        "owner_id": 1,
        "org_id": draw(st.sampled_from([None, ORG_ID])),
        "update_time": "2026-11-16T09:00:00Z",
        "emails": draw(items(LABEL)),
        "phones": draw(items(LABEL)),
        "visible_to": 3,
        "label_ids": draw(st.lists(st.integers(1, 4), max_size=2)),
        "custom_fields": draw(st.dictionaries(st.text("0123456789abcdef", min_size=40, max_size=40), ANY_JSON, max_size=2)),
        "something_new": draw(ANY_JSON),
    }
    put_at(person, layout.messengers, draw(items(PROTOCOL) if layout.messengers == OWN_MESSENGERS else MESSENGER_TEXTS))
    put_at(person, layout.address, draw(ADDRESSES))
    if layout.marker:
        put_at(person, layout.marker, draw(st.sampled_from([None, "tandem1:i:7:c1:0123456789abcdef"])))
    return person


def view(person: dict[str, object], layout: Layout) -> Contact:
    """The person as a contact."""
    return codec.get(person, layout, ORGANISATION_NAME if person["org_id"] == ORG_ID else "Another")


@st.composite
def changes(draw: st.DrawFn, before: Contact) -> dict[str, object]:
    """Changes to any of the fields."""
    delta: dict[str, object] = {}
    for name in draw(st.sets(st.sampled_from([FIRST_NAME, LAST_NAME, ORGANISATION, EMAILS, PHONES, MESSENGERS, ADDRESS]))):
        if name in (EMAILS, PHONES):
            delta[name] = draw(edits(before.entries(name), COMMON_LABEL))
        elif name == MESSENGERS:
            delta[name] = draw(edits(before.entries(name), COMMON_PROTOCOL))
        elif name == ADDRESS:
            delta[name] = draw(addresses())
        elif name == ORGANISATION:
            delta[name] = draw(st.sampled_from(["", "Another"]))
        else:
            delta[name] = draw(st.just("") | WORDS | TEXT)
    return delta


@st.composite
def edits(draw: st.DrawFn, entries: Sequence[Entry], labels: st.SearchStrategy[str]) -> tuple[Edit, ...]:
    """Some entries removed, some replaced, some added; at most one becomes primary."""
    new = st.builds(Entry, TEXT, labels, st.just(False))
    made = [Edit(entry, draw(st.none() | new)) for entry in entries if draw(st.booleans())]
    made += [Edit(None, entry) for entry in draw(st.lists(new, max_size=2))]
    kept = [place for place, edit in enumerate(made) if edit.new is not None]
    if kept and draw(st.booleans()):
        place = draw(st.sampled_from(kept))
        chosen = made[place]
        assert chosen.new is not None
        made[place] = Edit(chosen.old, Entry(chosen.new.value, chosen.new.label, primary=True))
    return tuple(made)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    """An address with parts, a bare text, or none."""
    parts = {name: draw(st.just("") | TEXT) for name in ("street", "city", "region", "postal_code", "country")}
    text = draw(TEXT)
    return draw(st.sampled_from([Address(), Address(text=text), Address(**parts), Address(**parts, text=text)]))


def patched(person: dict[str, object], body: dict[str, object]) -> dict[str, object]:
    """The person after a PATCH, as Pipedrive documents it."""
    after = {**person, **{key: value for key, value in body.items() if key != "custom_fields"}}
    after["custom_fields"] = {**person["custom_fields"], **body.get("custom_fields", {})}
    if "first_name" in body:
        after["name"] = " ".join(part for part in (body["first_name"], body["last_name"]) if part)
    return after
