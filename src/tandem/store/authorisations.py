"""Consents that were asked for in a browser and whose answers are awaited.

Rules: of the state only its hash is kept, and what belongs to it is encrypted and erased with the end; one answer is taken, once, in
time, for the service that was asked. How it ended stays for an hour, for the command that waits: an outcome, a sentence, a label.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from tandem.store import models
from tandem.store.vault import Vault

#: How long an end is kept.
KEPT_FOR = timedelta(hours=1)


class Authorisations:
    """The awaited answers of one database."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def _rows(self) -> QuerySet[models.Authorisation]:
        return models.Authorisation.objects.using(self._vault.alias)

    def open(self, state: str, service: str, content: str, now: datetime, expires_at: datetime, *, user: int | None = None) -> int:
        """Await the answer that bears this state; `user` asked for it in the pages. Returns its number."""
        hashed = _hash(state)
        sealed = self._vault.seal(content, _place(hashed))
        with transaction.atomic(using=self._vault.alias):
            self._rows().filter(expires_at__lt=now - KEPT_FOR).delete()
            row = self._rows().create(
                state_hash=hashed, service=service, sealed=sealed, created_at=now, expires_at=expires_at, user_id=user
            )
        return int(row.pk)

    def find(self, state: str) -> models.Authorisation | None:
        """What is awaited under a state, or was."""
        return self._rows().filter(state_hash=_hash(state)).first()

    def take(self, row: models.Authorisation, now: datetime) -> bool:
        """Be the one that has the answer; whether that was possible."""
        return bool(self._rows().filter(pk=row.pk, taken_at=None, expires_at__gt=now).update(taken_at=now))

    def content(self, row: models.Authorisation) -> str:
        """What was closed with it. StorageError when it does not open."""
        return self._vault.unseal(bytes(row.sealed), _place(row.state_hash))

    def end(self, row: models.Authorisation, outcome: str, sentence: str, label: str = "") -> None:
        """Write down how it ended."""
        self._rows().filter(pk=row.pk).update(outcome=outcome, sentence=sentence, label=label, sealed=b"")

    def one(self, number: int) -> models.Authorisation | None:
        """By its number."""
        return self._rows().filter(pk=number).first()

    def drop(self, number: int) -> None:
        """Nobody waits any more."""
        self._rows().filter(pk=number).delete()


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _place(state_hash: str) -> str:
    return f"{models.Authorisation._meta.db_table}:{state_hash}:sealed"
