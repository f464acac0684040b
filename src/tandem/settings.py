"""Django's settings, built once from Tandem's configuration. What depends on an opened installation is filled in by web/serving.py."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tandem.config import load

_config = load()
_web = Path(__file__).parent / "web"
_base = urlsplit(_config.text("BASE_URL"))
_is_https = _base.scheme == "https"

#: Replaced by one derived from the installation's key before anything is signed.
SECRET_KEY = _config.text("SECRET_KEY") or "unused"
INSTALLED_APPS = ["tandem.store"]
DATABASES = {"default": _config.database.entry()}
DATABASE_ROUTERS = ["tandem.store.current.CurrentDatabase"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# Django's own logging set-up would print tracebacks with queries; ours is made in cli.py.
LOGGING_CONFIG = None

# The pages

ROOT_URLCONF = "tandem.web.urls"
APPEND_SLASH = False
MIDDLEWARE = [
    "tandem.web.guarding.Guard",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.CommonMiddleware",  # without it nobody looks at the host
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tandem.web.speaking.Language",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_web / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csrf",
                "django.contrib.messages.context_processors.messages",
                "tandem.web.framing.frame",
            ],
            "builtins": ["django.templatetags.i18n", "tandem.web.telling"],
        },
    }
]
SESSION_ENGINE = "tandem.store.browsers"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
#: Whoever reads no page for so long signs in again, in seconds.
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-tandem" if _is_https else "tandem"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
CSRF_COOKIE_NAME = "__Host-tandem-form" if _is_https else "tandem-form"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "tandem.web.pages.errors.form_too_old"
#: By another name nobody reaches us, so that no other site can point its name at this machine.
ALLOWED_HOSTS = [_base.hostname or "localhost"] if _is_https else ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"https://{_base.netloc}"] if _is_https else []
SECURE_SSL_REDIRECT = _is_https
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # both: what else lives under the domain is not ours to decide
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _is_https else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pl", "Polski")]
LANGUAGE_COOKIE_NAME = "tandem-language"
STATIC_URL = "/static/"
