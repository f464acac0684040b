"""Edits as people make them in the vendor's own app: no tokens, no rights asked, change source "app", each kept in the human log.

Rules: arguments are plain JSON in the shape of API v2; `user` (1 unless given) is who does it; HumanError for nonsense, so that a
typing mistake never passes for an edit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from tandem.sandbox import pipedrive_fields as fields
from tandem.sandbox.pipedrive_company import Company, Filter, HumanEdit
from tandem.sandbox.pipedrive_errors import RefusedError
from tandem.sandbox.pipedrive_model import COUNTS, Actor, Kind, Object, Option, Record
from tandem.sandbox.pipedrive_oauth import CLIENT_ID, CLIENT_SECRET, Uninstalled
from tandem.sandbox.pipedrive_records import amend, build, cleaned, shown, unite
from tandem.sandbox.pipedrive_webhooks import basic
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Json

BROWSER = "Mozilla/5.0 (sandbox)"


class Edit:
    """One edit under way: who, with which arguments, on which company."""

    def __init__(self, company: Company, arguments: Mapping[str, Json]) -> None:
        self.company = company
        self.arguments = dict(arguments)
        user = self.arguments.pop("user", 1)
        if not isinstance(user, int) or user not in company.users:
            raise HumanError(f"no such user: {user}")
        self.actor = Actor(user, "app", BROWSER)

    def take(self, name: str) -> Json:
        """One argument that must be there."""
        if name not in self.arguments:
            raise HumanError(f"missing: {name}")
        return self.arguments.pop(name)

    def number(self, name: str) -> int:
        """One whole number that must be there."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise HumanError(f"{name} must be a whole number")
        return value

    def text(self, name: str) -> str:
        """One text that must be there."""
        value = self.take(name)
        if not isinstance(value, str) or not value.strip():
            raise HumanError(f"{name} must be a text")
        return value.strip()

    def done(self) -> None:
        """Nothing may be left over."""
        if self.arguments:
            raise HumanError(f"unknown: {', '.join(sorted(self.arguments))}")

    def record(self, kind: Kind, name: str = "id", *, deleted: bool = False) -> Record:
        """The record that an argument names; living, or deleted where that is meant."""
        id_ = self.number(name)
        record = self.company.table(kind).now(id_)
        if record is None or record.is_deleted != deleted:
            raise HumanError(f"no such {kind}: {id_}")
        return record

    def kind(self) -> Kind:
        """The argument `kind`: person (also when missing) or organization."""
        kind = self.arguments.pop("kind", "person")
        if kind not in ("person", "organization"):
            raise HumanError("kind must be person or organization")
        return "person" if kind == "person" else "organization"

    def save(self, kind: Kind, record: Record) -> Record:
        """Store a new version as this person's edit."""
        return self.company.save(kind, record, self.actor)


#: What an edit was about: the record before and after, for the log; the answer is the record after.
Outcome: TypeAlias = tuple[int | None, Json, Json]


def perform(company: Company, op: str, arguments: Mapping[str, Json]) -> Json:
    """Carry out one edit and return what it left behind."""
    act = OPERATIONS.get(op)
    if act is None:
        raise HumanError(f"no such edit: {op}; there are {', '.join(sorted(OPERATIONS))}")
    try:
        id_, before, after = act(Edit(company, arguments))
    except RefusedError as refused:
        raise HumanError(str(json.loads(refused.response.body).get("error"))) from refused
    company.human_log.append(HumanEdit(company.instant(), op, id_, before, after))
    return after


def _outcome(edit: Edit, kind: Kind, old: Record | None, new: Record) -> Outcome:
    before = shown(edit.company, kind, old) if old is not None else None
    return new.id, before, shown(edit.company, kind, new)


def _create(kind: Kind) -> Callable[[Edit], Outcome]:
    def act(edit: Edit) -> Outcome:
        given = cleaned(edit.company, kind, edit.arguments, creating=True)
        return _outcome(edit, kind, None, edit.save(kind, build(edit.company, kind, given, edit.actor)))

    return act


def _update(kind: Kind) -> Callable[[Edit], Outcome]:
    def act(edit: Edit) -> Outcome:
        old = edit.record(kind)
        # What a person empties in the app is null afterwards, whatever the API says to null.
        cleared: Object = {key: None for key, value in edit.arguments.items() if value is None}
        hidden = edit.company.hidden_keys() if kind == "person" else ()
        stuck = [key for key in cleared if key not in old.values or key in hidden or key in _NEVER_NULL]
        if stuck:
            raise HumanError(f"can not be cleared: {', '.join(stuck)}")
        picture = edit.arguments.pop("picture_id", old.values["picture_id"])
        body: Object = {key: value for key, value in edit.arguments.items() if value is not None}
        new = amend(kind, old, cleaned(edit.company, kind, body, creating=False))
        new = replace(new, values={**new.values, "picture_id": picture, **cleared})
        return _outcome(edit, kind, old, edit.save(kind, new) if new != old else old)

    return act


_NEVER_NULL = ("name", "first_name", "last_name", "emails", "phones", "im")


def _delete(kind: Kind) -> Callable[[Edit], Outcome]:
    def act(edit: Edit) -> Outcome:
        old = edit.record(kind)
        edit.done()
        return _outcome(edit, kind, old, edit.save(kind, replace(old, is_deleted=True)))

    return act


def _restore(edit: Edit) -> Outcome:
    kind = edit.kind()
    old = edit.record(kind, deleted=True)
    edit.done()
    return _outcome(edit, kind, old, edit.save(kind, replace(old, is_deleted=False, merged_into=None)))


def _merge(kind: Kind) -> Callable[[Edit], Outcome]:
    def act(edit: Edit) -> Outcome:
        loser, survivor = edit.record(kind), edit.record(kind, "into")
        edit.done()
        if loser.id == survivor.id:
            raise HumanError("a record can not be merged with itself")
        return _outcome(edit, kind, survivor, unite(edit.company, kind, survivor, loser, edit.actor))

    return act


def _rename_organization(edit: Edit) -> Outcome:
    old, name = edit.record("organization"), edit.text("name")
    edit.done()
    return _outcome(edit, "organization", old, edit.save("organization", replace(old, values={**old.values, "name": name})))


def _set_owner(edit: Edit) -> Outcome:
    kind = edit.kind()
    old, owner = edit.record(kind), edit.number("owner_id")
    edit.done()
    if owner not in edit.company.users:
        raise HumanError(f"no such user: {owner}")
    return _outcome(edit, kind, old, edit.save(kind, replace(old, owner_id=owner)))


def _set_visibility(edit: Edit) -> Outcome:
    kind = edit.kind()
    old, visible = edit.record(kind), edit.number("visible_to")
    edit.done()
    if visible not in (1, 3, 5, 7):
        raise HumanError("visible_to must be 1, 3, 5 or 7")
    return _outcome(edit, kind, old, edit.save(kind, replace(old, visible_to=visible)))


def _set_counts(edit: Edit) -> Outcome:
    kind = edit.kind()
    old = edit.record(kind)
    strange = [key for key in edit.arguments if key not in COUNTS[kind]]
    if strange:
        raise HumanError(f"no such count: {', '.join(strange)}")
    new = replace(old, counts={**old.counts, **edit.arguments})
    if edit.company.switches["counts_touch"]:
        new = edit.save(kind, new)
    else:
        edit.company.table(kind).put(new, edit.company.now())
    return _outcome(edit, kind, old, new)


def _touch(edit: Edit) -> Outcome:
    old = edit.record("person")
    edit.done()
    return _outcome(edit, "person", old, edit.save("person", old))


def _add_field(edit: Edit) -> Outcome:
    kind = edit.kind()
    name, type_ = edit.text("name"), str(edit.arguments.pop("type", "varchar"))
    options = edit.arguments.pop("options", None)
    edit.done()
    if type_ not in fields.TYPES:
        raise HumanError(f"no such type of field: {type_}")
    labels = [str(one) for one in options] if isinstance(options, list) else None
    field = fields.make(edit.company, kind, name, type_, labels)
    return None, None, fields.shown(kind, field)


def _remove_field(edit: Edit) -> Outcome:
    kind = edit.kind()
    code = edit.text("field_code")
    edit.done()
    field = fields.unmake(edit.company, kind, code)
    if field is None:
        raise HumanError(f"no such custom field: {code}")
    return None, fields.shown(kind, field), None


def _enable_contact_sync(edit: Edit) -> Outcome:
    on = edit.arguments.pop("enabled", True)
    edit.done()
    before = edit.company.switches["contact_sync_enabled"]
    edit.company.switches["contact_sync_enabled"] = bool(on)
    return None, before, bool(on)


def _add_label(edit: Edit) -> Outcome:
    kind = edit.kind()
    label = edit.text("label")
    edit.done()
    made = edit.company.next_option
    edit.company.next_option += 1
    options = edit.company.table(kind).fields["label_ids"].options
    if options is not None:
        options.append(Option(made, label))
    return made, None, {"id": made, "label": label}


def _create_filter(edit: Edit) -> Outcome:
    name, type_ = edit.text("name"), str(edit.arguments.pop("type", "people"))
    given = edit.take("conditions")
    edit.done()
    if type_ not in ("people", "org") or not isinstance(given, list):
        raise HumanError("a filter has a type (people or org) and a list of conditions")
    conditions: list[tuple[str, str, Json]] = []
    for one in given:
        if not isinstance(one, dict) or one.get("field") not in ("owner_id", "label_ids"):
            raise HumanError("a condition is about owner_id or label_ids")
        operator = str(one.get("operator", "="))
        if operator not in ("=", "!=", "IS NULL", "IS NOT NULL"):
            raise HumanError(f"no such operator: {operator}")
        conditions.append((str(one["field"]), operator, one.get("value")))
    filters = edit.company.filters
    made = Filter(max(filters, default=0) + 1, name, type_, edit.actor.user_id, edit.company.instant(), conditions)
    filters[made.id] = made
    return made.id, None, {"id": made.id, "name": name}


def _delete_filter(edit: Edit) -> Outcome:
    id_ = edit.number("id")
    edit.done()
    if edit.company.filters.pop(id_, None) is None:
        raise HumanError(f"no such filter: {id_}")
    return id_, {"id": id_}, None


def _uninstall_app(edit: Edit) -> Outcome:
    edit.done()
    gone = edit.company.grants.uninstall(edit.actor.user_id)
    if gone is not None:
        tell_uninstalled(edit.company, gone)
    return None, None, {"uninstalled": gone is not None}


def tell_uninstalled(company: Company, gone: Uninstalled) -> None:
    """Remove the app's webhooks and queue the DELETE that tells it."""
    for webhook in [one for one in company.outbox.webhooks.values() if one.type == "application" and one.owner_id == gone.user_id]:
        company.outbox.remove(webhook.id)
    headers = {"content-type": "application/json", "authorization": basic(CLIENT_ID, CLIENT_SECRET)}
    payload: Object = {"client_id": CLIENT_ID, "company_id": 1, "user_id": gone.user_id, "timestamp": company.instant()}
    company.outbox.queue(None, gone.callback, headers, payload, due_at=company.now(), method="DELETE")


OPERATIONS: Mapping[str, Callable[[Edit], Outcome]] = {
    "create_person": _create("person"),
    "update_person": _update("person"),
    "delete_person": _delete("person"),
    "restore_person": _restore,
    "merge_persons": _merge("person"),
    "touch_person": _touch,
    "create_organization": _create("organization"),
    "update_organization": _update("organization"),
    "delete_organization": _delete("organization"),
    "merge_organizations": _merge("organization"),
    "rename_organization": _rename_organization,
    "set_owner": _set_owner,
    "set_visibility": _set_visibility,
    "set_counts": _set_counts,
    "add_field": _add_field,
    "remove_field": _remove_field,
    "add_label": _add_label,
    "enable_contact_sync": _enable_contact_sync,
    "create_filter": _create_filter,
    "delete_filter": _delete_filter,
    "uninstall_app": _uninstall_app,
}
