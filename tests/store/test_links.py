"""Promises about accounts and links as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tandem.core.policy import ConflictRule, Policy
from tandem.core.state import LinkId, PairState
from tandem.errors import LeaseLost, WrongInput
from tandem.store.links import Accounts, Links, LinkState, NewLink, label_of
from tandem.store.schedule import Schedule

from .conftest import NOW

if TYPE_CHECKING:
    from tandem.store import models

Make = Callable[..., "models.Link"]


def test_an_account_is_known_again(alias: str) -> None:
    """The same account keeps its label and row however often it is connected; another one gets the next number."""
    accounts = Accounts(alias)
    first = accounts.keep("west", "a", "Old name", {"user": 1}, NOW)
    again = accounts.keep("west", "a", "New name", {"admin": True}, NOW)
    other = accounts.keep("west", "b", "Name", {}, NOW)
    far = accounts.keep("east", "a", "Name", {}, NOW)
    assert (first.id, again.name, again.settings) == (again.id, "New name", {"label": "west-1", "user": 1, "admin": True})
    assert (label_of(other), label_of(far)) == ("west-2", "east-1")
    assert [label_of(row) for row in accounts.all()] == ["west-1", "west-2", "east-1"]


def test_an_unknown_account_is_answered_by_those_known(alias: str) -> None:
    """The message helps; an account of the other service does not count."""
    accounts = Accounts(alias)
    with pytest.raises(WrongInput, match="none yet"):
        accounts.find("west-1", "west")
    accounts.keep("west", "a", "Name", {}, NOW)
    assert accounts.find("west-1", "west").external_id == "a"
    with pytest.raises(WrongInput, match="Known: west-1"):
        accounts.find("west-2", "west")
    with pytest.raises(WrongInput):
        accounts.find("west-1", "east")


def test_a_link_keeps_its_rules(alias: str, make_link: Make) -> None:
    """A policy comes back as it was given, and a new link is a draft."""
    row = make_link()
    assert Links(alias).policy(row) == Policy(region="PL")
    assert row.state == "draft"
    policy = Policy(conflicts=ConflictRule.ASK, region="DE")
    other = Links(alias).add(NewLink(row.left_account_id, make_link(2, 2).right_account_id, {}, {}, policy), NOW)
    assert Links(alias).policy(other) == policy


def test_finding_a_link(alias: str, make_link: Make) -> None:
    """A link is found by its number, and the only one without; anything else says what there is."""
    links = Links(alias)
    with pytest.raises(WrongInput, match="no link yet"):
        links.find(None)
    first = make_link().id
    assert links.find(None).id == links.find(str(first)).id == first
    second = make_link(2, 2).id
    with pytest.raises(WrongInput, match=f"{first}, {second}"):
        links.find(None)
    for wrong in ("99", "one", "", "-1"):
        with pytest.raises(WrongInput, match=f"Links: {first}, {second}"):
            links.find(wrong)


def test_the_same_accounts_are_linked_once(alias: str, make_link: Make) -> None:
    """A second link of the same two accounts is refused, until the first is removed; nothing is written."""
    first = make_link(1, 1)
    with pytest.raises(WrongInput, match=f"link {first.id}"):
        make_link(1, 1)
    assert len(Links(alias).all()) == 1
    Links(alias).remove(LinkId(first.id))
    make_link(1, 1)


def test_a_circle_of_links_is_refused(alias: str, make_link: Make) -> None:
    """Chains and stars are fine; a link that would close a circle would multiply contacts."""
    for ends in ((1, 1), (2, 1), (2, 2), (3, 2), (4, 4)):
        make_link(*ends)
    for ends in ((1, 2), (3, 1)):
        with pytest.raises(WrongInput, match="circle"):
            make_link(*ends)
    make_link(4, 1)
    with pytest.raises(WrongInput, match="circle"):
        make_link(1, 4)


def test_pause_fences_the_cycle_under_way(alias: str, make_link: Make) -> None:
    """Who is at work when a link is paused or removed commits nothing more, and so does not wake it up again."""
    links, schedule, link = Links(alias), Schedule(alias), LinkId(make_link().id)
    for stop in (links.pause, links.remove):
        lease = schedule.claim(link, "worker", NOW)
        assert lease is not None
        stop(link)
        with pytest.raises(LeaseLost):
            schedule.hold(lease, NOW)


def test_resume_returns_to_where_it_was(alias: str, make_link: Make) -> None:
    """A link that never began is a draft again and needs its approval; one that has begun goes on at once."""
    from tandem.store import models

    links, link = Links(alias), LinkId(make_link().id)
    links.pause(link)
    assert links.one(link).state == LinkState.PAUSED.value
    links.resume(link)
    assert links.one(link).state == LinkState.DRAFT.value
    models.Link.objects.using(alias).filter(id=link).update(first_synced_at=NOW)
    links.pause(link)
    links.resume(link)
    assert links.one(link).state == LinkState.ACTIVE.value
    assert Schedule(alias).due(NOW) == [link]


def test_removing_erases_content_and_keeps_ids(alias: str, make_link: Make) -> None:
    """After removal no table holds anything of a contact; which records belonged together stays known, other links stay whole."""
    from tandem.store import models

    links = Links(alias)
    rows = {name: make_link(number, number) for number, name in enumerate(("gone", "kept"), 1)}
    for row in rows.values():
        cycle = models.Cycle.objects.using(alias).create(link=row, epoch=1, cause="test", started_at=NOW)
        pair = models.Pair.objects.using(alias).create(
            link=row,
            state="linked",
            left_id="l",
            right_id="r",
            base_left=b"SECRET",
            base_right=b"SECRET",
            parked={"x": "SECRET"},
            created_at=NOW,
        )
        models.Shadow.objects.using(alias).create(
            link=row, side="left", record_id="l", locator="l", version="1", presence="live", content=b"SECRET", raw=b"SECRET",
            first_seen_at=NOW, version_seen_at=NOW,
        )  # fmt: skip
        models.Intent.objects.using(alias).create(
            link=row, cycle=cycle, pair=pair, side="left", kind="update", payload=b"SECRET", before=b"SECRET"
        )
        models.History.objects.using(alias).create(
            link=row, cycle=cycle, pair=pair, at=NOW, side="left", kind="update", before=b"SECRET", after=b"SECRET"
        )
        models.Question.objects.using(alias).create(link=row, kind="match", data={"x": "SECRET"}, asked_at=NOW)
        models.Reference.objects.using(alias).create(link=row, side="right", reference_id="1", name="SECRET")
        models.Feed.objects.using(alias).create(link=row, side="left", cursor="SECRET")

    links.remove(LinkId(rows["gone"].id))

    kinds = (models.Feed, models.Shadow, models.Reference, models.Question, models.Pair, models.Intent, models.History)
    content = {name: [str(list(kind.objects.using(alias).filter(link=row).values())) for kind in kinds] for name, row in rows.items()}
    assert not any("SECRET" in text for text in content["gone"])
    assert all("SECRET" in text for text in content["kept"])
    pair = models.Pair.objects.using(alias).get(link=rows["gone"])
    assert (pair.left_id, pair.right_id, pair.state) == ("l", "r", PairState.CLOSED.value)
    assert [row.id for row in links.all()] == [rows["kept"].id]
