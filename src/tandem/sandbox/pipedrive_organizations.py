"""Organisations: what may be written and how one looks in both API versions.

Rules: as for persons; `name` is all that is required.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_errors import invalid
from tandem.sandbox.pipedrive_model import ORGANIZATION_COUNTS, Object, Record, old_instant
from tandem.sandbox.pipedrive_persons import formatted
from tandem.sandbox.pipedrive_validate import Column

COLUMNS: Mapping[str, Column] = {
    "name": Column(check.short_text),
    "owner_id": Column(check.integer),
    "visible_to": Column(check.integer),
    "label_ids": Column(check.integers),
    "address": Column(check.address, "null_address"),
    "website": Column(check.short_text, "null_scalars"),
    "linkedin": Column(check.short_text, "null_scalars"),
    "industry": Column(check.integer, "null_scalars"),
    "annual_revenue": Column(check.integer, "null_scalars"),
    "employee_count": Column(check.integer, "null_scalars"),
}
_PLAIN = ("website", "linkedin", "industry", "annual_revenue", "employee_count")


def blank() -> Object:
    """The values of an organisation of which nothing is known."""
    return {"name": "", "address": None, **dict.fromkeys(_PLAIN), "picture_id": None}


def named(given: Object, old: Object | None) -> Object:
    """The name; refused when a new organisation has none."""
    if "name" not in given:
        if old is None:
            raise invalid("name: The value is required")
        return {}
    if not given["name"]:
        raise invalid("name: The value must not be empty")
    return {"name": given["name"]}


def shown(company: Company, record: Record) -> Object:
    """An organisation as v2 gives it, without custom fields and optional values."""
    values = record.values
    return {
        "id": record.id,
        "name": values["name"],
        "owner_id": record.owner_id,
        "add_time": record.add_time,
        "update_time": record.update_time,
        "address": formatted(company, values["address"]),
        "is_deleted": record.is_deleted,
        "visible_to": record.visible_to,
        "label_ids": list(record.label_ids),
        **{key: values[key] for key in _PLAIN},
    }


def shown_old(company: Company, record: Record) -> Object:
    """An organisation as v1 gives it."""
    address = record.values["address"]
    owner = company.users.get(record.owner_id)
    parts = (
        {"address" if key == "value" else f"address_{key}": value for key, value in address.items()} if isinstance(address, dict) else {}
    )
    return {
        "id": record.id,
        "company_id": 1,
        "owner_id": record.owner_id,
        "name": record.name,
        **{key: record.counts.get(key, 0) for key in ORGANIZATION_COUNTS if key.endswith("_count")},
        "active_flag": not record.is_deleted,
        "first_char": record.name[:1].lower(),
        "update_time": old_instant(record.update_time),
        "add_time": old_instant(record.add_time),
        "delete_time": old_instant(record.update_time) if record.is_deleted else None,
        "visible_to": str(record.visible_to),
        "label": record.label_ids[0] if record.label_ids else None,
        "label_ids": list(record.label_ids),
        "owner_name": owner.name if owner is not None else None,
        **parts,
        **record.custom,
    }


def united(survivor: Record, loser: Record) -> Object:
    """The values of two merged organisations: the survivor's where it has any."""
    return {key: loser.values.get(key) if value in (None, "") else value for key, value in survivor.values.items()}
