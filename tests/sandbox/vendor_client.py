"""Pipedrive's own client for Node, and what it needs, as npm installs it: versions and digests stand in `vendor/package-lock.json`.

It is kept in .tools/npm (ignored by git), in a folder named after the lock. Rules: nothing of the packages runs at installation.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from replica.node import run_node, run_npm
from replica.vendor_types import CACHE

FOLDER = Path(__file__).parent / "vendor"


def scenario(*arguments: str) -> str:
    """Run the scenario with these arguments; what it printed. NoNpmError without Node; RuntimeError when it failed."""
    folder = _installed()
    return run_node([FOLDER / "scenario.js", *arguments], folder, {"NODE_PATH": str(folder / "node_modules")})


def _installed() -> Path:
    """The folder with the packages, installed beside and moved into place in one step: several workers may do so at once."""
    lock = FOLDER / "package-lock.json"
    kept = CACHE / f"client-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if kept.exists():
        return kept
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, folder)
        run_npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], Path(folder))
        made = Path(folder).rename(f"{folder}-done")
        try:
            made.rename(kept)
        except OSError:
            shutil.rmtree(made)
        Path(folder).mkdir()
    return kept
