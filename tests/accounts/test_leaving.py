"""Promises of the end of a connection: what is used stays, services are told, nothing secret is left, and links say what to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from accounts.installed import asked, connect, installed, new_world
from tandem.app import Tandem
from tandem.app.linking import Wish
from tandem.core.policy import ConflictRule, Policy
from tandem.errors import LeaseLost, Unavailable, WrongInput
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World
from tandem.store import models
from tandem.store.grants import GrantKind, Grants
from tandem.store.moments import brief

APP = "sandbox-client"


@pytest.fixture
def world() -> World:
    """Both services, with a label."""
    world = new_world()
    world.google.human("create_group", {"name": "Pipedrive"})
    world.google.human("create", {"groups": ["Pipedrive"], "fields": {"names": [{"givenName": "Anna", "familyName": "Nowak"}]}})
    world.pipedrive.human("create_person", {"name": "Ewa Lis"})
    return world


@pytest.fixture
def tandem(world: World, tmp_path: Path) -> Iterator[Tandem]:
    """Both accounts connected by consent."""
    with installed(world, tmp_path) as opened:
        for service in ("google", "pipedrive"):
            assert connect(opened, world, service).label
        yield opened


def link(tandem: Tandem) -> int:
    """A link that is in sync."""
    number = tandem.make_link(Wish("google-1", "pipedrive-1", "Pipedrive", Policy(conflicts=ConflictRule.RIGHT))).row.id
    assert tandem.cycle(number, cause="test").state.value == "in-sync"
    return number


def secrets(tandem: Tandem) -> int:
    """How many secrets are stored."""
    return models.Secret.objects.using(tandem.alias).count()


@pytest.mark.parametrize("label", ["google-1", "pipedrive-1"])
def test_a_used_account_stays(tandem: Tandem, world: World, label: str) -> None:
    """The refusal names the link; after the link is removed the account goes, its service is told, and it can come back as itself."""
    number = link(tandem)
    service = label.partition("-")[0]
    with pytest.raises(WrongInput, match=rf"used by link {number}.*tandem link remove"):
        tandem.disconnecting.remove(label, is_forced=True)
    assert asked(world, service, "oauth.revoke") == 0
    tandem.remove(number)
    removed = tandem.disconnecting.remove(label, is_forced=False)
    assert (removed.is_revoked, removed.sentence) == (True, "")
    assert asked(world, service, "oauth.revoke") == 1
    assert label not in {row.settings["label"] for row in tandem.accounts.all()}
    assert secrets(tandem) == 2
    assert models.Grant.objects.using(tandem.alias).count() == 1
    row = models.Account.objects.using(tandem.alias).get(service=service)
    assert (row.name, row.settings) == ("", {"label": label})
    assert connect(tandem, world, service).label == label


def test_numbers_are_not_given_twice(tandem: Tandem, world: World) -> None:
    """A new account does not get the label of a removed one."""
    tandem.disconnecting.remove("pipedrive-1", is_forced=False)
    assert connect(tandem, world, "pipedrive", user="2").label == "pipedrive-2"


def test_a_revocation_whose_answer_was_lost(tandem: Tandem, world: World) -> None:
    """The account stays, since nobody knows; the next try finds the consent ended and says so."""
    world.faults.add(Rule("google", match="oauth.revoke", effect="lost-answer"))
    with pytest.raises(Unavailable):
        tandem.disconnecting.remove("google-1", is_forced=False)
    assert tandem.disconnecting.remove("google-1", is_forced=False).is_revoked


@pytest.mark.parametrize("effect", ["refused", "lost-request", "503"])
def test_a_service_that_cannot_be_told(tandem: Tandem, world: World, effect: str) -> None:
    """The account stays, unless a person insists; then it is said where to take the access away."""
    world.faults.add(Rule("google", match="oauth.revoke", effect=effect, times=2))
    with pytest.raises(Unavailable, match=r"--force.*myaccount\.google\.com"):
        tandem.disconnecting.remove("google-1", is_forced=False)
    assert secrets(tandem) == 4
    removed = tandem.disconnecting.remove("google-1", is_forced=True)
    assert (removed.is_revoked, "myaccount.google.com" in removed.sentence) == (False, True)
    assert secrets(tandem) == 2


@pytest.mark.parametrize("service", ["google", "pipedrive"])
def test_what_is_dead_over_there_is_removed(tandem: Tandem, world: World, service: str) -> None:
    """A consent that the person has withdrawn already needs no revoking."""
    if service == "google":
        world.google.human("revoke", {})
    else:
        world.pipedrive.human("uninstall_app", {})
    assert tandem.disconnecting.remove(f"{service}-1", is_forced=False).is_revoked


def test_an_api_token_cannot_be_revoked(world: World, tmp_path: Path) -> None:
    """It is forgotten here, and it is said where to replace it."""
    with installed(world, tmp_path) as tandem:
        tandem.connecting.pipedrive("sandbox-pipedrive-token")
        removed = tandem.disconnecting.remove("pipedrive-1", is_forced=False)
        assert (removed.is_revoked, "Personal preferences > API" in removed.sentence) == (False, True)
        assert secrets(tandem) == 0


def told(world: World, **changed: object) -> dict[str, object]:
    """What Pipedrive says when its user removes the app."""
    return {"client_id": APP, "company_id": 1, "user_id": 1, "timestamp": world.clock.now().isoformat(), **changed}


@pytest.mark.parametrize("has_run_into_it", [False, True])
def test_an_app_that_was_removed_over_there(tandem: Tandem, world: World, has_run_into_it: bool) -> None:
    """The link stops with what to do; connected again it goes on at once, where it was: nothing is listed anew or created twice."""
    number = link(tandem)
    world.clock.advance(60)
    world.pipedrive.human("uninstall_app", {})
    if has_run_into_it:
        assert tandem.cycle(number, cause="test").state.value == "reconnect"
    tandem.disconnecting.uninstalled(APP, told(world))  # type: ignore[arg-type]
    row = tandem.links.one(number)
    assert (row.state, row.reason) == ("needs-person", "ReconnectNeeded")
    assert "removed in Pipedrive" in row.sentence
    assert secrets(tandem) == 2
    assert connect(tandem, world, "pipedrive", expected="pipedrive-1").label == "pipedrive-1"
    assert number in tandem.schedule.due(world.clock.now())
    since = len(world.log)
    world.pipedrive.human("create_person", {"name": "Jan Kowal"})
    result = tandem.cycle(number, cause="due")
    assert result.state.value in {"in-sync", "unfinished"}
    lists = [entry for entry in world.log[since:] if entry.kind in {"getPersons", "people.connections.list"}]
    assert lists
    assert all({"updated_since", "ids", "syncToken"} & {name for name, _ in entry.query} for entry in lists), lists
    assert not [entry for entry in world.log[since:] if entry.kind in {"addPersonField", "addPerson"}]


def test_an_app_that_was_removed_in_the_midst_of_a_cycle(tandem: Tandem, world: World) -> None:
    """The cycle under way ends without a word of its own about how the link stands; connected again meanwhile, the link is due."""
    number = link(tandem)

    def remove(line: str, /, **_: object) -> None:
        if line == "plan":
            world.pipedrive.human("uninstall_app", {})
            tandem.disconnecting.uninstalled(APP, told(world))  # type: ignore[arg-type]

    def connect_again(line: str, /, **_: object) -> None:
        if line == "plan":
            assert connect(tandem, world, "pipedrive").label == "pipedrive-1"

    for name, meanwhile in (("Kowal", remove), ("Mazur", connect_again)):
        world.pipedrive.human("update_person", {"id": 1, "last_name": name})
        world.clock.advance(700)
        with pytest.raises(LeaseLost):
            tandem.cycle(number, cause="test", news=meanwhile)
        row = tandem.links.one(number)
        if meanwhile is remove:
            assert (row.state, "removed in Pipedrive" in row.sentence) == ("needs-person", True)
            assert connect(tandem, world, "pipedrive").label == "pipedrive-1"
        assert number in tandem.schedule.due(world.clock.now())
    for _ in range(3):
        world.clock.advance(700)
        result = tandem.cycle(number, cause="due")
    assert result.state.value == "in-sync"
    contacts = [contact for contact in world.google.state()["contacts"] if contact["life"] == "live"]  # type: ignore[index, call-overload, union-attr]
    assert sorted(contact["fields"]["names"][0]["familyName"] for contact in contacts) == ["Mazur", "Nowak"]


@pytest.mark.parametrize(
    "changed",
    [
        {"user_id": 2},
        {"company_id": 2},
        {"client_id": "another"},
        {"timestamp": "2026-11-16T08:59:59Z"},
        {"timestamp": 1_700_000_000},
        {"timestamp": 1_700_000_000_000},
    ],
)
def test_words_about_others_and_old_ones_do_nothing(tandem: Tandem, world: World, changed: dict[str, object]) -> None:
    """Another user, another app, or a removal from before the account was connected again."""
    number = link(tandem)
    tandem.disconnecting.uninstalled(APP, told(world, **changed))  # type: ignore[arg-type]
    assert tandem.links.one(number).state == "active"
    assert secrets(tandem) == 4


def test_a_word_of_the_very_second(tandem: Tandem, world: World) -> None:
    """The app is removed in the second in which it was connected, and the word says that second without a fraction: it counts."""
    number = link(tandem)
    models.Grant.objects.using(tandem.alias).update(granted_at=world.clock.now() + timedelta(milliseconds=900))
    world.pipedrive.human("uninstall_app", {})
    tandem.disconnecting.uninstalled(APP, told(world))  # type: ignore[arg-type]
    assert "removed in Pipedrive" in tandem.links.one(number).sentence


def test_a_word_that_meets_a_new_connection(tandem: Tandem, world: World) -> None:
    """It arrives while the account is just being connected again: whoever is first, what was connected last stays."""
    (row,) = (row for row in tandem.accounts.all() if row.service == "pipedrive")
    world.clock.advance(60)
    said = told(world)
    world.clock.advance(60)
    has_begun, moment = threading.Event(), threading.Event()

    def connect_again() -> None:
        with brief(tandem.alias), transaction.atomic(using=tandem.alias):
            Grants(tandem.alias).keep(row.id, GrantKind.OAUTH, (), "", world.clock.now())
            has_begun.set()
            moment.wait(0.5)
            tandem.vault.put(row.id, "refresh-token", "new")

    thread = threading.Thread(target=connect_again)
    thread.start()
    assert has_begun.wait(10)
    tandem.disconnecting.uninstalled(APP, said)  # type: ignore[arg-type]
    thread.join(10)
    assert tandem.vault.get(row.id, "refresh-token") == "new"


def test_an_account_by_token_does_not_mind_the_app(world: World, tmp_path: Path) -> None:
    """The removal of an app ends no API token."""
    with installed(world, tmp_path) as tandem:
        tandem.connecting.google("sandbox-google-refresh")
        tandem.connecting.pipedrive("sandbox-pipedrive-token")
        number = link(tandem)
        tandem.disconnecting.uninstalled(APP, told(world))  # type: ignore[arg-type]
        assert tandem.links.one(number).state == "active"


def test_webhooks_do_not_outlive_the_kind_of_proof(tandem: Tandem, world: World) -> None:
    """An app does not see the webhooks of an API token: they are ended before the account changes hands, and made anew afterwards."""
    tandem.connecting.pipedrive("sandbox-pipedrive-token")
    row = tandem.links.one(link(tandem))
    tandem.hearing.ensure(row, "http://127.0.0.1:9")
    hooks = world.pipedrive.company.outbox.webhooks
    assert {hook.type for hook in hooks.values()} == {"general"}
    assert connect(tandem, world, "pipedrive").label == "pipedrive-1"
    assert hooks == {}
    assert tandem.hearing.is_due(row, world.clock.now())
    tandem.hearing.ensure(row, "http://127.0.0.1:9")
    assert {hook.type for hook in hooks.values()} == {"application"}


def test_another_account_than_the_one_that_waits(tandem: Tandem, world: World) -> None:
    """Whoever connects another account than the stopped link uses is told so, and the link still waits."""
    number = link(tandem)
    world.google.human("add_account", {"email": "other@example.com"})
    world.google.human("revoke", {})
    world.clock.advance(7200)
    assert tandem.cycle(number, cause="test").state.value == "reconnect"
    ended = connect(tandem, world, "google", account="other@example.com")
    assert ended.label == "google-2"
    assert f"google-1, which link {number} uses" in ended.sentence
    assert tandem.links.one(number).state == "needs-person"
