"""`tandem account`: connect accounts, list them, and end their connection."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.consenting import NoBrowserOption, PasteOption, ReconnectOption, by_browser
from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, iso, local, print_json, print_table, say
from tandem.errors import ReconnectNeeded, Rejected, TandemError, WrongInput

if TYPE_CHECKING:
    from tandem.app import Tandem
    from tandem.store.models import Account, Grant

app = typer.Typer(no_args_is_help=True, help="Connect accounts of Google and Pipedrive.")
add_app = typer.Typer(no_args_is_help=True, help="Connect an account; a known one gets the new token.")
app.add_typer(add_app, name="add")

_LONGEST_TOKEN = 4096
_HOW = {"oauth": "OAuth", "api-token": "API token"}


@add_app.command("google")
def add_google(
    refresh_token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of the browser: a file that holds an OAuth refresh token; - reads standard input."),
    ] = None,
    no_browser: NoBrowserOption = False,
    paste: PasteOption = False,
    reconnect: ReconnectOption = None,
    is_json: JsonOption = False,
) -> None:
    """Connect a Google account: opens a browser, where you sign in and allow Tandem to see and edit your contacts."""
    _check_alone("--refresh-token-file", refresh_token_file, no_browser=no_browser, paste=paste, reconnect=reconnect)
    if refresh_token_file is None:
        by_browser("google", opens=not no_browser, is_pasted=paste, reconnect=reconnect or "", is_json=is_json)
        return
    token = _token(refresh_token_file, "--refresh-token-file")
    with open_tandem() as tandem:
        try:
            account = tandem.connecting.google(token)
        except ReconnectNeeded:
            raise TandemError("Google does not accept this refresh token: it is mistyped, revoked, or of another client.") from None
        _say_added(account.settings["label"], account.name, is_json=is_json)


@add_app.command("pipedrive")
def add_pipedrive(
    api_token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of the browser: a file that holds a personal API token; - reads standard input."),
    ] = None,
    no_browser: NoBrowserOption = False,
    paste: PasteOption = False,
    reconnect: ReconnectOption = None,
    is_json: JsonOption = False,
) -> None:
    """Connect a Pipedrive user: opens a browser, where you sign in and allow your app; or by the personal API token.

    The token stands in Pipedrive under Personal preferences > API. The browser needs an app of your own in Pipedrive's Developer Hub.
    """
    _check_alone("--api-token-file", api_token_file, no_browser=no_browser, paste=paste, reconnect=reconnect)
    if api_token_file is None:
        by_browser("pipedrive", opens=not no_browser, is_pasted=paste, reconnect=reconnect or "", is_json=is_json)
        return
    token = _token(api_token_file, "--api-token-file")
    with open_tandem() as tandem:
        try:
            account = tandem.connecting.pipedrive(token)
        except (ReconnectNeeded, Rejected):
            raise TandemError("Pipedrive does not accept this API token: copy it again from Personal preferences > API.") from None
        _say_added(account.settings["label"], account.name, is_json=is_json)


@app.command("list")
def list_accounts(is_json: JsonOption = False) -> None:
    """List the connected accounts: how each is connected, which rights it lacks, and whether it has to be connected again."""
    with open_tandem() as tandem:
        rows = [_data(tandem, row) for row in tandem.accounts.all()]
        if is_json:
            print_json({"accounts": rows})
        elif not rows:
            say("No account is connected yet; `tandem account add --help` says how.")
        else:
            print_table(("ACCOUNT", "NAME", "HOW", "STATE", "CONNECTED"), [_shown(tandem, row) for row in tandem.accounts.all()])
            for data in rows:
                for lack in data["lacking"] if isinstance(data["lacking"], list) else []:
                    say(f"{data['account']} lacks the right {lack}.")


@app.command("remove")
def remove(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its name in `tandem account list`.")],
    is_forced: Annotated[
        bool, typer.Option("--force", help="Forget it here even when its service cannot be told; you end its access there yourself.")
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """End the connection of an account that no link uses: its service is told, and its tokens are erased."""
    with open_tandem() as tandem:
        removed = tandem.disconnecting.remove(account.strip(), is_forced=is_forced)
        if is_json:
            print_json({"account": removed.label, "state": "removed", "revoked": removed.is_revoked, "sentence": removed.sentence})
            return
        told = "Its access was ended at the service, and" if removed.is_revoked else "Here"
        say(f"{removed.label} is not connected any more. {told} nothing of its tokens is left. {removed.sentence}".rstrip())


def _data(tandem: Tandem, row: Account) -> dict[str, object]:
    from tandem.accounts.rights import lacking  # noqa: PLC0415 - see tandem.cli
    from tandem.store.grants import Grants  # noqa: PLC0415

    grant = Grants(tandem.alias).of(row.id)
    return {
        "account": row.settings["label"],
        "service": row.service,
        "name": row.name,
        "connected_at": iso(row.created_at),
        "how": grant.kind if grant is not None else "",
        "scopes": grant.scopes if grant is not None else [],
        "lacking": lacking(row.service, grant.scopes) if grant is not None else [],
        "state": "fine" if grant is not None and not _is_refused(tandem, row, grant) else "connect-again",
    }


def _is_refused(tandem: Tandem, row: Account, grant: Grant) -> bool:
    """Whether the service has refused it and nothing has worked since."""
    refused_at = grant.refused_at
    successes = [link.last_success_at for link in tandem.links.using(row.id) if link.last_success_at is not None]
    return refused_at is not None and not any(at > refused_at for at in successes)


def _shown(tandem: Tandem, row: Account) -> tuple[str, ...]:
    data = _data(tandem, row)
    state = "fine" if data["state"] == "fine" else "connect again"
    return str(data["account"]), row.name, _HOW.get(str(data["how"]), "-"), state, local(row.created_at)


def _check_alone(option: str, path: Path | None, *, no_browser: bool, paste: bool, reconnect: str | None) -> None:
    """A token in a file and the browser are two ways. WrongInput for both at once."""
    if path is not None and (no_browser or paste or reconnect):
        raise WrongInput(f"{option} connects without a browser: it does not go together with --no-browser, --paste and --reconnect.")


def _token(path: Path, option: str) -> str:
    """The token in a file. WrongInput for anything that cannot be one."""
    try:
        text = sys.stdin.read(_LONGEST_TOKEN + 1) if str(path) == "-" else path.read_text("utf-8")[: _LONGEST_TOKEN + 1]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise WrongInput(f"{option}: {path} cannot be read ({reason}).") from None
    token = text.strip()
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii() or any(sign.isspace() for sign in token):
        raise WrongInput(f"{option}: {path} must hold the token and nothing else, on one line.")
    return token


def _say_added(label: object, name: str, *, is_json: bool) -> None:
    if is_json:
        print_json({"account": label, "name": name})
    else:
        say(f"Connected {name} as {label}.")
