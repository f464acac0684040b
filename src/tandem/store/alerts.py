"""What somebody was told of, and when: at most once a day for one matter of one link."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from tandem.core.state import LinkId
from tandem.store import models

ONCE_IN = timedelta(days=1)


class Alerts:
    """The alerts of one database. Several processes may ask at once; one of them is to tell."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def take(self, link: LinkId, matter: str, now: datetime) -> bool:
        """Whether it is our turn to tell of this now; then nobody else's for a day."""
        rows = models.Alert.objects.using(self._alias)
        _, is_first = rows.get_or_create(link_id=link, matter=matter, defaults={"sent_at": now})
        return is_first or bool(rows.filter(Q(link_id=link, matter=matter, sent_at__lte=now - ONCE_IN)).update(sent_at=now))

    def give_back(self, link: LinkId, matter: str) -> None:
        """It could not be told: it is tried again."""
        models.Alert.objects.using(self._alias).filter(link_id=link, matter=matter).delete()
