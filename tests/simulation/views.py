"""What a person sees of a record, read from the services' own state and never through Tandem's eyes.

A `View` holds the synced fields as plain values; `rest` is everything else of the record, which nobody but a human may move.
Values are compared by what they say: phone numbers by their digits, addresses by e-mail without case, postal addresses by their
words in any order (Pipedrive keeps a line, Google keeps parts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.stage import Stage

TEXTS = ("first", "last", "organisation", "address")
LISTS = ("phones", "emails", "messengers")
GOOGLE, PIPEDRIVE = "google", "pipedrive"
MARKER_FIELD, MESSENGER_FIELD, ADDRESS_FIELD = "Tandem ID", "Instant messenger", "Postal address"


@dataclass(frozen=True)
class Item:
    """One entry of a list."""

    label: str
    primary: bool = False


@dataclass(frozen=True)
class View:
    """One record. Lists: what an entry says -> how it is labelled, in the record's own order."""

    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Mapping[str, Item]] = field(default_factory=dict)
    in_scope: bool = True
    #: A colleague's own: the linked user cannot see it at all.
    is_hidden: bool = False

    def values(self) -> set[tuple[str, str]]:
        """(field, value) of everything it says."""
        said = {(name, text) for name, text in self.texts.items() if text}
        return said | {(name, key) for name, items in self.lists.items() for key in items}

    def says(self, name: str, value: str) -> bool:
        """Whether a value stands in a field."""
        return self.texts.get(name) == value or value in self.lists.get(name, {})

    def labels(self, name: str) -> dict[str, str]:
        """The labels of a list, by entry."""
        return {key: item.label for key, item in self.lists[name].items()}

    def primary(self, name: str) -> str:
        """The entry that is marked as the primary one; empty without."""
        return next((key for key, item in self.lists[name].items() if item.primary), "")

    @property
    def is_nameless(self) -> bool:
        """Whether it bears no name of a person."""
        return not self.texts["first"] and not self.texts["last"]


def views(stage: Stage, side: str) -> dict[str, View]:
    """All living records of a side, by id."""
    if side == GOOGLE:
        group = stage.group.removeprefix("contactGroups/")
        return {one["id"]: _contact(one, group) for one in stage.google()}
    state = stage.world.pipedrive.state()
    names = {row["id"]: row["name"] for row in state["organizations"]}
    places = _places(stage)
    return {str(one["id"]): _person(one, names, places, stage.terms.scope) for one in state["persons"] if not one["is_deleted"]}


def rests(stage: Stage, side: str) -> dict[str, dict[str, object]]:
    """What is no matter of the sync, by id of the record."""
    if side == GOOGLE:
        return {one["id"]: _contact_rest(one) for one in stage.google()}
    places = _places(stage)
    return {str(one["id"]): _person_rest(one, places) for one in stage.pipedrive()}


def is_untouched(before: Mapping[str, object], now: Mapping[str, object]) -> bool:
    """Whether the rest of a record stayed. What details an e-mail goes with it."""
    shown = {key: name for key, name in dict(before["shown"]).items() if key in now["emails"]} if "shown" in before else {}
    return all(value == now.get(key) for key, value in before.items() if key not in {"shown", "emails"}) and shown == now.get("shown", {})


def organisations(stage: Stage) -> list[str]:
    """Names of the living organisations."""
    return sorted(str(row["name"]) for row in stage.world.pipedrive.state()["organizations"] if not row["is_deleted"])


def words(text: str) -> str:
    """The words of an address, in one order."""
    return " ".join(sorted(text.replace(",", " ").casefold().split()))


def _label(text: object) -> str:
    spaced = re.sub(r"(?<=[a-z])([A-Z])", r" \1", str(text or "")).casefold()
    return {"google talk": "google"}.get(spaced, spaced)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _contact(one: dict[str, object], group: str) -> View:
    fields = one["fields"]
    name = (fields.get("names") or [{}])[0]
    address = (fields.get("addresses") or [{}])[0]
    parts = " ".join(address.get(part, "") for part in ("streetAddress", "city", "region", "postalCode", "country"))
    texts = {
        "first": " ".join(part for part in (name.get("givenName", ""), name.get("middleName", "")) if part),
        "last": " ".join(part for part in (name.get("familyName", ""), name.get("honorificSuffix", "")) if part),
        "organisation": (fields.get("organizations") or [{}])[0].get("name", ""),
        "address": words(parts if parts.strip() else address.get("formattedValue", "")),
    }
    lists = {
        "phones": _items(fields.get("phoneNumbers"), lambda item: _digits(item["value"]), "type"),
        "emails": _items(fields.get("emailAddresses"), lambda item: item["value"].casefold(), "type"),
        "messengers": _items(fields.get("imClients"), lambda item: f"{_label(item.get('protocol'))}:{item['username']}", "protocol"),
    }
    return View(texts, lists, group in one["groups"])


def _items(items: list[dict[str, object]] | None, key: object, label: str) -> dict[str, Item]:
    rows = items or []
    marked = next((n for n, item in enumerate(rows) if item.get("metadata", {}).get("sourcePrimary")), 0)
    return {key(item): Item(_label(item.get(label)), n == marked) for n, item in enumerate(rows)}


def _person(one: dict[str, object], organisations_: dict[int, str], places: Mapping[str, str], scope: str) -> View:
    texts = {
        "first": one["first_name"] or "",
        "last": one["last_name"] or "",
        "organisation": organisations_.get(one["org_id"], ""),
        "address": words(_address(one, places)),
    }
    lists = {
        "phones": _entries(one["phones"], _digits),
        "emails": _entries(one["emails"], str.casefold),
        "messengers": _messengers(one, places),
    }
    is_hidden = one["owner_id"] != 1 and one["visible_to"] == 1
    return View(texts, lists, (scope != "mine" or one["owner_id"] == 1) and not is_hidden, is_hidden)


def _entries(items: list[dict[str, object]], key: object) -> dict[str, Item]:
    return {key(item["value"]): Item(_label(item.get("label")), item["primary"]) for item in items if item["value"].strip()}


def _address(one: dict[str, object], places: Mapping[str, str]) -> str:
    held = one["custom_fields"].get(places[ADDRESS_FIELD]) if ADDRESS_FIELD in places else one.get("postal_address")
    return (held.get("value") or "") if isinstance(held, dict) else str(held or "")


def _messengers(one: dict[str, object], places: Mapping[str, str]) -> dict[str, Item]:
    if MESSENGER_FIELD not in places:
        return {
            f"{_label(item.get('label'))}:{item['value']}": Item(_label(item.get("label")), item["primary"]) for item in one.get("im", ())
        }
    found: dict[str, Item] = {}
    for piece in str(one["custom_fields"].get(places[MESSENGER_FIELD]) or "").split(";"):
        protocol, _, handle = piece.strip().rpartition(": ")
        if handle:
            found[f"{protocol}:{handle}"] = Item(protocol)
    return found


def _places(stage: Stage) -> dict[str, str]:
    """Tandem's own custom fields, by name; code of the field."""
    fields = stage.world.pipedrive.company.table("person").fields
    return {row.name: code for code, row in fields.items() if row.is_custom and row.name in {MARKER_FIELD, MESSENGER_FIELD, ADDRESS_FIELD}}


def _contact_rest(one: dict[str, object]) -> dict[str, object]:
    fields = one["fields"]
    synced = {"names", "organizations", "addresses", "phoneNumbers", "emailAddresses", "imClients", "clientData"}
    rest: dict[str, object] = {name: items for name, items in fields.items() if name not in synced}
    name = (fields.get("names") or [{}])[0]
    rest["name"] = {part: name[part] for part in ("honorificPrefix", "phoneticGivenName", "phoneticFamilyName") if part in name}
    rest["titles"] = [extra for item in fields.get("organizations", []) if (extra := _without(item, "name", "type", "metadata"))]
    rest["more addresses"] = fields.get("addresses", [])[1:]
    rest["data"] = [item for item in fields.get("clientData", []) if item.get("key") != "tandem"]
    emails = fields.get("emailAddresses", [])
    rest["shown"] = {item["value"].casefold(): item["displayName"] for item in emails if item.get("displayName")}
    rest["emails"] = [item["value"].casefold() for item in emails]
    return {**rest, "photo": one["photo"], "groups": sorted(one["groups"])}


def _without(item: dict[str, object], *names: str) -> dict[str, object]:
    return {key: value for key, value in item.items() if key not in names}


def _person_rest(one: dict[str, object], places: Mapping[str, str]) -> dict[str, object]:
    names = ("label_ids", "visible_to", "notes", "birthday", "job_title", "picture_id", "owner_id", "counts")
    custom = {code: value for code, value in one["custom_fields"].items() if code not in places.values() and value is not None}
    return {**{name: one.get(name) for name in names}, "custom": custom}
