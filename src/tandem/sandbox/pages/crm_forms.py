"""The form of a person: what it shows of a record, and what a sent form changes in it, custom fields by their types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tandem.sandbox.pages.crm_reading import custom_fields, option_label, organization_of
from tandem.sandbox.pages.forms import Values, WrongEntry, changed_texts, merge_rows, objects, row_of, text_at
from tandem.sandbox.pages.frame import many_lines, one_line
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_model import Field, Object, Record
from tandem.sandbox.wire import Json

#: The lists of the form and the persons' keys; `im` only where the company has it.
_LISTS = {"phones": "phones", "emails": "emails", "messengers": "im"}
#: Types of custom fields that are one text in the form.
_TEXTUAL = frozenset({"varchar", "varchar_auto", "text", "phone", "double", "date", "address"})
_ONE_OF = frozenset({"enum"})
_ZERO_DAY = "0000-00-00"


def editable(field: Field) -> bool:
    """Whether the form can change such a custom field; others are shown and kept."""
    return field.type in _TEXTUAL or field.type in _ONE_OF or field.type == "set"


def has_sync_fields(company: Company) -> bool:
    """Whether persons have messengers, an address, notes, a birthday and a job title of their own."""
    return not company.hidden_keys()


def blank(company: Company, user: int) -> Values:
    """What the form of a new person shows."""
    everybody = "7" if company.switches["visibility_groups"] else "3"
    texts = {"first_name": "", "last_name": "", "organization": "", "owner": str(user), "visible_to": everybody}
    ticks: dict[str, list[str]] = {"labels": []}
    rows: dict[str, list[tuple[str, str]]] = {"phones": [], "emails": []}
    if has_sync_fields(company):
        texts |= {"job_title": "", "birthday": "", "postal_address": "", "notes": ""}
        rows["messengers"] = []
    for field in custom_fields(company, "person"):
        if field.type == "set":
            ticks[f"custom_{field.code}"] = []
        elif editable(field):
            texts[f"custom_{field.code}"] = ""
    return Values({**texts, **{f"{name}_primary": "0" for name in rows}}, rows, ticks)


def shown(company: Company, record: Record) -> Values:
    """A person's values as the form shows them."""
    values, made = record.values, blank(company, record.owner_id)
    texts = made.texts
    texts |= {name: one_line(text_at(values, name)) for name in ("first_name", "last_name", "job_title") if name in texts}
    texts["organization"] = one_line(organization_of(company, record)[0])
    texts |= {"owner": str(record.owner_id), "visible_to": str(record.visible_to)}
    if has_sync_fields(company):
        texts["birthday"] = text_at(values, "birthday").replace(_ZERO_DAY, "")
        texts["notes"] = many_lines(text_at(values, "notes"))
        address = values.get("postal_address")
        texts["postal_address"] = one_line(text_at(address, "value")) if isinstance(address, dict) else ""
    for name in made.rows:
        held = objects(values.get(_LISTS[name]))
        made.rows[name] = [row_of(item, "value", "label") for item in held]
        texts[f"{name}_primary"] = str(next((place for place, one in enumerate(held) if one.get("primary")), 0))
    made.ticks["labels"] = [str(one) for one in record.label_ids]
    for field in custom_fields(company, "person"):
        _show_custom(field, record.custom.get(field.code), made)
    return made


def _show_custom(field: Field, value: Json, made: Values) -> None:
    name = f"custom_{field.code}"
    if field.type == "set":
        made.ticks[name] = [str(one) for one in value] if isinstance(value, list) else []
    elif editable(field) and value is not None:
        text = text_at(value, "value") if isinstance(value, dict) else f"{value:g}" if isinstance(value, float) else str(value)
        made.texts[name] = many_lines(text) if field.type == "text" else one_line(text)


def changes(company: Company, record: Record | None, was: Values, now: Values) -> Object:
    """What the person has changed, as arguments of an edit; the organisation, which may have to be made, is left out. WrongEntry."""
    changed = changed_texts(was, now)
    sent: Object = {}
    if record is None or changed & {"first_name", "last_name"}:
        sent |= _names(now)
    for name, key in (("owner", "owner_id"), ("visible_to", "visible_to")):
        if name in changed or record is None:
            sent[key] = _number(now.text(name))
    for name in changed & {"job_title", "notes"}:
        sent[name] = now.text(name) or None
    if "birthday" in changed:
        sent["birthday"] = _day(now.text("birthday"), "birthday") if now.text("birthday") else None
    if "postal_address" in changed:
        sent["postal_address"] = {"value": now.text("postal_address")} if now.text("postal_address") else None
    for name in now.rows:
        held = objects(record.values.get(_LISTS[name])) if record is not None else []
        if (items := _list(held, name, was, now)) != held:
            sent[_LISTS[name]] = items
    if sorted(now.ticks["labels"]) != sorted(was.ticks.get("labels", [])):
        sent["label_ids"] = [_number(one) for one in now.ticks["labels"]]
    custom = _custom_changes(company, was, now, changed)
    if custom:
        sent["custom_fields"] = custom
    return sent if record is not None else {key: value for key, value in sent.items() if value is not None}


def _names(now: Values) -> Object:
    """The name in its parts; of a name of one word the other part is nothing. WrongEntry."""
    first, last = now.text("first_name"), now.text("last_name")
    if not first and not last:
        raise WrongEntry("Give the person a first name or a last name.")
    return {"name": first} if not last and " " not in first else {"first_name": first, "last_name": last}


def _list(held: list[Object], name: str, was: Values, now: Values) -> list[Json]:
    """Phones, e-mails or messengers after the edit, with the primary one that was chosen."""
    merged = merge_rows(held, was.rows.get(name, []), now.rows[name], "value", "label")
    chosen = now.texts[f"{name}_primary"]
    if chosen.isdecimal() and int(chosen) in merged.origins and chosen != was.texts.get(f"{name}_primary"):
        at = merged.origins.index(int(chosen))
        return [{**item, "primary": place == at} for place, item in enumerate(merged.items)]
    return [*merged.items]


def _custom_changes(company: Company, was: Values, now: Values, changed: set[str]) -> Object:
    sent: Object = {}
    for field in custom_fields(company, "person"):
        name = f"custom_{field.code}"
        if field.type == "set" and sorted(now.ticks.get(name, [])) != sorted(was.ticks.get(name, [])):
            sent[field.code] = [_number(one) for one in now.ticks[name]] or None
        elif name in changed:
            sent[field.code] = _custom(field, now.text(name)) if now.text(name) else None
    return sent


def _custom(field: Field, text: str) -> Json:
    """A text as the field's type wants it. WrongEntry."""
    match field.type:
        case "double":
            try:
                return float(text.replace(",", "."))
            except ValueError:
                raise WrongEntry(f"{field.name} is a number: write it with digits, such as 12.5.") from None
        case "date":
            return _day(text, field.name)
        case "address":
            return {"value": text}
        case "enum":
            return _number(text)
        case _:
            return text


def _day(text: str, what: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise WrongEntry(f"Write the {what} as 1980-05-31.") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise WrongEntry("Choose one of the list.")
    return int(text)


def custom_inputs(company: Company, values: Values) -> list[Mapping[str, object]]:
    """The custom fields as the form's inputs: name, title, type, value, and choices where there are some."""
    inputs: list[Mapping[str, object]] = []
    for field in custom_fields(company, "person"):
        name = f"custom_{field.code}"
        if editable(field):
            choices = [(str(option.id), option_label(field.options, option.id)) for option in field.options or []]
            ticked = values.ticks.get(name, [])
            text = values.texts.get(name, "")
            inputs.append({"name": name, "title": field.name, "type": field.type, "text": text, "ticked": ticked, "choices": choices})
    return inputs
