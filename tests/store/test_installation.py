"""Promises of the installation's row: one secret key for one database, whoever opens it."""

from __future__ import annotations

import pytest

from tandem.errors import StorageError
from tandem.store.installation import known_installation

from .conftest import NOW

KEY, OTHER = "k" * 64, "o" * 64


def test_another_key_is_noticed_before_anything_is_written(alias: str) -> None:
    """A second machine with a key of its own is told which key to bring; the row stays as it is, and holds nothing of the key."""
    from tandem.store import models

    made = known_installation(alias, KEY, lambda: "one", NOW)
    assert known_installation(alias, KEY, lambda: "two", NOW) == made == "one"
    before = list(models.Installation.objects.using(alias).values())
    with pytest.raises(StorageError, match=r"another secret key.*secret\.key.*empty database"):
        known_installation(alias, OTHER, lambda: "three", NOW)
    assert list(models.Installation.objects.using(alias).values()) == before
    assert KEY not in str(before)


def test_a_row_of_an_earlier_version_takes_the_key_that_comes_first(alias: str) -> None:
    """Its print is made at the next start; the installation stays the same one."""
    from tandem.store import models

    models.Installation.objects.using(alias).create(installation_id="old", created_at=NOW)
    assert known_installation(alias, KEY, lambda: "new", NOW) == "old"
    with pytest.raises(StorageError):
        known_installation(alias, OTHER, lambda: "new", NOW)
