"""Connecting accounts: what a service has given is tried, whose it is is asked, and only then it is kept.

Rules
- Nothing is stored before the service has said whose the account is; then all is stored at once.
- A known account gets what is new and keeps its links; those that stopped for want of it are due at once, and go on where they were.
- A consent that is of no use is ended at the service, but not where that could end one that works: revoking takes all that the person
  has allowed this Tandem there.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from django.db import transaction

from tandem.accounts.consent import Connected
from tandem.accounts.endpoints import Tokens
from tandem.accounts.rights import REFUSED, lacking
from tandem.accounts.tokens import ACCESS_TOKEN, API_TOKEN, REFRESH_TOKEN, Unkept, kept
from tandem.app.hearing import Hearing
from tandem.app.proofs import Proofs
from tandem.app.services import Services, Trial
from tandem.app.sides import GOOGLE, PIPEDRIVE, TITLE
from tandem.clock import Clock
from tandem.connectors.google.replica import GoogleReplica
from tandem.connectors.pipedrive.api import Api as PipedriveApi
from tandem.core.state import LinkId
from tandem.errors import AccountChanged, ConsentNarrowed, Malformed, ReconnectNeeded, TandemError
from tandem.store import models
from tandem.store.grants import GrantKind, Grants
from tandem.store.links import Accounts, Links, LinkState, label_of
from tandem.store.schedule import Schedule
from tandem.store.vault import Vault

MY_CONTACTS = "contactGroups/myContacts"
#: Why links stop that an account connected anew lets go on.
_CURED = frozenset({ReconnectNeeded.__name__, ConsentNarrowed.__name__, AccountChanged.__name__})


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whom an account belongs to."""

    external_id: str
    name: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Found:
    """What was given, and what is known of it."""

    service: str
    kind: GrantKind
    credentials: Unkept
    trial: Trial
    whose: _Whose
    api_url: str = ""
    scopes: tuple[str, ...] = ()


class Connecting:
    """Adds accounts."""

    def __init__(
        self, services: Services, proofs: Proofs, accounts: Accounts, links: Links, vault: Vault, hearing: Hearing, clock: Clock
    ) -> None:
        self._services = services
        self._proofs = proofs
        self._accounts = accounts
        self._links = links
        self._vault = vault
        self._hearing = hearing
        self._clock = clock
        self._grants = Grants(vault.alias)

    def google(self, refresh_token: str) -> models.Account:
        """Connect a Google account, or renew the token of a known one. Raises what the service says."""
        credentials = Unkept({REFRESH_TOKEN: refresh_token})
        trial = self._services.trial(GOOGLE, GrantKind.OAUTH, credentials)
        whose = _whose(GOOGLE, trial)
        return self._keep(_Found(GOOGLE, GrantKind.OAUTH, credentials, trial, whose, scopes=credentials.scopes))

    def pipedrive(self, api_token: str, *, user: int | None = None) -> models.Account:
        """Connect a Pipedrive user, or renew the token of a known one. `user`: as for `by_consent`. Raises what the service says."""
        credentials = Unkept({API_TOKEN: api_token})
        trial = self._services.trial(PIPEDRIVE, GrantKind.API_TOKEN, credentials)
        whose = _whose(PIPEDRIVE, trial)
        self._check_owner(PIPEDRIVE, whose, user)
        return self._keep(_Found(PIPEDRIVE, GrantKind.API_TOKEN, credentials, trial, whose), user)

    def by_consent(self, service: str, tokens: Tokens, expected: str, *, user: int | None = None) -> Connected:
        """Connect the account of which a consent has brought these tokens.

        `expected`: the label that it must have; empty: any. `user`: whose it will be; None: the operator's.

        Raises:
            ConsentNarrowed: what is needed was not allowed.
            AccountChanged: it is another account than the expected one, or somebody else's here.
            Malformed, and what the service says.
        """
        whose: _Whose | None = None
        try:
            asked_at = self._clock.now()
            api_url = self._proofs.api_url(service, tokens.api_url) if tokens.api_url else ""
            credentials = Unkept({REFRESH_TOKEN: tokens.refresh_token, ACCESS_TOKEN: kept(tokens, asked_at)})
            trial = self._services.trial(service, GrantKind.OAUTH, credentials, api_url)
            is_narrowed = self._proofs.endpoint(service).is_narrowed(tokens.scopes)
            with contextlib.suppress(TandemError) if is_narrowed else contextlib.nullcontext():
                whose = _whose(service, trial)
            if is_narrowed or whose is None:
                raise ConsentNarrowed(REFUSED[service])
            if not tokens.refresh_token:
                raise Malformed(
                    f"{TITLE[service]} gave no lasting permission (no refresh token), so nothing was stored. Take Tandem's access away "
                    f"there ({BY_HAND[service]}) and try again."
                )
            self._check_expected(service, expected, whose)
            self._check_owner(service, whose, user)
            found = _Found(service, GrantKind.OAUTH, credentials, trial, whose, api_url, tokens.scopes)
        except TandemError:
            self._discard(service, tokens, whose)
            raise
        was_known = self._accounts.known(service, whose.external_id) is not None
        account = self._keep(found, user)
        notes = self._still_waiting(account) if not was_known else ()
        return Connected(label_of(account), account.name, (*notes, *_lacks(service, tokens)))

    def _check_expected(self, service: str, expected: str, whose: _Whose) -> None:
        if expected and self._accounts.find(expected, service).external_id != whose.external_id:
            raise AccountChanged(f"This is {whose.name}, another account than {expected}; nothing was stored. Sign in as the other one.")

    def _check_owner(self, service: str, whose: _Whose, user: int | None) -> None:
        known = self._accounts.known(service, whose.external_id)
        if user is not None and known is not None and not self._accounts.may_have(known, user):
            raise AccountChanged(f"{whose.name} is connected by somebody else who uses this Tandem; nothing was stored.")

    def _discard(self, service: str, tokens: Tokens, whose: _Whose | None) -> None:
        """End a consent that is of no use, unless it may be one with that of a connected account."""
        if whose is not None:
            is_in_use = self._accounts.known(service, whose.external_id) is not None
        else:
            is_in_use = any(account.service == service for account in self._accounts.all())
        if not is_in_use:
            with contextlib.suppress(TandemError):
                self._proofs.endpoint(service).revoke(tokens.refresh_token or tokens.access_token)

    def _keep(self, found: _Found, user: int | None = None) -> models.Account:
        """All of it at once."""
        whose, now = found.whose, self._clock.now()
        known = self._accounts.known(found.service, whose.external_id)
        before = self._grants.of(known.id) if known is not None else None
        if known is not None and before is not None and before.kind != found.kind.value:
            self._leave_webhooks(known)
        with transaction.atomic(using=self._vault.alias):
            account = self._accounts.keep(found.service, whose.external_id, whose.name, whose.facts, now)
            if user is not None:
                self._accounts.give(account.id, user)
            self._grants.keep(account.id, found.kind, found.scopes, found.api_url, now)
            for name in (API_TOKEN, REFRESH_TOKEN, ACCESS_TOKEN):
                if value := found.credentials.get(name):
                    self._vault.put(account.id, name, value)
                else:
                    self._vault.drop(account.id, name)
            self._go_on(account)
        self._services.take_over(account, found.trial)
        return account

    def _go_on(self, account: models.Account) -> None:
        """Links that stopped for want of the account are due at once, and so are those that are working with what is old now."""
        for row in self._links.using(account.id):
            self._links.interrupt(LinkId(row.id))
            self._hearing.check_soon(row)
            if waits_for_account(row):
                self._links.activate(LinkId(row.id))
                Schedule(self._vault.alias).request(LinkId(row.id))

    def _leave_webhooks(self, account: models.Account) -> None:
        """An app does not see the webhooks of an API token, nor the other way round: end them while we may."""
        for row in self._links.using(account.id):
            self._hearing.unsubscribe(row)

    def _still_waiting(self, account: models.Account) -> tuple[str, ...]:
        """Accounts of the same service whose links wait for being connected again: perhaps another one was meant."""
        notes = []
        for other in self._accounts.all():
            stopped = [row.id for row in self._links.using(other.id) if waits_for_account(row)]
            if other.service == account.service and other.id != account.id and stopped:
                label, used = label_of(other), ", ".join(map(str, stopped))
                notes.append(
                    f"This is another account than {label}, which link {used} uses and which still has to be connected again "
                    f"(--reconnect {label})."
                )
        return tuple(notes)


#: Where a person takes Tandem's access away.
BY_HAND = {
    GOOGLE: "myaccount.google.com, Security, third-party access",
    PIPEDRIVE: "Pipedrive, Tools and apps, Marketplace apps",
}


def _whose(service: str, trial: Trial) -> _Whose:
    """Asks the service. Raises what it says."""
    if service == GOOGLE:
        identity = GoogleReplica(trial.door, group=MY_CONTACTS, read_lag_s=0.0).identity()
        return _Whose(identity.id, identity.name)
    user = PipedriveApi(trial.door).current_user()
    facts: dict[str, object] = {
        "user": user.id, "company": user.company_id, "domain": user.company_domain, "is_admin": user.is_admin,
        "locale": user.locale, "timezone": user.timezone,
    }  # fmt: skip
    return _Whose(f"{user.company_id}:{user.id}", ", ".join(filter(None, [user.company_name, user.name])), facts)


def waits_for_account(row: models.Link) -> bool:
    """Whether a link has stopped for want of an account that is connected as it should be."""
    return row.state == LinkState.NEEDS_PERSON.value and row.reason in _CURED


def _lacks(service: str, tokens: Tokens) -> tuple[str, ...]:
    return tuple(f"It lacks the right {lack}." for lack in lacking(service, tokens.scopes))
