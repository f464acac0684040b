"""How much a run tries: a little in a usual one, all of it in `./tandem test --all`, and more of what has no end with TANDEM_TEST_TIMES=N.

On a server's database the longest tests try a part of it: what they prove of the engine is proven on SQLite, ten times faster.
"""

from __future__ import annotations

import os

import databases

ALL = os.environ.get("TANDEM_TEST_ALL") == "1"
#: Chooses; the usual run tries the same each time.
SEED = int(os.environ.get("TANDEM_TEST_SEED", "1"))
_TIMES = int(os.environ.get("TANDEM_TEST_TIMES", "1")) if ALL else 1


def seeds(usual: int, all_: int, on_server: int) -> range:
    """The seeds of lives that are made up: as many as a usual run tries, all of it, and all of it on a server's database."""
    first = SEED * 1000
    return range(first, first + _chosen(usual, all_, on_server) * _TIMES)


def at_most(usual: int, all_: int, on_server: int) -> int:
    """How many of a number that has an end."""
    return _chosen(usual, all_, on_server)


def _chosen(usual: int, all_: int, on_server: int) -> int:
    if not ALL:
        return usual
    return on_server if databases.usual() == databases.POSTGRESQL else all_
