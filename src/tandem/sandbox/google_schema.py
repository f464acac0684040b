"""The People API's person as a table: which fields there are, what each item holds, which masks they may stand in.

Source: the discovery document of the People API v1 (revision 20251117) and the reference pages of `people.get`,
`people.updateContact`. A test holds this table against the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Part(Enum):
    """The kind of value that one part of an item takes."""

    TEXT = "TYPE_STRING"
    FLAG = "TYPE_BOOL"
    NUMBER = "TYPE_INT32"
    DATE = "Date"
    ENUM = "TYPE_ENUM"


@dataclass(frozen=True, slots=True)
class Field:
    """One list field of a person. `derived` parts are made by the service and ignored when sent."""

    message: str
    parts: dict[str, Part]
    derived: frozenset[str] = frozenset()
    singleton: bool = False
    writable: bool = True


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


#: The values of the enumerated parts, by message and part.
ENUMS: dict[tuple[str, str], frozenset[str]] = {
    ("Nickname", "type"): _set("DEFAULT MAIDEN_NAME INITIALS GPLUS OTHER_NAME ALTERNATE_NAME SHORT_NAME"),
    ("Biography", "contentType"): _set("CONTENT_TYPE_UNSPECIFIED TEXT_PLAIN TEXT_HTML"),
    ("MiscKeyword", "type"): _set(
        "TYPE_UNSPECIFIED OUTLOOK_BILLING_INFORMATION OUTLOOK_DIRECTORY_SERVER OUTLOOK_KEYWORD OUTLOOK_MILEAGE "
        "OUTLOOK_PRIORITY OUTLOOK_SENSITIVITY OUTLOOK_SUBJECT OUTLOOK_USER HOME WORK OTHER"
    ),
}


def _texts(names: str, **others: Part) -> dict[str, Part]:
    return {**dict.fromkeys(names.split(), Part.TEXT), **others}


_TYPED = frozenset({"formattedType"})
_NAME_PARTS = "givenName familyName middleName honorificPrefix honorificSuffix unstructuredName phoneticFullName phoneticGivenName"
_NAME_PARTS += " phoneticFamilyName phoneticMiddleName phoneticHonorificPrefix phoneticHonorificSuffix"
_ORGANIZATION = _texts(
    "name title department jobDescription symbol domain location type phoneticName costCenter",
    current=Part.FLAG,
    startDate=Part.DATE,
    endDate=Part.DATE,
    fullTimeEquivalentMillipercent=Part.NUMBER,
)
_ADDRESS = _texts("streetAddress extendedAddress poBox city region postalCode country countryCode type formattedValue")
_LOCATION = _texts("value type floor floorSection deskCode buildingId", current=Part.FLAG)

#: Every list field of a contact that a client can write, by its name in the person.
FIELDS: dict[str, Field] = {
    "names": Field("Name", _texts(_NAME_PARTS), frozenset({"displayName", "displayNameLastFirst"}), singleton=True),
    "nicknames": Field("Nickname", _texts("value", type=Part.ENUM)),
    "organizations": Field("Organization", _ORGANIZATION, _TYPED),
    "phoneNumbers": Field("PhoneNumber", _texts("value type"), _TYPED | {"canonicalForm"}),
    "emailAddresses": Field("EmailAddress", _texts("value type displayName"), _TYPED),
    "addresses": Field("Address", _ADDRESS, _TYPED),
    "imClients": Field("ImClient", _texts("username protocol type"), _TYPED | {"formattedProtocol"}),
    "birthdays": Field("Birthday", _texts("text", date=Part.DATE), singleton=True),
    "biographies": Field("Biography", _texts("value", contentType=Part.ENUM), singleton=True),
    "urls": Field("Url", _texts("value type"), _TYPED),
    "userDefined": Field("UserDefined", _texts("key value")),
    "externalIds": Field("ExternalId", _texts("value type"), _TYPED),
    "clientData": Field("ClientData", _texts("key value")),
    "relations": Field("Relation", _texts("person type"), _TYPED),
    "events": Field("Event", _texts("type", date=Part.DATE), _TYPED),
    "genders": Field("Gender", _texts("value addressMeAs"), frozenset({"formattedValue"}), singleton=True),
    "occupations": Field("Occupation", _texts("value")),
    "interests": Field("Interest", _texts("value")),
    "skills": Field("Skill", _texts("value"), writable=False),
    "locations": Field("Location", _LOCATION),
    "sipAddresses": Field("SipAddress", _texts("value type"), _TYPED),
    "calendarUrls": Field("CalendarUrl", _texts("url type"), _TYPED),
    "locales": Field("Locale", _texts("value")),
    "miscKeywords": Field("MiscKeyword", _texts("value", type=Part.ENUM), _TYPED),
    "fileAses": Field("FileAs", _texts("value")),
}

#: What may stand in a body without being stored: the service's own, or long out of use.
IGNORED_IN_BODY = _set(
    "ageRange ageRanges braggingRights coverPhotos photos relationshipInterests relationshipStatuses residences taglines"
)
#: `fileAses` is in the schema and is used by real clients, yet stands in neither documented list of paths.
UNDOCUMENTED_PATHS = frozenset({"fileAses"})
READ_PATHS = (frozenset(FIELDS) | {"ageRanges", "coverPhotos", "memberships", "metadata", "photos"}) - UNDOCUMENTED_PATHS
UPDATE_PATHS = (frozenset(name for name, field in FIELDS.items() if field.writable) | {"memberships"}) - UNDOCUMENTED_PATHS
#: The fields' numbers inside a person etag, made up; the service adds five of its own to every mask.
_NUMBERED = sorted((READ_PATHS | UNDOCUMENTED_PATHS) - {"metadata"})
ETAG_NUMBERS: dict[str, int] = {name: number for number, name in enumerate(_NUMBERED, start=2)}
ETAG_ALWAYS = (1, 9, 46, 55, 62)

SOURCES = frozenset(
    {"READ_SOURCE_TYPE_PROFILE", "READ_SOURCE_TYPE_CONTACT", "READ_SOURCE_TYPE_DOMAIN_CONTACT", "READ_SOURCE_TYPE_OTHER_CONTACT"}
)
GROUP_READ_PATHS = frozenset({"clientData", "groupType", "memberCount", "metadata", "name"})
GROUP_UPDATE_PATHS = frozenset({"clientData", "name"})

#: Predefined types whose English form is not just the first letter made large.
_SPELT: dict[str, str] = {
    "homeFax": "Home Fax",
    "workFax": "Work Fax",
    "otherFax": "Other Fax",
    "workMobile": "Work Mobile",
    "workPager": "Work Pager",
    "googleVoice": "Google Voice",
    "homePage": "Home Page",
    "appInstallPage": "App Install Page",
    "loginId": "Login ID",
    "domesticPartner": "Domestic Partner",
    "referredBy": "Referred by",
    "ftp": "FTP",
    "aim": "AIM",
    "msn": "MSN",
    "qq": "QQ",
    "icq": "ICQ",
    "googleTalk": "Google Talk",
    "netMeeting": "NetMeeting",
    "freeBusy": "Free/Busy",
}
_PLAIN = _set(
    "home work other mobile pager main blog profile reservations account customer network organization school "
    "spouse child mother father parent brother sister friend relative manager assistant partner anniversary yahoo "
    "skype jabber male female unspecified"
)


def formatted(value: str) -> str:
    """A type as people read it, in English; a custom type stays as it was written."""
    return _SPELT.get(value) or (value.capitalize() if value in _PLAIN else value)
