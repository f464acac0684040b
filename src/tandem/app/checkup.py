"""Everything that Tandem needs, looked at piece by piece: the machine, the data directory, the settings, the accounts, the links.

Rules: asks each service one or two cheap questions; tells no secret and no contact; what is wrong says what to do; goes on after what is
wrong, so that one look shows all of it. Writes nothing that lasts.
"""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx2

from tandem.app.backing_up import last_backup
from tandem.app.checkup_accounts import accounts_of
from tandem.app.findings import SET, Finding, attempt
from tandem.app.hearing import PATH
from tandem.app.overview import Overview, overview
from tandem.app.places import KEY_NAME
from tandem.app.root import Tandem
from tandem.app.routing import place_of
from tandem.app.sandboxed import find_running
from tandem.app.sides import PIPEDRIVE
from tandem.config import DEFAULTS, Config
from tandem.databases import SqliteFile
from tandem.errors import TandemError, WrongInput
from tandem.store import models
from tandem.store.links import LinkState
from tandem.store.setup import applied

_LEAST_FREE_BYTES = 200_000_000
_OLD_BACKUP = timedelta(days=7)
#: A link that is going and has not come to an end for so long stands still.
_STILL = timedelta(days=1)
_OLDEST_SQLITE = (3, 35, 0)
_PATIENCE_S = 10.0


def wrong_settings(config: Config) -> dict[str, str]:
    """What is wrong with settings taken by themselves, by name."""
    found = {}
    for name, setting in config.settings.items():
        if not DEFAULTS[name] and not setting.text:
            continue
        try:
            if name.endswith(("_S", "_2S", "_MINUTE", "_TOKENS", "_PERCENT", "_DAYS", "_HOURS")):
                (config.number if name.endswith("_S") and not name.endswith("_2S") else config.whole)(name)
            elif name == "DATABASE_URL":
                _ = config.database
            elif name == "SMTP_URL":
                _ = config.mail
            elif name.endswith("_URL"):
                config.url(name)
        except WrongInput as error:
            found[name] = str(error)
    return found


def examine(config: Config) -> Iterator[Finding]:
    """Look at everything."""
    yield Finding("Python", True, f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield Finding("SQLite", False, f"{sqlite3.sqlite_version} is too old", "use a Python with SQLite 3.35 or newer")
    try:
        config = find_running(config)
    except TandemError as error:
        yield Finding("sandbox", False, str(error), "set TANDEM_SANDBOX_URL to a running one, or unset it")
    yield from _settings(config)
    path = config.data_dir
    if path.is_dir():
        yield from _place(config, path)
    try:
        tandem = Tandem(config)
    except TandemError as error:
        yield Finding("installation", False, str(error), "mend that first; then `tandem doctor` looks at accounts and links, too")
        return
    with tandem:
        yield from _Opened(tandem).findings()


def _settings(config: Config) -> Iterator[Finding]:
    wrong = wrong_settings(config)
    for name, sentence in wrong.items():
        yield Finding(f"TANDEM_{name}", False, sentence, SET)
    if not wrong:
        yield Finding("settings", True, "numbers and addresses can be used")


def _place(config: Config, path: Path) -> Iterator[Finding]:
    yield _private("data directory", path, "700")
    if config.text("SECRET_KEY"):
        yield Finding("secret key", True, "from TANDEM_SECRET_KEY")
    elif (path / KEY_NAME).exists():
        yield _private("secret key", path / KEY_NAME, "600")
    free = shutil.disk_usage(path).free
    yield Finding("disk space", free > _LEAST_FREE_BYTES, f"{free / 1e9:.1f} GB free", "" if free > _LEAST_FREE_BYTES else "make room")
    with suppress(WrongInput):  # said by the settings
        if isinstance(config.database, SqliteFile) and config.database.path.exists():
            yield _sound(config.database.path)


def _private(name: str, path: Path, wanted: str) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(name, False, f"{path}, mode {mode:04o}: others can read it", f"chmod {wanted} {path}")
    return Finding(name, True, f"{path}, mode {mode:04o}")


def _sound(path: Path) -> Finding:
    """Whether SQLite finds its file in order, page by page."""
    name, to_do = "database file", "stop Tandem, keep a copy of the file, and bring a backup back: `tandem restore FILE --replace`"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as reader:
            told = str(reader.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return Finding(name, False, f"SQLite cannot read it ({type(error).__name__})", to_do)
    return Finding(name, True, f"in order, {path.stat().st_size / 1e6:.1f} MB") if told == "ok" else Finding(name, False, "damaged", to_do)


@dataclass(slots=True)
class _Opened:
    """What can be looked at once the installation is open."""

    tandem: Tandem

    def findings(self) -> Iterator[Finding]:
        """All of it."""
        tandem = self.tandem
        yield attempt("database", tandem.check_database, "make room, or let this user write to the data directory")
        yield Finding("tables", True, f"up to date ({applied(tandem.alias)[-1]})")
        yield self._backup()
        if tandem.sandbox is not None:
            yield Finding("sandbox", True, f"answers at {tandem.sandbox.url}")
        yield from accounts_of(tandem)
        is_working = self._is_working()
        rows = tandem.links.all()
        yield self._base_url(rows, is_working=is_working)
        for row in rows:
            yield from self._link(row, is_working=is_working)

    def _is_working(self) -> bool:
        """Whether a process works in the data directory."""
        if not self.tandem.place.lock():
            return True
        self.tandem.place.unlock()
        return False

    def _backup(self) -> Finding:
        last, now = last_backup(self.tandem.config.data_dir), datetime.now().astimezone()
        advice = "`tandem backup FILE`; keep the file on another machine"
        if last is None:
            return Finding("backup", True, "none was made here yet", advice)
        days = (now - last.at).days
        text = f"the last one {last.at.astimezone():%Y-%m-%d %H:%M}, {last.path}"
        return Finding(
            "backup", True, text if days < _OLD_BACKUP.days else f"{text}: {days} days ago", advice if days >= _OLD_BACKUP.days else ""
        )

    def _base_url(self, rows: list[models.Link], *, is_working: bool) -> Finding:
        """Whether what is said to lead here does."""
        name = "TANDEM_BASE_URL"
        try:
            url = self.tandem.config.url("BASE_URL")
        except WrongInput as error:
            return Finding(name, False, str(error), SET)
        if place_of(url).is_local:
            return Finding(name, True, f"{url} is of this machine only: Pipedrive is asked for changes, and does not tell of them")
        going = next((row for row in rows if row.state in {LinkState.ACTIVE.value, LinkState.WAITING.value}), None)
        if not is_working or going is None:
            return Finding(name, True, f"{url}; whether it leads here shows while `tandem run` keeps a link going")
        try:
            status = httpx2.get(f"{url}{PATH}{self.tandem.hearing.ticket(going).place}", timeout=_PATIENCE_S).status_code
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Finding(name, False, f"{url} does not answer ({type(error).__name__})", "look at DNS, certificate and proxy")
        # Only our own listener knows this path, and takes nothing but POST there.
        to_do = "let the proxy pass /hooks/ on to port 8000 of 127.0.0.1"
        return Finding(
            name, status == 405, f"{url} " + ("leads here" if status == 405 else f"answers {status}"), "" if status == 405 else to_do
        )

    # Links

    def _link(self, row: models.Link, *, is_working: bool) -> Iterator[Finding]:
        view = overview(self.tandem, row)
        name = f"link {row.id}"
        yield self._standing(name, row, view, is_working=is_working)
        if row.state in {LinkState.ACTIVE.value, LinkState.WAITING.value}:
            yield self._webhooks(name, row, view)
        is_fine = view.budget != "exhausted"
        yield Finding(f"{name} budget", is_fine, f"{view.tokens_today} of {view.share} tokens today: {view.budget}",
                      "" if is_fine else "it goes on by itself; TANDEM_PIPEDRIVE_DAILY_SHARE_PERCENT gives it more")  # fmt: skip

    def _standing(self, name: str, row: models.Link, view: Overview, *, is_working: bool) -> Finding:
        """State, last success, and whether anybody keeps it going."""
        now = self.tandem.clock.now()
        told = f"{row.state}; last success {_ago(view.last_success_at, now)}"
        if row.lease_until is not None and row.lease_until > now:
            told += "; a process is working on it" if is_working else "; a process that worked on it has died, the next one takes over"
        if row.state in {LinkState.NEEDS_PERSON.value, LinkState.RESTORED.value}:
            return Finding(name, False, f"{told}. {view.sentence}", view.next_step)
        is_going = row.state in {LinkState.ACTIVE.value, LinkState.WAITING.value}
        is_still = view.last_success_at is None or now - view.last_success_at > _STILL
        if is_going and is_still and row.first_synced_at is not None:
            who = (
                "it may wait for a service; `tandem status` says for which"
                if is_working
                else "`tandem run` keeps links going; let it run as a service"
            )
            return Finding(name, False, f"{told}: it stands still", who)
        return Finding(name, True, told, view.next_step)

    def _webhooks(self, name: str, row: models.Link, view: Overview) -> Finding:
        name = f"{name} webhooks"
        watched = next(item for item in view.watched if item.product == PIPEDRIVE)
        if not watched.tells:
            return Finding(name, True, f"off. {watched.sentence or '`tandem run` registers them.'}")
        try:
            lacking = self.tandem.hearing.count_lacking(row)
        except TandemError as error:
            return Finding(name, True, f"on; Pipedrive does not say whether they are there ({type(error).__name__})")
        heard = f"; the last delivery came {_ago(watched.heard_at, self.tandem.clock.now())}" if watched.heard_at else ""
        if lacking:
            return Finding(
                name,
                False,
                f"{lacking} of them are not there any more{heard}",
                "`tandem run` makes them again within six hours, or when it starts",
            )
        return Finding(name, True, f"on, and there{heard}")


def _ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    minutes = int((now - at).total_seconds() // 60)
    return f"{minutes} minutes ago" if minutes < 120 else f"{minutes // 60} hours ago" if minutes < 2880 else f"{minutes // 1440} days ago"
