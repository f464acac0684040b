"""When each side of a link is looked at and how much of it: the rules of `engine/pace.py` fed with rows, prices and limits.

Rules: a cycle that is due looks at the sides that are due and, on the others, only at what hints and doubts name; one that a person asked
for looks at both. After each cycle the next looks are written down, with the reason that `tandem status` shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem.app.services import Services
from tandem.app.sides import PIPEDRIVE, PRODUCT
from tandem.clock import Clock
from tandem.config import Config
from tandem.connectors.pipedrive.api import LIST_TOKENS, PAGE
from tandem.core.state import LinkId, Side
from tandem.engine.bench import Bench
from tandem.engine.hints import Look, rests_until
from tandem.engine.pace import Adaptive, Metered, NextLook, Seen, night_of, spoken, walk_tokens
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
#: What a person has to see changing goes first.
_BRIEFLY = timedelta(seconds=1)


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

    @property
    def settle_s(self) -> float:
        """Seconds between two cycles while something settles."""
        return SANDBOX_LOOK_S if self.is_sandboxed else SETTLE_S

    def metered(self, row: models.Link) -> Metered:
        """The pace of the side on which looking costs tokens."""
        archive = Archive(self.alias, LinkId(row.id))
        budget = self.services.tokens(row.right_account)
        company = row.right_account.external_id.partition(":")[0]
        links = sum(1 for other in self.links.all() if other.right_account.external_id.partition(":")[0] == company)
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
        """The pace of the side on which looking costs places in a minute."""
        links = sum(1 for other in self.links.all() if other.left_account_id == row.left_account_id)
        limit = self.config.number("GOOGLE_READS_PER_MINUTE")
        if self.is_sandboxed:
            return Adaptive(limit, 0, links, SANDBOX_LOOK_S, SANDBOX_LOOK_S, SANDBOX_LOOK_S)
        return Adaptive(limit, links=links, seed=str(row.id))

    def references_every_s(self, row: models.Link) -> float:
        """Seconds between two looks at organisations."""
        tells = self._tells(Watches(self.alias, LinkId(row.id)).of(Side.RIGHT))
        return 0.0 if self.is_sandboxed and not tells else self.metered(row).references_every_s(tells=tells)

    def looks(self, row: models.Link, *, is_due: bool, is_full: bool) -> tuple[Mapping[Side, Look], Work]:
        """How much of each side the next cycle looks at, and what for. `is_due`: nobody asked for it by name."""
        if is_full:
            return dict.fromkeys(Side, Look.FULL), Work.PEOPLE
        if row.is_dirty or not is_due:
            return dict.fromkeys(Side, Look.CHANGES), Work.PEOPLE
        return {side: self._due(row, side) for side in Side}, Work.LOOKING

    def _due(self, row: models.Link, side: Side) -> Look:
        watch, now = Watches(self.alias, LinkId(row.id)).of(side), self.clock.now()
        if watch.next_look_at is not None and watch.next_look_at > now:
            return Look.ASKED
        following = self._pace(row, side)(self._seen(row, watch, side), now)
        return following.look if following.look is Look.FULL else Look.CHANGES

    def _pace(self, row: models.Link, side: Side) -> Callable[[Seen, datetime], NextLook]:
        if PRODUCT[side] != PIPEDRIVE:
            return self.adaptive(row).next_look
        watch = Watches(self.alias, LinkId(row.id)).of(side)
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

    def _seen(self, row: models.Link, watch: models.Watch, side: Side) -> Seen:
        feed = Archive(self.alias, LinkId(row.id)).feed(side)
        return Seen(feed.drained_at, feed.listed_at, watch.active_at, self._tells(watch), watch.has_gap)

    def plan(self, bench: Bench, looks: Mapping[Side, Look], report: Report | None, begun_at: datetime) -> datetime:
        """Write down when both sides are looked at next, after a cycle. Returns when the link is due."""
        row, now = bench.link_row(), self.clock.now()
        watches = Watches(self.alias, bench.link)
        due = [row.wait_until] if row.wait_until else []
        for side in Side:
            watch = watches.of(side)
            seen = self._seen(row, watch, side)
            if seen.drained_at is not None and seen.drained_at >= begun_at:
                watch.has_gap = False
            if report is not None and (report.writes or report.matched):
                watch.active_at = now
            following = self._pace(row, side)(self._seen_again(seen, watch), now)
            # What was due and could not be done is not tried again at once.
            at = (
                max(following.at, now + timedelta(seconds=min(self.settle_s, SHORTEST_S)))
                if looks[side] is not Look.ASKED
                else following.at
            )
            watch.next_look_at, watch.why = at, following.why
            watches.save(watch)
            due += [at, *self._soon(bench, side, seen.drained_at, now)]
        hints_at = Hints(self.alias, bench.link).next_at()
        due += [max(hints_at, now)] if hints_at else []
        if report is not None and report.settling:
            due.append(now + timedelta(seconds=self.settle_s))
        return max(row.wait_until, min(due)) if row.wait_until else min(due)

    def _seen_again(self, seen: Seen, watch: models.Watch) -> Seen:
        return Seen(seen.drained_at, seen.listed_at, watch.active_at, seen.tells, watch.has_gap)

    def _soon(self, bench: Bench, side: Side, drained_at: datetime | None, now: datetime) -> list[datetime]:
        """Deletions at rest, and records about which there is doubt."""
        at = rests_until(bench, side, drained_at)
        rests = [max(at, now) + _BRIEFLY] if at is not None else []
        doubts = [now + bench.read_lag(side) + _BRIEFLY] if bench.archive.to_look_at(side) else []
        return rests + doubts
