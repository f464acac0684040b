"""The preview shows what the next cycle does, and leaves no trace: not in the services, not in the database."""

from __future__ import annotations

from engine.scenarios import STORIES, contacts, persons
from engine.stage import Stage
from tandem.core.plan import ActionKind
from tandem.core.state import Side
from tandem.engine.preview import Preview, preview

#: Tables that a preview may move: tokens that were spent, access tokens that were renewed.
_MAY_MOVE = ("store_ledger", "store_secret")


def _dump(stage: Stage) -> list[str]:
    return stage.database.every_row(but=_MAY_MOVE)


def _look(stage: Stage) -> Preview:
    before, requests = _dump(stage), len(stage.world.log)
    shown = preview(stage.bench())
    assert stage.writes(requests) == []
    assert _dump(stage) == before
    return shown


def test_a_preview_of_a_first_sync_is_pure_and_true(stage: Stage) -> None:
    """P11: no write is sent, every table is the same before and after, and the first sync does just what was shown."""
    contacts("Ala", "Bartek", "Celina")(stage)
    persons("Olek")(stage)
    stage.person(first_name="Ala", last_name="Nowak", emails=[{"value": "ala@example.com"}], phones=[{"value": "22 555 01 02"}])
    stage.bench()
    shown = _look(stage)
    assert [(pair.name, bool(pair.evidence)) for pair in shown.pairs] == [("Ala Nowak", True)]
    assert {(side, shown.count(side, ActionKind.CREATE)) for side in Side} == {(Side.LEFT, 1), (Side.RIGHT, 2)}
    report = stage.cycle()
    assert {side: counts["created"] for side, counts in report.written.items()} == {Side.LEFT: 1, Side.RIGHT: 2}
    updated = {side: counts["updated"] for side, counts in report.written.items()}
    assert updated == {side: shown.count(side, ActionKind.UPDATE) for side in Side}


def test_a_preview_of_any_story_is_pure(stage: Stage) -> None:
    """P11 in the middle of life: for every story, at the moment before its cycle."""
    for story in STORIES:
        told = story.stage(0.0)
        told.bench()
        shown = _look(told)
        assert shown.actions or shown.settling or shown.conflicts or shown.pairs, story.name
        told.close()


def test_a_preview_shows_values_old_and_new(stage: Stage) -> None:
    """B1: changes are shown value by value."""
    contacts("Ala")(stage)
    stage.settle()
    stage.google_does("update", id=stage.google()[0]["id"], fields={"phoneNumbers": [{"value": "+48 600 999 888", "type": "home"}]})
    (action,) = _look(stage).actions
    assert (action.kind, action.side, action.name) == (ActionKind.UPDATE, Side.RIGHT, "Ala Nowak")
    assert {(change.old, change.new) for change in action.changes} == {("+48 600 123 400 (mobile)", ""), ("", "+48 600 999 888 (home)")}
