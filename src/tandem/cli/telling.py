"""`tandem explain` and `tandem forget`: what is kept of somebody, why it stands as it does, and erasing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, counted, local, print_json, say
from tandem.cli.undoing import YesOption, confirm

if TYPE_CHECKING:
    from tandem.app.explaining import Explained
    from tandem.app.forgetting import Found

_TITLES = {"google": "Google", "pipedrive": "Pipedrive"}


def explain(
    link: Annotated[str, typer.Argument(metavar="LINK", help="The link's number.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a name, number, address or any other value; or an id.")],
    is_json: JsonOption = False,
) -> None:
    """Say what Tandem knows of somebody on both sides, and why it is in, out, waiting or failing."""
    with open_tandem() as tandem:
        from tandem.app.explaining import explain as explained  # noqa: PLC0415 - see tandem.cli

        number = tandem.links.find(link).id
        found = explained(tandem, number, text)
        if is_json:
            print_json({"link": number, "found": [item.data() for item in found]})
            return
        if not found:
            say("Nobody is known by that: neither in the group nor among the persons of this link.")
        for item in found:
            _say(item)


def _say(item: Explained) -> None:
    say(f"{item.name or '(nothing is kept of it)'}" + (f" (pair:{item.pair})" if item.pair else ""))
    for half in item.halves:
        say(f"  {_TITLES[half.product]} {half.product}:{half.record}, {half.presence}, seen {local(half.seen_at)}")
        for name, value in half.values.items():
            say(f"    {name}: {value}")
    for sentence in item.sentences:
        say(f"  {sentence}")
    if item.next_at is not None:
        say(f"  Looked at next: {local(item.next_at)}.")


def forget(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A name, e-mail or number; everybody who bears it is forgotten.")],
    yes: YesOption = False,
    is_json: JsonOption = False,
) -> None:
    """Erase what Tandem keeps of somebody, in all links. Nothing is deleted in Google or Pipedrive; it is left out of the sync."""
    with open_tandem() as tandem:
        from tandem.app.forgetting import forget as erase  # noqa: PLC0415
        from tandem.app.forgetting import look  # noqa: PLC0415

        found = look(tandem, text)
        if not is_json:
            _say_found(found)
        if not found:
            if is_json:
                print_json({"forgotten": []})
            return
        confirm("Erase this for good?", yes=yes, is_json=is_json)
        done = erase(tandem, text)
        if is_json:
            print_json({"forgotten": [_data(item) for item in done]})
        else:
            say("Erased. Nothing was changed in Google or Pipedrive; they are left out of the sync from now on.")


def _data(item: Found) -> dict[str, object]:
    return {"link": item.link, "contacts": item.contacts, "records": item.records}


def _say_found(found: list[Found]) -> None:
    if not found:
        say("Nothing is kept of anybody who bears that.")
    for item in found:
        names = ", ".join(item.names) or "no name"
        say(f"Link {item.link}: {counted(item.contacts, 'contact')} ({counted(item.records, 'record')}): {names}")
