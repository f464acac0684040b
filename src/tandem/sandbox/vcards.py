"""A vCard as a Google contact: the fields that Tandem knows, and a few that it must not touch, in the shapes of the People API.

Rules: values are carried as they stand, labels into Google's types; what a contact has no place for is left out; a card that
stands for a group, or that holds nothing, is refused with a reason that holds nothing of it.

Sources: RFC 2426, RFC 6350, RFC 4770, and the extensions of Apple, Evolution, Android and Outlook as they stand in their exports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

from phonenumbers import SUPPORTED_REGIONS

from tandem.sandbox.vcard_lines import Card, CardError, Line
from tandem.sandbox.wire import Json, JsonObject

_NAME_PARTS = ("familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_PHONETIC = {
    "X-PHONETIC-FIRST-NAME": "phoneticGivenName",
    "X-PHONETIC-MIDDLE-NAME": "phoneticMiddleName",
    "X-PHONETIC-LAST-NAME": "phoneticFamilyName",
}
_ADDRESS_PARTS = ("poBox", "extendedAddress", "streetAddress", "city", "region", "postalCode", "country")
#: Types that say nothing about whose or what a number is.
_SILENT = frozenset({"pref", "voice", "internet", "msg", "text", "textphone", "video", "car", "isdn", "dom", "intl", "postal", "parcel"})
_MOBILE = frozenset({"cell", "mobile", "iphone"})
_MESSENGERS = {
    "AIM": "aim",
    "GOOGLE-TALK": "googleTalk",
    "GTALK": "googleTalk",
    "ICQ": "icq",
    "JABBER": "jabber",
    "MS-IMADDRESS": "msn",
    "MSN": "msn",
    "QQ": "qq",
    "SKYPE": "skype",
    "SKYPE-USERNAME": "skype",
    "YAHOO": "yahoo",
    "YAHOO-ID": "yahoo",
    "GADUGADU": "gadu-gadu",
}
_SCHEMES = {"xmpp": "jabber", "ymsgr": "yahoo", "gtalk": "googleTalk", "msnim": "msn", "googletalk": "googleTalk"}
_DATES = (re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ].*)?"), re.compile(r"(-)-(\d\d)-?(\d\d)(?:[T ].*)?"))


def contact_of(card: Card) -> JsonObject:
    """The fields of the contact. CardError for a card that makes none."""
    by_name: dict[str, list[Line]] = {}
    for line in card.lines:
        by_name.setdefault(line.name, []).append(line)
    if any(line.text.lower() == "group" for name in ("KIND", "X-ADDRESSBOOKSERVER-KIND") for line in by_name.get(name, [])):
        raise CardError("it stands for a group of cards")
    labels = {line.group: _label(line.text) for line in by_name.get("X-ABLABEL", []) if line.group}
    fields: dict[str, list[JsonObject]] = {
        "names": _names(by_name),
        "nicknames": [{"value": one} for line in by_name.get("NICKNAME", []) for one in line.lists[0]],
        "organizations": _organizations(by_name),
        "phoneNumbers": _listed(by_name.get("TEL", []), lambda line: _phone(line, labels)),
        "emailAddresses": _listed(by_name.get("EMAIL", []), lambda line: _email(line, labels)),
        "imClients": _messengers(card.lines),
        "addresses": _addresses(by_name, labels),
        "birthdays": [_birthday(line) for line in by_name.get("BDAY", []) if line.text][:1],
        "biographies": _biographies(by_name.get("NOTE", [])),
        "urls": [{"value": line.text} for line in by_name.get("URL", []) if line.text],
    }
    if not any(fields.values()):
        raise CardError("it holds nothing that a contact can hold")
    return {name: list[Json](items) for name, items in fields.items() if items}


Named = Mapping[str, Sequence[Line]]


def _first(named: Named, name: str) -> str:
    return next((line.text for line in named.get(name, ()) if line.text), "")


def _names(named: Named) -> list[JsonObject]:
    """The parts of the name; the whole where there are none."""
    name: JsonObject = {}
    for line in named.get("N", ())[:1]:
        name.update({part: " ".join(words) for part, words in zip(_NAME_PARTS, line.lists, strict=False) if words})
    name.update({part: text for property_, part in _PHONETIC.items() if (text := _first(named, property_))})
    if not name and (whole := _first(named, "FN")):
        name["unstructuredName"] = whole
    return [name] if name else []


def _organizations(named: Named) -> list[JsonObject]:
    found: list[JsonObject] = []
    for line in named.get("ORG", ()):
        name, *units = line.parts
        item: JsonObject = {"name": name, "department": ", ".join(filter(None, units))}
        found.append({key: value for key, value in item.items() if value})
    if title := _first(named, "TITLE"):
        found[:1] = [{**(found[0] if found else {}), "title": title}]
    return [item for item in found if item]


def _listed(lines: Iterable[Line], read: Callable[[Line], JsonObject]) -> list[JsonObject]:
    """The items of those lines that hold something; the preferred one is marked where it is not the first."""
    pairs = [(line, read(line)) for line in lines if line.text]
    items = [item for _, item in pairs]
    preferred = next((place for place, (line, _) in enumerate(pairs) if _is_preferred(line)), 0)
    if preferred:
        items[preferred] = {**items[preferred], "metadata": {"sourcePrimary": True}}
    return items


def _is_preferred(line: Line) -> bool:
    return "pref" in line.all("TYPE") or "1" in line.all("PREF")


def _phone(line: Line, labels: Mapping[str, str]) -> JsonObject:
    value = re.sub(r"(?i)^tel:", "", line.text)
    return _typed({"value": value}, labels.get(line.group, "") or _phone_type(line.all("TYPE")))


def _phone_type(types: Sequence[str]) -> str:
    kinds = [one for one in types if one not in _SILENT]
    place = next((one for one in ("work", "home") if one in kinds), "")
    if "fax" in kinds:
        return f"{place or 'other'}Fax"
    if "pager" in kinds:
        return "workPager" if place == "work" else "pager"
    if _MOBILE & set(kinds):
        return "workMobile" if place == "work" else "mobile"
    return place or next((one.removeprefix("x-") for one in kinds), "")


def _email(line: Line, labels: Mapping[str, str]) -> JsonObject:
    value = re.sub(r"(?i)^mailto:", "", line.text)
    return _typed({"value": value}, labels.get(line.group, "") or _plain_type(line))


def _plain_type(line: Line) -> str:
    return next((one.removeprefix("x-") for one in line.all("TYPE") if one not in _SILENT), "")


def _typed(item: JsonObject, type_: str) -> JsonObject:
    return {**item, "type": type_} if type_ else item


def _label(text: str) -> str:
    """A label of Apple's, out of the wrapping in which its own words stand."""
    match = re.fullmatch(r"_\$!<(.*)>!\$_", text)
    return match[1].lower() if match else text


def _messengers(lines: Iterable[Line]) -> list[JsonObject]:
    found: dict[tuple[str, str], JsonObject] = {}
    for line in lines:
        protocol, handle = _MESSENGERS.get(line.name.removeprefix("X-"), "") if line.name.startswith("X-") else "", line.text
        if line.name == "IMPP":
            scheme, colon, rest = line.text.partition(":")
            service = next(iter(line.all("X-SERVICE-TYPE")), "")
            scheme, handle = (scheme.lower(), unquote(rest)) if colon else ("", line.text)
            protocol = _MESSENGERS.get(service.upper()) or _SCHEMES.get(scheme) or scheme or service
            handle = handle.removeprefix("//")
        elif not protocol:
            continue
        if handle:
            item: JsonObject = {"username": handle, "protocol": protocol}
            found.setdefault((protocol, handle.lower()), {key: value for key, value in item.items() if value})
    return list(found.values())


def _addresses(named: Named, labels: Mapping[str, str]) -> list[JsonObject]:
    codes = {line.group: line.text.upper() for line in named.get("X-ABADR", ()) if line.group}

    def read(line: Line) -> JsonObject:
        texts = [", ".join(words) for words in line.lists]
        item: JsonObject = {part: text for part, text in zip(_ADDRESS_PARTS, texts, strict=False) if text}
        if item and (code := codes.get(line.group, "")) in SUPPORTED_REGIONS:
            item["countryCode"] = code
        if whole := next((value for name, value in line.parameters if name == "LABEL" and value), ""):
            item["formattedValue"] = whole
        return _typed(item, labels.get(line.group, "") or _plain_type(line)) if item else {}

    addresses = [item for item in _listed(named.get("ADR", ()), read) if set(item) - {"metadata"}]
    return addresses or [{"formattedValue": line.text} for line in named.get("LABEL", ()) if line.text]


def _birthday(line: Line) -> JsonObject:
    """A date where it is one, else its text. Apple writes a year that nobody knows as one to be left out."""
    for form in _DATES:
        if match := form.fullmatch(line.text):
            year, month, day = int(match[1].replace("-", "0")), int(match[2]), int(match[3])
            is_date = 1 <= month <= 12 and 1 <= day <= 31
            date: JsonObject = {"month": month, "day": day}
            if year and str(year) not in line.all("X-APPLE-OMIT-YEAR"):
                date["year"] = year
            return {"date": date} if is_date else {"text": line.text}
    return {"text": line.text}


def _biographies(lines: Iterable[Line]) -> list[JsonObject]:
    """All notes as the one that a contact has."""
    text = "\n\n".join(line.text for line in lines if line.text)
    return [{"value": text}] if text else []
