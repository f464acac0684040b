"""Sandbox Contacts: the list, the trash, and labels."""

from __future__ import annotations

from tandem.sandbox.google_model import Book, ContactState, Life, Record
from tandem.sandbox.pages import contact_book as book_pages
from tandem.sandbox.pages.frame import NotHere, Refused, Visit, paged
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Response


def book(visit: Visit) -> Book:
    """The book of the account."""
    return visit.world.google.accounts[visit.user].book


def show(visit: Visit, template: str, *, status: int = 200, **values: object) -> Response:
    """A page with what stands round each page of the site."""
    labels, everybody = book_pages.labels(book(visit))
    accounts = [
        (account.name, account.email, f"/contacts{f'/u/{number}' if number > 1 else ''}/")
        for number, account in enumerate(visit.world.google.accounts.values(), 1)
    ]
    common: dict[str, object] = {"labels": labels, "everybody": everybody, "accounts": accounts, "label": "", "q": ""}
    return visit.page(template, status=status, **{**common, **values})


def contact(visit: Visit, record_id: str, life: Life = Life.LIVE) -> Record[ContactState]:
    """The contact meant. NotHere."""
    record = book(visit).contacts.get(record_id)
    if record is None or record.state.life is not life:
        raise NotHere("There is no such contact here any more. It may have been deleted or merged: look in the list and in the trash.")
    return record


def listed(visit: Visit, error: str = "", ticked: tuple[str, ...] = ()) -> Response:
    """GET: all contacts, those of a label, or those with a text."""
    label, text = visit.request.one("label"), visit.request.one("q").strip()
    if label and book(visit).live_group(label) is None:
        raise NotHere("There is no such label any more.")
    page = paged(book_pages.found(book(visit), text, label), visit.request.one("page"), f"{visit.base}/", {"q": text, "label": label})
    rows = [book_pages.row(book(visit), record) for record in page.rows]
    values = {"page": page, "rows": rows, "q": text, "label": label, "error": error, "ticked": ticked}
    return show(visit, "contacts_list.html", status=400 if error else 200, **values)


def do_with_chosen(visit: Visit) -> Response:
    """POST: something with all contacts that were ticked."""
    form = visit.form()
    chosen, label = form.every("id"), form.one("chosen_label")
    deed = form.one("do")
    if not chosen:
        return listed(visit, "Tick the contacts first.")
    if deed == "merge":
        if len(chosen) < 2:
            return listed(visit, "Tick at least two contacts to merge them.", tuple(chosen))
        return visit.sent_on("/merge?" + "&".join(f"id={contact(visit, one).record_id}" for one in chosen))
    records = [contact(visit, one) for one in chosen]
    if deed == "delete":
        for record in records:
            visit.google("delete", id=record.record_id)
        return visit.sent_on(visit.list_address(), "trashed")
    if not label:
        return listed(visit, "Choose the label, too.", tuple(chosen))
    for record in records:
        if (label in record.state.groups) != (deed == "add"):
            visit.google("add_label" if deed == "add" else "remove_label", id=record.record_id, group=label)
    return visit.sent_on(visit.list_address(), "labels")


def trash(visit: Visit) -> Response:
    """GET: what was deleted within 30 days."""
    page = paged(book_pages.trashed(book(visit), visit.world.clock.now().timestamp()), visit.request.one("page"), f"{visit.base}/trash", {})
    return show(visit, "contacts_trash.html", page=page)


def restore(visit: Visit, record_id: str) -> Response:
    """POST: out of the trash again."""
    made = visit.google("restore", id=contact(visit, record_id, Life.TRASHED).record_id)
    back = made.get("id") if isinstance(made, dict) else record_id
    return visit.sent_on(f"/person/{back}", "restored")


def label_list(visit: Visit, error: str = "", wrong: str = "", name: str = "") -> Response:
    """GET: all labels, to make, rename and delete. `wrong` is the label whose new name was refused, "new" for a new one."""
    return show(visit, "contacts_labels.html", status=400 if error else 200, error=error, wrong=wrong, name=name)


def make_label(visit: Visit) -> Response:
    """POST: a new label."""
    name = visit.form().one("name").strip()
    try:
        visit.google("create_group", name=name)
    except HumanError as error:
        return label_list(visit, _kind(name, error), "new", name)
    return visit.sent_on("/labels", "created")


def rename_label(visit: Visit, label: str) -> Response:
    """POST: another name."""
    name = visit.form().one("name").strip()
    _own(visit, label)
    try:
        visit.google("rename_group", group=label, name=name)
    except HumanError as error:
        return label_list(visit, _kind(name, error), label, name)
    return visit.sent_on("/labels", "saved")


def delete_label(visit: Visit, label: str) -> Response:
    """POST: without the label; its contacts stay unless they shall go, too."""
    _own(visit, label)
    visit.google("delete_group", group=label, delete_contacts=visit.form().one("contacts") == "delete")
    return visit.sent_on("/labels", "deleted")


def _own(visit: Visit, label: str) -> None:
    """NotHere unless it is one of the owner's own labels."""
    group = book(visit).live_group(label)
    if group is None:
        raise NotHere("There is no such label any more.")
    if group.state.is_system:
        raise Refused("This label belongs to every account and stays as it is.")


def _kind(name: str, error: HumanError) -> str:
    """Why a label cannot be called that."""
    return f"The label cannot be called “{name}”: {error} Choose another name." if name else "Give the label a name."
