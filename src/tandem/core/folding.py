"""Text made comparable: what people regard as the same writing gets the same letters.

Rules: folding is for comparing, never for writing; it is idempotent; it never makes something out of nothing, and what would
fold away entirely (a name of signs only) stays as its plain text, so that different texts do not meet in the empty one.
Only the general diacritical marks are dropped: marks of other scripts (Thai vowels, Japanese voicing) tell words apart.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: Letters that Unicode does not take apart into a base letter and a mark.
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
        "ƶ": "z",
        "ɨ": "i",
        "ə": "e",
    }
)
_APOSTROPHES = frozenset("'’‘ʼʹ`´′＇")
#: Signs that tell company names apart (C# and C, A&B and AB), though Unicode calls them punctuation.
_TELLING = frozenset("&#@%*")
#: Combining marks that may be dropped from Latin, Greek and Cyrillic letters.
_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"
_REMEMBERED = 1 << 17


def trimmed(text: str) -> str:
    """Unicode NFC without space around it: equal results are the *same text*."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def spaced(text: str) -> str:
    """Trimmed, with every run of white space as one space."""
    return " ".join(trimmed(text).split())


def _letters(text: str) -> str:
    """Lower case without diacritics. Casefolding can bring new marks and marks new cases, hence the second round."""
    for _ in range(2):
        parts = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(sign for sign in parts if not _FIRST_MARK <= sign <= _LAST_MARK).translate(_LETTERS)
    return unicodedata.normalize("NFC", text)


def _words(text: str) -> str:
    """Letters, digits and symbols; apostrophes vanish, every other punctuation parts words."""
    signs = (
        "" if sign in _APOSTROPHES else " " if unicodedata.category(sign)[0] in "PZC" and sign not in _TELLING else sign for sign in text
    )
    return " ".join("".join(signs).split())


@lru_cache(maxsize=_REMEMBERED)
def fold_name(text: str) -> str:
    """Words of a name: case, diacritics, punctuation and spaces folded; words stay in order, parted by one space."""
    return _words(_letters(text)) or spaced(text).casefold()


@lru_cache(maxsize=_REMEMBERED)
def fold_organisation(name: str) -> str:
    """The key of an organisation: case, diacritics, spaces and punctuation folded."""
    return _words(_letters(name)).replace(" ", "") or spaced(name).casefold()
