"""One cycle over one link: recover, observe, reconcile, guard, record, apply, settle.

    observe      drain both sides' changes into shadows             (network, then one commit)
    recover      find out what became of unanswered writes          (network, then one commit)
    bring in     read who stands outside and looks like somebody, follow what was said about them (network, then one commit a wave)
    decide       reconcile, match, and let the brake judge          (one commit, no network)
    carry out    record a wave - send it - settle it with the next  (one commit a wave)

A round that was overtaken by an edit, or that has an answer missing, is followed by another one, at most `ROUNDS` in all;
what is open then goes on in a later cycle. Killed at any point, the next cycle goes on from what is written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tandem.core.state import RecordId, Side
from tandem.engine import aged
from tandem.engine.adoption import bring_in
from tandem.engine.apply import Hand
from tandem.engine.bench import Bench
from tandem.engine.decide import decide
from tandem.engine.decided import Decided
from tandem.engine.hints import Glance, Look, conclude, glance
from tandem.engine.observe import Absorbed, absorb
from tandem.engine.outside import unsettled_members
from tandem.engine.recover import recover
from tandem.engine.rejoin import rejoin
from tandem.engine.report import CycleState, Report
from tandem.engine.rest import may_rest
from tandem.engine.settle import Acted
from tandem.engine.stillness import is_still
from tandem.engine.undo import note_matches, take_back
from tandem.errors import (
    LayoutMoved,
    LeaseLost,
    LinkStopped,
    ListingDoubted,
    NotAllowed,
    PermissionWithdrawn,
    QuotaExhausted,
    TandemError,
    Unavailable,
)
from tandem.replica import Work
from tandem.store import models

ROUNDS = 3


@dataclass(slots=True)
class _Cycle:
    bench: Bench
    row: models.Cycle
    report: Report
    looks: Mapping[Side, Look]
    #: What looking is done for, and everything else.
    looking: Work
    working: Work
    #: What was seen already, just before.
    seen: dict[Side, Glance]
    #: The last round found nothing to decide.
    is_still: bool = False

    def run(self) -> None:
        """Rounds until nothing moves; then what a person wants taken back, and rounds again, which carry that to the other side."""
        aged.check_rested(self.bench)
        rejoin(self.bench, self.row)
        self._rounds(self.looks)
        for _ in range(ROUNDS):
            taken = take_back(self.bench, self.row)
            if taken is None:
                return
            self._count(taken)
            if taken.stopped_by is not None:
                raise taken.stopped_by
            self._rounds(_later(self.looks))
        self.report.settling += 1

    def _rounds(self, looks: Mapping[Side, Look]) -> None:
        for turn in range(ROUNDS):
            for side in Side:
                self._observe(side, (_later(looks) if turn else looks)[side], self.looking)
            self._know_again()
            self.bench.spend_as(self.working)
            recovered = recover(self.bench, self.row)
            self._count(recovered)
            self.is_still = is_still(self.bench)
            if self.is_still:
                self._note_open(Decided(), Acted())
                if not recovered.is_restless:
                    return
                continue
            brought = bring_in(self.bench, self.row)
            self._count(brought)
            decided = self._decide()
            acted = self._carry_out(decided)
            self._count(acted)
            self._note_open(decided, acted)
            if (stopped_by := brought.stopped_by or acted.stopped_by) is not None:
                raise stopped_by
            if not (acted.is_restless or recovered.is_restless):
                return

    def _know_again(self) -> None:
        """After a restore: a second look confirms what is there before anything is concluded; then what we made since is paired again."""
        link = self.bench.link_row()
        if link.restored_at is None:
            return
        if link.relisted_at is None:
            self._believe()
            if not any(self.bench.archive.feed(side).is_disbelieved for side in Side):
                with self.bench.commit():
                    aged.note_listing(self.bench)
        if self.bench.archive.has_unpaired():
            with self.bench.commit():
                aged.pair_by_marker(self.bench)

    def _observe(self, side: Side, look: Look, work: Work) -> Absorbed:
        seen = self.seen.pop(side, None) or glance(self.bench, side, look, work)
        with self.bench.commit():
            absorbed = absorb(self.bench, seen.gathered)
            conclude(self.bench, seen)
        return absorbed

    def _decide(self) -> Decided:
        """Decide; before anything is created, the receiving side is looked at once more for what came meanwhile."""
        decided = self._decide_once()
        births, references = decided.creates_on(), self._makes_references_on(decided)
        if not births | references:
            return decided
        is_first = self.bench.link_row().first_synced_at is None
        seen = [self._observe(side, Look.CHANGES, self.working) for side in Side if side in births | references]
        self.bench.spend_as(self.working)
        if is_first and births:
            self._believe()
        return decided if all(absorbed.is_quiet for absorbed in seen) else self._decide_once()

    def _makes_references_on(self, decided: Decided) -> set[Side]:
        """Sides on which a name would have to be made first, as far as is known."""
        sides = set()
        for action in decided.plan.actions:
            wanted = decided.reference_wanted(action)
            is_kept = self.bench.replicas[action.side].capabilities.has_references
            if wanted and is_kept and self.bench.references[action.side].find(wanted) is None:
                sides.add(action.side)
        return sides

    def _decide_once(self) -> Decided:
        with self.bench.commit():
            decided = decide(self.bench)
            self.bench.journal.note(self.row, decided.notes, self.bench.now())
            note_matches(self.bench, self.row, decided)
        if decided.stopped_by is not None:
            raise decided.stopped_by
        self.report.matched += decided.matched
        return decided

    def _believe(self) -> None:
        """A first sync creates nothing before a second, independent look has confirmed what both sides listed."""
        for side in Side:
            listed = frozenset(RecordId(id_) for id_ in self.bench.archive.live_ids(side))
            # Who was just brought in may show in one look and not yet in the other.
            disputed = self.bench.replicas[side].disputed(listed) - unsettled_members(self.bench, side)
            if disputed:
                raise ListingDoubted(f"Two looks at one side do not agree on {len(disputed)} records; nothing was created.")

    def _carry_out(self, decided: Decided) -> Acted:
        if not decided.plan.actions:
            return Acted()
        is_approved = self.bench.link_row().approval is not None
        self.bench.news("plan", actions=len(decided.plan.actions))
        return Hand(self.bench, self.row, decided, is_approved).carry_out()

    def _count(self, acted: Acted) -> None:
        for (side, kind), number in acted.counts.items():
            self.report.count(side, kind, number)
        self.report.conflicts += acted.conflicts
        self.report.adopted += acted.adopted

    def _note_open(self, decided: Decided, acted: Acted) -> None:
        report, bench = self.report, self.bench
        report.conflicts += sum(1 for conflicts in decided.conflicts.values() for item in conflicts if item.winner is None)
        report.held = len(decided.plan.held) + len(decided.asked) + acted.held
        report.left_out = len(decided.births.left_out)
        report.parked = len(bench.pairs.parked())
        report.questions = sum(1 for item in bench.pairs.questions() if item.kind != "hold" and not item.choice)
        report.settling = decided.settling + decided.births.quiet + bench.journal.count_pending()


def run_cycle(
    bench: Bench,
    *,
    cause: str,
    is_full: bool = False,
    looks: Mapping[Side, Look] | None = None,
    looking: Work = Work.PEOPLE,
    seen: Mapping[Side, Glance] | None = None,
) -> Report:
    """Run one cycle to its end. The bench holds a lease. Errors that concern the link are its state, not exceptions.

    `looks`: how much of each side is looked at (default: what moved, or with `is_full` everything), and `looking` what for. `seen`: looks
    at sides that were just made.

    Raises:
        LeaseLost, StorageError, WrongInput: nothing more may be written; what is written down is picked up by the next cycle.
    """
    started = bench.now()
    report = Report(int(bench.link))
    with bench.commit():
        row = bench.journal.open_cycle(epoch=bench.lease.epoch if bench.lease else 0, cause=cause, at=started)
    report.cycle = row.id
    cycle = _begin(bench, row, report, looks or dict.fromkeys(Side, Look.FULL if is_full else Look.CHANGES), looking, seen or {})
    stopped_by: TandemError | None = None
    try:
        cycle.run()
    except LeaseLost:
        raise
    except (LinkStopped, Unavailable) as error:
        stopped_by = error
    except TandemError as error:
        if error.reach.value == "process":
            raise
        # A refusal of one record is an outcome; one that ends a cycle concerns the account.
        stopped_by = PermissionWithdrawn() if isinstance(error, NotAllowed) else error
    report.settling = max(report.settling, bench.journal.count_pending())
    report.conclude(stopped_by)
    report.seconds = (bench.now() - started).total_seconds()
    with bench.commit():
        bench.journal.close_cycle(row, state=report.state.value, counts=report.counts(), at=bench.now())
        is_at_rest = stopped_by is None and cycle.is_still and report.state is CycleState.IN_SYNC and may_rest(bench)
        _keep_state(bench, report, stopped_by, is_at_rest=is_at_rest)
    return report


def _later(looks: Mapping[Side, Look]) -> Mapping[Side, Look]:
    """How the sides are looked at again in the same cycle: listing everything once is enough."""
    return {side: Look.CHANGES if look is Look.FULL else look for side, look in looks.items()}


def _begin(
    bench: Bench, row: models.Cycle, report: Report, looks: Mapping[Side, Look], looking: Work, seen: Mapping[Side, Glance]
) -> _Cycle:
    is_first = bench.link_row().first_synced_at is None
    working = Work.FIRST if is_first else Work.PEOPLE
    return _Cycle(bench, row, report, looks, Work.FIRST if is_first else looking, working, dict(seen))


def _keep_state(bench: Bench, report: Report, stopped_by: TandemError | None, *, is_at_rest: bool) -> None:
    """Write down how the link stands now."""
    link, now = bench.link_row(), bench.now()
    if link.state in {"paused", "removed"}:
        # A person's word from while the cycle ran.
        return
    match stopped_by:
        case LinkStopped():
            link.state, link.reason = "needs-person", type(stopped_by).__name__
        case QuotaExhausted():
            link.state, link.reason, link.wait_until = "waiting", "quota", stopped_by.until
        case LayoutMoved():
            link.state, link.reason, link.wait_until = "waiting", "layout", now
        case Unavailable():
            link.state, link.reason, link.wait_until = "waiting", "unavailable", now + timedelta(seconds=60)
        case _:
            link.state, link.reason, link.wait_until = "active", "", None
    link.sentence = report.sentence
    if is_at_rest:
        link.rest_epoch = link.epoch
    if stopped_by is None:
        link.last_success_at = now
        if link.first_synced_at is None and not report.settling:
            link.first_synced_at, link.approval = now, None
    link.save(
        using=bench.alias,
        update_fields=["state", "reason", "sentence", "wait_until", "last_success_at", "first_synced_at", "approval", "rest_epoch"],
    )
