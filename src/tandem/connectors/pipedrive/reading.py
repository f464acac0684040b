"""What a link sees of Pipedrive: full listings, changes since a cursor, direct reads, and a second look.

Rules: organisations come before the persons that point at them; lists show no deleted records, so a deletion is known only by reading a
record directly; a record that is there but cannot be understood or may not be read is unreadable, never gone.
Sources: Pipedrive's reference of August 2026 (`updated_since` includes its second, `ids` leaves out what is deleted or invisible) and
reports of its users (a deleted person is still shown by id, marked as deleted, for thirty days).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from tandem.connectors.http import JsonObject, as_object, parse, text_at
from tandem.connectors.pipedrive import codec
from tandem.connectors.pipedrive.api import IDS_A_CALL, LIST_TOKENS, Api, Kind
from tandem.connectors.pipedrive.layout import Layout, is_shown
from tandem.connectors.pipedrive.organisations import Organisations
from tandem.connectors.pipedrive.position import Position, later, parse_position, render, since, template_of
from tandem.connectors.pipedrive.scope import Scope
from tandem.core.contact import Contact
from tandem.core.state import Cursor, RecordId
from tandem.errors import Malformed, NotThere, Rejected, TandemError
from tandem.replica import Absent, Handle, Listing, Observation, Page, Sighting, Tombstone, Unreadable

T = TypeVar("T")


class RunAll(Protocol):
    """Carries out several tasks, perhaps at once, and gives their results in the order of the tasks. A task does not raise."""

    def __call__(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Run them all."""
        ...


def one_by_one(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run the tasks in their order, in this thread."""
    return [task() for task in tasks]


def always() -> float:
    """At every look."""
    return 0.0


class Reader:
    """The reading half of the replica."""

    def __init__(
        self,
        api: Api,
        layout: Layout,
        scope: Scope,
        organisations: Organisations,
        *,
        read_lag_s: float,
        organisations_every: Callable[[], float],
    ) -> None:
        self._api = api
        self._layout = layout
        self._scope = scope
        self._organisations = organisations
        self._read_lag_s = read_lag_s
        #: Seconds between two looks at them; asked when they are looked at.
        self._organisations_every = organisations_every
        self._template = template_of({**scope.told(), "layout": layout.render()})
        #: The newest update time before the last full listing began: what moved since is no dispute.
        self._newest_before = ""
        #: Fields that exist, as far as that had to be asked.
        self._existing: frozenset[str] = frozenset()

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """As the port says. Each drain ends with an empty page that bears the cursor."""
        self._existing = frozenset()
        if cursor is None:
            return self._everything()
        return self._moved(parse_position(cursor, self._template))

    def _everything(self) -> Iterator[Page]:
        listed_at = self._api.clock.now()
        newest, newest_organisation = (later(self._api.newest(kind), "") for kind in (Kind.PERSON, Kind.ORGANISATION))
        self._newest_before = newest
        for raws in self._api.pages(Kind.ORGANISATION):
            yield Page(Listing.FULL, references=self._organisations.learn(raws))
        members = self._scope.members(self._api)
        for raws in self._api.pages(Kind.PERSON, (("sort_by", "id"),)):
            yield self._page(Listing.FULL, raws, members)
        position = Position(self._template, newest, newest_organisation, listed_at, listed_at)
        yield Page(Listing.FULL, cursor=render(position))

    def _moved(self, position: Position) -> Iterator[Page]:
        newest, newest_organisation, asked_at = position.persons, position.organisations, position.organisations_at
        now = self._api.clock.now()
        if (now - asked_at).total_seconds() >= self._organisations_every():
            for raws in self._api.pages(Kind.ORGANISATION, since(newest_organisation, self._read_lag_s)):
                references = self._organisations.learn(raws)
                newest_organisation = max([newest_organisation, *(reference.version for reference in references)])
                yield Page(Listing.CHANGES, references=references)
            asked_at = now
        members: frozenset[str] | None = None
        for raws in self._api.pages(Kind.PERSON, since(position.persons, self._read_lag_s)):
            if raws and members is None:
                members = self._scope.members(self._api)
            page = self._page(Listing.CHANGES, raws, members or frozenset())
            versions = (sighting.version for sighting in page.sightings if isinstance(sighting, Observation))
            newest = max([newest, *versions])
            yield page
        yield Page(Listing.CHANGES, cursor=render(Position(self._template, newest, newest_organisation, asked_at, position.listed_at)))

    def _page(self, listing: Listing, raws: Sequence[bytes], members: frozenset[str]) -> Page:
        persons = [as_object(parse(raw), "a person") for raw in raws]
        references = self._organisations.fill(persons)
        sightings = tuple(self.sighting(raw, person, members) for raw, person in zip(raws, persons, strict=True))
        return Page(listing, sightings, references)

    def sighting(self, raw: bytes, person: JsonObject, members: frozenset[str], *, in_scope: bool | None = None) -> Sighting:
        """A person as it was given. `in_scope`: what is already known of a filter's member. Malformed without an id."""
        handle = handle_of(person)
        if codec.is_deleted(person):
            return Tombstone(handle)
        try:
            contact = self.contact(person)
            version = codec.version_of(person)
        except Malformed:
            return Unreadable(handle, "Pipedrive gave this person in a form that cannot be understood.")
        if self._has_vanished(person):
            return Unreadable(handle, "A Pipedrive field that holds messengers or addresses has been removed.", is_layout=True)
        inside = self._scope.holds(person, members, believed=in_scope)
        marker = codec.marker_of(person, self._layout)
        return Observation(handle, version, contact, raw, inside, marker, codec.organisation_of(person))

    def _has_vanished(self, person: JsonObject) -> bool:
        """Whether a field of the layout does not exist any more: nothing may then be taken for empty.

        A person normally shows all fields, empty ones as null. Where one is missing, the list of fields decides, once a drain.
        """
        missing = {code for code in (self._layout.messengers, self._layout.address) if code and not is_shown(person, code)}
        if missing - self._existing:
            self._existing = frozenset(text_at(field, "field_code") for field in self._api.person_fields())
        return bool(missing - self._existing)

    def contact(self, person: JsonObject) -> Contact:
        """The common view with the organisation's present name."""
        return codec.get(person, self._layout, self._organisations.name_of(person))

    def fetch(self, handles: Sequence[Handle], run_all: RunAll) -> list[Sighting]:
        """As the port says: from ten records on by one list, those that it leaves out singly."""
        if not handles:
            return []
        members = self._scope.members(self._api)
        found: dict[str, Sighting] = {}
        if len(handles) >= LIST_TOKENS:
            for start in range(0, len(handles), IDS_A_CALL):
                ids = [handle.locator for handle in handles[start : start + IDS_A_CALL]]
                page = self._page(Listing.CHANGES, self._api.by_ids(Kind.PERSON, ids), members)
                found |= {sighting.handle.locator: sighting for sighting in page.sightings}
        rest = [handle for handle in handles if handle.locator not in found]
        singly = run_all([partial(self._attempt, handle, members) for handle in rest])
        for handle, result in zip(rest, singly, strict=True):
            if isinstance(result, TandemError):
                raise result
            found[handle.locator] = result
        return [found[handle.locator] for handle in handles]

    def _attempt(self, handle: Handle, members: frozenset[str]) -> Sighting | TandemError:
        """One direct read; an error that concerns more than this record is a result as well, since a task does not raise."""
        try:
            return self.look(handle, members)
        except TandemError as error:
            return error

    def look(self, handle: Handle, members: frozenset[str], *, in_scope: bool | None = None) -> Sighting:
        """One direct read."""
        try:
            raw = self._api.one(Kind.PERSON, handle.locator)
            person = as_object(parse(raw), "a person")
            if not codec.is_deleted(person):
                self._organisations.fill([person])
            return self.sighting(raw, person, members, in_scope=in_scope)
        except NotThere:
            return Absent(handle)
        except Malformed:
            return Unreadable(handle, "Pipedrive gave this person in a form that cannot be understood.")
        except Rejected:
            return Unreadable(handle, "Pipedrive does not let the connected user read this person.")

    def disputed(self, listed: frozenset[RecordId], run_all: RunAll) -> frozenset[RecordId]:
        """Walk the ids again, the other way round; what moved since the first walk began is no dispute."""
        members = self._scope.members(self._api)
        walked: dict[RecordId, str] = {}
        for raws in self._api.pages(Kind.PERSON, (("sort_by", "id"), ("sort_direction", "desc"))):
            for person in (as_object(parse(raw), "a person") for raw in raws):
                if self._scope.holds(person, members):
                    walked[RecordId(codec.id_of(person))] = codec.version_of(person)
        only_now = {id_ for id_, version in walked.items() if id_ not in listed and not self._is_newer(version)}
        lost = [Handle(id_, id_) for id_ in sorted(listed - walked.keys())]
        return frozenset(only_now | {sighting.handle.id for sighting in self.fetch(lost, run_all) if not self._has_moved(sighting)})

    def _has_moved(self, sighting: Sighting) -> bool:
        match sighting:
            case Tombstone():
                return True
            case Observation():
                return not sighting.in_scope or self._is_newer(sighting.version)
            case _:
                return False

    def _is_newer(self, version: str) -> bool:
        """Whether a state is later than the last full listing's beginning."""
        return bool(self._newest_before) and later(version, self._newest_before) != self._newest_before


def handle_of(person: JsonObject) -> Handle:
    """The handle of a person: its id, which is also where it is addressed."""
    id_ = codec.id_of(person)
    return Handle(RecordId(id_), id_)
