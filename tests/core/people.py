"""Two hundred made-up pairs of records with the truth about each: the same person written differently, or two who look alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, ORGANISATION, PHONES, Contact, Entry, FieldName, Value

_FIRST = [
    "Łukasz",
    "Małgorzata",
    "Jürgen",
    "Søren",
    "Đức",
    "Zoë",
    "Paweł",
    "Agnieszka",
    "Björn",
    "Żaneta",
    "Wojciech",
    "Irena",
    "Óscar",
    "Nils",
]
_LAST = [
    *("Wiśniewski", "Kamińska", "Müller", "Østergård", "Nguyễn", "García", "Żółkiewski", "Dąbrowska", "Ångström"),
    *("Gęsicka", "Błaszczyk", "Škoda", "Szczęsny", "Lindqvist", "Großmann", "Ćwik", "Þorsson"),
]
_NICKNAMES = [("Robert", "Bob"), ("Katarzyna", "Kasia"), ("William", "Bill"), ("Jakub", "Kuba"), ("Elizabeth", "Liz"), ("Tomasz", "Tomek")]
_PLAIN = str.maketrans("ŁłØøĐđÞþßŻżŹźĆćŃńŚśÓóĄąĘęÜüÖöÄäÅåÉéËëÍíŠšễứ", "LlOoDdTtsZzZzCcNnSsOoAaEeUuOoAaAaEeEeIiSseu")


@dataclass(frozen=True)
class Case:
    """One record on each side; whether they are one person."""

    story: str
    left: Contact
    right: Contact
    is_same: bool


@dataclass(frozen=True)
class _Person:
    """What a story starts from: nobody else has any of it."""

    number: int

    @property
    def first(self) -> str:
        return _FIRST[self.number % len(_FIRST)]

    @property
    def last(self) -> str:
        return f"{_LAST[self.number % len(_LAST)]}{'aeiou'[self.number // 17 % 5]}{'bdkl'[self.number // 85 % 4]}"

    @property
    def email(self) -> str:
        return f"person{self.number}@example.com"

    @property
    def phone(self) -> str:
        return f"+48 601 {self.number:03d} {self.number * 7 % 1000:03d}"

    @property
    def company(self) -> str:
        return f"Zakład {self.number}"


def _contact(first: str, last: str, *, email: str = "", phone: str = "", company: str = "") -> Contact:
    values: dict[FieldName, Value] = {FIRST_NAME: first, LAST_NAME: last, ORGANISATION: company}
    if email:
        values[EMAILS] = (Entry(email, "work"),)
    if phone:
        values[PHONES] = (Entry(phone, "mobile"),)
    return Contact(values)


def _diacritics(who: _Person) -> Case:
    left = _contact(who.first, who.last, email=who.email)
    return Case(
        "written without diacritics", left, _contact(who.first.translate(_PLAIN), who.last.translate(_PLAIN), email=who.email), is_same=True
    )


def _swapped(who: _Person) -> Case:
    left = _contact(who.first, who.last, phone=who.phone)
    return Case(
        "first and last name swapped", left, _contact(who.last, f"dr {who.first}", phone=who.phone.replace("+48 ", "")), is_same=True
    )


def _nickname(who: _Person) -> Case:
    full, called = _NICKNAMES[who.number // 10 % len(_NICKNAMES)]
    return Case("nickname", _contact(full, who.last, phone=who.phone), _contact(called, who.last, phone=who.phone), is_same=True)


def _initial(who: _Person) -> Case:
    left = _contact(who.first, who.last, email=who.email)
    return Case("initial", left, _contact(f"{who.first[0]}.", who.last, email=who.email, company=who.company), is_same=True)


def _typing_error(who: _Person) -> Case:
    wrong = who.last[0] + who.last[2] + who.last[1] + who.last[3:]
    return Case("typing error", _contact(who.first, who.last, email=who.email), _contact(who.first, wrong, email=who.email), is_same=True)


def _doubled_letter(who: _Person) -> Case:
    wrong = who.last[:2] + who.last[1:]
    return Case("doubled letter", _contact(who.first, who.last, email=who.email), _contact(who.first, wrong, email=who.email), is_same=True)


def _employer(who: _Person) -> Case:
    left = _contact(who.first, who.last, company=who.company, email=who.email)
    return Case(
        "same employer, other address", left, _contact(who.first, who.last, company=who.company.upper(), phone=who.phone), is_same=True
    )


def _family(who: _Person) -> Case:
    left = _contact(who.first, who.last, email=f"family{who.number}@example.com")
    return Case("family e-mail", left, _contact("Teodozja", who.last, email=f"family{who.number}@example.com"), is_same=False)


def _switchboard(who: _Person) -> Case:
    left = _contact(who.first, who.last, phone="+48 22 555 00 00", company="Wielka Firma")
    return Case(
        "switchboard",
        left,
        _contact(who.first[::-1].title(), who.last[::-1].title(), phone="22 555 00 00", company="Wielka Firma"),
        is_same=False,
    )


def _namesake(who: _Person) -> Case:
    left = _contact(who.first, who.last, email=who.email)
    return Case("namesake", left, _contact(who.first, who.last, email=f"other{who.number}@example.com", phone=who.phone), is_same=False)


_STORIES: list[Callable[[_Person], Case]] = [
    _diacritics, _swapped, _nickname, _initial, _typing_error, _doubled_letter, _employer, _family, _switchboard, _namesake,
]  # fmt: skip

CASES = [_STORIES[number % len(_STORIES)](_Person(number)) for number in range(200)]
