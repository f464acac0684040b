"""Promise: `tandem status` says in one sentence what is the matter and one thing to do, and that thing then helps."""

from __future__ import annotations

import pytest

from .conftest import Line


@pytest.fixture
def synced(tandem: Line) -> Line:
    """A link after its first sync: three people on both sides."""
    tandem.connect()
    assert tandem.link("--country", "PL").code == 0
    told = tandem("sync")
    assert told.code == 0, told
    return tandem


def said(line: Line, word: str) -> str:
    """The line of the status that begins with this word."""
    told = line("status")
    assert told.code == 0
    return next(text.strip() for text in told.out.splitlines() if text.strip().startswith(word))


def names(line: Line) -> set[str]:
    """Given names in Google, as the service has them."""
    state = line.control.call("GET", "state")["google"]
    return {one["fields"]["names"][0]["givenName"] for one in state["contacts"] if one["life"] == "live"}  # type: ignore[index,call-overload,union-attr]


def test_a_link_in_order_has_nothing_to_do(synced: Line) -> None:
    """Tokens are told with what they are enough for; there is no thing to do."""
    told = synced("status")
    assert "To do" not in told.out
    assert "enough for everything" in said(synced, "Pipedrive tokens today")
    data = synced("status", "--json").data["links"][0]
    assert (data["budget"], data["next"], data["notices"]) == ("fine", "", [])


def test_a_group_that_is_gone_is_replaced(synced: Line) -> None:
    """The status names the command; that command takes the paired contacts into another group: it goes on when they show there."""
    synced.edit("google", "delete_group", {"group": "Pipedrive"})
    assert synced("sync").code == 3
    assert "group" in said(synced, "The chosen")
    assert "tandem link regroup 1" in said(synced, "To do")
    told = synced("link", "regroup", "1", "--group", "Nobody")
    assert (told.code, "--create-group makes it" in told.err) == (2, True)
    told = synced("link", "regroup", "1", "--group", "Customers", "--create-group")
    assert (told.code, "3 paired contacts are put into it" in told.out) == (0, True), told
    told = synced("sync", "--json")
    assert (told.code, "put into the group" in str(told.data["sentence"])) == (6, True), told
    synced.control.call("POST", "clock", {"advance_s": 100})
    told = synced("sync", "--json")
    assert (told.code, told.data["state"]) == (0, "in-sync")
    assert "Customers" in synced("status").out
    assert synced("sync", "--json").data["google"] == {"created": 0, "updated": 0, "deleted": 0}


def test_the_paired_contacts_may_be_left(synced: Line) -> None:
    """With --leave they stay as they are, out of the sync; nobody is deleted."""
    told = synced("link", "regroup", "--group", "Empty", "--leave", "--json")
    assert (told.code, told.data["pairs"], told.data["leave"]) == (0, 3, True)
    told = synced("sync", "--json")
    assert (told.code, told.data["google"], told.data["pipedrive"]) == (0, *[{"created": 0, "updated": 0, "deleted": 0}] * 2)


def test_many_who_leave_wait_for_a_word(synced: Line) -> None:
    """Seven leave the group at once: the status says so, and the command that it names lets them go."""
    ids = []
    for number in range(7):
        fields = {"names": [{"givenName": f"Osoba{number}"}], "emailAddresses": [{"value": f"osoba{number}@example.com"}]}
        ids.append(synced.edit("google", "create", {"groups": ["Pipedrive"], "fields": fields})["id"])
    assert synced("sync").code == 0
    for id_ in ids:
        synced.edit("google", "remove_label", {"id": id_, "group": "Pipedrive"})
    told = synced("sync")
    assert (told.code, "7 of 10" in told.out) == (3, True), told
    assert "departure from the group" in said(synced, "Waiting")
    shown = synced("review")
    told = (shown.code, "have left the group or filter all at once (7 pairs)" in shown.out, "=release" in shown.out)
    assert told == (3, True, True), shown
    assert "tandem link let-go 1" in said(synced, "To do")
    told = synced("link", "let-go")
    assert (told.code, "7 contacts" in told.out) == (0, True)
    assert synced("sync").code == 0
    assert "waits for that word" in synced("link", "let-go").out


def test_a_revoked_token_says_what_to_connect(synced: Line) -> None:
    """The consent is gone: exit code 4, one sentence, one command."""
    synced.control.call("POST", "faults", {"service": "google", "match": "/v1/", "effect": "401", "times": None})
    told = synced("sync")
    assert told.code == 4, told
    assert "tandem account add" in said(synced, "To do")


def test_a_daily_budget_has_a_time(synced: Line) -> None:
    """Used up: exit code 5, when it goes on, and nothing to do."""
    synced.control.call("POST", "faults", {"service": "pipedrive", "match": ".", "effect": "429-daily", "times": None})
    told = synced("sync")
    assert told.code == 5, told
    assert "used up" in said(synced, "Pipedrive tokens today")
    assert said(synced, "It goes on by itself at")
    assert "To do" not in synced("status").out
