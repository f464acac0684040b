"""`tandem preview` and `tandem sync`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.plans import plan_data, say_plan
from tandem.cli.printing import JsonOption, LinkArgument, note, print_json
from tandem.cli.progress import Progress
from tandem.cli.results import say_result
from tandem.errors import WrongInput

if TYPE_CHECKING:
    from tandem.app import Tandem
    from tandem.app.results import Result

_ASK_EVERY_S = 0.2


def preview(
    link: LinkArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Show every line, not the first ten of each kind.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Show what the next sync would do. Changes nothing, here or there."""
    with open_tandem() as tandem:
        from tandem.app.estimates import estimate  # noqa: PLC0415 - see tandem.cli

        row = tandem.links.find(link)
        with Progress(is_quiet=is_json) as progress:
            shown = tandem.preview(row.id, news=progress.news)
        cost = estimate(shown, tandem.config)
        if is_json:
            print_json(plan_data(row, shown, cost))
        else:
            say_plan(row, shown, cost, tandem.links.policy(row).region, is_whole=every)


def sync(
    link: LinkArgument = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep going until Ctrl-C; with --json one object a cycle.")] = False,
    full: Annotated[bool, typer.Option("--full", help="List everything anew instead of what has changed.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Sync a link once. On a draft this is the first sync, and typing it is the approval.

    Exit codes: 0 in sync, 1 failed, 2 wrong usage, 3 something waits for a person, 4 reconnect needed, 5 quota exhausted (goes on by
    itself), 6 not finished (goes on by itself).
    """
    with open_tandem() as tandem:
        number = tandem.links.find(link).id
        while True:
            result = run_or_ask(tandem, number, is_full=full, is_quiet=is_json)
            if is_json:
                print_json(result.data())
            else:
                say_result(result)
            if not watch:
                raise typer.Exit(result.state.exit_code)
            try:
                time.sleep(tandem.poll_s)
            except KeyboardInterrupt:
                return


def run_or_ask(tandem: Tandem, link: int, *, is_full: bool, is_quiet: bool) -> Result:
    """Run a cycle, or have it run by the process that is working in the data directory."""
    if tandem.place.lock():
        with Progress(is_quiet=is_quiet) as progress:
            result = tandem.cycle(link, cause="person", is_full=is_full, news=progress.news)
        tandem.place.unlock()
        return result
    if not is_quiet:
        note("Another Tandem is working in this data directory; it is asked to sync this link now.")
    asked = tandem.ask_for_cycle(link, is_full=is_full)
    while not tandem.place.lock():
        answer = tandem.answer_to(link, asked)
        if answer is not None:
            return answer
        if tandem.links.one(link).state == "paused":
            raise WrongInput(f"Link {link} was paused meanwhile; `tandem link resume {link}` lets it go on.")
        time.sleep(_ASK_EVERY_S)
    tandem.place.unlock()
    return tandem.answer_to(link, asked) or run_or_ask(tandem, link, is_full=is_full, is_quiet=is_quiet)
