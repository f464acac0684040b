"""`tandem doctor`: each setting and where it came from, and whether everything that Tandem needs works.

Rules: asks each service one cheap question; prints no secret; goes on after what is wrong, so that one run shows all of it.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tandem.cli.printing import JsonOption, print_json, print_table, say
from tandem.config import Config, load
from tandem.errors import TandemError

if TYPE_CHECKING:
    from tandem.app import Tandem
    from tandem.store.models import Account

_LEAST_FREE_BYTES = 200_000_000
#: Two clocks may differ by this much before tokens and expiries go wrong.
_CLOCK_SLACK_S = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    is_good: bool
    text: str


def doctor(is_json: JsonOption = False) -> None:
    """Look at everything Tandem needs. Exit code 1 when something is wrong."""
    config, findings = _configured()
    findings += list(_examine(config)) if config is not None else []
    settings = config.settings.values() if config is not None else ()
    is_good = all(finding.is_good for finding in findings)
    if is_json:
        print_json(
            {
                "ok": is_good,
                "checks": [{"name": finding.name, "ok": finding.is_good, "text": finding.text} for finding in findings],
                "settings": [{"name": f"TANDEM_{item.name}", "value": item.shown, "source": item.source} for item in settings],
            }
        )
    else:
        print_table(("SETTING", "VALUE", "FROM"), [(f"TANDEM_{item.name}", item.shown or "-", item.source) for item in settings])
        say()
        print_table(("", "CHECK", ""), [("ok" if finding.is_good else "BAD", finding.name, finding.text) for finding in findings])
        say()
        say("All good." if is_good else "Something is wrong: see BAD above.")
    if not is_good:
        raise typer.Exit(1)


def _configured() -> tuple[Config | None, list[Finding]]:
    try:
        config = load()
        from tandem.app.sandboxed import find_running  # noqa: PLC0415 - see tandem.cli

        return find_running(config), []
    except TandemError as error:
        return None, [Finding("configuration", False, str(error))]


def _examine(config: Config) -> Iterator[Finding]:
    from tandem.app import Tandem  # noqa: PLC0415

    try:
        tandem = Tandem(config)
    except TandemError as error:
        yield Finding("installation", False, str(error))
        return
    with tandem:
        yield from _examine_place(tandem)
        yield _attempt("settings", lambda: _numbers(tandem.config))
        if tandem.sandbox is not None:
            yield Finding("sandbox", True, f"answers at {tandem.sandbox.url}")
        accounts = tandem.accounts.all()
        for service in ("google", "pipedrive"):
            yield _client(tandem, service)
            yield _attempt(f"redirect {service}", lambda service=service: _redirect(tandem, service))  # type: ignore[misc]
        if not accounts:
            yield Finding("accounts", True, "none is connected yet")
        for account in accounts:
            label = account.settings["label"]
            yield _attempt(f"account {label}", lambda account=account: _identity(tandem, account))  # type: ignore[misc]
            yield from (Finding(f"rights of {label}", True, f"without {lack}") for lack in _lacking(tandem, account))
        connected = {account.service for account in accounts}
        for service in sorted({"google", "pipedrive"} - connected):
            yield _attempt(f"reach {service}", lambda service=service: tandem.services.reach(service))  # type: ignore[misc]


def _client(tandem: Tandem, service: str) -> Finding:
    """Whether the installation can prove itself to a service in the browser's way."""
    names = [f"{service.upper()}_CLIENT_{part}" for part in ("ID", "SECRET")]
    missing = [f"TANDEM_{name}" for name in names if not tandem.config.text(name)]
    if not missing:
        return Finding(f"client {service}", True, "id and secret are set")
    is_needed = len(missing) == 1 or any(_is_by_oauth(tandem, row) for row in tandem.accounts.all() if row.service == service)
    return Finding(f"client {service}", not is_needed, f"not set: {', '.join(missing)}; needed to connect in the browser")


def _redirect(tandem: Tandem, service: str) -> str:
    """Where the answers of consents arrive. WrongInput when they could not."""
    return f"to register there: {tandem.proofs.redirect_uri(service)}"


def _is_by_oauth(tandem: Tandem, account: Account) -> bool:
    from tandem.store.grants import GrantKind, Grants  # noqa: PLC0415

    grant = Grants(tandem.alias).of(account.id)
    return grant is not None and grant.kind == GrantKind.OAUTH.value


def _lacking(tandem: Tandem, account: Account) -> list[str]:
    from tandem.accounts.rights import lacking  # noqa: PLC0415
    from tandem.store.grants import Grants  # noqa: PLC0415

    grant = Grants(tandem.alias).of(account.id)
    return lacking(account.service, grant.scopes) if grant is not None else []


def _examine_place(tandem: Tandem) -> Iterator[Finding]:
    from tandem.app.places import KEY_NAME  # noqa: PLC0415

    path = tandem.place.path
    yield _private("data directory", path, "700")
    if tandem.config.text("SECRET_KEY"):
        yield Finding("secret key", True, "from TANDEM_SECRET_KEY")
    else:
        yield _private("secret key", path / KEY_NAME, "600")
    yield _attempt("database", tandem.check_database)
    free = shutil.disk_usage(path).free
    yield Finding("disk space", free > _LEAST_FREE_BYTES, f"{free / 1e9:.1f} GB free")


def _private(name: str, path: Path, wanted: str) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    is_open = bool(mode & 0o077)
    return Finding(name, not is_open, f"{path}, mode {mode:04o}" + (f", others can read it: chmod {wanted} {path}" if is_open else ""))


def _numbers(config: Config) -> str:
    """Whether every number and address can be used."""
    for name, setting in config.settings.items():
        if name.endswith(("_S", "_2S", "_MINUTE", "_TOKENS", "_PERCENT", "_DAYS")) and setting.text:
            config.number(name)
        elif name.endswith("_URL") and name not in {"DATABASE_URL", "BASE_URL"} and setting.text:
            config.url(name)
    return "numbers and addresses can be used"


def _identity(tandem: Tandem, account: Account) -> str:
    """One cheap call with the account's token; and how far the service's clock is from ours."""
    skew_s = tandem.services.ask(account)
    if tandem.sandbox is None and skew_s is not None and abs(skew_s) > _CLOCK_SLACK_S:
        raise TandemError(f"the token works, but this machine's clock is {abs(skew_s):.0f} s off: set the clock")
    return f"{account.name}: the token works"


def _attempt(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except TandemError as error:
        return Finding(name, False, str(error))
    except OSError as error:
        return Finding(name, False, error.strerror or type(error).__name__)
