"""Ending the connection of an account: because a person removes it here, or because our app was removed over there.

Rules: an account that a link uses is not removed; where its service cannot be told, it stays, unless a person insists and ends the
consent there by hand. What stays of a removed account is its id and its label.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from tandem.accounts.tokens import ACCESS_TOKEN, REFRESH_TOKEN
from tandem.app.connecting import BY_HAND, waits_for_account
from tandem.app.proofs import Proofs
from tandem.app.sides import PIPEDRIVE, TITLE
from tandem.clock import Clock
from tandem.connectors.http import Json, JsonObject
from tandem.connectors.wire import number_at, text_at
from tandem.core.state import LinkId
from tandem.errors import ReconnectNeeded, TandemError, Unavailable, WrongInput
from tandem.store import models
from tandem.store.grants import GrantKind, Grants
from tandem.store.links import Accounts, Links, LinkState, label_of
from tandem.store.vault import Vault

_GOING = frozenset({LinkState.ACTIVE.value, LinkState.WAITING.value})
_REMOVED_THERE = "The app was removed in Pipedrive by its user: connect the account again."


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of an account. `is_revoked`: its service has ended the consent; `sentence`: what is left to do, or empty."""

    label: str
    is_revoked: bool
    sentence: str


@dataclass(slots=True)
class Disconnecting:
    """Ends connections."""

    proofs: Proofs
    accounts: Accounts
    links: Links
    vault: Vault
    clock: Clock

    def remove(self, label: str, *, is_forced: bool) -> Removed:
        """Revoke an account's consent and erase what is kept of it.

        Raises:
            WrongInput: there is no such account, or a link uses it.
            Unavailable: its service cannot be told, and a person has not insisted.
        """
        account = self.accounts.find(label)
        self._check_unused(account)
        grant = Grants(self.vault.alias).of(account.id)
        title = TITLE[account.service]
        if grant is not None and grant.kind == GrantKind.API_TOKEN.value:
            self._erase(account)
            return Removed(label, False, f"The API token itself stays valid: replace it in {title}, Personal preferences > API.")
        try:
            self._revoke(account)
        except TandemError as error:
            if not is_forced:
                raise Unavailable(
                    f"{title} could not be told to end Tandem's access, so {label} stays. `tandem account remove {label} --force` forgets "
                    f"it here; then take the access away yourself ({BY_HAND[account.service]})"
                ) from error
            self._erase(account)
            return Removed(label, False, f"{title} was not told: take Tandem's access away there ({BY_HAND[account.service]}).")
        self._erase(account)
        return Removed(label, True, "")

    def _check_unused(self, account: models.Account) -> None:
        used = ", ".join(str(row.id) for row in self.links.using(account.id))
        if used:
            raise WrongInput(
                f"{label_of(account)} is used by link {used}: remove that first with `tandem link remove` (which deletes no contact)."
            )

    def _revoke(self, account: models.Account) -> None:
        token = self.vault.get(account.id, REFRESH_TOKEN)
        if token:
            self.proofs.endpoint(account.service).revoke(token)

    def _erase(self, account: models.Account) -> None:
        with transaction.atomic(using=self.vault.alias):
            self._check_unused(account)
            self.vault.empty(account.id)
            Grants(self.vault.alias).drop(account.id)
            self.accounts.remove(account, self.clock.now())

    def uninstalled(self, client_id: str, told: JsonObject) -> None:
        """Pipedrive says that a user has removed our app: all its tokens are dead. Malformed for what does not say whose."""
        if text_at(told, "client_id") not in ("", client_id):
            return
        account = self.accounts.known(PIPEDRIVE, f"{number_at(told, 'company_id')}:{number_at(told, 'user_id')}")
        if account is not None:
            with transaction.atomic(using=self.vault.alias):
                self._cut_off(account, _moment(told.get("timestamp")))

    def _cut_off(self, account: models.Account, said_at: datetime | None) -> None:
        """Inside a transaction: its tokens are dead."""
        grants = Grants(self.vault.alias)
        grants.hold(account.id)
        grant = grants.of(account.id)
        if grant is None or grant.kind != GrantKind.OAUTH.value:
            return
        # An old word that comes late must not end what was connected since; a true one that is passed over shows at the next call. It is
        # told to the second.
        if said_at is not None and said_at < grant.granted_at.replace(microsecond=0):
            return
        grants.refuse(account.id, self.clock.now())
        for name in (ACCESS_TOKEN, REFRESH_TOKEN):
            self.vault.drop(account.id, name)
        for row in self.links.using(account.id):
            # One that has run into it by itself is told why.
            if row.state in _GOING or waits_for_account(row):
                self.links.interrupt(LinkId(row.id))
                self.links.stop(LinkId(row.id), LinkState.NEEDS_PERSON, ReconnectNeeded.__name__, _REMOVED_THERE)


def _moment(told: Json) -> datetime | None:
    """A time in whichever form; None for none that can be read."""
    with contextlib.suppress(ValueError, OverflowError, OSError):
        if isinstance(told, str):
            moment = datetime.fromisoformat(told)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(told, (int, float)) and not isinstance(told, bool):
            return datetime.fromtimestamp(told / 1000 if told > 1e11 else told, UTC)
    return None
