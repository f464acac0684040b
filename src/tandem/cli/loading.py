"""`tandem sandbox load`: cards as other programs wrote them, into the sandbox's Google Contacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli import sandbox
from tandem.cli.printing import JsonOption, note, print_json, say
from tandem.errors import WrongInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tandem.app.sandboxed import SandboxControl
    from tandem.connectors.http import JsonObject


def load(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of vCards (.vcf), versions 2.1, 3.0 and 4.0.")],
    group: Annotated[str, typer.Option(help="The label that the contacts get; made when there is none of that name.")] = "Pipedrive",
    is_json: JsonOption = False,
) -> None:
    """Load vCards into the sandbox's Google Contacts.

    A card that cannot be read is reported and passed over; what is said of it is its place and the reason, nothing that stands in it.
    """
    control = sandbox.control()
    loaded = 0
    passed: list[JsonObject] = []
    for path in files:
        for number, reason in _load(control, path, group):
            if reason:
                passed.append({"file": str(path), "card": number, "reason": reason})
            else:
                loaded += 1
    if is_json:
        print_json({"loaded": loaded, "passed_over": list(passed)})
        return
    for one in passed:
        note(f"{one['file']}, card {one['card']}: passed over, {one['reason']}.")
    say(f"Loaded {loaded} of {loaded + len(passed)} cards into Google Contacts, label {group}.")


def _load(control: SandboxControl, path: Path, group: str) -> Iterator[tuple[int, str]]:
    """The number of each card, counted from 1, and why it was passed over; empty when it was loaded."""
    from tandem.sandbox.vcard_lines import CardError, Unreadable, read_cards  # noqa: PLC0415 - see tandem.cli
    from tandem.sandbox.vcards import contact_of  # noqa: PLC0415

    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from None
    for card in read_cards(content):
        if isinstance(card, Unreadable):
            yield card.number, card.reason
            continue
        try:
            fields = contact_of(card)
        except CardError as error:
            yield card.number, str(error)
            continue
        answer = control.call("POST", "edit", {"service": "google", "op": "create", "groups": [group], "fields": fields})
        yield card.number, "the service refuses it" if "error" in answer else ""
