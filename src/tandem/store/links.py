"""Accounts and links as rows: who is connected, which two belong together, and in which state a link is.

Rules: what changes a link from outside a cycle takes its epoch forward, so that a cycle that is under way commits nothing more;
removing a link keeps the row and the ids of its pairs (nothing is born twice) and no contact's content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from django.db.models import F, Q, QuerySet

from tandem.core.policy import Policy
from tandem.core.state import LinkId, PairState
from tandem.errors import WrongInput
from tandem.store import models
from tandem.store.contents import data_policy, policy_data
from tandem.store.moments import alone, linked


class LinkState(Enum):
    """How a link stands."""

    #: Made, and nobody has approved its first sync.
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    #: Goes on by itself at a known time.
    WAITING = "waiting"
    #: Goes on after a person has done something.
    NEEDS_PERSON = "needs-person"
    #: It came out of a backup, and nobody has agreed to what follows.
    RESTORED = "restored"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class NewLink:
    """What a link is made of. Settings are opaque here."""

    left_account: int
    right_account: int
    left_settings: Mapping[str, object]
    right_settings: Mapping[str, object]
    policy: Policy
    mapping_version: str = ""


class Accounts:
    """The connected accounts of one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def _rows(self) -> QuerySet[models.Account]:
        return models.Account.objects.using(self._alias).order_by("id")

    def _all(self) -> QuerySet[models.Account]:
        return self._rows().filter(removed_at=None)

    def all(self) -> list[models.Account]:
        """Every connected account, the oldest first."""
        return list(self._all())

    def known(self, service: str, external_id: str) -> models.Account | None:
        """The connected account that a service knows under this id."""
        return self._all().filter(service=service, external_id=external_id).first()

    def keep(self, service: str, external_id: str, name: str, settings: Mapping[str, object], now: datetime) -> models.Account:
        """Add an account or renew what is known of it. It is called by service and number: its `label` in the settings.

        One that was removed comes back under the label it had.
        """
        with alone(self._alias):
            row = self._rows().filter(service=service, external_id=external_id).first()
            if row is None:
                number = 1 + self._rows().filter(service=service).count()
                row = models.Account(service=service, external_id=external_id, settings={"label": f"{service}-{number}"}, created_at=now)
            row.name, row.removed_at = name[:200], None
            row.settings = {**row.settings, **settings}
            row.save(using=self._alias)
        return row

    def may_have(self, row: models.Account, user: int) -> bool:
        """Whether an account is this user's: by its row, or as what was connected on the command line is the operator's."""
        if row.user_id is not None:
            return row.user_id == user
        return models.User.objects.using(self._alias).filter(pk=user, is_operator=True).exists()

    def give(self, account: int, user: int) -> None:
        """An account that is nobody's becomes a user's."""
        models.Account.objects.using(self._alias).filter(pk=account, user=None).update(user_id=user)

    def remove(self, row: models.Account, now: datetime) -> None:
        """Take an account out of use: of what was known of it only its id over there and its label stay."""
        row.name, row.removed_at, row.user, row.settings = "", now, None, {"label": label_of(row)}
        row.save(using=self._alias)

    def find(self, label: str, service: str = "") -> models.Account:
        """An account by its label, of that service if one is named.

        Raises:
            WrongInput: there is none; says which there are.
        """
        rows = [row for row in self._all() if service in ("", row.service)]
        for row in rows:
            if label_of(row) == label:
                return row
        known = ", ".join(label_of(row) for row in rows) or "none yet; connect one with `tandem account add`"
        raise WrongInput(f"There is no {service} account {label!r}. Known: {known}.".replace("  ", " "))


def label_of(account: models.Account) -> str:
    """What a person calls an account: `service-1`."""
    return str(account.settings.get("label", account.id))


class Links:
    """The links of one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def _all(self) -> QuerySet[models.Link]:
        rows = models.Link.objects.using(self._alias).select_related("left_account", "right_account")
        return rows.exclude(state=LinkState.REMOVED.value).order_by("id")

    def all(self) -> list[models.Link]:
        """Every link that was not removed, the oldest first."""
        return list(self._all())

    def count_of_account(self, account: int) -> int:
        """How many links read an account on the left."""
        return models.Link.objects.using(self._alias).filter(left_account=account).exclude(state=LinkState.REMOVED.value).count()

    def count_of_company(self, account: models.Account) -> int:
        """How many links share the budget of an account on the right: that of its company, which its id begins with."""
        company = account.external_id.partition(":")[0]
        rows = models.Link.objects.using(self._alias).filter(right_account__service=account.service)
        of_company = Q(right_account__external_id=company) | Q(right_account__external_id__startswith=f"{company}:")
        return rows.filter(of_company).exclude(state=LinkState.REMOVED.value).count()

    def one(self, link: int) -> models.Link:
        """A link by its id, removed ones too, with its accounts and what they have allowed."""
        with_all = models.Link.objects.using(self._alias).select_related("left_account__grant", "right_account__grant")
        return with_all.get(id=link)

    def find(self, text: str | None) -> models.Link:
        """The link that a person means: by its id, or the only one.

        Raises:
            WrongInput: no such link, or several to choose from.
        """
        rows = self.all()
        if not rows:
            raise WrongInput("There is no link yet; make one with `tandem link create`.")
        known = ", ".join(str(row.id) for row in rows)
        if text is None:
            if len(rows) > 1:
                raise WrongInput(f"There are several links; say which one: {known}.")
            return rows[0]
        for row in rows:
            if str(row.id) == text.strip():
                return row
        raise WrongInput(f"There is no link {text!r}. Links: {known}.")

    def add(self, new: NewLink, now: datetime) -> models.Link:
        """Make a link, as a draft.

        Raises:
            WrongInput: the two accounts are linked already, directly or over others; a change would come back another way.
        """
        with alone(self._alias):
            self.check_free(new.left_account, new.right_account)
            row = models.Link.objects.using(self._alias).create(
                left_account_id=new.left_account, right_account_id=new.right_account, left_settings=dict(new.left_settings),
                right_settings=dict(new.right_settings), policy=policy_data(new.policy), mapping_version=new.mapping_version,
                created_at=now,
            )  # fmt: skip
        return self.one(row.id)

    def check_free(self, left: int, right: int) -> None:
        """Make sure that two accounts may be linked. Raises WrongInput when they are connected already."""
        rows = self.all()
        for row in rows:
            if (row.left_account_id, row.right_account_id) == (left, right):
                raise WrongInput(f"These two accounts are linked already, by link {row.id}; change or remove that one first.")
        reached, is_growing = {left}, True
        while is_growing:
            more = {end for row in rows for end in _ends(row) if reached & _ends(row)} - reached
            reached, is_growing = reached | more, bool(more)
        if right in reached:
            raise WrongInput("These two accounts are connected already over other links; a circle of links would multiply contacts.")

    def policy(self, row: models.Link) -> Policy:
        """The rules of a link."""
        return data_policy(row.policy)

    def keep_policy(self, link: LinkId, policy: Policy) -> None:
        """Keep other rules."""
        self._rows(link).update(policy=policy_data(policy))

    def keep_settings(self, link: LinkId, left: Mapping[str, object], right: Mapping[str, object], mapping_version: str) -> None:
        """Keep what a survey of both sides has found."""
        self._rows(link).update(left_settings=dict(left), right_settings=dict(right), mapping_version=mapping_version)

    def _rows(self, link: LinkId) -> QuerySet[models.Link]:
        return models.Link.objects.using(self._alias).filter(id=link)

    def activate(self, link: LinkId) -> None:
        """A person wants it to run: a draft's first sync is approved by that."""
        self._rows(link).update(state=LinkState.ACTIVE.value, reason="", sentence="", wait_until=None)

    def approve(self, link: LinkId) -> None:
        """A person has seen what follows from a restore, and wants it."""
        self._rows(link).update(is_unseen=False)
        self.activate(link)

    def stop(self, link: LinkId, state: LinkState, reason: str, sentence: str, wait_until: datetime | None = None) -> None:
        """Write down that a link cannot go on now, and why."""
        self._rows(link).update(state=state.value, reason=reason, sentence=sentence, wait_until=wait_until)

    def interrupt(self, link: LinkId) -> None:
        """Whoever works on the link now loses it, and it is due at once: what that cycle knows of an account is old."""
        self._rows(link).exclude(lease_owner="").update(is_dirty=True, **_fence())

    def using(self, account: int) -> list[models.Link]:
        """The links of an account, but for removed ones."""
        return [row for row in self.all() if account in _ends(row)]

    def pause(self, link: LinkId) -> None:
        """Nothing more is done until it is resumed; a cycle under way ends at its next commit."""
        self._rows(link).update(state=LinkState.PAUSED.value, reason="", sentence="", wait_until=None, **_fence())

    def resume(self, link: LinkId) -> None:
        """Go on, at once. A link that never began is a draft again; one that came out of a backup waits for its approval."""
        with linked(self._alias, link):
            row = self.one(link)
            has_begun = row.first_synced_at is not None or row.approval is not None
            state = LinkState.RESTORED if row.is_unseen else LinkState.ACTIVE if has_begun else LinkState.DRAFT
            self._rows(link).update(state=state.value, reason="", sentence="", wait_until=None, is_dirty=True)

    def regroup(self, link: LinkId, left: Mapping[str, object]) -> None:
        """Another group was chosen: everything is listed anew, and whoever works on the link now loses it."""
        self._rows(link).update(left_settings=dict(left), is_dirty=True, **_fence())
        self.ask_full(link)
        row = self.one(link)
        if row.state in {LinkState.NEEDS_PERSON.value, LinkState.WAITING.value}:
            self.activate(link)

    def ask_full(self, link: LinkId) -> None:
        """Everything is listed anew in the next cycle."""
        models.Feed.objects.using(self._alias).filter(link_id=link).update(listed_at=None)

    def remove(self, link: LinkId) -> None:
        """Take a link out of use and erase all stored contact content of it. Nothing is deleted on either side."""
        with linked(self._alias, link):
            self._rows(link).update(state=LinkState.REMOVED.value, reason="", sentence="", wait_until=None, approval=None, **_fence())
            for model in (models.Feed, models.Shadow, models.Reference, models.Question, models.Word):
                model._default_manager.using(self._alias).filter(link_id=link).delete()
            pairs = models.Pair.objects.using(self._alias).filter(link_id=link)
            pairs.update(base_left=b"{}", base_right=b"{}", parked={}, state=PairState.CLOSED.value, reason="removed", is_dirty=False)
            models.Intent.objects.using(self._alias).filter(link_id=link).update(payload=b"{}", before=None, sentence="")
            models.Intent.objects.using(self._alias).filter(link_id=link, outcome="").update(outcome="superseded")
            models.History.objects.using(self._alias).filter(link_id=link).update(before=None, after=None)

    def last_cycle(self, link: LinkId) -> models.Cycle | None:
        """The latest cycle."""
        return models.Cycle.objects.using(self._alias).filter(link_id=link).order_by("-id").first()

    def cycle_after(self, link: LinkId, cycle: int) -> models.Cycle | None:
        """The first finished cycle after another one."""
        rows = models.Cycle.objects.using(self._alias).filter(link_id=link, id__gt=cycle, ended_at__isnull=False)
        return rows.order_by("id").first()

    def tokens_of(self, budget: str, day: date) -> int:
        """Tokens that a budget has spent on a day."""
        row = models.Ledger.objects.using(self._alias).filter(budget=budget, day=day).first()
        return row.tokens if row else 0

    def a_pair(self, link: LinkId) -> tuple[str, str] | None:
        """The ids of some pair that is in sync, left and right."""
        rows = models.Pair.objects.using(self._alias).filter(link_id=link, state=PairState.LINKED.value, is_dirty=False, parked={})
        row = rows.exclude(left_id=None).exclude(right_id=None).order_by("id").first()
        return (row.left_id or "", row.right_id or "") if row is not None else None

    def note_counts(self, cycle: int, counts: Mapping[str, object]) -> None:
        """Add to the numbers that are kept with a cycle."""
        row = models.Cycle.objects.using(self._alias).get(id=cycle)
        row.counts = {**row.counts, **counts}
        row.save(using=self._alias, update_fields=["counts"])


def _ends(row: models.Link) -> set[int]:
    return {row.left_account_id, row.right_account_id}


def _fence() -> dict[str, object]:
    """A newer epoch: whoever works on the link loses it."""
    return {"epoch": F("epoch") + 1, "lease_owner": "", "lease_until": None}
