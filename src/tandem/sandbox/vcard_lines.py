"""Reading the lines of .vcf files as programs really write them: vCard 2.1, 3.0 and 4.0, folded, encoded, grouped.

Rules
- Lines are unfolded as bytes and decoded afterwards: programs fold in the middle of a character.
- A line names its own character set, else it is UTF-8, else what Windows wrote.
- A card that cannot be read is one `Unreadable` with a reason that holds nothing of the card; the next card is none the worse.
- A card inside a card (AGENT) is passed over.

Sources: vCard 2.1 (versit), RFC 2426, RFC 6350, RFC 6868.
"""

from __future__ import annotations

import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_HEAD = re.compile(rb"(?:([\w-]+)\.)?([A-Za-z0-9-]+)((?:;(?:\"[^\"]*\"|[^\":])*)?):", re.DOTALL)
_PARAMETER = re.compile(r";((?:\"[^\"]*\"|[^\";])*)")
_ENCODINGS = frozenset({"QUOTED-PRINTABLE", "BASE64", "B", "7BIT", "8BIT"})
_CARETS = {"^n": "\n", "^^": "^", "^'": '"'}
VERSIONS = frozenset({"2.1", "3.0", "4.0"})


class CardError(ValueError):
    """A card that cannot be read; the message says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One property: names in upper case, parameters' values as they stand (more than one each), the value decoded but still escaped."""

    name: str
    value: str
    group: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    version: str = "3.0"

    def all(self, parameter: str) -> list[str]:
        """The values of a parameter, in lower case."""
        return [value.lower() for name, value in self.parameters if name == parameter]

    @property
    def text(self) -> str:
        """The value as one text."""
        return self._plain(self.value).strip()

    @property
    def parts(self) -> list[str]:
        """The value as the parts between its semicolons."""
        return [self._plain(part).strip() for part in _split(self.value, ";")]

    @property
    def lists(self) -> list[list[str]]:
        """The parts, each as the list between its commas; 2.1 has no such lists."""
        commas = self.version != "2.1"
        parts = [_split(part, ",") if commas else [part] for part in _split(self.value, ";")]
        return [[word for one in part if (word := self._plain(one).strip())] for part in parts]

    def _plain(self, text: str) -> str:
        def plain(match: re.Match[str]) -> str:
            return "\n" if match[1] in "nN" else match[1]

        escaped = r"\\([\\;,:])" if self.version == "2.1" else r"\\([\\;,:nN])"
        return re.sub(escaped, plain, text).replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A card, counted from 1, that cannot be read, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """A card, counted from 1."""

    number: int
    lines: tuple[Line, ...]


def read_cards(content: bytes) -> Iterator[Card | Unreadable]:
    """All cards of a file, in order."""
    number = 0
    for number, (rows, is_ended) in enumerate(_cards(_rows(content)), start=1):
        try:
            if not is_ended:
                raise CardError("it has no end")
            yield Card(number, tuple(_lines(rows)))
        except CardError as error:
            yield Unreadable(number, str(error))
    if not number:
        yield Unreadable(1, "the file holds no card")


def _rows(content: bytes) -> list[bytes]:
    """The physical lines, in UTF-8 where the file says that it is in UTF-16."""
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if content.startswith(mark):
            content = content.decode("utf-16", "replace").encode()
    return re.split(rb"\r*\n|\r", content.removeprefix(codecs.BOM_UTF8))


def _cards(rows: list[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """The rows between BEGIN and END, and whether there was an END."""
    rows_of_card: list[bytes] | None = None
    depth = 0
    for before, row in pairwise([b"", *rows]):
        word = b"".join(row.split()).upper()
        if rows_of_card is None:
            rows_of_card = [] if word == b"BEGIN:VCARD" else None
        elif word == b"BEGIN:VCARD" and (depth or before.upper().startswith(b"AGENT")):
            depth += 1
        elif word == b"END:VCARD" and depth:
            depth -= 1
        elif word == b"END:VCARD":
            yield rows_of_card, True
            rows_of_card = None
        elif word == b"BEGIN:VCARD":
            yield rows_of_card, False
            rows_of_card = []
        elif not depth:
            rows_of_card.append(row)
    if rows_of_card is not None:
        yield rows_of_card, False


def _lines(rows: list[bytes]) -> Iterator[Line]:
    """The properties of one card. CardError."""
    version = next((row.split(b":", 1)[1].strip().decode("latin-1") for row in rows if row.upper().startswith(b"VERSION:")), "3.0")
    if version not in VERSIONS:
        raise CardError("its version is unknown")
    for number, row in _unfolded(rows, is_old=version == "2.1"):
        match = _HEAD.match(row)
        if match is None:
            raise CardError(f"line {number} of it is no property")
        group, name, parameters = (part.decode("latin-1") for part in (match[1] or b"", match[2], match[3]))
        known = tuple(_parameters(parameters))
        yield Line(name.upper(), _decoded(row[match.end() :], known), group.lower(), known, version)


def _unfolded(rows: list[bytes], *, is_old: bool) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers in the card (BEGIN is 1), empty ones left out."""
    whole, since = b"", 0
    for number, row in enumerate(rows, start=2):
        if whole.endswith(b"=") and _is_quoted(whole):
            whole = whole[:-1] + row
        elif row[:1] in {b" ", b"\t"} and whole:
            whole += row if is_old else row[1:]
        else:
            if whole.strip():
                yield since, whole
            whole, since = row, number
    if whole.strip():
        yield since, whole


def _is_quoted(row: bytes) -> bool:
    return b"QUOTED-PRINTABLE" in row.split(b":", 1)[0].upper()


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    """Names in upper case with one value each; 2.1 writes values without a name."""
    for given in _PARAMETER.findall(text):
        name, equals, value = given.partition("=")
        if not equals:
            name, value = ("ENCODING" if given.upper() in _ENCODINGS else "TYPE"), given
        for one in [value[1:-1]] if value.startswith('"') and name.upper() != "TYPE" else value.replace('"', "").split(","):
            yield name.strip().upper(), re.sub(r"\^[n^']", lambda match: _CARETS[match[0]], one.strip())


def _decoded(value: bytes, parameters: tuple[tuple[str, str], ...]) -> str:
    given = dict(parameters)
    if given.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        value = quopri.decodestring(value)
    try:
        return value.decode(given.get("CHARSET", "utf-8"), "strict" if "CHARSET" not in given else "replace")
    except LookupError:
        return value.decode("utf-8", "replace")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _split(text: str, separator: str) -> list[str]:
    """Split at separators that no backslash stands before."""
    pieces, start, at = [], 0, 0
    while at < len(text):
        if text[at] == separator:
            pieces.append(text[start:at])
            start = at + 1
        at += 2 if text[at] == "\\" else 1
    return [*pieces, text[start:]]
