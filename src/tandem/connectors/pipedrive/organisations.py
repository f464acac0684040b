"""Organisations as the references of a link: learnt from lists, looked up by id where a person points at one that is not known.

Rules: never by search, which lags, is dear, and keeps what is deleted. An organisation is gone only when Pipedrive shows it deleted;
one that cannot be read keeps the name that is known, because hidden is not removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tandem.connectors.http import JsonObject, as_object, parse, text_at
from tandem.connectors.pipedrive.api import IDS_A_CALL, LIST_TOKENS, Api, Kind
from tandem.connectors.pipedrive.codec import id_of, is_deleted, organisation_of, version_of
from tandem.errors import Rejected
from tandem.replica import Reference, References


def reference_of(raw: bytes) -> Reference:
    """An organisation as a reference. Malformed for anything else."""
    organisation = as_object(parse(raw), "an organisation")
    return Reference(id_of(organisation), text_at(organisation, "name"), version_of(organisation), is_deleted(organisation))


class Organisations:
    """The index of a link, and the way to fill its gaps."""

    def __init__(self, api: Api, references: References) -> None:
        self._api = api
        self._references = references
        #: Asked for once and not told: hidden from the user, or gone for good.
        self._hidden: set[str] = set()
        self._gone: set[str] = set()

    def learn(self, page: Iterable[bytes]) -> tuple[Reference, ...]:
        """Take in a page of organisations."""
        found = tuple(reference_of(raw) for raw in page)
        for reference in found:
            self.keep(reference)
        return found

    def keep(self, reference: Reference) -> None:
        """Take in one organisation."""
        self._references.learn(reference)

    def name_of(self, person: JsonObject) -> str:
        """The name of a person's organisation; empty when there is none or it is not known."""
        id_ = organisation_of(person)
        return self._references.name_of(id_) if id_ else ""

    def is_hidden(self, person: JsonObject) -> bool:
        """Whether a person has an organisation of which not even the name is known."""
        return organisation_of(person) in self._hidden and not self.name_of(person)

    def id_for(self, name: str, person: JsonObject | None = None) -> int | None:
        """The organisation that a name means, the person's present one if it bears that name."""
        found = self._references.find(name, organisation_of(person) if person is not None else "")
        return int(found) if found is not None and found.isdigit() else None

    def fill(self, persons: Iterable[JsonObject]) -> tuple[Reference, ...]:
        """Look up the organisations that the persons point at and that are not known."""
        ids = {organisation_of(person) for person in persons} - {""} - self._hidden - self._gone
        wanted = sorted((id_ for id_ in ids if not self._references.name_of(id_)), key=int)
        return self.look_up(wanted)

    def look_up(self, ids: Sequence[str]) -> tuple[Reference, ...]:
        """Read organisations directly, the cheaper way; what is deleted is learnt to be so."""
        found: list[Reference] = []
        if len(ids) >= LIST_TOKENS:
            for start in range(0, len(ids), IDS_A_CALL):
                found += self.learn(self._api.by_ids(Kind.ORGANISATION, ids[start : start + IDS_A_CALL]))
        seen = {reference.id for reference in found}
        for id_ in ids:
            if id_ in seen:
                continue
            try:
                found += self.learn([self._api.one(Kind.ORGANISATION, id_)])
            except Rejected:
                self._hidden.add(id_)
        self._gone |= {reference.id for reference in found if reference.is_gone}
        return tuple(found)
