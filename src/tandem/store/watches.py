"""How the sides of a link are watched, as rows. What they mean: `engine/pace.py`."""

from __future__ import annotations

from datetime import datetime

from tandem.core.state import LinkId, Side
from tandem.store import models
from tandem.store.rows import put

#: What looking itself finds out; the rest is what hearing knows.
_PACE = ("has_gap", "active_at", "next_look_at", "why")
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
        put(self._alias, models.Watch, [watch], unique=("link", "side"), changeable=_CHANGEABLE)

    def save_pace(self, watch: models.Watch) -> None:
        """Keep when and why the side is looked at next; what was heard of it meanwhile stays."""
        put(self._alias, models.Watch, [watch], unique=("link", "side"), changeable=_PACE)

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
