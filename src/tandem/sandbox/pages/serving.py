"""Which page answers a request: the tables of addresses, the check of where a deed comes from, and the pages for what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tandem.sandbox.pages import contact_pages, contacts, crm, crm_organizations, start
from tandem.sandbox.pages.frame import MAX_FORM_BYTES, STATIC_TYPES, Handler, NotHere, Refused, Visit, page, static, whole
from tandem.sandbox.service import HumanError
from tandem.sandbox.wire import Request, Response
from tandem.sandbox.world import World

_READING = frozenset({"GET", "HEAD"})
_ID = r"([\w.-]+)"
_PLACE = re.compile(r"/(contacts|crm)(?:/u/(\d{1,9}))?(/.*)?")

#: Path below the site's base, handler, and whether it is a deed (POST), a page (GET), or both.
Table = Sequence[tuple[re.Pattern[str], Handler, frozenset[str]]]

_PAGE, _DEED, _BOTH = _READING, frozenset({"POST"}), _READING | {"POST"}


def _table(*rows: tuple[str, Handler, frozenset[str]]) -> Table:
    return [(re.compile(path), handler, methods) for path, handler, methods in rows]


_START = _table(
    ("/", start.start, _PAGE),
    ("/break", start.break_it, _DEED),
    ("/mend", start.mend, _DEED),
    ("/revoke", start.revoke, _DEED),
    ("/clock", start.advance, _DEED),
    ("/anew", start.anew, _BOTH),
)
_CONTACTS = _table(
    ("/", contacts.listed, _PAGE),
    ("/chosen", contacts.do_with_chosen, _DEED),
    ("/new", contact_pages.make, _BOTH),
    ("/merge", contact_pages.merge, _BOTH),
    ("/trash", contacts.trash, _PAGE),
    ("/labels", contacts.label_list, _PAGE),
    ("/labels/new", contacts.make_label, _DEED),
    (f"/labels/{_ID}/rename", contacts.rename_label, _DEED),
    (f"/labels/{_ID}/delete", contacts.delete_label, _DEED),
    (f"/person/{_ID}", contact_pages.person, _PAGE),
    (f"/person/{_ID}/edit", contact_pages.change, _BOTH),
    (f"/person/{_ID}/labels", contact_pages.set_labels, _DEED),
    (f"/person/{_ID}/delete", contact_pages.delete, _DEED),
    (f"/person/{_ID}/restore", contacts.restore, _DEED),
)
_CRM = _table(
    ("/", crm.listed, _PAGE),
    ("/chosen", crm.do_with_chosen, _DEED),
    ("/new", crm.make, _BOTH),
    ("/merge", crm.merge, _BOTH),
    ("/deleted", crm.deleted, _PAGE),
    (f"/person/{_ID}", crm.person, _PAGE),
    (f"/person/{_ID}/edit", crm.change, _BOTH),
    (f"/person/{_ID}/delete", crm.delete, _DEED),
    (f"/person/{_ID}/counts", crm.set_counts, _DEED),
    (f"/person/{_ID}/restore", lambda visit, number: crm.restore(visit, "person", number), _DEED),
    ("/organizations", crm_organizations.listed, _PAGE),
    ("/organizations/new", crm_organizations.make, _DEED),
    (f"/organization/{_ID}", crm_organizations.organization, _PAGE),
    (f"/organization/{_ID}/rename", crm_organizations.rename, _DEED),
    (f"/organization/{_ID}/delete", crm_organizations.delete, _DEED),
    (f"/organization/{_ID}/restore", lambda visit, number: crm.restore(visit, "organization", number), _DEED),
)


def answer_page(world: World, request: Request) -> Response | None:
    """The answer of a page; None for an address that is no page's."""
    if request.path in STATIC_TYPES:
        return static(request.path)
    place = _PLACE.fullmatch(request.path)
    known = any(pattern.fullmatch(request.path) for pattern, _, _ in _START)
    if place is None and not known:
        return None
    if place is not None and place[3] is None and request.method in _READING:
        return Response(308, {"location": f"{request.path}/"})
    try:
        if request.method not in _READING:
            _check_deed(request)
        world.settle()
        if place is None:
            return _answer(_START, request.path, Visit(world, request))
        return _site(world, request, place[1], place[2], place[3] or "/")
    except NotHere as gone:
        return _problem(404, "Not here", str(gone), request.path)
    except Refused as refused:
        return _problem(400, "Not done", str(refused), request.path)
    except HumanError as error:
        return _problem(400, "Not done", f"This cannot be done: {error}", request.path)


def _site(world: World, request: Request, site: str, number: str | None, path: str) -> Response:
    """One of the two sites, as one of its users. NotHere."""
    base = f"/{site}/u/{number}" if number else f"/{site}"
    if site == "contacts":
        accounts = list(world.google.accounts)
        place = int(number or 1) - 1
        if not 0 <= place < len(accounts):
            raise NotHere("There is no such Google account in the sandbox.")
        return _answer(_CONTACTS, path, Visit(world, request, base, accounts[place]))
    company = world.pipedrive.company
    now = world.clock.now()
    company.persons.purge(now)
    company.organizations.purge(now)
    user = whole(number, 0) if number else next(iter(company.users))
    if user not in company.users:
        raise NotHere("There is no such user in the sandbox's company.")
    return _answer(_CRM, path, Visit(world, request, base, str(user)))


def _answer(table: Table, path: str, visit: Visit) -> Response:
    """The page or deed at a path. NotHere, Refused."""
    for pattern, handler, methods in table:
        if (match := pattern.fullmatch(path)) is not None:
            if visit.request.method not in methods:
                raise NotHere("This address is what a button leads to. Go back to the page, and press the button there.")
            return handler(visit, *match.groups())
    raise NotHere("There is no such page.")


def _check_deed(request: Request) -> None:
    """A deed has to come from a page of ours, which browsers say themselves. Refused."""
    if len(request.body) > MAX_FORM_BYTES:
        raise Refused("That is too much for one form. Shorten it.")
    if is_from_elsewhere(request) or not {"sec-fetch-site", "origin"} & set(request.headers):
        raise Refused("This was sent from another site, or by a program. Go to the page here, and press the button there.")


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site's page has sent this. Programs say nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _problem(status: int, title: str, text: str, path: str) -> Response:
    """A page that says what is wrong, with the way back."""
    site = path.split("/")[1]
    home = f"/{site}/" if site in {"contacts", "crm"} else "/"
    return page("problem.html", status=status, title=title, text=text, home=home, site=site if home != "/" else "start", said="")
