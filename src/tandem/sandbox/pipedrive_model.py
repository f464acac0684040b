"""What the imitated company holds: records with their recent versions, fields, and the marks that edits leave.

Rules: plain values only, so that a whole world can be pickled; a `Record` is never changed in place, a change is a new version.
Theory: reads may lag. Every table keeps the versions of the last hour, and a read "as of" a moment takes, record by record, the
newest version that existed then; so a record just created is missing and one just changed shows its old update time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from tandem.sandbox.wire import JsonObject

Object: TypeAlias = JsonObject
Kind: TypeAlias = Literal["person", "organization"]
Source: TypeAlias = Literal["app", "api"]

#: Versions older than this are forgotten, unless they are the newest: the longest read lag that can be imitated.
REMEMBERED_S = 3600.0
#: A deleted record can be had for this long, then it is gone for good.
PURGE_AFTER = timedelta(days=30)

ADDRESS_PARTS = (
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
)
#: These person keys exist only once somebody in the company has set up the vendor's own contact sync.
CONTACT_SYNC_KEYS = ("im", "postal_address", "notes", "birthday", "job_title")

PERSON_COUNTS = (
    "next_activity_id", "last_activity_id", "open_deals_count", "related_open_deals_count", "closed_deals_count",
    "related_closed_deals_count", "participant_open_deals_count", "participant_closed_deals_count", "email_messages_count",
    "activities_count", "done_activities_count", "undone_activities_count", "files_count", "notes_count", "followers_count",
    "won_deals_count", "related_won_deals_count", "lost_deals_count", "related_lost_deals_count", "last_incoming_mail_time",
    "last_outgoing_mail_time", "marketing_status", "doi_status", "smart_bcc_email",
)  # fmt: skip
ORGANIZATION_COUNTS = (
    "next_activity_id", "last_activity_id", "open_deals_count", "related_open_deals_count", "closed_deals_count",
    "related_closed_deals_count", "email_messages_count", "people_count", "activities_count", "done_activities_count",
    "undone_activities_count", "files_count", "notes_count", "followers_count", "won_deals_count", "related_won_deals_count",
    "lost_deals_count", "related_lost_deals_count", "smart_bcc_email",
)  # fmt: skip
COUNTS: dict[Kind, tuple[str, ...]] = {"person": PERSON_COUNTS, "organization": ORGANIZATION_COUNTS}


def instant(moment: datetime) -> str:
    """The API's v2 form: whole seconds, UTC, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def old_instant(text: str) -> str:
    """The v1 form of a v2 time."""
    return text.replace("T", " ").rstrip("Z")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, and through which door."""

    user_id: int
    source: Source
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a person or organisation. `values` holds what only its kind has, in the shape of API v2."""

    id: int
    owner_id: int
    visible_to: int
    add_time: str
    update_time: str
    values: Object
    label_ids: tuple[int, ...] = ()
    custom: Object = field(default_factory=dict)
    counts: Object = field(default_factory=dict)
    is_deleted: bool = False
    merged_into: int | None = None

    @property
    def name(self) -> str:
        """What both kinds are called by."""
        return str(self.values.get("name") or "")


@dataclass(slots=True)
class Option:
    """One choice of a field; ids are numbers for custom fields and labels."""

    id: int
    label: str
    color: str | None = None


@dataclass(slots=True)
class Field:
    """One field of a kind of record; `code` is 40 hexadecimal digits for those that people made."""

    code: str
    name: str
    type: str
    is_custom: bool = False
    options: list[Option] | None = None
    is_optional: bool = False
    is_writable: bool = True
    ui_visibility: Object = field(default_factory=lambda: {"add_visible_flag": False, "details_visible_flag": True})
    important: Object = field(default_factory=lambda: {"enabled": False, "stage_ids": []})
    required: Object = field(default_factory=lambda: {"enabled": False})


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a record's change log."""

    number: int
    key: str
    old: str | None
    new: str | None
    time: str
    actor: Actor


@dataclass(slots=True)
class Table:
    """All records of one kind, with their fields and change log."""

    kind: Kind
    rows: dict[int, list[tuple[float, Record]]] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    changes: dict[int, list[Change]] = field(default_factory=dict)
    next_id: int = 1
    next_change: int = 1
    #: Earliest delete time, so that most calls need not look for records to purge.
    oldest_delete: str | None = None

    def take_id(self) -> int:
        """A fresh id; ids are never reused."""
        self.next_id += 1
        return self.next_id - 1

    def put(self, record: Record, at: float) -> None:
        """Make `record` the newest version; forget versions that no lag can ask for."""
        versions = self.rows.get(record.id)
        if versions is None:
            self.rows[record.id] = [(at, record)]
            self.ids.append(record.id)
        else:
            versions.append((at, record))
            keep = max(bisect_right(versions, at - REMEMBERED_S, key=_at) - 1, 0)
            del versions[:keep]
        if record.is_deleted and (self.oldest_delete is None or record.update_time < self.oldest_delete):
            self.oldest_delete = record.update_time

    def now(self, id_: int) -> Record | None:
        """The newest version, deleted or not."""
        versions = self.rows.get(id_)
        return versions[-1][1] if versions else None

    def as_of(self, id_: int, at: float) -> Record | None:
        """The version that existed at a moment (seconds since 1970); None where the record did not exist yet."""
        versions = self.rows.get(id_)
        if not versions:
            return None
        if versions[-1][0] <= at:
            return versions[-1][1]
        return next((record for since, record in reversed(versions) if since <= at), None)

    def seen_at(self, at: float, after: int = 0, before: int | None = None) -> Iterator[Record]:
        """All records as of a moment, by id ascending, ids above `after` only (or, going down, below `before`)."""
        if before is None:
            chosen: Iterator[int] = iter(self.ids[bisect_right(self.ids, after) :])
        else:
            chosen = reversed(self.ids[: bisect_right(self.ids, before - 1)])
        for id_ in chosen:
            record = self.as_of(id_, at)
            if record is not None:
                yield record

    def custom_fields(self) -> list[Field]:
        """Fields that people made, in the order of making."""
        return [one for one in self.fields.values() if one.is_custom]

    def purge(self, now: datetime) -> None:
        """Drop what has been deleted for 30 days."""
        limit = instant(now - PURGE_AFTER)
        if self.oldest_delete is None or self.oldest_delete > limit:
            return
        gone = [id_ for id_, versions in self.rows.items() if versions[-1][1].is_deleted and versions[-1][1].update_time <= limit]
        for id_ in gone:
            del self.rows[id_]
            self.changes.pop(id_, None)
        self.ids = list(self.rows)
        left = [versions[-1][1].update_time for versions in self.rows.values() if versions[-1][1].is_deleted]
        self.oldest_delete = min(left, default=None)


def _at(version: tuple[float, Record]) -> float:
    return version[0]
