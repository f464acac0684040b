"""What a look at an installation found: one thing at a time, in words, with what mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tandem.errors import TandemError

#: What mends a setting.
SET = "set what is named; docs/configuration.md says how"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `to_do`: what mends it; it may be there for what is good, too (then it is advice)."""

    name: str
    is_good: bool
    text: str
    to_do: str = ""


def attempt(name: str, check: Callable[[], str], to_do: str) -> Finding:
    """What a check says, or what it stumbled over."""
    try:
        return Finding(name, True, check())
    except TandemError as error:
        return Finding(name, False, str(error), to_do)
    except OSError as error:
        return Finding(name, False, error.strerror or type(error).__name__, to_do)
