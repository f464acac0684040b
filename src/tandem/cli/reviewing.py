"""`tandem review`: what waits for a person, and the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, LinkArgument, counted, print_json, say

if TYPE_CHECKING:
    from tandem.app.reviewing import Group
    from tandem.engine.review import Waiting

_SHOWN = 10
_WAITS = 3
_TITLES = {"left": "Google", "right": "Pipedrive"}
_RECORDS = {"left": "contact", "right": "person"}
_HEADINGS = {
    "match:ambiguous": "may be the same person",
    "match:twin": "looks like a person who already has a counterpart",
    "match:outside": "already stands elsewhere, outside what this link covers",
    "match:copy": "a copy of a record that Tandem made",
    "duplicate:outside": "its new values look like a record outside what this link covers",
    "duplicate": "perhaps there twice, once as a copy that Tandem made",
    "conflict": "both sides changed it differently",
    "hold:attachments": "to be deleted, but something hangs on it (deals or activities)",
    "hold:asked": "to be deleted, and the link's rule is to ask",
    "hold:absent": "to be deleted, but its counterpart may only be hidden",
    "hold:since-backup": "new since the backup, or deleted on one side since",
    "backup": "changed on both sides since the backup",
    "hold:removals": "held by the brake, with the other removals",
    "hold:creations": "held by the brake, with the other creations",
    "hold:updates": "held by the brake, with the other changes",
    "restored": "taken back out of the bin",
    "merge": "its counterpart went up in another record",
    "deletion-against-edit": "deleted on one side and edited on the other",
    "scope": "have left the group or filter all at once",
    "regroup": "another group was chosen",
    "unknown-creation": "it is not clear whether its copy was made",
}


def review(
    link: LinkArgument = None,
    resolve: Annotated[
        list[str] | None,
        typer.Option("--resolve", metavar="ID=CHOICE", help="Answer one question, or a group such as removals. May be repeated."),
    ] = None,
    every: Annotated[
        list[str] | None,
        typer.Option("--all", metavar="KIND=CHOICE", help="Answer all of a kind: hold=release, match:twin=leave. May be repeated."),
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Show what waits for a person, or answer it. The next sync follows the answers; nothing is written to either service here.

    A choice that names records does so after colons: 7=link:CONTACT:PERSON, 9=it-was-that-one:RECORD.
    Exit codes: 0 nothing waits, or the answers were taken; 2 wrong usage, and nothing was taken; 3 something waits.
    """
    with open_tandem() as tandem:
        from tandem.app import reviewing  # noqa: PLC0415 - see tandem.cli

        row = tandem.links.find(link)
        taken = reviewing.answer(tandem, row.id, resolve or [], every or []) if resolve or every else None
        questions = reviewing.waiting(tandem, row.id)
        open_ = [item for item in questions if not item.choice]
        if is_json:
            answered = [item.question for item in taken or []]
            groups, items = reviewing.groups_of(questions), [reviewing.data_of(item) for item in questions]
            data = {"link": row.id, "waiting": len(open_), "groups": [reviewing.group_data(group) for group in groups], "questions": items}
            print_json(data if taken is None else {"link": row.id, "answered": answered, "waiting": len(open_)})
        elif taken is None:
            _say_questions(row.id, questions, reviewing.groups_of(questions))
        else:
            say(f"{counted(len(taken), 'answer')} taken, {counted(len(open_), 'question')} left. Follow them: tandem sync {row.id}")
            if unsure := reviewing.count_unsure(open_, every or []):
                say(f"{counted(unsure, 'question')} of that kind rest on less, or on several people: answer each by its number.")
    if taken is None and open_:
        raise typer.Exit(_WAITS)


def _say_questions(link: int, questions: Sequence[Waiting], groups: Sequence[Group]) -> None:
    if not questions:
        say(f"Nothing waits for a person on link {link}.")
        return
    for group in groups:
        _say_group(group)
    grouped = {item.id for group in groups for item in group.members}
    single = [item for item in questions if item.id not in grouped]
    for item in single:
        _say_question(item)
    for kind, number in Counter(f"{item.kind}:{item.sub}" if item.sub else item.kind for item in single if not item.choice).items():
        if number > 1:
            say(f"All {number} at once: tandem review {link} --all {kind}=CHOICE")
    first = next((item for item in questions if not item.choice), None)
    say(f"Answer: tandem review {link} --resolve ID=CHOICE" if first else f"Everything has an answer. Follow them: tandem sync {link}")


def _say_group(group: Group) -> None:
    say(f"{group.id}: held for you: {group.sentence}.")
    for item in group.members[:_SHOWN]:
        say(f"  {item.id}: {_line(item)}")
    if len(group.members) > _SHOWN:
        say(f"  ... and {len(group.members) - _SHOWN} more (--json shows all)")
    choices = {choice.word: choice.sentence for item in group.members for choice in item.choices}
    for word, sentence in choices.items():
        say(f"    {group.id}={word}: {sentence}")


def _line(item: Waiting) -> str:
    where = _TITLES[item.side.value] if item.side else ""
    verb = {"create": "to create in", "update": "to change in", "delete": "to delete in"}.get(item.action, "")
    changes = "; ".join(f"{change.field}: {change.old or '(nothing)'} -> {change.new or '(nothing)'}" for change in item.changes)
    return f"{item.name or '(no name)'}, {verb} {where}" + (f": {changes}" if changes else "")


def _say_question(item: Waiting) -> None:
    from tandem.app.reviewing import data_of  # noqa: PLC0415 - see tandem.cli

    heading = _HEADINGS.get(f"{item.kind}:{item.sub}") or _HEADINGS.get(item.kind, item.kind)
    evidence = f" ({', '.join(item.evidence)})" if item.evidence else ""
    whom = f"{item.name or '(no name)'}: " if item.records else ""
    say(f"{item.id}: {whom}{heading}{evidence}")
    for record in item.records:
        whose = f"{_TITLES[record.side.value]} {_RECORDS[record.side.value]} {record.record}"
        say(f"    {whose}: {record.name or '(Tandem keeps nothing of it)'}")
    for change in item.changes:
        if item.kind in {"conflict", "backup"}:
            say(f"    {change.field}: Google {change.old!r}, Pipedrive {change.new!r}")
        else:
            say(f"    {change.field}: {change.old or '(nothing)'} -> {change.new or '(nothing)'}")
    data = data_of(item)
    if item.choice:
        say(f"    answered: {data['choice']}; the next sync follows it")
        return
    choices = data["choices"]
    assert isinstance(choices, list)  # noqa: S101 - data_of makes it
    pair = "" if sorted(record.side.value for record in item.records) == ["left", "right"] else ":CONTACT:PERSON"
    for choice in choices:
        names = {"pair": pair, "record": ":RECORD"}.get(choice["names"], "")
        say(f"    {item.id}={choice['choice']}{names}: {choice['sentence']}")
