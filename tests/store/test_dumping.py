"""Promise: a dump is one moment of the whole database, whoever writes meanwhile, and loading it gives every row again to the letter."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

import databases
from tandem.databases import described
from tandem.errors import StorageError, WrongInput
from tandem.store import models, setup
from tandem.store.dumping import Dump
from tandem.store.loading import is_unused, load, read_head, vacated
from tandem.store.reviving import UnderWay, mark_restored
from tandem.store.vault import Vault

from .conftest import NOW

RING = ("a" * 40, "b" * 40)
UNDER_WAY = UnderWay(pairs=("under-way",), given_up="given-up", questions=("at-once",))


def dump(alias: str, at: datetime = NOW) -> Dump:
    """A dump of a database."""
    return Dump(alias, ring=RING, version="1.2", made_at=at, without=frozenset({"passing"}))


@pytest.fixture
def unmade(alias: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes names of databases of the same kind that have no tables yet."""
    names: list[str] = []

    def make() -> str:
        name, folder = databases.unique("load"), tmp_path / str(len(names))
        folder.mkdir()
        url = databases.make_database(name) if databases.kind() == databases.POSTGRESQL else ""
        setup.register(name, described(url, folder))
        names.append(name)
        return name

    yield make
    for name in names:
        setup.forget(name)


@pytest.fixture
def empty(unmade: Callable[[], str]) -> str:
    """The name of a database that has no tables yet."""
    return unmade()


def rows(alias: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but hints, as plain values."""
    tables = [model for model in apps.get_app_config("store").get_models() if model is not models.Hint]
    return {model.__name__: [_plain(row) for row in _all(model, alias)] for model in tables}


def _all(model: type[Model], alias: str) -> list[tuple[object, ...]]:
    return list(model._default_manager.using(alias).order_by("pk").values_list())


def _plain(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def fill(alias: str, link: models.Link) -> None:
    """Rows whose values are hard to carry."""
    at = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)
    hard = {"ü": ["\u2028", "\"'\\", {"": None}], "n": 2**53 + 1, "f": 0.1, "b": [True, False], "t": "2026-01-01T00:00:00Z"}
    models.Link.objects.using(alias).filter(id=link.id).update(epoch=2**62, left_settings=hard, last_success_at=at, wait_until=None)
    models.Shadow.objects.using(alias).create(
        link=link, side="left", record_id="x" * 200, locator="people/c1", version="2026 é", presence="live", content=bytes(range(256)) * 9,
        raw=b"", keys=["a:b"], first_seen_at=at, version_seen_at=at - timedelta(microseconds=1),
    )  # fmt: skip
    models.Pair.objects.using(alias).create(id=7_000_000_000, link=link, state="linked", left_id="x" * 200, created_at=at, parked=hard)
    models.Ledger.objects.using(alias).create(budget="b", day=at.date(), tokens=2**40)
    models.Hint.objects.using(alias).create(link=link, side="left", record_id="1", locator="1", due_at=at)
    Vault(alias, RING).put(link.left_account_id, "lasting", "secret é")
    Vault(alias, RING).put(link.left_account_id, "passing", "forgotten")


def test_every_row_comes_back_to_the_letter(alias: str, make_link: Callable[..., models.Link], empty: str) -> None:
    """Bytes, big numbers, microseconds, nested JSON, text of any kind; what is left out is what was said to be; the keys open the rest."""
    fill(alias, make_link())
    made = dump(alias)
    lines = list(made.lines())
    told = iter(lines)
    head = read_head(told)
    summary = load(empty, head, told)
    expected = rows(alias)
    expected["Secret"] = [row for row in expected["Secret"] if "passing" not in row]
    assert rows(empty) == expected
    assert (head.ring, head.made_at, head.tandem) == (RING, NOW, "1.2")
    assert Vault(empty, head.ring).get(1, "lasting") == "secret é"
    assert made.summary is not None
    assert (summary.links, summary.pairs, summary.records, summary.tables) == (1, 1, 1, made.summary.tables)
    # The next row gets a number of its own.
    assert models.Pair.objects.using(empty).create(link_id=1, state="linked", created_at=NOW).id == 7_000_000_001


def test_a_dump_is_one_moment_and_holds_nobody_up(alias: str, make_link: Callable[..., models.Link], empty: str) -> None:
    """While a dump is read, another connection commits: at once, and without a trace in the dump."""
    link = make_link()
    fill(alias, link)
    before = rows(alias)
    writer = "beside"
    connections.settings[writer] = deepcopy(connections.settings[alias])
    if connections[alias].vendor == "sqlite":
        connections.settings[writer]["OPTIONS"]["timeout"] = 0
    lines = []
    for number, line in enumerate(dump(alias).lines()):
        lines.append(line)
        with transaction.atomic(using=writer):
            models.Word.objects.using(writer).create(link_id=link.id, kind="apart", left_id=str(number), said_at=NOW)
            models.Pair.objects.using(writer).update(reason=str(number))
    setup.forget(writer)
    told = iter(lines)
    load(empty, read_head(told), told)
    before["Secret"] = [row for row in before["Secret"] if "passing" not in row]
    assert rows(empty) == before
    assert len(rows(alias)["Word"]) == len(lines)


def test_a_dump_needs_little_memory(alias: str, make_link: Callable[..., models.Link]) -> None:
    """Three times the rows need no more memory."""
    link, peaks = make_link(), []
    for first, last in ((0, 1100), (1100, 3600)):
        new = (
            models.Shadow(link=link, side="left", record_id=str(number), locator="l", version="v", presence="live",
                          raw=random.Random(number).randbytes(1000), first_seen_at=NOW, version_seen_at=NOW)
            for number in range(first, last)
        )  # fmt: skip
        models.Shadow.objects.using(alias).bulk_create(new, batch_size=500)
        tracemalloc.start()
        assert sum(1 for _ in dump(alias).lines()) > last
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_a_dump_of_an_older_version_is_brought_up_to_date(unmade: Callable[[], str], empty: str) -> None:
    """Tables as an earlier version made them: loaded as they were, and then migrated; nothing waits in between."""
    old = unmade()
    tables = MigrationExecutor(connections[old]).migrate([("store", "0003_outside")]).apps
    account = [
        tables.get_model("store", "Account").objects.using(old).create(service=name, external_id=name, name=name, created_at=NOW)
        for name in ("west", "east")
    ]
    link = tables.get_model("store", "Link").objects.using(old)
    link.create(left_account_id=account[0].pk, right_account_id=account[1].pk, state="active", first_synced_at=NOW, created_at=NOW)
    tables.get_model("store", "Pair").objects.using(old).create(link_id=1, state="linked", left_id="a", right_id="b", created_at=NOW)
    told = dump(old).lines()
    head = read_head(told)
    assert head.migrations[-1] == "0003_outside"
    load(empty, head, told)
    assert models.Pair.objects.using(empty).get().doubted == []
    assert mark_restored(empty, backup_at=NOW, now=NOW + timedelta(days=1), under_way=UNDER_WAY) == [1]


def test_a_newer_one_is_refused(alias: str, empty: str) -> None:
    """Migrations that are not known here: a sentence, and nothing is made; neither is a newer database dumped."""
    first, *rest = dump(alias).lines()
    said = json.loads(first)
    said["migrations"].append("9999_tomorrow")
    with pytest.raises(WrongInput, match=r"newer Tandem \(1.2\)"):
        read_head(iter([json.dumps(said).encode(), *rest]))
    said["format"] = 2
    with pytest.raises(WrongInput, match="newer Tandem"):
        read_head(iter([json.dumps(said).encode(), *rest]))
    tomorrow = MigrationRecorder(connections[alias])
    tomorrow.record_applied("store", "9999_tomorrow")
    with pytest.raises(StorageError, match="newer Tandem"):
        list(dump(alias).lines())
    tomorrow.record_unapplied("store", "9999_tomorrow")


def test_what_is_not_whole_leaves_nothing(alias: str, make_link: Callable[..., models.Link], empty: str) -> None:
    """A line that is missing, doubled, or of another kind, anywhere: an error, and no row of it."""
    fill(alias, make_link())
    lines = list(dump(alias).lines())
    for place in range(1, len(lines), 3):
        for wrong in (lines[:place], lines[:place] + lines[place + 1 :], [*lines[: place + 1], *lines[place:]], [*lines, lines[place]]):
            told = iter(wrong)
            head = read_head(told)
            with pytest.raises((WrongInput, StorageError)):
                load(empty, head, told)
    assert not any(table for name, table in rows(empty).items())


def test_what_is_in_use_is_not_vacated(alias: str, make_link: Callable[..., models.Link]) -> None:
    """A database in which somebody has connected an account since it was looked at keeps every row."""
    assert is_unused(alias)
    fill(alias, make_link())
    before = rows(alias)
    with pytest.raises(StorageError, match="come into use"), vacated(alias):
        raise AssertionError("it was vacated")
    assert (is_unused(alias), rows(alias)) == (False, before)


def test_what_was_under_way_is_over(alias: str, make_link: Callable[..., models.Link]) -> None:
    """After a restore: intents are settled, undos done, answers asked for again, leases void, and links wait for a person."""
    link = make_link()
    cycle = models.Cycle.objects.using(alias).create(link=link, epoch=1, cause="test", started_at=NOW)
    models.Intent.objects.using(alias).create(link=link, cycle=cycle, side="left", kind="create", payload=b"{}", sends=[])
    models.Undo.objects.using(alias).create(link=link, asked_at=NOW)
    for kind in ("match", "at-once"):
        models.Question.objects.using(alias).create(link=link, kind=kind, choice="link", named=["a", "b"], answered_at=NOW, asked_at=NOW)
    for state, reason, record in (("linked", "under-way", "a"), ("closed", "under-way", "b"), ("closed", "deleted", "c")):
        models.Pair.objects.using(alias).create(link=link, state=state, reason=reason, left_id=record, created_at=NOW, is_dirty=False)
    models.Feed.objects.using(alias).create(link=link, side="left", cursor="there", listed_at=NOW)
    links = models.Link.objects.using(alias)
    links.update(state="waiting", lease_owner="old", lease_until=NOW + timedelta(days=9), epoch=5, first_synced_at=NOW)
    paused, removed = make_link(2, 2), make_link(3, 3)
    links.filter(id=paused.id).update(state="paused", first_synced_at=NOW)
    links.filter(id=removed.id).update(state="removed")
    draft = make_link(4, 4)
    waiting = mark_restored(alias, backup_at=NOW, now=NOW + timedelta(days=1), under_way=UNDER_WAY)
    assert waiting == [link.id]
    assert dict(links.values_list("id", "state")) == {link.id: "restored", paused.id: "paused", removed.id: "removed", draft.id: "draft"}
    row = links.get(id=link.id)
    assert (row.lease_owner, row.lease_until, row.next_due_at, row.wait_until) == ("", None, None, None)
    assert row.epoch > 100_000
    assert not models.Intent.objects.using(alias).filter(outcome="").exists()
    assert not models.Undo.objects.using(alias).filter(done_at=None).exists()
    questions = models.Question.objects.using(alias).order_by("id")
    assert [(one.kind, one.choice, one.closed_at is None) for one in questions] == [("match", "", True), ("at-once", "link", False)]
    pairs = models.Pair.objects.using(alias).order_by("id").values_list("reason", "is_aged", "is_dirty")
    assert list(pairs) == [("", True, True), ("given-up", False, False), ("deleted", False, False)]
    assert list(models.Feed.objects.using(alias).values_list("cursor", "listed_at")) == [("", None)]
