"""The command line: parses, calls, prints.

Rules: results go to standard output and everything else to standard error; with `--json` standard output holds one JSON object,
errors too, and nothing else. Exit codes: 0 in sync or done, 1 failed, 2 wrong usage, 3 waits for a person, 4 reconnect needed,
5 quota exhausted, 6 not finished. Tandem itself is imported inside commands, so that `--help` is quick and always works.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tandem import __version__
from tandem.cli import accounts, backups, doctor, links, loading, reviewing, running, sandbox, scoping, seeing, syncing, telling, undoing
from tandem.cli.outermost import Outermost, watch_verbosely

app = typer.Typer(cls=Outermost, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("run")(running.keep_going)
app.add_typer(accounts.app, name="account")
app.add_typer(links.app, name="link")
links.app.command("regroup")(scoping.regroup)
links.app.command("let-go")(scoping.let_go)
app.command("preview")(syncing.preview)
app.command("sync")(syncing.sync)
app.command("status")(seeing.status)
app.command("review")(reviewing.review)
app.command("history")(seeing.history)
app.command("undo")(undoing.undo)
app.command("exclude")(undoing.exclude)
app.command("explain")(telling.explain)
app.command("forget")(telling.forget)
app.add_typer(sandbox.app, name="sandbox")
sandbox.app.command("load")(loading.load)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.command("doctor")(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tandem {__version__}")
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", help="Say on standard error what is asked of the services.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Keeps the persons of Pipedrive and the contacts of Google the same.

    Try it without any account: tandem run
    """
    del version
    if verbose:
        watch_verbosely()


def main() -> None:
    """Run the command line."""
    app(prog_name="tandem")
