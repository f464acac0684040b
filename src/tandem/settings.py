"""Django's settings, built once from Tandem's configuration.

SQLite: IMMEDIATE, so that two writers wait for each other instead of failing half way; WAL with synchronous=FULL, because a
lost intent is a duplicated contact.
"""

from __future__ import annotations

from typing import Final

from tandem.config import load

SQLITE_OPTIONS: Final = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}

_config = load()

#: Nothing is signed with it yet; sessions will be, under the key in the data directory.
SECRET_KEY = _config.text("SECRET_KEY") or "unused"
INSTALLED_APPS = ["tandem.store"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _config.database_path, "OPTIONS": SQLITE_OPTIONS}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# Django's own logging set-up would print tracebacks with queries; ours is made in cli.py.
LOGGING_CONFIG = None
