"""Numbers of rows, as they are typed or stand in an address."""

from __future__ import annotations

#: Every database takes this for the number of a row, and no table gets there.
LARGEST = 10**18 - 1


def number_of(text: str) -> int | None:
    """The number that a text is; None for any other text, and for one that is too large to be the number of anything."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))
    return int(text) if is_number else None
