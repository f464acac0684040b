"""What speaks for two records being the same person, and how much.

Rules
    e-mail, phone, name and organisation are four independent kinds; every form of the name is one kind
    names agree, contradict each other, or one of them is missing and says nothing
    an e-mail or phone that several records of a side bear (family, switchboard, info@) proves nothing without the full name
    automatic is only what two kinds say, or one unique e-mail, and nothing contradicts; less than that but not nothing is
    doubtful: a person decides, and meanwhile nobody gets a copy

Theory: record linkage after Fellegi and Sunter (1969): links, possible links, non-links; weights follow the rarity of a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from tandem.core.canonical import KeyKind, MatchKey
from tandem.core.state import RecordId


@dataclass(frozen=True, slots=True)
class Candidate:
    """One record and all that it can be recognised by. Key texts are opaque: they may be keyed hashes of the texts."""

    id: RecordId
    keys: frozenset[MatchKey]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that two records have in common; unique: nobody else on either side has it."""

    kind: KeyKind
    is_unique: bool


_WORDS: Mapping[KeyKind, str] = {
    KeyKind.EMAIL: "the same e-mail address",
    KeyKind.PHONE: "the same phone number",
    KeyKind.NAME: "the same full name",
    KeyKind.NAME_SHORT: "the same short name",
    KeyKind.NAME_LOOSE: "a similar name",
    KeyKind.NAME_REDUCED: "a similar name",
    KeyKind.ORGANISATION: "the same organisation",
}
_SHARED = ", borne by several records"


def evidence_words(evidence: Evidence | Iterable[Evidence]) -> str:
    """The evidence in words for a person."""
    if not isinstance(evidence, Evidence):
        return ", ".join(evidence_words(each) for each in evidence)
    shared = evidence.kind in {KeyKind.EMAIL, KeyKind.PHONE} and not evidence.is_unique
    return _WORDS[evidence.kind] + (_SHARED if shared else "")


class Names(IntEnum):
    """How the names of two records stand to each other, the better the higher."""

    CONTRADICT = 0
    #: At least one has no name.
    UNKNOWN = 1
    #: They can be the same: nickname, initial, left out middle name, other spelling.
    SIMILAR = 2
    #: Equal, but only one word, or with an initial.
    SAME_SHORT = 3
    SAME = 4


@dataclass(frozen=True, slots=True)
class Traits:
    """The keys of one candidate by what they are good for."""

    id: RecordId
    emails: frozenset[str]
    phones: frozenset[str]
    organisations: frozenset[str]
    #: The own form of the name, empty without one.
    name: str
    is_short: bool
    loose: frozenset[str]
    reduced: frozenset[str]


def traits_of(candidate: Candidate) -> Traits:
    """Sort the keys of a candidate by kind."""
    texts: dict[KeyKind, set[str]] = {kind: set() for kind in KeyKind}
    for kind, text in candidate.keys:
        texts[kind].add(text)
    return Traits(
        id=candidate.id,
        emails=frozenset(texts[KeyKind.EMAIL]),
        phones=frozenset(texts[KeyKind.PHONE]),
        organisations=frozenset(texts[KeyKind.ORGANISATION]),
        name=min(texts[KeyKind.NAME] | texts[KeyKind.NAME_SHORT], default=""),
        is_short=not texts[KeyKind.NAME],
        loose=frozenset(texts[KeyKind.NAME_LOOSE]),
        reduced=frozenset(texts[KeyKind.NAME_REDUCED]),
    )


def compare_names(left: Traits, right: Traits) -> Names:
    """How two names stand to each other."""
    if not left.name or not right.name:
        return Names.UNKNOWN
    if left.name == right.name:
        return Names.SAME_SHORT if left.is_short else Names.SAME
    if left.name in right.reduced or right.name in left.reduced or not left.loose.isdisjoint(right.loose):
        return Names.SIMILAR
    return Names.CONTRADICT


@dataclass(frozen=True, slots=True)
class Likeness:
    """All that two records have in common, and what follows."""

    evidence: tuple[Evidence, ...]
    score: int
    is_automatic: bool


_NAME_KIND = {Names.SAME: KeyKind.NAME, Names.SAME_SHORT: KeyKind.NAME_SHORT, Names.SIMILAR: KeyKind.NAME_LOOSE}
#: Weights: what is rare and personal weighs more than any two lesser things.
_WEIGHT = {
    (KeyKind.EMAIL, True): 8,
    (KeyKind.PHONE, True): 6,
    (KeyKind.NAME, True): 4,
    (KeyKind.NAME, False): 4,
    (KeyKind.NAME_SHORT, True): 3,
    (KeyKind.NAME_SHORT, False): 3,
    (KeyKind.EMAIL, False): 3,
    (KeyKind.PHONE, False): 2,
    (KeyKind.NAME_LOOSE, True): 2,
    (KeyKind.NAME_LOOSE, False): 2,
    (KeyKind.ORGANISATION, True): 1,
    (KeyKind.ORGANISATION, False): 1,
}
#: What two records weigh whose names contradict each other, whatever else they share.
_CONTRADICTED = 2


@dataclass(frozen=True, slots=True)
class Rarity:
    """How many records of both sides together bear a text."""

    emails: Mapping[str, int]
    phones: Mapping[str, int]
    organisations: Mapping[str, int]
    names: Mapping[str, int]


def likeness(left: Traits, right: Traits, rarity: Rarity) -> Likeness | None:
    """Weigh two records; None: nothing that a person should have to look at."""
    names = compare_names(left, right)
    email = _common(KeyKind.EMAIL, left.emails & right.emails, rarity.emails)
    phone = _common(KeyKind.PHONE, left.phones & right.phones, rarity.phones)
    organisation = _common(KeyKind.ORGANISATION, left.organisations & right.organisations, rarity.organisations)
    name = Evidence(_NAME_KIND[names], names >= Names.SAME_SHORT and rarity.names[left.name] <= 2) if names in _NAME_KIND else None
    evidence = tuple(each for each in (email, phone, name, organisation) if each is not None)
    is_strong = _is_unique(email) or _is_unique(phone)
    if names is Names.CONTRADICT:
        return Likeness(evidence, _CONTRADICTED, is_automatic=False) if is_strong else None
    is_automatic = _is_automatic(names, email, phone, organisation, is_nameless=not left.name and not right.name)
    is_doubtful = email or phone or names >= Names.SAME_SHORT or (organisation and names is Names.SIMILAR)
    if not is_automatic and not is_doubtful:
        return None
    return Likeness(evidence, sum(_WEIGHT[each.kind, each.is_unique] for each in evidence), is_automatic)


def _common(kind: KeyKind, texts: frozenset[str], borne: Mapping[str, int]) -> Evidence | None:
    """The evidence of common texts: unique when one of them is borne by these two records alone."""
    return Evidence(kind, any(borne[text] <= 2 for text in texts)) if texts else None


def _is_unique(evidence: Evidence | None) -> bool:
    return evidence is not None and evidence.is_unique


def _is_automatic(
    names: Names, email: Evidence | None, phone: Evidence | None, organisation: Evidence | None, *, is_nameless: bool
) -> bool:
    """Whether it is enough, the names not contradicting each other."""
    if _is_unique(email):
        return True
    if names is Names.SAME:
        return any((email, phone, organisation))
    if names >= Names.SIMILAR:
        return _is_unique(phone)
    return _is_unique(phone) and (email is not None or (organisation is not None and is_nameless))
