"""A first sync of the made-up address book, of which the truth is known: 300 contacts, 250 persons, 80 of them the same people."""

from __future__ import annotations

from depth import SEED
from engine.stage import Stage
from tandem.core.state import Side
from tandem.sandbox.people import load_demo
from tandem.store import models


def test_nobody_of_the_address_book_is_doubled(make_stage: object) -> None:
    """P3, B16: of 80 people who stand on both sides, in the label and outside it, not one gets a second copy; no strangers are joined."""
    seed = SEED % 1000
    stage: Stage = make_stage()
    stage.google_does("delete_group", group=stage.group)
    loaded = load_demo(stage.world, seed)
    stage.choose_group("Pipedrive")
    report = stage.cycle()
    pairs = {(pair.left_id, pair.right_id) for pair in models.Pair.objects.using(stage.alias).filter(reason="matched")}
    truth = {(f"{int(left.removeprefix('people/c')):x}", str(right)) for left, right in loaded.pairs}
    assert pairs <= truth, f"seed {seed}"
    assert len(pairs) >= 45, f"seed {seed}"
    created = models.Intent.objects.using(stage.alias).filter(kind="create")
    sources = {(intent.side, intent.marker.split(":")[3]) for intent in created}
    doubled = [pair for pair in truth if (Side.RIGHT.value, pair[0]) in sources or (Side.LEFT.value, pair[1]) in sources]
    assert doubled == [], f"seed {seed}"
    assert report.state.value == "waiting-for-person"
    again = stage.cycle()
    assert again.writes == 0
