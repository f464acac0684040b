"""`tandem backup` and `tandem restore`.

Rules: a passphrase comes out of a file, from standard input, or is asked for on a terminal; it is never an argument, and never printed.
"""

from __future__ import annotations

import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import configuration
from tandem.cli.printing import JsonOption, counted, local, print_json, say
from tandem.errors import WrongInput

if TYPE_CHECKING:
    from tandem.app.restoring import Restored
    from tandem.store.dumping import Summary

PassphraseOption = Annotated[
    str | None, typer.Option("--passphrase-file", metavar="F", help="A file whose first line is the passphrase; - is standard input.")
]
_WAITS_FOR_PERSON = 3


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    passphrase_file: PassphraseOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Write everything that Tandem keeps into one encrypted file. It may go on working meanwhile.

    The file holds the database and the secret key: whoever has it and the passphrase may act for the connected accounts.
    """
    config = configuration()
    from tandem.app.backing_up import back_up  # noqa: PLC0415 - see tandem.cli

    made = back_up(config, file, lambda: _passphrase(passphrase_file, is_new=True), is_forced=force)
    if is_json:
        print_json({"file": str(made.path), "bytes": made.size, **_data(made.summary)})
    else:
        say(f"{made.path}: {made.size:,} bytes, {_told(made.summary)}.")
        say("Without the passphrase nobody can open it, you neither. `tandem restore` brings it back.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `tandem backup` has written.")],
    passphrase_file: PassphraseOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of what is there (SQLite); that is kept aside.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Bring everything back out of a backup. Writes nothing to Google or Pipedrive: each link waits for you to look at its preview.

    Stop the old installation first, wherever it runs. With TANDEM_DATABASE_URL set, that database must not be in use yet.

    Exit codes: 0 restored, 3 restored, and links wait for you; 1 and 2: nothing has changed.
    """
    config = configuration()
    from tandem.app.restoring import restore as bring_back  # noqa: PLC0415

    done = bring_back(config, file, lambda: _passphrase(passphrase_file, is_new=False), is_replacing=replace)
    if is_json:
        kept = str(done.kept) if done.kept else None
        print_json({"file": str(file), **_data(done.summary), "waiting": list(done.waiting), "kept": kept})
    else:
        _say_restored(done)
    if done.waiting:
        raise typer.Exit(_WAITS_FOR_PERSON)


def _say_restored(done: Restored) -> None:
    say(f"Restored: {_told(done.summary)}.")
    if done.kept is not None:
        say(f"What was here before is kept in {done.kept}.")
    for link in done.waiting:
        say(f"Link {link} writes nothing yet: `tandem preview {link}` shows what follows, `tandem sync {link}` does it.")
    say("The old installation must not run any more, wherever it was.")


def _data(summary: Summary) -> dict[str, object]:
    return {
        "made_at": summary.made_at.isoformat(), "links": summary.links, "pairs": summary.pairs, "records": summary.records,
        "installation": summary.installation,
    }  # fmt: skip


def _told(summary: Summary) -> str:
    held = f"{counted(summary.links, 'link')}, {counted(summary.pairs, 'pair')}, {counted(summary.records, 'record')}"
    return f"{held}, as of {local(summary.made_at)}"


def _passphrase(file: str | None, *, is_new: bool) -> str:
    """The passphrase. Raises WrongInput where there is nowhere to take it from."""
    if file is None:
        return _asked(is_new=is_new)
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text("utf-8")
    except OSError as error:
        raise WrongInput(f"The passphrase file {file} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise WrongInput(f"The passphrase file {file} is no text.") from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise WrongInput(f"The passphrase file {file} has nothing in its first line.")
    return lines[0]


def _asked(*, is_new: bool) -> str:
    if not sys.stdin.isatty():
        raise WrongInput("There is no terminal to ask for the passphrase; --passphrase-file F takes it out of a file.")
    passphrase = getpass("Passphrase: ")
    if is_new and getpass("Once more: ") != passphrase:
        raise WrongInput("The two passphrases are not the same; nothing was written.")
    return passphrase
