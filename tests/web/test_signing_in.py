"""Promises of signing in: who reads the console sets the password, once; whoever does not know it sees nothing and changes nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tandem.app.patience import MAX_WRONG
from tandem.store import models
from web.addresses import OPEN, Address, addresses
from web.premises import HOME, PASSWORD, SETTINGS, Browser, Premises


def test_the_welcome_link_works_once(new: Premises) -> None:
    """It sets the password and signs in; afterwards it leads to the start, and another token never led anywhere."""
    browser = new.browser(signed_in=False)
    browser.get("/")
    assert "Nobody has set a password yet" in browser.page.text
    assert not browser.has_button("Sign in")
    assert browser.get("/welcome/another").status_code == 404
    assert browser.get(new.site.welcome_path).status_code == 200
    browser.press("Set password", password="too short")
    assert "at least 10 characters" in browser.page.text
    browser.press("Set password", password=PASSWORD)
    assert browser.path == SETTINGS
    stranger = new.browser(signed_in=False)
    stranger.get(new.site.welcome_path)
    assert stranger.path == "/"
    assert stranger.has_button("Sign in")
    stranger.post(new.site.welcome_path, password="another long password")
    assert models.User.objects.using(new.alias).count() == 1
    assert stranger.sign_in("another long password").status_code == 200
    assert "This is not the password." in stranger.page.text
    stranger.sign_in()
    assert stranger.path == SETTINGS


def test_two_who_read_the_console_at_once(new: Premises) -> None:
    """Who comes second does not overwrite the first one's password."""
    first, second = new.browser(signed_in=False), new.browser(signed_in=False)
    for browser in (first, second):
        browser.get(new.site.welcome_path)
    first.press("Set password", password=PASSWORD)
    second.press("Set password", password="something else entirely")
    assert second.path == "/"
    assert new.browser().path == SETTINGS


def test_many_wrong_passwords_are_not_listened_to(signed: Premises) -> None:
    """Each is told; after many in a minute even the right one has to wait for the minute's end."""
    browser = signed.browser(signed_in=False)
    browser.get("/")
    for _ in range(MAX_WRONG):
        assert browser.press("Sign in", password="wrong").status_code == 200
        assert "This is not the password." in browser.page.text
    assert browser.press("Sign in", password=PASSWORD).status_code == 429
    assert "Too many wrong passwords" in browser.page.text
    signed.pass_time(61)
    assert browser.press("Sign in", password=PASSWORD).status_code == 200
    assert browser.path == SETTINGS


def test_signing_in_changes_the_key_and_signing_out_ends_it(signed: Premises) -> None:
    """A key that somebody planted before is worth nothing after; one that was signed out is nobody's, on the server too."""
    browser = signed.browser(signed_in=False)
    browser.get("/")
    browser.post("/sign-out")
    planted = browser.session
    assert planted
    browser.sign_in()
    taken = browser.session
    assert taken not in ("", planted)
    other = signed.browser(signed_in=False)
    for key in (planted, taken):
        other.bear(key)
        other.get("/health")
        assert (other.path == "/health") is (key == taken)
    browser.get("/health")
    browser.press("Sign out")
    assert browser.page.notices == ["You are signed out."]
    other.bear(taken)
    other.get("/health")
    assert other.path == "/"


def test_a_new_password_ends_other_sessions(signed: Premises) -> None:
    """A session holds for the password with which it began."""
    browser = signed.browser()
    signed.site.users.set_password("another long password", signed.tandem.clock.now())
    browser.get("/health")
    assert browser.path == "/"
    browser.sign_in("another long password")
    assert browser.path == SETTINGS


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "javascript:alert(1)",
        "health",
        "http:///evil",
    ],
)
def test_next_leads_only_to_our_own_pages(signed: Premises, wanted: str) -> None:
    """Whatever an address asks for, one lands on our pages."""
    browser = signed.browser(signed_in=False)
    browser.get(f"/?next={quote(wanted)}")
    browser.press("Sign in", follows=False, password=PASSWORD)
    assert browser.answer.headers["location"] == "/"
    browser.get("/health")
    assert browser.post("/language", follows=False, language="en", next=wanted).headers["location"] == "/"


def test_next_leads_back(signed: Premises) -> None:
    """Who came for a page gets it after signing in, also after a wrong password."""
    browser = signed.browser(signed_in=False)
    browser.get("/health?x=1")
    assert (browser.path, browser.query) == ("/", {"next": "/health?x=1"})
    browser.press("Sign in", password="wrong")
    browser.press("Sign in", password=PASSWORD)
    assert (browser.path, browser.query) == ("/health", {"x": "1"})


def everywhere(premises: Premises) -> list[Address]:
    """Every address, about what the operator has."""
    account = models.Account.objects.using(premises.alias).order_by("id")[0].pk
    return list(addresses(link=premises.link.pk, pair=premises.pair("Anna"), account=account))


def test_strangers_are_sent_to_the_start(synced: Premises) -> None:
    """Every page but those of signing in, read or written; nothing is changed, and nothing is said."""
    before = synced.rows()
    stranger = synced.browser(signed_in=False)
    for path, name in [(one.path, one.name) for one in everywhere(synced) if one.name not in OPEN]:
        answer = stranger.get(path, follows=False)
        assert answer.status_code in (302, 405), name
        assert answer.status_code == 405 or answer.headers["location"] == f"/?next={quote(path, safe='')}", name
        stranger.get("/")
        answer = stranger.post(path, follows=False, action="pause", what="1", text="Anna", answer="1=left", group="new", name="x")
        assert (answer.status_code, answer.headers.get("location")) == (302, "/"), name
    assert synced.rows() == before


def test_forged_forms_change_nothing(synced: Premises) -> None:
    """Without the token of the page, with another one, or from another site: 403, a kind page, and nothing is changed."""
    browser = synced.browser()
    before, writes = synced.rows(), synced.writes()
    token = browser.token()
    tried = [(one.path, one.name, {}, {}) for one in everywhere(synced)]
    tried.append((f"/links/{synced.link.pk}/do", "another token", {"csrfmiddlewaretoken": "x" * len(token)}, {}))
    tried.append((f"/links/{synced.link.pk}/do", "another site", {"csrfmiddlewaretoken": token}, {"Origin": "https://evil.test"}))
    for path, name, fields, headers in tried:
        answer = browser.client.post(path, data={"action": "pause", **fields}, headers=headers)
        assert answer.status_code == 403, name
        assert "Nothing was changed" in answer.text, name
    assert (synced.rows(), synced.writes()) == (before, writes)
    assert browser.get("/health").status_code == 200
    assert browser.path == "/health"


def test_a_page_that_updates_itself_leads_to_the_start_as_a_whole(browser: Browser, synced: Premises) -> None:
    """Where the session is over, no form to sign in appears inside the status page: the page as a whole is opened anew."""
    path = f"/links/{synced.link.pk}/now"
    assert browser.get(path, HX_Request="true").status_code == 200
    stranger = synced.browser(signed_in=False)
    answer = stranger.get(path, follows=False, HX_Request="true")
    assert (answer.status_code, answer.headers.get("hx-refresh")) == (204, "true")
    assert answer.content == b""
    assert HOME not in answer.text
