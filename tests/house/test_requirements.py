"""Promise: what is installed is known by hash, comes from nowhere in particular, and is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

import pytest

from house.sources import ROOT, Module, document, modules_of_tests, product_modules, strings

FILES = ("requirements.txt", "requirements-dev.txt", "requirements-tools.txt", "requirements-node.txt")

#: Packages that are imported under another name.
IMPORTED_AS = {"phonenumberslite": "phonenumbers", "google-api-python-client": "googleapiclient", "pyyaml": "yaml"}
#: What is used without being imported, and by whom.
NOT_IMPORTED = {
    "coverage": "run by ./tandem test",
    "django-stubs": "types of Django, and the plugin of mypy",
    "mypy": "run by ./tandem test",
    "pytest-xdist": "the parallel run of ./tandem test",
    "ruff": "run by ./tandem test",
    "types-waitress": "types",
}


def pins(requirements: str) -> dict[str, str]:
    """Return the pinned version of each package."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", requirements, re.MULTILINE))


def unhashed(requirements: str) -> list[str]:
    """Return each requirement that is not pinned with a hash."""
    lines = re.sub(r"\\\n", " ", requirements).splitlines()
    return [
        line
        for line in lines
        if line.strip() and not line.startswith("#") and not re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ]


def places(requirements: str) -> list[str]:
    """Return whatever says where a package comes from."""
    return re.findall(r"https?:|git\+|file:|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", requirements)


def direct(requirements: str) -> list[str]:
    """Return the packages named in an .in file."""
    return re.findall(r"^([A-Za-z0-9._-]+)", re.sub(r"^[#-].*$", "", requirements, flags=re.MULTILINE), re.MULTILINE)


def unused(packages: Iterable[str], modules: Iterable[Module]) -> list[str]:
    """Return the packages that no module imports; a name in a string (Django's settings) counts as an import."""
    used = {name.partition(".")[0] for module in modules for name in imports(module)}
    return [name for name in packages if name not in NOT_IMPORTED and IMPORTED_AS.get(name, name.replace("-", "_")) not in used]


def imports(module: Module) -> set[str]:
    """Return the full names that a module imports or names in a string."""
    found = {text for _, text in strings(module.tree, with_docstrings=False)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("name", FILES)
def test_everything_is_pinned_by_hash(name: str) -> None:
    """Each line of the requirements is one version with its hashes, from no place in particular."""
    text = document(name)

    assert pins(text)
    assert unhashed(text) == []
    assert places(text) == []


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    """What the tests need contains what Tandem needs, version by version."""
    assert pins(document("requirements.txt")).items() <= pins(document("requirements-dev.txt")).items()


@pytest.mark.parametrize("stem", ["requirements", "requirements-dev", "requirements-tools", "requirements-node"])
def test_what_is_asked_for_is_pinned(stem: str) -> None:
    """Every package of an .in file is in the .txt made from it."""
    assert set(direct(document(f"{stem}.in"))) <= set(pins(document(f"{stem}.txt")))


def test_what_is_required_is_used() -> None:
    """Each package that Tandem asks for is imported by it, each that the tests ask for by them."""
    assert unused(direct(document("requirements.in")), product_modules()) == []
    others = (module for module in modules_of_tests() if not __name__.endswith(module.name.rpartition(".")[2]))  # this one names packages
    assert unused(direct(document("requirements-dev.in")), (*product_modules(), *others)) == []


def test_dependencies_stand_in_one_list() -> None:
    """The package declares what requirements.in lists."""
    assert 'dependencies = { file = ["requirements.in"] }' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_a_bad_requirement_is_found() -> None:
    """The checks complain about a missing hash, an open version and a place."""
    good = "a==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:" + "0" * 64 + "\n"

    assert unhashed(good) == []
    assert unhashed(good + "b==2\nc>=3 --hash=sha256:" + "0" * 64 + "\n") == ["b==2", "c>=3 --hash=sha256:" + "0" * 64]
    assert places("--index-url https://example.test/simple\nd @ file:///d.whl") == ["--index-url", "https:", " @ ", "file:"]


def test_an_unused_requirement_is_found() -> None:
    """The check knows `import` from mention, and names that differ from their package."""
    module = Module("tandem.x", "import flask.views\nfrom phonenumbers import parse\nAPPS = ['corsheaders']\n")

    assert unused(["flask", "phonenumberslite", "corsheaders", "rich", "ruff"], [module]) == ["rich"]
