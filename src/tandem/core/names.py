"""What a person's name can be recognised by: keys that agree where two writings can be the same person's.

A name has one own form (`NAME`; `NAME_SHORT` where it is a single word or has an initial), symmetrical variants
(`NAME_LOOSE`: nicknames, spelling of foreign letters) and reduced forms (`NAME_REDUCED`: what it would be with the middle name
left out, the first name as an initial, or one word only). "J Smith" agrees with "John Smith" and "Jane Smith", which do not
agree with each other: a reduced form therefore speaks only when the other record's own form is no more than that.
Words are sorted inside a key, so that the order of first and last name means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from tandem.core.folding import fold_name


class KeyKind(Enum):
    """What a match key was made from."""

    EMAIL = "email"
    PHONE = "phone"
    #: The full name: two words or more, none of them an initial.
    NAME = "name"
    #: A variant of the full name that is as good in both directions.
    NAME_LOOSE = "name-loose"
    #: The whole name, where it is only one word or has an initial.
    NAME_SHORT = "name-short"
    #: What the name would be if it were shortened; to be compared with the own form of the other record.
    NAME_REDUCED = "name-reduced"
    ORGANISATION = "organisation"


class MatchKey(NamedTuple):
    """One thing to recognise a record by. A keyed hash may stand for the text; it must be made of the text alone, not of the kind."""

    kind: KeyKind
    text: str


#: Words that say nothing about who it is. "Jr" and "Sr" do: they tell father and son apart.
_TITLE_WORDS = """
dr prof professor mgr inz ing dipl hab lek med mr mrs ms miss sir herr frau pan pani mme mlle monsieur madame
sig signor signora dott sr sra don dona phd msc mba bsc esq doc mudr judr phdr ir drs
"""
_TITLES = frozenset(_TITLE_WORDS.split())
#: Kept from the titles in the place of a last word, where it is "senior".
_SENIOR = "sr"

#: Short forms of first names, each line: the full name, then what its bearers are called.
_NICKNAMES = """
alexander alex al sasha sascha xander
alexandra alex sasha sascha ola
aleksandra ola olka sasha
aleksander olek alek
agnieszka aga
andrew andy drew
andrzej jedrek
anna ania anka
anthony tony
barbara basia barb babs
benjamin ben benny
catherine kate katie cathy kathy
katherine kate katie kathy
katarzyna kasia kaska
charles charlie chuck
christian chris
christina chris tina
christopher chris
daniel dan danny
david dave
dorota dorotka
edward ed eddie ted
elizabeth liz lizzie beth betty eliza
elzbieta ela
ewa ewka
francisco paco pancho
franciszek franek
friedrich fritz
grzegorz grzes grzesiek
henryk heniek
jacek jacus
jakub kuba
james jim jimmy jamie
jan janek jas
jennifer jen jenny
jerzy jurek
joanna asia aska
johannes hans
john johnny jack
jonathan jon
jose pepe
joseph joe joey
jozef jozek
josef sepp
julia jula
karolina karola
katharina kathi
krzysztof krzysiek krzys
leonard leo len
malgorzata gosia malgosia
magdalena magda lena
margaret maggie meg peggy
maria marysia
mariusz mario
matthew matt
matthias matze
mateusz mati
michael mike mick mickey micha michi
michal michas
mikolaj mikolajek
natalia natalka
nicholas nick nicky
olga ola
patricia pat patty trish
patrick pat paddy
pawel pawelek
peter pete
piotr piotrek
rafal rafalek
rebecca becky
richard rick dick rich richie
robert bob rob bobby robbie
ryszard rysiek
samuel sam
samantha sam
slawomir slawek
stanislaw staszek stas
stephen steve
steven steve
stefan steff
susan sue susie
tadeusz tadek
theodore ted teddy
thomas tom tommy
timothy tim
tomasz tomek
ursula ula
urszula ula
victoria vicky
waldemar waldek
william will bill billy liam
wilhelm willi
wojciech wojtek
zbigniew zbyszek
zofia zosia
zygmunt zygmus
"""

_FULL_NAMES: dict[str, tuple[str, ...]] = {}
for _full, *_called in (line.split() for line in _NICKNAMES.split("\n") if line):
    for _name in _called:
        _FULL_NAMES[_name] = (*_FULL_NAMES.get(_name, ()), _full)

#: Two letters for one foreign letter, before folding would leave one.
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe"})
_SPELLINGS = tuple(
    (re.compile(old), new)
    for old, new in ((r"ph", "f"), (r"th", "t"), (r"c(?!h|z)|q|ck", "k"), (r"w", "v"), (r"y", "i"), (r"(.)\1+", r"\1"))
)


def name_keys(first: str, last: str) -> Iterator[MatchKey]:
    """Keys of a name given as two texts, either of which may be empty. None at all for a name without a word."""
    given, family = _parted(_words(first), _words(last))
    words = given + family
    if not words:
        return
    own = _key(*words)
    is_short = len(words) == 1 or any(len(word) == 1 and word.isascii() for word in words)
    yield MatchKey(KeyKind.NAME_SHORT if is_short else KeyKind.NAME, own)
    yield from (MatchKey(KeyKind.NAME_REDUCED, text) for text in _reduced(given, family) - {own})
    if len(words) > 1:
        yield from (MatchKey(KeyKind.NAME_LOOSE, text) for text in _variants(given, family, first, last))


def _words(text: str) -> tuple[str, ...]:
    """The words of a folded name without titles; a name of titles only keeps them, and `sr` behind another word means the older one."""
    words = fold_name(text).split() if text.strip() else []
    kept = tuple(word for place, word in enumerate(words) if word not in _TITLES or (word == _SENIOR and place > 0))
    return kept or tuple(words)


def _parted(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A name that stands in one of its two fields only is parted behind its first word."""
    if given and family:
        return given, family
    words = given or family
    return words[:1], words[1:]


def _key(*words: str) -> str:
    return " ".join(sorted(words))


def _reduced(given: tuple[str, ...], family: tuple[str, ...]) -> set[str]:
    """All that the name could be shortened to."""
    forms = {*given, *family}
    for first in given:
        forms |= {form for last in family for form in (_key(first, last), _key(first[0], last), _key(first, last[0]))}
    if family:
        forms |= {_key(given[0], *family), _key(given[0][0], *family), _key(given[0], *(word[0] for word in given[1:]), *family)}
    return forms


def _variants(given: tuple[str, ...], family: tuple[str, ...], first: str, last: str) -> set[str]:
    """The full name under other spellings, itself included, so that two variants of one name meet."""
    longer = (*_words(first.translate(_TWO_LETTERS)), *_words(last.translate(_TWO_LETTERS)))
    forms = {_key(*given, *family), _key(*longer)}
    forms |= {_key(full, *given[1:], *family) for full in _FULL_NAMES.get(given[0], ())}
    return forms | {_key(*(_spelled(word) for word in form.split())) for form in forms}


@lru_cache(maxsize=1 << 16)
def _spelled(word: str) -> str:
    """A word with letters that sound alike written alike."""
    for old, new in _SPELLINGS:
        word = old.sub(new, word)
    return word
