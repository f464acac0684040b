"""What a session with PostgreSQL is set to; called for every connection that Django opens.

Rules: a worker that hangs in a transaction holds the row of its link, so the server ends it after a while; who waits for a lock gives
up before anybody thinks that nothing happens. A commit must be on disk when it is answered, whatever the role's default.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

LOCK_TIMEOUT_S = 30
HANGING_TIMEOUT_S = 600
_SET_UP = f"""
    SELECT set_config('lock_timeout', '{LOCK_TIMEOUT_S}s', false),
           set_config('idle_in_transaction_session_timeout', '{HANGING_TIMEOUT_S}s', false),
           set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                                            ELSE current_setting('synchronous_commit') END, false)
"""


def listen() -> None:
    """Set every connection to PostgreSQL up. May be called again."""
    connection_created.connect(_set_up, dispatch_uid="tandem.store.sessions")


def _set_up(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor != "postgresql":
        return
    from tandem.store.adapting import adapt  # noqa: PLC0415 - needs psycopg, which SQLite does without

    adapt(connection.connection)
    with connection.cursor() as cursor:
        cursor.execute(_SET_UP)
