"""Text that PostgreSQL does not take, written so that it does.

Theory: PostgreSQL takes neither U+0000 nor half a surrogate pair, in text or in jsonb, and a contact may hold both. They are written
as a private character with a letter behind it, and read back as what they were; that character itself is written so, too. What was
read from a service and must stay byte for byte stands in binary columns and needs none of it.
"""

from __future__ import annotations

import re

#: The last private character: nobody types it.
ESCAPE = "\U0010fffd"
_HARMFUL = re.compile(f"[\x00\ud800-\udfff{ESCAPE}]")
_ESCAPED = re.compile(f"{ESCAPE}(0|1|d[89a-f][0-9a-f]{{2}})")
#: Every escape of a JSON text; a whole surrogate pair is one.
_JSON_ESCAPE = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\u([0-9a-f]{4})|\\.", re.IGNORECASE)
_OWN_PAIR = ("dbff", "dffd")


def escaped(text: str) -> str:
    """Text as PostgreSQL takes it."""
    return _HARMFUL.sub(lambda found: ESCAPE + _letter(found[0]), text)


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    return _ESCAPED.sub(lambda found: _meant(found[1]), text) if ESCAPE in text else text


def escaped_json(text: str) -> str:
    """JSON text (with escapes for all that is not ASCII) as PostgreSQL takes it."""
    return _JSON_ESCAPE.sub(_json_escape, text) if "\\u0000" in text or "\\ud" in text else text


def unescaped_json(text: str) -> str:
    """JSON text that means what `escaped_json` was given."""
    return _ESCAPED.sub(lambda found: {"0": "\\u0000", "1": ESCAPE}.get(found[1], f"\\u{found[1]}"), text) if ESCAPE in text else text


def _letter(character: str) -> str:
    return {"\x00": "0", ESCAPE: "1"}.get(character) or f"{ord(character):04x}"


def _meant(letter: str) -> str:
    return {"0": "\x00", "1": ESCAPE}.get(letter) or chr(int(letter, 16))


def _json_escape(found: re.Match[str]) -> str:
    high, low, single = found[1], found[2], found[3]
    if high:
        return f"{ESCAPE}1" if (high.lower(), low.lower()) == _OWN_PAIR else found[0]
    if single == "0000":
        return f"{ESCAPE}0"
    return f"{ESCAPE}{single.lower()}" if single and single.lower() >= "d800" and single.lower() < "e000" else found[0]
