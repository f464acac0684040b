"""`tandem sandbox`: the imitated Google and Pipedrive, and what a person at the keyboard does to them.

The subcommands talk to the sandbox of `tandem run` or `tandem sandbox` in the same data directory, or to TANDEM_SANDBOX_URL.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from enum import Enum
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import configuration
from tandem.cli.printing import JsonOption, note, print_json, print_table, say
from tandem.errors import TandemError, WrongInput

if TYPE_CHECKING:
    from tandem.app.sandboxed import SandboxControl
    from tandem.connectors.http import Json, JsonObject

app = typer.Typer(help="The imitated Google and Pipedrive, alone; and edits as people make them there.")

_NO_NUMBERS = frozenset({"google"})


class Service(Enum):
    """One of the two imitations."""

    GOOGLE = "google"
    PIPEDRIVE = "pipedrive"


class SeedBook(Enum):
    """What the sandbox is filled with."""

    DEMO = "demo"
    EMPTY = "empty"


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8001,
    seed_book: Annotated[SeedBook, typer.Option(help="demo: 300 contacts and 250 persons; empty: none.")] = SeedBook.DEMO,
    seed: Annotated[int, typer.Option(help="The same seed makes the same address book and ids.")] = 1,
    virtual_clock: Annotated[bool, typer.Option("--virtual-clock", help="Time stands still and moves by `sandbox clock`.")] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True, help="End when standard input closes.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Start both imitated services on this machine, until Ctrl-C. With a subcommand: do something in those that run.

    They have pages for your browser, too, whose addresses are printed: Sandbox Contacts, Sandbox CRM, and a start page with the request
    log, buttons that break things, and the clock.
    """
    if context.invoked_subcommand is None:
        _serve(port, seed_book.value, seed, is_virtual=virtual_clock, is_with_parent=with_parent, is_json=is_json)


def _serve(port: int, book: str, seed: int, *, is_virtual: bool, is_with_parent: bool, is_json: bool) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - see tandem.cli

    from tandem.sandbox.clock import Clock  # noqa: PLC0415
    from tandem.sandbox.control import handle  # noqa: PLC0415
    from tandem.sandbox.server import Shell, serve  # noqa: PLC0415
    from tandem.sandbox.wire import Request  # noqa: PLC0415
    from tandem.sandbox.world import World  # noqa: PLC0415

    world = World(clock=Clock(frozen_at=datetime.now(UTC) if is_virtual else None), seed=seed)
    handle(world, Request("POST", "/_sandbox/seed", body=json.dumps({"book": book, "seed": seed}).encode()))
    shell = Shell(world)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        shell.stop.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if is_with_parent:
        threading.Thread(target=_stop_at_end_of_input, args=(shell.stop,), daemon=True).start()
    try:
        serve("127.0.0.1", port, world, lambda taken: _say_ready(taken, is_json=is_json), shell=shell)
    except OSError as error:
        raise TandemError(f"The sandbox cannot use port {port} ({os.strerror(error.errno or 0)}); --port 0 takes a free one.") from None


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _say_ready(port: int, *, is_json: bool) -> None:
    from tandem.app import sandboxed  # noqa: PLC0415

    url = f"http://127.0.0.1:{port}"
    if is_json:
        services = {"google": f"{url}/google", "pipedrive": f"{url}/pipedrive", "control": f"{url}/_sandbox"}
        print_json({"ready": True, "url": url, **services, "contacts": f"{url}/contacts/", "crm": f"{url}/crm/"})
        return
    say(f"The sandbox is up: Google at {url}/google, Pipedrive at {url}/pipedrive. Ctrl-C ends it, and all that is in it.")
    say("For your browser:")
    say(f"  {url}/contacts/  Sandbox Contacts: edit people as in Google Contacts")
    say(f"  {url}/crm/       Sandbox CRM: edit people as in Pipedrive")
    say(f"  {url}/           what was asked, buttons that break things, and the clock")
    say(f"Google's refresh token is {sandboxed.REFRESH_TOKEN}, Pipedrive's API token is {sandboxed.API_TOKEN}.")
    say("In another terminal:")
    say(f"  export TANDEM_SANDBOX_URL={url} TANDEM_DATA_DIR=$(mktemp -d)")
    say(f"  echo {sandboxed.REFRESH_TOKEN} | ./tandem account add google --refresh-token-file -")
    say(f"  echo {sandboxed.API_TOKEN} | ./tandem account add pipedrive --api-token-file -")
    say("  ./tandem link create --google google-1 --pipedrive pipedrive-1 --group Pipedrive")


def control() -> SandboxControl:
    """The sandbox that runs. Raises WrongInput when none is known."""
    config = configuration()
    from tandem.app.sandboxed import SandboxControl  # noqa: PLC0415

    if not config.text("SANDBOX_URL"):
        raise WrongInput("No sandbox is running in this data directory: start `tandem run`, or set TANDEM_SANDBOX_URL.")
    return SandboxControl(config.url("SANDBOX_URL"))


def _asked(method: str, name: str, body: JsonObject | None = None, **query: str) -> JsonObject:
    """A control call's answer. WrongInput with the sandbox's own words when it refuses."""
    answer = control().call(method, name, body, **query)
    if "error" in answer:
        raise WrongInput(f"The sandbox says: {answer['error']}")
    return answer


@app.command("edit")
def edit(
    service: Service,
    op: Annotated[str, typer.Argument(metavar="OPERATION", help="Such as update_person; a wrong one is answered by the list of all.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Values are text or JSON.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Edit as a person in the vendor's own app would.

    For example: tandem sandbox edit pipedrive update_person id=7 first_name=Anna
    """
    values = dict(_argument(text, service.value) for text in arguments or [])
    answer = control().call("POST", "edit", {**values, "service": service.value, "op": op})
    if "error" in answer and len(answer) == 1:
        raise WrongInput(f"The sandbox says: {answer['error']}")
    if is_json:
        print_json({"service": service.value, "op": op, "after": answer})
    else:
        say(f"Done in {service.value}: {op}.")


def _argument(text: str, service: str) -> tuple[str, Json]:
    """NAME=VALUE, where the value is JSON if it looks like it. Ids of Google's may consist of digits and are text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise WrongInput(f"{text!r} is not of the form NAME=VALUE.")
    is_number = value.removeprefix("-").isdigit() and service not in _NO_NUMBERS
    if is_number or value in {"true", "false", "null"} or value[:1] in {"[", "{", '"'}:
        try:
            parsed: Json = json.loads(value)
        except ValueError:
            raise WrongInput(f"{name}: {value!r} begins like JSON and is none.") from None
        return name, parsed
    return name, value


@app.command("find")
def find(
    text: Annotated[str, typer.Argument(help="Part of a name, number or address.")],
    is_json: JsonOption = False,
) -> None:
    """Find records on both sides, with the ids that `sandbox edit` takes."""
    found = [*_found_contacts(text), *_found_persons(text)]
    if is_json:
        print_json({"found": [{"service": service, "id": id_, "name": name} for service, id_, name in found]})
    elif not found:
        say(f"Nothing holds {text!r}.")
    else:
        print_table(("SERVICE", "ID", "NAME"), found)


def _found_contacts(text: str) -> list[tuple[str, str, str]]:
    from tandem.connectors.http import object_at, objects_at, text_at  # noqa: PLC0415

    found = []
    for contact in objects_at(control().call("GET", "state", service="google"), "contacts"):
        names = objects_at(object_at(contact, "fields"), "names")
        name = " ".join(filter(None, [text_at(names[0], "givenName"), text_at(names[0], "familyName")])) if names else ""
        if contact.get("life") == "live" and _holds(contact, text):
            found.append(("google", text_at(contact, "id"), name))
    return found


def _found_persons(text: str) -> list[tuple[str, str, str]]:
    from tandem.connectors.http import objects_at, text_at  # noqa: PLC0415

    persons = objects_at(control().call("GET", "state", service="pipedrive"), "persons")
    return [
        ("pipedrive", str(person.get("id")), text_at(person, "name"))
        for person in persons
        if not person.get("is_deleted") and _holds(person, text)
    ]


def _holds(record: JsonObject, text: str) -> bool:
    return text.casefold() in json.dumps(record, ensure_ascii=False).casefold()


@app.command("clock")
def clock(
    advance_s: Annotated[float | None, typer.Option("--advance", metavar="SECONDS", help="Move the time forward, for Tandem too.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Show the sandbox's time, or move it."""
    answer = _asked("GET", "clock") if advance_s is None else _asked("POST", "clock", {"advance_s": advance_s})
    if is_json:
        print_json(answer)
    else:
        say(f"It is {answer.get('now')} in the sandbox.")


@app.command("faults")
def faults(
    add: Annotated[
        str | None,
        typer.Option(metavar="JSON", help='One more: {"service": "google", "match": "people.updateContact", "effect": "lost-answer"}'),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="End all.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Break things: show the faults, add one, or end all."""
    from tandem.connectors.http import objects_at  # noqa: PLC0415 - see tandem.cli

    if add is not None and clear:
        raise WrongInput("--add and --clear do not go together.")
    answer = _asked("POST", "faults", _rule(add)) if add is not None else _asked("DELETE" if clear else "GET", "faults")
    if is_json:
        print_json(answer)
        return
    rules = objects_at(answer, "rules")
    for rule in rules:
        say(json.dumps(rule, ensure_ascii=False))
    if not rules:
        say("No faults.")


def _rule(text: str) -> JsonObject:
    try:
        rule = json.loads(text)
    except ValueError:
        rule = None
    if not isinstance(rule, dict):
        raise WrongInput("--add takes one JSON object.")
    return rule


@app.command("log")
def log(
    since: Annotated[int, typer.Option(min=0, help="Only requests after this number.")] = 0,
    writes: Annotated[bool, typer.Option("--writes", help="Only those that change something.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Show the requests that the sandbox has received."""
    from tandem.connectors.http import objects_at  # noqa: PLC0415

    answer = _asked("GET", "log", since=str(since))
    entries = [entry for entry in objects_at(answer, "entries") if entry.get("is_write") or not writes]
    if is_json:
        print_json({**answer, "entries": entries})
        return
    rows = [tuple(str(entry.get(name, "")) for name in ("n", "service", "kind", "status", "fault", "path")) for entry in entries]
    print_table(("N", "SERVICE", "CALL", "STATUS", "FAULT", "PATH"), rows)


@app.command("reset")
def reset(
    seed_book: Annotated[SeedBook, typer.Option(help="What to fill it with.")] = SeedBook.DEMO,
    seed: Annotated[int, typer.Option(help="The same seed makes the same address book and ids.")] = 1,
    is_json: JsonOption = False,
) -> None:
    """Begin anew with an address book. What Tandem knows of the old one does not fit any more."""
    answer = _asked("POST", "seed", {"book": seed_book.value, "seed": seed})
    if is_json:
        print_json({name: answer.get(name) for name in ("contacts", "persons")})
        return
    say(f"The sandbox holds {answer.get('contacts')} contacts and {answer.get('persons')} persons, and nothing else.")
    note("Links made before point at what is gone: use a fresh data directory.")
