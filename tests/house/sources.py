"""What the house tests look at: the files of this checkout, and Python text taken apart.

Rule: a check is a function over text that returns findings, so that each can be shown a bad sample and be seen to complain.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"


@dataclass(frozen=True)
class Module:
    """One Python file, by its dotted name."""

    name: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text, self.name)

    @property
    def layer(self) -> str:
        """The part of the name after `tandem`; empty for the package itself."""
        return (*self.name.split("."), "")[1]


def read_module(path: Path, base: Path) -> Module:
    """Read a file; its name is its place below `base`."""
    parts = path.relative_to(base).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    return Module(".".join(parts[:-1] if is_package else parts), path.read_text(encoding="utf-8"), is_package)


@lru_cache
def product_modules() -> tuple[Module, ...]:
    """All modules of the product, by name."""
    return tuple(sorted((read_module(path, SRC) for path in SRC.rglob("*.py")), key=lambda module: module.name))


@lru_cache
def modules_of_tests() -> tuple[Module, ...]:
    """All modules of the tests, by name."""
    return tuple(sorted((read_module(path, ROOT) for path in (ROOT / "tests").rglob("*.py")), key=lambda module: module.name))


def tracked_files() -> tuple[Path, ...]:
    """Return what git tracks or would track; skips the test outside a git checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout: what belongs to it is unknown")
    return tuple(path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file())


def document(name: str) -> str:
    """Return a document's text; skips the test while it does not exist."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} is not written yet")
    return path.read_text(encoding="utf-8")


def docstrings(tree: ast.Module) -> frozenset[int]:
    """Return the ids of all nodes that are docstrings."""
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(
        id(owner.body[0].value)
        for owner in owners
        if owner.body and ast.get_docstring(owner) is not None and isinstance(owner.body[0], ast.Expr)
    )


def strings(tree: ast.Module, *, with_docstrings: bool) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string in the module, pieces of f-strings included."""
    skipped = frozenset() if with_docstrings else docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything in the module that has a name: definitions, uses, attributes, arguments, imports."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield line, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield line, name
            case ast.keyword(arg=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield line, name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from ((line, name) for alias in aliases for name in (alias.name, alias.asname) if name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from ((line, name) for name in names)
            case _:
                pass
