"""An installation with its pages beside a sandbox world, and browsers that visit it: real WSGI, real cookies, real form tokens.

Every page that a browser is shown is looked at on the way: its headers, and that no code or style stands in it.
"""

from __future__ import annotations

import sqlite3
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import connections
from django.test import RequestFactory

import databases
from accounts.installed import answer
from replica.worlds import WorldClock
from tandem.app import Tandem
from tandem.app.desk import FOLDER
from tandem.app.linking import Wish
from tandem.app.routing import Router, place_of
from tandem.app.sandboxed import API_TOKEN, REFRESH_TOKEN
from tandem.config import load
from tandem.core.policy import ConflictRule, Policy
from tandem.databases import SQLITE_NAME, SqliteFile
from tandem.sandbox.clock import Clock
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World
from tandem.store import models, setup
from tandem.store.browsers import SessionStore
from tandem.store.current import working_on
from tandem.web.serving import Pages
from tandem.web.signing_in import sign_in
from tandem.web.site import Site, being, here
from web.reading import Form, Found, read

HOME = "http://127.0.0.1:8000"
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PASSWORD = "a few words in a row"
GROUP = "Pipedrive"
SETTINGS = "/settings/personal/google-contacts"
_BEING_READ = "Both address books are being read."
_FORM_TOKEN = "csrfmiddlewaretoken"


@dataclass(frozen=True)
class Kept:
    """An installation and its world, put away."""

    world: bytes
    #: The database, as its kind is kept.
    content: bytes
    key: str


def new_world() -> World:
    """A world that stands still, without limits: two people on each side, one of them on both, and one private contact."""
    world = World(clock=Clock(frozen_at=START), seed=7)
    world.pipedrive.switches["limits"] = False
    world.google.switches["quotas"] = False
    world.google.switches["oauth_needs_pkce"] = True
    world.google.human("create_group", {"name": GROUP})
    world.google.human("create_group", {"name": "Tennis & <b>Golf</b>"})
    for first, number, groups in (("Anna", "111", [GROUP]), ("Ewa", "222", [GROUP]), ("Grandma", "333", [])):
        fields = {
            "names": [{"givenName": first, "familyName": "Nowak"}],
            "emailAddresses": [{"value": f"{first.lower()}@example.com", "type": "work"}],
            "phoneNumbers": [{"value": f"+48 600 123 {number}", "type": "mobile"}],
        }
        world.google.human("create", {"fields": fields, "groups": groups})
    for first in ("Anna", "Jan"):
        emails = [{"value": f"{first.lower()}@example.com", "primary": True, "label": "work"}]
        world.pipedrive.human("create_person", {"name": f"{first} Nowak", "emails": emails})
    return world


@dataclass
class Premises:
    """One installation that is open. `open_` makes it."""

    world: World
    tandem: Tandem
    site: Site
    application: Router
    environment: dict[str, str]
    #: The database, where it stands on a server.
    lent: databases.Lent | None = None
    browsers: list[Browser] = field(default_factory=list)
    #: What no page has foreseen; a test that wants it takes it out.
    mishaps: list[str] = field(default_factory=list)

    @property
    def alias(self) -> str:
        """The database."""
        return self.tandem.alias

    @property
    def link(self) -> models.Link:
        """The one link."""
        return models.Link.objects.using(self.alias).exclude(state="removed").get()

    def set_link(self, **values: object) -> None:
        """Let the link stand otherwise."""
        models.Link.objects.using(self.alias).update(**values)

    def browser(self, *, signed_in: bool = True, **headers: str) -> Browser:
        """A browser; of somebody who has signed in with the password, or of a stranger."""
        if signed_in:
            return self.browser_of(models.User.objects.using(self.alias).get(is_operator=True), **headers)
        browser = Browser(self, headers)
        self.browsers.append(browser)
        return browser

    def browser_of(self, user: models.User, **headers: str) -> Browser:
        """A browser in which this user has signed in, and sees where that leads to."""
        browser = self.browser(signed_in=False, **headers)
        with working_on(self.alias), being(self.site):
            request = RequestFactory().get("/")
            request.session = SessionStore()
            sign_in(request, user)
            request.session.save()
            browser.bear(request.session.session_key)
        if not models.Link.objects.using(self.alias).exists():
            browser.get("/")
        return browser

    # Time, and what people and the working process do

    def live(self, *, turns: int = 8) -> None:
        """What `tandem run` does: the cycles that are due, until nothing has been written for a while."""
        for _ in range(turns):
            is_quiet = True
            for link in self.tandem.schedule.due(self.tandem.clock.now()):
                result = self.tandem.cycle(link, cause="due")
                is_quiet = is_quiet and result.state.value != "unfinished" and not result.writes
            if is_quiet:
                return
            self.world.clock.advance(61)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.world.clock.advance(seconds)

    def google_does(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit by hand in Google Contacts."""
        return self.world.google.human(op, arguments)

    def pipedrive_does(self, op: str, **arguments: object) -> dict[str, object]:
        """An edit by hand in Pipedrive."""
        return self.world.pipedrive.human(op, arguments)

    def contact(self, first: str, last: str = "Nowak", *, groups: tuple[str, ...] = (GROUP,), **more: object) -> str:
        """A contact typed in Google; its id."""
        fields = {"names": [{"givenName": first, "familyName": last}], "emailAddresses": [{"value": _mail(first, last)}], **more}
        return str(self.google_does("create", fields=fields, groups=list(groups))["id"])

    def person(self, first: str, last: str = "Nowak", **more: object) -> int:
        """A person typed in Pipedrive; its id."""
        emails = [{"value": _mail(first, last), "primary": True}]
        return int(str(self.pipedrive_does("create_person", name=f"{first} {last}", emails=emails, **more)["id"]))

    # What is there

    def google(self) -> dict[str, dict[str, object]]:
        """The contacts that are there, by first name."""
        found = [one for one in self.world.google.state()["contacts"] if one["life"] == "live"]
        return {str(one["fields"]["names"][0].get("givenName", "")): one for one in found}

    def pipedrive(self) -> dict[str, dict[str, object]]:
        """The persons that are there, by first name."""
        found = [one for one in self.world.pipedrive.state()["persons"] if not one["is_deleted"]]
        return {str(one["name"]).partition(" ")[0]: one for one in found}

    def writes(self) -> list[str]:
        """What was written at the services, by name of the call."""
        return [entry.kind for entry in self.world.log if entry.is_write and not entry.kind.startswith("oauth")]

    def rows(self, *but: str) -> list[str]:
        """Every row of the database, but for what a mere visit writes: sessions, and counted requests."""
        return databases.every_row(self.environment, but=("store_session", "store_ledger", *but))

    def pair(self, first: str) -> int:
        """The number of the pair of somebody, by first name."""
        (found,) = [one.pair for one in self._explained(first) if one.pair is not None]
        return int(found)

    def _explained(self, text: str) -> list[object]:
        from tandem.app.explaining import explain

        return explain(self.tandem, self.link.pk, text)

    def wait_for_preview(self) -> None:
        """Until the thread that makes the preview is done with the world."""
        for made in list(self.site.previews._made.values()):
            assert made.is_over.wait(30)


def _mail(first: str, last: str) -> str:
    return f"{first}.{last}@example.com".lower()


class Browser:
    """A browser: keeps cookies, follows our redirections, sends forms as they stand in the page that it shows."""

    def __init__(self, premises: Premises, headers: dict[str, str]) -> None:
        self.premises = premises
        self.client = httpx2.Client(
            transport=httpx2.WSGITransport(app=premises.application), base_url=HOME, headers={"Accept-Language": "en", **headers}
        )
        self.answer: httpx2.Response = httpx2.Response(204)
        self.page = Found()
        self.is_patient = True

    # Going somewhere

    def get(self, path: str, *, follows: bool = True, **headers: str) -> httpx2.Response:
        """Open a page."""
        return self._shown(self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()}), follows)

    def post(self, path: str, *, follows: bool = True, **fields: object) -> httpx2.Response:
        """Send something with the token of the page that is shown."""
        content = {_FORM_TOKEN: self.token(), **fields}
        return self._shown(self.client.post(path, data=content, headers={"Origin": HOME}), follows)

    def token(self) -> str:
        """The token against forged forms, from the page that is shown, or from the start."""
        if not any(_FORM_TOKEN in form.fields for form in self.page.forms):
            self.get("/health")
        return next(form.fields[_FORM_TOKEN] for form in self.page.forms if _FORM_TOKEN in form.fields)

    def press(self, text: str, /, *, follows: bool = True, nth: int = 0, **fields: str) -> httpx2.Response:
        """Press the button that says this, with these fields filled in."""
        form, button = self.find(text, nth)
        for name, value in fields.items():
            assert name in form.fields or name in form.choices, f"the form has no {name}"
            assert name not in form.choices or value in form.choices[name], f"{name} is one of {form.choices[name]}"
        sent = {**form.fields, **fields} | ({button.name: button.value} if button.name else {})
        target = urljoin(str(self.answer.url), form.action)
        if form.method == "get":
            return self._shown(self.client.get(target, params=sent), follows)
        return self._shown(self.client.post(target, data=sent, headers={"Origin": HOME}), follows)

    def find(self, text: str, nth: int = 0) -> tuple[Form, object]:
        """The form with the button that says this."""
        found = [(form, button) for form in self.page.forms if (button := form.button(text)) is not None]
        every = [button.text for form in self.page.forms for button in form.buttons]
        assert len(found) > nth, f"no button {text!r} but {every} in: {self.page.text}"
        return found[nth]

    def has_button(self, text: str) -> bool:
        """Whether there is something to press."""
        return any(form.button(text) for form in self.page.forms)

    def follow(self, text: str) -> httpx2.Response:
        """Follow the link that says this."""
        assert text in self.page.links, f"no link {text!r} but {sorted(self.page.links)}"
        return self.get(urljoin(str(self.answer.url), self.page.links[text]))

    def _shown(self, answer: httpx2.Response, follows: bool) -> httpx2.Response:
        for _ in range(5):
            self.page = check(answer)
            if not (follows and answer.is_redirect):
                break
            target = urljoin(str(answer.url), answer.headers["location"])
            if not target.startswith(f"{HOME}/"):
                break
            answer = self.client.get(target)
        if self.is_patient and urlsplit(str(answer.url)).path.endswith("/preview") and _BEING_READ in self.page.text:
            # Whoever wants to see a preview waits for it.
            self.premises.wait_for_preview()
            answer = self.client.get(answer.url)
            self.page = check(answer)
        self.answer = answer
        return answer

    # What people do

    def sign_in(self, password: str = PASSWORD) -> httpx2.Response:
        """Sign in with the password."""
        self.get("/")
        return self.press("Sign in", password=password)

    def consent(self, service: str, **chosen: object) -> httpx2.Response:
        """The way over the consent page of a service, from the page that is shown and back."""
        self.press(f"Connect {service}", follows=False)
        brought = answer(self.premises.world, self.answer.headers["location"], **chosen)
        return self.get(f"{FOLDER}{service.lower()}/callback?{urlencode(brought)}")

    @property
    def path(self) -> str:
        """Where the browser is."""
        return urlsplit(str(self.answer.url)).path

    @property
    def query(self) -> dict[str, str]:
        """What the address says besides."""
        return dict(parse_qsl(urlsplit(str(self.answer.url)).query))

    def bear(self, key: str) -> None:
        """From now on bear the key of that session."""
        self.client.cookies.clear()
        self.client.cookies.set(settings.SESSION_COOKIE_NAME, key, domain="127.0.0.1", path="/")

    @property
    def session(self) -> str:
        """The key of the session."""
        return self.client.cookies.get(settings.SESSION_COOKIE_NAME) or ""


def check(answer: httpx2.Response) -> Found:
    """What holds for every answer of the pages; the page, taken apart."""
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    found = read(answer.text) if is_page else Found()
    path = urlsplit(str(answer.url)).path
    if FOLDER in path:
        return found
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for cookie in answer.headers.get_list("set-cookie"):
        assert "SameSite=Lax" in cookie
        assert "HttpOnly" in cookie or "Max-Age=0" in cookie
    assert "Traceback" not in found.text
    assert found.inline == [], path
    assert found.unclosed == [], path
    assert not {"{{", "}}", "{%", "%}", "%("} & set(found.text.split()), path
    assert " None " not in f" {found.text} ", path
    return found


@contextmanager
def placed(
    folder: Path, content: bytes | None = None, key: str = "", **values: str
) -> Iterator[tuple[dict[str, str], databases.Lent | None]]:
    """A place for an installation, as it was put away or new: what its environment says, and its database if that is on a server."""
    data = folder / "data"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {"TANDEM_DATA_DIR": str(data), "TANDEM_SANDBOX_URL": "http://127.0.0.1:1", "TANDEM_BIRTH_QUIET_S": "0", **values}
    lent = databases.lend() if databases.kind() != databases.SQLITE else None
    if key:
        (data / "secret.key").write_text(key)
    if lent is None:
        (data / SQLITE_NAME).write_bytes(content or _tables())
        yield environment, None
        return
    try:
        if content is not None:
            lent.fill(content)
        yield {**environment, "TANDEM_DATABASE_URL": lent.url}, lent
    finally:
        databases.give_back(lent)


@contextmanager
def open_(world: World, folder: Path, content: bytes | None = None, key: str = "", **values: str) -> Iterator[Premises]:
    """Open an installation, as it was put away or new."""
    with placed(folder, content, key, **values) as (environment, lent), opened(world, environment, folder) as premises:
        premises.lent = lent
        yield premises


@contextmanager
def opened(world: World, environment: dict[str, str], folder: Path) -> Iterator[Premises]:
    """Open what stands in the environment; once more, after it was closed."""
    with Tandem(load(environment, folder), clock=WorldClock(world), transport=SandboxTransport(world)) as tandem:
        site = Site.of(tandem)
        prefix = place_of(tandem.config.url("BASE_URL")).prefix
        premises = Premises(world, tandem, site, Router(prefix, {FOLDER: tandem.desk(), "/": Pages(site, prefix)}), environment)

        def note(**_: object) -> None:
            if here() is site:
                premises.mishaps.append(traceback.format_exc())

        got_request_exception.connect(note)
        try:
            yield premises
        finally:
            got_request_exception.disconnect(note)
            premises.wait_for_preview()
            for browser in premises.browsers:
                browser.client.close()
    assert premises.mishaps == [], "\n".join(premises.mishaps)


@cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SQLITE_NAME
        setup.register("web-template", SqliteFile(path))
        setup.migrate("web-template")
        connections["web-template"].close()
        return path.read_bytes()


def _put_away(premises: Premises) -> Kept:
    connections[premises.alias].close()
    key = (premises.tandem.place.path / "secret.key").read_text()
    if premises.lent is not None:
        content = premises.lent.content()
    else:
        with closing(sqlite3.connect(premises.tandem.place.path / SQLITE_NAME)) as reader:
            content = reader.serialize()
    premises.world.log.clear()
    return Kept(premises.world.snapshot(), content, key)


@cache
def kept(state: str) -> Kept:
    """An installation in a state, made once a process.

    "new", "signed" (with a password), "connected", "draft", "synced", or "asked": about three persons who already stand in Google outside
    the group.
    """
    order = ("new", "signed", "connected", "draft", "synced", "asked")
    before = kept(order[order.index(state) - 1]) if state != "new" else None
    with tempfile.TemporaryDirectory(prefix="tandem-web-") as name:
        world = World.restore(before.world) if before else new_world()
        with open_(world, Path(name), before.content if before else None, before.key if before else "") as premises:
            tandem = premises.tandem
            if state == "signed":
                premises.site.users.set_password(PASSWORD, tandem.clock.now())
            elif state == "connected":
                tandem.connecting.google(REFRESH_TOKEN)
                tandem.connecting.pipedrive(API_TOKEN)
            elif state == "draft":
                tandem.make_link(Wish("google-1", "pipedrive-1", GROUP, Policy(conflicts=ConflictRule.ASK, region="PL")))
            elif state == "synced":
                tandem.ask_for_cycle(premises.link.pk)
                premises.live()
                assert premises.link.first_synced_at is not None
            elif state == "asked":
                for first in ("Olga", "Piotr", "Zofia"):
                    premises.contact(first, groups=())
                    premises.person(first)
                premises.pass_time(600)
                premises.live()
            return _put_away(premises)


@contextmanager
def restored(state: str, folder: Path, **values: str) -> Iterator[Premises]:
    """A copy of an installation in that state, with a world of its own."""
    found = kept(state)
    with open_(World.restore(found.world), folder, found.content, found.key, **values) as premises:
        yield premises
