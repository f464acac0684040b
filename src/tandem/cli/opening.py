"""Opening the installation that a command works with.

A second terminal finds the sandbox that `tandem run` keeps in the same data directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tandem.config import Config, load

if TYPE_CHECKING:
    from tandem.app import Tandem


def configuration() -> Config:
    """What is configured, and the running sandbox where there is one."""
    from tandem.app.sandboxed import find_running  # noqa: PLC0415 - see tandem.cli

    return find_running(load())


def open_tandem() -> Tandem:
    """The installation. Use it as a context manager."""
    config = configuration()
    from tandem.app import Tandem  # noqa: PLC0415

    return Tandem(config)
