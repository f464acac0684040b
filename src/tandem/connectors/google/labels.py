"""Google's predefined types and protocols, and the common words for them.

Rules: a type that is not predefined is the owner's own text and is carried as it is; predefined ones are known whatever their
case and spacing (`Work Mobile`, `workMobile`); `formattedType` is translated by the service and therefore never looked at.

Source: the discovery document of the People API, schemas PhoneNumber, EmailAddress and ImClient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The predefined types of one field: by folded spelling, the type as Google writes it and the common word."""

    words: Mapping[str, tuple[str, str]]

    def label(self, type_: str) -> str:
        """The common word for a type, else the type itself."""
        known = self.words.get(_fold(type_))
        return known[1] if known else type_

    def type_of(self, label: str, present: str = "") -> str:
        """The type for a label: the present one where it already means the same, a predefined one, else the label itself."""
        if present and self.label(present) == label:
            return present
        known = self.words.get(_fold(label))
        return known[0] if known else label


@lru_cache(maxsize=1024)
def _fold(text: str) -> str:
    return "".join(text.split()).casefold()


def _vocabulary(**words: str) -> Vocabulary:
    """From Google's type to the common word. Either spelling is understood."""
    known = {_fold(type_): (type_, word) for type_, word in words.items()}
    known.update({_fold(word): (type_, word) for type_, word in words.items()})
    return Vocabulary(known)


PHONE_TYPES = _vocabulary(
    home="home",
    work="work",
    mobile="mobile",
    main="main",
    other="other",
    pager="pager",
    homeFax="home fax",
    workFax="work fax",
    otherFax="other fax",
    workMobile="work mobile",
    workPager="work pager",
    googleVoice="google voice",
)
EMAIL_TYPES = _vocabulary(home="home", work="work", other="other")
PROTOCOLS = _vocabulary(
    aim="aim",
    msn="msn",
    yahoo="yahoo",
    skype="skype",
    qq="qq",
    googleTalk="google",
    icq="icq",
    jabber="jabber",
    netMeeting="netmeeting",
)
