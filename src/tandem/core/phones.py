"""Phone numbers made comparable.

Rules: a valid number becomes E.164, read in the link's region where it bears no country code; an extension is kept apart as
`;ext=12`, since the same switchboard with another extension is another person. What is no valid number becomes its digits; a
text with letters in it that is no number stays a text, so that "Anna 555" and "Jan 555" remain two.

Source: ITU-T E.164; RFC 3966 for the way an extension is written; parsing by phonenumberslite.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from tandem.core.folding import spaced

#: An extension at the end of a number, in English, Polish, German, French, Spanish and the tel: URI.
_EXTENSION = re.compile(
    r"(?<=\d)[\s,;.)/-]*(?:;\s*ext=|(?<![^\W\d_])(?:extension|ext|wewn|wew|durchwahl|dw|poste|anexo|int|x|w)\b[\s.:]*|(?<=[\s\d])(?:ext|x|w)(?=\d)|#)\s*(\d{1,7})\s*$",
    re.IGNORECASE,
)
_NOT_DIGITS = re.compile(r"\D+")
#: So many last digits equal mean the same subscriber, written with and without country code.
_TAIL = 9


@lru_cache(maxsize=1 << 17)
def normal_phone(text: str, region: str) -> str:
    """E.164 with `;ext=`, else digits, else the text. `region` is an ISO country code or empty."""
    number, extension = _split(spaced(text))
    suffix = f";ext={extension.lstrip('0') or '0'}" if extension else ""
    if valid := _valid(number, region):
        return valid + suffix
    digits = _digits(number)
    if not digits or any(sign.isalpha() for sign in number):
        return spaced(text).casefold()
    return digits + suffix


def is_valid_phone(normal: str) -> bool:
    """Whether a normal form is that of a valid number."""
    return normal.startswith("+")


def phone_tail(normal: str) -> str:
    """The last nine digits (with the extension) of a normal form that has as many; else empty."""
    number, _, extension = normal.partition(";ext=")
    digits = number.removeprefix("+")
    if len(digits) < _TAIL or not digits.isdecimal():
        return ""
    return f"{digits[-_TAIL:]};{extension}"


def _split(text: str) -> tuple[str, str]:
    """Number and extension digits."""
    found = _EXTENSION.search(text)
    if found is None:
        return text, ""
    return text[: found.start()].rstrip(" ,;.-/"), _digits(found[1])


def _digits(text: str) -> str:
    """The digits of any script as 0-9."""
    return "".join(str(int(sign)) for sign in _NOT_DIGITS.sub("", text))


def _valid(number: str, region: str) -> str:
    """E.164 of a valid number, else empty. The trunk-free 00 in front of a country code is read as a plus where nothing else fits."""
    readings = [(number, region or None)]
    if (digits := _digits(number)).startswith("00"):
        readings.append((f"+{digits[2:]}", None))
    for reading, country in readings:
        try:
            parsed = phonenumbers.parse(reading, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return ""
