"""Promise: a database of an earlier Tandem is brought up to date with all that is in it."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command
from django.db import connections

from tandem.databases import SqliteFile
from tandem.store import setup

from .conftest import NOW


def test_accounts_from_before_have_grants(tmp_path: Path) -> None:
    """Accounts that were connected before grants were kept: each has the one that its credentials say."""
    from tandem.store.grants import Grants
    from tandem.store.links import Accounts

    alias = "store-upgrade"
    setup.register(alias, SqliteFile(tmp_path / "old.sqlite3"))
    call_command("migrate", "store", "0006_hints", database=alias, verbosity=0, interactive=False)
    with connections[alias].cursor() as cursor:
        for number, name in ((1, "refresh-token"), (2, "api-token")):
            values = [number, "west", str(number), "Name", '{"label": "west-1"}', NOW]
            cursor.execute(
                "INSERT INTO store_account (id, service, external_id, name, settings, created_at) VALUES (%s, %s, %s, %s, %s, %s)", values
            )
            cursor.execute("INSERT INTO store_secret (account_id, name, ciphertext) VALUES (%s, %s, %s)", [number, name, b"x"])
    setup.migrate(alias)
    try:
        grants = [Grants(alias).of(row.id) for row in Accounts(alias).all()]
        assert [(grant.kind, grant.refused_at, grant.granted_at) for grant in grants if grant is not None] == [
            ("oauth", None, NOW),
            ("api-token", None, NOW),
        ]
    finally:
        connections[alias].close()
