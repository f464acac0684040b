"""`tandem undo` and `tandem exclude`: shown first, done after a person's word."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, counted, print_json, say
from tandem.cli.results import say_result
from tandem.cli.syncing import run_or_ask
from tandem.errors import WrongInput

if TYPE_CHECKING:
    from tandem.engine.returned import Kept, Return, Returns

_SHOWN = 20
_PRODUCTS = {"left": "google", "right": "pipedrive"}
_TITLES = {"left": "Google", "right": "Pipedrive"}
_OTHER = {"left": "Pipedrive", "right": "Google"}

YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def undo(
    link: Annotated[str, typer.Argument(metavar="LINK", help="The link's number.")],
    what: Annotated[
        str, typer.Argument(metavar="CYCLE_OR_CHANGE", help="As `tandem history` shows it: 5, 5-123; or pair:7, its last sync.")
    ],
    is_preview: Annotated[bool, typer.Option("--preview", help="Only show what it would do.")] = False,
    yes: YesOption = False,
    is_json: JsonOption = False,
) -> None:
    """Take back what Tandem wrote: a change, a whole cycle, or the last sync of a pair. What somebody changed since stays."""
    with open_tandem() as tandem:
        from tandem.app.taking_back import ask_undo, chosen_lines, shown_undo  # noqa: PLC0415 - see tandem.cli

        number = tandem.links.find(link).id
        rows = chosen_lines(tandem, number, what)
        shown = shown_undo(tandem, number, rows)
        if not is_json:
            _say_plan(shown, what)
        if is_preview or not shown.returns:
            if is_json:
                print_json({"link": number, "undo": None, **plan_data(shown)})
            return
        confirm(f"Take {counted(len(shown.returns), 'write')} back?", yes=yes, is_json=is_json)
        asked = ask_undo(tandem, number, rows)
        result = run_or_ask(tandem, number, is_full=False, is_quiet=is_json)
        row = tandem.bench(number).past.one(asked)
        if is_json:
            print_json({"link": number, "undo": asked, "is_done": row.done_at is not None, **plan_data(shown), "sync": result.data()})
        else:
            say("Taken back." if row.done_at is not None else "Not all of it is taken back yet; it goes on with the next sync.")
            say_result(result)
        raise typer.Exit(result.state.exit_code)


def confirm(question: str, *, yes: bool, is_json: bool) -> None:
    """A person's word, or an end. WrongInput where nobody can be asked."""
    if yes:
        return
    if is_json or not sys.stdin.isatty():
        raise WrongInput("This needs a person's word: add --yes.")
    typer.confirm(question, abort=True, err=True)


def plan_data(shown: Returns) -> dict[str, object]:
    """The plan of an undo as `--json` prints it. Holds names."""
    return {"returns": [_return_data(item) for item in shown.returns], "kept": [_kept_data(item) for item in shown.kept]}


def _return_data(item: Return) -> dict[str, object]:
    return {
        "step": item.step.value, "pair": item.pair, "side": _PRODUCTS[item.side.value], "record": item.record, "name": _name(item),
        "fields": sorted(item.delta),
    }  # fmt: skip


def _kept_data(item: Kept) -> dict[str, object]:
    return {
        "pair": item.pair, "side": _PRODUCTS[item.side.value], "record": item.record, "name": _name(item), "fields": list(item.fields),
        "reason": item.sentence,
    }  # fmt: skip


def _name(item: Return | Kept) -> str:
    from tandem.engine.preview import name_of  # noqa: PLC0415

    return name_of(item.contact) or item.record


def _say_plan(shown: Returns, what: str) -> None:
    removals = sum(item.is_removal for item in shown.returns)
    say(f"Undo of {what}: {counted(len(shown.returns), 'write')} to take back ({removals} remove something), {len(shown.kept)} left.")
    _say_some([_line(item) for item in shown.returns])
    if shown.kept:
        say("Left as it is:")
        _say_some([f"{_name(item)} ({_TITLES[item.side.value]} {item.record}){_of(item)}: {item.sentence}" for item in shown.kept])
    if any(item.step.value == "restore" and item.side.value == "right" for item in shown.returns):
        say(
            "Pipedrive keeps deleted persons for 30 days in its own list of deleted items: restore them there if deals, activities, notes "
            "shall come back. What is made again here has a new id and none of them."
        )
    if shown.settling:
        say(f"{counted(shown.settling, 'pair waits', 'pairs wait')} for an answer first.")


def _say_some(lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        say(f"  {line}")
    if len(lines) > _SHOWN:
        say(f"  ... and {len(lines) - _SHOWN} more (--json shows all)")


def _of(item: Kept) -> str:
    return f", {', '.join(item.fields)}" if item.fields else ""


def _line(item: Return) -> str:
    where, name, other = _TITLES[item.side.value], _name(item), _OTHER[item.side.value]
    match item.step.value:
        case "update":
            return f"{name}: {', '.join(sorted(item.delta))} back to what it was in {where}, and then in {other}"
        case "remove":
            return f"{name}: the copy in {where} ({item.record}) is deleted; {other} stays, and it is not copied again"
        case "restore":
            return f"{name}: made again in {where}, with a new id; not in {other} (exclude pair:{item.pair} --off does that)"
        case "unpair":
            return f"{name}: the two are not synced with each other any more"
        case "pair":
            return f"{name}: the two are synced again"
        case _:
            return f"{name}: taken out of the group in {where}"


def exclude(
    link: Annotated[str, typer.Argument(metavar="LINK", help="The link's number.")],
    record: Annotated[str, typer.Argument(metavar="ID", help="As `tandem explain` shows it: google:ID, pipedrive:ID or pair:ID.")],
    is_off: Annotated[bool, typer.Option("--off", help="Sync it again.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Leave a contact or person out of the sync. Neither side changes, now or later, until --off."""
    with open_tandem() as tandem:
        from tandem.app.taking_back import exclude as leave_out  # noqa: PLC0415

        number = tandem.links.find(link).id
        done = leave_out(tandem, number, record, is_off=is_off)
        if is_json:
            print_json({"link": number, "pair": done.pair, "google": done.google, "pipedrive": done.pipedrive, "excluded": not is_off})
        elif is_off:
            say(f"{done.name or record} is synced again, from the next `tandem sync {number}` on.")
        else:
            say(f"{done.name or record} is left out: neither side changes. `tandem exclude {number} {record} --off` takes it in again.")
