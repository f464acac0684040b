"""What people do, each deed on a record that it picks by itself, with how likely it is.

A deed that is not possible just now (nobody there, nothing deleted) raises HumanError, and nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulation.hands import Hands, Raw
from simulation.views import GOOGLE, PIPEDRIVE
from tandem.sandbox.service import HumanError

_PHONE_LABELS = ("work", "home", "mobile", "other", "main")
_EMAIL_LABELS = ("work", "home", "other")
_PROTOCOLS = ("skype", "jabber", "icq", "yahoo")


def _new_contact(hands: Hands) -> None:
    rng, words = hands.rng, hands.words
    fields: Raw = {}
    if rng.random() < 0.93:
        fields["names"] = [{"givenName": words.name(), "familyName": words.name()}]
        if rng.random() < 0.2:
            fields["names"][0]["middleName"] = words.name()
    if rng.random() < 0.7:
        fields["emailAddresses"] = [_google_email(hands) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.6:
        fields["phoneNumbers"] = [_google_phone(hands) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.4:
        fields["organizations"] = [{"name": _some_company(hands), "title": words.note()}]
    if rng.random() < 0.2:
        fields["biographies"] = [{"value": words.note(), "contentType": "TEXT_PLAIN"}]
    hands.stage.contact(inside=rng.random() < 0.9, **fields)


def _new_person(hands: Hands) -> None:
    rng, words = hands.rng, hands.words
    values: Raw = {"first_name": words.name(), "last_name": words.name()}
    if rng.random() < 0.7:
        values["emails"] = [_entry(words.email(), rng.choice(_EMAIL_LABELS), primary=not n) for n in range(rng.randint(1, 2))]
    if rng.random() < 0.6:
        values["phones"] = [_entry(words.phone(), rng.choice(_PHONE_LABELS), primary=not n) for n in range(rng.randint(1, 2))]
    if rng.random() < 0.4:
        values["org_id"] = _some_organisation(hands)
    hands.stage.person(**values)


def _same_person_twice(hands: Hands) -> None:
    """Somebody is typed on both sides, in two hands: alike in name and e-mail, different in the rest."""
    words = hands.words
    first, last, email = words.name(), words.name(), words.email()
    hands.stage.contact(
        names=[{"givenName": first, "familyName": last}],
        emailAddresses=[{"value": email, "type": "home"}],
        phoneNumbers=[_google_phone(hands)],
    )
    phones = [_entry(words.phone(), "work", primary=True)]
    hands.stage.person(first_name=first, last_name=last, emails=[_entry(email.upper(), "work", primary=True)], phones=phones)


def _contact_name(hands: Hands) -> None:
    one = hands.contact()
    name = dict((one["fields"].get("names") or [{}])[0])
    part, ours = hands.rng.choice([("givenName", "first"), ("familyName", "last")])
    before = hands.earlier(GOOGLE, one["id"], ours) if hands.rng.random() < 0.25 else ""
    text = before or ("" if part == "familyName" and hands.rng.random() < 0.2 else hands.words.name())
    kept = {key: value for key, value in name.items() if key not in {"unstructuredName", "displayName", part}}
    if before:
        kept.pop({"givenName": "middleName", "familyName": "honorificSuffix"}[part], None)
    hands.change_contact(one, names=[{**kept, part: text} if text else kept])


def _person_name(hands: Hands) -> None:
    one = hands.person()
    key, ours = hands.rng.choice([("first_name", "first"), ("last_name", "last")])
    before = hands.earlier(PIPEDRIVE, one["id"], ours) if hands.rng.random() < 0.25 else ""
    text = before or ("" if key == "last_name" and one["first_name"] and hands.rng.random() < 0.2 else hands.words.name())
    parts = {"first_name": one["first_name"] or "", "last_name": one["last_name"] or "", key: text}
    hands.change_person(one, **parts)


def _contact_company(hands: Hands) -> None:
    one = hands.contact()
    items = [dict(item) for item in one["fields"].get("organizations", [])] or [{}]
    before = hands.earlier(GOOGLE, one["id"], "organisation") if hands.rng.random() < 0.25 else ""
    items[0]["name"] = before or ("" if hands.rng.random() < 0.2 else _some_company(hands))
    if not items[0]["name"]:
        del items[0]["name"]
    hands.change_contact(one, organizations=[item for item in items if item])


def _person_company(hands: Hands) -> None:
    one = hands.person()
    hands.change_person(one, org_id=None if one["org_id"] and hands.rng.random() < 0.2 else _some_organisation(hands))


def _rename_company(hands: Hands) -> None:
    rows = [row for row in hands.stage.world.pipedrive.state()["organizations"] if not row["is_deleted"]]
    one = hands.some(PIPEDRIVE, rows)
    name = hands.words.company()
    hands.stage.pipedrive_does("rename_organization", id=one["id"], name=name)
    hands.log.renames.append((hands.log.n, str(one["name"]), name))


def _contact_address(hands: Hands) -> None:
    one = hands.contact()
    items = [dict(item) for item in one["fields"].get("addresses", [])]
    street, city = hands.words.street()
    if items and hands.rng.random() < 0.25:
        items = items[1:] if len(items) == 1 else items
    else:
        items[:1] = [{"streetAddress": street, "city": city, "type": "work"}]
    hands.change_contact(one, addresses=items)


def _person_address(hands: Hands) -> None:
    if not hands.stage.terms.contact_sync:
        raise HumanError("a field that this company does not have")
    one = hands.person()
    is_cleared = one["postal_address"] and hands.rng.random() < 0.25
    hands.change_person(one, postal_address=None if is_cleared else {"value": " ".join(hands.words.street())})


def _contact_list(hands: Hands) -> None:
    one = hands.contact()
    name = hands.rng.choice(["phoneNumbers", "phoneNumbers", "emailAddresses", "imClients"])
    items = [dict(item) for item in one["fields"].get(name, [])]
    new = {"phoneNumbers": _google_phone, "emailAddresses": _google_email, "imClients": _google_messenger}[name]
    label = {"phoneNumbers": "type", "emailAddresses": "type", "imClients": ""}[name]
    labels = _PHONE_LABELS if name == "phoneNumbers" else _EMAIL_LABELS
    ours = {"phoneNumbers": "phones", "emailAddresses": "emails", "imClients": ""}[name]
    items = _edited(hands, items, lambda: new(hands), label, labels, _mark_contact, (GOOGLE, one["id"], ours))
    hands.change_contact(one, **{name: items})


def _person_list(hands: Hands) -> None:
    one = hands.person()
    names = ["phones", "phones", "emails"] + ["im"] * hands.stage.terms.contact_sync
    name, words, rng = hands.rng.choice(names), hands.words, hands.rng
    labels = {"phones": _PHONE_LABELS, "emails": _EMAIL_LABELS, "im": _PROTOCOLS}[name]
    make = {"phones": words.phone, "emails": words.email, "im": words.handle}[name]
    items = _edited(
        hands,
        [dict(item) for item in one[name]],
        lambda: _entry(make(), rng.choice(labels)),
        "" if name == "im" else "label",
        labels,
        _mark_person,
        (PIPEDRIVE, one["id"], "" if name == "im" else name),
    )
    hands.change_person(one, **{name: items})


def _edited(
    hands: Hands,
    items: list[Raw],
    new: Callable[[], Raw],
    label: str,
    labels: Sequence[str],
    mark: Callable[[list[Raw], int], None],
    place: tuple[str, object, str],
) -> list[Raw]:
    """A list with one thing changed in it."""
    rng = hands.rng
    how = rng.choice(["add", "add", "remove", "replace", "relabel", "mark", "clear", "respell", "again"]) if items else "add"
    at = rng.randrange(len(items)) if items else 0
    match how:
        case "add":
            items.insert(rng.choice([0, len(items)]), new())
        case "remove":
            del items[at]
        case "replace":
            items[at] = {**items[at], **{key: value for key, value in new().items() if key in {"value", "username"}}}
        case "relabel" if label:
            items[at][label] = rng.choice(labels)
        case "mark":
            mark(items, at)
        case "clear" if rng.random() < 0.5:
            items = []
        case "respell" if "value" in items[at]:
            value = str(items[at]["value"])
            items[at]["value"] = value.upper() if "@" in value and value.islower() else value.lower() if "@" in value else _respelled(value)
        case "again" if place[2] and (before := hands.earlier(*place)):
            items.append({**new(), "value": before if "@" in before else f"+{before}"})
    return items


def _respelled(value: str) -> str:
    return value.replace(" ", "") if " " in value else f"{value[:3]} {value[3:6]} {value[6:9]} {value[9:]}"


def _mark_contact(items: list[Raw], at: int) -> None:
    for item in items:
        item.pop("metadata", None)
    items[at]["metadata"] = {"sourcePrimary": True}


def _mark_person(items: list[Raw], at: int) -> None:
    for n, item in enumerate(items):
        item["primary"] = n == at


def _untouched_contact(hands: Hands) -> None:
    """Something that Tandem has no business with."""
    one, words = hands.contact(), hands.words
    what = hands.rng.choice(["note", "birthday", "url", "title", "photo", "label", "prefix", "second address", "shown"])
    fields = one["fields"]
    match what:
        case "note":
            hands.change_contact(one, biographies=[{"value": words.note(), "contentType": "TEXT_PLAIN"}])
        case "birthday":
            hands.change_contact(one, birthdays=[{"date": {"year": 1980, "month": 2, "day": hands.rng.randint(1, 28)}}])
        case "url":
            hands.change_contact(one, urls=[{"value": f"https://{words.handle()}.example.com", "type": "blog"}])
        case "title" if fields.get("organizations"):
            items = [dict(item) for item in fields["organizations"]]
            items[0]["title"] = words.note()
            hands.change_contact(one, organizations=items)
        case "photo":
            hands.stage.google_does("set_photo", id=one["id"], url=f"https://photos.example.com/{words.handle()}")
        case "label":
            hands.stage.google_does("add_label", id=one["id"], group=f"Label {hands.rng.randint(1, 3)}")
        case "prefix" if fields.get("names"):
            name = {key: value for key, value in fields["names"][0].items() if key not in {"unstructuredName", "displayName"}}
            hands.change_contact(one, names=[{**name, "honorificPrefix": "Dr."}])
        case "second address" if fields.get("addresses"):
            hands.change_contact(one, addresses=[fields["addresses"][0], {"city": words.name(), "type": "home"}])
        case "shown" if fields.get("emailAddresses"):
            items = [dict(item) for item in fields["emailAddresses"]]
            items[0]["displayName"] = words.name()
            hands.change_contact(one, emailAddresses=items)


def _untouched_person(hands: Hands) -> None:
    one, words = hands.person(), hands.words
    if hands.stage.terms.contact_sync and hands.rng.random() < 0.5:
        hands.change_person(one, **hands.rng.choice([{"notes": words.note()}, {"job_title": words.note()}, {"birthday": "1980-02-03"}]))
    else:
        hands.change_person(one, visible_to=hands.rng.choice([1, 3]))


def _delete_contact(hands: Hands) -> None:
    one = hands.contact()
    hands.warm(GOOGLE, one["id"])
    hands.stage.google_does("delete", id=one["id"])


def _delete_person(hands: Hands) -> None:
    one = hands.person()
    hands.warm(PIPEDRIVE, one["id"])
    hands.stage.pipedrive_does("delete_person", id=one["id"])


def _restore_contact(hands: Hands) -> None:
    rows = [one for one in hands.stage.world.google.state()["contacts"] if one["trashed"] and hands.log.last("deleted", GOOGLE, one["id"])]
    hands.stage.google_does("restore", id=hands.some(GOOGLE, rows)["id"])


def _restore_person(hands: Hands) -> None:
    rows = [one for one in hands.stage.world.pipedrive.state()["persons"] if one["is_deleted"]]
    rows = [one for one in rows if hands.log.last("deleted", PIPEDRIVE, str(one["id"]))]
    hands.stage.pipedrive_does("restore_person", id=hands.some(PIPEDRIVE, rows)["id"])


def _leave_group(hands: Hands) -> None:
    hands.stage.google_does("remove_label", id=hands.some(GOOGLE, hands.stage.in_group())["id"], group=hands.stage.group)


def _enter_group(hands: Hands) -> None:
    inside = {one["id"] for one in hands.stage.in_group()}
    rows = [one for one in hands.stage.google() if one["id"] not in inside]
    hands.stage.google_does("add_label", id=hands.some(GOOGLE, rows)["id"], group=hands.stage.group)


def _change_owner(hands: Hands) -> None:
    one = hands.person()
    hands.stage.pipedrive_does("set_owner", id=one["id"], owner_id=3 - one["owner_id"])


def _touch(hands: Hands) -> None:
    """Something moves the version and nothing else; or the address under which a contact is known."""
    match hands.rng.randrange(3):
        case 0:
            hands.stage.google_does("touch", id=hands.contact()["id"])
        case 1:
            hands.stage.google_does("rename_resource", id=hands.contact()["id"])
        case _:
            hands.stage.pipedrive_does("touch_person", id=hands.person()["id"])


DEEDS: tuple[tuple[Callable[[Hands], None], int], ...] = (
    (_new_contact, 8),
    (_new_person, 8),
    (_same_person_twice, 3),
    (_contact_name, 7),
    (_person_name, 7),
    (_contact_company, 5),
    (_person_company, 5),
    (_rename_company, 3),
    (_contact_address, 4),
    (_person_address, 4),
    (_contact_list, 14),
    (_person_list, 14),
    (_untouched_contact, 4),
    (_untouched_person, 3),
    (_delete_contact, 4),
    (_delete_person, 4),
    (_restore_contact, 3),
    (_restore_person, 3),
    (_leave_group, 2),
    (_enter_group, 4),
    (_change_owner, 3),
    (_touch, 4),
)


def _entry(value: str, label: str, *, primary: bool = False) -> Raw:
    return {"value": value, "label": label, "primary": primary}


def _google_phone(hands: Hands) -> Raw:
    return {"value": hands.words.phone(), "type": hands.rng.choice(_PHONE_LABELS)}


def _google_email(hands: Hands) -> Raw:
    return {"value": hands.words.email(), "type": hands.rng.choice(_EMAIL_LABELS)}


def _google_messenger(hands: Hands) -> Raw:
    return {"username": hands.words.handle(), "protocol": hands.rng.choice(_PROTOCOLS)}


def _some_company(hands: Hands) -> str:
    """A name for an employer: a new one, or one that is known in Pipedrive."""
    names = sorted({str(row["name"]) for row in hands.stage.world.pipedrive.state()["organizations"] if not row["is_deleted"]})
    return hands.rng.choice(names) if names and hands.rng.random() < 0.5 else hands.words.company()


def _some_organisation(hands: Hands) -> int:
    rows = [row for row in hands.stage.world.pipedrive.state()["organizations"] if not row["is_deleted"]]
    if rows and hands.rng.random() < 0.5:
        return int(hands.rng.choice(rows)["id"])
    return int(str(hands.stage.pipedrive_does("create_organization", name=hands.words.company())["id"]))


#: By name.
BY_NAME = {deed.__name__.strip("_"): (deed, weight) for deed, weight in DEEDS}
