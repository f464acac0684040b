"""`tandem run`: parses, and gives the runner its voice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.plans import say_summary
from tandem.cli.printing import JsonOption, local, note, print_json, say
from tandem.cli.progress import Progress
from tandem.cli.results import say_result, written
from tandem.cli.seeing import told
from tandem.config import load

if TYPE_CHECKING:
    from tandem.app import Tandem
    from tandem.app.estimates import Estimate
    from tandem.app.results import Result
    from tandem.app.stories import Line
    from tandem.engine.preview import Preview
    from tandem.store.models import Link

_TITLES = {"google": "Google", "pipedrive": "Pipedrive"}
_ARROWS = {"google": "Pipedrive -> Google", "pipedrive": "Google -> Pipedrive"}


def keep_going(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Where the sandbox listens; when taken, a free port.")] = 8001,
    is_demo: Annotated[
        bool, typer.Option("--demo", help='In the sandbox: connect both sides, link the label "Pipedrive" and sync, all by itself.')
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Serve the pages (http://127.0.0.1:8000) and keep all links going, until Ctrl-C.

    Without accounts of your own it starts the sandbox with a made-up address book, where everything can be tried; with
    TANDEM_GOOGLE_CLIENT_ID and so on it works with the real services. With --json it prints one object a line.
    """
    config = load()
    from tandem.run import Runner  # noqa: PLC0415 - see tandem.cli

    Runner(config, JsonVoice() if is_json else Voice(), port=port, is_demo=is_demo).run()


class Voice:
    """What the runner has to say, for people."""

    def started(self, url: str) -> None:
        """The sandbox is up."""
        say(f"The sandbox is up: an imitated Google and Pipedrive with a made-up address book, at {url}. No account of yours is used.")

    def serving(self, url: str, welcome: str) -> None:
        """The pages are up."""
        if not url:
            note("The pages are not served: the port of TANDEM_BASE_URL is taken. It is tried again.")
        elif welcome:
            say(f"Tandem is at {url}. Open this to set your password (good until then):\n\n  {url}{welcome}\n")
        else:
            say(f"Tandem is at {url}.")

    def connected(self, labels: list[str]) -> None:
        """Accounts are connected."""
        say(f"Connected: {', '.join(labels)}.")

    def planned(self, row: Link, shown: Preview, cost: Estimate, region: str) -> None:
        """The preview."""
        say()
        say_summary(row, shown, cost, region)

    def progress(self) -> Progress:
        """Shows the first sync."""
        return Progress()

    def first_synced(self, result: Result) -> None:
        """The first sync is over."""
        say()
        say_result(result)

    def watching(self, tandem: Tandem, link: int | None, examples: list[str]) -> None:
        """Now the loop begins."""
        say()
        say(f"Keeping {'both sides equal' if link else 'all links going'}. Ctrl-C ends it.")
        if link:
            tells = "tells of changes by webhooks" if tandem.watching.tells(link) else "is asked for changes"
            say(f"Pipedrive {tells}; Google is asked every {tandem.poll_s:.0f} s.")
        if examples:
            say("Edit from another terminal, for example:")
            for example in examples:
                say(f"  ./tandem {example}")
            say("Also: ./tandem status, ./tandem history, ./tandem sandbox find TEXT, ./tandem sandbox log --writes")
        say()

    def flowed(self, line: Line) -> None:
        """One change went over."""
        if line.is_conflict:
            say(f"{local(line.at)[11:]}  {told(line)}")
        else:
            say(f"{local(line.at)[11:]}  {_ARROWS[line.product]}  {told(line)}")

    def stands(self, result: Result) -> None:
        """A link stands otherwise than before."""
        sentence = f" {result.sentence}" if result.sentence else ""
        note(f"Link {result.link} is now: {result.state.value}.{sentence} {written(result)}".rstrip())

    def troubled(self, sentence: str) -> None:
        """Something is wrong, and the loop goes on."""
        note(sentence)

    def stopped(self) -> None:
        """The end."""
        say("Stopped.")


class JsonVoice(Voice):
    """What the runner has to say, for programs: one object a line."""

    def started(self, url: str) -> None:
        """The sandbox is up."""
        print_json({"event": "sandbox", "url": url})

    def serving(self, url: str, welcome: str) -> None:
        """The pages are up."""
        print_json({"event": "serving", "url": url, "welcome": f"{url}{welcome}" if welcome else None})

    def connected(self, labels: list[str]) -> None:
        """Accounts are connected."""
        print_json({"event": "connected", "accounts": labels})

    def planned(self, row: Link, shown: Preview, cost: Estimate, region: str) -> None:
        """The preview, as counts."""
        counts = {"pairs": len(shown.pairs), "actions": len(shown.actions), "questions": len(shown.questions)}
        print_json({"event": "preview", "link": row.id, **counts, "country": region, "pipedrive_tokens": cost.tokens})

    def progress(self) -> Progress:
        """Nothing is shown."""
        return Progress(is_quiet=True)

    def first_synced(self, result: Result) -> None:
        """The first sync is over."""
        print_json({"event": "first-sync", **result.data()})

    def watching(self, tandem: Tandem, link: int | None, examples: list[str]) -> None:
        """Now the loop begins."""
        print_json({"event": "watching", "link": link, "webhooks": bool(link and tandem.watching.tells(link)), "examples": examples})

    def flowed(self, line: Line) -> None:
        """One change went over."""
        print_json({"event": "change", **line.data()})

    def stands(self, result: Result) -> None:
        """A link stands otherwise than before."""
        print_json({"event": "state", **result.data()})

    def troubled(self, sentence: str) -> None:
        """Something is wrong, and the loop goes on."""
        print_json({"event": "trouble", "sentence": sentence})

    def stopped(self) -> None:
        """The end."""
        print_json({"event": "stopped"})
