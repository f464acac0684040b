"""Promises of the history and of a contact's page: what was done is told, shown side by side, and taken back or left out from there."""

from __future__ import annotations

import pytest

from tandem.store import models
from web.premises import Browser, Premises


def base(premises: Premises) -> str:
    """Where the pages of the link begin."""
    return f"/links/{premises.link.pk}"


def renamed(premises: Premises) -> None:
    """Anna and Jan get other names in Pipedrive, which go over in one cycle."""
    for name in ("Anna", "Jan"):
        premises.pipedrive_does("update_person", id=premises.pipedrive()[name]["id"], name=f"{name} Changed")
    premises.pass_time(600)
    premises.live()
    assert "Changed" in str(premises.google()["Anna"])


def test_a_change_is_undone(synced: Premises, browser: Browser) -> None:
    """The history shows each value that was written; its undo says first what it does, and the next cycle does it, of this one alone."""
    renamed(synced)
    browser.get(f"{base(synced)}/history")
    assert "Anna Changed changed Google" in browser.page.text
    assert "last name Nowak Changed" in browser.page.text
    line = models.History.objects.using(synced.alias).filter(kind="update", side="left", pair=synced.pair("Anna")).order_by("-id")[0]
    browser.get(f"{base(synced)}/undo?what={line.cycle_id}-{line.pk}")
    assert "One thing is taken back. What was changed since stays." in browser.page.text
    assert "Anna Changed gets its earlier values back Google, last name" in browser.page.text
    before = synced.writes()
    browser.press("Take it back")
    assert browser.page.notices == ["It is being taken back; the next sync does it."]
    assert synced.writes() == before
    synced.live()
    assert "Changed" not in str(synced.google()["Anna"])
    assert "Changed" in str(synced.google()["Jan"])


def test_a_cycle_is_undone(synced: Premises, browser: Browser) -> None:
    """All that one cycle has written, in one go; what somebody has changed since is kept, and named."""
    renamed(synced)
    synced.google_does("update", id=synced.google()["Jan"]["id"], names=[{"givenName": "Jan", "familyName": "Later"}])
    synced.pass_time(600)
    synced.live()
    line = models.History.objects.using(synced.alias).filter(kind="update", side="left", pair=synced.pair("Anna")).order_by("-id")[0]
    browser.get(f"{base(synced)}/history")
    browser.get(f"{base(synced)}/undo?what={line.cycle_id}")
    assert "Stays as it is" in browser.page.text
    browser.press("Take it back")
    synced.live()
    assert "Nowak" in str(synced.google()["Anna"])
    assert "Later" in str(synced.google()["Jan"])


def test_the_undo_links_of_the_page_work(synced: Premises, browser: Browser) -> None:
    """Every link to an undo that the history or a contact offers leads to a page that says what it would do."""
    renamed(synced)
    for page in (f"{base(synced)}/history", f"{base(synced)}/contacts/{synced.pair('Anna')}"):
        found = browser.get(page).text.split('href="')
        links = [text.partition('"')[0] for text in found if "/undo?what=" in text.partition('"')[0]]
        assert links
        for link in links:
            browser.get(link)
            assert browser.path.endswith("/undo"), (link, browser.page.notices)


@pytest.mark.parametrize("state", ["paused", "draft", "restored"])
def test_nothing_is_taken_back_while_a_link_does_not_go(synced: Premises, browser: Browser, state: str) -> None:
    """It is said why not."""
    renamed(synced)
    line = models.History.objects.using(synced.alias).filter(kind="update").order_by("-id")[0]
    synced.set_link(state=state)
    browser.post(f"{base(synced)}/undo", what=f"{line.cycle_id}-{line.pk}")
    assert browser.page.notices
    assert "being taken back" not in browser.page.notices[0]
    assert models.Undo.objects.using(synced.alias).count() == 0


def test_the_history_is_paged(synced: Premises, browser: Browser) -> None:
    """A hundred lines at once, each once."""
    for number in range(110):
        synced.person(f"P{number:03d}", "Lis")
    synced.pass_time(600)
    synced.live()
    browser.get(f"{base(synced)}/history")
    seen: list[str] = []
    while True:
        seen += [word for word in browser.page.text.split() if word.startswith("P") and word[1:].isdigit() and len(word) == 4]
        if "Older" not in browser.page.links:
            break
        browser.follow("Older")
    assert set(seen) == {f"P{number:03d}" for number in range(110)}
    browser.follow("Newest")
    assert "Older" in browser.page.links


def test_nothing_was_written_yet(draft: Premises) -> None:
    """An empty history says so."""
    browser = draft.browser()
    browser.get(f"{base(draft)}/history")
    assert "Nothing was written yet." in browser.page.text


# Explain, and the page of a contact


def test_somebody_is_found_by_name_mail_and_number(synced: Premises, browser: Browser) -> None:
    """The search is a form that is sent, so that what was looked for is in no address; found people say how they stand."""
    browser.get(f"{base(synced)}/contacts")
    for text in ("anna", "anna@example.com", "600 123 111", "Anna Nowak"):
        browser.press("Look", text=text)
        assert "Anna Nowak in sync In: both sides agree." in browser.page.text, text
        assert (browser.path, browser.query) == (f"{base(synced)}/contacts", {})
    browser.follow("Anna Nowak")
    assert browser.path.endswith(f"/contacts/{synced.pair('Anna')}")
    browser.get(f"{base(synced)}/contacts")
    browser.press("Look", text="Nobody")
    assert "Tandem knows nobody like that" in browser.page.text
    browser.press("Look", text="Grandma")
    assert "no contents kept" in browser.page.text or "Tandem knows nobody like that" in browser.page.text
    assert "333" not in browser.page.text
    browser.get(f"{base(synced)}/contacts?text=anna")
    assert "Anna" not in browser.page.text


def test_many_are_found(synced: Premises, browser: Browser) -> None:
    """A hundred are shown, and how many more there are."""
    for number in range(105):
        synced.person(f"P{number:03d}", "Lis")
    synced.pass_time(600)
    synced.live()
    browser.get(f"{base(synced)}/contacts")
    browser.press("Look", text="Lis")
    assert "and 5 more; look for something more exact" in browser.page.text


def test_both_sides_and_what_was_agreed(synced: Premises, browser: Browser) -> None:
    """Three columns: a change that has not travelled stands on its side alone."""
    synced.set_link(policy={**synced.link.policy, "direction": "to-left"})
    synced.google_does("update", id=synced.google()["Anna"]["id"], names=[{"givenName": "Anna", "familyName": "Hidden"}])
    synced.pass_time(600)
    synced.live()
    browser.get(f"{base(synced)}/contacts/{synced.pair('Anna')}")
    assert "last name Hidden Nowak Nowak" in browser.page.text
    assert "first name Anna Anna Anna" in browser.page.text


def test_left_out_and_taken_in_again(synced: Premises, browser: Browser) -> None:
    """Left out, nothing of it travels any more and neither side changes; taken in again, both sides agree again."""
    pair = synced.pair("Anna")
    browser.get(f"{base(synced)}/contacts/{pair}")
    writes = len(synced.writes())
    browser.press("Leave this one out")
    assert browser.page.notices == ["It is left out: neither side changes."]
    assert "out of the sync" in browser.page.text
    synced.pipedrive_does("update_person", id=synced.pipedrive()["Anna"]["id"], name="Anna Private")
    synced.pass_time(600)
    synced.live()
    assert len(synced.writes()) == writes
    assert "Private" not in str(synced.google()["Anna"])
    browser.get(f"{base(synced)}/contacts/{pair}")
    browser.press("Sync it again")
    assert browser.page.notices == ["It is synced again."]
    synced.live()
    assert "Private" in str(synced.google()["Anna"])
    assert len(synced.google()) == 4


def test_an_action_that_is_none(synced: Premises, browser: Browser) -> None:
    """What the page does not offer changes nothing, and twice the same is told."""
    pair = synced.pair("Anna")
    page = f"{base(synced)}/contacts/{pair}"
    before = synced.rows("store_link")
    for action in ("", "nonsense"):
        browser.get(page)
        browser.post(page, action=action)
        assert synced.rows("store_link") == before
    browser.post(page, action="take-in")
    assert "is not left out" in browser.page.notices[0]
    browser.post(page, action="leave-out")
    browser.post(page, action="leave-out")
    assert "out of the sync already" in browser.page.notices[0]
