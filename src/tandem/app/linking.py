"""Making links: what a person typed becomes rows, after both services have confirmed it.

Rules: nothing is stored before it has been verified; names are looked up, never guessed. A link is made as a draft.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from zoneinfo import TZPATH

from phonenumbers import SUPPORTED_REGIONS

from tandem.app.connecting import MY_CONTACTS
from tandem.app.preparations import kept_data, mapping_version
from tandem.app.services import Services, open_gate
from tandem.app.sides import GOOGLE, PIPEDRIVE
from tandem.clock import Clock
from tandem.connectors.google import api as google_api
from tandem.connectors.pipedrive.api import Api as PipedriveApi
from tandem.connectors.pipedrive.api import User
from tandem.connectors.pipedrive.replica import PipedriveReplica
from tandem.connectors.pipedrive.scope import ScopeKind, parse_scope
from tandem.core.policy import Policy
from tandem.core.state import LinkId
from tandem.errors import WrongInput
from tandem.replica import Preparation, References
from tandem.store import models
from tandem.store.links import Accounts, Links, NewLink
from tandem.store.moments import linked
from tandem.store.pairs import Pairs
from tandem.store.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Label:
    """A contact group that a link may be made for. `count` is what it would bring in."""

    resource: str
    title: str
    count: int

    @property
    def is_everything(self) -> bool:
        """Whether it holds all contacts, private ones too."""
        return self.resource == MY_CONTACTS


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked a link to be. Accounts by their labels, the group by name or resource name."""

    google: str
    pipedrive: str
    group: str
    policy: Policy
    creates_group: bool = False
    scope: str = "mine"


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A link that was made: the row, its group, and whether the country was only proposed."""

    row: models.Link
    label: Label
    region: str
    is_region_proposed: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """What an account offers to choose from: filters over persons (number, name), and the country its user seems to be in."""

    filters: tuple[tuple[str, str], ...]
    region: str


class Linking:
    """Makes links."""

    def __init__(self, services: Services, accounts: Accounts, links: Links, clock: Clock) -> None:
        self._services = services
        self._accounts = accounts
        self._links = links
        self._clock = clock

    def make(self, wish: Wish) -> MadeLink:
        """Make a link as a draft.

        Raises:
            WrongInput: an account, the group, the filter or the country is not there, or the accounts are linked already.
        """
        google = self._accounts.find(wish.google, GOOGLE)
        pipedrive = self._accounts.find(wish.pipedrive, PIPEDRIVE)
        owner = int(pipedrive.settings["user"])
        parse_scope(wish.scope, owner)
        if wish.policy.region and wish.policy.region not in SUPPORTED_REGIONS:
            raise WrongInput(f"{wish.policy.region!r} is no country code; give two letters, such as PL.")
        self._links.check_free(google.id, pipedrive.id)
        user = self._check_scope(pipedrive, wish.scope)
        region = wish.policy.region or region_of(user)
        policy = replace(wish.policy, region=region)
        left, right = self._survey(pipedrive, wish.scope, owner)
        label = self.label(google, wish.group, creates=wish.creates_group)
        new = NewLink(
            google.id,
            pipedrive.id,
            {"group": label.resource, "title": label.title, **kept_data(left)},
            {"scope": wish.scope, "owner": owner, **kept_data(right)},
            policy,
            mapping_version(policy, left, right),
        )
        row = self._links.add(new, self._clock.now())
        return MadeLink(row, label, region, is_region_proposed=not wish.policy.region)

    def _survey(self, pipedrive: models.Account, scope: str, owner: int) -> tuple[Preparation, Preparation]:
        """Where the fields live on both sides. Sends no write."""
        door = self._services.door(pipedrive, open_gate)
        replica = PipedriveReplica(door, references=References(), layout="", owner_id=owner, scope=scope)
        return Preparation(), replica.survey()

    def offered(self, pipedrive: models.Account) -> Offered:
        """What a Pipedrive account offers to choose from. Asks the service."""
        api = PipedriveApi(self._services.door(pipedrive, open_gate))
        filters = tuple((str(item.id), item.name) for item in api.filters())
        return Offered(filters, region_of(api.current_user()))

    def change_rules(self, row: models.Link, policy: Policy) -> None:
        """Other rules from now on: every pair is thought over again under them. A cycle under way ends at its next commit."""
        link, alias = LinkId(row.pk), row._state.db or ""
        with linked(alias, row.pk):
            self._links.keep_policy(link, policy)
            Pairs(alias, link).touch_all()
        self._links.interrupt(link)
        Schedule(alias).request(link)

    def labels(self, google: models.Account) -> list[Label]:
        """The groups of an account that a link may be made for: people's own labels, and all contacts."""
        groups = google_api.list_groups(self._services.door(google, open_gate))
        found = [group for group in groups if not group.is_deleted and (not group.is_system or group.name == MY_CONTACTS)]
        return [Label(group.name, group.title, group.member_count) for group in found]

    def same_again(self, row: models.Link) -> Label | None:
        """The group that bears the name of the one that is gone, if there is exactly one."""
        labels = self.labels(row.left_account)
        if any(label.resource == row.left_settings["group"] for label in labels):
            return None
        found = [label for label in labels if label.title == row.left_settings["title"]]
        return found[0] if len(found) == 1 else None

    def label(self, google: models.Account, group: str, *, creates: bool) -> Label:
        """A group by its name or resource name, made when that is wished. WrongInput when it is not to be found."""
        labels, wanted = self.labels(google), group.strip()
        if not wanted:
            raise WrongInput("The group has no name.")
        found = [label for label in labels if wanted in (label.resource, label.title)]
        found = found or [label for label in labels if wanted.casefold() == label.title.casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            raise WrongInput(f"Several groups are called {wanted!r}; name one: {', '.join(label.resource for label in found)}.")
        if not creates or wanted.startswith("contactGroups/"):
            known = ", ".join(f"{label.title} ({label.count})" for label in labels)
            raise WrongInput(f"There is no group {wanted!r} in this Google account; --create-group makes it. Groups: {known}.")
        made = google_api.create_group(self._services.door(google, open_gate), wanted)
        return Label(made.name, made.title, made.member_count)

    def _check_scope(self, pipedrive: models.Account, scope: str) -> User:
        """The linking user; a filter must be one that this user sees."""
        api = PipedriveApi(self._services.door(pipedrive, open_gate))
        user = api.current_user()
        kind = parse_scope(scope, user.id)
        if kind.kind is ScopeKind.FILTER:
            filters = api.filters()
            if kind.filter_id not in {str(item.id) for item in filters}:
                known = ", ".join(f"{item.id} ({item.name})" for item in filters) or "none"
                raise WrongInput(f"There is no filter {kind.filter_id} over persons in Pipedrive. Filters: {known}.")
        return user


def region_of(user: User) -> str:
    """The country in which a user's numbers without country code are to be read, as far as it can be told; else empty.

    The time zone first: many keep the program in English.
    """
    region = _zones().get(user.timezone, "") or user.locale.replace("-", "_").partition("_")[2].upper()
    return region if region in SUPPORTED_REGIONS else ""


@lru_cache
def _zones() -> dict[str, str]:
    """Time zone -> country, from the system's table; empty where there is none."""
    for folder in TZPATH:
        path = Path(folder) / "zone.tab"
        if path.is_file():
            rows = (line.split("\t") for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#"))
            return {row[2]: row[0] for row in rows if len(row) > 2}
    return {}
