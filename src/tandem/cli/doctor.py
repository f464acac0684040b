"""`tandem doctor`: each setting and where it came from, and whether everything that Tandem needs works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tandem.cli.printing import JsonOption, print_json, print_table, say
from tandem.config import Config, load
from tandem.errors import TandemError

if TYPE_CHECKING:
    from tandem.app.findings import Finding


def doctor(is_json: JsonOption = False) -> None:
    """Look at everything Tandem needs. Exit code 1 when something is wrong; each BAD says what to do."""
    try:
        config = load()
        from tandem.app import checkup  # noqa: PLC0415 - see tandem.cli
        from tandem.app.sandboxed import find_running  # noqa: PLC0415

        config = find_running(config)
    except TandemError as error:
        _say_unread(str(error), is_json=is_json)
        raise typer.Exit(1) from None
    findings, wrong = list(checkup.examine(config)), checkup.wrong_settings(config)
    is_good = all(finding.is_good for finding in findings)
    if is_json:
        print_json(_data(config, findings, wrong, is_good=is_good))
    else:
        _say(config, findings, wrong, is_good=is_good)
    if not is_good:
        raise typer.Exit(1)


def _say_unread(sentence: str, *, is_json: bool) -> None:
    """Without the settings there is nothing else to look at."""
    to_do = "set what docs/configuration.md names, or take the line out"
    if is_json:
        check = {"name": "configuration", "ok": False, "text": sentence, "next": to_do}
        print_json({"ok": False, "checks": [check], "settings": []})
        return
    print_table(("", "CHECK", ""), [("BAD", "configuration", sentence), ("", "", f"To do: {to_do}")])


def _data(config: Config, findings: list[Finding], wrong: dict[str, str], *, is_good: bool) -> dict[str, object]:
    return {
        "ok": is_good,
        "checks": [{"name": item.name, "ok": item.is_good, "text": item.text, "next": item.to_do or None} for item in findings],
        "settings": [
            {"name": f"TANDEM_{item.name}", "value": item.shown, "source": item.source, "ok": item.name not in wrong}
            for item in config.settings.values()
        ],
    }


def _say(config: Config, findings: list[Finding], wrong: dict[str, str], *, is_good: bool) -> None:
    rows = [
        ("BAD" if item.name in wrong else "ok", f"TANDEM_{item.name}", item.shown or "-", item.source) for item in config.settings.values()
    ]
    print_table(("", "SETTING", "VALUE", "FROM"), rows)
    say()
    lines: list[tuple[str, str, str]] = []
    for item in findings:
        lines.append(("ok" if item.is_good else "BAD", item.name, item.text))
        if item.to_do:
            lines.append(("", "", f"{'Note' if item.is_good else 'To do'}: {item.to_do}"))
    print_table(("", "CHECK", ""), lines)
    say()
    say("All good." if is_good else "Something is wrong: see BAD above.")
