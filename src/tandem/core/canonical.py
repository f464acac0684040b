"""Normal forms and the two equalities, for comparing and never for writing.

*Same entry* is equal normal form: it aligns, matches, and settles "both changed alike". *Same text* is equal after Unicode
NFC and trimming: it alone decides whether a side changed. Rules: every normal form is idempotent and is never shown or sent.

Sources: Unicode UAX 15 (NFC); RFC 5321 section 2.3.11 (a mailbox is compared without case here, as every known server does).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from tandem.core.contact import (
    EMAILS,
    FIELDS,
    FIRST_NAME,
    LAST_NAME,
    ORGANISATION,
    PHONES,
    Address,
    Contact,
    Entry,
    FieldName,
    Kind,
    Value,
)
from tandem.core.folding import fold_name, fold_organisation, spaced, trimmed
from tandem.core.names import KeyKind, MatchKey, name_keys
from tandem.core.phones import is_valid_phone, normal_phone

__all__ = [
    "KeyKind",
    "MatchKey",
    "entry_key",
    "field_kind",
    "fingerprint",
    "fold_name",
    "fold_organisation",
    "match_keys",
    "normal",
    "recognised_by",
    "same_text",
    "same_value",
]

#: Digits that make a number without a known country telling enough to be recognised by.
_TELLING_DIGITS = 9
#: What the compatibility forms of some signs bring along (a lone accent becomes a space with a mark), and no domain has.
_NOT_IN_DOMAINS = re.compile(r"[\s@]")


def field_kind(name: FieldName) -> Kind:
    """What the texts of a field mean. A field that is not in the table is plain text."""
    spec = FIELDS.get(name)
    return Kind.PLAIN if spec is None else spec.kind


def normal(kind: Kind, text: str, region: str = "") -> str:
    """The normal form of one text. `region` (ISO country code or empty) matters for phones only."""
    match kind:
        case Kind.PERSON_NAME | Kind.ADDRESS:
            return fold_name(text)
        case Kind.ORGANISATION:
            return fold_organisation(text)
        case Kind.PHONE:
            return normal_phone(text, region)
        case Kind.EMAIL:
            return _normal_email(text)
        case Kind.MESSENGER:
            handle = spaced(text).casefold()
            return handle.lstrip("@ ") or handle
        case Kind.PLAIN | Kind.DATE:
            return spaced(text)


def entry_key(kind: Kind, entry: Entry, region: str = "") -> str:
    """What identifies an entry in its list. A messenger is its protocol (the label) and its handle."""
    key = normal(kind, entry.value, region)
    return f"{fold_organisation(entry.label)}:{key}" if kind is Kind.MESSENGER else key


def same_text(a: Value | None, b: Value | None) -> bool:
    """Equal after NFC and trimming; absent and empty are the same.

    All attributes of entries count, their order does not. Addresses with parts are compared by their parts: the text is only
    their rendering.
    """
    return a == b or _plain(a) == _plain(b)


def same_value(kind: Kind, a: Value, b: Value, region: str = "") -> bool:
    """Equal in normal form. Of lists: the same entries, whatever their labels, order and primary mark."""
    if isinstance(a, Address) and isinstance(b, Address):
        return _same_address(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return _keys(kind, a, region) == _keys(kind, b, region)
    if isinstance(a, str) and isinstance(b, str):
        return normal(kind, a, region) == normal(kind, b, region)
    return not a and not b


def fingerprint(contact: Contact) -> str:
    """A digest (hex) that is equal exactly when every field is the same text."""
    texts = {name: _plain(value) for name, value in contact.values.items()}
    stable = json.dumps({name: text for name, text in texts.items() if text}, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(stable.encode()).hexdigest()


def match_keys(contact: Contact, region: str = "") -> frozenset[MatchKey]:
    """All that a record can be recognised by: e-mails, telling phone numbers, its name in several forms, its organisation."""
    keys = set(name_keys(contact.text(FIRST_NAME), contact.text(LAST_NAME)))
    keys |= {MatchKey(KeyKind.EMAIL, key) for key in _keys(Kind.EMAIL, contact.entries(EMAILS), region) if "@" in key}
    keys |= {MatchKey(KeyKind.PHONE, key) for key in _keys(Kind.PHONE, contact.entries(PHONES), region) if _is_telling_phone(key)}
    if organisation := contact.text(ORGANISATION).strip():
        keys.add(MatchKey(KeyKind.ORGANISATION, fold_organisation(organisation)))
    return frozenset(keys)


def recognised_by(contact: Contact) -> tuple[object, ...]:
    """The texts that match keys are made of: where they are equal, so are the keys."""
    listed = (tuple(entry.value for entry in contact.entries(name)) for name in (EMAILS, PHONES))
    return (*(contact.text(name) for name in (FIRST_NAME, LAST_NAME, ORGANISATION)), *listed)


@lru_cache(maxsize=1 << 16)
def _normal_email(text: str) -> str:
    """Lower case; an international domain in the letters of its ASCII form's origin, so that both writings of it meet."""
    mailbox, at, domain = trimmed(text).casefold().rpartition("@")
    return f"{mailbox}{at}{_readable_domain(domain)}"


def _readable_domain(domain: str) -> str:
    """A domain in readable letters. What these rules would make something else of than a domain is none, and stays as it is."""
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        ascii_form = domain.encode("idna")
        readable = ascii_form.decode("idna").casefold()
        is_domain = readable.encode("idna") == ascii_form and readable == trimmed(readable) and not _NOT_IN_DOMAINS.search(readable)
    except UnicodeError:
        return domain
    return readable if is_domain else domain


def _keys(kind: Kind, entries: Iterable[Entry], region: str) -> frozenset[str]:
    return frozenset(entry_key(kind, entry, region) for entry in entries)


def _is_telling_phone(key: str) -> bool:
    digits = key.partition(";")[0]
    return is_valid_phone(key) or (digits.isdecimal() and len(digits) >= _TELLING_DIGITS and len(set(digits)) > 1)


def _plain(value: Value | None) -> object:
    """A value as trimmed texts in a stable order: equal exactly when the text is the same. JSON can hold it."""
    match value:
        case None:
            return ""
        case str():
            return trimmed(value)
        case Address():
            parts = [trimmed(part) for part in _address_parts(value)]
            return parts if any(parts) else trimmed(value.text)
        case _:
            return sorted([trimmed(entry.value), trimmed(entry.label), entry.primary] for entry in value) or ""


def _address_parts(address: Address) -> tuple[str, ...]:
    return (address.street, address.city, address.region, address.postal_code, address.country)


def _same_address(a: Address, b: Address) -> bool:
    """By folded parts where both have some, by folded text where none has; else by the words, since a rendering orders them as it likes."""
    if a.has_parts and b.has_parts:
        return [_fold(part) for part in _address_parts(a)] == [_fold(part) for part in _address_parts(b)]
    if not a.has_parts and not b.has_parts:
        return _fold(a.text) == _fold(b.text)
    return _address_words(a) == _address_words(b)


def _address_words(address: Address) -> Counter[str]:
    whole = " ".join(_address_parts(address)) if address.has_parts else address.text
    return Counter(_fold(whole).split())


def _fold(text: str) -> str:
    return normal(Kind.ADDRESS, text)
