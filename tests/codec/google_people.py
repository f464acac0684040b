"""Persons of the People API for tests: made up, with all that is not ours in them; and a small model of how a write replaces."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from tandem.connectors.google.codec import Patch
from tandem.core.contact import Address, Contact, Edit, Entry

SOURCE = {"type": "CONTACT", "id": "8e620c78e01409e"}
PROFILE = {"type": "PROFILE", "id": "100900000000000000001"}
#: What the service derives, and drops from a body.
DERIVED = {"formattedType", "formattedProtocol", "canonicalForm", "displayName", "displayNameLastFirst"}

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)
phrases = st.lists(texts, min_size=1, max_size=3).map(" ".join)
maybe = st.one_of(st.just(""), phrases)
PHONE_LABELS = ("", "work", "home", "mobile", "main", "other", "work mobile", "home fax", "Ferienhaus", "Old")


def items(parts: Mapping[str, st.SearchStrategy[str]], extra: Sequence[str] = (), most: int = 4) -> st.SearchStrategy[list[dict]]:
    """A list of items with these parts, some of them left out, and other parts that Tandem does not know."""
    more = st.dictionaries(st.sampled_from([*extra, "somethingNew"]), texts, max_size=2)
    one = st.tuples(st.fixed_dictionaries(dict(parts)), more).map(lambda pair: {k: v for k, v in {**pair[0], **pair[1]}.items() if v})
    return st.lists(one.filter(bool), max_size=most)


types = st.sampled_from(("", "work", "home", "other", "mobile", "Mobile", "workMobile", "homeFax", "Ferienhaus", "OLD"))
stored_fields = st.fixed_dictionaries(
    {
        "names": items(
            {"givenName": maybe, "middleName": maybe, "familyName": maybe, "honorificSuffix": maybe, "honorificPrefix": maybe},
            ["phoneticGivenName", "phoneticFamilyName"],
            most=1,
        ),
        "organizations": items({"name": maybe, "title": maybe}, ["department", "type"], most=2),
        "phoneNumbers": items({"value": phrases, "type": types}),
        "emailAddresses": items({"value": texts, "type": types}, ["displayName"]),
        "imClients": items({"username": texts, "protocol": st.sampled_from(("", "skype", "googleTalk", "Threema"))}, ["type"]),
        "addresses": items(
            {"streetAddress": maybe, "city": maybe, "postalCode": maybe, "country": maybe, "formattedValue": maybe},
            ["extendedAddress", "poBox", "type", "region"],
            most=3,
        ),
        "nicknames": items({"value": phrases}, most=2),
        "clientData": items({"key": texts, "value": texts}, most=2),
        "userDefined": items({"key": texts, "value": phrases}, most=2),
    }
)


def compose(values: Sequence[Mapping[str, object]]) -> list[dict]:
    """A list as the service keeps it: derived parts made anew, exactly one item primary, empty items dropped."""
    kept = [{key: part for key, part in item.items() if key not in DERIVED} for item in copy.deepcopy(list(values))]
    kept = [item for item in kept if any(key != "metadata" for key in item)]
    claims = [n for n, item in enumerate(kept) if item.get("metadata", {}).get("sourcePrimary")]
    primary = claims[0] if claims else 0
    result = []
    for n, item in enumerate(kept):
        marks = {"primary": True, "sourcePrimary": True} if n == primary else {}
        derived = {"formattedType": str(item["type"]).title()} if "type" in item else {}
        result.append({"metadata": {**marks, "source": SOURCE}, **{k: v for k, v in item.items() if k != "metadata"}, **derived})
    return result


def _person(fields: Mapping[str, list[dict]], profile_mail: str) -> dict:
    person = {
        "resourceName": "people/c641236038399901854",
        "etag": "%EgU=",
        "metadata": {"sources": [{**SOURCE, "etag": "#bUk81Tdzxtc="}], "objectType": "PERSON"},
        **{name: compose(values) for name, values in fields.items() if values},
    }
    if profile_mail:  # of the other person's own account: seen, never ours
        alien = {"metadata": {"source": PROFILE, "verified": True}, "value": profile_mail}
        person["emailAddresses"] = [alien, *person.get("emailAddresses", [])]
        person["names"] = [*person.get("names", []), {"metadata": {"source": PROFILE}, "givenName": "Profile"}]
    return person


persons = st.builds(_person, stored_fields, st.one_of(st.just(""), texts))


def replace_lists(person: Mapping[str, object], patch: Patch) -> dict:
    """What the service keeps after a write: the lists of the mask replaced whole, what is not the contact's own left alone."""
    after = copy.deepcopy(dict(person))
    for field, values in patch.fields.items():
        own = compose(values)
        alien = [item for item in after.pop(field, []) if item["metadata"]["source"]["type"] != "CONTACT"]
        if own or alien:
            after[field] = [*alien, *own]
    return after


addresses = st.one_of(
    st.builds(Address, street=phrases, city=maybe, region=maybe, postal_code=maybe, country=maybe),
    st.builds(Address, text=phrases),
    st.just(Address()),
)


@st.composite
def deltas(draw: st.DrawFn, contact: Contact) -> dict:
    """Some change to a contact, of the kind that a merge makes: one entry becomes primary only as another one ceases to be."""
    delta: dict = {}
    for name in ("first_name", "last_name", "organisation"):
        if draw(st.booleans()):
            old = contact.text(name)
            delta[name] = draw(st.one_of(maybe, texts.map(lambda text, old=old: f"{text} {old}".strip())))
    if draw(st.booleans()):
        delta["address"] = draw(addresses)
    for name, labels in (
        ("phones", PHONE_LABELS),
        ("emails", ("", "work", "home", "Club")),
        ("messengers", ("", "skype", "google", "Threema")),
    ):
        if draw(st.booleans()) and (edits := draw(_edits(contact.entries(name), labels))):
            delta[name] = edits
    return delta


@st.composite
def _edits(draw: st.DrawFn, entries: tuple[Entry, ...], labels: Sequence[str]) -> tuple[Edit, ...]:
    edits = []
    label = st.sampled_from(labels)
    for entry in entries:
        fate = draw(st.sampled_from(("keep", "keep", "remove", "value", "label")))
        if fate == "remove":
            edits.append(Edit(entry, None))
        elif fate == "value":
            edits.append(Edit(entry, Entry(draw(texts), entry.label, entry.primary)))
        elif fate == "label":
            edits.append(Edit(entry, Entry(entry.value, draw(label), entry.primary)))
    edits += [Edit(None, Entry(draw(texts), draw(label))) for _ in range(draw(st.integers(0, 2)))]
    others = [n for n, entry in enumerate(entries) if not entry.primary]
    if not edits and others and draw(st.booleans()):
        new = entries[draw(st.sampled_from(others))]
        edits = [Edit(entry, Entry(entry.value, entry.label)) for entry in entries if entry.primary][:1]
        edits.append(Edit(new, Entry(new.value, new.label, primary=True)))
    return tuple(edits)


def settle(contact: Contact) -> Contact:
    """How the service will show it: where nothing is marked the first entry is primary, and an address in parts is written by it."""
    values: dict = {}
    for name, value in contact.values.items():
        if isinstance(value, tuple) and not any(entry.primary for entry in value):
            first, *rest = value
            values[name] = (Entry(first.value, first.label, primary=True), *rest)
        elif isinstance(value, Address) and value.has_parts:
            values[name] = Address(value.street, value.city, value.region, value.postal_code, value.country)
    return contact.replacing(values)
