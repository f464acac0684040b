"""Limits and refusals of the services: each is a state with a sentence and one thing to do, and passes without loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.installed import Installed
from engine.scenarios import contact_named, contacts, persons
from engine.stage import Stage
from tandem import errors
from tandem.accounts.rights import CONTACTS
from tandem.app.explaining import explain
from tandem.app.reasons import REASONS
from tandem.app.sandboxed import REFRESH_TOKEN
from tandem.connectors.pipedrive.budget import KEPT_PERCENT
from tandem.sandbox.faults import Rule
from tandem.store import models

DAY = 90_000.0


def _stops(kind: type[errors.LinkStopped]) -> Iterator[type[errors.LinkStopped]]:
    yield kind
    for more in kind.__subclasses__():
        yield from _stops(more)


def test_every_stop_has_its_sentence_and_one_thing_to_do() -> None:
    """The table of reasons is complete, and has nothing in it that does not exist."""
    stops = {kind.__name__ for kind in _stops(errors.LinkStopped)}
    assert stops | {"quota", "unavailable", "layout"} == set(REASONS)
    for name, reason in REASONS.items():
        assert reason.sentence.endswith("."), name
        assert ("tandem" in reason.to_do) == (name in stops), name
        assert len(reason.sentence) < 200, name


#: What is broken at which service, the link's state and reason then, and words of the sentence and of the thing to do.
TROUBLES = [
    ("google", "/v1/", "401", "needs-person", "ReconnectNeeded", "account", "account add"),
    ("google", "/v1/", "403", "needs-person", "PermissionWithdrawn", "refuses", "administrator"),
    ("pipedrive", ".", "403-scope", "needs-person", "ConsentNarrowed", "right", "every box"),
    ("pipedrive", ".", "402", "needs-person", "AccountClosed", "account", "opened again"),
    ("google", ".", "503", "waiting", "unavailable", "", ""),
    ("google", ".", "429", "waiting", "unavailable", "", ""),
    ("pipedrive", ".", "429", "waiting", "unavailable", "", ""),
    ("pipedrive", ".", "429-html", "waiting", "unavailable", "", ""),
    ("pipedrive", ".", "403-html", "waiting", "unavailable", "", ""),
    ("pipedrive", ".", "429-daily", "waiting", "quota", "", ""),
]


@pytest.mark.parametrize(
    ("service", "match", "effect", "state", "reason", "says", "to_do"), TROUBLES, ids=[f"{row[0]} {row[2]}" for row in TROUBLES]
)
def test_trouble_is_said_in_words_and_passes(
    installed: Callable[..., Installed], service: str, match: str, effect: str, state: str, reason: str, says: str, to_do: str
) -> None:
    """The status names what is the matter and one thing to do; when the trouble is over, the edit made meanwhile arrives once."""
    one = installed()
    one.contacts("Ala", "Bartek")
    one.settle()
    one.pipedrive_does("update_person", id=one.pipedrive()[0]["id"], first_name="Ola", last_name="Nowak")
    one.world.faults.add(Rule(service, match, effect, times=None))
    one.cycle()
    seen = one.status()
    assert (seen.state, seen.reason) == (state, reason)
    assert seen.sentence
    assert says in seen.sentence
    assert to_do in seen.next_step
    assert bool(seen.next_step) == (state == "needs-person")
    assert (seen.wait_until is not None) == (state == "waiting")
    one.world.faults.clear()
    one.wait(DAY)
    one.settle()
    assert "Ola" in {contact["fields"]["names"][0]["givenName"] for contact in one.google()}
    assert len(one.google()) == len(one.pipedrive()) == 2


def test_a_revoked_token_is_connected_again(installed: Callable[..., Installed]) -> None:
    """Consent is withdrawn in Google: the status asks to connect again, and after that the link goes on where it was."""
    one = installed()
    one.contacts("Ala")
    one.settle()
    one.google_does("revoke")
    one.wait(4000)
    assert one.cycle().state.value == "reconnect"
    assert "account add" in one.status().next_step
    token = one.google_does("grant", scopes=[CONTACTS])["refresh_token"]
    one.tandem.connecting.google(str(token))
    one.pipedrive_does("update_person", id=one.pipedrive()[0]["id"], first_name="Ola", last_name="Nowak")
    one.settle()
    assert one.google()[0]["fields"]["names"][0]["givenName"] == "Ola"


def test_a_narrowed_consent_asks_for_every_box(installed: Callable[..., Installed]) -> None:
    """The account is connected, but contacts are not among what it grants any more: the status says what to tick."""
    one = installed()
    one.contacts("Ala")
    one.settle()
    one.google_does("revoke")
    one.google_does("grant", refresh_token=REFRESH_TOKEN, scopes=["openid"])
    one.wait(4000)
    assert one.cycle().state.value in {"reconnect", "waiting-for-person"}
    assert (one.status().state, one.status().reason) == ("needs-person", "ConsentNarrowed")
    assert "every box" in one.status().next_step


def test_a_budget_used_up_at_noon_is_a_state_with_a_time(installed: Callable[..., Installed]) -> None:
    """Tokens run out in the middle of a first sync: it says until when, asks for nothing, and ends the next day without doubles."""
    one = installed(PIPEDRIVE_DAILY_TOKENS="900")
    one.contacts(*(f"Osoba{number}" for number in range(100)))
    result = one.cycle()
    seen = one.status()
    assert (result.state.value, seen.state, seen.reason, seen.budget) == ("quota", "waiting", "quota", "exhausted")
    assert seen.wait_until is not None
    assert seen.wait_until.hour == 0
    assert seen.tokens_today <= seen.share * (100 - KEPT_PERCENT) / 100
    made = len(one.pipedrive())
    assert 0 < made < 100
    for _ in range(4):
        one.wait(DAY)
        one.cycle()
        one.wait(61)
        one.cycle()
    one.wait(DAY)
    one.settle()
    assert sorted(str(person["first_name"]) for person in one.pipedrive()) == sorted(f"Osoba{number}" for number in range(100))
    assert len(one.google()) == 100


def test_what_is_kept_back_is_for_people(installed: Callable[..., Installed]) -> None:
    """With nine tenths spent the status says so, and a change by a person still goes over."""
    one = installed(PIPEDRIVE_DAILY_TOKENS="2000")
    one.contacts("Ala", "Bartek")
    one.settle()
    assert one.status().budget == "fine"
    spent = one.status().tokens_today
    row = models.Ledger.objects.using(one.tandem.alias).exclude(budget__endswith=":looking").get(budget__startswith="pipedrive:")
    row.tokens += 1000 * 92 // 100 - spent
    row.save(using=one.tandem.alias)
    assert one.status().budget == "nearly used"
    one.google_does("update", id=one.google()[0]["id"], fields={"names": [{"givenName": "Ola", "familyName": "Nowak"}]})
    one.cycle()
    assert "Ola" in {person["first_name"] for person in one.pipedrive()}


@pytest.mark.parametrize("count", [3, 12])
def test_a_full_google_account_holds_back_creations_only(stage: Stage, count: int) -> None:
    """At the limit of contacts nobody new is made, in ones or in batches; edits flow; with room again all arrive, once."""
    contacts("Ala")(stage)
    stage.settle()
    stage.world.google.switches["contact_limit"] = 1
    persons(*(f"Osoba{number}" for number in range(count)))(stage)
    for _ in range(4):
        stage.wait(61)
        stage.cycle()
    stage.pipedrive_does("update_person", id=next(one for one in stage.pipedrive() if one["first_name"] == "Ala")["id"], last_name="Kot")
    stage.wait(61)
    report = stage.cycle()
    assert (len(stage.google()), report.parked) == (1, count)
    assert contact_named(stage, "Ala")["fields"]["names"][0]["familyName"] == "Kot"
    assert stage.link.state == "active"
    before = len(stage.world.log)
    stage.cycle()
    assert stage.writes(before) == []
    sentences = set(models.Intent.objects.using(stage.alias).filter(outcome="refused").values_list("sentence", flat=True))
    assert any("25,000" in sentence for sentence in sentences)
    stage.world.google.switches["contact_limit"] = 25_000
    stage.wait(7 * DAY)
    stage.settle()
    assert len(stage.google()) == count + 1


def test_what_a_service_does_not_take_is_said_in_words(installed: Callable[..., Installed]) -> None:
    """A value too long, and a full account: the status names each reason with its number, and how to see whom it concerns."""
    one = installed()
    one.contacts("Ala")
    one.settle()
    one.google_does("update", id=one.google()[0]["id"], fields={"names": [{"givenName": "Ala", "familyName": "N" * 300}]})
    one.world.google.switches["contact_limit"] = 1
    one.pipedrive_does("create_person", name="Ewa Kot", emails=[{"value": "ewa@example.com", "label": "work", "primary": True}])
    for _ in range(3):
        one.wait(61)
        one.cycle()
    seen = one.status()
    assert (seen.parked, sorted(item.count for item in seen.refusals)) == (2, [1, 1])
    assert any("make room" in item.sentence for item in seen.refusals)
    assert "tandem explain 1 pair:" in seen.next_step
    told = [explain(one.tandem, one.link, f"pair:{item.pair}")[0] for item in seen.refusals]
    assert {item.name.partition(" ")[0] for item in told} == {"Ala", "Ewa"}
    assert all(item.parked for item in told)


def test_an_expired_sync_token_in_mid_page_starts_again(installed: Callable[..., Installed]) -> None:
    """The position dies between two pages: everything is listed again, and nothing is lost or doubled."""
    one = installed()
    one.contacts(*(f"Osoba{number}" for number in range(6)))
    one.settle()
    one.google_does("update", id=one.google()[0]["id"], fields={"names": [{"givenName": "Ola", "familyName": "Nowak"}]})
    one.world.faults.add(Rule("google", "people.connections.list", "410"))
    one.settle()
    assert "Ola" in {person["first_name"] for person in one.pipedrive()}
    assert len(one.google()) == len(one.pipedrive()) == 6


def test_a_filter_that_is_gone_asks_for_another(installed: Callable[..., Installed]) -> None:
    """The scope's filter is deleted: nobody is frozen or deleted, and the status says what to do."""
    one = installed()
    made = one.pipedrive_does("create_filter", name="Ours", conditions=[{"field": "owner_id", "value": 1}])["id"]
    row = one.tandem.links.one(one.link)
    row.right_settings = {**row.right_settings, "scope": f"filter:{made}"}
    row.save(using=one.tandem.alias)
    one.contacts("Ala", "Bartek")
    one.settle()
    one.pipedrive_does("delete_filter", id=made)
    one.wait(DAY)
    assert one.cycle().state.value == "waiting-for-person"
    assert one.status().reason == "GroupGone"
    assert "filter" in one.status().sentence
    assert len(one.google()) == len(one.pipedrive()) == 2
