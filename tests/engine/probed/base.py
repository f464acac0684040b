"""The database wrapper that Django loads by its dotted path. The product knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable

from django.db.backends.sqlite3 import base

#: By alias: called with "before-commit" or "after-commit".
probes: dict[str, Callable[[str], None]] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """Says when it commits."""

    def _commit(self) -> None:
        probe = probes.get(self.alias)
        if probe:
            probe("before-commit")
        super()._commit()
        if probe:
            probe("after-commit")
