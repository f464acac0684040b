"""A person of the People API and the common view, both ways. Pure.

`get(person) -> Contact`, and `put(delta, person) -> Patch`: the body fields of a write and the mask that names exactly these.
A list in the mask replaces the whole list on the other side, so each stands in the body whole: what the change does not concern
comes from the raw record just as it stood there. What came from somewhere else than the contact itself (a Google profile) is
seen in answers and never sent: echoing it would copy it into the contact.

Sources: the People API's reference of `people.updateContact` (masks and singletons), observed answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tandem.connectors.google.lenses import LENSES, Items
from tandem.connectors.wire import JsonObject, object_at, objects_at, text_at
from tandem.core.contact import FIELDS, Change, Contact, Delta, Edit, FieldName, Value
from tandem.core.state import Marker, RecordId
from tandem.errors import Malformed

#: The key of our entry in `clientData`, a list that all programs share.
MARKER_KEY = "tandem"
MY_CONTACTS = "contactGroups/myContacts"
#: Lists that belong to one contact alone, or are not for programs to write.
_OWN = frozenset({"memberships", "clientData", "photos", "coverPhotos", "ageRanges"})
#: Parts of an item that the service derives.
_DERIVED = frozenset({"metadata", "displayName", "displayNameLastFirst", "formattedType", "canonicalForm", "formattedProtocol"})
#: A listing may cut a list off here.
LIST_LIMIT = 100
#: Longer texts are refused.
MAX_TEXT = 1024
#: A contact may have this many fields, all lists together.
MAX_ENTRIES = 500


@dataclass(frozen=True, slots=True)
class Patch:
    """What to write: body fields by name. Their names are the mask; no name, no request."""

    fields: Mapping[str, Items] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fields)

    @property
    def mask(self) -> tuple[str, ...]:
        """The fields that the write touches, sorted."""
        return tuple(sorted(self.fields))


def get(person: JsonObject) -> Contact:
    """The common view of a person. Malformed when a synced part is not of the documented shape."""
    return Contact({name: lens.read(contact_items(person, lens.field)) for name, lens in LENSES.items()})


def put(delta: Delta, person: JsonObject | None) -> Patch:
    """What to write so that the person shows the change. ValueError for an edit of an entry that is not there."""
    raw = person or {}
    lists: dict[str, Items] = {}
    for name, change in delta.items():
        lens = LENSES[name]
        before = lists.get(lens.field)
        lists[lens.field] = lens.write(contact_items(raw, lens.field) if before is None else before, change)
    return Patch({field: items for field, items in lists.items() if items != contact_items(raw, field)})


def whole_lists(person: JsonObject, fields: tuple[str, ...]) -> dict[str, Items]:
    """The named lists as they stand in the person, fit for a write that shall not change them."""
    return {field: contact_items(person, field) for field in fields}


def creating(contact: Contact) -> Delta:
    """The change that makes a contact out of nothing."""
    return {name: _from_nothing(value) for name, value in contact.values.items()}


def _from_nothing(value: Value) -> Change:
    return tuple(Edit(None, entry) for entry in value) if isinstance(value, tuple) else value


def again(person: JsonObject) -> JsonObject:
    """The body that makes a contact like an earlier one: all that a program may write, without what the service adds to it."""
    lists = {field: contact_items(person, field) for field, items in person.items() if field not in _OWN and isinstance(items, list)}
    return {field: [_bare(item) for item in items] for field, items in lists.items() if items}


def _bare(item: JsonObject) -> JsonObject:
    return {key: value for key, value in item.items() if key not in _DERIVED}


def contact_items(person: JsonObject, field: str) -> Items:
    """The items of a list that belong to the contact itself; one without a source does."""
    return [item for item in objects_at(person, field) if _source_of(item) in {"", "CONTACT"}]


def _source_of(item: JsonObject) -> str:
    return text_at(object_at(object_at(item, "metadata"), "source"), "type")


def contact_source(person: JsonObject) -> JsonObject:
    """The source that says that this person is a contact. Malformed when there is none."""
    for source in objects_at(object_at(person, "metadata"), "sources"):
        if text_at(source, "type") == "CONTACT":
            return source
    raise Malformed("a person of the listing is no contact")


def record_id(person: JsonObject) -> RecordId:
    """The id that stays when the resource name changes."""
    return RecordId(text_at(contact_source(person), "id"))


def id_of_name(resource_name: str) -> RecordId | None:
    """The id that a resource name of the ordinary form stands for: `people/c` and the id as a decimal number."""
    number = resource_name.removeprefix("people/c")
    if number == resource_name or not number.isdecimal():
        return None
    return RecordId(f"{int(number):x}")


def marker_of(person: JsonObject) -> Marker | None:
    """Our marker in it, if any."""
    for item in contact_items(person, "clientData"):
        if text_at(item, "key") == MARKER_KEY and text_at(item, "value"):
            return Marker(text_at(item, "value"))
    return None


def marked(marker: Marker) -> Items:
    """The `clientData` of a contact that we make."""
    return [{"key": MARKER_KEY, "value": marker}]


def is_member(person: JsonObject, group: str) -> bool:
    """Whether the person is in the group (by its resource name)."""
    return any(
        text_at(object_at(item, "contactGroupMembership"), "contactGroupResourceName") == group
        for item in objects_at(person, "memberships")
    )


def memberships(group: str) -> Items:
    """A new contact stands in the group, and among the contacts that every app shows."""
    return [{"contactGroupMembership": {"contactGroupResourceName": name}} for name in (group, MY_CONTACTS)]


def cut_lists(person: JsonObject) -> frozenset[str]:
    """The lists that a listing may have cut off."""
    return frozenset(key for key, value in person.items() if isinstance(value, list) and len(value) >= LIST_LIMIT)


def refusals(delta: Delta) -> dict[FieldName, str]:
    """What the service is known not to take, by field, each with a sentence."""
    found: dict[FieldName, str] = {}
    for name, change in delta.items():
        words = FIELDS[name].kind.value
        entries = [edit.new for edit in change if edit.new is not None] if isinstance(change, tuple) else []
        if any(len(text) > MAX_TEXT for text in _texts(change)):
            found[name] = f"Google takes at most {MAX_TEXT:,} characters: this {words} is longer."
        elif len(entries) > MAX_ENTRIES:
            found[name] = f"Google takes at most {MAX_ENTRIES} entries in one contact."
    return found


def _texts(change: object) -> list[str]:
    match change:
        case str():
            return [change]
        case tuple():
            return [text for edit in change for text in _edit_texts(edit)]
        case _:
            return [str(getattr(change, part)) for part in ("street", "city", "region", "postal_code", "country", "text")]


def _edit_texts(edit: Edit) -> list[str]:
    return [] if edit.new is None else [edit.new.value, edit.new.label]
