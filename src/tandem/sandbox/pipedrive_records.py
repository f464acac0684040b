"""What persons and organisations have in common: create, read, change, delete and merge, for the API and for people alike.

Rules: `build` and `amend` turn a cleaned body into a new version; the handlers add what only the API has: rights, visibility, answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tandem.sandbox import pipedrive_organizations as organizations
from tandem.sandbox import pipedrive_persons as persons
from tandem.sandbox import pipedrive_validate as check
from tandem.sandbox.pipedrive_calls import Call, found
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_custom import custom_values
from tandem.sandbox.pipedrive_errors import forbidden, invalid, not_found, old_refusal
from tandem.sandbox.pipedrive_model import COUNTS, Actor, Kind, Object, Option, Record
from tandem.sandbox.pipedrive_validate import Column
from tandem.sandbox.wire import Json, Response

NAMES: dict[Kind, str] = {"person": "Person", "organization": "Organization"}
_OWN = ("owner_id", "visible_to", "label_ids", "add_time", "custom_fields")


@dataclass(frozen=True, slots=True)
class View:
    """Which optional parts of a record an answer shows."""

    counts: tuple[str, ...] = ()
    custom: tuple[str, ...] | None = None
    option_labels: bool = False
    labels: bool = False


PLAIN = View()


def view_of(query: Object) -> View:
    """The view that the query asks for."""
    counts = query.get("include_fields")
    custom = query.get("custom_fields")
    return View(
        tuple(str(one) for one in counts) if isinstance(counts, list) else (),
        tuple(str(one) for one in custom) if isinstance(custom, list) else None,
        query.get("include_option_labels") is True,
        query.get("include_labels") is True,
    )


def view_checks(kind: Kind) -> dict[str, Callable[[str], Json]]:
    """The query parameters that make a view."""
    return {
        "include_fields": check.q_list(choices=COUNTS[kind]),
        "custom_fields": check.q_list(most=15),
        "include_option_labels": check.q_boolean,
        "include_labels": check.q_boolean,
    }


def shown(company: Company, kind: Kind, record: Record, view: View = PLAIN) -> Object:
    """A record as v2 gives it; `custom_fields` holds every hash of the company, mostly null."""
    whole = persons.shown(company, record) if kind == "person" else organizations.shown(company, record)
    fields = company.table(kind).fields
    custom = record.custom
    codes = [one.code for one in fields.values() if one.is_custom and (view.custom is None or one.code in view.custom)]
    if view.option_labels:
        whole["custom_fields"] = {code: _labelled(fields[code].options, custom.get(code)) for code in codes}
    else:
        whole["custom_fields"] = {code: custom.get(code) for code in codes}
    if view.labels:
        options = fields["label_ids"].options
        whole["labels"] = [_label(options, id_) for id_ in record.label_ids]
    if view.counts:
        hidden = str(company.switches["hide_counts"]).split(",")
        whole |= {key: record.counts.get(key, _empty_count(key)) for key in view.counts if key not in hidden}
    return whole


def shown_old(company: Company, kind: Kind, record: Record) -> Object:
    """A record as v1 gives it."""
    return persons.shown_old(company, record) if kind == "person" else organizations.shown_old(company, record)


def _empty_count(key: str) -> Json:
    if key == "marketing_status":
        return "no_consent"
    return 0 if key.endswith("_count") else None


def _label(options: list[Option] | None, id_: int) -> Json:
    return {"id": id_, "label": next((option.label for option in options or [] if option.id == id_), "")}


def _labelled(options: list[Option] | None, value: Json) -> Json:
    if options is None or value is None:
        return value
    if isinstance(value, list):
        return [_label(options, one) for one in value if isinstance(one, int)]
    return _label(options, value) if isinstance(value, int) else value


# --- making and changing versions -------------------------------------------------------------------------------------------


def cleaned(company: Company, kind: Kind, body: Object, *, creating: bool) -> Object:
    """The body checked: known names, right types, existing users, labels and links, and no contact sync key without contact sync."""
    columns = dict(persons.COLUMNS if kind == "person" else organizations.COLUMNS)
    columns["custom_fields"] = Column(custom_values(company.table(kind).fields))
    if creating:
        columns["add_time"] = Column(check.moment)
    known = {key: value for key, value in body.items() if key not in company.hidden_keys()}
    given = check.body(known, columns, lambda switch: company.switches[switch] == "accept")
    if len(known) < len(body):
        raise forbidden("Contact sync fields can not be set: contact sync is not enabled for this company", "ERR_FORBIDDEN")
    _check_common(company, kind, given)
    if kind == "person":
        persons.check_links(company, given)
    return given


def _check_common(company: Company, kind: Kind, given: Object) -> None:
    if "owner_id" in given and given["owner_id"] not in company.users:
        raise invalid("owner_id: The user does not exist")
    visible = (1, 3, 5, 7) if company.switches["visibility_groups"] else (1, 3)
    if "visible_to" in given and given["visible_to"] not in visible:
        raise invalid(f"visible_to: The value must be one of {', '.join(str(one) for one in visible)}")
    labels = given.get("label_ids")
    options = {option.id for option in company.table(kind).fields["label_ids"].options or []}
    if isinstance(labels, list) and not options.issuperset(labels):
        raise invalid("label_ids: The label does not exist")


def build(company: Company, kind: Kind, given: Object, actor: Actor) -> Record:
    """A new record from a cleaned body."""
    module = persons if kind == "person" else organizations
    names = module.named(given, None)
    now = company.instant()
    everybody = 7 if company.switches["visibility_groups"] else 3
    table = company.table(kind)
    start = Record(table.take_id(), actor.user_id, everybody, now, now, module.blank())
    added = given.get("add_time")
    record = replace(start, add_time=added if isinstance(added, str) else now)
    return _with(record, given, names)


def amend(kind: Kind, old: Record, given: Object) -> Record:
    """The record with a cleaned body applied."""
    module = persons if kind == "person" else organizations
    return _with(old, given, module.named(given, old.values))


def _with(record: Record, given: Object, names: Object) -> Record:
    values = {key: value for key, value in given.items() if key not in (*_OWN, "name", "first_name", "last_name", "marketing_status")}
    custom = given.get("custom_fields")
    labels = given.get("label_ids")
    owner, visible = given.get("owner_id"), given.get("visible_to")
    merged = {**record.custom, **custom} if isinstance(custom, dict) else record.custom
    status = {"marketing_status": given["marketing_status"]} if "marketing_status" in given else {}
    return replace(
        record,
        values={**record.values, **values, **names},
        owner_id=owner if isinstance(owner, int) else record.owner_id,
        visible_to=visible if isinstance(visible, int) else record.visible_to,
        label_ids=tuple(one for one in labels if isinstance(one, int)) if isinstance(labels, list) else record.label_ids,
        custom={code: value for code, value in merged.items() if value is not None},
        counts={**record.counts, **status},
    )


# --- the calls --------------------------------------------------------------------------------------------------------------


def _existing(call: Call, *, deleted: bool) -> Record:
    """The record that a write is about; 404 when it does not exist, is not visible, or is deleted and may not be."""
    record = call.table.now(call.id)
    if record is None or not call.company.sees(call.user_id, record) or (record.is_deleted and not deleted):
        raise not_found(NAMES[call.kind])
    return record


def create(call: Call) -> Response:
    """POST: the whole new record."""
    call.query({})
    right = "add_persons" if call.kind == "person" else "add_organizations"
    if not call.company.may(call.user_id, right):
        raise forbidden()
    given = cleaned(call.company, call.kind, call.body(), creating=True)
    record = call.company.save(call.kind, build(call.company, call.kind, given, call.actor), call.actor)
    return found(shown(call.company, call.kind, record))


def get(call: Call) -> Response:
    """GET of one record; of a deleted one as the switch says."""
    query = call.query(view_checks(call.kind))
    record = call.table.as_of(call.id, call.company.gets_as_of())
    hidden = record is not None and record.is_deleted and call.company.switches["deleted_get"] == "404"
    if record is None or hidden or not call.company.sees(call.user_id, record):
        raise not_found(NAMES[call.kind])
    return found(shown(call.company, call.kind, record, view_of(query)))


def change(call: Call) -> Response:
    """PATCH: lists and addresses are replaced whole, custom fields one by one; the whole record as it is now."""
    call.query({})
    old = _existing(call, deleted=call.company.switches["deleted_write"] == "accept")
    given = cleaned(call.company, call.kind, call.body(), creating=False)
    new = amend(call.kind, old, given)
    if new != old:
        new = call.company.save(call.kind, new, call.actor)
    elif call.company.switches["noop_patch_touches"]:
        new = call.company.save(call.kind, new, call.actor, quiet=True)
    return found(shown(call.company, call.kind, new))


def delete(call: Call) -> Response:
    """DELETE: soft; the record can be had for 30 days more."""
    call.query({})
    old = _existing(call, deleted=call.company.switches["deleted_write"] == "accept")
    if not old.is_deleted:
        call.company.save(call.kind, replace(old, is_deleted=True), call.actor)
    return found({"id": old.id})


def merge(call: Call) -> Response:
    """PUT merge (v1): the record named in the body survives and wins; the one in the path is deleted."""
    survivor_id = call.body().get("merge_with_id")
    loser = call.table.now(call.id)
    survivor = call.table.now(survivor_id) if isinstance(survivor_id, int) else None
    if loser is None or survivor is None or loser.id == survivor.id or loser.is_deleted or survivor.is_deleted:
        raise old_refusal(404, f"{NAMES[call.kind]} not found")
    if not (call.company.sees(call.user_id, loser) and call.company.sees(call.user_id, survivor)):
        raise forbidden("You don't have permission to change this resource.")
    merged = unite(call.company, call.kind, survivor, loser, call.actor)
    if call.kind == "organization":
        return found({"id": merged.id})
    return found({**shown_old(call.company, call.kind, merged), "merge_what_id": loser.id})


def unite(company: Company, kind: Kind, survivor: Record, loser: Record, actor: Actor) -> Record:
    """Merge two records: the loser is deleted and points to the survivor; persons of a lost organisation move over."""
    values = persons.united(survivor, loser) if kind == "person" else organizations.united(survivor, loser)
    labels = tuple(dict.fromkeys((*survivor.label_ids, *loser.label_ids)))
    merged = replace(survivor, values=values, label_ids=labels, custom={**loser.custom, **survivor.custom})
    gone = replace(loser, is_deleted=True, merged_into=survivor.id)
    company.save(kind, gone, actor, {"merged_to_id": str(survivor.id)})
    result = company.save(kind, merged, actor, {"merged_from_id": str(loser.id)})
    if kind == "organization":
        for id_ in list(company.persons.ids):
            person = company.persons.now(id_)
            if person is not None and person.values["org_id"] == loser.id:
                company.save("person", replace(person, values={**person.values, "org_id": survivor.id}), actor)
    return result
