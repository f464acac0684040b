"""Looks at links at rest, which cost a handful of statements instead of a whole cycle: `engine/rest.py` fed with rows and a bench.

Rules: whatever is found makes a whole cycle, at once; so does anything unusual. A look leaves no cycle in the journal: it decided nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from tandem.app.benches import Benches
from tandem.app.preparations import is_survey_due
from tandem.app.results import Result, of_report
from tandem.app.watching import Watching
from tandem.clock import Clock
from tandem.core.state import LinkId, Side
from tandem.engine.hints import Glance, Look
from tandem.engine.report import Report
from tandem.engine.rest import is_at_rest, is_quiet, look, move_on
from tandem.replica import Work
from tandem.store import models
from tandem.store.archive import Archive
from tandem.store.schedule import Lease, Schedule
from tandem.store.trouble import told
from tandem.store.watches import Watches


def _no_news(line: str, /, **counts: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Stirred:
    """A whole cycle is wanted: under this lease, where it was taken, and on what was seen."""

    lease: Lease | None = None
    seen: Mapping[Side, Glance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resting:
    """Looks at links of one installation."""

    alias: str
    clock: Clock
    watching: Watching
    benches: Benches
    schedule: Schedule

    def may(self, row: models.Link) -> bool:
        """Whether a look may do instead of a cycle."""
        return is_at_rest(row) and not is_survey_due(row.right_settings, self.clock.now())

    def look(self, row: models.Link, owner: str) -> Result | Stirred:
        """Look at the sides that are due."""
        archive = Archive(self.alias, LinkId(row.id))
        archive.feeds()
        kept = Watches(self.alias, LinkId(row.id))
        watches = kept.both()
        looks = self.watching.looks_due(row, watches, archive)
        begun_at = self.clock.now()
        lease = self.schedule.claim_unchanged(row, owner, begun_at) if Look.FULL not in looks.values() else None
        if lease is None:
            return Stirred()
        bench = self.benches.make(row, lease, _no_news)
        bench.archive = archive
        try:
            seen = look(bench, looks, Work.LOOKING)
        finally:
            bench.spend_as(Work.PEOPLE)
        if not is_quiet(bench, looks, seen):
            return Stirred(lease, seen)
        feeds, moved = move_on(bench, seen), self.watching.plan_rest(bench, row, watches, looks, begun_at)
        due_at = min(watch.next_look_at or begun_at for watch in watches.values())
        with told(), transaction.atomic(using=self.alias):
            # First, because it locks the link, and fails when somebody else has it.
            self.schedule.release_at_rest(lease, next_due_at=due_at, now=begun_at)
            for feed in feeds:
                archive.save_feed(feed, is_listed=False)
            for watch in moved:
                kept.save_pace(watch)
        report = Report(row.id, seconds=(self.clock.now() - begun_at).total_seconds())
        report.conclude(None)
        return of_report(report, {}, 0)
