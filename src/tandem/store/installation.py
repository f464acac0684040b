"""Who we are: the one row of the installation, and the secret key that it was made with.

Theory: contacts are compared by hashes made with the secret key, those too of which nothing else is kept. Two machines with different
keys on one database would not recognise each other's hashes, and double people; so would one whose key was lost and made anew. So the
row holds a print of the key, and nothing is done with another one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connections, transaction

from tandem.errors import StorageError
from tandem.store import models
from tandem.store.moments import alone
from tandem.store.vault import derive


def known_installation(alias: str, key: str, token: Callable[[], str], now: datetime) -> str:
    """The id of the installation, made at the first start. `key`: the secret that makes the hashes.

    Raises:
        StorageError: the database was filled with another key; nothing was written.
    """
    key_print = derive(key, "tandem key print").hex()
    rows = models.Installation.objects.using(alias).order_by("id")
    row = rows.first()
    if row is None or not row.key_print:
        with alone(alias):
            row = rows.first() or models.Installation(installation_id=token()[:12], created_at=now)
            if not row.key_print:
                row.key_print = key_print
                row.save(using=alias)
    if row.key_print != key_print:
        raise StorageError(
            "The database belongs to another secret key, by which its contacts are compared: bring that key here (the file secret.key "
            "of the data directory it was made in, or TANDEM_SECRET_KEY). If it is lost, begin with an empty database."
        )
    return row.installation_id


def check_writable(alias: str, now: datetime) -> str:
    """Write, and take it back; says what the database is.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        with transaction.atomic(using=alias):
            models.Installation.objects.using(alias).create(installation_id="check", created_at=now)
            transaction.set_rollback(True, using=alias)
        return f"{_description(alias)}, can be written"
    except DatabaseError as error:
        raise StorageError(f"it cannot be written ({type(error).__name__}): is the disk full, or read-only?") from None


def _description(alias: str) -> str:
    if connections[alias].vendor == "sqlite":
        return "SQLite"
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT split_part(current_setting('server_version'), ' ', 1), current_database(), current_setting('server_encoding'), "
            "coalesce(host(inet_server_addr()), 'a socket of this machine'), current_setting('fsync')"
        )
        version, name, encoding, place, fsync = cursor.fetchone()
    warning = " (its fsync is off: a power failure can lose what was written down, and that can double contacts)" if fsync == "off" else ""
    return f"PostgreSQL {version}, database {name} on {place}, {encoding}{warning}"
