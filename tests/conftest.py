"""How hard laws are tried: the same quick examples in each usual run, many random ones with TANDEM_TEST_ALL=1.

A usual run says whether a change broke something, so its examples may not change by themselves; the long run looks for what nobody
thought of, and prints how to see a finding again. Slow machines are no reason to fail.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import databases
import depth
import postgres

_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True)
settings.register_profile("quick", _COMMON, max_examples=100, derandomize=True, database=None)
settings.register_profile("all", _COMMON, max_examples=2000)
settings.load_profile("all" if depth.ALL else "quick")


_session: list[postgres.Session] = []


def pytest_configure(config: pytest.Config) -> None:
    """The main process keeps the session's PostgreSQL, which starts when somebody needs it."""
    if not hasattr(config, "workerinput"):
        _session.append(postgres.Session())


def pytest_unconfigure() -> None:
    """It stops with the session."""
    databases.close()
    while _session:
        _session.pop().close()


def pytest_report_header() -> str:
    """On what the run is."""
    return f"database: {databases.usual()} (another one: TANDEM_TEST_DATABASE=postgresql)"


@pytest.fixture(autouse=True)
def _take_back_databases() -> Iterator[None]:
    """What a test was lent for its installations is taken back."""
    yield
    databases.take_back_all()


@pytest.fixture
def on_postgresql() -> Iterator[None]:
    """The test's databases are on PostgreSQL, whatever the run is on."""
    with databases.on(databases.POSTGRESQL):
        yield
