"""Messengers in a field of plain text, where the company lacks Pipedrive's own: `skype: anna; jabber: x@example.com`.

Rules: people write in that field too. What does not read as a messenger is foreign text and stays where it is, to the letter; an edit
changes its own piece and nothing else. The text bears no labels beyond the protocol and no primary mark: what it cannot hold is not
taken as removed.

    text      piece (";" or line end) piece ...
    piece     [protocol ":"] handle, else foreign text
    protocol  a known one, or one word; in quotes anything
    handle    after a known protocol anything, else one word; in quotes (JSON's) anything

A piece is written plainly when it reads back as the same entry, else in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tandem.connectors.pipedrive.entries import MESSENGER_LABELS
from tandem.core.contact import Edit, Entry

_SEPARATOR = re.compile(r"[;\n]")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PIECE = re.compile(rf'\s*(?:({_QUOTED}|[^":;\n]{{1,60}}?)\s*:(?!//)\s*)?({_QUOTED}|[^"\s][^\n;]*?)\s*', re.DOTALL)
#: Behind these words a handle may hold blanks.
_KNOWN = frozenset(MESSENGER_LABELS.common) | {
    *("facebook", "messenger", "facebook messenger", "gadu-gadu", "gg", "imessage", "line", "linkedin", "matrix", "microsoft teams"),
    *("signal", "slack", "teams", "telegram", "threema", "tlen", "viber", "wechat", "whatsapp", "xmpp", "zoom", "discord"),
}


def get_messengers(text: str) -> tuple[Entry, ...]:
    """The messengers in a text, in its order."""
    return tuple(entry for piece in _SEPARATOR.split(text) if (entry := _read(piece)) is not None)


def put_messengers(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits in it. ValueError when the old entry of an edit is not there."""
    pieces = _pieces(text)
    for edit in edits:
        if edit.old is None:
            if edit.new is not None:
                pieces = _appended(pieces, _write(edit.new))
            continue
        place = next((place for place, piece in enumerate(pieces) if _is(piece, edit.old)), None)
        if place is None:
            raise ValueError("the messenger to be changed is not there")
        if edit.new is None:
            del pieces[place : place + 2]
            if place == len(pieces) and pieces:
                pieces.pop()
        elif _plain(edit.new) != _plain(edit.old):
            pieces[place] = _leading(pieces[place]) + _write(edit.new)
    return "".join(pieces)


def _pieces(text: str) -> list[str]:
    """Pieces at even places, the separators between them at odd ones; nothing for an empty text."""
    return re.split(f"({_SEPARATOR.pattern})", text) if text.strip() else []


def _appended(pieces: list[str], written: str) -> list[str]:
    if not pieces:
        return [written]
    if not pieces[-1].strip():  # a separator ends the text
        return [*pieces[:-1], f" {written}" if len(pieces) > 1 else written]
    return [*pieces, ";", f" {written}"]


def _leading(piece: str) -> str:
    return piece[: len(piece) - len(piece.lstrip())]


def _plain(entry: Entry) -> Entry:
    """What the text can hold of an entry."""
    return Entry(entry.value.strip(), MESSENGER_LABELS.read(entry.label))


def _is(piece: str, entry: Entry) -> bool:
    found = _read(piece)
    return found is not None and _plain(found) == _plain(entry)


def _read(piece: str) -> Entry | None:
    """The messenger that a piece names; None for foreign text."""
    match = _PIECE.fullmatch(piece)
    if match is None:
        return None
    protocol, handle = match.group(1) or "", match.group(2)
    if handle.startswith('"') or protocol.startswith('"'):
        value, label = _unquoted(handle), _unquoted(protocol)
        return Entry(value.strip(), MESSENGER_LABELS.read(label)) if value is not None and label is not None and value.strip() else None
    if protocol.casefold() not in _KNOWN and (_has_blank(protocol) or _has_blank(handle)):
        return None
    return Entry(handle, MESSENGER_LABELS.read(protocol))


def _write(entry: Entry) -> str:
    label = MESSENGER_LABELS.read(entry.label)
    plain = f"{label}: {entry.value.strip()}" if label else entry.value.strip()
    if _SEPARATOR.search(plain) is None and _is(plain, entry):
        return plain
    return f"{_quote(label)}: {_quote(entry.value.strip())}" if label else _quote(entry.value.strip())


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace(";", "\\u003b")


def _unquoted(text: str) -> str | None:
    if not text.startswith('"'):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


def _has_blank(text: str) -> bool:
    return any(character.isspace() for character in text)
