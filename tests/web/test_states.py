"""Promise: in every state of a link, for every reason, every page is there and says what to do; in every language there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from accounts.installed import answer
from tandem.app.estimates import estimate
from tandem.app.previews import Made
from tandem.app.reasons import REASONS
from tandem.engine.preview import Preview
from tandem.store import models
from tandem.store.links import LinkState
from tandem.web import words
from web.addresses import addresses
from web.premises import Browser, Premises, restored

#: Of REASONS, those with which a link goes on by itself.
BY_ITSELF = ("quota", "unavailable", "layout")
STATES = [
    *((state, "") for state in ("draft", "active", "paused", "restored", "waiting")),
    *(("waiting", reason) for reason in BY_ITSELF),
    *(("needs-person", reason) for reason in REASONS if reason not in BY_ITSELF),
    ("needs-person", "SomethingNew"),
]
LANGUAGES = ("en", "pl")
#: Where what is to be done is done.
PLACES = {
    "GroupGone": "Choose another group", "ScopeLeft": "They shall stay outside", "OtherInstallation": "The other Tandem is gone for good",
    **dict.fromkeys(("ReconnectNeeded", "ConsentNarrowed", "AccountChanged"), "Connect again"),
}  # fmt: skip


@pytest.fixture(scope="module")
def link(folder: Path) -> Iterator[tuple[Premises, Browser]]:
    """A link with people, questions and refusals."""
    with restored("asked", folder) as premises:
        pairs = models.Pair.objects.using(premises.alias)
        pairs.filter(pk=premises.pair("Ewa")).update(
            parked={"phones": {"side": "right", "sentence": "Pipedrive does not take this number.", "print": "x"}}
        )
        yield premises, premises.browser()


def stand(premises: Premises, state: str, reason: str) -> None:
    """Let the link stand so."""
    until = premises.tandem.clock.now() + timedelta(hours=3) if state == "waiting" else None
    premises.set_link(state=state, reason=reason, sentence="", wait_until=until)
    premises.site.previews.drop(premises.link.pk)


@pytest.mark.parametrize("state", [state.value for state in LinkState if state is not LinkState.REMOVED])
def test_every_page_in_every_state(link: tuple[Premises, Browser], state: str) -> None:
    """Each page about the link and its people is shown, however it stands."""
    premises, browser = link
    stand(premises, state, "quota" if state == "waiting" else "ReconnectNeeded" if state == "needs-person" else "")
    # What a preview says in each state is for another test; here it shall not ask the services each time.
    made = Made(premises.tandem.clock.now(), shown=Preview(), cost=estimate(Preview(), premises.tandem.config))
    made.is_over.set()
    premises.site.previews._made[premises.link.pk] = made
    number = premises.link.pk
    shown = 0
    for address in addresses(link=number, pair=premises.pair("Anna"), account=777):
        if address.path.startswith(f"/links/{number}"):
            answer = browser.get(address.path)
            assert answer.status_code in (200, 405), address.name
            shown += answer.status_code == 200
    assert shown >= 10
    assert premises.link.state == state


@pytest.mark.parametrize(("state", "reason"), STATES)
def test_how_it_stands_in_each_language(link: tuple[Premises, Browser], state: str, reason: str) -> None:
    """The status page and that of health say the state and why; both are there in each language."""
    premises, browser = link
    stand(premises, state, reason)
    for path in (f"/links/{premises.link.pk}", "/health"):
        for language in reversed(LANGUAGES):
            models.User.objects.using(premises.alias).update(language=language)
            assert browser.get(path).status_code == 200
            assert browser.page.language == language
        assert str(words.STATES[state]) in browser.page.text
        if reason in REASONS:
            assert REASONS[reason].sentence in browser.page.text


@pytest.mark.parametrize(("state", "reason"), STATES)
def test_the_thing_to_do(link: tuple[Premises, Browser], state: str, reason: str) -> None:
    """One button or link that leads on where a person must act, and none where it goes on by itself."""
    premises, browser = link
    stand(premises, state, reason)
    browser.get(f"/links/{premises.link.pk}")
    wanted = {"draft": "Look at the preview", "restored": "Look at the preview", "paused": "Resume"}.get(state)
    if state == "needs-person":
        wanted = PLACES.get(reason, "Try again")
    offered = {*browser.page.links, *(button.text for form in browser.page.forms for button in form.buttons)}
    every = {"Look at the preview", "Resume", "Connect again", "Try again", *PLACES.values()} - {"Choose another group"}
    assert offered & every == {wanted} - {None, "Choose another group"}
    assert wanted is None or wanted in offered
    assert browser.has_button("Sync now") is (state in ("active", "waiting"))
    if state == "waiting":
        assert "It goes on by itself at" in browser.page.text


def test_every_reason_has_its_class(link: tuple[Premises, Browser]) -> None:
    """What the pages do about a reason is about one that there is."""
    assert {*PLACES, *words.RECONNECT} <= set(REASONS)


@pytest.mark.parametrize("state", ["paused", "restored", "waiting", "needs-person"])
def test_a_preview_in_every_state(link: tuple[Premises, Browser], state: str) -> None:
    """A plan, or a sentence that says why there is none; to be saved only where it has to be approved."""
    premises, browser = link
    stand(premises, state, "quota" if state == "waiting" else "GroupGone" if state == "needs-person" else "")
    browser.get(f"/links/{premises.link.pk}/preview")
    assert "seen in Google" in browser.page.text or browser.page.notices
    assert browser.has_button("Save and begin to sync") is (state == "restored" and "seen in Google" in browser.page.text)


def test_trying_again_goes_on(synced: Premises, browser: Browser) -> None:
    """Where only a look is needed, one press makes the link go again."""
    for reason in ("AccountClosed", "PermissionWithdrawn", "ListingDoubted", "LinkStopped"):
        synced.set_link(state="needs-person", reason=reason)
        browser.get(f"/links/{synced.link.pk}")
        browser.press("Try again")
        assert synced.link.state == "active"
        synced.live()
        assert synced.link.state == "active"
    synced.set_link(state="needs-person", reason="OtherInstallation")
    browser.get(f"/links/{synced.link.pk}")
    browser.press("The other Tandem is gone for good")
    assert browser.page.notices == ["It goes on."]
    assert synced.link.state == "active"


def test_reconnecting_goes_on(tmp_path: Path) -> None:
    """Revoked over there, the link stops and says so; connected again on the page it leads to, it goes on where it was."""
    with restored("synced", tmp_path) as premises:
        browser = premises.browser()
        premises.google_does("revoke")
        premises.pass_time(8000)
        premises.live()
        assert premises.link.reason == "ReconnectNeeded"
        browser.get(f"/links/{premises.link.pk}")
        assert "needs you" in browser.page.text
        browser.follow("Connect again")
        browser.press("Connect again", follows=False)
        brought = answer(premises.world, browser.answer.headers["location"])
        browser.get(f"/accounts/google/callback?{urlencode(brought)}")
        assert premises.link.state == "active"
        premises.contact("Olga")
        writes = len(premises.writes())
        premises.pass_time(600)
        premises.live()
        assert "Olga" in premises.pipedrive()
        assert len(premises.writes()) - writes <= 3
        browser.get("/health")
        assert "in sync" in browser.page.text


def test_what_was_refused_is_shown(link: tuple[Premises, Browser]) -> None:
    """With the service's words, on the status page and on the contact's, to which it leads."""
    premises, browser = link
    stand(premises, "active", "")
    browser.get(f"/links/{premises.link.pk}")
    assert "1 partly refused by a service" in browser.page.text
    assert "Pipedrive does not take this number." in browser.page.notices[0]
    browser.follow("1 contact")
    assert browser.path == f"/links/{premises.link.pk}/contacts/{premises.pair('Ewa')}"
    assert "phone numbers, Pipedrive: Pipedrive does not take this number." in browser.page.notices


def test_the_picture_of_the_last_days(link: tuple[Premises, Browser]) -> None:
    """Thirty days with what was written on each, readable without seeing it, of a page that moves by itself."""
    premises, browser = link
    got = browser.get(f"/links/{premises.link.pk}")
    assert got.text.count("<title>") == 1 + 30
    assert 'role="img"' in got.text
    assert "16 Nov: Google" in browser.page.text
    assert f'hx-get="/links/{premises.link.pk}/now"' in got.text
    part = browser.get(f"/links/{premises.link.pk}/now").text
    assert "<html" not in part
    assert part.count("<title>") == 30
