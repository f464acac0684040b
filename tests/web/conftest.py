"""Installations for the tests of the pages, each a copy of one that was made once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tandem.store import setup

setup.prepare()

from django.test import override_settings  # noqa: E402 - Django is up before its parts are imported

from web.premises import Browser, Premises, restored  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """A password is made hard to guess by taking time, which the tests do not have."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@contextmanager
def _in_memory() -> Iterator[Path]:
    """A folder on no disk, where there is such a thing: what is committed there waits for nothing."""
    memory = Path("/dev/shm")  # noqa: S108 - memory, not a shared name
    with tempfile.TemporaryDirectory(prefix="tandem-web-", dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder for one test."""
    with _in_memory() as path:
        yield path


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder for the tests of a module."""
    with _in_memory() as path:
        yield path


def _opened(state: str) -> object:
    @pytest.fixture(name=state)
    def opened(tmp_path: Path) -> Iterator[Premises]:
        with restored(state, tmp_path) as premises:
            yield premises

    return opened


new = _opened("new")
signed = _opened("signed")
connected = _opened("connected")
draft = _opened("draft")
synced = _opened("synced")
asked = _opened("asked")


@pytest.fixture
def browser(synced: Premises) -> Browser:
    """Somebody who has signed in and has one link in sync."""
    return synced.browser()
