"""Pipedrive behind the port: the persons of one company as one user sees them. See `tandem.replica` for what each call promises.

A record's id is the person's id, and where it is addressed as well; its version is its update time, whole seconds; a reference is an
organisation. There is no compare-and-set, and no stream of deletions: a full listing every day is what finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from tandem.connectors.http import Door, JsonObject, as_number, as_object, parse
from tandem.connectors.pipedrive import fields, limits
from tandem.connectors.pipedrive.api import Api, Kind
from tandem.connectors.pipedrive.layout import parse_layout
from tandem.connectors.pipedrive.organisations import Organisations, reference_of
from tandem.connectors.pipedrive.reading import Reader, RunAll, always, one_by_one
from tandem.connectors.pipedrive.reasons import SERVICE
from tandem.connectors.pipedrive.scope import parse_scope
from tandem.connectors.pipedrive.writing import Births, Writer
from tandem.core.contact import Contact, Delta, FieldName
from tandem.core.state import Cursor, RecordId
from tandem.errors import Malformed, OutcomeUnknown, Rejected, TandemError
from tandem.replica import (
    Capabilities,
    Creation,
    Deletion,
    Handle,
    Identity,
    Outcome,
    Page,
    Preparation,
    Reference,
    References,
    Sighting,
    Update,
)

#: What hangs on a person that a deletion would take along.
ATTACHMENTS = ("open_deals_count", "closed_deals_count", "undone_activities_count")
FULL_LISTING_EVERY_S = 86_400.0
#: Records a wave. A few calls are under way at a time; the wave is what one commit writes down and a crash leaves unknown.
WAVE = 32


class PipedriveReplica:
    """The Pipedrive side of one link.

    `references` is the link's index of organisations, shared with who keeps it; `layout` the text that `survey` and `enable` give;
    `scope` is `mine`, `visible` or `filter:ID`; `owner_id` the linking user, who owns what is created; `visible_to` None leaves the
    visibility of what is created to the user's default. Organisations are asked about at every look, or at most so often.
    """

    def __init__(
        self,
        door: Door,
        *,
        references: References,
        layout: str,
        owner_id: int,
        scope: str = "mine",
        visible_to: int | None = None,
        read_lag_s: float = 120.0,
        organisations_every: Callable[[], float] = always,
        wave: int = WAVE,
        run_all: RunAll = one_by_one,
    ) -> None:
        self.capabilities = Capabilities(
            has_compare_and_set=False,
            streams_tombstones=False,
            has_references=True,
            wave_creations=wave,
            wave_updates=wave,
            read_lag_s=read_lag_s,
            full_listing_every_s=FULL_LISTING_EVERY_S,
        )
        self.api = Api(door)
        self._layout = parse_layout(layout)
        self._births = Births(owner_id, visible_to)
        self._run_all = run_all
        self._organisations = Organisations(self.api, references)
        self._reader = Reader(
            self.api,
            self._layout,
            parse_scope(scope, owner_id),
            self._organisations,
            read_lag_s=read_lag_s,
            organisations_every=organisations_every,
        )
        self._writer = Writer(self.api, self._layout, self._organisations, self._reader, self._births)

    def identity(self) -> Identity:
        """Company and user; one token opens exactly one of each."""
        user = self.api.current_user()
        return Identity(f"{user.company_id}:{user.id}", f"{user.company_name}, {user.name}")

    def survey(self) -> Preparation:
        """See the port; one list of fields, 10 tokens."""
        return fields.survey(self.api, self._layout)

    def enable(self) -> Preparation:
        """See the port. Fields that may not be made are lacking; nothing else of the link suffers."""
        return fields.enable(self.api, self._layout)

    def changes(self, cursor: Cursor | None, *, is_brief: bool = False) -> Iterator[Page]:
        """See the port; organisations first."""
        del is_brief
        return self._reader.changes(cursor)

    def fetch(self, handles: Sequence[Handle]) -> list[Sighting]:
        """See the port."""
        return self._reader.fetch(handles, self._run_all)

    def fetch_references(self, ids: Sequence[str]) -> list[Reference]:
        """Organisations as they are now, deleted ones too."""
        return list(self._organisations.look_up(ids))

    def disputed(self, listed: frozenset[RecordId]) -> frozenset[RecordId]:
        """See the port."""
        return self._reader.disputed(listed, self._run_all)

    def decode(self, raw: bytes) -> Contact:
        """See the port."""
        return self._reader.contact(as_object(parse(raw), "a person"))

    def refusals(self, delta: Delta) -> Mapping[FieldName, str]:
        """See the port."""
        return limits.refusals(delta, self._layout)

    def has_attachments(self, handle: Handle) -> bool:
        """Whether deals, open or closed, or undone activities hang on the person. A count that is not told counts as yes."""
        try:
            person = as_object(parse(self.api.one(Kind.PERSON, handle.locator, ATTACHMENTS)))
        except (Rejected, Malformed):
            return True
        return any(_count(person, name) != 0 for name in ATTACHMENTS)

    def is_anothers(self, raw: bytes) -> bool:
        """Whether another user of the company owns the person; one whose owner is not told counts as another's."""
        return as_object(parse(raw), "a person").get("owner_id") != self._births.owner_id

    def create(self, creations: Sequence[Creation]) -> list[Outcome]:
        """See the port; one call each."""
        return self._run_all([partial(self._writer.create, creation) for creation in creations])

    def update(self, updates: Sequence[Update]) -> list[Outcome]:
        """See the port; one read and one call each."""
        return self._run_all([partial(self._writer.update, update) for update in updates])

    def delete(self, deletion: Deletion) -> Outcome:
        """See the port."""
        return self._writer.delete(deletion)

    def adopt(self, handles: Sequence[Handle]) -> None:
        """Nothing: a person comes into the scope by a person's word (owner, filter), or by a resolution that the engine keeps."""

    def release(self, handles: Sequence[Handle]) -> None:
        """Nothing, as `adopt`."""

    def create_references(self, names: Sequence[str]) -> list[Reference | TandemError]:
        """Make organisations, owned and visible like the persons of the link."""
        made = self._run_all([partial(self._create_reference, name) for name in names])
        for reference in made:
            if isinstance(reference, Reference):
                self._organisations.keep(reference)
        return made

    def _create_reference(self, name: str) -> Reference | TandemError:
        body: JsonObject = {"name": name, "owner_id": self._births.owner_id}
        if self._births.visible_to is not None:
            body["visible_to"] = self._births.visible_to
        try:
            return reference_of(self.api.add_organisation(body))
        except Malformed as error:
            return OutcomeUnknown(str(error), service=SERVICE)
        except TandemError as error:
            return error


def _count(person: JsonObject, name: str) -> int | None:
    value = person.get(name)
    return as_number(value) if isinstance(value, int) and not isinstance(value, bool) else None
