"""Connecting an account in the browser, as `tandem account add` does it.

Rules: the address is always printed, on standard error; a browser is opened only where there is one with windows, since a text browser
would take the terminal and cannot sign in anyway.
"""

from __future__ import annotations

import contextlib
import os
import sys
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import local, note, print_json, say
from tandem.errors import NotConnected, Unavailable, WrongInput

if TYPE_CHECKING:
    from tandem.accounts.consent import Ended
    from tandem.app import Tandem
    from tandem.app.awaiting import Attempt

NoBrowserOption = Annotated[bool, typer.Option("--no-browser", help="Print the address only; open it yourself.")]
PasteOption = Annotated[
    bool, typer.Option("--paste", help="For a browser elsewhere: open the printed address there, and paste the address it ends on.")
]
ReconnectOption = Annotated[
    str | None, typer.Option("--reconnect", metavar="ACCOUNT", help="It must be this account; another one is not stored.")
]

_LONGEST_ADDRESS = 8192
_TITLES = {"google": "Google", "pipedrive": "Pipedrive"}


def by_browser(service: str, *, opens: bool, is_pasted: bool, reconnect: str, is_json: bool) -> None:
    """Connect an account of a service. Raises what speaks against it."""
    with open_tandem() as tandem:
        from tandem.app.awaiting import Attempt  # noqa: PLC0415 - see tandem.cli

        with Attempt(tandem, service, expected=reconnect.strip(), is_pasted=is_pasted) as attempt:
            ended = _ended(attempt, service, opens=opens, is_pasted=is_pasted)
        _say_end(tandem, ended, is_json=is_json)


def _ended(attempt: Attempt, service: str, *, opens: bool, is_pasted: bool) -> Ended:
    begun = attempt.begun
    note(f"Sign in to {_TITLES[service]} and allow Tandem, at this address:")
    note(f"  {begun.address}")
    if is_pasted:
        note(f"Afterwards the browser ends on an address that begins with {begun.redirect_uri} (it may say that it cannot be reached).")
        note(f"Paste that whole address here, until {local(begun.expires_at)[11:]}:")
        pasted = sys.stdin.readline(_LONGEST_ADDRESS + 1)
        if not pasted.strip() or len(pasted) > _LONGEST_ADDRESS:
            raise WrongInput("No address was pasted; nothing was stored.")
        return attempt.take(pasted)
    if opens and not _open(begun.address):
        note("No browser could be opened here: open the address yourself, on this machine, or use --paste.")
    note(f"Waiting for the answer until {local(begun.expires_at)[11:]} (ten minutes); Ctrl-C gives up.")
    return attempt.wait()


def _open(address: str) -> bool:
    """Open a browser with windows; whether there is one."""
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")):
        return False
    with contextlib.suppress(webbrowser.Error, OSError):
        return webbrowser.open(address)
    return False


def _say_end(tandem: Tandem, ended: Ended, *, is_json: bool) -> None:
    from tandem.accounts.consent import Outcome  # noqa: PLC0415 - see tandem.cli

    if ended.outcome is Outcome.UNAVAILABLE:
        raise Unavailable(ended.sentence)
    if ended.outcome is not Outcome.CONNECTED:
        raise NotConnected(ended.sentence)
    account = tandem.accounts.find(ended.label)
    if is_json:
        print_json({"account": ended.label, "name": account.name, "sentence": ended.sentence})
        return
    say(f"Connected {account.name} as {ended.label}.")
    if ended.sentence:
        say(ended.sentence)
