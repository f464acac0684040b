"""Promise: what is older than wished is erased, and what keeps people from being doubled never is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tandem.core.state import LinkId, Side
from tandem.store import models
from tandem.store.contents import holds
from tandem.store.erasing import Erasing
from tandem.store.journal import Journal, Note, OutcomeKind

from .conftest import NOW

LONG_AGO = NOW - timedelta(days=100)
LIMIT = NOW - timedelta(days=90)


def _cycle(journal: Journal, at: object, state: str = "in-sync") -> models.Cycle:
    cycle = journal.open_cycle(epoch=1, cause="test", at=at)  # type: ignore[arg-type]
    journal.close_cycle(cycle, state=state, counts={}, at=at)  # type: ignore[arg-type]
    return cycle


def test_the_old_is_erased_and_the_new_stays(alias: str, make_link: Callable[..., models.Link]) -> None:
    """History and the content of settled intents go after their time; markers, pairs, open intents and what is younger stay."""
    link = LinkId(make_link(1, 1).id)
    journal = Journal(alias, link)
    old, new = _cycle(journal, LONG_AGO), _cycle(journal, NOW)
    pairs = models.Pair.objects.using(alias)
    pair = pairs.create(link_id=link, state="linked", left_id="a", right_id="1", base_left=b'{"first_name":"Ala"}', created_at=LONG_AGO)
    gone = pairs.create(link_id=link, state="closed", left_id="b", right_id="2", base_left=b'{"first_name":"Ewa"}', created_at=LONG_AGO)
    models.Shadow.objects.using(alias).create(
        link_id=link, side="left", record_id="b", locator="b", version="1", presence="gone", content=b'{"first_name":"Ewa"}', raw=b"{}",
        first_seen_at=LONG_AGO, version_seen_at=LONG_AGO, absent_at=LONG_AGO,
    )  # fmt: skip
    for cycle, at in ((old, LONG_AGO), (new, NOW)):
        journal.note(cycle, [Note(pair.id, Side.LEFT, "update", "a", ["first_name"], b'{"first_name":"Ala"}', b"{}")], at)
        intents = journal.record(
            [models.Intent(link_id=link, cycle=cycle, pair=pair, side="left", kind="create", marker="m", payload=b'{"name":"Ala"}')]
        )
        if cycle is old:
            journal.record([models.Intent(link_id=link, cycle=cycle, pair=pair, side="left", kind="update", payload=b'{"name":"Ala"}')])
        for intent in intents:
            journal.settle(intent, OutcomeKind.APPLIED, at)
        journal.save_settled(intents)
    Erasing(alias).forget_before(link, LIMIT, NOW)
    assert [row.at for row in models.History.objects.using(alias).all()] == [NOW]
    kept = [(bytes(row.payload), row.outcome, row.marker) for row in models.Intent.objects.using(alias).order_by("id")]
    assert kept == [(b"{}", "applied", "m"), (b'{"name":"Ala"}', "", ""), (b'{"name":"Ala"}', "applied", "m")]
    pair.refresh_from_db()
    gone.refresh_from_db()
    assert (bytes(pair.base_left), pair.state) == (b'{"first_name":"Ala"}', "linked")
    assert (bytes(gone.base_left), gone.left_id, gone.state) == (b"{}", "b", "closed")
    (shadow,) = models.Shadow.objects.using(alias).all()
    assert (shadow.content, shadow.raw, shadow.presence) == (None, None, "gone")


def test_idle_cycles_are_pruned(alias: str, make_link: Callable[..., models.Link]) -> None:
    """Cycles that found nothing to do go after a day; those that wrote or failed stay until they are old; the last one always stays."""
    link = LinkId(make_link(1, 1).id)
    journal = Journal(alias, link)
    two_days = NOW - timedelta(days=2)
    ancient = _cycle(journal, LONG_AGO, "failed")
    idle = [_cycle(journal, two_days) for _ in range(5)]
    wrote = _cycle(journal, two_days)
    journal.note(wrote, [Note(None, Side.LEFT, "update", "a")], two_days)
    failed = _cycle(journal, two_days, "failed")
    last = _cycle(journal, two_days)
    Erasing(alias).forget_before(link, LIMIT, NOW)
    left = set(models.Cycle.objects.using(alias).values_list("id", flat=True))
    assert left == {wrote.id, failed.id, last.id}
    assert not left & {ancient.id, *(cycle.id for cycle in idle)}


def test_values_are_searched_and_not_names_of_fields() -> None:
    """In any case and at any depth; umlauts written either way are the same; keys are no values."""
    assert holds(b'{"raw": {"names": [{"givenName": "Zo\\u0308rn"}]}}', "zÖRN")
    assert not holds(b'{"given": "Ala"}', "given")
    assert holds(b"no json at all", "JSON")
