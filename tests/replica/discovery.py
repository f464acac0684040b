"""Google's discovery document as a judge of requests: says of one request what the service would not know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import googleapiclient
import httpx2

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "people.v1.json"
_VALID = re.compile(r"Valid (?:values|fields) are: ((?:\* \w+ ?)+)")


class Discovery:
    """The document that comes with Google's own client library."""

    def __init__(self) -> None:
        self._document = json.loads(DOCUMENT.read_text("utf-8"))
        self.schemas = self._document["schemas"]
        self.methods = list(_methods(self._document["resources"]))

    def complaints(self, request: httpx2.Request, prefix: str) -> list[str]:
        """What is unknown or wrong in a request to the service that stands under a path prefix."""
        path = request.url.path.removeprefix(prefix).lstrip("/")
        method = next((method for method in self.methods if method["httpMethod"] == request.method and _fits(method, path)), None)
        if method is None:
            return [f"no such call: {request.method} {path}"]
        found = list(self._query(method, request))
        wanted = method.get("request")
        body = request.content
        if body and wanted is None:
            found.append(f"{method['id']} takes no body")
        elif wanted is not None:
            found += self._value(json.loads(body), {"$ref": wanted["$ref"]}, method["id"])
        return found

    def called(self, request: httpx2.Request, prefix: str) -> str:
        """The document's name of the call."""
        path = request.url.path.removeprefix(prefix).lstrip("/")
        return next(method["id"] for method in self.methods if method["httpMethod"] == request.method and _fits(method, path))

    def _query(self, method: Mapping, request: httpx2.Request) -> Iterator[str]:
        known = {**self._document["parameters"], **method.get("parameters", {})}
        given = list(request.url.params.multi_items())
        for name, value in given:
            spec = known.get(name)
            if spec is None or spec["location"] != "query":
                yield f"{method['id']}: unknown parameter {name}"
            else:
                yield from self._value(_typed(value, spec["type"]), {**spec, "repeated": False}, f"{method['id']}?{name}")
        names = [name for name, _ in given]
        yield from (f"{method['id']}: {name} repeated" for name in set(names) if names.count(name) > 1 and not known[name].get("repeated"))
        required = [name for name, spec in known.items() if spec["location"] == "query" and spec["description"].startswith("Required.")]
        needed = [name for name in required if "." not in name]  # `requestMask.includeField` is the old twin of `personFields`
        yield from (f"{method['id']}: {name} is missing" for name in needed if name not in names)

    def _value(self, value: object, spec: Mapping, where: str) -> Iterator[str]:
        """Whether a value is of the described kind, down to the last part."""
        if "$ref" in spec:
            spec = self.schemas[spec["$ref"]]
        kind = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}[spec["type"]]
        if not isinstance(value, kind):
            yield f"{where}: {value!r} is no {spec['type']}"
        elif isinstance(value, dict):
            yield from self._object(value, spec, where)
        elif isinstance(value, list):
            for n, item in enumerate(value):
                yield from self._value(item, spec["items"], f"{where}[{n}]")
        elif "enum" in spec and value not in spec["enum"]:
            yield f"{where}: {value!r} is none of the known words"
        elif spec.get("format") == "google-fieldmask" and (valid := _VALID.search(spec.get("description", ""))):
            unknown = set(str(value).split(",")) - set(re.findall(r"\w+", valid[1]))
            yield from (f"{where}: unknown path {path!r}" for path in sorted(unknown))

    def _object(self, value: Mapping, spec: Mapping, where: str) -> Iterator[str]:
        known, rest = spec.get("properties", {}), spec.get("additionalProperties")
        for key, part in value.items():
            part_spec = known.get(key, rest)
            if part_spec is None:
                yield f"{where}: unknown field {key}"
            else:
                yield from self._value(part, part_spec, f"{where}.{key}")


def _typed(text: str, kind: str) -> object:
    """A query parameter is text; what it stands for is judged."""
    if kind == "integer":
        return int(text) if text.isdecimal() else text
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _methods(resources: Mapping) -> Iterator[Mapping]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def _fits(method: Mapping, path: str) -> bool:
    """Whether a path is an instance of the method's, with its parameters of the described form."""
    pattern = re.escape(method["path"])
    for name, spec in method.get("parameters", {}).items():
        if spec["location"] == "path":
            inner = spec.get("pattern", "[^/]+").removeprefix("^").removesuffix("$").replace("[^/]+", "[^/:]+")
            pattern = pattern.replace(re.escape("{+" + name + "}"), inner).replace(re.escape("{" + name + "}"), inner)
    return bool(re.fullmatch(pattern, path))
