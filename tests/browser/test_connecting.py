"""Promises of connecting accounts, kept with a real browser, real processes, and the sandbox's consent pages.

With TANDEM_TEST_SHOTS set to a folder, each page is kept there as a picture.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from playwright.sync_api import Page, expect

from cli.conftest import Line, Told
from cli.test_run import running
from cli.test_story import contacts, persons

from .conftest import adding, connect


def shoot(page: Page, name: str) -> None:
    """Keep a picture, where that is wished."""
    if folder := os.environ.get("TANDEM_TEST_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def attempt(page: Page, line: Line, service: str, button: str, name: str) -> Told:
    """Press a button on the consent page, without ticking anything; what the command says."""
    with adding(line, service, "--no-browser") as added:
        page.goto(added.address)
        shoot(page, f"{name}-asked")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("heading")).to_contain_text("connected")
        shoot(page, f"{name}-ended")
        return added.end()


def said(page: Page) -> str:
    """The words of our page."""
    return page.get_by_role("main").inner_text()


def state(line: Line) -> dict[str, str]:
    """Accounts and how they stand."""
    rows = line("account", "list", "--json").data["accounts"]
    assert isinstance(rows, list)
    return {row["account"]: row["state"] for row in rows}


def test_google_refused_partly_granted_and_granted(page: Page, tandem: Line) -> None:
    """Cancelled, the box left unticked, and all allowed: page and command say the same, and only the last one stores anything. The page
    fits on a phone, too.
    """  # noqa: D205 - one promise
    refused = attempt(page, tandem, "google", "Cancel", "google-refused")
    assert (refused.code, refused.out) == (1, "")
    assert "refused in Google" in said(page)
    assert "refused in Google" in refused.err
    partly = attempt(page, tandem, "google", "Continue", "google-partly")
    assert partly.code == 1
    assert "permanently delete your contacts" in said(page)
    assert "Try again, and tick it." in partly.err
    granted = connect(page, tandem, "google")
    shoot(page, "google-granted")
    assert (granted.code, granted.out) == (0, "Connected sandbox.person@example.com as google-1.\n")
    assert "sandbox.person@example.com is connected as google-1." in said(page)
    assert state(tandem) == {"google-1": "fine"}
    page.set_viewport_size({"width": 360, "height": 640})
    page.emulate_media(color_scheme="dark")
    shoot(page, "phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_pipedrive_refused_without_rights_and_granted(page: Page, tandem: Line) -> None:
    """Denied, an app without contacts:full, an app without admin: the last one is connected, and says what goes without webhooks."""
    refused = attempt(page, tandem, "pipedrive", "Deny", "pipedrive-refused")
    assert (refused.code, "refused in Pipedrive" in refused.err) == (1, True)
    switch = {"service": "pipedrive", "name": "oauth_scopes"}
    tandem.control.call("POST", "switches", {**switch, "value": "base,contacts:read"})
    without = attempt(page, tandem, "pipedrive", "Accept", "pipedrive-without")
    assert (without.code, "contacts:full" in without.err, "contacts:full" in said(page)) == (1, True, True)
    tandem.control.call("POST", "switches", {**switch, "value": "base,contacts:full,contact-fields:full"})
    partly = connect(page, tandem, "pipedrive")
    shoot(page, "pipedrive-partly")
    assert partly.code == 0
    assert "admin (no webhooks" in partly.out
    assert "admin (no webhooks" in said(page)
    listed = tandem("account", "list").out
    assert "lacks the right admin" in listed
    assert "pipedrive-2" not in listed


def requests(line: Line, since: int) -> list[dict[str, object]]:
    """What the services were asked."""
    entries = line.control.call("GET", "log", since=str(since))["entries"]
    assert isinstance(entries, list)
    return [entry for entry in entries if isinstance(entry, dict)]


def asked(line: Line) -> int:
    """How much they were asked so far."""
    last = line.control.call("GET", "log")["last"]
    assert isinstance(last, int)
    return last


def test_a_link_of_two_accounts_that_were_connected_in_the_browser(page: Page, tandem: Line) -> None:
    """Both connected, linked, synced; the tokens renewed when they have expired; both withdrawn over there: exit code 4, and after
    connecting them again it goes on where it was: nothing is created twice, and nothing listed as a whole.
    """  # noqa: D205 - one promise
    for service in ("google", "pipedrive"):
        assert connect(page, tandem, service).code == 0
    assert tandem.link().code == 0
    assert tandem("sync").code == 0
    everybody = contacts(tandem)
    assert everybody == persons(tandem) == {"Anna Nowak", "Jan Kowalski", "Ewa Lis"}

    since = asked(tandem)
    tandem.control.call("POST", "clock", {"advance_s": 7200})
    assert tandem("sync").code == 0
    assert sorted(str(entry["service"]) for entry in requests(tandem, since) if entry["kind"] == "oauth.token") == ["google", "pipedrive"]

    tandem.edit("google", "revoke", {})
    assert tandem("sync").code == 4
    assert state(tandem) == {"google-1": "connect-again", "pipedrive-1": "fine"}
    assert connect(page, tandem, "google", "--reconnect", "google-1").code == 0
    tandem.edit("pipedrive", "uninstall_app", {})
    assert tandem("sync").code == 4
    assert "connect the account again" in tandem("status").out
    assert connect(page, tandem, "pipedrive").out.startswith("Connected Sandbox Company, You as pipedrive-1.")
    tandem.edit("pipedrive", "create_person", {"name": "Ola Zielona"})
    since = asked(tandem)
    assert tandem("sync").code == 0
    assert contacts(tandem) == persons(tandem) == everybody | {"Ola Zielona"}
    lists = [entry for entry in requests(tandem, since) if entry["kind"] in {"getPersons", "people.connections.list"}]
    assert {entry["service"] for entry in lists} == {"google", "pipedrive"}
    names = [{str(pair[0]) for pair in entry["query"]} for entry in lists]  # type: ignore[attr-defined]
    assert all({"updated_since", "ids", "syncToken"} & query for query in names), lists


def test_a_running_server_takes_the_answer(page: Page, tandem: Line) -> None:
    """`tandem run` listens at the address; the account goes from its API token to OAuth under it; the app's removal over there stops
    the link at once, and connecting again lets it go on, all in the running process.
    """  # noqa: D205 - one promise
    with running(tandem.environment) as run:
        run.wait_for("watching")
        assert connect(page, tandem, "pipedrive").code == 0
        assert tandem("account", "list", "--json").data["accounts"][1]["how"] == "oauth"  # type: ignore[index]
        tandem.edit("pipedrive", "uninstall_app", {})
        wait_until(page, lambda: "removed in Pipedrive" in tandem("status").out)
        tandem.edit("pipedrive", "create_person", {"name": "Iga Mała"})
        assert connect(page, tandem, "pipedrive").code == 0
        run.wait_for("change", name="Iga Mała", side="google")
        assert run.stop(signal.SIGINT) == 0


def wait_until(page: Page, is_so: object) -> None:
    """Look again until it is so."""
    for _ in range(200):
        if is_so():  # type: ignore[operator]
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come so")


def test_the_address_is_pasted(page: Page, tandem: Line) -> None:
    """Where nobody can take the answer, the browser ends on an address that cannot be reached, and that is pasted."""
    with adding(tandem, "google", "--paste", "--json") as added:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.goto(added.address)
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Continue").click(no_wait_after=True)
        wait_until(page, lambda: any("/accounts/google/callback?" in url for url in sent))
        told = added.end(next(url for url in sent if "/accounts/google/callback?" in url) + "\n")
    assert told.code == 0, told
    assert told.data == {"account": "google-1", "name": "sandbox.person@example.com", "sentence": ""}


def test_the_browser_is_opened_and_giving_up_leaves_nothing(tandem: Line, tmp_path: Path) -> None:
    """The command opens the browser that the machine names, with the address that it prints; Ctrl-C leaves nothing to wait for."""
    opened = tmp_path / "opened"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n')
    script.chmod(0o755)
    with adding(tandem, "google", BROWSER=f"{script} %s") as added:
        assert opened.read_text() == added.address
        added.process.send_signal(signal.SIGINT)
        told = added.end()
    assert (told.code, told.out) == (130, "")
    assert "Traceback" not in told.err
    assert tandem.rows("SELECT count(*) FROM store_authorisation") == [(0,)]
