"""`tandem link`: make links, list, pause, resume and remove them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, LinkArgument, counted, local, print_json, print_table, say

if TYPE_CHECKING:
    from tandem.app.linking import MadeLink
    from tandem.store.models import Link

app = typer.Typer(no_args_is_help=True, help="Say which contacts go with which persons, and by which rules.")


class Directions(Enum):
    """Which sides are written."""

    TWO_WAY = "two-way"
    TO_GOOGLE = "to-google"
    TO_PIPEDRIVE = "to-pipedrive"


class Conflicts(Enum):
    """Who wins when both sides changed one value differently."""

    PIPEDRIVE = "pipedrive"
    GOOGLE = "google"
    ASK = "ask"


class Outside(Enum):
    """What becomes of a person who already is in Google Contacts, outside the group."""

    ASK = "ask"
    ADOPT = "adopt"
    SEPARATE = "separate"


@app.command("create")
def create(
    google: Annotated[str, typer.Option(metavar="ACCOUNT", help="The Google account, as `tandem account list` calls it.")],
    pipedrive: Annotated[str, typer.Option(metavar="ACCOUNT", help="The Pipedrive account, likewise.")],
    group: Annotated[str, typer.Option(metavar="NAME", help="The contact group (label), by name or resource name.")],
    create_group: Annotated[bool, typer.Option("--create-group", help="Make the group when there is none of that name.")] = False,
    scope: Annotated[str, typer.Option(metavar="SCOPE", help="Which persons: mine, visible, or filter:ID.")] = "mine",
    country: Annotated[
        str, typer.Option(metavar="CC", help="Country of numbers without country code, such as PL [default: proposed]")
    ] = "",
    direction: Annotated[Directions, typer.Option(help="Which sides are written.")] = Directions.TWO_WAY,
    conflicts: Annotated[Conflicts, typer.Option(help="Who wins when both changed one value differently.")] = Conflicts.PIPEDRIVE,
    outside: Annotated[Outside, typer.Option(help="Persons who already are in Google Contacts outside the group.")] = Outside.ASK,
    is_json: JsonOption = False,
) -> None:
    """Make a link, as a draft: nothing is synced before `tandem sync`."""
    from tandem.core.policy import OutsideRule, Policy  # noqa: PLC0415 - see tandem.cli

    with open_tandem() as tandem:
        from tandem.app.linking import Wish  # noqa: PLC0415
        from tandem.app.sides import CONFLICTS, DIRECTIONS  # noqa: PLC0415

        policy = Policy(
            direction=DIRECTIONS[direction.value],
            conflicts=CONFLICTS[conflicts.value],
            outside=OutsideRule(outside.value),
            region=country.strip().upper(),
        )
        made = tandem.make_link(Wish(google, pipedrive, group, policy, create_group, scope))
        if is_json:
            print_json(_made_data(made))
        else:
            _say_made(made)


def _made_data(made: MadeLink) -> dict[str, object]:
    warning = _warning(made)
    return {
        "link": made.row.id, "state": made.row.state, "group": made.label.resource, "title": made.label.title,
        "contacts": made.label.count, "country": made.region, **({"warning": warning} if warning else {}),
    }  # fmt: skip


def _say_made(made: MadeLink) -> None:
    number = made.row.id
    say(
        f"Link {number} is made, as a draft: the Google group {made.label.title!r} ({counted(made.label.count, 'contact')}) "
        "and the persons of Pipedrive."
    )
    if made.region:
        how = "proposed from the Pipedrive user's settings; --country sets another" if made.is_region_proposed else "as you said"
        say(f"Phone numbers without country code are read as numbers of {made.region} ({how}).")
    else:
        say("Phone numbers without country code are compared as they stand; --country PL would read them as Polish ones.")
    if warning := _warning(made):
        say(warning)
    say(f"Next: `tandem preview {number}` shows what would happen, `tandem sync {number}` does it.")


def _warning(made: MadeLink) -> str:
    if not made.label.is_everything:
        return ""
    return (
        f"Careful: {made.label.title!r} holds all contacts, {made.label.count} of them, family and friends too, and all would go to "
        "Pipedrive. A group of its own is better: --group Pipedrive --create-group."
    )


@app.command("list")
def list_links(is_json: JsonOption = False) -> None:
    """List the links."""
    with open_tandem() as tandem:
        rows = tandem.links.all()
        if is_json:
            print_json({"links": [link_data(row) for row in rows]})
        elif not rows:
            say("There is no link yet; `tandem link create --help` says how to make one.")
        else:
            print_table(("LINK", "STATE", "GOOGLE", "GROUP", "PIPEDRIVE", "LAST SUCCESS"), [_row(row) for row in rows])


def link_data(row: Link) -> dict[str, object]:
    """A link as `--json` shows it."""
    return {
        "link": row.id, "state": row.state, "google": row.left_account.settings["label"], "pipedrive": row.right_account.settings["label"],
        "group": row.left_settings["group"], "title": row.left_settings["title"], "scope": row.right_settings["scope"],
        "last_success_at": row.last_success_at.isoformat() if row.last_success_at else None,
    }  # fmt: skip


def _row(row: Link) -> tuple[str, ...]:
    google, pipedrive = row.left_account.settings["label"], row.right_account.settings["label"]
    return str(row.id), row.state, google, row.left_settings["title"], pipedrive, local(row.last_success_at)


@app.command("pause")
def pause(link: LinkArgument = None, is_json: JsonOption = False) -> None:
    """Stop syncing a link until it is resumed."""
    with open_tandem() as tandem:
        row = tandem.links.find(link)
        tandem.pause(row.id)
        _say_state(row.id, "paused", f"Link {row.id} is paused; `tandem link resume {row.id}` lets it go on.", is_json=is_json)


@app.command("resume")
def resume(
    link: LinkArgument = None,
    other_is_gone: Annotated[
        bool,
        typer.Option("--other-tandem-is-gone", help="The other Tandem that made contacts here does not run any more, and never will."),
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Let a paused or stopped link go on."""
    with open_tandem() as tandem:
        row = tandem.links.find(link)
        tandem.resume(row.id, other_is_gone=other_is_gone)
        state = tandem.links.one(row.id).state
        sentence = {"draft": "is a draft again", "restored": "came out of a backup, and waits for you to look"}.get(state, "goes on")
        _say_state(row.id, state, f"Link {row.id} {sentence}; `tandem sync {row.id}` syncs it now.", is_json=is_json)


@app.command("remove")
def remove(
    link: Annotated[str, typer.Argument(metavar="LINK", help="The link's number.")],
    is_json: JsonOption = False,
) -> None:
    """Take a link apart. Deletes nothing in Google or Pipedrive, and all that Tandem has stored of their contacts."""
    with open_tandem() as tandem:
        row = tandem.links.find(link)
        tandem.remove(row.id)
        sentence = (
            f"Link {row.id} is removed. Nothing was deleted in Google or Pipedrive: contacts and persons stay as they are. "
            "What Tandem had stored of them is erased."
        )
        _say_state(row.id, "removed", sentence, is_json=is_json)


def _say_state(link: int, state: str, sentence: str, *, is_json: bool) -> None:
    if is_json:
        print_json({"link": link, "state": state})
    else:
        say(sentence)
