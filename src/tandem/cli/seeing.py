"""`tandem status` and `tandem history`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.cli.opening import open_tandem
from tandem.cli.printing import JsonOption, LinkArgument, counted, duration, iso, local, print_json, say
from tandem.cli.results import written

if TYPE_CHECKING:
    from tandem.app.overview import Overview
    from tandem.app.stories import Line

#: So many reasons why something was refused are shown.
_SHOWN = 5
_QUESTIONS = {
    "duplicate": ("possible duplicate", "possible duplicates"),
    "match": ("possible match to decide", "possible matches to decide"),
    "backup": ("contact changed on both sides since the backup", "contacts changed on both sides since the backup"),
    "conflict": ("open conflict", "open conflicts"),
    "hold": ("change held by the brake", "changes held by the brake"),
    "deletion-against-edit": ("deletion against an edit", "deletions against edits"),
    "merge": ("contact whose counterpart was merged away", "contacts whose counterparts were merged away"),
    "restored": ("contact taken back out of the bin", "contacts taken back out of the bin"),
    "scope": ("departure from the group or filter to confirm", "departures from the group or filter to confirm"),
    "regroup": ("change of the group under way", "changes of the group under way"),
    "unknown-creation": ("creation whose outcome is unclear", "creations whose outcome is unclear"),
}
_BUDGETS = {
    "fine": "enough for everything",
    "nearly used": "nearly used up: what people change still goes over, a first sync waits until tomorrow",
    "exhausted": "used up: changes are kept and go over when there are tokens again",
}
_PRODUCTS = {"google": "Google", "pipedrive": "Pipedrive"}
_JOININGS = {
    "match": "found to be the same person on both sides",
    "adopt": "put into the group in Google",
    "unpair": "not synced any more",
    "release": "taken out of the group in Google",
}
_VERBS = {
    "create": "created", "update": "changed", "delete": "deleted", "join": "put into the group",
    "merge": "merged into another record", "left": "left alone, since it is not this user's alone,",
}  # fmt: skip


def status(link: LinkArgument = None, is_json: JsonOption = False) -> None:
    """Say how each link stands, what waits, and what to do about it."""
    with open_tandem() as tandem:
        from tandem.app.overview import overview  # noqa: PLC0415 - see tandem.cli

        rows = tandem.links.all() if link is None else [tandem.links.find(link)]
        views = [overview(tandem, row) for row in rows]
        if is_json:
            print_json({"links": [_data(view) for view in views]})
            return
        if not views:
            accounts = counted(len(tandem.accounts.all()), "account")
            say(f"There is no link yet ({accounts} connected). `tandem link create --help` says how to make one.")
        now = tandem.clock.now()
        for view in views:
            _say(view, now)


def _data(view: Overview) -> dict[str, object]:
    return {
        "link": view.link, "state": view.state, "reason": view.reason, "sentence": view.sentence, "group": view.group,
        "google": view.google, "pipedrive": view.pipedrive, "pairs": view.pairs, "last_success_at": iso(view.last_success_at),
        "wait_until": iso(view.wait_until), "next_due_at": iso(view.next_due_at), "questions": dict(view.questions),
        "answered": view.answered, "held": list(view.held), "parked": view.parked,
        "refused": [{"sentence": item.sentence, "count": item.count, "pair": item.pair} for item in view.refusals],
        "twins": dict(view.twins), "settling": view.settling,
        "last_cycle": view.last.data() if view.last else None, "tokens_today": view.tokens_today, "share": view.share,
        "budget": view.budget, "notices": list(view.notices), "next": view.next_step,
        "hints": view.hints, "watched": {watched.product: watched.data() for watched in view.watched},
    }  # fmt: skip


def _say(view: Overview, now: datetime) -> None:
    sides = f"Google {view.google}, group {view.group!r}; Pipedrive {view.pipedrive}"
    say(f"Link {view.link}: {view.state}. {sides}; {counted(view.pairs, 'pair')}.")
    if view.last_success_at is not None:
        say(f"  Last success {local(view.last_success_at)} ({duration((now - view.last_success_at).total_seconds())} ago).")
    if view.last is not None:
        say(f"  Last cycle {view.last.cycle}: {view.last.state.value}; {written(view.last) or 'nothing had to be written'}.")
    if view.sentence:
        say(f"  {view.sentence}")
    if view.wait_until is not None and view.wait_until > now:
        say(f"  It goes on by itself at {local(view.wait_until)}.")
    waiting = [counted(number, *_QUESTIONS.get(kind, (kind, kind))) for kind, number in view.questions.items()]
    waiting += [counted(view.answered, "answer for the next sync", "answers for the next sync")] if view.answered else []
    waiting += [counted(view.parked, "record partly refused", "records partly refused")] if view.parked else []
    waiting += [counted(view.settling, "write being settled", "writes being settled")] if view.settling else []
    if waiting:
        say("  Waiting: " + ", ".join(waiting) + ".")
    for refusal in view.refusals[:_SHOWN]:
        whom = f"{counted(refusal.count, 'contact')}; tandem explain {view.link} pair:{refusal.pair}"
        say(f"  Refused: {refusal.sentence.rstrip('.')} ({whom}).")
    for sentence in view.held:
        say(f"  Held by the brake: {sentence}.")
    twins = [f"{counted(number, 'person', 'people')} in {_PRODUCTS[product]}" for product, number in view.twins.items()]
    if twins:
        say(f"  Perhaps there twice: {' and '.join(twins)}. They are left as they are.")
    for sentence in view.notices:
        say(f"  {sentence}")
    if view.state in {"active", "waiting"}:
        _say_watched(view)
    say(f"  Pipedrive tokens today: {view.tokens_today} of {view.share}, {_BUDGETS[view.budget]}.")
    if view.next_step:
        say(f"  To do: {view.next_step}")


def _say_watched(view: Overview) -> None:
    for watched in view.watched:
        if watched.product == "pipedrive" and (watched.tells or watched.sentence):
            heard = f"; the last one came {local(watched.heard_at)}" if watched.heard_at else ""
            say(f"  Webhooks: on{heard}." if watched.tells else f"  Webhooks: off. {watched.sentence}")
    for watched in view.watched:
        if watched.next_look_at is not None:
            say(f"  Next look at {_PRODUCTS[watched.product]}: {local(watched.next_look_at)} ({watched.why}).")
    if view.hints:
        say(f"  {counted(view.hints, 'hint')} of changes not looked at yet.")


def history(
    link: LinkArgument = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines at most.")] = 50,
    cycle: Annotated[int | None, typer.Option(min=1, help="Only this cycle.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Show what was written, newest first, and which values lost a conflict."""
    with open_tandem() as tandem:
        from tandem.app.stories import lines  # noqa: PLC0415

        row = tandem.links.find(link)
        found = lines(tandem.alias, row.id, limit=limit, cycle=cycle)
        if is_json:
            print_json({"link": row.id, "lines": [line.data() for line in found]})
            return
        if not found:
            say("Nothing was written yet." if cycle is None else f"Nothing was written in cycle {cycle}.")
        _say_lines(found)


def _say_lines(found: list[Line]) -> None:
    counts = Counter(line.cycle for line in found)
    last = 0
    for line in found:
        if line.cycle != last:
            say(f"Cycle {line.cycle}, {local(line.at)} ({counted(counts[line.cycle], 'line')}):")
            last = line.cycle
        say(f"  {line.change}  {told(line)}")


def told(line: Line) -> str:
    """One line of history in words."""
    name = line.name or line.record
    fields = ", ".join(line.fields)
    if line.is_conflict:
        return f"{name}: conflict, {_PRODUCTS[line.product]}'s value of {fields} lost; it is kept here (--json shows it)"
    if line.kind in _JOININGS:
        return f"{name}: {_JOININGS[line.kind]}"
    verb = _VERBS.get(line.kind, line.kind)
    return f"{name}: {verb} in {_PRODUCTS[line.product]} ({line.record})" + (f": {fields}" if fields and line.kind == "update" else "")
