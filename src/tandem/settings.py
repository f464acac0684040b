"""Django's settings, built once from Tandem's configuration."""

from __future__ import annotations

from tandem.config import load

_config = load()

#: Nothing is signed with it yet; sessions will be, under the key in the data directory.
SECRET_KEY = _config.text("SECRET_KEY") or "unused"
INSTALLED_APPS = ["tandem.store"]
DATABASES = {"default": _config.database.entry()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# Django's own logging set-up would print tracebacks with queries; ours is made in cli.py.
LOGGING_CONFIG = None
