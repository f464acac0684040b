"""Making up humans: names, addresses and numbers that fit together and belong to nobody else, relatives and namesakes apart."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass, replace

from tandem.sandbox.people_names import CULTURES, FIRMS, NICKNAMES, PLACES, TITLES, Culture

#: Firms whose people all have the switchboard's number too.
_SWITCHBOARDS = 8
_DOMAINS = ("example.com", "example.org", "mail.example.com")
_CYRILLIC = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh", "з": "z", "и": "y", "і": "i", "ї": "i",
        "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh",
        "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ю": "iu", "я": "ia",
    }
)  # fmt: skip
_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "Þ": "Th", "æ": "ae", "Æ": "Ae", "œ": "oe"}
)


def plain(text: str) -> str:
    """The text without diacritics, as people type it on a keyboard that has none; other alphabets stay."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.translate(_LETTERS)) if not unicodedata.combining(one))


@dataclass(frozen=True, slots=True)
class Phone:
    """A number in E.164, in its two written forms, with the label it has in Google."""

    number: str
    national: str
    international: str
    label: str


@dataclass(frozen=True, slots=True)
class Email:
    """An address with the label it has in Google."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Human:
    """One made-up human, with everything that both services may know; compared by identity."""

    culture: Culture
    given: str
    family: str
    emails: tuple[Email, ...]
    phones: tuple[Phone, ...]
    firm: str | None
    title: str | None
    place: tuple[str, str, str, str, str] | None
    birthday: tuple[int, int, int] | None

    def allows(self, way: str) -> bool:
        """Whether the human can be written differently in this way and still be told by a phone number or an e-mail address."""
        match way:
            case "diacritics":
                return plain(f"{self.given} {self.family}") != unicodedata.normalize("NFKD", f"{self.given} {self.family}")
            case "nickname":
                return self.given in NICKNAMES
            case "swapped" | "initials":
                return bool(self.family) and self.given[:1].isascii()
            case "upper-case":
                return self.given.upper() != self.given
            case "phone-format":
                return self.phones[0].number.startswith("+48")
            case "no-email" | "second-email" | "no-phone":
                return len(self.emails) > 0 and len(self.phones) > 0
            case _:
                return True


class People:
    """A source of humans; no two get the same name, number or address unless they are meant to."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.names: set[tuple[str, str]] = set()
        self.mailboxes: set[str] = set()
        self.numbers = 0
        self.switchboards = {firm: _phone("PL", 900 + place, "work", landline=True) for place, firm in enumerate(FIRMS[:_SWITCHBOARDS])}

    def human(self, *, at_work: bool) -> Human:
        """Somebody new."""
        rng = self.rng
        culture = rng.choices([one for _, one in CULTURES], [weight for weight, _ in CULTURES])[0]
        given, family = self._name(culture)
        firm = rng.choice(FIRMS) if at_work else None
        emails = [Email(self._mailbox(given, family, rng.choice(_DOMAINS)), "home")]
        if firm is not None and rng.random() < 0.7:
            emails.insert(0, Email(self._mailbox(given, family, f"{_slug(firm)}.test"), "work"))
        phones = [self._number(culture.country, "mobile")]
        if rng.random() < 0.3:
            phones.append(self._number(culture.country, "home"))
        if firm in self.switchboards:
            phones.append(self.switchboards[firm])
        return Human(
            culture,
            given,
            family,
            tuple(emails),
            tuple(phones),
            firm,
            rng.choice(TITLES) if firm is not None and rng.random() < 0.6 else None,
            rng.choice(PLACES) if rng.random() < 0.5 else None,
            (rng.randint(1945, 2005), rng.randint(1, 12), rng.randint(1, 28)) if rng.random() < 0.3 else None,
        )

    def relative(self, other: Human) -> Human:
        """Somebody of the same household: the same family name, one of the other's addresses and the landline, nothing else."""
        new = self.human(at_work=False)
        shared = other.emails[-1]
        own = self._number(other.culture.country, "mobile")
        given = new.given if new.culture.code == other.culture.code else self._name(other.culture)[0]
        landline = tuple(one for one in other.phones if one.label == "home")
        family = _form(other.culture, other.family, woman=given in other.culture.women)
        return replace(new, culture=other.culture, given=given, family=family, emails=(shared,), phones=(own, *landline), place=other.place)

    def namesake(self, other: Human) -> Human:
        """Somebody of the same name who has nothing else in common with the other."""
        new = self.human(at_work=False)
        address = Email(self._mailbox(other.given, other.family, "example.org"), "home")
        return replace(new, culture=other.culture, given=other.given, family=other.family, emails=(address,), firm=None, title=None)

    def _name(self, culture: Culture) -> tuple[str, str]:
        """A name nobody has yet; a second given name where all others are taken."""
        while True:
            woman = self.rng.random() < 0.5
            given = self.rng.choice(culture.women if woman else culture.men)
            family = ""
            if not culture.mononym:
                masculine, _, feminine = self.rng.choice(culture.families).partition("/")
                family = feminine if woman and feminine else masculine
            if (given, family) in self.names:
                second = self.rng.choice(culture.women if woman else culture.men)
                given = f"{given} {second}" if second not in given else given
            if (given, family) not in self.names:
                self.names.add((given, family))
                return given, family

    def _mailbox(self, given: str, family: str, domain: str) -> str:
        local = ".".join(part for part in (_slug(given.split(maxsplit=1)[0]), _slug(family)) if part) or f"kontakt{len(self.mailboxes)}"
        address, more = f"{local}@{domain}", 2
        while address in self.mailboxes:
            address, more = f"{local}{more}@{domain}", more + 1
        self.mailboxes.add(address)
        return address

    def _number(self, country: str, label: str) -> Phone:
        self.numbers += 1
        return _phone(country, self.numbers, label, landline=label == "home" and country == "PL")


def _form(culture: Culture, family: str, *, woman: bool) -> str:
    """The family name in the form of the other sex, where the culture has two."""
    both = next((one for one in culture.families if family in one.split("/")), family)
    return both.split("/")[-1 if woman else 0]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", plain(text.lower().translate(_CYRILLIC)))


def _phone(country: str, count: int, label: str, *, landline: bool = False) -> Phone:
    """The number of a counter in a country's range for fiction, where it has one."""
    tail = f"{count % 1000:03d}"
    pair = f"{tail[0]}{count // 1000}", tail[1:]
    match country:
        case "DE":
            code, digits, national = "49", f"3023125{tail}", f"030 23125 {tail}"
        case "GB":
            code, digits, national = "44", f"7700900{tail}", f"07700 900{tail}"
        case "FR":
            code, digits, national = "33", f"63998{pair[0]}{pair[1]}", f"06 39 98 {pair[0]} {pair[1]}"
        case "UA":
            code, digits, national = "380", f"501000{tail}", f"050 100 0{tail}"
        case "ES":
            code, digits, national = "34", f"600100{tail}", f"600 100 {tail}"
        case "IS":
            code, digits, national = "354", f"6100{tail}", f"610 0{tail}"
        case _ if landline:
            code, digits, national = "48", f"22100{pair[0]}{pair[1]}", f"22 100 {pair[0]} {pair[1]}"
        case _:
            code, digits, national = "48", f"60010{count // 1000}{tail}", f"600 10{count // 1000} {tail}"
    spaced = national.lstrip("0")
    return Phone(f"+{code}{digits}", national, f"+{code} {spaced}", label)
