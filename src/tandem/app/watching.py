"""When each side of a link is looked at and how much of it: the rules of `engine/pace.py` fed with rows, prices and limits.

Rules: a cycle that is due looks at the sides that are due and, on the others, only at what hints and doubts name; one that a person asked
for looks at both. After each cycle the next looks are written down, with the reason that `tandem status` shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from tandem.app.services import Services
from tandem.app.sides import PIPEDRIVE, PRODUCT
from tandem.clock import Clock
from tandem.config import Config
from tandem.connectors.pipedrive.api import LIST_TOKENS, PAGE
from tandem.core.state import LinkId, Side
from tandem.engine.bench import Bench
from tandem.engine.hints import Look, rests_until
from tandem.engine.pace import TOLD_S, Adaptive, Metered, NextLook, Seen, night_of, spoken, walk_tokens
from tandem.engine.report import Report
from tandem.replica import Work
from tandem.store import models
from tandem.store.archive import Archive
from tandem.store.hints import Hints
from tandem.store.links import Links
from tandem.store.watches import Watches

#: A sandbox is looked at all the time: nobody pays for it, and somebody watches.
SANDBOX_LOOK_S = 2.0
#: While something settles (a name without address, a deletion at rest) it is asked whether it has, which mostly costs nothing.
SETTLE_S = 30.0
#: No side is looked at again sooner, whatever became of the look before.
SHORTEST_S = 15.0
#: How long it counts how many share a budget, and how much there is to list.
_COUNT_EVERY = timedelta(hours=1)
#: What a person has to see changing goes first.
_BRIEFLY = timedelta(seconds=1)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """How one side is watched. `sentence`: why it tells nothing by itself, where it could."""

    product: str
    tells: bool
    sentence: str
    heard_at: datetime | None
    next_look_at: datetime | None
    why: str

    def data(self) -> dict[str, object]:
        """As `--json` shows it."""
        heard, following = (at.isoformat() if at else None for at in (self.heard_at, self.next_look_at))
        return {"webhooks": self.tells, "sentence": self.sentence, "heard_at": heard, "next_look_at": following, "why": self.why}


@dataclass(slots=True)
class Watching:
    """Looks at the links of one installation. `is_sandboxed`: it works with the sandbox."""

    config: Config
    services: Services
    links: Links
    clock: Clock
    alias: str
    is_sandboxed: bool
    _metered: dict[int, tuple[datetime, Metered]] = field(default_factory=dict)
    _adaptive: dict[int, tuple[datetime, Adaptive]] = field(default_factory=dict)

    @property
    def settle_s(self) -> float:
        """Seconds between two cycles while something settles."""
        return SANDBOX_LOOK_S if self.is_sandboxed else SETTLE_S

    def metered(self, row: models.Link) -> Metered:
        """The pace of the side on which looking costs tokens; counted anew every hour."""
        return self._counted(self._metered, row, self._count_metered)

    def _counted(self, kept: dict[int, tuple[datetime, T]], row: models.Link, count: Callable[[models.Link], T]) -> T:
        now = self.clock.now()
        known = kept.get(row.id)
        if known is None or abs(now - known[0]) >= _COUNT_EVERY:
            known = kept[row.id] = (now, count(row))
        return known[1]

    def _count_metered(self, row: models.Link) -> Metered:
        archive = Archive(self.alias, LinkId(row.id))
        budget = self.services.tokens(row.right_account)
        links = self.links.count_of_company(row.right_account)
        records, references = archive.count(Side.RIGHT), archive.count_references(Side.RIGHT)
        walk = walk_tokens(records, references, page=PAGE, page_tokens=LIST_TOKENS)
        return Metered(
            tokens=budget.share,
            look_tokens=LIST_TOKENS,
            reference_tokens=LIST_TOKENS,
            walk_tokens=walk,
            links=links,
            night_s=night_of(row.id),
        )

    def adaptive(self, row: models.Link) -> Adaptive:
        """The pace of the side on which looking costs places in a minute; counted anew every hour."""
        return self._counted(self._adaptive, row, self._count_adaptive)

    def _count_adaptive(self, row: models.Link) -> Adaptive:
        links = self.links.count_of_account(row.left_account_id)
        limit = self.config.number("GOOGLE_READS_PER_MINUTE")
        if self.is_sandboxed:
            return Adaptive(limit, 0, links, SANDBOX_LOOK_S, SANDBOX_LOOK_S, SANDBOX_LOOK_S)
        return Adaptive(limit, links=links, seed=str(row.id))

    def references_every_s(self, row: models.Link) -> float:
        """Seconds between two looks at organisations."""
        if self.tells(row.id):
            return TOLD_S
        return 0.0 if self.is_sandboxed else self.metered(row).references_every_s

    def looks(self, row: models.Link, *, is_due: bool, is_full: bool) -> tuple[Mapping[Side, Look], Work]:
        """How much of each side the next cycle looks at, and what for. `is_due`: nobody asked for it by name."""
        if is_full:
            return dict.fromkeys(Side, Look.FULL), Work.PEOPLE
        if row.is_dirty or not is_due:
            return dict.fromkeys(Side, Look.CHANGES), Work.PEOPLE
        return self.looks_due(row, Watches(self.alias, LinkId(row.id)).both(), Archive(self.alias, LinkId(row.id))), Work.LOOKING

    def looks_due(self, row: models.Link, watches: Mapping[Side, models.Watch], archive: Archive) -> Mapping[Side, Look]:
        """How much of each side is due to be looked at, for looking's own sake."""
        return {side: self._due(row, watches[side], side, archive) for side in Side}

    def _due(self, row: models.Link, watch: models.Watch, side: Side, archive: Archive) -> Look:
        now = self.clock.now()
        if watch.next_look_at is not None and watch.next_look_at > now:
            return Look.ASKED
        following = self._pace(row, watch, side)(self._seen(archive, watch, side), now)
        return following.look if following.look is Look.FULL else Look.CHANGES

    def _pace(self, row: models.Link, watch: models.Watch, side: Side) -> Callable[[Seen, datetime], NextLook]:
        if PRODUCT[side] != PIPEDRIVE:
            return self.adaptive(row).next_look
        if self.is_sandboxed and not self._tells(watch):
            return self._sandboxed
        return self.metered(row).next_look

    def _sandboxed(self, seen: Seen, now: datetime) -> NextLook:
        at = (seen.drained_at or now) + timedelta(seconds=SANDBOX_LOOK_S)
        return NextLook(at, Look.CHANGES, f"no webhooks; a sandbox is looked at every {spoken(SANDBOX_LOOK_S)}")

    def tells(self, link: int) -> bool:
        """Whether webhooks tell of changes."""
        return self._tells(Watches(self.alias, LinkId(link)).of(Side.RIGHT))

    def views(self, link: int) -> list[View]:
        """How the sides are watched."""
        watches = [(PRODUCT[side], Watches(self.alias, LinkId(link)).of(side)) for side in Side]
        return [
            View(product, bool(watch.subscriptions), watch.sentence, watch.heard_at, watch.next_look_at, watch.why)
            for product, watch in watches
        ]

    def _tells(self, watch: models.Watch) -> bool:
        return bool(watch.subscriptions)

    def _seen(self, archive: Archive, watch: models.Watch, side: Side) -> Seen:
        feed = archive.feed(side)
        return Seen(feed.drained_at, feed.listed_at, watch.active_at, self._tells(watch), watch.has_gap)

    def plan(self, bench: Bench, looks: Mapping[Side, Look], report: Report | None, begun_at: datetime) -> datetime:
        """Write down when both sides are looked at next, after a cycle. Returns when the link is due."""
        row, now = bench.link_row(), self.clock.now()
        kept = Watches(self.alias, bench.link)
        watches = kept.both()
        due = [row.wait_until] if row.wait_until else []
        for side in Side:
            watch = watches[side]
            if report is not None and (report.writes or report.matched):
                watch.active_at = now
            drained_at = self._follow(bench, row, watch, side, looks[side], begun_at)
            kept.save_pace(watch)
            due += [watch.next_look_at or now, *self._soon(bench, side, drained_at, now)]
        hints_at = Hints(self.alias, bench.link).next_at()
        due += [max(hints_at, now)] if hints_at else []
        if report is not None and report.settling:
            due.append(now + timedelta(seconds=self.settle_s))
        return max(row.wait_until, min(due)) if row.wait_until else min(due)

    def plan_rest(
        self, bench: Bench, row: models.Link, watches: Mapping[Side, models.Watch], looks: Mapping[Side, Look], begun_at: datetime
    ) -> list[models.Watch]:
        """After a look that found nothing: the sides that were looked at are looked at again in their time. To be kept."""
        moved = [side for side, look in looks.items() if look is not Look.ASKED]
        for side in moved:
            self._follow(bench, row, watches[side], side, looks[side], begun_at)
        return [watches[side] for side in moved]

    def _follow(self, bench: Bench, row: models.Link, watch: models.Watch, side: Side, look: Look, begun_at: datetime) -> datetime | None:
        """Set when and why a side is looked at next. Returns when it was last drained."""
        seen, now = self._seen(bench.archive, watch, side), self.clock.now()
        if seen.drained_at is not None and seen.drained_at >= begun_at:
            watch.has_gap = False
        following = self._pace(row, watch, side)(replace(seen, active_at=watch.active_at, has_gap=watch.has_gap), now)
        # What was due and could not be done is not tried again at once.
        shortest = now + timedelta(seconds=min(self.settle_s, SHORTEST_S))
        watch.next_look_at, watch.why = max(following.at, shortest) if look is not Look.ASKED else following.at, following.why
        return seen.drained_at

    def _soon(self, bench: Bench, side: Side, drained_at: datetime | None, now: datetime) -> list[datetime]:
        """Deletions at rest, and records about which there is doubt."""
        at = rests_until(bench, side, drained_at)
        rests = [max(at, now) + _BRIEFLY] if at is not None else []
        doubts = [now + bench.read_lag(side) + _BRIEFLY] if bench.archive.to_look_at(side) else []
        return rests + doubts
