"""The imitated company: its users and everything they have, and the one way in which a record changes.

Rules: `save` is the only writer of records; it moves update_time, writes the change log and tells the webhooks. Who may see what is
decided here. Nothing here knows of requests.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from tandem.sandbox.clock import Clock
from tandem.sandbox.pipedrive_model import CONTACT_SYNC_KEYS, Actor, Change, Field, Kind, Object, Option, Record, Table, instant
from tandem.sandbox.pipedrive_oauth import Grants
from tandem.sandbox.pipedrive_quota import Quota
from tandem.sandbox.pipedrive_switches import defaults
from tandem.sandbox.pipedrive_webhooks import Event, Outbox
from tandem.sandbox.service import Switch
from tandem.sandbox.wire import Json

COMPANY_ID = 1
COMPANY_NAME = "Sandbox Company"
COMPANY_DOMAIN = "sandbox-company"
API_TOKEN = "sandbox-pipedrive-token"  # noqa: S105 - published on purpose, it opens nothing but the sandbox
COLLEAGUE_TOKEN = "sandbox-colleague-token"  # noqa: S105

_LABELS = ("Customer", "Hot lead", "Warm lead", "Cold lead")
_COLORS = ("green", "red", "yellow", "blue")


@dataclass(slots=True)
class User:
    """One user of the company."""

    id: int
    name: str
    email: str
    is_admin: bool
    api_token: str
    locale: str = "pl_PL"
    timezone_name: str = "Europe/Warsaw"


@dataclass(slots=True)
class Filter:
    """A simple filter that a person has made: conditions (field code, operator, value) that must all hold."""

    id: int
    name: str
    type: str
    user_id: int
    add_time: str
    conditions: list[tuple[str, str, Json]]


@dataclass(frozen=True, slots=True)
class HumanEdit:
    """One edit made in the vendor's own app; `before` and `after` are records in the shape of API v2."""

    at: str
    op: str
    id: int | None
    before: Json
    after: Json


@dataclass(slots=True)
class Company:
    """Everything that one company has."""

    clock: Clock
    rng: random.Random
    switches: dict[str, Switch] = field(default_factory=defaults)
    users: dict[int, User] = field(default_factory=dict)
    persons: Table = field(default_factory=lambda: Table("person"))
    organizations: Table = field(default_factory=lambda: Table("organization"))
    filters: dict[int, Filter] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)
    grants: Grants = field(default_factory=Grants)
    quota: Quota = field(default_factory=Quota)
    human_log: list[HumanEdit] = field(default_factory=list)
    next_option: int = 5

    def table(self, kind: Kind) -> Table:
        """The records of one kind."""
        return self.persons if kind == "person" else self.organizations

    def now(self) -> float:
        """Seconds since 1970."""
        return self.clock.now().timestamp()

    def instant(self) -> str:
        """The time as records carry it."""
        return instant(self.clock.now())

    def sees(self, user_id: int, record: Record) -> bool:
        """Whether the user may see the record: the owner always, others by `visible_to`."""
        if record.owner_id == user_id or record.visible_to != 1:
            return True
        user = self.users.get(user_id)
        return bool(self.switches["admin_sees_all"] and user is not None and user.is_admin)

    def watchers(self, record: Record) -> tuple[int, ...]:
        """The users who may see the record."""
        return tuple(id_ for id_ in self.users if self.sees(id_, record))

    def may(self, user_id: int, right: str) -> bool:
        """Whether the user has the right `add_persons`, `add_organizations` or `add_fields`."""
        return bool(self.switches.get(f"user.{user_id}.{right}", True))

    def lists_as_of(self) -> float:
        """The moment that lists show."""
        return self.now() - float(self.switches["read_lag_s"])

    def gets_as_of(self) -> float:
        """The moment that single reads show."""
        return self.now() - float(self.switches["get_lag_s"])

    def hidden_keys(self) -> tuple[str, ...]:
        """Person keys that this company does not have."""
        return () if self.switches["contact_sync_enabled"] else CONTACT_SYNC_KEYS

    def save(self, kind: Kind, record: Record, actor: Actor, extra: Object | None = None, *, quiet: bool = False) -> Record:
        """Store a new version under the present time. `quiet`: no webhook. Returns it as stored; same content writes no change log."""
        table = self.table(kind)
        old = table.now(record.id)
        record = replace(record, update_time=self.instant())
        table.put(record, self.now())
        self._log_changes(table, old, record, actor)
        if not quiet:
            self._publish(kind, old, record, actor, extra or {})
        return record

    def _log_changes(self, table: Table, old: Record | None, new: Record, actor: Actor) -> None:
        if old is None:
            return
        before, after = _texts(old), _texts(new)
        lines = table.changes.setdefault(new.id, [])
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                lines.append(Change(table.next_change, key, before.get(key), after.get(key), new.update_time, actor))
                table.next_change += 1

    def _publish(self, kind: Kind, old: Record | None, new: Record, actor: Actor, extra: Object) -> None:
        if not self.outbox.webhooks:
            return
        action, previous = "create", None
        data: Object | None = self.told(kind, new)
        if old is not None:
            before = self.told(kind, old)
            changed = {key: value for key, value in before.items() if data is not None and data.get(key) != value and key != "update_time"}
            action, previous = "change", changed
            if new.is_deleted and not old.is_deleted:
                action, data, previous = "delete", None, before
        event = Event(kind, action, new.id, data, previous, actor.user_id, actor.source, self.watchers(new), self.now(), extra)
        self.outbox.publish(event, COMPANY_ID, self.switches, self.rng)

    def told(self, kind: Kind, record: Record) -> Object:
        """A record as webhooks tell it: visible_to is a text, labels come as `label`, custom fields are typed."""
        table = self.table(kind)
        hidden = () if self.switches["webhook_contact_sync_keys"] and not self.hidden_keys() else CONTACT_SYNC_KEYS
        values = {key: value for key, value in record.values.items() if key not in hidden}
        custom = {code: _typed(table.fields[code], value) for code, value in record.custom.items() if code in table.fields}
        return {
            **values,
            "id": record.id,
            "owner_id": record.owner_id,
            "add_time": record.add_time,
            "update_time": record.update_time,
            "visible_to": str(record.visible_to),
            "label": record.label_ids[0] if record.label_ids else None,
            "label_ids": list(record.label_ids),
            "custom_fields": {code: value for code, value in custom.items() if value is not None},
        }


def found(clock: Clock, rng: random.Random) -> Company:
    """The company as it starts: two users, no records, the built-in fields."""
    company = Company(clock, rng)
    company.users = {
        1: User(1, "You", "you@sandbox-company.test", is_admin=True, api_token=API_TOKEN),
        2: User(2, "Colleague", "colleague@sandbox-company.test", is_admin=False, api_token=COLLEAGUE_TOKEN),
    }
    return company


def label_options() -> list[Option]:
    """The labels that a new company has."""
    return [Option(place + 1, label, color) for place, (label, color) in enumerate(zip(_LABELS, _COLORS, strict=True))]


#: v2 key -> the key that the change log uses.
_LOG_KEYS = {"emails": "email", "phones": "phone"}


def _texts(record: Record) -> dict[str, str | None]:
    """A record flattened to the texts that the change log compares."""
    flat: dict[str, Json] = {_LOG_KEYS.get(key, key): value for key, value in record.values.items()}
    flat |= {"owner_id": record.owner_id, "visible_to": record.visible_to, "label": list(record.label_ids)}
    flat |= record.custom | {"active_flag": not record.is_deleted}
    return {key: text for key, value in flat.items() if (text := _text(value)) is not None}


def _text(value: Json) -> str | None:
    match value:
        case None | []:
            return None
        case bool():
            return "1" if value else "0"
        case list():
            return ", ".join(text for one in value if (text := _text(one)))
        case dict():
            return _text(value.get("value"))
        case _:
            return str(value)


def _typed(known: Field, value: Json) -> Json:
    if value is None:
        return None
    match known.type:
        case "enum":
            return {"type": "enum", "id": value}
        case "set":
            return {"type": "set", "values": [{"id": one} for one in value] if isinstance(value, list) else []}
        case "address" if isinstance(value, dict):
            return {"type": "address", **value, "formatted_address": value.get("value")}
        case "daterange" if isinstance(value, dict):
            return {"type": "daterange", "from": value.get("value"), "until": value.get("until")}
        case "org" | "people" | "user":
            return {"type": known.type, "id": value}
        case _ if isinstance(value, dict):
            return {"type": known.type, **value}
        case _:
            return {"type": known.type, "value": value}
