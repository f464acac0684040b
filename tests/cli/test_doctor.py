"""Promise: `tandem doctor` names what is wrong and what to do about it, whatever it is, and never ends in a traceback."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import databases
from tandem.store import migrations

from .conftest import PASSPHRASE, Line


@pytest.fixture(autouse=True)
def on_sqlite() -> Iterator[None]:
    """How these tests damage a database; test_postgresql.py has the other kind."""
    with databases.on(databases.SQLITE):
        yield


def checks(line: Line) -> dict[str, tuple[bool, str, str]]:
    """What was found, by name: good or not, the text, what to do."""
    told = line("doctor", "--json")
    found = {str(item["name"]): (bool(item["ok"]), str(item["text"]), str(item["next"] or "")) for item in told.data["checks"]}  # type: ignore[attr-defined]
    assert told.code == (0 if all(is_good for is_good, _, _ in found.values()) else 1)
    assert told.data["ok"] == (told.code == 0)
    for name, (is_good, _, to_do) in found.items():
        assert is_good or to_do, f"{name} does not say what to do"
    assert "Traceback" not in told.out + told.err
    return found


def change(line: Line, statement: str, *values: object) -> None:
    """Change the database by hand."""
    with closing(sqlite3.connect(line.data_dir / "tandem.sqlite3")) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_a_link_that_is_going(tandem: Line) -> None:
    """Everything that is good is said: versions, tables, database, accounts since when, link, budget; and what is advised."""
    tandem.connect()
    assert tandem.link("--country", "PL").code == 0
    assert tandem("sync").code == 0
    found = checks(tandem)
    assert not [name for name, (is_good, _, _) in found.items() if not is_good]
    assert {"Python", "data directory", "secret key", "disk space", "database file", "database", "tables", "backup", "account google-1",
            "account pipedrive-1", "TANDEM_BASE_URL", "link 1", "link 1 webhooks", "link 1 budget", "sandbox"} <= found.keys()  # fmt: skip
    assert "SQLite" in found["Python"][1]
    newest = max(path.stem for path in Path(migrations.__file__).parent.glob("0*.py"))
    assert f"up to date ({newest})" in found["tables"][1]
    assert "last success 0 minutes ago" in found["link 1"][1]
    assert ("none was made" in found["backup"][1], "tandem backup" in found["backup"][2]) == (True, True)
    assert "connected 2" in found["account google-1"][1]

    tandem.edit("google", "delete_group", {"group": "Pipedrive"})
    tandem.edit("google", "revoke", {"token": "sandbox-google-refresh"})
    assert tandem("sync").code in {3, 4}
    found = checks(tandem)
    assert ("tandem account add google" in found["account google-1"][2], found["link 1"][0]) == (True, False)
    tandem.edit("google", "grant", {"token": "sandbox-google-refresh"})


def test_what_the_log_in_needs(kept: Line) -> None:
    """Where answers arrive is said; half a client is wrong, and so is none where an account came by consent; what was not allowed, too."""
    found = checks(kept)
    assert found["redirect google"][1].endswith("http://127.0.0.1:8000/accounts/google/callback")
    assert (found["client google"][0], found["client pipedrive"][0]) == (True, True)
    kept.more["TANDEM_GOOGLE_CLIENT_ID"] = "ours"
    is_good, text, to_do = checks(kept)["client google"]
    assert (is_good, "TANDEM_GOOGLE_CLIENT_SECRET" in text, "connecting.md" in to_do) == (False, True, True)
    change(
        kept,
        "INSERT INTO store_grant (account_id, kind, scopes, api_url, granted_at, renewer) SELECT id, 'oauth', ?, '', ?, '' "
        "FROM store_account WHERE service = 'pipedrive'",
        '["contacts:full"]',
        "2026-03-01 12:00:00",
    )
    found = checks(kept)
    assert not found["client pipedrive"][0]
    assert "without" in next(text for name, (_, text, _) in found.items() if name.startswith("rights of"))
    kept.more["TANDEM_BASE_URL"] = "http://tandem.example.com"
    assert not checks(kept)["redirect google"][0]


def test_a_link_that_stands_still(kept: Line) -> None:
    """A link that has long not come to an end, and nobody works: what to start. A restored one: what to look at."""
    change(kept, "UPDATE store_link SET last_success_at = ?", "2026-03-01 12:00:00")
    is_good, text, to_do = checks(kept)["link 1"]
    assert (is_good, "stands still" in text, "tandem run" in to_do) == (False, True, True)
    change(kept, "UPDATE store_link SET state = 'restored', sentence = 'Look at it.'")
    is_good, text, to_do = checks(kept)["link 1"]
    assert (is_good, "Look at it." in text, "tandem preview 1" in to_do) == (False, True, True)


def test_the_last_backup(kept: Line) -> None:
    """When it was made and where; older than a week, how many days, and what to do."""
    assert kept("backup", kept.folder / "b", "--passphrase-file", kept.folder / "pass").code == 0
    is_good, text, to_do = checks(kept)["backup"]
    assert (is_good, str(kept.folder / "b") in text, to_do) == (True, True, "")
    note = kept.data_dir / "last-backup.json"
    assert PASSPHRASE not in note.read_text()
    note.write_text(json.dumps({"at": (datetime.now(UTC) - timedelta(days=9)).isoformat(), "path": "b"}))
    is_good, text, to_do = checks(kept)["backup"]
    assert ("9 days ago" in text, "tandem backup" in to_do) == (True, True)
    note.write_text("nonsense")
    assert "none" in checks(kept)["backup"][1]


def test_a_database_that_is_not_in_order(kept: Line) -> None:
    """One of a newer Tandem, one with damaged pages, one that is no database: each is named, and how to come out of it."""
    change(kept, "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_tomorrow', '2026-01-01')")
    is_good, text, _ = checks(kept)["installation"]
    assert (is_good, "newer Tandem" in text) == (False, True)
    assert (kept("status").code, "newer Tandem" in kept("status").err) == (1, True)
    change(kept, "DELETE FROM django_migrations WHERE name = '9999_tomorrow'")
    path = kept.data_dir / "tandem.sqlite3"
    content = bytearray(path.read_bytes())
    content[8192 : len(content) // 2] = b"\xff" * (len(content) // 2 - 8192)
    path.write_bytes(content)
    is_good, _, to_do = checks(kept)["database file"]
    assert (is_good, "tandem restore" in to_do) == (False, True)
    path.write_bytes(b"not a database at all" * 100)
    assert not checks(kept)["database file"][0]


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("TANDEM_HISTORY_DAY", "1", "configuration"),
        ("TANDEM_HISTORY_DAYS", "many", "TANDEM_HISTORY_DAYS"),
        ("TANDEM_PIPEDRIVE_DAILY_TOKENS", "1.5", "TANDEM_PIPEDRIVE_DAILY_TOKENS"),
        ("TANDEM_BASE_URL", "http://tandem.example.com", "TANDEM_BASE_URL"),
        ("TANDEM_GOOGLE_API_URL", "people", "TANDEM_GOOGLE_API_URL"),
        ("TANDEM_HTTP_TIMEOUT_S", "", "TANDEM_HTTP_TIMEOUT_S"),
        ("TANDEM_SECRET_KEY", "short", "installation"),
        ("TANDEM_DATABASE_URL", "mysql://x", "TANDEM_DATABASE_URL"),
        ("TANDEM_DATA_DIR", "/proc/tandem", "installation"),
        ("TANDEM_SANDBOX_URL", "http://127.0.0.1:9", "installation"),
        ("TANDEM_SANDBOX_URL", "nonsense", "TANDEM_SANDBOX_URL"),
    ],
)
def test_a_wrong_setting(kept: Line, name: str, value: str, check: str) -> None:
    """It is named, with what to do; the rest is looked at all the same where that is possible."""
    kept.more[name] = value
    found = checks(kept)
    assert not found[check][0], found


def test_a_wrong_file_of_settings(kept: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `tandem.toml` that does not parse, or holds what nobody knows."""
    monkeypatch.chdir(kept.folder)
    for text in ("history_days = ", "history = 3", "[history]\ndays = 3"):
        (kept.folder / "tandem.toml").write_text(text)
        is_good, told, _ = checks(kept)["configuration"]
        assert (is_good, "tandem.toml" in told) == (False, True)
