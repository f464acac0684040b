"""Promises of consents that are begun in the pages: how each ended is told there, and only the browser that began it can end it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from accounts.installed import answer, begin
from tandem.app.desk import BROWSER_COOKIE
from tandem.sandbox.faults import Rule
from tandem.store import models
from web.premises import SETTINGS, Browser, Premises, restored


def accounts(premises: Premises) -> int:
    """How many are connected."""
    return models.Account.objects.using(premises.alias).filter(removed_at=None).count()


def begun(browser: Browser, service: str = "Google") -> dict[str, str]:
    """Begin a consent and answer it; what the browser is sent back with."""
    browser.get(SETTINGS)
    browser.press(f"Connect {service}", follows=False)
    return answer(browser.premises.world, browser.answer.headers["location"])


def back(browser: Browser, brought: dict[str, str], service: str = "google", *, follows: bool = True) -> None:
    """Come back from the service."""
    browser.get(f"/accounts/{service}/callback?{urlencode(brought)}", follows=follows)


@pytest.mark.parametrize("service", ["Google", "Pipedrive"])
def test_a_refusal_is_told(signed: Premises, service: str) -> None:
    """The person says no over there: the page says so here, and the way is still open."""
    browser = signed.browser()
    browser.consent(service, decision="deny")
    assert browser.path == SETTINGS
    assert "The consent was refused" in browser.page.notices[0]
    assert "The account is connected" not in browser.page.text
    assert browser.has_button(f"Connect {service}")
    assert accounts(signed) == 0


def test_a_box_that_was_not_ticked(signed: Premises) -> None:
    """Without the right to the contacts nothing is kept, and the page says which box."""
    browser = signed.browser()
    browser.consent("Google", allow=())
    assert "permanently delete your contacts" in browser.page.notices[0]
    assert accounts(signed) == 0
    browser.consent("Google")
    assert browser.page.notices == ["The account is connected."]


def test_another_account_than_the_one_to_be_connected_again(signed: Premises) -> None:
    """Signed in over there as somebody else: told, and the account stays as it was."""
    signed.google_does("add_account", email="other@example.com")
    browser = signed.browser()
    browser.consent("Google")
    browser.press("Connect again", follows=False)
    address = browser.answer.headers["location"]
    assert dict(parse_qsl(urlsplit(address).query))["login_hint"] == "sandbox.person@example.com"
    back(browser, answer(signed.world, address, account="other@example.com"))
    assert "This is other@example.com" in browser.page.notices[0]
    assert accounts(signed) == 1


def test_somebody_elses_account(signed: Premises) -> None:
    """Connected by another user of this Tandem: it does not change hands, by consent or by token."""
    browser = signed.browser()
    browser.consent("Google")
    browser.press("Connect with the token", token="sandbox-pipedrive-token")
    other = models.User.objects.using(signed.alias).create(name="Other", created_at=signed.tandem.clock.now())
    models.Account.objects.using(signed.alias).update(user=other)
    browser.consent("Google")
    assert "is connected by somebody else who uses this Tandem" in browser.page.notices[0]
    browser.press("Connect with the token", token="sandbox-pipedrive-token")
    assert "is connected by somebody else who uses this Tandem" in browser.page.text
    assert list(models.Account.objects.using(signed.alias).values_list("user", flat=True)) == [other.pk] * 2


def test_a_service_that_does_not_answer(signed: Premises) -> None:
    """Told, nothing is kept, and the next attempt works."""
    signed.world.faults.add(Rule("google", "oauth.token", "refused"))
    browser = signed.browser()
    browser.consent("Google")
    assert "cannot be reached" in browser.page.notices[0]
    assert accounts(signed) == 0
    browser.consent("Google")
    assert accounts(signed) == 1


def test_another_browser_cannot_end_it(signed: Premises) -> None:
    """A link that somebody was sent, from a consent begun elsewhere, connects nothing; where it was begun it still works."""
    browser = signed.browser()
    brought = begun(browser)
    cookie = next(one for one in browser.client.cookies.jar if one.name == BROWSER_COOKIE)
    assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("/accounts/", True)
    for stranger in (signed.browser(signed_in=False), signed.browser()):
        back(stranger, brought)
        assert (stranger.answer.status_code, "in another browser" in stranger.page.text) == (400, True)
        stranger.client.cookies.set(BROWSER_COOKIE, "another", domain="127.0.0.1", path="/accounts/")
        back(stranger, brought)
        assert (stranger.answer.status_code, accounts(signed)) == (400, 0)
    back(browser, brought)
    assert browser.page.notices == ["The account is connected."]
    back(browser, brought)
    assert "used already" in browser.page.text
    assert accounts(signed) == 1


def test_two_consents_in_one_browser(signed: Premises) -> None:
    """The later one counts: its answer is taken, that of the earlier is not; and Pipedrive's answer does not end Google's."""
    browser = signed.browser()
    first = begun(browser)
    second = begun(browser)
    back(browser, first)
    assert browser.answer.status_code == 400
    back(browser, second, "pipedrive")
    assert browser.answer.status_code == 400
    back(browser, second)
    assert accounts(signed) == 1


def test_one_that_a_command_began_needs_no_cookie(signed: Premises) -> None:
    """Begun in a terminal, it ends in any browser, with the page of its own."""
    brought = answer(signed.world, begin(signed.tandem, "google").address)
    stranger = signed.browser(signed_in=False)
    back(stranger, brought)
    assert stranger.answer.status_code == 200
    assert "is connected as google-1" in stranger.page.text


def test_too_late(signed: Premises) -> None:
    """After ten minutes nobody waits."""
    browser = signed.browser()
    brought = begun(browser)
    signed.pass_time(601)
    back(browser, brought)
    assert (browser.answer.status_code, accounts(signed)) == (400, 0)
    assert "too late" in browser.page.text


def test_what_comes_back_is_in_no_address_of_ours(signed: Premises) -> None:
    """The browser goes on to the settings with the consent's number alone."""
    browser = signed.browser()
    brought = begun(browser)
    back(browser, brought, follows=False)
    assert browser.answer.status_code == 303
    location = browser.answer.headers["location"]
    assert location.startswith(f"{SETTINGS}?consent=")
    assert not any(value in location for value in brought.values())


def test_where_forms_may_lead(signed: Premises) -> None:
    """The settings page lets its forms lead to the services' consent, no other page does."""
    browser = signed.browser()
    browser.get(SETTINGS)
    assert browser.answer.headers["content-security-policy"].endswith("form-action 'self' http://127.0.0.1:1")
    browser.get("/health")
    assert browser.answer.headers["content-security-policy"].endswith("form-action 'self'")


def test_a_service_that_there_is_not(signed: Premises) -> None:
    """404, and nothing is begun."""
    browser = signed.browser()
    assert browser.post(f"{SETTINGS}/connect/yahoo").status_code == 404
    assert models.Authorisation.objects.using(signed.alias).count() == 0


def test_without_a_client_it_says_what_to_set(tmp_path: Path) -> None:
    """Against the real services without credentials there is no button that cannot work."""
    values = {"TANDEM_SANDBOX_URL": "", "TANDEM_PIPEDRIVE_CLIENT_ID": ""}
    with restored("signed", tmp_path, **values) as premises:
        browser = premises.browser()
        browser.get(SETTINGS)
        assert "set TANDEM_GOOGLE_CLIENT_ID and TANDEM_GOOGLE_CLIENT_SECRET" in browser.page.text
        assert not browser.has_button("Connect Google")
        assert not browser.has_button("Connect Pipedrive")
        browser.post(f"{SETTINGS}/connect/google")
        assert "TANDEM_GOOGLE_CLIENT_ID" in browser.page.notices[0]


def test_below_a_path(tmp_path: Path) -> None:
    """With a path in front of ours every link, form, redirection and cookie is below it, and a consent ends as it should."""
    with restored("signed", tmp_path, TANDEM_BASE_URL="http://127.0.0.1:8000/below") as premises:
        browser = premises.browser(signed_in=False)
        browser.get("/below/")
        browser.press("Sign in", password="a few words in a row")
        assert browser.path == f"/below{SETTINGS}"
        assert browser.client.get("/below/static/tandem.css").status_code == 200
        targets = [*browser.page.links.values(), *(form.action for form in browser.page.forms)]
        assert [target for target in targets if not target.startswith(("/below/", "http://127.0.0.1:1/", "#", "")) or target == "/"] == []
        browser.press("Connect Google", follows=False)
        brought = answer(premises.world, browser.answer.headers["location"])
        browser.get(f"/below/accounts/google/callback?{urlencode(brought)}")
        assert browser.path == f"/below{SETTINGS}"
        assert browser.page.notices == ["The account is connected."]
