"""Promises of the archive: what was seen comes back as it was, side by side and link by link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tandem.core.state import LinkId, Presence, Side, Version
from tandem.replica import Reference
from tandem.store.archive import Archive
from tandem.store.pairs import Pairs

from .conftest import NOW

if TYPE_CHECKING:
    from tandem.store import models


@pytest.fixture
def link(make_link: Callable[..., models.Link]) -> LinkId:
    """A link."""
    return LinkId(make_link().id)


def shadow(link: int, record_id: str, side: Side = Side.LEFT, **columns: object) -> models.Shadow:
    """A live shadow, with other columns if wished."""
    from tandem.store import models

    usual = {"locator": record_id, "version": "1", "presence": "live", "content": b"{}", "first_seen_at": NOW, "version_seen_at": NOW}
    return models.Shadow(link_id=link, side=side.value, record_id=record_id, **{**usual, **columns})


def test_a_feed_is_kept(alias: str, link: LinkId) -> None:
    """Before the first drain there is an empty one; each side has its own."""
    archive = Archive(alias, link)
    feed = archive.feed(Side.LEFT)
    assert (feed.cursor, feed.listed_at) == ("", None)
    feed.cursor, feed.listed_at = "c", NOW
    archive.save_feed(feed, is_listed=True)
    assert (archive.feed(Side.LEFT).cursor, archive.feed(Side.RIGHT).cursor) == ("c", "")


def test_putting_replaces_all_but_the_first_sight(alias: str, link: LinkId) -> None:
    """A record seen again has one shadow, the newest, which still knows when the record was first seen."""
    archive = Archive(alias, link)
    archive.put([shadow(link, "a"), shadow(link, "b")])
    later = NOW + timedelta(hours=1)
    archive.put([shadow(link, "a", version="2", content=b'{"x":1}', first_seen_at=later, version_seen_at=later)])
    row = archive.shadow(Side.LEFT, "a")
    assert row is not None
    assert (row.version, bytes(row.content or b""), row.first_seen_at, row.version_seen_at) == ("2", b'{"x":1}', NOW, later)
    assert set(archive.shadows(Side.LEFT, ["a", "b", "c"])) == {"a", "b"}
    assert archive.shadow(Side.RIGHT, "a") is None


def test_many_rows_go_in_and_out(alias: str, link: LinkId) -> None:
    """More rows than a statement takes: everything is there, and is found by id."""
    archive = Archive(alias, link)
    ids = [f"r{number}" for number in range(2500)]
    archive.put(shadow(link, id_) for id_ in ids)
    assert archive.live_ids(Side.LEFT) == set(ids)
    assert set(archive.heads(Side.LEFT, ids)) == set(archive.heads(Side.LEFT)) == set(ids)
    archive.flag(Side.LEFT, ids[:1500])
    assert len(archive.to_look_at(Side.LEFT)) == 1500
    archive.drop(Side.LEFT, ids[:2000])
    assert archive.live_ids(Side.LEFT) == set(ids[2000:])


def test_unpaired_records_oldest_first(alias: str, link: LinkId) -> None:
    """Live records in no pair, in the order in which they appeared; closed pairs count, so nothing is born from them again."""
    from tandem.store import models

    archive, pairs = Archive(alias, link), Pairs(alias, link)
    rows = [
        shadow(link, id_, first_seen_at=NOW + timedelta(seconds=age)) for id_, age in (("new", 9), ("old", 1), ("paired", 0), ("closed", 0))
    ]
    archive.put([*rows, shadow(link, "outside", presence=Presence.OUT_OF_SCOPE.value), shadow(link, "right", Side.RIGHT)])
    for id_, state in (("paired", "linked"), ("closed", "closed")):
        pairs.save(models.Pair(link_id=link, left_id=id_, right_id=f"r-{id_}", state=state, created_at=NOW))
    assert [row.record_id for row in archive.unpaired(Side.LEFT)] == ["old", "new"]
    assert [row.record_id for row in archive.unpaired(Side.RIGHT)] == ["right"]


def test_keys_of_what_exists(alias: str, link: LinkId) -> None:
    """Keys are there for everything that exists, in scope or not, and for nothing that is gone."""
    archive = Archive(alias, link)
    archive.put(shadow(link, presence.value, presence=presence.value, keys=["email:x"]) for presence in Presence)
    assert {presence for _, presence, _ in archive.keys(Side.LEFT)} == {
        Presence.LIVE, Presence.OUT_OF_SCOPE, Presence.UNREADABLE, Presence.MISSING,
    }  # fmt: skip


def test_a_ghost_is_what_was_only_seen_gone(alias: str, link: LinkId) -> None:
    """A record seen deleted that was never seen alive, since a moment."""
    archive = Archive(alias, link)
    archive.put([shadow(link, "known", presence="gone"), shadow(link, "early", presence="gone", version="", first_seen_at=NOW)])
    since = NOW + timedelta(seconds=1)
    assert not archive.has_ghost(Side.LEFT, since)
    archive.put([shadow(link, "late", presence="gone", version="", first_seen_at=since)])
    assert archive.has_ghost(Side.LEFT, since)


def test_references_are_renamed_and_forgotten(alias: str, link: LinkId) -> None:
    """The index knows each reference under its latest name, the most used first among equal names, and no deleted one."""
    archive = Archive(alias, link)
    archive.put_references(Side.RIGHT, [Reference(id_, name, Version("1")) for id_, name in (("1", "Alfa"), ("2", "Beta"), ("3", "Alfa"))])
    archive.put([shadow(link, "p", Side.RIGHT, reference="3")])
    assert archive.known_references(Side.RIGHT).find("ALFA") == "3"
    archive.put_references(Side.RIGHT, [Reference("3", "Gamma", Version("2")), Reference("2", "", Version("2"), is_gone=True)])
    known = archive.known_references(Side.RIGHT)
    assert (known.find("Alfa"), known.find("Gamma"), known.find("Beta")) == ("1", "3", None)
    assert archive.reference_names(Side.RIGHT, ["1", "2", "3"]) == {"1": "Alfa", "3": "Gamma"}
    assert [row.record_id for row in archive.pointing_at(Side.RIGHT, ["3"])] == ["p"]


def test_uses_are_counted_only_to_choose_among_equal_names(alias: str, link: LinkId) -> None:
    """Names are read with one statement; who points at them is counted when two bear the name that is looked for, and once."""
    archive = Archive(alias, link)
    archive.put_references(Side.RIGHT, [Reference(id_, name, Version("1")) for id_, name in (("1", "Alfa"), ("2", "Beta"), ("3", "Alfa"))])
    known = archive.known_references(Side.RIGHT)
    with CaptureQueriesContext(connections[alias]) as found:
        assert (known.name_of("1"), known.find("Beta"), known.find("Nobody")) == ("Alfa", "2", None)
    assert len(found) == 1
    with CaptureQueriesContext(connections[alias]) as found:
        assert (known.find("Alfa"), known.find("Alfa")) == ("1", "1")
    assert len(found) == 1


def test_links_do_not_see_each_other(alias: str, link: LinkId, make_link: Callable[..., models.Link]) -> None:
    """The archive of one link holds nothing of another, even of the same record."""
    other = LinkId(make_link(2, 2).id)
    Archive(alias, link).put([shadow(link, "a", version="1")])
    Archive(alias, other).put([shadow(other, "a", version="2"), shadow(other, "b")])
    Archive(alias, other).drop(Side.LEFT, ["a"])
    assert Archive(alias, link).live_ids(Side.LEFT) == {"a"}
