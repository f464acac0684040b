"""Sandbox Contacts: the page of one contact, its form, its labels, and merging."""

from __future__ import annotations

from tandem.sandbox.google_model import ContactState, Record, timestamp
from tandem.sandbox.google_person import bare
from tandem.sandbox.google_schema import formatted
from tandem.sandbox.pages import contact_book as book_pages
from tandem.sandbox.pages import contact_forms
from tandem.sandbox.pages.contacts import book, contact, show
from tandem.sandbox.pages.forms import Values, WrongEntry, carried, entered, told, with_blank
from tandem.sandbox.pages.frame import Form, NotHere, Refused, Visit, paged
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Json, Response

KINDS = {
    "phones": ("mobile", "home", "work", "main", "workMobile", "homeFax", "workFax", "pager", "other"),
    "emails": ("home", "work", "other"),
    "messengers": ("skype", "jabber", "googleTalk", "icq", "aim", "msn", "yahoo", "qq"),
}


def person(visit: Visit, record_id: str) -> Response:
    """GET: all that the contact holds."""
    record = contact(visit, record_id)
    state = record.state
    return show(
        visit,
        "contact.html",
        record=record,
        name=book_pages.name_of(state),
        sections=book_pages.sections(state),
        profile=book_pages.profile_sections(state),
        mine=[label.id for label in book_pages.groups_of(book(visit), state)],
        changed_at=timestamp(state.updated_at)[:19].replace("T", " "),
    )


# --- the form ---------------------------------------------------------------------------------------------------------------


def make(visit: Visit) -> Response:
    """GET: an empty form; POST: the new contact."""
    blank = contact_forms.shown({})
    if visit.request.method != "POST":
        return _form(visit, None, blank, blank)
    form = visit.form()
    now = entered(form, blank)
    if form.one("more"):
        return _form(visit, None, blank, now, more=form.one("more"))
    try:
        fields = contact_forms.changes({}, blank, now)
        if not any(fields.values()):
            raise WrongEntry("Enter at least a name, a number or an address.")
        made = visit.google("create", fields=fields, groups=_wanted_label(visit, form))
    except (WrongEntry, HumanError) as error:
        return _form(visit, None, blank, now, error=told(error))
    return visit.sent_on(f"/person/{made['id'] if isinstance(made, dict) else ''}", "created")


def _wanted_label(visit: Visit, form: Form) -> list[Json]:
    """The label in which the person was when making the contact, if it is still there."""
    group = book(visit).live_group(form.one("in_label"))
    return [group.record_id] if group is not None and not group.state.is_system else []


def change(visit: Visit, record_id: str) -> Response:
    """GET: the form of a contact; POST: what was changed in it."""
    record = contact(visit, record_id)
    items = bare(record.state.items)
    if visit.request.method != "POST":
        values = contact_forms.shown(items)
        return _form(visit, record, values, values)
    form = visit.form()
    was = carried(form, contact_forms.shown(items))
    now = entered(form, contact_forms.shown(items))
    if form.one("more"):
        return _form(visit, record, was, now, more=form.one("more"))
    try:
        fields = contact_forms.changes(items, was, now)
        if fields and not any({**items, **fields}.values()):
            raise WrongEntry("Nothing would be left of this contact. Leave something in it, or delete it.")
        if fields:
            visit.google("update", id=record_id, fields=fields)
    except (WrongEntry, HumanError) as error:
        return _form(visit, record, was, now, error=told(error))
    return visit.sent_on(f"/person/{record_id}", "saved" if fields else "unchanged")


def _form(visit: Visit, record: Record[ContactState] | None, was: Values, now: Values, *, error: str = "", more: str = "") -> Response:
    """The form with these values, one empty row under each list, and one more where that was asked for."""
    rows = {name: with_blank(some, keeps=name == more) for name, some in now.rows.items()}
    kinds = {name: [(kind, formatted(kind)) for kind in some] for name, some in KINDS.items()}
    values = {"record": record, "was": was.dump(), "texts": now.texts, "rows": rows, "kinds": kinds, "error": error, "more": more}
    name = book_pages.name_of(record.state) if record is not None else ""
    wanted = visit.request.one("label") or visit.form().one("in_label")
    return show(visit, "contact_form.html", status=400 if error else 200, name=name, in_label=wanted, **values)


# --- deeds ------------------------------------------------------------------------------------------------------------------


def delete(visit: Visit, record_id: str) -> Response:
    """POST: into the trash."""
    visit.google("delete", id=contact(visit, record_id).record_id)
    return visit.sent_on("/trash", "trashed")


def set_labels(visit: Visit, record_id: str) -> Response:
    """POST: the labels that were ticked or unticked; others stay as they are."""
    contact(visit, record_id)
    form = visit.form()
    was, now = form.every("had"), form.every("has")
    for group in [one for one in now if one not in was]:
        visit.google("add_label", id=record_id, group=group)
    for group in [one for one in was if one not in now]:
        visit.google("remove_label", id=record_id, group=group)
    return visit.sent_on(f"/person/{record_id}", "labels")


def merge(visit: Visit) -> Response:
    """GET: choose the other contact, then which one is kept; POST: do it."""
    if visit.request.method == "POST":
        form = visit.form()
        chosen, kept = form.every("id"), form.one("keep")
        if kept not in chosen or len(set(chosen)) < 2:
            raise Refused("Choose at least two contacts, and which of them is kept.")
        visit.google("merge", ids=[kept, *[one for one in dict.fromkeys(chosen) if one != kept]])
        return visit.sent_on(f"/person/{kept}", "merged")
    records = [contact(visit, one) for one in dict.fromkeys(visit.request.every("id"))]
    if not records:
        raise NotHere("Choose a contact in the list first.")
    if len(records) > 1:
        cards = [(record.record_id, book_pages.name_of(record.state), book_pages.sections(record.state)) for record in records]
        return show(visit, "contacts_merge.html", cards=cards)
    record, text = records[0], visit.request.one("q").strip()
    others = [one for one in book_pages.found(book(visit), text) if one is not record] if text else []
    page = paged(others, visit.request.one("page"), f"{visit.base}/merge", {"id": record.record_id, "q": text})
    rows = [book_pages.row(book(visit), one) for one in page.rows]
    return show(visit, "contacts_merge_with.html", record=record, name=book_pages.name_of(record.state), page=page, rows=rows, wanted=text)
