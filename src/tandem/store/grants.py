"""What accounts have allowed us, and whose turn it is to renew an access token.

Theory: two processes that renew at once may lock each other out, since a service may give out a new refresh token and end the old one.
So a renewal has a turn: one conditional UPDATE takes it, for a time that outlives any request, and nothing is locked while the service
is asked. Whoever does not get the turn waits, and reads what the winner has stored. A turn whose process died ends by itself. What a
renewal brought is stored only where the refresh token that it was made with still stands: an account that was connected anew meanwhile
keeps what it got.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum

from django.db import connections, transaction
from django.db.models import F, Q, QuerySet

from tandem.store import models
from tandem.store.moments import brief
from tandem.store.vault import Drawer, Vault

#: The name in the vault of what is renewed with.
REFRESH_TOKEN = "refresh-token"  # noqa: S105


class GrantKind(Enum):
    """The kinds of proof."""

    #: Access tokens out of a refresh token.
    OAUTH = "oauth"
    #: A token that a person copied, with all rights of that person.
    API_TOKEN = "api-token"  # noqa: S105


class Grants:
    """The grants of one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def _rows(self, account: int) -> QuerySet[models.Grant]:
        return models.Grant.objects.using(self._alias).filter(account_id=account)

    def of(self, account: int) -> models.Grant | None:
        """The grant of an account; None when nothing is known of it."""
        return self._rows(account).first()

    @staticmethod
    def read_with(account: models.Account) -> models.Grant | None:
        """The grant of an account that was just read with its link (`Links.one`)."""
        return account.grant if hasattr(account, "grant") else None

    def keep(self, account: int, kind: GrantKind, scopes: Sequence[str], api_url: str, now: datetime) -> None:
        """A new grant in place of an earlier one. A renewal under way stores nothing more."""
        values = {"kind": kind.value, "scopes": list(scopes), "api_url": api_url, "granted_at": now, "refused_at": None}
        rows = models.Grant.objects.using(self._alias)
        rows.update_or_create(account_id=account, defaults={**values, "renewer": "", "renewing_until": None})

    def refuse(self, account: int, now: datetime) -> None:
        """The service does not accept it any more."""
        self._rows(account).filter(refused_at=None).update(refused_at=now)

    def drop(self, account: int) -> None:
        """Nothing is allowed any more."""
        self._rows(account).delete()

    def begin_renewal(self, account: int, renewer: str, now: datetime, until: datetime) -> bool:
        """Take the turn, if it is free."""
        is_free = Q(renewing_until=None) | Q(renewing_until__lte=now)
        return bool(self._rows(account).filter(is_free).update(renewer=renewer, renewing_until=until))

    def end_renewal(self, account: int, renewer: str) -> None:
        """Give the turn back, if it is still ours."""
        self._rows(account).filter(renewer=renewer).update(renewer="", renewing_until=None)

    def hold(self, account: int) -> None:
        """Inside a transaction: nobody else changes the grant until its end. Whoever changes credentials begins with this."""
        self._rows(account).update(kind=F("kind"))

    def note_renewal(self, account: int, scopes: Sequence[str], api_url: str) -> None:
        """It is accepted; and what the service has said of it anew."""
        told: dict[str, object] = {"refused_at": None}
        told |= {"scopes": list(scopes)} if scopes else {}
        told |= {"api_url": api_url} if api_url else {}
        self._rows(account).update(**told)


class GrantDrawer(Drawer):
    """The credentials of one account with its grant. May be used by threads."""

    def __init__(self, vault: Vault, account: int) -> None:
        super().__init__(vault, account)
        self._grants = Grants(vault.alias)

    def begin_renewal(self, renewer: str, now: datetime, until: datetime) -> bool:
        """Take the turn to renew, if it is free."""
        with brief(self._vault.alias):
            if connections[self._vault.alias].in_atomic_block:
                raise RuntimeError("an access token is never renewed inside a transaction: what it brings could be rolled back")
            return self._grants.begin_renewal(self._account, renewer, now, until)

    def store_renewal(self, used: str, values: Mapping[str, str], scopes: Sequence[str], api_url: str) -> bool:
        """Store all that a renewal has brought, at once. False when it was made with what is not ours any more."""
        with brief(self._vault.alias), transaction.atomic(using=self._vault.alias):
            self._grants.hold(self._account)
            if self._vault.get(self._account, REFRESH_TOKEN) != used:
                return False
            for name, value in values.items():
                self._vault.put(self._account, name, value)
            self._grants.note_renewal(self._account, scopes, api_url)
        return True

    def end_renewal(self, renewer: str) -> None:
        """Give the turn back."""
        with brief(self._vault.alias):
            self._grants.end_renewal(self._account, renewer)

    def note_refusal(self, now: datetime) -> None:
        """The service does not accept the account any more."""
        with brief(self._vault.alias):
            self._grants.refuse(self._account, now)
