"""Names, places and firms from which the made-up people of the demonstration are put together.

Rules: common names only, combined by chance, so that nobody real is meant; firms exist under `.test` alone. Phone numbers come from
ranges that the countries have set aside for fiction (Germany, France, United Kingdom, USA); Poland and the others have set none
aside, their numbers look right and follow from a counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Names: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Culture:
    """How one part of the people are called. `families` may hold "masculine/feminine"; with `mononym` there is no family name."""

    code: str
    country: str
    men: Names
    women: Names
    families: Names
    mononym: bool = False


CULTURES: tuple[tuple[int, Culture], ...] = (
    (
        60,
        Culture(
            "pl",
            "PL",
            ("Łukasz", "Paweł", "Michał", "Stanisław", "Grzegorz", "Wojciech", "Rafał", "Tomasz", "Krzysztof", "Andrzej", "Jakub", "Marcin",
             "Sławomir", "Zbigniew", "Mirosław", "Bartłomiej", "Kamil", "Jerzy", "Przemysław", "Aleksander"),
            ("Małgorzata", "Agnieszka", "Katarzyna", "Joanna", "Elżbieta", "Żaneta", "Magdalena", "Łucja", "Zofia", "Bożena", "Grażyna",
             "Dorota", "Aleksandra", "Urszula", "Wioletta", "Stanisława", "Anna", "Ewa", "Jolanta", "Barbara"),
            ("Kowalski/Kowalska", "Wiśniewski/Wiśniewska", "Dąbrowski/Dąbrowska", "Wójcik", "Lewandowski/Lewandowska",
             "Zieliński/Zielińska", "Szymański/Szymańska", "Woźniak", "Kozłowski/Kozłowska", "Jankowski/Jankowska", "Mazur", "Krawczyk",
             "Kaczmarek", "Grabowski/Grabowska", "Pawłowski/Pawłowska", "Król", "Wieczorek", "Jabłoński/Jabłońska", "Wróbel", "Stępień",
             "Górski/Górska", "Głowacki/Głowacka", "Łuczak", "Źródłowski/Źródłowska", "Brzęczyszczykiewicz", "Ćwiek", "Śliwa", "Żak",
             "Nowak-Jezierska", "Gąsior"),
        ),
    ),
    (
        9,
        Culture(
            "de",
            "DE",
            ("Jürgen", "Günther", "Björn", "Matthias", "Sören", "Lukas", "Jörg", "Felix"),
            ("Käthe", "Jutta", "Annegret", "Birgit", "Renée", "Ursula", "Ève-Marie", "Hannelore"),
            ("Müller", "Weiß", "Schäfer", "Groß", "Köhler", "von der Heide", "Größing", "Schröder", "Böhm", "zu Löwenstein"),
        ),
    ),
    (
        8,
        Culture(
            "uk",
            "UA",
            ("Олександр", "Тарас", "Ярослав", "Андрій", "Богдан", "Юрій"),
            ("Оксана", "Наталія", "Ірина", "Олена", "Соломія", "Людмила"),
            ("Шевченко", "Коваленко", "Бондаренко", "Ткачук", "Мельник", "Гриценко", "Іваненко", "Кравчук"),
        ),
    ),
    (
        5,
        Culture(
            "vi",
            "PL",
            ("Văn Hùng", "Minh Tuấn", "Quốc Anh", "Đức Thắng"),
            ("Thị Hương", "Thu Trang", "Ngọc Lan", "Phương Thảo"),
            ("Nguyễn", "Trần", "Lê", "Phạm", "Đặng", "Vũ"),
        ),
    ),
    (
        5,
        Culture(
            "ar",
            "PL",
            ("محمد", "Ahmad", "Yūsuf", "خالد"),
            ("فاطمة", "Layla", "Nūr", "Amīna"),
            ("العلي", "Al-Masri", "Haddad", "ibn Sālim", "منصور", "El-Sayed"),
        ),
    ),
    (
        5,
        Culture(
            "es",
            "ES",
            ("José Luis", "Íñigo", "Andrés", "Joaquín"),
            ("María José", "Begoña", "Lucía", "Inés"),
            ("García Márquez", "Núñez", "Ibáñez de la Torre", "Muñoz Peña", "López", "de la Fuente"),
        ),
    ),
    (
        4,
        Culture(
            "en",
            "GB",
            ("James", "Oliver", "Sean", "Rhys"),
            ("Charlotte", "Siobhán", "Emily", "Zoë"),
            ("Smith", "O'Connor", "MacDonald", "Smythe-Jones", "St John", "D'Arcy"),
        ),
    ),
    (
        2,
        Culture(
            "is",
            "IS",
            ("Björk", "Sigurður", "Þórður", "Æsir"),
            ("Guðrún", "Ásdís", "Þórunn", "Halldóra"),
            (),
            mononym=True,
        ),
    ),
    (2, Culture("fr", "FR", ("François", "Jérôme"), ("Hélène", "Gaëlle"), ("Lefèvre", "d'Aubigné", "Le Goff", "Bœuf"))),
)  # fmt: skip

NICKNAMES = {
    "Małgorzata": "Gosia", "Agnieszka": "Aga", "Katarzyna": "Kasia", "Joanna": "Asia", "Elżbieta": "Ela", "Magdalena": "Magda",
    "Zofia": "Zosia", "Aleksandra": "Ola", "Stanisław": "Staszek", "Grzegorz": "Grzesiek", "Wojciech": "Wojtek", "Tomasz": "Tomek",
    "Krzysztof": "Krzysiek", "Andrzej": "Jędrek", "Jakub": "Kuba", "Bartłomiej": "Bartek", "Jerzy": "Jurek", "Przemysław": "Przemek",
    "Aleksander": "Olek", "Paweł": "Pawełek", "Barbara": "Basia", "Anna": "Ania", "Ewa": "Ewka", "Zbigniew": "Zbyszek", "James": "Jim",
    "Matthias": "Matze", "Олександр": "Сашко", "Наталія": "Наталка", "José Luis": "Pepe",
}  # fmt: skip

FIRMS = (
    "Piekarnia Pod Lipą", "Zakład Stolarski Żuraw", "Biuro Rachunkowe Ćwierć", "Kwiaciarnia Róża", "Auto-Serwis Łoś sp. z o.o.",
    "Hurtownia Świat Śrub S.A.", "Kancelaria Dębowa", "Drukarnia Źrebak", "Gabinet Jaśmin", "Szkoła Językowa Gżegżółka",
    "Meble Kasztan sp. z o.o.", "Transport Błyskawica", "Ogrody Wrzos", "Elektro-Iskra", "Klinika Miłorząb", "Apteka Pod Orłem",
    "Software Mrówka sp. z o.o.", "Agencja Ptasie Radio", "Restauracja Śledź i Spółka", "Hotel Nad Jeziorem", "Wydawnictwo Pióro",
    "Müller & Söhne GmbH", "Café Größenwahn", "Schreinerei Weißdorn", "Bäckerei Köhler OHG", "Nordlicht Solar GmbH", "Ключ ТОВ",
    "Майстерня Сонях", "Panadería El Niño S.L.", "Talleres Ibáñez", "Smythe & Daughters Ltd", "O'Connor Plumbing", "Phở Hà Nội Bistro",
    "Boulangerie Lefèvre SARL", "Atelier d'Été", "Nur Trading", "Fjörður ehf.", "ACME Polska", "Zielona Energia", "Stal-Met Śląsk",
    "Pracownia Architektoniczna Kąt", "Studio Fotografii Błysk", "Fundacja Dobry Dzień", "Spółdzielnia Jutrzenka", "Browar Chmielny",
    "Księgarnia Między Wierszami", "Tartak Świerk", "Serwis Rowerowy Ósemka", "Fabryka Okien Widok", "Dach-Pol",
    "Instytut Analiz Ćma", "Pralnia Bąbel", "Sklep Zoologiczny Żółw", "Masarnia U Stacha", "Geodezja Azymut", "Ubezpieczenia Parasol",
    "Kursy Jazdy Rondo", "Pasieka Złota", "Tłumaczenia Wieża Babel", "Zegarmistrz Kukułka",
)  # fmt: skip

TITLES = (
    "Dyrektor handlowy", "Księgowa", "Kierownik zakupów", "Właściciel", "Prezes zarządu", "Specjalista ds. sprzedaży", "Geschäftsführer",
    "Office Manager", "Inżynier", "Asystentka", "Head of Growth", "Бухгалтер", "Kierownik magazynu", "CEO",
)  # fmt: skip

#: Street, city, postal code, country, ISO code.
PLACES = (
    ("ul. Świętojańska 12/4", "Gdynia", "81-372", "Polska", "PL"),
    ("ul. Krótka 3", "Łódź", "90-001", "Polska", "PL"),
    ("al. Róż 7 m. 15", "Kraków", "31-948", "Polska", "PL"),
    ("ul. Żwirowa 101", "Poznań", "60-001", "Polska", "PL"),
    ("pl. Wolności 1", "Wrocław", "50-071", "Polska", "PL"),
    ("ul. Dębowa 8A", "Białystok", "15-001", "Polska", "PL"),
    ("ul. Nadbrzeżna 44", "Szczecin", "70-001", "Polska", "PL"),
    ("Musterstraße 5", "Berlin", "10115", "Deutschland", "DE"),
    ("Große Gasse 19", "München", "80331", "Deutschland", "DE"),
    ("вул. Садова 7", "Львів", "79000", "Україна", "UA"),
    ("Calle Mayor 3, 2º B", "Madrid", "28013", "España", "ES"),
    ("221 Sample Road", "London", "N1 9GU", "United Kingdom", "GB"),
    ("12 rue de l'Été", "Lyon", "69001", "France", "FR"),
    ("Laugavegur 10", "Reykjavík", "101", "Ísland", "IS"),
)

NOTES = (
    "Poznana na targach w Poznaniu.", "Dzwonić po 16.", "Lubi szachy i żeglarstwo.", "Sąsiad z drugiego piętra, ma zapasowe klucze.",
    "Trener młodszej grupy.", "Uczulona na orzechy.\nUrodziny w maju!", "Angebot im März schicken.", "Polecony przez wujka.",
)  # fmt: skip
