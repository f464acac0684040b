"""Promise: `tandem sandbox load` brings cards into the sandbox, and says of those it cannot read where they stand and why."""

from __future__ import annotations

from pathlib import Path

from .conftest import Line
from .test_story import contacts

CARDS = Path(__file__).parents[1] / "sandbox" / "cards"


def test_cards_are_loaded(tandem: Line) -> None:
    """Into the label; unreadable ones are counted with file, number and reason, and nothing of theirs is shown."""
    told = tandem("sandbox", "load", CARDS / "grouped.vcf", CARDS / "broken.vcf", "--group", "Pipedrive", "--json")
    assert (told.code, told.data["loaded"]) == (0, 2), told
    passed = told.data["passed_over"]
    assert isinstance(passed, list)
    assert [(one["file"], one["card"]) for one in passed] == [(str(CARDS / "broken.vcf"), number) for number in range(1, 6)]
    assert "Secret" not in told.out + told.err
    assert {"Greta Good", "Inés Vidal"} <= contacts(tandem)
    text = tandem("sandbox", "load", CARDS / "broken.vcf")
    assert text.out == "Loaded 1 of 6 cards into Google Contacts, label Pipedrive.\n"
    assert text.err.splitlines()[0] == f"{CARDS / 'broken.vcf'}, card 1: passed over, it stands for a group of cards."
    assert "Secret" not in text.err


def test_a_file_that_is_not_there(tandem: Line) -> None:
    """Is wrong usage, in words."""
    told = tandem("sandbox", "load", "nowhere.vcf")
    assert (told.code, "nowhere.vcf cannot be read" in told.err) == (2, True), told
