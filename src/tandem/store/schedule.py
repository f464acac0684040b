"""When each link is due, and who may work on it: a lease with a fencing epoch.

Theory: a worker that was paused for longer than its lease may wake up and believe that it still holds the link. Every
transaction of a cycle therefore begins with `hold`, which renews the lease under its epoch and fails when another worker has
taken a newer one; before each remote write the remaining time is compared with the longest time a request may take.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

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
    """Leases and due times of all links in one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def claim(self, link: LinkId, owner: str, now: datetime, *, is_alone: bool = False) -> Lease | None:
        """Take a link whose lease has ended, or None when somebody holds it.

        `is_alone`: the caller knows that every other worker of this database is dead, so leases are taken over at once.
        """
        until = now + timedelta(seconds=LEASE_S)
        rows = self._free(link, now, is_alone=is_alone)
        if not rows.update(lease_owner=owner, lease_until=until, epoch=F("epoch") + 1, is_dirty=False):
            return None
        epoch = models.Link.objects.using(self._alias).values_list("epoch", flat=True).get(id=link)
        return Lease(link, epoch, owner, until)

    def claim_unchanged(self, row: models.Link, owner: str, now: datetime, *, is_alone: bool = False) -> Lease | None:
        """Take a link as `claim` does, but only while it stands as it was read; None otherwise."""
        link, until = LinkId(row.id), now + timedelta(seconds=LEASE_S)
        rows = self._free(link, now, is_alone=is_alone).filter(epoch=row.epoch, is_dirty=False, state=row.state)
        is_ours = rows.update(lease_owner=owner, lease_until=until, epoch=row.epoch + 1)
        return Lease(link, row.epoch + 1, owner, until) if is_ours else None

    def _free(self, link: LinkId, now: datetime, *, is_alone: bool) -> QuerySet[models.Link]:
        rows = models.Link.objects.using(self._alias).filter(id=link)
        return rows if is_alone else rows.filter(Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_owner=""))

    def hold(self, lease: Lease, now: datetime) -> None:
        """Make sure, inside the caller's transaction, that the lease is ours; renew it when it is due.

        Raises:
            LeaseLost: another worker has a newer epoch.
        """
        until = now + timedelta(seconds=LEASE_S)
        row = models.Link.objects.using(self._alias).filter(id=lease.link, epoch=lease.epoch)
        if (until - lease.until).total_seconds() < RENEW_AFTER_S:
            if not row.exists():
                raise LeaseLost
            return
        if not row.update(lease_until=until):
            raise LeaseLost
        lease.until = until

    def release(self, lease: Lease, *, next_due_at: datetime) -> None:
        """Give a link back, due again at the given time."""
        rows = models.Link.objects.using(self._alias).filter(id=lease.link, epoch=lease.epoch)
        rows.update(lease_owner="", lease_until=None, next_due_at=next_due_at)

    def release_at_rest(self, lease: Lease, *, next_due_at: datetime, now: datetime) -> None:
        """Give a link back that was looked at and found at rest. LeaseLost when another worker has taken it."""
        rows = models.Link.objects.using(self._alias).filter(id=lease.link, epoch=lease.epoch)
        kept = {"rest_epoch": lease.epoch, "last_success_at": now}
        if not rows.update(lease_owner="", lease_until=None, next_due_at=next_due_at, **kept):
            raise LeaseLost

    def request(self, link: LinkId) -> None:
        """Ask for a cycle as soon as possible."""
        models.Link.objects.using(self._alias).filter(id=link).update(is_dirty=True)

    def hasten(self, link: LinkId, at: datetime) -> None:
        """A cycle is due at that time, unless it is earlier or the link has to wait for longer."""
        rows = models.Link.objects.using(self._alias).filter(Q(next_due_at=None) | Q(next_due_at__gt=at), id=link)
        rows.filter(Q(wait_until=None) | Q(wait_until__lte=at)).update(next_due_at=at)

    def due(self, now: datetime, *, is_alone: bool = False) -> list[LinkId]:
        """Links of which a cycle is due or asked for, the longest waiting first.

        `is_alone`: whoever holds a lease is dead, as in `claim`; the cycle that it left behind is due at once.
        """
        is_due = Q(is_dirty=True) | Q(next_due_at=None) | Q(next_due_at__lte=now)
        is_free = Q(lease_until=None) | Q(lease_until__lte=now)
        wanted = is_due | ~Q(lease_owner="") if is_alone else is_due & is_free
        rows = models.Link.objects.using(self._alias).filter(wanted, state__in=["active", "waiting"])
        return [LinkId(link) for link in rows.order_by(F("next_due_at").asc(nulls_first=True)).values_list("id", flat=True)]
