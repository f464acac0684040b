"""Merging by example: what each rule means, one case each, told from both sides."""

from __future__ import annotations

import pytest

from tandem.core.contact import (
    ADDRESS,
    FIRST_NAME,
    LAST_NAME,
    ORGANISATION,
    PHONES,
    Address,
    Contact,
    Delta,
    Edit,
    Entry,
    Value,
    apply_delta,
)
from tandem.core.merge import Conflict, Merged, Part, advance, merge, parts_of, settled_parts, was_applied
from tandem.core.policy import ConflictRule, Direction, Policy
from tandem.core.state import Presence, Side, Sight

MOBILE = Entry("+48 601 123 456", "mobile", primary=True)
WORK = Entry("+48 22 123 45 67", "work")
HOME = Entry("+48 58 123 45 67", "home")
ASK = Policy(conflicts=ConflictRule.ASK, region="PL")
LEFT_WINS = Policy(region="PL")


def live(now: Contact, base: Contact | None = None) -> Sight:
    """A live side; without base it never met the other."""
    return Sight(Presence.LIVE, now, base or Contact())


def names(first: str) -> Contact:
    """A contact with a first name."""
    return Contact({FIRST_NAME: first})


def phones(*entries: Entry) -> Contact:
    """A contact with phones."""
    return Contact({PHONES: entries})


def merged(base: Contact, left: Contact, right: Contact, policy: Policy = LEFT_WINS) -> Merged:
    """The merge of two sides with a common base."""
    return merge(live(left, base), live(right, base), policy)


@pytest.mark.parametrize(
    ("base", "left", "right", "to_left", "to_right", "winner"),
    [
        ("Anna", "Hanna", "Anna", None, "Hanna", None),
        ("Anna", "Anna", "Hanna", "Hanna", None, None),
        ("Anna", "", "Anna", None, "", None),
        ("Anna", "Hanna", "Hanna", None, None, None),
        ("Anna", "HANNA", "Hanna", None, None, None),
        ("Anna", "Hanna", "Ewa", None, "Hanna", Side.LEFT),
        ("Anna", "", "Ewa", "Ewa", None, Side.RIGHT),
        ("Anna", "Ewa", "", None, "Ewa", Side.LEFT),
        ("Anna", "", "", None, None, None),
        ("Anna", "ANNA", "Anna", None, "ANNA", None),
        ("Anna", "Anna ", "Anna", None, None, None),
        ("", "Anna", "", None, "Anna", None),
        ("", "Anna", "Ewa", None, "Anna", Side.LEFT),
    ],
)
def test_single_values(base: str, left: str, right: str, to_left: str | None, to_right: str | None, winner: Side | None) -> None:
    """Promise: the side that differs from its base wins; both alike is agreement; an edit wins over a clearing; else the rule."""
    found = merged(names(base), names(left), names(right))
    assert (found.to_left.get(FIRST_NAME), found.to_right.get(FIRST_NAME)) == (to_left, to_right)
    assert [conflict.winner for conflict in found.conflicts] == ([winner] if winner else [])
    is_changed = not (base == left.strip() and base == right.strip())
    assert found.agreed == ({Part(FIRST_NAME)} if is_changed and to_left is None and to_right is None else frozenset())


def test_each_side_is_measured_against_its_own_base() -> None:
    """Promise: what a server rewrote or cannot hold is no change: two texts that differ for ever are in peace."""
    left, right = live(names("Anna Maria"), names("Anna Maria")), live(names("Anna"), names("Anna"))
    assert merge(left, right, LEFT_WINS) == Merged()
    edited = merge(left, live(names("Hanna"), names("Anna")), LEFT_WINS)
    assert edited == Merged(to_left={FIRST_NAME: "Hanna"})


def test_ask_waits_for_a_person_and_holds_up_nothing_else() -> None:
    """Promise: under "ask" only that field waits; the person's choice then wins."""
    base = Contact({FIRST_NAME: "Anna", LAST_NAME: "Nowak"})
    left, right = base.replacing({FIRST_NAME: "Hanna", LAST_NAME: "Kos"}), base.replacing({FIRST_NAME: "Ewa"})
    waiting = merged(base, left, right, ASK)
    assert waiting == Merged(to_right={LAST_NAME: "Kos"}, conflicts=(Conflict(Part(FIRST_NAME), "Hanna", "Ewa", None),))
    chosen = merge(live(left, base), live(right, base), ASK, {Part(FIRST_NAME): Side.RIGHT})
    assert chosen.to_left == {FIRST_NAME: "Ewa"}


def test_an_address_is_one_value() -> None:
    """Promise: the whole address travels, in the parts or the text in which it was written."""
    base, now = Address(text="Prosta 1, Łódź"), Address(street="Krzywa 2", city="Łódź")
    found = merged(Contact({ADDRESS: base}), Contact({ADDRESS: now}), Contact({ADDRESS: base}))
    assert found.to_right == {ADDRESS: now}
    cleared = merged(Contact({ADDRESS: base}), Contact(), Contact({ADDRESS: base}))
    assert cleared.to_right == {ADDRESS: Address()}


def test_added_and_removed_entries_are_both_respected() -> None:
    """Promise: what one side added and the other removed both happen."""
    found = merged(phones(MOBILE, WORK), phones(MOBILE, WORK, HOME), phones(MOBILE))
    assert found.to_right == {PHONES: (Edit(None, HOME),)}
    assert found.to_left == {PHONES: (Edit(WORK, None),)}


def test_a_removal_stands_against_a_new_label_and_is_listed() -> None:
    """Promise: removed here, relabelled there: removed, and the history shows what was there."""
    relabelled = Entry(WORK.value, "other")
    found = merged(phones(MOBILE, WORK), phones(MOBILE), phones(MOBILE, relabelled))
    assert found.to_right == {PHONES: (Edit(relabelled, None),)}
    assert found.conflicts == (Conflict(Part(PHONES, "+48221234567"), "", WORK.value, Side.LEFT),)


def test_label_and_spelling_travel_and_meet_each_other() -> None:
    """Promise: a new label from one side and a new spelling of the same number from the other both arrive."""
    found = merged(phones(WORK), phones(Entry(WORK.value, "other")), phones(Entry("22 123 45 67", "work")))
    assert found.to_right == {PHONES: (Edit(Entry("22 123 45 67", "work"), Entry("22 123 45 67", "other")),)}
    assert found.to_left == {PHONES: (Edit(Entry(WORK.value, "other"), Entry("22 123 45 67", "other")),)}
    assert parts_of(found.to_right, "PL") == {Part(PHONES, "+48221234567").label}
    assert parts_of(found.to_left, "PL") == {Part(PHONES, "+48221234567")}


def test_two_labels_are_a_conflict_of_their_own() -> None:
    """Promise: both relabelled differently: the rule decides about the label and about nothing else."""
    found = merged(phones(WORK), phones(Entry(WORK.value, "home")), phones(Entry(WORK.value, "other"), HOME))
    assert found.conflicts == (Conflict(Part(PHONES, "+48221234567").label, "home", "other", Side.LEFT),)
    assert found.to_left == {PHONES: (Edit(None, HOME),)}


@pytest.mark.parametrize("replacement", ["+49 22 123 45 67", "22 123 45 67 1", "+48 22 123 45 67 wew. 3"])
def test_only_a_number_of_the_same_last_digits_is_changed_in_its_place(replacement: str) -> None:
    """Promise: another country code in front of the number replaces it with the other side's label kept; another number does not."""
    theirs = Entry(WORK.value, "office")
    found = merge(live(phones(Entry(replacement, "work")), phones(WORK)), live(phones(theirs), phones(theirs)), Policy())
    if replacement.startswith("+49"):
        assert found.to_right == {PHONES: (Edit(theirs, Entry(replacement, "office")),)}
    else:
        assert found.to_right == {PHONES: (Edit(theirs, None), Edit(None, Entry(replacement, "work")))}


def test_a_replaced_number_that_the_other_side_removed_is_an_addition() -> None:
    """Promise: removed there, given another country code here: the new number arrives, the old one is gone."""
    replaced = Entry("+49 22 123 45 67", "work")
    found = merge(live(phones(replaced), phones(WORK)), live(phones(MOBILE), phones(WORK)), Policy())
    assert found.to_right == {PHONES: (Edit(None, replaced),)}
    assert found.to_left == {PHONES: (Edit(None, MOBILE),)}


def test_two_labels_under_ask_wait_without_being_forgotten() -> None:
    """Promise: the open label is not agreed upon: its base stays where it was."""
    found = merged(phones(WORK), phones(Entry(WORK.value, "home")), phones(Entry(WORK.value, "other")), ASK)
    assert found == Merged(conflicts=(Conflict(Part(PHONES, "+48221234567").label, "home", "other", None),))


def test_two_spellings_on_one_side_count_as_one_and_both_stay() -> None:
    """Promise: a duplicate within a side is neither copied nor removed."""
    twice = phones(WORK, Entry("22 123 45 67", "work"))
    assert merged(twice, twice, phones(WORK)) == Merged(
        agreed=frozenset({Part(PHONES, "+48221234567"), Part(PHONES, "+48221234567").label})
    )


def test_the_primary_mark_travels() -> None:
    """Promise: choosing another primary entry on one side changes both entries on the other."""
    base = phones(MOBILE, WORK)
    now = phones(Entry(MOBILE.value, "mobile"), Entry(WORK.value, "work", primary=True))
    found = merged(base, now, base)
    assert apply_delta(base, found.to_right) == now
    assert parts_of(found.to_right, "PL") == {Part(PHONES)}


def test_two_choices_of_the_primary_entry_are_a_conflict() -> None:
    """Promise: both chose, differently: the rule decides; under "ask" nothing moves."""
    plain = [Entry(entry.value, entry.label) for entry in (MOBILE, WORK, HOME)]
    base = phones(MOBILE, *plain[1:])
    left, right = (phones(*(Entry(e.value, e.label, e is chosen) for e in plain)) for chosen in plain[1:])
    assert apply_delta(right, merged(base, left, right).to_right) == left
    assert merged(base, left, right, ASK).conflicts == (Conflict(Part(PHONES), WORK.value, HOME.value, None),)
    assert not merged(base, left, right, ASK).to_right


def test_an_added_entry_does_not_take_the_mark() -> None:
    """Promise: the first entry of a list is marked by its server; on a side that has a primary entry it arrives without."""
    found = merge(live(phones(Entry(WORK.value, "work", primary=True))), live(phones(MOBILE)), LEFT_WINS)
    assert found.to_right == {PHONES: (Edit(None, WORK),)}
    assert found.to_left == {PHONES: (Edit(None, Entry(MOBILE.value, "mobile")),)}
    assert Part(PHONES) in found.agreed


def test_one_way_copies_what_the_sender_changed_and_leaves_drift_alone() -> None:
    """Promise: the receiver's own values and entries stay until the sender changes the same."""
    policy = Policy(direction=Direction.TO_RIGHT, region="PL", conflicts=ConflictRule.RIGHT)
    base = Contact({FIRST_NAME: "Anna", ORGANISATION: "Acme", PHONES: (MOBILE,)})
    drifted = base.replacing({FIRST_NAME: "Ewa", ORGANISATION: "Beta", PHONES: (MOBILE, HOME)})
    found = merged(base, base.replacing({FIRST_NAME: "Hanna"}), drifted, policy)
    assert found == Merged(to_right={FIRST_NAME: "Hanna"})
    first: Delta = merge(live(base), live(drifted), policy).to_right
    assert first == {FIRST_NAME: "Anna", ORGANISATION: "Acme"}


def test_a_base_takes_exactly_the_parts() -> None:
    """Promise: label, spelling, presence and mark advance each by itself."""
    base, now = phones(MOBILE, WORK), phones(Entry("601123456", "home"), Entry(HOME.value, "home", primary=True))
    key = Part(PHONES, "+48601123456")
    assert advance(base, frozenset({key}), now, "PL").entries(PHONES) == (Entry("601123456", "mobile", primary=True), WORK)
    assert advance(base, frozenset({key.label}), now, "PL").entries(PHONES) == (Entry(MOBILE.value, "home", primary=True), WORK)
    assert advance(base, frozenset({Part(PHONES, "+48221234567")}), now, "PL").entries(PHONES) == (MOBILE,)
    assert not any(entry.primary for entry in advance(base, frozenset({Part(PHONES)}), now, "PL").entries(PHONES))


def test_what_a_server_made_of_a_write_is_settled_with_it() -> None:
    """Promise: a number that the server stored differently belongs to the write, and does not come back as an addition."""
    delta: Delta = {PHONES: (Edit(None, Entry("58 123", "home")),)}
    answer = phones(MOBILE, Entry("58 0123", "home"))
    settled = settled_parts(delta, phones(MOBILE), answer, "PL")
    assert {part.key for part in settled if not part.is_label} == {"58123", "580123"}


def test_a_server_that_rewrites_or_drops_other_entries_of_the_list_edits_and_removes_nothing() -> None:
    """Promise: what it did to entries beside the one we wrote belongs to the write; what a human added before does not."""
    base, before = phones(MOBILE, WORK), phones(MOBILE, WORK, Entry("58 123 45 67", "home"))
    answer = phones(Entry("+48601123456", "mobile", primary=True), Entry("+48581234567", "home"), Entry("112"))
    settled = settled_parts({PHONES: (Edit(None, Entry("112")),)}, before, answer, "PL")
    now = advance(base, settled, answer, "PL").entries(PHONES)
    assert now == (Entry("+48601123456", "mobile", primary=True), Entry("112"))


@pytest.mark.parametrize(
    ("before", "sent", "now", "has_arrived"),
    [
        ("Anna", "Hanna", "Hanna", True),
        ("Anna", "Hanna", "Anna", False),
        ("Anna", "Hanna", "Ewa", False),
        ("Anna", "ANNA", "Anna", False),
        ("Anna", "ANNA", "anna", True),
        ("Anna", "", "", True),
        ("Anna", "", "Anna", False),
        ((MOBILE,), (MOBILE, WORK), (WORK, MOBILE), True),
        ((MOBILE,), (MOBILE, WORK), (MOBILE,), False),
        ((MOBILE, WORK), (MOBILE,), (MOBILE,), True),
        ((MOBILE, WORK), (MOBILE,), (MOBILE, WORK), False),
        ((WORK,), (Entry(WORK.value, "home"),), (WORK,), False),
        ((WORK,), (Entry(WORK.value, "home"),), (Entry(WORK.value, "home"),), True),
        ((WORK,), (Entry("221234567", "work"),), (WORK,), False),
        ((WORK,), (Entry("221234567", "work"),), (Entry("22 1234567", "work"),), True),
        ((WORK,), (Entry(WORK.value, "work", primary=True),), (WORK,), False),
    ],
)
def test_whether_a_write_without_answer_arrived(before: Value, sent: Value, now: Value, has_arrived: bool) -> None:
    """Promise: every part of a write can be found again, also a new writing of the same value, a label and the mark."""
    name = FIRST_NAME if isinstance(before, str) else PHONES
    held, wanted, found = (Contact({name: value}) for value in (before, sent, now))
    parts = {Part(FIRST_NAME)} if isinstance(before, str) else set(parts_of(merged(held, wanted, held).to_right, "PL"))
    assert parts
    assert all(was_applied(part, held, wanted, found, "PL") for part in parts) is has_arrived
    if not has_arrived:
        assert not any(was_applied(part, held, wanted, found, "PL") for part in parts)
