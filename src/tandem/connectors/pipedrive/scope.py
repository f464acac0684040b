"""Which persons a link may touch: the linking user's own, all that the user sees, or those of a filter.

Rules: it is judged here, on listings of everything visible, because a person who leaves the scope must be seen leaving it. The members
of a filter are listed anew for each look; a filter that is not there any more stops the link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tandem.connectors.http import JsonObject, as_object, parse
from tandem.connectors.pipedrive.api import Api, Kind
from tandem.connectors.pipedrive.codec import id_of
from tandem.connectors.pipedrive.reasons import complaints
from tandem.errors import GroupGone, NotThere, Rejected, WrongInput


class ScopeKind(Enum):
    """What decides."""

    MINE = "mine"
    VISIBLE = "visible"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Scope:
    """The rule. `owner_id` is the linking user, `filter_id` is set for a filter only."""

    kind: ScopeKind
    owner_id: int
    filter_id: str = ""

    def members(self, api: Api) -> frozenset[str]:
        """The ids in the filter now; nothing for the other kinds. Raises GroupGone when there is no such filter."""
        if self.kind is not ScopeKind.FILTER:
            return frozenset()
        try:
            pages = list(api.pages(Kind.PERSON, (("filter_id", self.filter_id),)))
        except Rejected as error:
            if isinstance(error, NotThere) or any(complaint.parameter == "filter_id" for complaint in complaints(error)):
                raise GroupGone("The chosen Pipedrive filter is not there any more: choose another one.") from None
            raise
        return frozenset(id_of(as_object(parse(raw), "a person")) for page in pages for raw in page)

    def holds(self, person: JsonObject, members: frozenset[str], *, believed: bool | None = None) -> bool:
        """Whether a person is in it. `believed`: what is known of membership in a filter, where it is not asked for anew."""
        match self.kind:
            case ScopeKind.MINE:
                return person.get("owner_id") == self.owner_id
            case ScopeKind.VISIBLE:
                return True
            case ScopeKind.FILTER:
                return id_of(person) in members if believed is None else believed

    def told(self) -> Mapping[str, str]:
        """What a cursor depends on."""
        owner = str(self.owner_id) if self.kind is ScopeKind.MINE else ""
        return {"scope": self.kind.value, "owner": owner, "filter": self.filter_id}


def parse_scope(text: str, owner_id: int) -> Scope:
    """`mine`, `visible` or `filter:ID`. WrongInput for anything else."""
    kind, _, filter_id = text.partition(":")
    if text in ("mine", "visible"):
        return Scope(ScopeKind(text), owner_id)
    if kind == "filter" and filter_id.isdigit():
        return Scope(ScopeKind.FILTER, owner_id, filter_id)
    raise WrongInput("the Pipedrive scope is one of: mine, visible, filter:ID")
