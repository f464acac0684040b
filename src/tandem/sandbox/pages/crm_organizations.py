"""Sandbox CRM: organisations - the list, making, renaming, deleting, and the persons of each."""

from __future__ import annotations

from tandem.sandbox.pages import crm_reading
from tandem.sandbox.pages.crm import company, record, show
from tandem.sandbox.pages.frame import Visit, paged
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Response


def listed(visit: Visit, error: str = "", name: str = "") -> Response:
    """GET: all organisations, or those with a text."""
    text = visit.request.one("q").strip()
    there = crm_reading.found(company(visit), int(visit.user), "organization", text)
    page = paged(there, visit.request.one("page"), f"{visit.base}/organizations", {"q": text})
    rows = crm_reading.organization_rows(company(visit), list(page.rows))
    values = {"page": page, "rows": rows, "q": text, "error": error, "name": name, "tab": "organizations"}
    return show(visit, "crm_organizations.html", status=400 if error else 200, **values)


def make(visit: Visit) -> Response:
    """POST: a new one."""
    name = visit.form().one("name").strip()
    try:
        made = visit.pipedrive("create_organization", name=name)
    except HumanError as error:
        return listed(visit, _why(name, error), name)
    return visit.sent_on(f"/organization/{made['id'] if isinstance(made, dict) else ''}", "created")


def organization(visit: Visit, number: str, error: str = "", name: str | None = None) -> Response:
    """GET: one organisation and its persons."""
    one = record(visit, "organization", number)
    there = crm_reading.members(company(visit), int(visit.user), one.id)
    page = paged(there, visit.request.one("page"), f"{visit.base}/organization/{one.id}", {})
    address = one.values.get("address")
    return show(
        visit,
        "crm_organization.html",
        status=400 if error else 200,
        organization=one,
        name=one.name if name is None else name,
        address=address.get("value") if isinstance(address, dict) else "",
        owner=crm_reading.owner_of(company(visit), one),
        page=page,
        rows=[crm_reading.row(company(visit), member) for member in page.rows],
        error=error,
        tab="organizations",
    )


def rename(visit: Visit, number: str) -> Response:
    """POST: another name."""
    one, name = record(visit, "organization", number), visit.form().one("name").strip()
    try:
        if name != one.name:
            visit.pipedrive("update_organization", id=one.id, name=name)
    except HumanError as error:
        return organization(visit, number, _why(name, error), name)
    return visit.sent_on(f"/organization/{one.id}", "saved")


def delete(visit: Visit, number: str) -> Response:
    """POST: delete it; its persons stay."""
    visit.pipedrive("delete_organization", id=record(visit, "organization", number).id)
    return visit.sent_on("/organizations", "deleted")


def _why(name: str, error: HumanError) -> str:
    return f"An organisation cannot be called that. {error}" if name else "Give the organisation a name."
