"""Reading the company for the pages: rows of lists, and a person with all that is kept.

Rules: a user is shown what that user may see; what is read is the newest version, whatever the wire's lag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tandem.sandbox import pipedrive_fields
from tandem.sandbox.pages.forms import objects, text_at
from tandem.sandbox.pages.frame import folded
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_model import PURGE_AFTER, Field, Kind, Option, Record
from tandem.sandbox.wire import Json

_VISIBLE = {1: "Owner only", 3: "Everyone in the company", 5: "Owner's group and those below", 7: "Everyone in the company"}
#: The counts that a person's page shows.
SHOWN_COUNTS = {
    "open_deals_count": "Open deals",
    "won_deals_count": "Deals won",
    "lost_deals_count": "Deals lost",
    "activities_count": "Activities",
    "undone_activities_count": "Activities to do",
    "done_activities_count": "Activities done",
    "email_messages_count": "E-mails",
    "notes_count": "Notes",
    "files_count": "Files",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A person or organisation as lists show it."""

    id: int
    name: str
    organization: str
    organization_id: int | None
    email: str
    phone: str
    owner: str
    deals: int
    people: int = 0


def seen(company: Company, user: int, kind: Kind, *, deleted: bool = False) -> Iterator[Record]:
    """The records that a user may see: living ones, or deleted ones."""
    for versions in company.table(kind).rows.values():
        record = versions[-1][1]
        if record.is_deleted == deleted and company.sees(user, record):
            yield record


def found(company: Company, user: int, kind: Kind, text: str = "") -> list[Record]:
    """The living records with a text, by name."""
    fits = _search(company, text)
    return sorted((record for record in seen(company, user, kind) if fits(record)), key=lambda record: folded(record.name))


def _search(company: Company, text: str) -> Callable[[Record], bool]:
    words = [folded(word) for word in text.split()]
    digits = "".join(one for one in text if one.isdecimal())
    is_number = len(digits) > 2 and not any(one.isalpha() for one in text)

    def fits(record: Record) -> bool:
        if not words:
            return True
        values = record.values
        if is_number and any(digits in _digits(text_at(phone, "value")) for phone in objects(values.get("phones"))):
            return True
        held = [folded(record.name), folded(organization_of(company, record)[0])]
        held += [folded(text_at(item, "value")) for name in ("emails", "im") for item in objects(values.get(name))]
        held += [folded(_plain(value)) for value in record.custom.values()]
        return all(any(word in one for one in held) for word in words)

    return fits


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdecimal())


def _plain(value: Json) -> str:
    return str(value.get("value", "")) if isinstance(value, dict) else str(value)


def organization_of(company: Company, record: Record) -> tuple[str, int | None]:
    """Name and id of a person's organisation; no id where it is deleted."""
    org_id = record.values.get("org_id")
    organization = company.organizations.now(org_id) if isinstance(org_id, int) else None
    if organization is None:
        return "", None
    return (f"{organization.name} (deleted)", None) if organization.is_deleted else (organization.name, organization.id)


def row(company: Company, record: Record) -> Row:
    """A person for a list."""
    name, org_id = organization_of(company, record)
    deals = record.counts.get("open_deals_count")
    return Row(
        record.id,
        record.name,
        name,
        org_id,
        main(record, "emails"),
        main(record, "phones"),
        owner_of(company, record),
        deals if isinstance(deals, int) else 0,
    )


def organization_rows(company: Company, records: list[Record]) -> list[Row]:
    """Organisations for a list, with how many living persons each has."""
    people = Counter(versions[-1][1].values.get("org_id") for versions in company.persons.rows.values() if not versions[-1][1].is_deleted)
    return [Row(one.id, one.name, "", None, "", "", owner_of(company, one), 0, people[one.id]) for one in records]


def main(record: Record, name: str) -> str:
    """The primary e-mail or phone, else the first."""
    held = objects(record.values.get(name))
    chosen = next((one for one in held if one.get("primary")), held[0] if held else {})
    return text_at(chosen, "value")


def owner_of(company: Company, record: Record) -> str:
    """The name of the owner."""
    owner = company.users.get(record.owner_id)
    return owner.name if owner is not None else f"User {record.owner_id}"


def members(company: Company, user: int, org_id: int) -> list[Record]:
    """The living persons of an organisation whom the user may see, by name."""
    there = [record for record in seen(company, user, "person") if record.values.get("org_id") == org_id]
    return sorted(there, key=lambda record: folded(record.name))


def deleted_records(company: Company, user: int, kind: Kind) -> list[tuple[Record, str]]:
    """What was deleted, the latest first, with the day on which it goes for good; what a merge has taken is left out."""
    there = [record for record in seen(company, user, kind, deleted=True) if record.merged_into is None]
    there.sort(key=lambda record: record.update_time, reverse=True)
    return [(record, _last_day(record)) for record in there]


def _last_day(record: Record) -> str:
    return (datetime.fromisoformat(record.update_time) + PURGE_AFTER).date().isoformat()


def custom_fields(company: Company, kind: Kind) -> list[Field]:
    """The fields that people, or an application, have made."""
    return [one for one in pipedrive_fields.listed(company, kind) if one.is_custom]


def custom_text(field: Field, value: Json) -> str:
    """A custom field's value as people read it."""
    match value:
        case None:
            return ""
        case list():
            return ", ".join(option_label(field.options, one) for one in value)
        case dict():
            return (
                " ".join(str(part) for part in value.values() if part is not None) if field.type != "address" else text_at(value, "value")
            )
        case _ if field.options is not None:
            return option_label(field.options, value)
        case _:
            return str(value)


def option_label(options: list[Option] | None, chosen: Json) -> str:
    """What a choice is called."""
    return next((option.label for option in options or [] if option.id == chosen), str(chosen))


def choices_of_visibility(company: Company) -> dict[int, str]:
    """What visibility may be set to."""
    allowed = (1, 3, 5, 7) if company.switches["visibility_groups"] else (1, 3)
    names = {**_VISIBLE, 3: "Owner's group"} if company.switches["visibility_groups"] else _VISIBLE
    return {number: names[number] for number in allowed}
