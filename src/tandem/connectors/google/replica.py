"""Google Contacts behind the port: one account, narrowed to one group.

The record's id is that of its CONTACT source, which stays when the resource name (the locator) changes; its version is that
source's etag, which is the same whatever was asked for. Read `replica.py` of the package first; this file only joins the parts:
`listing.py` and `reading.py` observe, `creating.py` and `updating.py` write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from tandem.connectors.google import api, codec, creating, listing, reading
from tandem.connectors.google.outcomes import failed, patiently
from tandem.connectors.google.updating import Planned, UpdateWave, whole
from tandem.connectors.http import Door
from tandem.connectors.wire import as_object, objects_at, parse, text_at
from tandem.core.contact import Contact, Delta, FieldName
from tandem.core.state import Cursor, RecordId
from tandem.errors import NotThere, OutcomeUnknown, TandemError, Unavailable
from tandem.replica import (
    Capabilities,
    Creation,
    Deletion,
    Handle,
    Identity,
    Moved,
    Observation,
    Outcome,
    Page,
    Preparation,
    Reference,
    Removed,
    Sighting,
    Untouched,
    Update,
)


class GoogleReplica:
    """The contacts of one account; the group (its resource name) is the scope. `read_lag_s`: how old a read may be."""

    def __init__(self, door: Door, *, group: str, read_lag_s: float) -> None:
        self._door = door
        self._group = group
        self.capabilities = Capabilities(
            has_compare_and_set=True,
            streams_tombstones=True,
            has_references=False,
            wave_creations=api.MAX_BATCH,
            wave_updates=api.MAX_BATCH,
            read_lag_s=read_lag_s,
            full_listing_every_s=listing.FULL_LISTING_EVERY.total_seconds(),
            can_adopt=True,
        )

    def identity(self) -> Identity:
        """The account's id, and its address where the consent covers that."""
        me = as_object(self._door.send(api.get_myself()).json())
        name = text_at(me, "resourceName")
        addresses = [text_at(item, "value") for item in objects_at(me, "emailAddresses")]
        return Identity(name, next((address for address in addresses if address), name))

    def survey(self) -> Preparation:
        """Nothing has to be made: every synced field is Google's own."""
        return Preparation()

    def enable(self) -> Preparation:
        """The same as `survey`."""
        return self.survey()

    def changes(self, cursor: Cursor | None, *, is_brief: bool = False) -> Iterator[Page]:
        """All contacts of the account, those outside the group too, or what moved. CursorExpired at any page; GroupGone."""
        yield from listing.pages(self._door, self._group, cursor, is_brief=is_brief)

    def fetch(self, handles: Sequence[Handle]) -> list[Sighting]:
        """Direct reads, 200 a call at most."""
        return reading.fetch(self._door, self._group, handles)

    def fetch_references(self, ids: Sequence[str]) -> list[Reference]:
        """There are none."""
        del ids
        return []

    def disputed(self, listed: frozenset[RecordId]) -> frozenset[RecordId]:
        """The group's own list of members against the listing."""
        return reading.disputed(self._door, self._group, listed)

    def decode(self, raw: bytes) -> Contact:
        """The common view of a raw record."""
        return codec.get(as_object(parse(raw)))

    def refusals(self, delta: Delta) -> Mapping[FieldName, str]:
        """Too long, too many."""
        return codec.refusals(delta)

    def has_attachments(self, handle: Handle) -> bool:
        """Nothing hangs on a contact that would go with it: what else it holds comes back from the bin with it."""
        del handle
        return False

    def is_anothers(self, raw: bytes) -> bool:
        """Every contact of an account is its owner's."""
        del raw
        return False

    def create(self, creations: Sequence[Creation]) -> list[Outcome]:
        """Make contacts inside the group."""
        return creating.create(self._door, self._group, creations)

    def update(self, updates: Sequence[Update]) -> list[Outcome]:
        """Change contacts under their etags."""
        return UpdateWave(self._door, self._group, self.fetch).run(updates)

    def delete(self, deletion: Deletion) -> Outcome:
        """Delete one contact, after a write that changes nothing but is refused if the contact has moved.

        Deleting takes no etag; that write does.
        """
        found = whole(deletion.planned_on, self.fetch)
        if not isinstance(found, Observation):
            return found
        raw, locator = as_object(parse(found.raw)), found.handle.locator
        touch = Planned(found.handle, raw, codec.Patch({"clientData": codec.contact_items(raw, "clientData")}))
        try:
            self._door.send(api.update_person(locator, touch.body(touch.patch.mask), touch.patch.mask))
            return self._remove(locator)
        except NotThere:
            return Removed()
        except OutcomeUnknown as error:  # of the touch: nothing was deleted
            return Untouched(Unavailable(str(error), service="google", status=error.status))
        except TandemError as error:
            return self._moved(found.handle) if isinstance(outcome := failed(error), Moved) else outcome

    def _remove(self, locator: str) -> Outcome:
        try:
            self._door.send(api.delete_person(locator))
        except NotThere:
            return Removed()
        except TandemError as error:
            return failed(error)
        return Removed()

    def _moved(self, handle: Handle) -> Outcome:
        try:
            return Moved(self.fetch([handle])[0])
        except TandemError:
            return Moved()

    def adopt(self, handles: Sequence[Handle]) -> None:
        """Put existing contacts into the group. Contacts that are gone by now are passed over."""
        names = iter([handle.locator for handle in handles])
        while part := list(islice(names, api.MAX_MEMBERS_A_CALL)):
            patiently(self._door, partial(self._door.send, api.add_members(self._group, part)))

    def release(self, handles: Sequence[Handle]) -> None:
        """Take contacts out of the group. They stay among all contacts; those that are gone by now are passed over."""
        names = iter([handle.locator for handle in handles])
        while part := list(islice(names, api.MAX_MEMBERS_A_CALL)):
            patiently(self._door, partial(self._door.send, api.remove_members(self._group, part)))

    def create_references(self, names: Sequence[str]) -> list[Reference | TandemError]:
        """Google's contacts bear the organisation's name themselves: there is nothing to make."""
        raise NotImplementedError("contacts of Google point at nothing")
