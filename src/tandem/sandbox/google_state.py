"""What the imitated Google has stored, raw: for comparing, for showing, and for the log of what people did."""

from __future__ import annotations

from tandem.sandbox.google_model import Book, ContactState, GroupState, Life, Record, timestamp
from tandem.sandbox.google_person import bare
from tandem.sandbox.wire import Json, JsonObject


def raw_contact(record: Record[ContactState]) -> JsonObject:
    """A contact as it is stored, without derived parts."""
    state = record.state
    raw: JsonObject = {
        "id": record.record_id,
        "resourceName": state.name,
        "life": state.life.value,
        "trashed": state.life is Life.TRASHED,
        "etag": state.etag,
        "updateTime": timestamp(state.updated_at),
        "fields": {name: list[Json](items) for name, items in sorted(bare(state.items).items())},
        "groups": list[Json](state.groups),
        "photo": state.photo_url,
        "formerNames": list[Json](state.former_names),
    }
    return raw


def raw_group(state: GroupState) -> JsonObject:
    """A user's label as it is stored."""
    return {"id": state.group_id, "name": state.name, "etag": state.etag, "life": state.life.value}


def raw_book(book: Book) -> JsonObject:
    """One account's contacts (deleted ones included), labels, and counters."""
    contacts: list[Json] = [raw_contact(record) for _, record in sorted(book.contacts.items())]
    groups: list[Json] = [raw_group(record.state) for _, record in sorted(book.groups.items())]
    lives = [record.state.life for record in book.contacts.values()]
    counters: JsonObject = {"seq": book.seq, **{life.value: lives.count(life) for life in Life}}
    return {"contacts": contacts, "groups": groups, "counters": counters}
