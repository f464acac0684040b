"""What Pipedrive publishes of its API as types: every call with its query parameters, and the properties of every body.

The source is the vendor's own npm package, fetched once by npm into .tools/npm (ignored by git) and believed only when its digest is
the pinned one. It is read as text, nothing of it is run. Rules: `npm_package` is all that is fetched; `published` is what it says.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from replica.node import run_npm

PACKAGE = "pipedrive"
RELEASE = "33.7.0"
DIGEST = "sha512-uOviNs7zW5hrVlVuWyHTNcKxU8r0WrYcPL5A6FTSADKsYFxNabgEWBls3dYRFN/hiDdJpZz4uu9YuQef/ZuzmA=="
CACHE = Path(__file__).parents[2] / ".tools" / "npm"

_CREATOR = re.compile(r"^        (\w+): \(.*?\) => __awaiter.*?^        \}\),$", re.MULTILINE | re.DOTALL)
_SIGNATURE = re.compile(r"^    (\w+): \((.*)\) => Promise<RequestArgs>;$", re.MULTILINE)
_ARGUMENT = re.compile(r"(\w+)\??: ((?:'[^']*'(?: \| )?)+|[^,]+)")
_PROPERTY = re.compile(r"^    '(\w+)'(\?)?: (.+?);$", re.MULTILINE | re.DOTALL)
_INTERFACE = re.compile(r"^export interface (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_CHOICES = re.compile(r"^export declare const (\w+): \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Operation:
    """One published call. `query` has the type of each parameter as it is written there."""

    version: str
    name: str
    method: str
    path: str
    query: Mapping[str, str]
    body: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """All calls, the properties of all bodies, and the values of all enumerations."""

    operations: Mapping[tuple[str, str], Operation] = field(default_factory=dict)
    interfaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def find(self, method: str, path: str) -> Operation | None:
        """The call that a request is, by its method and path such as /api/v2/persons/7; an exact path goes first."""
        version, _, rest = path.removeprefix("/api/").partition("/")
        fits = [
            operation
            for operation in self.operations.values()
            if (operation.version, operation.method) == (version, method)
            and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), f"/{rest}")
        ]
        return min(fits, key=lambda operation: operation.path.count("{"), default=None)

    def query_findings(self, operation: Operation, query: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Say each query parameter that is not published, and each value that its type does not allow."""
        for name, value in query:
            type_ = operation.query.get(name)
            if type_ is None:
                yield f"{operation.name}: query {name} is not published"
            elif type_ == "number" and not value.isdigit():
                yield f"{operation.name}: query {name} is no number"
            elif type_.startswith("'"):
                strange = set(value.split(",")) - set(re.findall(r"'([^']*)'", type_))
                yield from (f"{operation.name}: query {name}={one} is not published" for one in sorted(strange))

    def body_findings(self, type_: str, value: object, where: str) -> Iterator[str]:
        """Say each property that is not published, and each value that is not of its published type."""
        allowed = {part.strip() for part in type_.split("|")}
        if value is None:
            yield from () if "null" in allowed else (f"{where}: null is not published",)
        elif inner := re.fullmatch(r"Array<(.+)>", type_):
            if isinstance(value, list):
                for item in value:
                    yield from self.body_findings(inner.group(1), item, f"{where}[]")
            else:
                yield f"{where}: is no list"
        elif type_ in self.interfaces:
            if isinstance(value, dict):
                yield from self._object_findings(self.interfaces[type_], value, where)
            else:
                yield f"{where}: is no object"
        elif type_ in self.choices:
            yield from () if value in self.choices[type_] else (f"{where}: {value} is not published",)
        elif not type_.startswith("{") and not any(_is_of(one, value) for one in allowed):
            yield f"{where}: is no {type_}"

    def _object_findings(self, properties: Mapping[str, str], value: Mapping[str, object], where: str) -> Iterator[str]:
        for name, inner in value.items():
            if name in properties:
                yield from self.body_findings(properties[name], inner, f"{where}.{name}")
            else:
                yield f"{where}.{name}: is not published"


def _is_of(type_: str, value: object) -> bool:
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "number": (int, float)}
    if type_ == "number" and isinstance(value, bool):
        return False
    return isinstance(value, kinds.get(type_, ()))


def npm_package() -> Path:
    """The package as npm packs it, fetched when it is not there yet. NoNpmError; RuntimeError when it is not what it should be."""
    kept = CACHE / f"{PACKAGE}-{RELEASE}.tgz"
    if not (kept.exists() and _digest(kept) == DIGEST):
        _fetch(kept)
    if _digest(kept) != DIGEST:
        raise RuntimeError(f"{kept.name} is not the package that was published: its digest differs")
    return kept


def _fetch(kept: Path) -> None:
    """Have npm pack it beside, and move it into place in one step: several workers may do so at once."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        run_npm(["pack", f"{PACKAGE}@{RELEASE}", "--ignore-scripts", "--loglevel=error"], Path(folder))
        (Path(folder) / kept.name).replace(kept)


def _digest(kept: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(kept.read_bytes()).digest()).decode()


@functools.cache
def published() -> Published:
    """The package taken apart."""
    texts = dict(_texts())
    operations: dict[tuple[str, str], Operation] = {}
    for name, text in texts.items():
        version, folder, file = name.split("/")
        if folder == "api" and file.endswith(".js"):
            signatures = dict(_SIGNATURE.findall(texts[name.removesuffix(".js") + ".d.ts"]))
            for match in _CREATOR.finditer(text):
                operation = _operation(version, match.group(1), match.group(0), signatures.get(match.group(1), ""))
                operations[version, operation.name] = operation
    # Where both versions have a body of one name, that of version 2 counts: of version 1 we send a webhook only.
    models = [texts[name] for name in sorted(texts) if "/models/" in name and name.endswith(".d.ts")]
    return Published(operations, dict(_interfaces(models)), dict(_enumerations(models)))


def _texts() -> Iterator[tuple[str, str]]:
    """Version, folder and name of each file of calls or bodies, with its text."""
    with tarfile.open(npm_package(), "r:gz") as archive:
        for member in archive:
            match = re.fullmatch(r"package/dist/versions/(v[12]/(?:api|models)/[\w-]+\.(?:d\.ts|js))", member.name)
            stream = archive.extractfile(member) if match else None
            if match and stream is not None:
                yield match.group(1), stream.read().decode()


def _operation(version: str, name: str, source: str, signature: str) -> Operation:
    method = re.search(r"method: '(\w+)'", source)
    path = re.search(r"localVarPath = `([^`]+)`", source)
    body = re.search(r"serializeDataIfNeeded\)\((\w+),", source)
    assert method is not None, name
    assert path is not None, name
    types = dict(_ARGUMENT.findall(signature))
    query = {parameter: types.get(parameter, "string").strip() for parameter in re.findall(r"localVarQueryParameter\['(\w+)'\]", source)}
    return Operation(version, name, method.group(1), path.group(1), query, body.group(1) if body else "")


def _interfaces(models: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for text in models:
        for name, inner in _INTERFACE.findall(text):
            yield name, {property_: " ".join(type_.split()) for property_, _, type_ in _PROPERTY.findall(inner)}


def _enumerations(models: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in models:
        for name, inner in _CHOICES.findall(text):
            yield name, frozenset(re.findall(r'"([^"]*)"', inner))
