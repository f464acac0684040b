"""Promise: a module imports only from lower layers, however deferred the import is, and the core touches nothing but values.

The layers stand in ARCHITECTURE.md; this file is what holds them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from house.sources import Module, product_modules

#: From top to bottom. A name is a module of the package or a folder in it; those of one line do not import each other,
#: except that the command line starts the runner, and the runner serves the pages.
LAYERS = (
    ("__main__",),
    ("cli", "run", "web"),
    ("app",),
    ("accounts", "engine"),
    ("connectors", "store"),
    ("replica",),
    ("core",),
)
HEIGHT = {name: -row for row, names in enumerate(LAYERS) for name in names}
BESIDE = {("cli", "run"), ("run", "web")}

#: What stands outside the layers, and which layers may import it. None of these imports a layer, but for those listed in MAY_USE.
EVERYBODY_BUT_CORE = frozenset(HEIGHT) - {"core"} | {"config", "databases", "settings", "urls"}
USERS = {
    "errors": EVERYBODY_BUT_CORE,
    "clock": EVERYBODY_BUT_CORE,
    "config": frozenset({"__main__", "cli", "run", "app", "settings"}),
    "databases": frozenset({"config", "store", "app", "run"}),
    "settings": frozenset({"__main__", "cli", "run", "app", "urls"}),
    "urls": frozenset({"app", "settings"}),
    "sandbox": frozenset({"cli", "run"}),
}
MAY_USE = {
    "config": frozenset({"errors", "databases"}),
    "databases": frozenset({"errors"}),
    "settings": frozenset({"errors", "config"}),
    "urls": frozenset({"errors", "settings"}),
}
#: Single modules that may import one thing more.
EXCEPTIONS: dict[tuple[str, str], str] = {}

#: The concrete connectors meet the rest in one place.
CONCRETE = ("tandem.connectors.google", "tandem.connectors.pipedrive")
CORE_PACKAGES = frozenset({"phonenumbers"})


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything that a module imports, inside functions and for type checking too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and (name := dynamic(node)):
            yield node.lineno, name


def absolute(module: Module, node: ast.ImportFrom) -> str:
    """Return the module that a from-import names, dots resolved."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def dynamic(call: ast.Call) -> str:
    """Return the name given to importlib.import_module or __import__ as a literal."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"import_module", "__import__"} and call.args and isinstance(call.args[0], ast.Constant):
        return str(call.args[0].value)
    return ""


def part_of(name: str) -> str | None:
    """Return the layer that a full name lies in, "" for the package itself, None for what is not ours."""
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "tandem" else None


def layer_findings(modules: Iterable[Module]) -> list[str]:
    """Say each import that goes up, sideways or where it may not."""
    modules = tuple(modules)
    known = {module.name for module in modules}
    found = []
    for module in modules:
        if module.layer and module.layer not in HEIGHT and module.layer not in USERS:
            found.append(f"{module.name}: has no layer, give it one in tests/house/test_layers.py and ARCHITECTURE.md")
        for line, name in imported(module):
            target = part_of(name)
            if target is None or target == module.layer or f"tandem.{target}" not in {".".join(other.split(".")[:2]) for other in known}:
                continue  # not ours, at home, or a name such as tandem.__version__
            if not may_import(module.layer, target) and (module.name, target) not in EXCEPTIONS:
                found.append(f"{module.name}:{line}: {module.layer or 'tandem'} may not import {target}")
            if name.startswith(CONCRETE) and module.layer != "app":
                found.append(f"{module.name}:{line}: a concrete connector is named in app only")
    return found


def may_import(layer: str, target: str) -> bool:
    """Whether modules of `layer` may import modules of `target`."""
    if target in USERS:
        return layer in USERS[target] or target in MAY_USE.get(layer, ())
    if layer not in HEIGHT:
        return target in MAY_USE.get(layer, ())
    return HEIGHT[layer] > HEIGHT[target] or (layer, target) in BESIDE


def core_findings(modules: Iterable[Module]) -> list[str]:
    """Say each package from outside that the core imports."""
    allowed = CORE_PACKAGES | sys.stdlib_module_names | {"tandem"}
    return [
        f"{module.name}:{line}: the core imports {name}"
        for module in modules
        if module.layer == "core"
        for line, name in imported(module)
        if name.partition(".")[0] not in allowed
    ]


def find_circle(modules: Iterable[Module]) -> list[str]:
    """Return the modules of an import circle, [] if there is none. A package's own file counts as what it imports by name."""
    by_name = {module.name: module for module in modules}
    graph = {
        name: {target for _, full in imported(module) if (target := nearest(full, by_name)) not in {name, None}}
        for name, module in by_name.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        return list(circle.args[1])
    return []


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the module that a full name lies in: itself or the longest known beginning."""
    parts = name.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((candidate for candidate in candidates if candidate in known), None)


def test_modules_import_downwards_only() -> None:
    """No module imports from a higher layer, sideways, or past the one place where connectors are named."""
    assert layer_findings(product_modules()) == []


def test_exceptions_are_needed() -> None:
    """Each exception is still made use of; otherwise it goes."""
    used = {(module.name, part_of(name)) for module in product_modules() for _, name in imported(module)}

    assert set(EXCEPTIONS) - used == set()


def test_core_is_pure() -> None:
    """The core needs the standard library and phone-number parsing, nothing else."""
    assert core_findings(product_modules()) == []


def test_no_import_circles() -> None:
    """Modules can be read in an order in which each needs only what was read before."""
    assert find_circle(product_modules()) == []


def sample(name: str, text: str) -> list[Module]:
    """Return a small package in which one module has this text."""
    names = ("tandem", "tandem.cli", "tandem.app", "tandem.engine.cycle", "tandem.store.archive", "tandem.connectors.google.api")
    more = ("tandem.connectors.http", "tandem.core.merge", "tandem.errors", "tandem.settings", "tandem.sandbox.world", "tandem.replica")
    return [Module(other, text if other == name else "") for other in {*names, *more, name}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tandem.core.merge", "import tandem.replica"),
        ("tandem.core.merge", "from tandem.errors import TandemError"),
        ("tandem.engine.cycle", "def f():\n    from tandem.app import build"),
        ("tandem.store.archive", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tandem.connectors.http import Door"),
        ("tandem.connectors.http", "from ..store import archive"),
        ("tandem.engine.cycle", "from tandem import settings"),
        ("tandem.engine.cycle", "from tandem import accounts\nfrom tandem import store, app"),
        ("tandem.cli", "from tandem.connectors.google import api"),
        ("tandem.app", "from tandem.sandbox import world"),
        ("tandem.sandbox.world", "from tandem.core import merge"),
        ("tandem.sandbox.world", "import importlib\nimportlib.import_module('tandem.errors')"),
        ("tandem.helpers", ""),
    ],
)
def test_a_wrong_import_is_found(name: str, text: str) -> None:
    """The check complains about each kind of wrong import."""
    assert [finding for finding in layer_findings(sample(name, text)) if finding.startswith(name)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tandem.app", "from tandem.connectors.google import api\nfrom tandem import settings, __version__"),
        ("tandem.engine.cycle", "from tandem.store import archive\nfrom tandem.errors import TandemError\nimport json"),
        ("tandem.cli", "from tandem.sandbox.world import World\nfrom tandem.core import merge"),
    ],
)
def test_a_right_import_passes(name: str, text: str) -> None:
    """The check is silent about what is allowed."""
    assert layer_findings(sample(name, text)) == []


def test_a_package_in_the_core_is_found() -> None:
    """The check for a pure core complains about a package from outside, and not about the standard library."""
    text = "import json, phonenumbers\nfrom tandem.core.state import Side\ndef f():\n    import django.db"

    assert core_findings([Module("tandem.core.merge", text)]) == ["tandem.core.merge:4: the core imports django.db"]


def test_a_circle_is_found() -> None:
    """The check for circles sees one that is closed by a deferred import."""
    one = Module("tandem.core.a", "from tandem.core import b")
    two = Module("tandem.core.b", "def f():\n    from .a import x")

    assert set(find_circle([one, two])) == {"tandem.core.a", "tandem.core.b"}
    assert find_circle([one, Module("tandem.core.b", "")]) == []
