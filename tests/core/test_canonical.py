"""Normal forms: what counts as the same, in ten countries, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.worlds import ADDRESSES, LABELS, SINGLE, VALUES, contacts, edited, values
from tandem.core.canonical import KeyKind, entry_key, fingerprint, fold_name, fold_organisation, match_keys, normal, same_text, same_value
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, MESSENGERS, ORGANISATION, PHONES, Address, Contact, Entry, Kind
from tandem.core.phones import phone_tail

PHONES_OF_COUNTRIES = [
    ("PL", "+48221234567", ["+48 22 123 45 67", "22 123 45 67", "(22) 123-45-67", "0048 22 123 45 67", "tel. 22/123 45 67", "48221234567"]),
    (
        "PL",
        "+48221234567;ext=12",
        ["22 123 45 67 wew. 12", "+48 22 123 45 67 wew 12", "221234567 w. 12", "22 123 45 67 x12", "22 123 45 67 #12"],
    ),
    ("DE", "+4930901820", ["+49 (0)30 901820", "030 / 90 18 20", "0049 30 901820"]),
    ("GB", "+442079460018", ["+44 20 7946 0018", "020 7946 0018", "(020) 7946-0018"]),
    ("US", "+12025550143", ["+1 202-555-0143", "(202) 555-0143", "202.555.0143"]),
    ("US", "+12025550143;ext=5", ["+1 202-555-0143 ext. 5", "(202) 555-0143 x5", "202.555.0143;ext=5", "202-555-0143 extension 5"]),
    ("FR", "+33139980101", ["+33 1 39 98 01 01", "01 39 98 01 01"]),
    ("IT", "+390612345678", ["+39 06 1234 5678", "06 12345678"]),
    ("SE", "+46317401234", ["+46 31 740 12 34", "031-740 12 34"]),
    ("NO", "+4722123456", ["+47 22 12 34 56", "22 12 34 56"]),
    ("CZ", "+420212345678", ["+420 212 345 678", "212 345 678"]),
    ("VN", "+842838234567", ["+84 28 3823 4567", "028 3823 4567"]),
    ("JP", "+81312345678", ["+81 3-1234-5678", "03-1234-5678", "０３－１２３４－５６７８"]),
]


@pytest.mark.parametrize(("region", "expected", "writings"), PHONES_OF_COUNTRIES)
def test_a_phone_number_is_one_however_it_is_written(region: str, expected: str, writings: list[str]) -> None:
    """Promise: country code, spaces, brackets, trunk zero and the words for an extension do not matter in its own region."""
    assert {writing: normal(Kind.PHONE, writing, region) for writing in writings} == dict.fromkeys(writings, expected)


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("112", "PL", "112"),
        ("601 123 456", "", "601123456"),
        ("+48 12", "PL", "4812"),
        ("Anna 555", "PL", "anna 555"),
        (" ask  Ewa ", "PL", "ask ewa"),
        ("", "PL", ""),
    ],
)
def test_what_is_no_valid_number_stays_apart(text: str, region: str, expected: str) -> None:
    """Promise: short and foreign-looking numbers become digits; a text remains a text."""
    assert normal(Kind.PHONE, text, region) == expected


def test_the_last_nine_digits_tell_a_changed_country_code() -> None:
    """Promise: +48 and +49 in front of one number have one tail; another extension or fewer digits have not."""
    assert phone_tail(normal(Kind.PHONE, "+48 601 123 456")) == phone_tail(normal(Kind.PHONE, "601123456"))
    assert phone_tail("+48601123456;ext=1") != phone_tail("+48601123456")
    assert phone_tail("112") == phone_tail("ask ewa 601123456") == ""


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Zażółć Gęślą Jaźń", "zazolc gesla jazn"),
        ("Łukasz", "lukasz"),
        ("Müller-Lüdenscheidt", "muller ludenscheidt"),
        ("GROẞ", "gross"),
        ("Straße", "strasse"),
        ("Ærøskøbing Ångström", "aeroskobing angstrom"),
        ("Þórður Guðmundsson", "thordur gudmundsson"),
        ("Nguyễn Văn Đức", "nguyen van duc"),
        ("O’Brien", "obrien"),
        ("  D'Arcy \t Smith ", "darcy smith"),
        ("İstanbul Işık", "istanbul isik"),
        ("Ёлкин", "елкин"),
        ("がく", "がく"),
        ("!?", "!?"),
        ("", ""),
    ],
)
def test_names_fold(name: str, folded: str) -> None:
    """Promise: Polish, German, Nordic, Vietnamese, Turkish letters fold to their plain ones; voicing marks of Japanese stay."""
    assert fold_name(name) == folded


def test_organisations_fold_spaces_and_punctuation_but_not_telling_signs() -> None:
    """Promise: "Acme sp. z o.o." is "ACME Sp z oo"; C, C# and C++ are three."""
    assert fold_organisation("Acme sp. z o.o.") == fold_organisation("ACME Sp z oo")
    assert fold_organisation("Müller & Söhne") == fold_organisation("Muller&Sohne")
    assert len({fold_organisation(name) for name in ("C", "C#", "C++")}) == 3


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Anna@Example.COM ", "anna@example.com", True),
        ("biuro@bücher.example", "biuro@xn--bcher-kva.example", True),
        ("anna+1@example.com", "anna@example.com", False),
        ("a.nna@example.com", "anna@example.com", False),
    ],
)
def test_email_addresses(one: str, other: str, is_same: bool) -> None:
    """Promise: case and the writing of the domain do not matter; everything else does."""
    assert (normal(Kind.EMAIL, one) == normal(Kind.EMAIL, other)) is is_same


def test_a_messenger_is_protocol_and_handle() -> None:
    """Promise: the same handle on two protocols is two; case and a leading @ do not matter."""
    assert entry_key(Kind.MESSENGER, Entry("@Anna.N", "Skype")) == entry_key(Kind.MESSENGER, Entry("anna.n", "skype"))
    assert entry_key(Kind.MESSENGER, Entry("anna.n", "jabber")) != entry_key(Kind.MESSENGER, Entry("anna.n", "skype"))


def test_addresses_compare_by_parts_where_both_have_them() -> None:
    """Promise: with parts on both sides the text means nothing; a rendering with the same words is the same."""
    parts = Address(street="Prosta 1", city="Łódź", postal_code="90-001", text="anything")
    assert same_value(Kind.ADDRESS, parts, Address(street="prosta 1", city="Lodz", postal_code="90 001"))
    assert same_value(Kind.ADDRESS, parts, Address(text="90-001 Łódź, Prosta 1"))
    assert not same_value(Kind.ADDRESS, parts, Address(text="90-001 Łódź, Prosta 2"))
    assert not same_value(Kind.ADDRESS, parts, Address(street="Prosta 1", city="Kraków", postal_code="90-001"))


def test_same_text_sees_every_attribute_but_not_the_order() -> None:
    """Promise: NFC and outer space are nothing; a label, the primary mark and one letter are something."""
    assert same_text("Lo\u0301dz ", "L\u00f3dz")
    assert same_text(None, "") and same_text((), None) and same_text(Address(), "")  # noqa: PT018
    assert same_text((Entry("1"), Entry("2")), (Entry("2"), Entry("1 ")))
    assert not same_text((Entry("1", primary=True), Entry("2")), (Entry("1"), Entry("2", primary=True)))
    assert not same_text((Entry("1", "work"),), (Entry("1", "home"),))
    assert not same_text((Entry("1"), Entry("1")), (Entry("1"),))
    assert same_text(Address(city="Łódź", text="Łódź, Polska"), Address(city="Łódź"))


texts = st.one_of(st.text(max_size=12), st.sampled_from([text for pool in (*SINGLE.values(), *VALUES.values()) for text in pool]))


@given(st.sampled_from(Kind), texts, st.sampled_from(["", "PL", "US", "DE"]))
def test_normal_forms_are_idempotent(kind: Kind, text: str, region: str) -> None:
    """Promise: the normal form of a normal form is itself, for any text at all."""
    once = normal(kind, text, region)
    assert normal(kind, once, region) == once


@pytest.mark.parametrize("form", ["{}", "anna@{}", "anna@{}e", "{}@example.com", "{}e"])
def test_the_normal_form_of_an_address_holds_for_each_sign(form: str) -> None:
    """Promise: no letter or sign, be it at the place of a domain, makes a normal form that is not its own (a lone accent once did)."""
    signs = [chr(number) for number in (*range(0x3100), *range(0xF900, 0x10000))]
    for sign in signs:
        once = normal(Kind.EMAIL, form.format(sign))
        assert normal(Kind.EMAIL, once) == once, f"U+{ord(sign):04X}"


@given(texts)
def test_folding_is_idempotent_and_never_empties(text: str) -> None:
    """Promise: folding twice is folding once, and only white space folds to nothing."""
    for fold in (fold_name, fold_organisation):
        assert fold(fold(text)) == fold(text)
        assert bool(fold(text)) == bool(text.strip())


@given(contacts().flatmap(lambda one: st.tuples(st.just(one), edited(one))))
def test_a_fingerprint_is_the_same_text(both: tuple[Contact, Contact]) -> None:
    """Promise: two fingerprints are equal exactly when all fields are the same text; the order of entries does not matter."""
    one, other = both
    names = one.values.keys() | other.values.keys()
    is_same = all(same_text(one.values.get(name), other.values.get(name)) for name in names)
    assert (fingerprint(one) == fingerprint(other)) is is_same
    turned = one.replacing({name: value[::-1] for name, value in one.values.items() if isinstance(value, tuple)})
    assert fingerprint(turned) == fingerprint(one)


def keys_of(first: str, last: str) -> set[tuple[KeyKind, str]]:
    """Name keys of a contact."""
    return {(key.kind, key.text) for key in match_keys(Contact({FIRST_NAME: first, LAST_NAME: last}))}


def test_names_are_recognised_without_order_and_titles() -> None:
    """Promise: the full name is one key whatever the order, titles and diacritics; a single word is a short one."""
    assert (KeyKind.NAME, "jan kowalski") in keys_of("dr inż. Jan", "Kowalski") & keys_of("Kowalski", "Jan") & keys_of("Jan Kowalski", "")
    assert keys_of("Mama", "") == {(KeyKind.NAME_SHORT, "mama")}
    assert (KeyKind.NAME_SHORT, "j smith") in keys_of("J.", "Smith")
    assert keys_of("John", "Smith sr") != keys_of("John", "Smith")
    assert keys_of("", " ") == set()


def test_match_keys_of_the_other_kinds() -> None:
    """Promise: e-mails and telling phone numbers are keys, short numbers and non-addresses are not."""
    contact = Contact(
        {
            EMAILS: (Entry("A@Example.com"), Entry("nothing")),
            PHONES: (Entry("601 123 456"), Entry("112"), Entry("000 000 000"), Entry("ask Ewa")),
            MESSENGERS: (Entry("anna", "skype"),),
            ORGANISATION: "Acme sp. z o.o.",
        }
    )
    found = {(key.kind, key.text) for key in match_keys(contact, "PL")}
    assert found == {(KeyKind.EMAIL, "a@example.com"), (KeyKind.PHONE, "+48601123456"), (KeyKind.ORGANISATION, "acmespzoo")}


def test_the_pools_of_the_laws_have_collisions() -> None:
    """The random laws mean something only while their values have common normal forms."""
    assert len({normal(Kind.PHONE, text, "PL") for text in VALUES[PHONES]}) < len(VALUES[PHONES])
    assert len({normal(Kind.EMAIL, text) for text in VALUES[EMAILS]}) < len(VALUES[EMAILS])
    assert any(same_value(Kind.ADDRESS, one, other) for one in ADDRESSES for other in ADDRESSES if one != other)
    assert set(LABELS) == set(VALUES)
    assert values(FIRST_NAME) is not None
