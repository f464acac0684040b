"""Promises of connecting in the browser: only what was asked for is taken, once; what is of no use is not kept; nothing is told on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from accounts.installed import PERSON, answer, asked, begin, connect, installed, new_world
from tandem.accounts.consent import Outcome
from tandem.accounts.tokens import ACCESS_TOKEN, REFRESH_TOKEN
from tandem.app import Tandem
from tandem.sandbox.faults import Rule
from tandem.sandbox.google_oauth import CONTACTS, EMAIL
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World
from tandem.store import models
from tandem.store.grants import Grants

SERVICES = ("google", "pipedrive")


@pytest.fixture
def world() -> World:
    """Both services."""
    return new_world()


@pytest.fixture
def tandem(world: World, tmp_path: Path) -> Iterator[Tandem]:
    """An installation without accounts."""
    with installed(world, tmp_path) as opened:
        yield opened


def kept(tandem: Tandem) -> list[object]:
    """What is stored of accounts."""
    tables = (models.Account, models.Secret, models.Grant)
    return [row for table in tables for row in table._default_manager.using(tandem.alias).values_list()]


def test_google_is_asked_as_it_wants_to_be(tandem: Tandem, world: World) -> None:
    """PKCE, a lasting permission, contacts and the address only; what comes is kept encrypted, and says what it covers."""
    begun = begin(tandem, "google")
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.address).query).items()}
    assert set(query) == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"),
        *("access_type", "prompt"),
    }  # fmt: skip
    assert query["redirect_uri"] == "http://127.0.0.1:8000/accounts/google/callback"
    assert (query["code_challenge_method"], query["access_type"], query["prompt"]) == ("S256", "offline", "consent")
    assert set(query["scope"].split()) == {EMAIL, CONTACTS}
    ended = tandem.consents().finish("google", answer(world, begun.address))
    assert (ended.outcome, ended.label, ended.name) == (Outcome.CONNECTED, "google-1", PERSON)
    (account,) = tandem.accounts.all()
    grant = Grants(tandem.alias).of(account.id)
    assert grant is not None
    assert (grant.kind, set(grant.scopes)) == ("oauth", {EMAIL, CONTACTS})
    refresh = tandem.vault.get(account.id, REFRESH_TOKEN)
    assert refresh in world.google.oauth.grants
    stored = b"".join(path.read_bytes() for path in tandem.place.path.iterdir())
    assert str(refresh).encode() not in stored
    assert query["state"].encode() not in stored
    tandem.services.ask(account)
    assert (asked(world, "google", "oauth.token"), asked(world, "google", "people.get")) == (1, 2)


def test_pipedrive_is_asked_as_it_wants_to_be(tandem: Tandem, world: World) -> None:
    """Neither scopes nor PKCE in the address; the app proves itself in the header; the API is where the answer says."""
    begun = begin(tandem, "pipedrive")
    assert set(parse_qs(urlsplit(begun.address).query)) == {"response_type", "client_id", "redirect_uri", "state"}
    ended = tandem.consents().finish("pipedrive", answer(world, begun.address, user="2"))
    assert (ended.outcome, ended.label) == (Outcome.CONNECTED, "pipedrive-1")
    (account,) = tandem.accounts.all()
    assert account.external_id == "1:2"
    grant = Grants(tandem.alias).of(account.id)
    assert grant is not None
    assert grant.api_url == "http://127.0.0.1:1/pipedrive"
    assert "contacts:full" in grant.scopes
    tandem.services.ask(account)
    assert (asked(world, "pipedrive", "oauth.token"), asked(world, "pipedrive", "getCurrentUser")) == (1, 2)


@pytest.mark.parametrize("service", SERVICES)
def test_a_refusal_is_told_and_nothing_kept(tandem: Tandem, world: World, service: str) -> None:
    """The person says no."""
    ended = connect(tandem, world, service, decision="deny")
    assert ended.outcome is Outcome.REFUSED
    assert "refused" in ended.sentence
    assert kept(tandem) == []
    assert asked(world, service, "oauth.token") == 0


def test_an_unticked_box(tandem: Tandem, world: World) -> None:
    """Without contacts nothing is kept, what came is ended at Google, and the sentence says which box. Ticked, it works."""
    before = set(world.google.oauth.grants)
    ended = connect(tandem, world, "google", allow=())
    assert ended.outcome is Outcome.NARROWED
    assert "permanently delete your contacts" in ended.sentence
    assert kept(tandem) == []
    assert set(world.google.oauth.grants) == before
    assert asked(world, "google", "oauth.revoke") == 1
    assert connect(tandem, world, "google").outcome is Outcome.CONNECTED


def test_a_useless_consent_does_not_end_a_good_one(tandem: Tandem, world: World) -> None:
    """A box left unticked by who is connected already: revoking would take the working consent away as well, so it is let be."""
    assert connect(tandem, world, "google").outcome is Outcome.CONNECTED
    before = kept(tandem)
    assert connect(tandem, world, "google", allow=()).outcome is Outcome.NARROWED
    assert asked(world, "google", "oauth.revoke") == 0
    assert kept(tandem) == before


def test_an_app_without_what_is_needed(tandem: Tandem, world: World) -> None:
    """Without contacts:full nothing is kept and the app is let go; scopes may be parted by commas or blanks."""
    world.pipedrive.switches["oauth_scopes"] = "base,contacts:read,admin"
    ended = connect(tandem, world, "pipedrive")
    assert (ended.outcome, "contacts:full" in ended.sentence) == (Outcome.NARROWED, True)
    assert kept(tandem) == []
    assert world.pipedrive.company.grants.refresh == {}
    world.pipedrive.switches["oauth_scopes"] = "base,contacts:full"
    ended = connect(tandem, world, "pipedrive")
    assert ended.outcome is Outcome.CONNECTED
    assert "admin (no webhooks" in ended.sentence
    assert "contact-fields:full" in ended.sentence


@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_is_taken_once_in_time_and_where_it_was_asked_for(tandem: Tandem, world: World, service: str) -> None:
    """Used, late, foreign, of the other service, without a state: a clear end, and nothing happens."""
    consents = tandem.consents()
    good = answer(world, begin(tandem, service).address)
    other = next(name for name in SERVICES if name != service)
    for place, wrong in ((other, good), (service, {**good, "state": "x" * 43}), (service, {"code": good["code"]}), (service, {})):
        assert consents.finish(place, wrong).outcome is Outcome.NOT_AWAITED
    another = begin(tandem, service)
    assert consents.finish(service, good, number=another.number).outcome is Outcome.NOT_AWAITED
    assert kept(tandem) == []
    assert asked(world, service, "oauth.token") == 0
    assert consents.finish(service, good).outcome is Outcome.CONNECTED
    before = kept(tandem)
    again = consents.finish(service, good)
    assert (again.outcome, "used already" in again.sentence) == (Outcome.NOT_AWAITED, True)
    late = begin(tandem, service)
    brought = answer(world, late.address)
    world.clock.advance(600)
    assert "too late" in consents.finish(service, brought).sentence
    assert kept(tandem) == before
    assert asked(world, service, "oauth.token") == 1


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("effect", "outcome", "words"),
    [
        ("refused", Outcome.UNAVAILABLE, "cannot be reached"),
        ("lost-answer", Outcome.FAILED, "works once"),
        ("503", Outcome.FAILED, "works once"),
        ("garbage", Outcome.FAILED, "works once"),
    ],
)
def test_a_lost_answer_of_the_token_endpoint(tandem: Tandem, world: World, service: str, effect: str, outcome: Outcome, words: str) -> None:
    """Whether the code was taken is not known, or it was not sent: it is said, nothing is kept, nothing sent twice; a new attempt works."""
    world.faults.add(Rule(service, match="oauth.token", effect=effect))
    ended = connect(tandem, world, service)
    assert (ended.outcome, words in ended.sentence) == (outcome, True), ended
    assert kept(tandem) == []
    assert asked(world, service, "oauth.token") == 1
    assert connect(tandem, world, service).outcome is Outcome.CONNECTED


def test_a_code_that_came_too_late_for_the_service(tandem: Tandem, world: World) -> None:
    """Pipedrive's codes live for five minutes."""
    begun = begin(tandem, "pipedrive")
    brought = answer(world, begun.address)
    world.clock.advance(301)
    ended = tandem.consents().finish("pipedrive", brought)
    assert (ended.outcome, "Try again" in ended.sentence) == (Outcome.FAILED, True)
    assert kept(tandem) == []


def test_a_wrong_client_is_said(world: World, tmp_path: Path) -> None:
    """The installation's own secret is wrong: the sentence names the settings, and not the secret."""
    with installed(world, tmp_path, TANDEM_PIPEDRIVE_CLIENT_SECRET="mistyped") as tandem:
        ended = connect(tandem, world, "pipedrive")
        assert (ended.outcome, "TANDEM_PIPEDRIVE_CLIENT_SECRET" in ended.sentence) == (Outcome.FAILED, True)
        assert "mistyped" not in ended.sentence


def test_no_lasting_permission(tandem: Tandem, world: World) -> None:
    """Tokens without a refresh token are not kept; it is said what to do."""
    begun = begin(tandem, "google")
    ended = tandem.consents().finish("google", answer(world, begun.address.replace("access_type=offline", "access_type=online")))
    assert (ended.outcome, "no lasting permission" in ended.sentence) == (Outcome.FAILED, True)
    assert kept(tandem) == []


@pytest.mark.parametrize(
    "domain",
    [
        "https://evil.test",
        "https://pipedrive.com.evil.test",
        "https://evilpipedrive.com",
        "http://company.pipedrive.com",
        "https://person@company.pipedrive.com",
        "https://company.pipedrive.com:8443",
        "https://company.pipedrive.com/elsewhere",
        "https://evil.test#.pipedrive.com",
        "https://evil.test?.pipedrive.com",
        "https://evil.test\\.pipedrive.com",
        "https://evil.test/.pipedrive.com",
        "https://ev\u0131l.pipedrive.com",
        "//company.pipedrive.com",
        "http://127.0.0.1:2/pipedrive",
    ],
)
def test_tokens_go_to_pipedrive_only(world: World, tmp_path: Path, domain: str) -> None:
    """An address for the API that is not Pipedrive's gets no request at all, and nothing is kept."""
    world.pipedrive.switches["api_domain"] = domain
    asked_hosts: list[str] = []

    class Watched(SandboxTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            asked_hosts.append(str(request.url))
            return super().handle_request(request)

    with installed(world, tmp_path, Watched(world)) as tandem:
        ended = connect(tandem, world, "pipedrive")
        assert (ended.outcome, "not its own" in ended.sentence) == (Outcome.FAILED, True)
        assert kept(tandem) == []
    assert {urlsplit(url).netloc for url in asked_hosts} == {"127.0.0.1:1"}
    assert not any("/api/" in url for url in asked_hosts)


def test_pipedrives_own_addresses_are_taken(tandem: Tandem) -> None:
    """A company's own host, as Pipedrive writes it."""
    for told in ("https://company.pipedrive.com", "https://my-company-2.pipedrive.com/", "https://api.eu.pipedrive.com"):
        assert tandem.proofs.api_url("pipedrive", told) == told.rstrip("/")


def test_another_account_is_told_apart(tandem: Tandem, world: World) -> None:
    """With an expected account another one is not stored, and let go; without, it is added, and what still waits is said."""
    world.google.human("add_account", {"email": "other@example.com"})
    assert connect(tandem, world, "google").label == "google-1"
    before = kept(tandem)
    ended = connect(tandem, world, "google", expected="google-1", account="other@example.com")
    assert (ended.outcome, "other@example.com" in ended.sentence) == (Outcome.OTHER_ACCOUNT, True)
    assert kept(tandem) == before
    assert not any(grant.email == "other@example.com" for grant in world.google.oauth.grants.values())
    assert connect(tandem, world, "google", expected="google-1").label == "google-1"
    assert connect(tandem, world, "google", account="other@example.com").label == "google-2"


def test_a_known_account_gets_what_is_new(tandem: Tandem, world: World) -> None:
    """From an API token to the browser and back: one account, one kind of proof, and nothing left of the other."""
    tandem.connecting.pipedrive("sandbox-pipedrive-token")
    assert connect(tandem, world, "pipedrive").label == "pipedrive-1"
    (account,) = tandem.accounts.all()
    names = set(models.Secret.objects.using(tandem.alias).values_list("name", flat=True))
    assert names == {REFRESH_TOKEN, ACCESS_TOKEN}
    tandem.services.ask(account)
    tandem.connecting.pipedrive("sandbox-pipedrive-token")
    assert set(models.Secret.objects.using(tandem.alias).values_list("name", flat=True)) == {"api-token"}
    tandem.services.ask(account)


def test_what_is_secret_stays_so(world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With every logger as talkative as it gets: no code, state, token or secret in any log, and none in what is kept of an end."""
    caplog.set_level(logging.DEBUG)
    secret: list[str] = []
    with installed(world, tmp_path) as tandem:
        for service in SERVICES:
            begun = begin(tandem, service)
            brought = answer(world, begun.address)
            secret += [brought["code"], brought["state"]]
            tandem.consents().finish(service, brought)
            world.faults.add(Rule(service, match="oauth.token", effect="503"))
            connect(tandem, world, service)
        for account in tandem.accounts.all():
            secret += [str(tandem.vault.get(account.id, name)) for name in (ACCESS_TOKEN, REFRESH_TOKEN)]
            world.clock.advance(7200)
            tandem.services.ask(account)
        rows = [str(row) for row in models.Authorisation.objects.using(tandem.alias).values_list("outcome", "sentence", "label")]
    assert len(secret) == 8
    assert all(secret)
    told = caplog.text + "".join(rows)
    assert [text for text in (*secret, "sandbox-secret") if text in told] == []


def test_nothing_is_left_of_old_attempts(tandem: Tandem, world: World) -> None:
    """Attempts that nobody ended are cleared away by later ones."""
    for _ in range(3):
        begin(tandem, "google")
    world.clock.advance(2 * 3600)
    begin(tandem, "pipedrive")
    assert models.Authorisation.objects.using(tandem.alias).count() == 1
