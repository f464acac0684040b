"""What all pages share: one visit, templates, headers, kind refusals, and paging.

Rules: everything is escaped by the templates; no page holds code or style of its own (Content-Security-Policy); after a deed the
browser is sent on (303), and what it is told there is one of the sentences below, by name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode

import jinja2

from tandem.sandbox.people_making import plain
from tandem.sandbox.wire import Json, Request, Response
from tandem.sandbox.world import World

T = TypeVar("T")

PAGE_SIZE = 50
MAX_FORM_BYTES = 1_000_000
_MAX_FIELDS = 2_000
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {
    "content-type": "text/html; charset=UTF-8",
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
_STATIC = Path(__file__).parent / "static"
#: What stands in `static/`, and what it is.
STATIC_TYPES = {"/sandbox.css": "text/css; charset=UTF-8", "/sandbox.svg": "image/svg+xml"}

#: What a page says about the deed that led to it.
SAID: Mapping[str, str] = {
    "saved": "Saved.",
    "unchanged": "Nothing was different, so nothing was changed.",
    "created": "Created.",
    "deleted": "Deleted.",
    "trashed": "Moved to the trash. It can be restored from there for 30 days.",
    "restored": "Restored.",
    "merged": "Merged into one.",
    "labels": "The labels are changed.",
    "broken": "Done: from now on this goes wrong, until you take it back.",
    "mended": "Everything works again.",
    "revoked": "The consent is withdrawn. The application has to ask for it again.",
    "nothing-revoked": "There was no consent to withdraw.",
    "clock": "The clock is moved.",
    "anew": "The sandbox has started anew.",
}


class NotHere(Exception):
    """There is no such page or record; the text is for the person who looked for it."""


class Refused(Exception):
    """Not done; the text says why and what to do."""


class Form:
    """What was sent, by name; one name may come several times."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value.replace("\r\n", "\n"))

    def one(self, name: str, default: str = "") -> str:
        """The last value."""
        return self._values.get(name, [default])[-1]

    def every(self, name: str) -> list[str]:
        """All values, in order."""
        return list(self._values.get(name, []))


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a page. `base` is the address under which the pages of the present user stand, without a slash at its end."""

    world: World
    request: Request
    base: str = ""
    #: Google: the account's address. Pipedrive: the user's number.
    user: str = ""

    def form(self) -> Form:
        """What was sent. Refused when it cannot be read."""
        try:
            return Form(parse_qsl(self.request.body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        except ValueError:
            raise Refused("What was sent cannot be read. Go back and try again.") from None

    def google(self, op: str, **arguments: Json) -> Json:
        """Do something in Google as the account's owner. HumanError."""
        return self.world.google.human(op, {"account": self.user, **arguments})

    def pipedrive(self, op: str, **arguments: Json) -> Json:
        """Do something in Pipedrive as the present user. HumanError."""
        return self.world.pipedrive.human(op, {"user": int(self.user), **arguments})

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A page for this visit."""
        said = SAID.get(self.request.one("done"), "")
        return page(template, status=status, **{"base": self.base, "user": self.user, "said": said, **values})

    def sent_on(self, path: str, done: str = "") -> Response:
        """To another page of the same user, which says what was done."""
        return sent_on(f"{self.base}{path}", done)

    def list_address(self) -> str:
        """The list as it was looked at when something was done with those ticked."""
        kept = {name: value for name in ("label", "q", "page") if (value := self.request.one(name))}
        return f"/?{urlencode(kept)}" if kept else "/"


Handler: TypeAlias = Callable[..., Response]


def page(template: str, *, status: int = 200, **values: object) -> Response:
    """A page. A character that no encoding can carry becomes a question mark."""
    text = _templates().get_template(template).render(values)
    return Response(status, dict(_HEADERS), text.encode("utf-8", "replace"))


def sent_on(address: str, done: str = "") -> Response:
    """The answer to a deed: look there."""
    joint = "&" if "?" in address else "?"
    return Response(303, {"location": address + (f"{joint}{urlencode({'done': done})}" if done else ""), "cache-control": "no-store"})


def static(path: str) -> Response:
    """A file that pages need. It is asked for with its digest, so it may be kept."""
    headers = {
        "content-type": STATIC_TYPES[path],
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }
    return Response(200, headers, _content(path))


@lru_cache
def _content(path: str) -> bytes:
    return (_STATIC / path.removeprefix("/")).read_bytes()


def _address_of(path: str) -> str:
    return f"{path}?v={hashlib.sha256(_content(path)).hexdigest()[:12]}"


@lru_cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tandem.sandbox.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(style=_address_of("/sandbox.css"), icon=_address_of("/sandbox.svg"), json=json.dumps)
    return made


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """One page of a list."""

    rows: Sequence[T]
    number: int
    last: int
    total: int
    #: Everything of the address but the number of the page.
    address: str

    def at(self, number: int) -> str:
        """The address of another page."""
        return f"{self.address}page={number}"


def paged(items: Sequence[T], wanted: str, path: str, kept: Mapping[str, str]) -> Paged[T]:
    """The page that is wanted, or the nearest there is; `kept` is what else stands in the query."""
    last = max(1, -(-len(items) // PAGE_SIZE))
    number = min(max(whole(wanted, 1), 1), last)
    query = urlencode({key: value for key, value in kept.items() if value})
    return Paged(items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], number, last, len(items), f"{path}?{query}{'&' if query else ''}")


def whole(text: str, default: int) -> int:
    """A whole number of at most nine digits; the default for all else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else default


def folded(text: str) -> str:
    """A text as it is sorted and searched: without regard to case and diacritics."""
    return text.lower() if text.isascii() else _plain(text)


@lru_cache(maxsize=1 << 15)
def _plain(text: str) -> str:
    return plain(text).casefold()


def one_line(text: str) -> str:
    """A text as a field of a form gives it back: without line ends and what no page can show."""
    return "".join(one for one in _sendable(text) if one >= " ")


def many_lines(text: str) -> str:
    """The same for a field of several lines."""
    text = _sendable(text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in text if one >= " " or one in "\n\t")


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
