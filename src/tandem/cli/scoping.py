"""`tandem link regroup` and `tandem link let-go`: what to do when the chosen group is another one, or many have left it."""

from __future__ import annotations

from typing import Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, LinkArgument, counted, print_json, say


def regroup(
    group: Annotated[str, typer.Option(metavar="NAME", help="The other contact group (label), by name or resource name.")],
    link: LinkArgument = None,
    create_group: Annotated[bool, typer.Option("--create-group", help="Make the group when there is none of that name.")] = False,
    leave: Annotated[
        bool, typer.Option("--leave", help="Do not put the paired contacts into it; they stay as they are, out of the sync.")
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Choose another contact group for a link. The pairs stay, and their contacts are put into the new group."""
    with open_tandem() as tandem:
        row = tandem.links.find(link)
        label, pairs = tandem.regrouping.choose(row.id, group, leaves=leave, creates=create_group)
        if is_json:
            print_json({"link": row.id, "group": label.resource, "title": label.title, "pairs": pairs, "leave": leave})
            return
        what = "stay where they are, out of the sync" if leave else "are put into it"
        say(f"Link {row.id} now goes with the group {label.title!r}; its {counted(pairs, 'paired contact')} {what}.")
        say(f"Next: `tandem sync {row.id}`.")


def let_go(link: LinkArgument = None, is_json: JsonOption = False) -> None:
    """Agree that the contacts that have left the group or filter stay outside: they are kept on both sides and not synced."""
    with open_tandem() as tandem:
        row = tandem.links.find(link)
        count = tandem.let_go(row.id)
        if is_json:
            print_json({"link": row.id, "pairs": count})
        elif not count:
            say(f"Nobody of link {row.id} waits for that word.")
        else:
            say(f"{counted(count, 'contact')} of link {row.id} may stay outside; nobody is deleted. Next: `tandem sync {row.id}`.")
