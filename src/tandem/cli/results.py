"""A cycle's result in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tandem.cli.printing import counted, say

if TYPE_CHECKING:
    from tandem.app.results import Result

_STATES = {
    "in-sync": "In sync.",
    "waiting-for-person": "Something waits for a person.",
    "reconnect": "An account has to be connected again.",
    "quota": "The budget is used up for now; it goes on by itself.",
    "unfinished": "Not finished; it goes on by itself.",
    "failed": "Failed.",
}


def written(result: Result) -> str:
    """What was written on both sides, as one line; empty when nothing was."""
    parts = [
        f"{title}: " + ", ".join(f"{number} {kind}" for kind, number in result.written[product].items() if number)
        for product, title in (("google", "Google"), ("pipedrive", "Pipedrive"))
        if any(result.written[product].values())
    ]
    return "; ".join(parts)


def say_result(result: Result) -> None:
    """Two or three lines: how it stands, what was done, what is open."""
    say(f"Link {result.link}, cycle {result.cycle}: {_STATES[result.state.value]}" + (f" {result.sentence}" if result.sentence else ""))
    requests = f"{result.requests.get('google', 0)} requests to Google, {result.requests.get('pipedrive', 0)} to Pipedrive"
    say(f"  {written(result) or 'Nothing had to be written.'} ({result.seconds:.1f} s; {requests}; {result.pipedrive_tokens} tokens)")
    counts = result.counts
    names = {
        "matched": ("pair found", "pairs found"),
        "conflicts": ("conflict", "conflicts"),
        "questions": ("question waits for a person", "questions wait for a person"),
        "held": ("change held by the brake", "changes held by the brake"),
        "parked": ("record refused", "records refused"),
        "settling": ("record is being settled", "records are being settled"),
        "left_out": ("record left out", "records left out"),
    }
    open_ = [counted(counts[name], one, many) for name, (one, many) in names.items() if counts.get(name)]
    if open_:
        say("  " + ", ".join(open_) + f". More: tandem status {result.link}")
