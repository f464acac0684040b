"""Every address of the pages, gathered from what Django knows, so that a new one is not forgotten by the tests that try them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, get_resolver

#: Open to everybody.
OPEN = frozenset({"start", "welcome", "language", "sign-out"})


@dataclass(frozen=True)
class Address:
    """One address: its name, and its path with the numbers filled in."""

    name: str
    path: str
    #: The names of the numbers in it.
    numbers: tuple[str, ...]


def addresses(*, link: int, pair: int, account: int) -> Iterator[Address]:
    """All of them, about this link, this pair of it, and this account."""
    known: Mapping[str, object] = {"service": "google", "token": "a-token", "pair": pair}
    patterns = get_resolver().url_patterns
    for pattern in patterns:
        assert isinstance(pattern, URLPattern), "say here what the addresses of an included part are about"
        about = {**known, "number": link if str(pattern.pattern).startswith("links/") else account}
        converters = pattern.pattern.converters
        assert set(converters) <= set(about), f"say here what the numbers of {pattern.pattern} are about"
        path = str(pattern.pattern)
        for name, converter in converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
            path = path.replace(f"<{kind}:{name}>", str(about[name]))
        assert "<" not in path, path
        yield Address(str(pattern.name), f"/{path}", tuple(name for name in converters if name in ("number", "pair")))
