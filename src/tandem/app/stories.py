"""History as it is told: which record of which product was written, what of it, and why.

Rules: holds contact data; for the owner's eyes only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from tandem.app.sides import PRODUCT
from tandem.core.state import LinkId, Side
from tandem.engine.preview import name_of
from tandem.errors import StorageError
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.journal import Journal

_CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of history. `product` is where it was written; `before` and `after` are values by field, as plain data."""

    #: What `tandem undo` takes: cycle and line.
    change: str
    cycle: int
    at: datetime
    product: str
    kind: str
    record: str
    name: str
    fields: tuple[str, ...]
    before: object
    after: object

    @property
    def is_conflict(self) -> bool:
        """Whether it tells of a value that lost."""
        return self.kind == _CONFLICT

    def data(self) -> dict[str, object]:
        """As `--json` shows it."""
        return {
            "change": self.change, "cycle": self.cycle, "at": self.at.isoformat(),
            "side": self.product, "kind": self.kind, "record": self.record,
            "name": self.name, "fields": list(self.fields), "before": self.before, "after": self.after,
        }  # fmt: skip


def lines(alias: str, link: int, *, limit: int, cycle: int | None = None, before: int | None = None, pair: int | None = None) -> list[Line]:
    """The latest lines of a link, newest first; of one cycle, older than a line, or of a pair."""
    rows = Journal(alias, LinkId(link)).history(limit, cycle, before=before, pair=pair)
    names = _names_of_pairs(rows)
    return [_line(row, names) for row in rows]


def _line(row: models.History, names: dict[int, str]) -> Line:
    name = names.get(row.pair_id or 0, "")
    product = PRODUCT[Side(row.side)]
    change = f"{row.cycle_id}-{row.id}"
    return Line(
        change, row.cycle_id, row.at, product, row.kind, row.record_id, name, tuple(row.fields), _plain(row.before), _plain(row.after)
    )


def _names_of_pairs(rows: list[models.History]) -> dict[int, str]:
    """By pair, how the person is called in the newest line that tells it."""
    names: dict[int, str] = {}
    for row in rows:
        content = row.after or row.before
        if row.kind == _CONFLICT or content is None or names.get(row.pair_id or 0):
            continue
        try:
            names[row.pair_id or 0] = name_of(decode_contact(content))
        except StorageError:
            continue
    return names


def _plain(content: bytes | memoryview | None) -> object:
    if content is None:
        return None
    try:
        return json.loads(bytes(content))
    except ValueError:
        return None
