"""Installations for the tests of the pages, each a copy of one that was made once."""

from __future__ import annotations

from collections.abc import Iterator
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
