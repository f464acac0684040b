"""How fast the core is; run by hand: PYTHONPATH=src python tests/core/speed.py [records]."""

from __future__ import annotations

import random
import sys
import time

from tandem.core.canonical import match_keys
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, ORGANISATION, PHONES, Contact, Entry
from tandem.core.match import Candidate, match
from tandem.core.policy import Policy
from tandem.core.reconcile import reconcile
from tandem.core.state import Presence, RecordId, Sight

_SYLLABLES = ["ka", "no", "wi", "le", "ma", "ri", "to", "da", "pe", "lu", "sza", "bo", "gra", "ze", "ny", "cho"]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _word(dice: random.Random, syllables: int) -> str:
    return "".join(dice.choice(_SYLLABLES) for _ in range(syllables)).capitalize()


def _contact(dice: random.Random, number: int) -> Contact:
    first, last = _word(dice, 2), _word(dice, 3)
    return Contact(
        {
            FIRST_NAME: first,
            LAST_NAME: last,
            ORGANISATION: f"{_word(dice, 2)} {number % 3000}",
            PHONES: (Entry(f"+48 60{number % 10} {number:06d}"[:15], "mobile", True), Entry(f"22 {number % 400:03d} 10 10", "work")),
            EMAILS: (Entry(f"{first}.{last}.{number}@example.com", "work", True),),
        }
    )


def main(count: int) -> None:
    """Print records or pairs per second of each step."""
    dice = random.Random(1)
    contacts = [_contact(dice, number) for number in range(count)]
    started = time.perf_counter()
    lefts = [Candidate(RecordId(f"l{number}"), match_keys(contact, "PL")) for number, contact in enumerate(contacts)]
    _say(f"match_keys: {count / (time.perf_counter() - started):,.0f} records/s")
    others = [contact.replacing({EMAILS: ()}) if number % 3 == 0 else contact for number, contact in enumerate(contacts)]
    rights = [Candidate(RecordId(f"r{number}"), match_keys(contact, "PL")) for number, contact in enumerate(others)]
    started = time.perf_counter()
    matching = match(lefts, rights)
    seconds = time.perf_counter() - started
    _say(f"match {count:,} x {count:,}: {seconds:.1f} s, {len(matching.matches):,} matches, {len(matching.ambiguous):,} ambiguous")
    policy = Policy(region="PL")
    copies = [(contact, Contact(dict(contact.values))) for contact in contacts]
    sights = [(Sight(Presence.LIVE, now, base), Sight(Presence.LIVE, base, now)) for now, base in copies]
    started = time.perf_counter()
    for left, right in sights:
        reconcile(left, right, policy)
    _say(f"reconcile, unchanged: {count / (time.perf_counter() - started):,.0f} pairs/s")
    edited = [
        (Sight(Presence.LIVE, now.replacing({LAST_NAME: "Nowa", PHONES: now.entries(PHONES)[:1]}), base), right)
        for (now, base), (_, right) in zip(copies, sights, strict=True)
    ]
    started = time.perf_counter()
    for left, right in edited:
        reconcile(left, right, policy)
    _say(f"reconcile, a name and a phone changed: {count / (time.perf_counter() - started):,.0f} pairs/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25_000)
