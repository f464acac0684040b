"""Persons: what may be written, how names follow from parts and parts from names, and how a person looks in both API versions.

Rules: a body sets either `name` or the parts, never both; a name is split at its last blank, a name of one word has no last part.
Sources: the vendor's v2 migration guide; the splitting is not documented and is the likely one.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_errors import bad_request, invalid
from tandem.sandbox.pipedrive_model import PERSON_COUNTS, Object, Record, old_instant
from tandem.sandbox.pipedrive_validate import Column
from tandem.sandbox.wire import Json

MARKETING = ("no_consent", "unsubscribed", "subscribed", "archived")

#: All that a PATCH may name; POST takes add_time as well. `custom_fields` is added by the caller, who knows the fields.
COLUMNS: Mapping[str, Column] = {
    "name": Column(check.short_text),
    "first_name": Column(check.short_text, "null_scalars"),
    "last_name": Column(check.short_text, "null_scalars"),
    "owner_id": Column(check.integer),
    "org_id": Column(check.integer, "null_org_id"),
    "emails": Column(check.contact_list),
    "phones": Column(check.contact_list),
    "visible_to": Column(check.integer),
    "label_ids": Column(check.integers),
    "postal_address": Column(check.address, "null_address"),
    "notes": Column(check.text_up_to(check.NOTES_MAX), "null_scalars"),
    "im": Column(check.contact_list),
    "birthday": Column(check.birthday, "null_scalars"),
    "job_title": Column(check.short_text, "null_scalars"),
    "marketing_status": Column(check.choice(*MARKETING)),
}


def blank() -> Object:
    """The values of a person of whom nothing is known."""
    return {
        "name": "",
        "first_name": None,
        "last_name": None,
        "org_id": None,
        "emails": [],
        "phones": [],
        "picture_id": None,
        "postal_address": None,
        "notes": None,
        "im": [],
        "birthday": None,
        "job_title": None,
    }


def split(name: str) -> tuple[str, str | None]:
    """First and last part of a full name."""
    first, _, last = name.rpartition(" ")
    return (first.strip(), last) if first.strip() else (last, None)


def named(given: Object, old: Object | None) -> Object:
    """The three name values that follow from what was given; nothing when no name was. Refuses contradictions and emptiness."""
    parts = [key for key in ("first_name", "last_name") if key in given]
    if "name" in given:
        if parts:
            raise bad_request("Cannot set 'name' and 'first_name'/'last_name' at the same time")
        name = " ".join(str(given["name"]).split())
        if not name:
            raise invalid("name: The value must not be empty")
        first, last = split(name)
        return {"name": name, "first_name": first, "last_name": last}
    if not parts:
        if old is None:
            raise invalid("name: The value is required")
        return {}
    if old is None and len(parts) < 2:
        raise invalid("first_name: Both first_name and last_name must be provided")
    before = old or {}
    new: Object = {key: given.get(key, before.get(key)) for key in ("first_name", "last_name")}
    name = " ".join(text for text in (new["first_name"], new["last_name"]) if isinstance(text, str) and text)
    if not name:
        raise invalid("first_name: first_name and last_name can not both be empty")
    return {"name": name, **new}


def check_links(company: Company, given: Object) -> None:
    """Refuse links to what does not exist."""
    org_id = given.get("org_id")
    if isinstance(org_id, int):
        organization = company.organizations.now(org_id)
        if organization is None or organization.is_deleted:
            raise invalid("org_id: The organization does not exist")


def shown(company: Company, record: Record) -> Object:
    """A person as v2 gives it, without custom fields and optional values."""
    values = record.values
    org_id = values["org_id"]
    if company.switches["deleted_org_link"] == "drop" and isinstance(org_id, int):
        organization = company.organizations.now(org_id)
        org_id = org_id if organization is not None and not organization.is_deleted else None
    person: Object = {
        "id": record.id,
        "name": values["name"],
        "first_name": values["first_name"],
        "last_name": values["last_name"],
        "owner_id": record.owner_id,
        "org_id": org_id,
        "add_time": record.add_time,
        "update_time": record.update_time,
        "emails": values["emails"],
        "phones": values["phones"],
        "is_deleted": record.is_deleted,
        "visible_to": record.visible_to,
        "label_ids": list(record.label_ids),
        "picture_id": values["picture_id"],
    }
    if company.switches["contact_sync_enabled"]:
        person |= {key: values[key] for key in ("notes", "im", "birthday", "job_title")}
        person["postal_address"] = formatted(company, values["postal_address"])
    return person


def formatted(company: Company, address: Json) -> Json:
    """An address, with the formatted text where the switch asks for it."""
    if isinstance(address, dict) and company.switches["formatted_address"]:
        return {**address, "formatted_address": address.get("value")}
    return address


def shown_old(company: Company, record: Record) -> Object:
    """A person as v1 gives it."""
    values = record.values
    org_id = values["org_id"]
    organization = company.organizations.now(org_id) if isinstance(org_id, int) else None
    owner = company.users.get(record.owner_id)
    person: Object = {
        "id": record.id,
        "company_id": 1,
        "owner_id": record.owner_id,
        "org_id": org_id,
        "name": values["name"],
        "first_name": values["first_name"],
        "last_name": values["last_name"],
        **{key: record.counts.get(key, 0) for key in PERSON_COUNTS if key.endswith("_count")},
        "active_flag": not record.is_deleted,
        "phone": values["phones"] or [{"value": "", "primary": True}],
        "email": values["emails"] or [{"value": "", "primary": True}],
        "first_char": record.name[:1].lower(),
        "update_time": old_instant(record.update_time),
        "add_time": old_instant(record.add_time),
        "delete_time": old_instant(record.update_time) if record.is_deleted else None,
        "visible_to": str(record.visible_to),
        "picture_id": values["picture_id"],
        "label": record.label_ids[0] if record.label_ids else None,
        "label_ids": list(record.label_ids),
        "org_name": organization.name if organization is not None else None,
        "owner_name": owner.name if owner is not None else None,
        **record.custom,
    }
    if company.switches["contact_sync_enabled"]:
        person |= {key: values[key] for key in ("notes", "im", "birthday", "job_title")}
        address = values["postal_address"]
        if isinstance(address, dict):
            person |= {"postal_address" if key == "value" else f"postal_address_{key}": value for key, value in address.items()}
    return person


def united(survivor: Record, loser: Record) -> Object:
    """The values of two merged persons: the survivor's where it has any, lists joined."""
    values = dict(survivor.values)
    for key, value in loser.values.items():
        mine = values.get(key)
        if isinstance(mine, list) and isinstance(value, list):
            known = {str(one.get("value")).casefold() for one in mine if isinstance(one, dict)}
            new: list[Json] = [
                {**one, "primary": not mine} for one in value if isinstance(one, dict) and str(one.get("value")).casefold() not in known
            ]
            values[key] = check.contact_list([*mine, *new]) if new else mine
        elif mine in (None, ""):
            values[key] = value
    return values
