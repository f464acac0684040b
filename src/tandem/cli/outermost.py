"""The outermost line of the command line: errors become one or two lines and an exit code, never a traceback.

Rules: an error that nobody foresaw is written to a file in the data directory, whose path is said; its text is not printed, since
it may hold anything.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
import typer
from typer.core import TyperGroup

from tandem.errors import (
    LeaseLost,
    LinkStopped,
    NextStep,
    NotConnected,
    QuotaExhausted,
    RateLimited,
    StorageError,
    StorageUnavailable,
    TandemError,
    Unavailable,
    WrongInput,
)

ERROR_FILE = "error.log"
_WRONG_USAGE = 2
_LOOK = "`tandem doctor` looks at everything Tandem needs."


class Outermost(TyperGroup):
    """The root of the commands. Catches everything."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line to its exit code. The signature is typer's."""
        del standalone_mode
        words = list(sys.argv[1:] if args is None else args)
        is_json = "--json" in words
        try:
            code = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            code = 130
        except typer.TyperException as error:
            code = _say_usage(error, words, is_json=is_json)
        except TandemError as error:
            code = exit_code(error)
            say_error(str(error), hint(error), is_json=is_json)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except OSError as error:
            code = 1
            name = f": {error.filename}" if error.filename else ""
            say_error(
                f"{error.strerror or type(error).__name__}{name}", "`tandem doctor` looks at everything Tandem needs.", is_json=is_json
            )
        except Exception as error:
            code = 1
            trouble = _of_database(error)
            if trouble is not None:
                say_error(str(trouble), hint(trouble), is_json=is_json)
            else:
                say_error(f"Something unforeseen happened ({type(error).__name__}).", _keep_traceback(words), is_json=is_json)
        sys.exit(code if isinstance(code, int) else 0)


def _of_database(error: Exception) -> TandemError | None:
    """What is wrong with the database, if that is what has stopped a command."""
    if type(error).__module__ != "django.db.utils":
        return None
    from tandem.store.trouble import trouble_of  # noqa: PLC0415 - see tandem.cli

    return trouble_of(error)


def exit_code(error: TandemError) -> int:
    """The exit code that tells a script what to do about an error."""
    match error:
        case WrongInput():
            return _WRONG_USAGE
        case QuotaExhausted() | RateLimited():
            return 5
        case Unavailable():
            return 6
        case _ if error.next_step is NextStep.RECONNECT:
            return 4
        case LinkStopped():
            return 3
        case _:
            return 1


def hint(error: TandemError) -> str:
    """What to do about an error."""
    match error:
        case WrongInput() | NotConnected():
            return ""
        case QuotaExhausted():
            return f"It can go on at {error.until:%Y-%m-%d %H:%M} UTC."
        case RateLimited() | LeaseLost():
            return "Try again in a minute."
        case Unavailable():
            return "Nothing was done; try again later. `tandem doctor` says what can be reached."
        case StorageUnavailable():
            return "Trying again is safe. `tandem doctor` looks at the database."
        case StorageError():
            return "`tandem doctor` looks at the data directory."
        case LinkStopped() if error.next_step is not NextStep.RECONNECT:
            from tandem.app.reasons import REASONS  # noqa: PLC0415 - see tandem.cli

            return f"To do: {REASONS[type(error).__name__].to_do.format(link='LINK')}"
        case _ if error.next_step is NextStep.RECONNECT:
            return "Connect it again: `tandem account add google`, or pipedrive."
        case _:
            return _LOOK


def say_error(message: str, advice: str, *, is_json: bool) -> None:
    """One or two lines on standard error; with --json an object on standard output as well."""
    if is_json:
        print(json.dumps({"error": message, "next": advice}, ensure_ascii=False))
        return
    print(f"Error: {message}", file=sys.stderr)
    if advice:
        print(advice, file=sys.stderr)


def _say_usage(error: typer.TyperException, words: Sequence[str], *, is_json: bool) -> int:
    format_message = getattr(error, "format_message", None)
    message = str(format_message() if format_message is not None else error).strip().replace("\n", " ")
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "tandem")
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message if not words else str(error), file=sys.stderr)
        return _WRONG_USAGE
    say_error(message, f"`{path} --help` shows how it is used.", is_json=is_json)
    return int(getattr(error, "exit_code", _WRONG_USAGE))


def _keep_traceback(words: Sequence[str]) -> str:
    """Write the traceback down; returns the sentence that says where."""
    from tandem.config import load  # noqa: PLC0415

    text = f"{datetime.now(UTC).isoformat()} tandem {' '.join(words[:2])}\n{traceback.format_exc()}\n"
    try:
        folder = load().data_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / ERROR_FILE
        _append(path, text)
    except (OSError, WrongInput):
        return "The details could not be written down; `tandem --verbose ...` shows more."
    return f"The details are in {path}. Nothing that was written down is lost; trying again is safe."


def _append(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
        file.write(text)


def watch_verbosely() -> None:
    """Show Tandem's own log on standard error: kinds of calls, statuses, times; never contacts or tokens."""
    handler = logging.StreamHandler()
    plain = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    processors: list[structlog.typing.Processor] = [structlog.processors.TimeStamper(fmt="%H:%M:%S"), structlog.stdlib.add_log_level]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=processors, processors=[plain, renderer]))
    logger = logging.getLogger("tandem")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
