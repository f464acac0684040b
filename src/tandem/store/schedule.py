"""When each link is due, and who may work on it: a lease with a fencing epoch.

Theory: a worker that was paused for longer than its lease may wake up and believe that it still holds the link. Every
transaction of a cycle therefore begins with `hold`, which renews the lease under its epoch and fails when another worker has
taken a newer one. It locks the link's row until the transaction ends, so that nobody takes the link over between the check and
the commit, and what belongs to one link is written by one at a time. Before each remote write the remaining time is compared
with the longest time a request may take.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Q, QuerySet

from tandem.core.state import LinkId
from tandem.errors import LeaseLost
from tandem.store import models

LEASE_S = 120
#: A lease younger than this is not renewed again.
RENEW_AFTER_S = 30
#: A request is started only when the lease outlives its time-out by this much.
MARGIN_S = 5


@dataclass(slots=True)
class Lease:
    """The right to work on one link until `until`, as long as nobody has a newer epoch."""

    link: LinkId
    epoch: int
    owner: str
    until: datetime


class Schedule:
    """Leases and due times of all links in one database.

    `kin`: how the owners of those leases begin that `is_alone` speaks of; empty where nobody but us can hold any.
    """

    def __init__(self, alias: str, kin: str = "") -> None:
        self._alias = alias
        self._kin = kin

    def _row(self, link: LinkId) -> QuerySet[models.Link]:
        return models.Link.objects.using(self._alias).filter(id=link)

    def _left_behind(self) -> Q:
        """Leases of our kin."""
        return Q(lease_owner__startswith=self._kin) if self._kin else ~Q(lease_owner="")

    def claim(self, link: LinkId, owner: str, now: datetime, *, is_alone: bool = False) -> Lease | None:
        """Take a link whose lease has ended, or None when somebody holds it, or is writing to it at this moment.

        `is_alone`: the caller knows that every other worker of our kin is dead, so its leases are taken over at once.
        """
        until = now + timedelta(seconds=LEASE_S)
        with transaction.atomic(using=self._alias):
            rows = self._row(link).filter(self._is_free(now, is_alone=is_alone))
            found = list(rows.select_for_update(no_key=True, skip_locked=True).values_list("epoch", flat=True))
            if not found:
                return None
            epoch = found[0] + 1
            self._row(link).update(lease_owner=owner, lease_until=until, epoch=epoch, is_dirty=False)
        return Lease(link, epoch, owner, until)

    def claim_unchanged(self, row: models.Link, owner: str, now: datetime) -> Lease | None:
        """Take a link that was given back, while it stands as it was read and nothing was told of it; None otherwise."""
        link, until = LinkId(row.id), now + timedelta(seconds=LEASE_S)
        rows = self._row(link).filter(~self._is_told(link), lease_until=None, epoch=row.epoch, is_dirty=False, state=row.state)
        is_ours = rows.update(lease_owner=owner, lease_until=until, epoch=row.epoch + 1)
        return Lease(link, row.epoch + 1, owner, until) if is_ours else None

    def _is_told(self, link: LinkId) -> Exists:
        return Exists(models.Hint.objects.using(self._alias).filter(link_id=link))

    def _is_free(self, now: datetime, *, is_alone: bool) -> Q:
        is_free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_owner="")
        return is_free | self._left_behind() if is_alone else is_free

    def hold(self, lease: Lease, now: datetime) -> None:
        """Make sure, inside the caller's transaction, that the lease is ours; renew it when it is due.

        Raises:
            LeaseLost: another worker has a newer epoch.
        """
        until = now + timedelta(seconds=LEASE_S)
        row = self._row(lease.link).filter(epoch=lease.epoch)
        is_due = (until - lease.until).total_seconds() >= RENEW_AFTER_S
        with transaction.atomic(using=self._alias, savepoint=False):
            is_ours = row.update(lease_until=until) if is_due else list(row.select_for_update(no_key=True).values_list("id"))
            if not is_ours:
                raise LeaseLost
        if is_due:
            lease.until = until

    def release(self, lease: Lease, *, next_due_at: datetime) -> None:
        """Give a link back, due again at the given time."""
        self._row(lease.link).filter(epoch=lease.epoch).update(lease_owner="", lease_until=None, next_due_at=next_due_at)

    def release_at_rest(self, lease: Lease, *, next_due_at: datetime, now: datetime) -> None:
        """Give a link back that was looked at and found at rest; due at once where something was told of it meanwhile.

        Raises:
            LeaseLost: another worker has taken it.
        """
        rows = self._row(lease.link).filter(epoch=lease.epoch)
        kept = {"lease_owner": "", "lease_until": None, "rest_epoch": lease.epoch, "last_success_at": now}
        if rows.filter(~self._is_told(lease.link)).update(next_due_at=next_due_at, **kept) or rows.update(next_due_at=now, **kept):
            return
        raise LeaseLost

    def request(self, link: LinkId) -> None:
        """Ask for a cycle as soon as possible."""
        self._row(link).update(is_dirty=True)

    def hasten(self, link: LinkId, at: datetime) -> None:
        """A cycle is due at that time, unless it is earlier or the link has to wait for longer."""
        rows = self._row(link).filter(Q(next_due_at=None) | Q(next_due_at__gt=at))
        rows.filter(Q(wait_until=None) | Q(wait_until__lte=at)).update(next_due_at=at)

    def due(self, now: datetime, *, is_alone: bool = False) -> list[LinkId]:
        """Links of which a cycle is due or asked for, the longest waiting first.

        `is_alone`: whoever of our kin holds a lease is dead, as in `claim`; the cycle that it left behind is due at once.
        """
        is_due = Q(is_dirty=True) | Q(next_due_at=None) | Q(next_due_at__lte=now)
        is_free = Q(lease_until=None) | Q(lease_until__lte=now)
        wanted = (is_due & is_free) | self._left_behind() if is_alone else is_due & is_free
        rows = models.Link.objects.using(self._alias).filter(wanted, state__in=["active", "waiting"])
        return [LinkId(link) for link in rows.order_by(F("next_due_at").asc(nulls_first=True)).values_list("id", flat=True)]
