"""Databases for the tests of the store: each test gets one of its own, copied from one that was migrated once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import databases
from tandem.databases import SQLITE_NAME, SqliteFile, described
from tandem.store import setup

setup.prepare()

from django.db import connections  # noqa: E402 - Django must be up before its parts are imported

if TYPE_CHECKING:
    from tandem.store import models

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables."""
    path = tmp_path_factory.mktemp("store") / "template.sqlite3"
    setup.register("store-template", SqliteFile(path))
    setup.migrate("store-template")
    connections["store-template"].close()
    return path


@pytest.fixture(params=databases.KINDS if databases.usual() == databases.SQLITE else [databases.POSTGRESQL])
def alias(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[str]:
    """The name of an empty database, of each kind."""
    name = f"store-{next(_numbers)}"
    with databases.on(request.param):
        url = databases.lend_for_test().get("TANDEM_DATABASE_URL", "")
        if not url:
            shutil.copy(template, tmp_path / SQLITE_NAME)
        setup.register(name, described(url, tmp_path))
        yield name
        connections[name].close()


@pytest.fixture
def make_link(alias: str) -> Callable[..., models.Link]:
    """Make links between accounts given by number; unknown accounts are made as well."""
    from tandem.core.policy import Policy
    from tandem.store.links import Accounts, Links, NewLink

    def make(left: int = 1, right: int = 1) -> models.Link:
        accounts = Accounts(alias)
        ends = [accounts.keep(service, f"{service}:{number}", "Name", {}, NOW) for service, number in (("west", left), ("east", right))]
        new = NewLink(ends[0].id, ends[1].id, {"group": "g"}, {"scope": "s"}, Policy(region="PL"))
        return Links(alias).add(new, NOW)

    return make
