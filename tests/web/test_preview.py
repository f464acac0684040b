"""Promises of the preview: everything that would happen, part by part and page by page; made without a trace; never older than it may."""

from __future__ import annotations

import threading
from urllib.parse import urlencode

import pytest

from accounts.installed import answer
from tandem.sandbox.faults import Rule
from web.premises import Browser, Premises


def at(premises: Premises, rest: str = "") -> str:
    """The address of the preview."""
    return f"/links/{premises.link.pk}/preview{rest}"


def test_every_part_says_what_it_holds(draft: Premises) -> None:
    """Pairs with their evidence, people outside who wait, creations value by value, and who is left out and why."""
    draft.person("Grandma")
    draft.contact("Someone", emailAddresses=[{"value": "anna@example.com"}])
    draft.pipedrive_does("create_person", name="Nameonly")
    draft.google_does("create", fields={"nicknames": [{"value": "Nick"}]}, groups=["Pipedrive"])
    browser = draft.browser()
    browser.get(at(draft))
    tabs = {text.rpartition(" (")[0]: href for text, href in browser.page.links.items() if href.startswith("?part=")}
    assert {"Wait for you", "Written in Google", "Written in Pipedrive"} <= set(tabs), browser.page.text
    told = {}
    for heading, href in tabs.items():
        browser.get(at(draft, href))
        told[heading] = browser.page.text.rpartition(f"{heading} ")[2]
    assert "Grandma Nowak" in told["Wait for you"]
    assert "already stands in Google Contacts or Pipedrive, outside what is synced" in told["Wait for you"]
    assert "Ewa Nowak Pipedrive, to create" in told["Written in Pipedrive"]
    assert "phone numbers +48 600 123 222" in told["Written in Pipedrive"]
    assert "Jan Nowak Google, to create" in told["Written in Google"]
    for heading in ("Found on both sides", "Left out"):
        assert heading in told, sorted(told)
    assert browser.has_button("Save and begin to sync")


def test_found_pairs_are_shown_with_their_evidence(draft: Premises) -> None:
    """Who is taken for the same person, and why."""
    browser = draft.browser()
    browser.get(at(draft, "?part=pairs"))
    assert "Found on both sides Anna Nowak the same e-mail address, the same full name" in browser.page.text


def test_many_are_paged(draft: Premises) -> None:
    """Fifty at once; every one of them is on exactly one page, and a page that is not there shows the last."""
    for number in range(120):
        draft.person(f"P{number:03d}", "Lis")
    browser = draft.browser()
    browser.get(at(draft, "?part=google"))
    pages = []
    for number in (1, 2, 3):
        assert f"Page {number} of 3" in browser.page.text
        pages.append({word for word in browser.page.text.split() if word.startswith("P") and word[1:].isdigit()})
        if number < 3:
            browser.follow("Next")
            assert (browser.query["part"], browser.query["page"]) == ("google", str(number + 1))
    assert sorted(name for names in pages for name in names) == [f"P{number:03d}" for number in range(120)]
    browser.get(at(draft, "?part=google&page=99"))
    assert "Page 3 of 3" in browser.page.text
    browser.follow("Back")
    assert "Page 2 of 3" in browser.page.text
    assert browser.get(at(draft, "?part=nonsense&page=x")).status_code == 200


@pytest.mark.parametrize(
    ("service", "effect", "words"),
    [
        ("google", "503", "Google did not answer"),
        ("google", "403", "The account may not do this."),
        ("pipedrive", "429-daily", "The budget is used up; it goes on by itself."),
        ("pipedrive", "refused", "Pipedrive cannot be reached"),
    ],
)
def test_a_service_that_fails_is_a_sentence(draft: Premises, service: str, effect: str, words: str) -> None:
    """Whatever a service says, the page says it in words, offers to try again, and does when asked."""
    draft.world.faults.add(Rule(service, "", effect, times=None))
    browser = draft.browser()
    before = draft.rows("store_link", "store_grant")
    browser.get(at(draft))
    assert len(browser.page.notices) == 1
    assert words in browser.page.notices[0]
    assert not browser.has_button("Save and begin to sync")
    assert draft.rows("store_link", "store_grant") == before
    draft.world.faults.clear()
    draft.pass_time(26 * 3600)
    browser.press("Try again")
    assert browser.page.notices == []
    assert browser.has_button("Save and begin to sync")


def test_a_consent_that_was_withdrawn_is_a_sentence(draft: Premises) -> None:
    """Revoked at Google: the preview says to connect again, which helps."""
    draft.google_does("revoke")
    draft.pass_time(4000)
    browser = draft.browser()
    browser.get(at(draft))
    assert "Google" in browser.page.notices[0]
    browser.get("/settings/personal/google-contacts")
    assert "It does not accept Tandem any more: connect it again." in browser.page.text
    browser.press("Connect again", follows=False)
    brought = answer(draft.world, browser.answer.headers["location"])
    browser.get(f"/accounts/google/callback?{urlencode(brought)}")
    assert "It does not accept Tandem any more" not in browser.page.text
    browser.get(at(draft))
    browser.press("Try again")
    assert browser.has_button("Save and begin to sync")


def test_it_leaves_no_trace(draft: Premises) -> None:
    """Neither in the database nor at the services, however often it is made and read."""
    browser = draft.browser()
    before = draft.rows()
    browser.get(at(draft))
    browser.get(at(draft, "?part=google"))
    browser.press("Look again")
    draft.wait_for_preview()
    assert draft.rows() == before
    assert draft.writes() == []


def test_it_is_kept_until_it_is_asked_for_anew(draft: Premises) -> None:
    """Read again, it is the same one; after Look again or half an hour it is another; after other rules, too."""
    browser = draft.browser()

    def seen(*, anew: bool = False) -> str:
        if anew:
            browser.press("Look again")
        else:
            browser.get(at(draft))
        return browser.page.text.partition(" seen in Pipedrive")[0].split()[-1]

    assert seen() == "2"
    draft.person("Olga")
    assert seen() == "2"
    assert seen(anew=True) == "3"
    draft.person("Piotr")
    draft.pass_time(31 * 60)
    assert seen() == "4"
    draft.person("Zofia")
    browser.get(f"/links/{draft.link.pk}/rules")
    browser.press("Save", direction="to-google")
    assert seen() == "5"
    assert "in Pipedrive Fields" not in browser.page.text
    assert "Written in Pipedrive" not in browser.page.text


def test_one_that_is_under_way_says_so(draft: Premises) -> None:
    """While both books are being read the page says it, renews itself without code, and a part of a page asks for all of it at the end."""
    gate = threading.Event()
    transport = draft.tandem._client._transport
    handle = transport.handle_request

    def slow(request: object) -> object:
        gate.wait(20)
        return handle(request)

    transport.handle_request = slow
    try:
        browser = draft.browser()
        browser.is_patient = False
        answer = browser.get(at(draft))
        assert "Both address books are being read. Nothing is changed by it." in browser.page.text
        assert '<meta http-equiv="refresh"' in answer.text
        assert "hx-refresh" not in browser.get(at(draft), HX_Request="true").headers
        before = draft.site.previews.of(draft.link.pk)
        browser.post(at(draft), follows=False)
        assert draft.site.previews.of(draft.link.pk) is before
    finally:
        gate.set()
    draft.wait_for_preview()
    assert browser.get(at(draft), HX_Request="true").headers["hx-refresh"] == "true"
    assert "Anna Nowak" in browser.get(at(draft)).text


def test_of_what_is_in_sync_nothing_is_to_be_written(browser: Browser, synced: Premises) -> None:
    """No button to save where nothing has to be approved."""
    browser.get(at(synced))
    assert "Nothing has to be written." in browser.page.text
    assert not browser.has_button("Save and begin to sync")
