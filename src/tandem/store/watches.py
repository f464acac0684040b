"""How the sides of a link are watched, as rows. What they mean: `engine/pace.py`."""

from __future__ import annotations

from datetime import datetime

from tandem.core.state import LinkId, Side
from tandem.store import models

_CHANGEABLE = [column.name for column in models.Watch._meta.concrete_fields if column.name not in {"id", "link", "side"}]


class Watches:
    """The watches of one link in one database."""

    def __init__(self, alias: str, link: LinkId) -> None:
        self._alias = alias
        self._link = link

    def of(self, side: Side) -> models.Watch:
        """The watch of a side; an unsaved one before the first look."""
        row = models.Watch.objects.using(self._alias).filter(link_id=self._link, side=side.value).first()
        return row or models.Watch(link_id=self._link, side=side.value)

    def both(self) -> dict[Side, models.Watch]:
        """The watches of both sides."""
        rows = {row.side: row for row in models.Watch.objects.using(self._alias).filter(link_id=self._link)}
        return {side: rows.get(side.value) or models.Watch(link_id=self._link, side=side.value) for side in Side}

    def save(self, watch: models.Watch) -> None:
        """Keep it. Two who see a side for the first time keep one row."""
        if watch.pk is not None:
            watch.save(using=self._alias)
            return
        models.Watch.objects.using(self._alias).bulk_create(
            [watch], update_conflicts=True, unique_fields=["link", "side"], update_fields=_CHANGEABLE
        )

    def note_gap(self, side: Side) -> None:
        """Hints may have been missed."""
        watch = self.of(side)
        watch.has_gap, watch.next_look_at = True, None
        self.save(watch)

    def hear(self, side: Side, now: datetime) -> None:
        """Something was told."""
        models.Watch.objects.using(self._alias).filter(link_id=self._link, side=side.value).update(heard_at=now)

    def forget(self) -> None:
        """Drop them all."""
        models.Watch.objects.using(self._alias).filter(link_id=self._link).delete()
