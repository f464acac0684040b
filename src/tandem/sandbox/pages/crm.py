"""Sandbox CRM: persons - the list, a person's page and form, deleting, restoring, merging, and counts of deals and activities."""

from __future__ import annotations

from tandem.sandbox.pages import crm_forms, crm_reading
from tandem.sandbox.pages.forms import Values, WrongEntry, carried, entered, told, with_blank
from tandem.sandbox.pages.frame import NotHere, Refused, Visit, paged, whole
from tandem.sandbox.pipedrive_company import Company
from tandem.sandbox.pipedrive_model import Kind, Object, Record
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Json, Response

KINDS = {
    "phones": ("work", "home", "mobile", "other"),
    "emails": ("work", "home", "other"),
    "messengers": ("skype", "jabber", "aim", "other"),
}
_SUGGESTED = 200
_WORDS: dict[Kind, str] = {"person": "person", "organization": "organisation"}


def company(visit: Visit) -> Company:
    """The company."""
    return visit.world.pipedrive.company


def show(visit: Visit, template: str, *, status: int = 200, **values: object) -> Response:
    """A page with what stands round each page of the site."""
    users = [(user.name, user.id, f"/crm{f'/u/{user.id}' if number else ''}/") for number, user in enumerate(company(visit).users.values())]
    return visit.page(template, status=status, **{"users": users, "q": "", "tab": "persons", **values})


def record(visit: Visit, kind: Kind, number: str, *, deleted: bool = False) -> Record:
    """The record meant, if this user may see it. NotHere."""
    one = company(visit).table(kind).now(whole(number, 0))
    if one is None or one.is_deleted != deleted or not company(visit).sees(int(visit.user), one):
        hint = f" It was merged into number {one.merged_into}." if one is not None and one.merged_into is not None else ""
        raise NotHere(f"There is no such {_WORDS[kind]} here any more.{hint} Look in the list, and among those deleted.")
    return one


def listed(visit: Visit, error: str = "", ticked: tuple[str, ...] = ()) -> Response:
    """GET: all persons, or those with a text."""
    text = visit.request.one("q").strip()
    there = crm_reading.found(company(visit), int(visit.user), "person", text)
    page = paged(there, visit.request.one("page"), f"{visit.base}/", {"q": text})
    rows = [crm_reading.row(company(visit), one) for one in page.rows]
    return show(visit, "crm_persons.html", status=400 if error else 200, page=page, rows=rows, q=text, error=error, ticked=ticked)


def do_with_chosen(visit: Visit) -> Response:
    """POST: something with all persons that were ticked."""
    form = visit.form()
    chosen = form.every("id")
    if not chosen:
        return listed(visit, "Tick the persons first.")
    records = [record(visit, "person", one) for one in chosen]
    if form.one("do") == "merge":
        if len(records) != 2:
            return listed(visit, "Tick exactly two persons to merge them.", tuple(chosen))
        return visit.sent_on(f"/merge?id={records[0].id}&id={records[1].id}")
    for one in records:
        visit.pipedrive("delete_person", id=one.id)
    return visit.sent_on(visit.list_address(), "deleted")


def person(visit: Visit, number: str, error: str = "") -> Response:
    """GET: all that is kept of a person."""
    one, there = record(visit, "person", number), company(visit)
    name, org_id = crm_reading.organization_of(there, one)
    labels = [crm_reading.option_label(there.persons.fields["label_ids"].options, id_) for id_ in one.label_ids]
    custom = [
        (field.name, crm_reading.custom_text(field, one.custom.get(field.code))) for field in crm_reading.custom_fields(there, "person")
    ]
    counts = [(key, title, one.counts.get(key, 0)) for key, title in crm_reading.SHOWN_COUNTS.items()]
    return show(
        visit,
        "crm_person.html",
        status=400 if error else 200,
        person=one,
        organization=name,
        organization_id=org_id,
        labels=labels,
        custom=[(title, text) for title, text in custom if text],
        counts=counts,
        owner=crm_reading.owner_of(there, one),
        visible=crm_reading.choices_of_visibility(there).get(one.visible_to, str(one.visible_to)),
        has_sync=crm_forms.has_sync_fields(there),
        error=error,
    )


# --- the form ---------------------------------------------------------------------------------------------------------------


def make(visit: Visit) -> Response:
    """GET: an empty form; POST: the new person."""
    blank = crm_forms.blank(company(visit), int(visit.user))
    if visit.request.method != "POST":
        blank.texts["organization"] = visit.request.one("organization")
        return _form(visit, None, blank, blank)
    form = visit.form()
    now = entered(form, blank)
    if form.one("more"):
        return _form(visit, None, blank, now, more=form.one("more"))
    try:
        given = {**crm_forms.changes(company(visit), None, blank, now), **_organization(visit, now)}
        made = visit.pipedrive("create_person", **{key: value for key, value in given.items() if value is not None})
    except (WrongEntry, HumanError) as error:
        return _form(visit, None, blank, now, error=told(error))
    return visit.sent_on(f"/person/{made['id'] if isinstance(made, dict) else ''}", "created")


def change(visit: Visit, number: str) -> Response:
    """GET: the form of a person; POST: what was changed in it."""
    one = record(visit, "person", number)
    present = crm_forms.shown(company(visit), one)
    if visit.request.method != "POST":
        return _form(visit, one, present, present)
    form = visit.form()
    was, now = carried(form, present), entered(form, present)
    if form.one("more"):
        return _form(visit, one, was, now, more=form.one("more"))
    try:
        given = crm_forms.changes(company(visit), one, was, now)
        if now.texts["organization"] != was.texts.get("organization"):
            given |= _organization(visit, now)
        if given:
            visit.pipedrive("update_person", id=one.id, **given)
    except (WrongEntry, HumanError) as error:
        return _form(visit, one, was, now, error=told(error))
    return visit.sent_on(f"/person/{one.id}" if _still_seen(visit, one.id) else "/", "saved" if given else "unchanged")


def _still_seen(visit: Visit, number: int) -> bool:
    """Whether the user has not just hidden the person from herself."""
    one = company(visit).persons.now(number)
    return one is not None and company(visit).sees(int(visit.user), one)


def _organization(visit: Visit, now: Values) -> Object:
    """The link to the organisation of that name, which is made when there is none; no name is no link."""
    name = now.text("organization")
    if not name:
        return {"org_id": None}
    there = (one for one in crm_reading.seen(company(visit), int(visit.user), "organization") if one.name.casefold() == name.casefold())
    known = next(there, None)
    if known is not None:
        return {"org_id": known.id}
    made = visit.pipedrive("create_organization", name=name)
    return {"org_id": made["id"] if isinstance(made, dict) else None}


def _form(visit: Visit, one: Record | None, was: Values, now: Values, *, error: str = "", more: str = "") -> Response:
    """The form with these values."""
    there = company(visit)
    names = dict.fromkeys(other.name for other in crm_reading.seen(there, int(visit.user), "organization"))
    values = {
        "person": one,
        "was": was.dump(),
        "texts": now.texts,
        "rows": {name: with_blank(rows, keeps=name == more) for name, rows in now.rows.items()},
        "ticks": now.ticks,
        "kinds": {name: [(kind, kind.capitalize()) for kind in kinds] for name, kinds in KINDS.items()},
        "organizations": list(names)[:_SUGGESTED],
        "owners": [(str(user.id), user.name) for user in there.users.values()],
        "visibilities": [(str(number), name) for number, name in crm_reading.choices_of_visibility(there).items()],
        "labels": [(str(option.id), option.label) for option in there.persons.fields["label_ids"].options or []],
        "custom": crm_forms.custom_inputs(there, now),
        "has_sync": crm_forms.has_sync_fields(there),
        "error": error,
        "more": more,
    }
    return show(visit, "crm_person_form.html", status=400 if error else 200, **values)


# --- deeds ------------------------------------------------------------------------------------------------------------------


def delete(visit: Visit, number: str) -> Response:
    """POST: delete a person; for 30 days it stands among those deleted."""
    visit.pipedrive("delete_person", id=record(visit, "person", number).id)
    return visit.sent_on("/deleted", "deleted")


def deleted(visit: Visit) -> Response:
    """GET: persons and organisations that were deleted."""
    there, user = company(visit), int(visit.user)
    persons: list[tuple[Kind, Record, str]] = [("person", *one) for one in crm_reading.deleted_records(there, user, "person")]
    firms: list[tuple[Kind, Record, str]] = [("organization", *one) for one in crm_reading.deleted_records(there, user, "organization")]
    page = paged([*firms, *persons], visit.request.one("page"), f"{visit.base}/deleted", {})
    return show(visit, "crm_deleted.html", page=page, tab="deleted", words=_WORDS)


def restore(visit: Visit, kind: Kind, number: str) -> Response:
    """POST: back again."""
    one = record(visit, kind, number, deleted=True)
    visit.pipedrive("restore_person", id=one.id, kind=kind)
    return visit.sent_on(f"/{kind}/{one.id}", "restored")


def set_counts(visit: Visit, number: str) -> Response:
    """POST: how many open deals, and activities to do, a person has."""
    one, form = record(visit, "person", number), visit.form()
    deals, to_do = whole(form.one("open_deals_count"), -1), whole(form.one("undone_activities_count"), -1)
    if deals < 0 or to_do < 0:
        return person(visit, number, "Write how many deals and activities there are as whole numbers.")
    done = one.counts.get("done_activities_count")
    given: dict[str, Json] = {"open_deals_count": deals, "undone_activities_count": to_do}
    given["activities_count"] = to_do + (done if isinstance(done, int) else 0)
    visit.pipedrive("set_counts", id=one.id, **given)
    return visit.sent_on(f"/person/{one.id}", "saved")


def merge(visit: Visit) -> Response:
    """GET: choose the other person, then which one is kept; POST: do it."""
    if visit.request.method == "POST":
        form = visit.form()
        chosen, kept = list(dict.fromkeys(form.every("id"))), form.one("keep")
        if kept not in chosen or len(chosen) != 2:
            raise Refused("Choose two persons, and which of them is kept.")
        lost = next(one for one in chosen if one != kept)
        visit.pipedrive("merge_persons", id=record(visit, "person", lost).id, into=record(visit, "person", kept).id)
        return visit.sent_on(f"/person/{kept}", "merged")
    records = [record(visit, "person", one) for one in dict.fromkeys(visit.request.every("id"))]
    if len(records) == 2:
        cards = [(one, crm_reading.row(company(visit), one)) for one in records]
        return show(visit, "crm_merge.html", cards=cards)
    if len(records) != 1:
        raise NotHere("Choose a person in the list first.")
    text = visit.request.one("q").strip()
    others = [one for one in crm_reading.found(company(visit), int(visit.user), "person", text) if one is not records[0]] if text else []
    page = paged(others, visit.request.one("page"), f"{visit.base}/merge", {"id": str(records[0].id), "q": text})
    rows = [crm_reading.row(company(visit), one) for one in page.rows]
    return show(visit, "crm_merge_with.html", person=records[0], page=page, rows=rows, wanted=text)
