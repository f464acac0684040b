"""Made-up people in any number: for address books of tens of thousands, and for matching, where it is known who is who.

Rules: the same seed makes the same people. Names come from short lists and therefore repeat, as names do; phone numbers and mailboxes
belong to one human unless they are shared on purpose. Addresses end in example.com or `.test`.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_GIVEN = (
    "Małgorzata", "Agnieszka", "Katarzyna", "Joanna", "Elżbieta", "Magdalena", "Zofia", "Aleksandra", "Anna", "Barbara", "Ewa",
    "Łucja", "Żaneta", "Hanna", "Maria", "Irena", "Beata", "Danuta", "Stanisław", "Grzegorz", "Wojciech", "Tomasz", "Krzysztof",
    "Andrzej", "Jakub", "Bartłomiej", "Jerzy", "Przemysław", "Aleksander", "Paweł", "Łukasz", "Zbigniew", "Jan", "Piotr", "Marek",
    "James", "William", "Robert", "Thomas", "Michael", "Elizabeth", "Margaret", "Susan", "Jürgen", "Günther", "Käthe", "Björn",
    "Søren", "François", "Hélène", "Zoë", "José", "Ángel", "Núria",
)  # fmt: skip
_STEMS = (
    "Kowal", "Nowak", "Wiśniew", "Dąbrow", "Zieliń", "Kamiń", "Lewandow", "Wójcik", "Kozłow", "Jankow", "Mazur", "Krawczyk",
    "Piotrow", "Grabow", "Pawłow", "Michal", "Szymań", "Woźniak", "Król", "Wieczor", "Jabłoń", "Wróbel", "Stępień", "Malinow",
    "Adamczyk", "Dudek", "Górsk", "Witkow", "Rutkow", "Sikor", "Ostrow", "Baran", "Szewczyk", "Tomasz", "Pietrzak", "Marci",
    "Müller", "Schäfer", "Köhler", "Weiß", "Brown", "Wilson", "Taylor", "Clarke", "Dubois", "Lefèvre", "García", "Ibáñez",
    "Sørensen", "Åberg",
)  # fmt: skip
_ENDINGS = ("", "ski", "icki", "owicz", "czak", "ek", "iak", "ewski", "son", "mann", "er", "ik", "uk", "is", "as")
_WORKS = (
    "Stal",
    "Drew",
    "Meble",
    "Auto",
    "Agro",
    "Bud",
    "Elektro",
    "Foto",
    "Geo",
    "Hydro",
    "Info",
    "Kwiat",
    "Lux",
    "Metal",
    "Okna",
    "Papier",
)
_FORMS = ("sp. z o.o.", "S.A.", "GmbH", "Ltd", "")
_MOBILE = (
    "501",
    "502",
    "503",
    "601",
    "602",
    "603",
    "604",
    "605",
    "606",
    "660",
    "691",
    "692",
    "721",
    "722",
    "723",
    "781",
    "782",
    "791",
    "792",
)


@dataclass(frozen=True, slots=True)
class Human:
    """One human, as everybody knows him or her."""

    given: str
    family: str
    firm: str
    #: Nine digits of Poland.
    mobile: str
    landline: str
    email: str
    work_email: str
    city: str
    street: str


def plain(text: str) -> str:
    """The text in ASCII letters."""
    text = text.translate(str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "Ø": "O"}))
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def spaced(number: str) -> str:
    """Nine digits in threes."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"


class Humans:
    """A source of humans."""

    def __init__(self, seed: object) -> None:
        self.rng = random.Random(f"humans {seed}")  # noqa: S311 - made-up people need repeatable chance
        self._count = 0

    def __iter__(self) -> Iterator[Human]:
        while True:
            yield self.human()

    def human(self) -> Human:
        """Somebody new."""
        rng, number = self.rng, self._count
        self._count += 1
        given, family = rng.choice(_GIVEN), rng.choice(_STEMS) + rng.choice(_ENDINGS)
        firm_number = rng.randrange(max(40, number // 4 + 1)) if rng.random() < 0.8 else -1
        firm = f"{_WORKS[firm_number % 16]}-{_WORKS[firm_number // 16 % 16]} {firm_number} {_FORMS[firm_number % 5]}".strip()
        local = f"{plain(given)}.{plain(family)}".lower()
        return Human(
            given=given,
            family=family,
            firm=firm if firm_number >= 0 else "",
            mobile=self.mobile(),
            landline=f"22{3_000_000 + number:07d}" if rng.random() < 0.3 else "",
            email=f"{local}.{number}@example.com",
            work_email=f"{local}.{number}@firm{firm_number}.test" if firm_number >= 0 and rng.random() < 0.6 else "",
            city=rng.choice(("Łódź", "Kraków", "Gdańsk", "Wien", "Zürich", "Malmö")) if rng.random() < 0.5 else "",
            street=f"Polna {number % 300 + 1}",
        )

    def mobile(self) -> str:
        """A number that nobody else has."""
        self._count += 1
        return f"{_MOBILE[self._count // 1_000_000 % len(_MOBILE)]}{self._count % 1_000_000:06d}"


def google_fields(human: Human) -> dict[str, object]:
    """A contact in the shapes of the People API."""
    emails = [(human.email, "home"), (human.work_email, "work")]
    phones = [(f"+48 {spaced(human.mobile)}", "mobile"), (f"+48 {human.landline}" if human.landline else "", "work")]
    fields: dict[str, object] = {
        "names": [{"givenName": human.given, "familyName": human.family}],
        "emailAddresses": [{"value": value, "type": kind} for value, kind in emails if value],
        "phoneNumbers": [{"value": value, "type": kind} for value, kind in phones if value],
    }
    if human.firm:
        fields["organizations"] = [{"name": human.firm, "type": "work"}]
    if human.city:
        fields["addresses"] = [{"streetAddress": human.street, "city": human.city, "type": "home"}]
    return fields


def pipedrive_fields(human: Human) -> dict[str, object]:
    """A person as API v2 takes it, without the organisation."""
    emails = [(human.email, "home"), (human.work_email, "work")]
    phones = [(f"+48 {spaced(human.mobile)}", "mobile"), (f"+48 {human.landline}" if human.landline else "", "work")]
    return {
        "first_name": human.given,
        "last_name": human.family,
        "emails": [{"value": value, "label": label, "primary": not place} for place, (value, label) in enumerate(emails) if value],
        "phones": [{"value": value, "label": label, "primary": not place} for place, (value, label) in enumerate(phones) if value],
    }
