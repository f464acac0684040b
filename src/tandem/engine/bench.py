"""Everything that a cycle works with, gathered once and handed down: replicas, stores, policy, clock and randomness."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from tandem.clock import Clock
from tandem.core.canonical import MatchKey, fold_organisation, match_keys
from tandem.core.contact import ORGANISATION, Contact, Delta, FieldName
from tandem.core.policy import Policy
from tandem.core.state import LinkId, Marker, Side
from tandem.replica import References, Replica, Work
from tandem.store import models
from tandem.store.answers import Answers
from tandem.store.archive import Archive
from tandem.store.hints import Hints
from tandem.store.journal import Journal
from tandem.store.moments import lock_link
from tandem.store.pairs import Pairs
from tandem.store.past import Past
from tandem.store.schedule import Lease, Schedule
from tandem.store.trouble import told
from tandem.store.words import Words

MARKER_PREFIX = "tandem1"


def _no_news(line: str, /, **counts: object) -> None:
    """Nobody listens."""


def _spend_anyhow(work: Work, /) -> None:
    """Nobody divides a budget."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How long things take at most, in seconds."""

    http_timeout_s: float = 30.0
    birth_quiet_s: float = 120.0
    #: Two direct reads that find nothing must lie this far apart to prove a deletion.
    absence_s: float = 60.0


@dataclass(slots=True)
class Bench:
    """What one cycle of one link needs."""

    alias: str
    link: LinkId
    policy: Policy
    #: Another mapping of fields has no base; see decide.py.
    mapping_version: str
    replicas: Mapping[Side, Replica]
    references: Mapping[Side, References]
    #: Fields that a side cannot hold; they are left alone on both.
    lacking: Mapping[FieldName, str]
    installation: str
    #: Keyed hash of a match key: nobody can read a contact's data out of it.
    digest: Callable[[MatchKey], str]
    clock: Clock
    timings: Timings = Timings()
    token: Callable[[], str] = field(default=lambda: secrets.token_hex(8))
    news: Callable[..., None] = _no_news
    #: Says what the calls that follow are made for.
    spend_as: Callable[[Work], None] = _spend_anyhow
    archive: Archive = field(init=False)
    pairs: Pairs = field(init=False)
    journal: Journal = field(init=False)
    past: Past = field(init=False)
    hints: Hints = field(init=False)
    schedule: Schedule = field(init=False)
    words: Words = field(init=False)
    answers: Answers = field(init=False)
    lease: Lease | None = None
    #: References that a side refused to make, by folded name, with the sentence: who needs one goes without it.
    refused_references: dict[Side, dict[str, str]] = field(default_factory=lambda: {side: {} for side in Side})

    def __post_init__(self) -> None:
        self.archive = Archive(self.alias, self.link)
        self.pairs = Pairs(self.alias, self.link)
        self.journal = Journal(self.alias, self.link)
        self.past = Past(self.alias, self.link)
        self.hints = Hints(self.alias, self.link)
        self.schedule = Schedule(self.alias)
        self.words = Words(self.alias, self.link)
        self.answers = Answers(self.alias, self.link)

    @property
    def fields(self) -> frozenset[FieldName]:
        """The fields that both sides can hold."""
        return self.policy.fields - self.lacking.keys()

    def keys_of(self, contact: Contact) -> list[str]:
        """The match keys of a contact as they are stored: kind and keyed hash."""
        return sorted(f"{key.kind.value}:{self.digest(key)}" for key in match_keys(contact, self.policy.region))

    def refusals(self, side: Side, delta: Delta) -> dict[FieldName, str]:
        """What of a change the side cannot take, by field, each with a sentence."""
        refusals = dict(self.replicas[side].refusals(delta)) if delta else {}
        wanted = delta.get(ORGANISATION)
        if isinstance(wanted, str) and fold_organisation(wanted) in self.refused_references[side]:
            refusals[ORGANISATION] = self.refused_references[side][fold_organisation(wanted)]
        return refusals

    def now(self) -> datetime:
        """The time of the injected clock."""
        return self.clock.now()

    def window(self, side: Side) -> timedelta:
        """After this time a write that was sent must have been applied, if ever, and be visible."""
        return timedelta(seconds=self.replicas[side].capabilities.read_lag_s + self.timings.http_timeout_s + 5)

    def read_lag(self, side: Side) -> timedelta:
        """A read of that side may show a state this old."""
        return timedelta(seconds=self.replicas[side].capabilities.read_lag_s)

    @contextmanager
    def commit(self) -> Iterator[None]:
        """One transaction that holds the lease: all of it becomes visible, or nothing.

        Raises:
            LeaseLost: another worker has the link.
            StorageError: the database does not take it (disk full, locked for too long, gone).
        """
        with told(), transaction.atomic(using=self.alias):
            if self.lease is not None:
                self.schedule.hold(self.lease, self.now())
            else:
                lock_link(self.alias, self.link)
            yield

    def link_row(self) -> models.Link:
        """The link as it stands in the database."""
        return models.Link.objects.using(self.alias).get(id=self.link)

    def new_marker(self, source_id: str) -> Marker:
        """A marker for a creation made from a record of the other side: holds no secret, and under 255 characters."""
        return Marker(f"{MARKER_PREFIX}:{self.installation}:{self.link}:{source_id}:{self.token()}"[:254])
