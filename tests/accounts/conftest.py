"""Django is up before its parts are imported."""

from __future__ import annotations

from tandem.store import setup

setup.prepare()
