"""Fields of persons and organisations: the built-in ones, those of contact sync, and custom ones with their 40-digit codes.

Rules: only custom fields can be made, renamed and deleted; deleting one takes its values along. The contact sync fields are listed
only where the company has them, and are marked as custom there although their values stand at the root of a person.
Sources: the vendor's pages on custom fields; `is_writable` is undocumented but has been seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_calls import Call, found
from tandem.sandbox.pipedrive_company import Company, label_options
from tandem.sandbox.pipedrive_errors import forbidden, invalid, not_found
from tandem.sandbox.pipedrive_lists import decode_cursor, encode_cursor
from tandem.sandbox.pipedrive_model import ADDRESS_PARTS, CONTACT_SYNC_KEYS, Field, Kind, Object, Option
from tandem.sandbox.pipedrive_validate import Column
from tandem.sandbox.wire import Json, Response

TYPES = (
    "varchar", "text", "double", "phone", "date", "daterange", "time", "timerange", "set", "enum", "varchar_auto", "address",
    "monetary", "org", "people", "user",
)  # fmt: skip
_DETAILS = ("ui_visibility", "important_fields", "required_fields")
_SHARED = (
    ("id", "ID", "int", False),
    ("name", "Name", "varchar", True),
    ("label_ids", "Labels", "set", True),
    ("owner_id", "Owner", "user", True),
    ("add_time", "Created", "date", False),
    ("update_time", "Update time", "date", False),
    ("visible_to", "Visible to", "visible_to", True),
    ("open_deals_count", "Open deals", "int", False),
    ("activities_count", "Total activities", "int", False),
    ("undone_activities_count", "Activities to do", "int", False),
)
_PERSON = (
    ("first_name", "First name", "varchar", True),
    ("last_name", "Last name", "varchar", True),
    ("phone", "Phone", "phone", True),
    ("email", "Email", "varchar", True),
    ("org_id", "Organization", "org", True),
    ("picture_id", "Profile picture", "picture", False),
    ("im", "Instant messenger", "varchar", True),
    ("postal_address", "Postal address", "address", True),
    ("notes", "Notes", "text", True),
    ("birthday", "Birthday", "date", True),
    ("job_title", "Job title", "varchar", True),
)
_ORGANIZATION = (
    ("address", "Address", "address", True),
    ("website", "Website", "varchar", True),
    ("linkedin", "LinkedIn profile", "varchar", True),
    ("industry", "Industry", "enum", True),
    ("annual_revenue", "Annual revenue", "int", True),
    ("employee_count", "Number of employees", "int", True),
    ("people_count", "People", "int", False),
)


def built_in(kind: Kind) -> dict[str, Field]:
    """The fields that every company has, and for persons those of contact sync, which `listed` hides where there is none."""
    fields: dict[str, Field] = {}
    for code, name, type_, writable in (*_SHARED, *(_PERSON if kind == "person" else _ORGANIZATION)):
        optional = code.endswith("_count") and code != "employee_count"
        fields[code] = Field(code, name, type_, is_optional=optional, is_writable=writable)
    fields["label_ids"].options = label_options()
    return fields


def listed(company: Company, kind: Kind) -> list[Field]:
    """The fields that the company has, in order."""
    hidden = company.hidden_keys() if kind == "person" else ()
    return [one for one in company.table(kind).fields.values() if one.code not in hidden]


def make(company: Company, kind: Kind, name: str, type_: str, options: list[str] | None = None) -> Field:
    """Add a custom field under a fresh code; refuses beyond the company's limit."""
    made = len(company.persons.custom_fields()) + len(company.organizations.custom_fields())
    if made >= int(company.switches["custom_field_limit"]):
        raise forbidden("The limit of custom fields is reached", "feature_capping_custom_fields_limit")
    if type_ in ("enum", "set") and not options:
        raise invalid("options: The value is required for this field type")
    field = Field(f"{company.rng.getrandbits(160):040x}", name, type_, is_custom=True)
    if type_ in ("enum", "set"):
        field.options = [Option(company.next_option + place, label) for place, label in enumerate(options or [])]
        company.next_option += len(field.options)
    company.table(kind).fields[field.code] = field
    return field


def unmake(company: Company, kind: Kind, code: str) -> Field | None:
    """Delete a custom field and its values; update times stay. None when there is no such custom field."""
    table = company.table(kind)
    field = table.fields.get(code)
    if field is None or not field.is_custom:
        return None
    del table.fields[code]
    for versions in table.rows.values():
        at, record = versions[-1]
        if code in record.custom:
            versions[-1] = (at, replace(record, custom={key: value for key, value in record.custom.items() if key != code}))
    return field


def shown(kind: Kind, field: Field, details: tuple[str, ...] = ()) -> Object:
    """A field as v2 gives it."""
    sync = kind == "person" and field.code in CONTACT_SYNC_KEYS
    options: Json = None
    if field.options is not None:
        options = [{"id": one.id, "label": one.label, **({"color": one.color} if one.color else {})} for one in field.options]
    subfields: Json = None
    if field.type == "address":
        parts = ("value", *ADDRESS_PARTS, "formatted_address")
        subfields = [{"field_code": part, "field_name": f"{part} of {field.name}", "field_type": "varchar"} for part in parts]
    whole: Object = {
        "field_name": field.name,
        "field_code": field.code,
        "description": None,
        "field_type": field.type,
        "options": options,
        "subfields": subfields,
        "is_custom_field": field.is_custom or sync,
        "is_optional_response_field": field.is_optional,
        "is_writable": field.is_writable,
    }
    extra: Mapping[str, Json] = {
        "ui_visibility": field.ui_visibility,
        "important_fields": field.important,
        "required_fields": field.required,
    }
    return {**whole, **{key: extra[key] for key in details}}


# --- the calls --------------------------------------------------------------------------------------------------------------


def _details(query: Object) -> tuple[str, ...]:
    asked = query.get("include_fields")
    return tuple(str(one) for one in asked) if isinstance(asked, list) else ()


def list_fields(call: Call) -> Response:
    """GET of a page of fields."""
    query = call.query({"include_fields": check.q_list(choices=_DETAILS), "limit": check.q_integer, "cursor": check.q_text})
    limit = call.limit(query.get("limit"))
    cursor = query.get("cursor")
    mark = decode_cursor(cursor, call.company) if isinstance(cursor, str) else None
    start = mark["id"] if mark is not None and isinstance(mark["id"], int) else 0
    fields = list(islice(listed(call.company, call.kind), start, start + limit + 1))
    more = len(fields) > limit
    place = start + limit
    next_cursor = encode_cursor({"field": "id", "fieldValue": place, "sortDirection": "asc", "id": place}) if more else None
    page: list[Json] = [shown(call.kind, one, _details(query)) for one in fields[:limit]]
    return found(page, {"next_cursor": next_cursor})


def _existing(call: Call) -> Field:
    code = call.arguments["field_code"]
    field = next((one for one in listed(call.company, call.kind) if one.code == code), None)
    if field is None:
        raise not_found("Field")
    return field


def get_field(call: Call) -> Response:
    """GET of one field."""
    query = call.query({"include_fields": check.q_list(choices=_DETAILS)})
    return found(shown(call.kind, _existing(call), _details(query)))


_SETTINGS: Mapping[str, Column] = {
    "ui_visibility": Column(check.anything),
    "important_fields": Column(check.anything),
    "required_fields": Column(check.anything),
}


def _option_labels(value: Json) -> Json:
    if not isinstance(value, list) or not value:
        raise check.not_a("array")
    if not all(isinstance(one, dict) and isinstance(one.get("label"), str) for one in value):
        raise check.WrongError("Every option must have a label")
    return value


def _field_name(value: Json) -> Json:
    name = check.short_text(value)
    if not name:
        raise check.WrongError("The value must not be empty")
    return name


def add_field(call: Call) -> Response:
    """POST of a custom field; names need not be unique."""
    call.query({})
    if not call.company.may(call.user_id, "add_fields"):
        raise forbidden()
    columns = {
        **_SETTINGS,
        "field_name": Column(_field_name),
        "field_type": Column(check.choice(*TYPES)),
        "options": Column(_option_labels),
    }
    given = check.body(call.body(), columns, lambda _switch: False)
    missing = [f"{name}: The value is required" for name in ("field_name", "field_type") if name not in given]
    if missing:
        raise invalid(*missing)
    options = given.get("options")
    labels = [str(one["label"]) for one in options if isinstance(one, dict)] if isinstance(options, list) else None
    field = make(call.company, call.kind, str(given["field_name"]), str(given["field_type"]), labels)
    _settle(field, given)
    return found(shown(call.kind, field, _DETAILS))


def change_field(call: Call) -> Response:
    """PATCH: the name and the settings of a custom field; settings alone of a built-in one."""
    call.query({})
    if not call.company.may(call.user_id, "add_fields"):
        raise forbidden()
    field = _existing(call)
    given = check.body(call.body(), {**_SETTINGS, "field_name": Column(_field_name)}, lambda _switch: False)
    if "field_name" in given:
        if not field.is_custom:
            raise forbidden("You don't have permission to change this resource.")
        field.name = str(given["field_name"])
    _settle(field, given)
    return found(shown(call.kind, field, _DETAILS))


def _settle(field: Field, given: Object) -> None:
    for key, old in (("ui_visibility", field.ui_visibility), ("important_fields", field.important), ("required_fields", field.required)):
        new = given.get(key)
        if isinstance(new, dict):
            old.update(new)


def delete_field(call: Call) -> Response:
    """DELETE of a custom field."""
    call.query({})
    if not call.company.may(call.user_id, "add_fields"):
        raise forbidden()
    field = _existing(call)
    if unmake(call.company, call.kind, field.code) is None:
        raise forbidden("You don't have permission to change this resource.")
    return found(shown(call.kind, field))
