"""Promise: a user sees what belongs to him or her; everything else is not there, whatever number is tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tandem.store import models
from web.addresses import Address, addresses
from web.premises import SETTINGS, Browser, Premises, restored


@dataclass(frozen=True)
class Numbers:
    """What somebody has."""

    link: int
    pair: int
    account: int

    def addresses(self, *, numbered: bool = True) -> list[Address]:
        """Every address with these numbers."""
        found = addresses(link=self.link, pair=self.pair, account=self.account)
        return [one for one in found if bool(one.numbers) or not numbered]


@dataclass
class Two:
    """Two users of one installation, each with two accounts and a link between them."""

    premises: Premises
    ours: Numbers
    theirs: Numbers
    #: Who is signed in.
    us: Browser
    them: Browser


def second_user(premises: Premises) -> tuple[models.User, Numbers]:
    """Somebody without a password, with copies of the operator's rows: own accounts, a link, a pair, a question, a line of history."""
    alias, now = premises.alias, premises.tandem.clock.now()
    user = models.User.objects.using(alias).create(name="Another", created_at=now)
    accounts = []
    for row in models.Account.objects.using(alias).order_by("id"):
        settings = {**row.settings, "label": f"{row.service}-9"}
        made = models.Account.objects.using(alias).create(
            service=row.service, external_id=f"9:{row.pk}", name="Their account", settings=settings, created_at=now, user=user
        )
        models.Grant.objects.using(alias).create(account=made, kind="oauth", granted_at=now)
        accounts.append(made)
    link = models.Link.objects.using(alias).get()
    link.pk, link.left_account, link.right_account = None, accounts[0], accounts[1]
    link.left_settings = {**link.left_settings, "title": "Their group"}
    link.save(using=alias)
    pair = models.Pair.objects.using(alias).filter(state="linked").order_by("id")[0]
    pair.pk, pair.link = None, link
    pair.save(using=alias)
    cycle = models.Cycle.objects.using(alias).create(link=link, epoch=1, cause="test", started_at=now, ended_at=now, state="in-sync")
    line = models.History.objects.using(alias).filter(kind="create").order_by("id")[0]
    line.pk, line.link, line.cycle, line.pair = None, link, cycle, pair
    line.save(using=alias)
    models.Question.objects.using(alias).create(link=link, pair=pair, kind="conflict", part="first_name", data={}, asked_at=now)
    return user, Numbers(link.pk, pair.pk, accounts[0].pk)


@pytest.fixture(scope="module")
def two(folder: Path) -> Iterator[Two]:
    """They are for looking at; what a test changes by mistake is found by it."""
    with restored("synced", folder) as premises:
        link, pair = premises.link.pk, premises.pair("Anna")
        account = models.Account.objects.using(premises.alias).order_by("id")[0].pk
        user, theirs = second_user(premises)
        yield Two(premises, Numbers(link, pair, account), theirs, premises.browser(), premises.browser_of(user))


def test_each_sees_what_is_his_or_hers(two: Two) -> None:
    """Links, accounts, health: the own ones, and not a word of the others'. The numbers that are tried below are there for their owner."""
    for browser, own, other in ((two.us, "Pipedrive", "Their"), (two.them, "Their group", "sandbox.person")):
        for path in (SETTINGS, "/health", "/"):
            browser.get(path)
            assert own in browser.page.text, path
            assert other not in browser.page.text, path
    for browser, numbers in ((two.us, two.ours), (two.them, two.theirs)):
        for address in numbers.addresses():
            if address.name not in ("preview", "regroup"):  # which ask the services
                assert browser.client.get(address.path).status_code in (200, 302, 405), address.name


@pytest.mark.parametrize("whose", ["us", "them"])
def test_nobody_elses_numbers_are_there(two: Two, whose: str) -> None:
    """Every address with a number answers 404 to everybody but its owner, and nothing is changed."""
    browser, numbers = (two.us, two.theirs) if whose == "us" else (two.them, two.ours)
    before, writes = two.premises.rows(), len(two.premises.world.log)
    browser.get("/health")
    token = browser.token()
    tried = numbers.addresses()
    assert len(tried) >= 14
    for path, name in [*((one.path, one.name) for one in tried), ("/links/777", "a number that nobody has")]:
        got = browser.client.get(path)
        # What takes forms only says so before it looks at the number.
        assert got.status_code in (404, 405), (name, got.status_code)
        sent = browser.client.post(path, data={"csrfmiddlewaretoken": token, "action": "pause", "what": "1", "text": "Anna"})
        assert sent.status_code == 404, (name, sent.status_code)
        assert "somebody else" in sent.text
    assert two.premises.rows() == before
    assert len(two.premises.world.log) == writes


def test_nobody_elses_numbers_inside_of_ones_own_pages(two: Two) -> None:
    """A pair, a change, a cycle, a question, an account of somebody else, asked for in a page of one's own: not there, and nothing done."""
    alias, ours, theirs, us = two.premises.alias, two.ours, two.theirs, two.us
    line = models.History.objects.using(alias).get(link=theirs.link)
    question = models.Question.objects.using(alias).get(link=theirs.link)
    before = two.premises.rows()
    base = f"/links/{ours.link}"
    assert us.get(f"{base}/contacts/{theirs.pair}").status_code == 404
    assert us.post(f"{base}/contacts/{theirs.pair}", action="leave-out").status_code == 404
    for what in (f"pair:{theirs.pair}", str(line.cycle_id), f"{line.cycle_id}-{line.pk}"):
        for ask in (lambda what: us.get(f"{base}/undo?what={what}"), lambda what: us.post(f"{base}/undo", what=what)):
            ask(what)
            assert us.path == f"{base}/history"
            assert "nothing to take back" in us.page.notices[0], what
    us.post(f"{base}/review", answer=f"{question.pk}=left")
    assert "There is no open question" in us.page.notices[0]
    us.get(f"{base}/history?before=999999")
    assert "Their" not in us.page.text
    assert us.post(f"{SETTINGS}/connect/google", account="google-9").status_code == 404
    us.get(f"{SETTINGS}/choose?google=google-9&pipedrive=pipedrive-9")
    assert us.page.notices == ["Connect both accounts first."]
    us.post(f"{SETTINGS}/choose", google="google-9", pipedrive="pipedrive-9", group="new", name="x")
    assert us.page.notices == ["Connect both accounts first."]
    us.get(f"/links/{ours.link}/contacts")
    us.press("Look", text="Anna")
    assert f"/links/{ours.link}/contacts/{theirs.pair}" not in us.page.links.values()
    assert two.premises.rows() == before


def test_an_account_of_mine_in_a_link_of_somebody_else(two: Two) -> None:
    """A link belongs to whose both accounts are: one of them is not enough."""
    alias, theirs = two.premises.alias, two.theirs
    rows = models.Link.objects.using(alias).filter(pk=theirs.link)
    kept = rows.values("left_account").get()["left_account"]
    rows.update(left_account=two.ours.account)
    try:
        for browser in (two.us, two.them):
            assert browser.get(f"/links/{theirs.link}").status_code == 404
            browser.get(SETTINGS)
            assert "Their group" not in browser.page.text
    finally:
        rows.update(left_account=kept)


def test_how_a_consent_ended_is_told_to_whoever_began_it(two: Two) -> None:
    """Somebody else's number shows nothing; a number of any length, or none, does no harm."""
    alias, now = two.premises.alias, two.premises.tandem.clock.now()
    user = models.User.objects.using(alias).get(is_operator=False)
    row = models.Authorisation.objects.using(alias).create(
        user=user, service="google", state_hash="x", created_at=now, expires_at=now, outcome="refused", sentence="It was refused."
    )
    for browser, is_told in ((two.them, True), (two.us, False)):
        browser.get(f"{SETTINGS}?consent={row.pk}")
        assert ("It was refused." in browser.page.text) is is_told


@pytest.mark.parametrize("strange", ["9" * 18, "9" * 30, "9" * 5000, "-1", "\u0663"])
def test_numbers_that_nothing_can_have(two: Two, strange: str) -> None:
    """Of any length and alphabet: a page that says so, and never a mishap."""
    base, us = f"/links/{two.ours.link}", two.us
    for path in (f"{SETTINGS}?consent={strange}", f"{base}/history?before={strange}", f"{base}/preview?part=out&page={strange}"):
        assert us.get(path).status_code == 200
    for what in (strange, f"pair:{strange}", f"1-{strange}"):
        us.get(f"{base}/undo?what={what}")
        assert us.path == f"{base}/history"
    us.get(f"{base}/review?page={strange}&kind={strange}")
    us.post(f"{base}/review", answer=f"{strange}=left")
    assert "There is no open question" in us.page.notices[0]
    us.post(f"{base}/contacts", text=f"pair:{strange}")
    assert us.answer.status_code == 200
    if strange.isdigit() and strange.isascii():
        for path in (f"/links/{strange}", f"{base}/contacts/{strange}"):
            assert us.get(path).status_code == 404
