"""Promises of the pairs: a record is in at most one, questions are put once, and what is closed stays closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, transaction

from tandem.core.state import LinkId, PairState, Side
from tandem.store.pairs import Pairs, record_of

from .conftest import NOW

if TYPE_CHECKING:
    from tandem.store import models


@pytest.fixture
def pairs(alias: str, make_link: Callable[..., models.Link]) -> Pairs:
    """The pairs of a link."""
    return Pairs(alias, LinkId(make_link().id))


def pair(left: str | None, right: str | None, state: PairState = PairState.LINKED, *, is_dirty: bool = False) -> models.Pair:
    """A pair of the first link."""
    from tandem.store import models

    return models.Pair(link_id=1, left_id=left, right_id=right, state=state.value, is_dirty=is_dirty, created_at=NOW)


@pytest.mark.parametrize(("left", "right"), [("a", "other"), ("other", "x")])
def test_a_record_is_in_one_pair_only(alias: str, pairs: Pairs, left: str, right: str) -> None:
    """The database itself refuses a second pair of the same record, so no race can join a person twice."""
    pairs.save(pair("a", "x"))
    with pytest.raises(IntegrityError), transaction.atomic(using=alias):
        pairs.save(pair(left, right))
    assert pairs.count() == 1


def test_one_sided_pairs_do_not_collide(pairs: Pairs) -> None:
    """Pairs whose counterpart does not exist yet live side by side."""
    saved = pairs.add_many([pair("a", None, PairState.ONE_SIDED), pair("b", None, PairState.ONE_SIDED)])
    assert all(row.id for row in saved)
    assert pairs.count() == 2
    assert [record_of(saved[0], side) for side in Side] == ["a", None]


def test_only_living_pairs_are_looked_at(pairs: Pairs) -> None:
    """Closed pairs are found by id for ever, and are never to be reconciled, whatever is touched."""
    pairs.add_many([pair("a", "x", is_dirty=True), pair("b", "y"), pair("c", "z", PairState.CLOSED)])
    assert [row.left_id for row in pairs.moved()] == ["a"]
    pairs.touch(Side.RIGHT, ["y", "z", "unknown"])
    assert [row.left_id for row in pairs.moved()] == ["a", "b"]
    pairs.touch_all()
    assert [row.left_id for row in pairs.moved()] == ["a", "b"]
    assert set(pairs.of(Side.LEFT, ["a", "c", "unknown"])) == {"a", "c"}
    assert pairs.living_ids(Side.LEFT) == {"a", "b"}
    assert (pairs.count(), pairs.by_state()) == (2, {"linked": 2, "closed": 1})


def test_saving_many_keeps_every_column(pairs: Pairs) -> None:
    """What a cycle changes of pairs in bulk comes back."""
    rows = pairs.add_many([pair("a", "x"), pair("b", "y")])
    for row in rows:
        row.base_left, row.base_right, row.parked, row.reason, row.is_dirty = b"l", b"r", {"phones": {"side": "left"}}, "why", True
    pairs.save_many(rows)
    row = pairs.one(rows[1].id)
    assert (bytes(row.base_left), bytes(row.base_right), row.reason, row.is_dirty) == (b"l", b"r", "why", True)
    assert [item.id for item in pairs.parked()] == [item.id for item in rows]


def test_a_question_is_put_once(pairs: Pairs) -> None:
    """Asked again, a question is the same one with the latest data; another part or side is another question."""
    row = pairs.save(pair("a", "x"))
    for number in range(3):
        pairs.ask("conflict", at=NOW, pair=row.id, part="phones", data={"number": number})
    pairs.ask("conflict", at=NOW, pair=row.id, part="emails")
    pairs.ask("match", at=NOW, part="digest")
    assert [(item.kind, item.part, item.data) for item in pairs.questions()] == [
        ("conflict", "phones", {"number": 2}), ("conflict", "emails", {}), ("match", "digest", {}),
    ]  # fmt: skip


def test_questions_that_answered_themselves_are_closed(pairs: Pairs) -> None:
    """What does not come up any more waits for nobody; the others and other kinds stay; a closed one may be asked again."""
    row = pairs.save(pair("a", "x"))
    for part in ("phones", "emails"):
        pairs.ask("conflict", at=NOW, pair=row.id, part=part)
    pairs.ask("match", at=NOW, part="digest")
    pairs.close_questions("conflict", [(row.id, "", "emails")], NOW)
    assert [(item.kind, item.part) for item in pairs.questions()] == [("conflict", "emails"), ("match", "digest")]
    pairs.ask("conflict", at=NOW, pair=row.id, part="phones")
    assert len(pairs.questions()) == 3
