"""The same for PostgreSQL."""

from __future__ import annotations

from django.db.backends.postgresql import base

from engine.probed.base import probes


class DatabaseWrapper(base.DatabaseWrapper):
    """Says when it commits."""

    def _commit(self) -> None:
        probe = probes.get(self.alias)
        if probe:
            try:
                probe("before-commit")
            except BaseException:
                self.close()  # who dies here leaves no transaction behind that could be ended
                raise
        super()._commit()
        if probe:
            probe("after-commit")
