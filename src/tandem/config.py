"""Tandem's configuration: environment first, then `tandem.toml`, then the default; read once into a frozen value.

Rules: every name is documented in docs/configuration.md (a test compares the two); a value that cannot be used is a
`WrongInput` that names the variable and what it takes. Secrets are never printed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from tandem.databases import Database, described
from tandem.errors import WrongInput

TOML_NAME = "tandem.toml"

#: name -> default, as text. Names are without the prefix TANDEM_. "" means: not set.
DEFAULTS: Mapping[str, str] = {
    "DATA_DIR": "~/.local/share/tandem",
    "DATABASE_URL": "",
    "BASE_URL": "http://127.0.0.1:8000",
    "SECRET_KEY": "",
    "GOOGLE_CLIENT_ID": "",
    "GOOGLE_CLIENT_SECRET": "",
    "GOOGLE_API_URL": "https://people.googleapis.com",
    "GOOGLE_AUTH_URL": "https://accounts.google.com/o/oauth2/v2/auth",
    "GOOGLE_TOKEN_URL": "https://oauth2.googleapis.com/token",
    "GOOGLE_REVOKE_URL": "https://oauth2.googleapis.com/revoke",
    "PIPEDRIVE_CLIENT_ID": "",
    "PIPEDRIVE_CLIENT_SECRET": "",
    "PIPEDRIVE_OAUTH_URL": "https://oauth.pipedrive.com/oauth",
    "PIPEDRIVE_API_URL": "https://api.pipedrive.com",
    "GOOGLE_READS_PER_MINUTE": "60",
    "GOOGLE_WRITES_PER_MINUTE": "30",
    "GOOGLE_PROJECT_READS_PER_MINUTE": "",
    "GOOGLE_PROJECT_WRITES_PER_MINUTE": "",
    "PIPEDRIVE_BURST_PER_2S": "20",
    "PIPEDRIVE_DAILY_TOKENS": "30000",
    "PIPEDRIVE_DAILY_SHARE_PERCENT": "50",
    "HISTORY_DAYS": "90",
    "GOOGLE_READ_LAG_S": "600",
    "PIPEDRIVE_READ_LAG_S": "120",
    "BIRTH_QUIET_S": "120",
    "HTTP_TIMEOUT_S": "30",
    "SMTP_URL": "",
    "ALERT_WEBHOOK_URL": "",
    "ALERT_AFTER_HOURS": "24",
    "SANDBOX_URL": "",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SECRETS = frozenset({"SECRET_KEY", "GOOGLE_CLIENT_SECRET", "PIPEDRIVE_CLIENT_SECRET", "DATABASE_URL", "SMTP_URL", "ALERT_WEBHOOK_URL"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One configured value, as text, and where it came from ("environment", the file's path, or "default")."""

    name: str
    text: str
    source: str

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        return "(set)" if self.text and self.name in SECRETS else self.text


@dataclass(frozen=True, slots=True)
class Config:
    """All settings by name (without the prefix)."""

    settings: Mapping[str, Setting]

    def text(self, name: str) -> str:
        """The value as it stands; empty when not set."""
        return self.settings[name].text

    def number(self, name: str) -> float:
        """The value as a number that is not negative."""
        setting = self.settings[name]
        try:
            value = float(setting.text)
        except ValueError:
            value = -1.0
        if not 0.0 <= value < 1e9:
            raise WrongInput(f"TANDEM_{name} must be a number, 0 or more; it is {setting.text!r} (from {setting.source}).")
        return value

    def whole(self, name: str) -> int:
        """The value as a whole number that is not negative."""
        value = self.number(name)
        if value != int(value):
            raise WrongInput(f"TANDEM_{name} must be a whole number; it is {self.text(name)!r}.")
        return int(value)

    def optional_whole(self, name: str) -> int | None:
        """The value as a whole number, or None when it is not set."""
        return self.whole(name) if self.text(name) else None

    def url(self, name: str) -> str:
        """The value as an address without a closing slash; plain http is taken on loopback only."""
        text = self.text(name).rstrip("/")
        try:
            parts = urlsplit(text)
            is_whole = bool(parts.hostname) and parts.port != 0 and not (parts.username or parts.password or parts.query or parts.fragment)
        except ValueError:
            raise WrongInput(f"TANDEM_{name} must be an address such as https://tandem.example.com; it is {text!r}.") from None
        if not is_whole or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
            raise WrongInput(f"TANDEM_{name} must begin with https:// (http:// is taken on this machine only); it is {text!r}.")
        return text

    @property
    def mail(self) -> MailServer | None:
        """The server that mails go out by; None when there is none. Raises WrongInput."""
        text = self.text("SMTP_URL")
        return mail_server(text) if text else None

    @property
    def data_dir(self) -> Path:
        """Where everything is kept."""
        return Path(self.text("DATA_DIR")).expanduser()

    @property
    def database(self) -> Database:
        """What everything is kept in. Raises WrongInput."""
        return described(self.text("DATABASE_URL"), self.data_dir)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go out, from whom, and to whom instead of each link's Google address."""

    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    #: From the first byte (smtps), else by STARTTLS where it is not this machine.
    is_tls: bool
    sender: str
    to: str


def mail_server(text: str) -> MailServer:
    """A mail server out of `smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS&to=ADDRESS`; smtps is TLS from the first byte.

    Raises:
        WrongInput: it cannot be taken apart; what it says holds no part of it.
    """
    try:
        parts = urlsplit(text)
        more = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        is_tls, host, port = parts.scheme == "smtps", parts.hostname or "", parts.port
    except ValueError:
        host, more, is_tls, port, parts = "", {}, False, None, urlsplit("")
    user = unquote(parts.username or "")
    sender = more.get("from") or (user if "@" in user else "")
    if parts.scheme not in {"smtp", "smtps"} or not host or "@" not in sender or more.keys() - {"from", "to"}:
        raise WrongInput("TANDEM_SMTP_URL must look like smtp://USER:PASSWORD@HOST:587?from=tandem@example.com (or smtps://...:465).")
    return MailServer(host, port or (465 if is_tls else 587), user, unquote(parts.password or ""), is_tls, sender, more.get("to", ""))


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Config:
    """Read the environment and `tandem.toml` of the given (or present) folder.

    Raises:
        WrongInput: the file does not parse, names what is not known, or an unknown TANDEM_ variable is set.
    """
    environ = os.environ if environ is None else environ
    path = (folder or Path.cwd()) / TOML_NAME
    filed = _read_toml(path)
    for name in environ:
        if name.startswith("TANDEM_") and name.removeprefix("TANDEM_") not in DEFAULTS and not name.startswith("TANDEM_TEST_"):
            raise WrongInput(f"{name} is not a setting of Tandem; `tandem doctor` lists them all.")
    settings = {}
    for name, default in DEFAULTS.items():
        if f"TANDEM_{name}" in environ:
            settings[name] = Setting(name, environ[f"TANDEM_{name}"].strip(), "environment")
        elif name in filed:
            settings[name] = Setting(name, filed[name], str(path))
        else:
            settings[name] = Setting(name, default, "default")
    return Config(settings)


def _read_toml(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongInput(f"{path} cannot be read: {error}") from error
    values = {}
    for key, value in content.items():
        name = key.upper().removeprefix("TANDEM_")
        if name not in DEFAULTS or not isinstance(value, str | int | float):
            raise WrongInput(f"{path}: {key!r} is not a setting of Tandem; write names as in docs/configuration.md, one value each.")
        values[name] = str(value)
    return values
