"""Who may sign in, and what is theirs.

Rules: a password is kept as Django's hashers make it, and nothing else of it; an account belongs to one user, one that was connected on
the command line to the operator; a link belongs to whose both accounts are.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import Q, QuerySet

from tandem.store import models
from tandem.store.links import LinkState
from tandem.store.moments import alone


class Users:
    """The users of one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def _all(self) -> QuerySet[models.User]:
        return models.User.objects.using(self._alias).order_by("id")

    def one(self, user: int) -> models.User | None:
        """By its number."""
        return self._all().filter(pk=user).first()

    def operator(self) -> models.User | None:
        """Who runs this installation, once somebody has set the password."""
        return self._all().filter(is_operator=True).exclude(password="").first()

    def set_password(self, password: str, now: datetime) -> models.User:
        """The operator's password; makes the operator where there is none."""
        with alone(self._alias):
            user = self._all().filter(is_operator=True).first() or models.User(name="operator", is_operator=True, created_at=now)
            user.password = make_password(password)
            user.save(using=self._alias)
        return user

    def by_password(self, password: str, now: datetime) -> models.User | None:
        """The operator, if that is the password. Takes as long whether there is one or not."""
        user = self.operator()
        if user is None:
            make_password(password)
            return None
        if not check_password(password, user.password, setter=None):
            return None
        user.signed_in_at = now
        user.save(using=self._alias, update_fields=["signed_in_at"])
        return user

    def speak(self, user: models.User, language: str) -> None:
        """Remember the language that somebody chose."""
        self._all().filter(pk=user.pk).update(language=language)


class Belongings:
    """What one user may see. Everything else is, for this user, not there."""

    def __init__(self, alias: str, user: models.User) -> None:
        self._alias = alias
        self._mine = Q(user=user) | Q(user=None) if user.is_operator else Q(user=user)

    def accounts(self) -> list[models.Account]:
        """The connected accounts, the oldest first."""
        rows = models.Account.objects.using(self._alias).filter(self._mine, removed_at=None)
        return list(rows.select_related("grant").order_by("id"))

    def links(self) -> list[models.Link]:
        """The links that were not removed, the oldest first."""
        return list(self._links().order_by("id"))

    def link(self, number: int) -> models.Link | None:
        """One of them, with its accounts."""
        return self._links().filter(pk=number).first()

    def _links(self) -> QuerySet[models.Link]:
        mine = models.Account.objects.using(self._alias).filter(self._mine).values("id")
        rows = models.Link.objects.using(self._alias).select_related("left_account__grant", "right_account__grant")
        return rows.filter(left_account__in=mine, right_account__in=mine).exclude(state=LinkState.REMOVED.value)
