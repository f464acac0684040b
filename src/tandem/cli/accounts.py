"""`tandem account`: connect accounts and list them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, iso, local, print_json, print_table, say
from tandem.errors import ReconnectNeeded, Rejected, TandemError, WrongInput

if TYPE_CHECKING:
    from tandem.store.models import Account

app = typer.Typer(no_args_is_help=True, help="Connect accounts of Google and Pipedrive.")
add_app = typer.Typer(no_args_is_help=True, help="Connect an account; a known one gets the new token.")
app.add_typer(add_app, name="add")

_LONGEST_TOKEN = 4096


@add_app.command("google")
def add_google(
    refresh_token_file: Annotated[
        Path | None, typer.Option(help="A file that holds an OAuth refresh token; - reads standard input.")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Connect a Google account by its refresh token, which must cover the right to contacts."""
    token = _token(refresh_token_file, "--refresh-token-file", "an OAuth refresh token of the Google account")
    with open_tandem() as tandem:
        try:
            account = tandem.connecting.google(token)
        except ReconnectNeeded:
            raise TandemError("Google does not accept this refresh token: it is mistyped, revoked, or of another client.") from None
        _say_added(account.settings["label"], account.name, is_json=is_json)


@add_app.command("pipedrive")
def add_pipedrive(
    api_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file that holds a personal API token; - reads standard input.")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Connect a Pipedrive user by the personal API token (Pipedrive: Personal preferences > API)."""
    token = _token(api_token_file, "--api-token-file", "the personal API token of the Pipedrive user")
    with open_tandem() as tandem:
        try:
            account = tandem.connecting.pipedrive(token)
        except (ReconnectNeeded, Rejected):
            raise TandemError("Pipedrive does not accept this API token: copy it again from Personal preferences > API.") from None
        _say_added(account.settings["label"], account.name, is_json=is_json)


@app.command("list")
def list_accounts(is_json: JsonOption = False) -> None:
    """List the connected accounts."""
    with open_tandem() as tandem:
        rows = tandem.accounts.all()
        if is_json:
            print_json({"accounts": [_data(row) for row in rows]})
        elif not rows:
            say("No account is connected yet; `tandem account add --help` says how.")
        else:
            print_table(("ACCOUNT", "NAME", "CONNECTED"), [(row.settings["label"], row.name, local(row.created_at)) for row in rows])


def _data(row: Account) -> dict[str, object]:
    return {"account": row.settings["label"], "service": row.service, "name": row.name, "connected_at": iso(row.created_at)}


def _token(path: Path | None, option: str, what: str) -> str:
    """The token in a file. WrongInput for anything that cannot be one."""
    if path is None:
        raise WrongInput(f"Give {what}: {option} FILE. (Signing in through the browser is not there yet.)")
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
