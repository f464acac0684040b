"""Names, phones and addresses of ten countries make the whole way and back."""

from __future__ import annotations

from engine.stage import Stage

#: given, family, phone, street, city, postal code, country; phones from ranges set aside for fiction where a country has one.
PEOPLE = (
    ("Zażółć", "Gęślą-Jaźń", "+48 600 123 456", "ul. Długa 5 m. 7", "Łódź", "90-001", "Polska"),
    ("Jürgen", "von der Straße", "+49 30 23125 014", "Hauptstraße 12a", "Köln", "50667", "Deutschland"),
    ("Ana Maria", "de Souza", "+55 11 91234-5678", "Av. Paulista, 1000", "São Paulo", "01310-100", "Brasil"),
    ("Nguyễn", "Văn An", "+84 91 234 56 78", "36 Phố Hàng Bạc", "Hà Nội", "100000", "Việt Nam"),
    ("Björk", "", "+354 611 1234", "Laugavegur 1", "Reykjavík", "101", "Ísland"),
    ("محمد", "الأحمد", "+971 50 123 4567", "شارع الشيخ زايد", "دبي", "", "الإمارات"),
    ("美咲", "佐藤", "+81 90-1234-5678", "神南1-2-3", "東京", "150-0041", "日本"),
    ("Олена", "Шевченко", "+380 50 123 45 67", "вул. Хрещатик, 1", "Київ", "01001", "Україна"),
    ("Seán", "Ó Briain", "+353 20 910 1234", "12 O'Connell St", "Baile Átha Cliath", "D01 F5P2", "Éire"),
    ("Jean-Luc", "L'Hôpital", "+33 6 39 98 12 34", "3 bis, rue de l'Église", "Besançon", "25000", "France"),
)


def _fields(person: tuple[str, ...]) -> dict[str, object]:
    given, family, phone, street, city, code, country = person
    address = {"streetAddress": street, "city": city, "postalCode": code, "country": country, "type": "home"}
    return {
        "names": [{"givenName": given, **({"familyName": family} if family else {})}],
        "phoneNumbers": [{"value": phone, "type": "mobile"}],
        "addresses": [{key: value for key, value in address.items() if value}],
    }


def test_ten_countries_make_a_round_trip(stage: Stage) -> None:
    """B13: typed in Google, carried to Pipedrive, changed there, carried back: every letter and every digit as it was typed."""
    for person in PEOPLE:
        stage.contact(**_fields(person))
    stage.settle()
    before = {one["id"]: one["fields"] for one in stage.google()}
    by_phone = {one["phones"][0]["value"]: one for one in stage.pipedrive()}
    for given, family, phone, street, city, code, _ in PEOPLE:
        one = by_phone[phone]
        assert (one["first_name"], one["last_name"] or "") == (given, family)
        assert (one["postal_address"]["route"], one["postal_address"]["locality"]) == (street, city)
        assert (one["postal_address"]["postal_code"] or "") == code
        stage.wait(2)
        phones = [*one["phones"], {"value": f"{phone}0", "label": "work", "primary": False}]
        stage.pipedrive_does("update_person", id=one["id"], phones=phones)
    stage.settle()
    for one in stage.google():
        was, phones = before[one["id"]], one["fields"]["phoneNumbers"]
        assert {name: items for name, items in one["fields"].items() if name != "phoneNumbers"} == {
            name: items for name, items in was.items() if name != "phoneNumbers"
        }
        assert [item["value"] for item in phones] == [was["phoneNumbers"][0]["value"], f"{was['phoneNumbers'][0]['value']}0"]
