"""A preview in words, and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tandem.cli.printing import counted, duration, say

if TYPE_CHECKING:
    from tandem.app.estimates import Estimate
    from tandem.engine.preview import FoundPair, PlannedAction, PlannedConflict, PlannedQuestion, Preview
    from tandem.store.models import Link

_SHOWN = 10
#: A deletion that follows only if what a listing did not show is gone.
_UNCONFIRMED = "unconfirmed"
_PRODUCTS = {"left": "google", "right": "pipedrive"}
_TITLES = {"left": "Google", "right": "Pipedrive"}
_OTHER = {"left": "right", "right": "left"}
_DOUBTS = {
    "ambiguous": "several could be the same person",
    "twin": "looks like a person who already has a counterpart",
    "outside": "already stands elsewhere in Google Contacts or Pipedrive, outside what this link covers",
    "backup": "both sides have moved since the backup, and differ; nothing is written before you say which is right",
    "copy": "a copy of a record that Tandem made",
}


def plan_data(row: Link, shown: Preview, cost: Estimate) -> dict[str, object]:
    """A preview as `--json` prints it. Holds contact data."""
    return {
        "link": row.id,
        "seen": {_PRODUCTS[side.value]: number for side, number in shown.seen.items()},
        "pairs": [_pair_data(item) for item in shown.pairs],
        "adoptions": [_pair_data(item) for item in shown.adoptions],
        "twins": {_PRODUCTS[side.value]: [list(group) for group in groups] for side, groups in shown.twins.items() if groups},
        "actions": [_action_data(item) for item in shown.actions],
        "conflicts": [_conflict_data(item) for item in shown.conflicts],
        "questions": [_question_data(item) for item in shown.questions],
        "left_out": [
            {"side": _PRODUCTS[side.value], "record": record, "name": name, "reason": reason}
            for side, record, name, reason in shown.left_out
        ],
        "fields_to_create": {_PRODUCTS[side.value]: list(names) for side, names in shown.to_create.items() if names},
        "unsynced_fields": dict(shown.lacking),
        "settling": shown.settling,
        "pipedrive_tokens": cost.tokens,
        "seconds": round(cost.seconds),
    }


def _pair_data(item: FoundPair) -> dict[str, object]:
    return {"google": item.left, "pipedrive": item.right, "name": item.name, "evidence": list(item.evidence)}


def _conflict_data(item: PlannedConflict) -> dict[str, object]:
    winner = _PRODUCTS[item.winner.value] if item.winner else None
    return {"name": item.name, "field": item.field, "google": item.left, "pipedrive": item.right, "winner": winner}


def _question_data(item: PlannedQuestion) -> dict[str, object]:
    return {
        "doubt": item.doubt, "google": list(item.left), "pipedrive": list(item.right), "names": list(item.names),
        "evidence": list(item.evidence),
    }  # fmt: skip


def _action_data(item: PlannedAction) -> dict[str, object]:
    return {
        "side": _PRODUCTS[item.side.value], "kind": item.kind.value, "record": item.record, "name": item.name, "held": item.held or None,
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in item.changes],
    }  # fmt: skip


def say_plan(row: Link, shown: Preview, cost: Estimate, region: str, *, is_whole: bool = False) -> None:
    """The whole preview: counts first, then the lines."""
    say_summary(row, shown, cost, region)
    rest = _say_pairs(shown, is_whole=is_whole)
    adopted = [f"{item.name}: contact {item.left} is person {item.right}" for item in shown.adoptions]
    rest += _say_some(f"{len(adopted)} standing outside to bring in", adopted, is_whole=is_whole)
    for side in ("left", "right"):
        for kind, verb in (("create", "to create in"), ("update", "to change in"), ("delete", "to delete in")):
            items = [item for item in shown.actions if item.side.value == side and item.kind.value == kind]
            rest += _say_some(f"{len(items)} {verb} {_TITLES[side]}", [_action_line(item) for item in items], is_whole=is_whole)
    conflicts = [_conflict_line(item) for item in shown.conflicts]
    rest += _say_some(counted(len(conflicts), "conflict"), conflicts, is_whole=is_whole)
    questions = [_question_line(item) for item in shown.questions]
    rest += _say_some(f"{len(questions)} waiting for a person, neither side gets a copy", questions, is_whole=is_whole)
    left_out = [f"{name or record} ({_TITLES[side.value]}): {reason}" for side, record, name, reason in shown.left_out]
    rest += _say_some(f"{len(left_out)} left out", left_out, is_whole=is_whole)
    say()
    if rest:
        say(f"Every line: tandem preview {row.id} --all")
    say(f"Nothing was changed. Do it: tandem sync {row.id}")


def say_summary(row: Link, shown: Preview, cost: Estimate, region: str) -> None:
    """The counts, the fields that would be made, the cost."""
    google, pipedrive = (next((number for side, number in shown.seen.items() if side.value == name), 0) for name in ("left", "right"))
    contacts, persons = counted(google, "contact"), counted(pipedrive, "person")
    say(f"Link {row.id}: {contacts} in the Google group {row.left_settings['title']!r}, {persons} in Pipedrive.")
    planned = {(item.side.value, item.kind.value): 0 for item in shown.actions}
    held = 0
    for item in shown.actions:
        held += bool(item.held) and item.held != _UNCONFIRMED
        planned[item.side.value, item.kind.value] += not item.held
    writes = [f"{number} to {kind} in {_TITLES[side]}" for (side, kind), number in sorted(planned.items()) if number]
    parts = [counted(len(shown.pairs), "new pair found", "new pairs found")] if shown.pairs else []
    parts += [f"{len(shown.adoptions)} to bring in from outside"] if shown.adoptions else []
    parts += writes or ["nothing to write"]
    parts += [counted(len(shown.conflicts), "conflict")] if shown.conflicts else []
    parts += [f"{len(shown.questions)} waiting for a person"] if shown.questions else []
    parts += [f"{held} held for a person"] if held else []
    say("  " + ", ".join(parts) + ".")
    twins = [f"{counted(len(groups), 'person', 'people')} in {_TITLES[side.value]}" for side, groups in shown.twins.items() if groups]
    if twins:
        say(f"  Perhaps there twice: {' and '.join(twins)}. They are left as they are.")
    for side, names in shown.to_create.items():
        if names:
            say(f"  Fields that the first sync makes in {_TITLES[side.value]}, once for the whole company: {', '.join(names)}.")
    for name, sentence in shown.lacking.items():
        say(f"  Not synced: {name}. {sentence}")
    if region:
        say(f"  {_example(region)}")
    if writes:
        days = f", spread over {cost.days} days" if cost.days > 1 else ""
        say(f"  Costs about {cost.tokens} of Pipedrive's tokens and {duration(cost.seconds)}{days}.")


def _example(region: str) -> str:
    import phonenumbers  # noqa: PLC0415 - see tandem.cli

    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE) or phonenumbers.example_number(region)
    if number is None:
        return f"Numbers without country code are read as numbers of {region}."
    national, whole = (phonenumbers.format_number(number, form) for form in (2, 1))
    return f"Numbers without country code are read as numbers of {region}: {national} is {whole}."


def _say_pairs(shown: Preview, *, is_whole: bool) -> int:
    pairs = [f"{item.name}: contact {item.left} is person {item.right}{_because(item.evidence)}" for item in shown.pairs]
    return _say_some(f"{len(pairs)} found to be the same person", pairs, is_whole=is_whole)


def _say_some(heading: str, lines: Sequence[str], *, is_whole: bool) -> int:
    """A heading and its lines; returns how many were left out."""
    if not lines:
        return 0
    shown = lines if is_whole else lines[:_SHOWN]
    say()
    say(f"{heading}:")
    for line in shown:
        say(f"  {line}")
    if len(lines) > len(shown):
        say(f"  ... and {len(lines) - len(shown)} more")
    return len(lines) - len(shown)


def _action_line(item: PlannedAction) -> str:
    held = f" [held: {item.held}]" if item.held else ""
    if item.held == _UNCONFIRMED:
        held = " [if its counterpart proves to be deleted]"
    if item.kind.value == "create":
        source = _TITLES[_OTHER[item.side.value]]
        return f"{item.name or '(no name)'}, from {source} {item.record}{held}"
    changes = "; ".join(f"{change.field}: {_from_to(change.old, change.new)}" for change in item.changes)
    return f"{item.name or '(no name)'} ({item.record}): {changes or 'the whole record'}{held}"


def _conflict_line(item: PlannedConflict) -> str:
    winner = f"{_TITLES[item.winner.value]} wins" if item.winner else "waits for a person"
    return f"{item.name}, {item.field}: Google {item.left!r}, Pipedrive {item.right!r}: {winner}"


def _question_line(item: PlannedQuestion) -> str:
    return f"{' / '.join(dict.fromkeys(item.names))}: {_DOUBTS.get(item.doubt, item.doubt)}{_because(item.evidence)}"


def _from_to(old: str, new: str) -> str:
    if not old:
        return f"+ {new}"
    return f"{old} -> {new}" if new else f"- {old}"


def _because(evidence: Iterable[str]) -> str:
    words = ", ".join(evidence)
    return f" ({words})" if words else ""
