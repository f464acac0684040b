"""Promise: a person without a terminal goes the whole way in the pages: connect, choose, preview, save, watch, decide, undo; with
JavaScript and without, in English and Polish.
"""  # noqa: D205 - one promise

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.conftest import Line
from cli.test_run import Running, running

from .conftest import PATIENCE_S, allowed

PASSWORD = "three small words"


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def visitor(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A person's page, with JavaScript or without. What the pages load must not offend their own policy."""
    context = browser.new_context(viewport={"width": 900, "height": 700}, java_script_enabled=request.param, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    expect.set_options(timeout=PATIENCE_S * 1000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    assert [text for text in said if "Content Security Policy" in text or "Refused" in text] == []


@pytest.fixture
def served(tandem: Line) -> Iterator[Running]:
    """`tandem run` with its pages."""
    with running(tandem.environment, is_demo=False) as run:
        yield run


def test_the_whole_way(visitor: Page, tandem: Line, served: Running) -> None:
    """From the link in the console to a sync that goes both ways, an edit that conflicts and waits, an undo, a lost consent, and Polish."""
    page = visitor
    page.goto(str(served.wait_for("serving")["welcome"]))
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    connect_both(page)
    choose_a_new_group(page)
    save(page, tandem)

    edit(tandem, "pipedrive", "Ewa", "phones", "+48 22 111 22 33")
    wait_for(page, tandem, "google", "+48 22 111 22 33")
    edit(tandem, "google", "Ewa", "phoneNumbers", "+48 22 444 55 66")
    wait_for(page, tandem, "pipedrive", "+48 22 444 55 66")
    conflict(page, tandem)
    undo(page, tandem)
    reconnect(page, tandem)
    page.get_by_role("button", name="Polski").click()
    expect(page.locator("html")).to_have_attribute("lang", "pl")


def connect_both(page: Page) -> None:
    """Refused once; then both accounts."""
    expect(page.get_by_role("heading", name="Google Contacts")).to_be_visible()
    page.get_by_role("button", name="Connect Google").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The consent was refused in Google")).to_be_visible()
    page.get_by_role("button", name="Connect Google").click()
    allowed(page)
    expect(page.get_by_text("sandbox.person@example.com")).to_be_visible()
    page.get_by_role("button", name="Connect Pipedrive").click()
    allowed(page)
    expect(page.get_by_text("Sandbox Company, You")).to_be_visible()


def choose_a_new_group(page: Page) -> None:
    """The warning beside "My contacts" is read, a group is made."""
    page.get_by_role("button", name="Enable sync with Google Contacts").click()
    expect(page.get_by_text("This brings all 2 contacts into Pipedrive, family and friends too.")).to_be_visible()
    page.get_by_text("Rules").click()
    page.get_by_role("radio", name="Ask me").first.check()
    page.get_by_label("Name of the new group").fill("Customers")
    page.get_by_role("button", name="To the preview").click()


def save(page: Page, tandem: Line) -> None:
    """What the preview says, and what comes of it: nothing before the word."""
    button = page.get_by_role("button", name="Save and begin to sync")
    look_until(page, lambda: button.count() == 1)
    # Ewa is copied; Anna already stands in Google, outside the new group, and is proposed.
    expect(page.get_by_text(re.compile("1 to create in Google"))).to_be_visible()
    assert "Ewa" not in str(tandem.control.call("GET", "state", service="google"))
    button.click()
    look_until(page, lambda: "in sync" in page.inner_text("main") and "First sync" not in page.inner_text("main"))
    assert "Ewa" in str(tandem.control.call("GET", "state", service="google"))
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("button", name=re.compile("bring in the one outside")).first.click()
    expect(page.get_by_text("1 answer is taken")).to_be_visible()


def conflict(page: Page, tandem: Line) -> None:
    """Both sides change one value at the same time: it waits, and is decided on the page."""
    page.get_by_role("link", name="Status").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Nothing is synced until you resume.")).to_be_visible()
    edit(tandem, "pipedrive", "Ewa", "last_name", "Pipedrivowska")
    edit(tandem, "google", "Ewa", "names", "Googlowska")
    page.get_by_role("button", name="Resume").click()
    look_until(page, lambda: "Conflicts" in page.inner_text("main"))
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("link", name=re.compile("Conflicts")).click()
    page.get_by_role("button", name="Google's value goes to Pipedrive").click()
    wait_for(page, tandem, "pipedrive", "Googlowska")


def undo(page: Page, tandem: Line) -> None:
    """The newest cycle is taken back, after a look at what that does."""
    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="Undo all of it").first.click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("It is being taken back")).to_be_visible()
    wait_for(page, tandem, "pipedrive", "Pipedrivowska")


def reconnect(page: Page, tandem: Line) -> None:
    """A consent that was taken away stops the sync and says so; connecting again lets it go on with what was edited meanwhile."""
    tandem.edit("google", "revoke", {})
    page.get_by_role("link", name="Status").click()
    look_until(page, lambda: page.get_by_role("link", name="Connect again").count() == 1)
    edit(tandem, "pipedrive", "Ewa", "phones", "+48 22 999 00 11")
    page.get_by_role("link", name="Connect again").click()
    page.get_by_role("button", name="Connect again").first.click()
    allowed(page)
    expect(page.get_by_text("The account is connected.")).to_be_visible()
    wait_for(page, tandem, "google", "+48 22 999 00 11")


def edit(tandem: Line, service: str, who: str, field: str, text: str) -> None:
    """What a person does in the other product."""
    state = tandem.control.call("GET", "state", service=service)
    if service == "pipedrive":
        person = next(one for one in state["persons"] if who in one["first_name"])  # type: ignore[union-attr,index,call-overload,operator]
        value: object = [{"value": text, "label": "work", "primary": True}] if field == "phones" else text
        tandem.edit(service, "update_person", {"id": person["id"], field: value})  # type: ignore[index,call-overload]
        return
    contacts = state["contacts"]
    contact = next(one for one in contacts if who in str(one["fields"]["names"]))  # type: ignore[union-attr,index,call-overload]
    given = [{"givenName": who, "familyName": text}] if field == "names" else [{"value": text, "type": "work"}]
    tandem.edit(service, "update", {"id": contact["id"], "fields": {field: given}})  # type: ignore[index,call-overload]


def wait_for(page: Page, tandem: Line, service: str, text: str) -> None:
    """Until a service has it."""
    look_until(page, lambda: text in str(tandem.control.call("GET", "state", service=service)))


def look_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Until it is so. The pages move by themselves, with JavaScript and without."""
    for _ in range(PATIENCE_S * 2):
        if is_so():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"it did not come so: {page.inner_text('main')}")


def test_the_password_is_asked_for_after_a_restart(page: Page, tandem: Line) -> None:
    """The link of the first start is good once; after a restart there is none, the password is asked for, and a wrong one is not taken."""
    with running(tandem.environment, is_demo=False) as run:
        welcome = str(run.wait_for("serving")["welcome"])
        page.goto(welcome)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Set password").click()
        page.get_by_role("button", name="Sign out").click()
        page.goto(welcome)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert run.stop(signal.SIGTERM) == 0
    with running(tandem.environment, is_demo=False) as run:
        told = run.wait_for("serving")
        assert told["welcome"] is None
        page.goto(str(told["url"]))
        for password in ("not this one", PASSWORD):
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            if password != PASSWORD:
                expect(page.get_by_text("This is not the password.")).to_be_visible()
        expect(page.get_by_role("heading", name="Google Contacts")).to_be_visible()
