"""One seed, one schedule: people edit, Tandem runs and dies, services fail and lag, time passes; then all trouble ends.

Rules: everything is drawn from the seed, and time is the sandbox's, so a seed replays exactly (`digest`). People also edit in the
middle of a cycle, but only right before a request that reads, or one that Google would refuse if something had moved: between a
read and the write that follows it Pipedrive has nothing that would protect an edit, and no program could.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx2

from engine.probed.base import probes
from engine.stage import Stage, Terms
from simulation.deeds import BY_NAME
from simulation.hands import SIDES, Event, Hands
from simulation.views import GOOGLE, PIPEDRIVE, View, views
from tandem.core.policy import BrakeLimits, ConflictRule, Policy
from tandem.engine.report import Report
from tandem.sandbox.faults import Rule
from tandem.sandbox.transport import SandboxTransport
from tandem.store import models

HOUR, DAY = 3600.0, 86_400.0
_PAUSES = (0.0, 0.0, 0.4, 1.0, 5.0, 40.0, 61.0, 130.0, 700.0, HOUR, DAY + 60, 5 * DAY, 8 * DAY)
_LISTINGS = r"connections\.list|getPersons|getOrganizations"
_ANY_EFFECTS = ("429", "500", "502", "503", "refused", "lost-request", "lost-answer", "reset", "late", "garbage", "after-500", "after-503")
_PIPEDRIVE_EFFECTS = ("429-html", "524", "429-daily")
#: Cycles until nothing moves any more, once all trouble has ended.
_PATIENCE = 16
_WIDE = BrakeLimits(removals=10_000, removals_small_book=10_000, creations=10_000, updates=10_000)


class Death(BaseException):
    """The process dies here."""


@dataclass(frozen=True)
class Deletion:
    """A record that Tandem deleted: what it said before, and after which human edit it was gone."""

    side: str
    record: str
    view: View
    n: int


@dataclass
class _Fate:
    """When the process dies: at a commit or a request, counted from now. None: it lives."""

    commit: int | None = None
    request: int | None = None
    is_after: bool = False

    def meet(self, what: str, *, is_after: bool) -> bool:
        """Whether this is the place."""
        left = getattr(self, what)
        if left is None or is_after != self.is_after:
            return False
        setattr(self, what, left - 1)
        return left <= 0


class _Meddling(httpx2.BaseTransport):
    """The sandbox, with people who edit while a cycle runs, and the place where the process dies."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._inner = SandboxTransport(play.stage.world)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on."""
        self._play.meet("request", is_after=False)
        if self._play.is_calm_before(request):
            answer = self._inner.handle_request(request)
        else:
            self._play.hands.do()
            answer = self._inner.handle_request(request)
        self._play.meet("request", is_after=True)
        return answer


@dataclass
class Play:
    """One run of one seed."""

    seed: int
    stage: Stage = field(init=False)
    rng: random.Random = field(init=False)
    hands: Hands = field(init=False)
    #: Records that Tandem deleted.
    deletions: list[Deletion] = field(default_factory=list)
    #: Pairs by (left, right): after which human edit both were first seen together.
    met: dict[tuple[str, str], int] = field(default_factory=dict)
    #: Records that Tandem made while another of the same name and the same e-mail or phone was there: (side, new, other).
    doubles: list[tuple[str, str, str]] = field(default_factory=list)
    #: A listing of Google's was cut: contacts outside the group may have been hidden, which nothing would show.
    is_google_cut: bool = False
    #: Pairs of which a person released what was held.
    released: set[int] = field(default_factory=set)
    reports: list[Report] = field(default_factory=list)
    deaths: int = 0
    is_quiet: bool = False
    _fate: _Fate = field(default_factory=_Fate)
    _meddling: float = 0.0
    _content: bytes = b""

    def __post_init__(self) -> None:
        self.rng = random.Random(f"play {self.seed}")
        self.stage = Stage(self._terms())
        if self.rng.random() < 0.3:
            self.stage.world.google.switches["get_lag_s"] = self.stage.terms.lag_s
        self.hands = Hands(self.stage, random.Random(f"hands {self.seed}"), BY_NAME)

    def _terms(self) -> Terms:
        rng = self.rng
        rule = rng.choice([ConflictRule.RIGHT, ConflictRule.RIGHT, ConflictRule.LEFT, ConflictRule.ASK])
        policy = Policy(conflicts=rule, region="PL", brake=BrakeLimits() if rng.random() < 0.25 else _WIDE)
        return Terms(lag_s=rng.choice([0.0, 0.0, 600.0]), policy=policy, contact_sync=rng.random() < 0.75, seed=self.seed)

    def close(self) -> None:
        """Forget the database."""
        self.stage.close()

    # The schedule

    def run(self) -> None:
        """The whole schedule, up to the moment when people stop and faults end."""
        for _ in range(self.rng.randint(2, 5)):
            self.hands.do(self.rng.choice(["new_contact", "new_person", "same_person_twice"]))
        self.wait(self.rng.choice(_PAUSES))
        for _ in range(self.rng.randint(12, 30)):
            match self.rng.choices(["edit", "cycle", "wait"], [55, 30, 15])[0]:
                case "edit":
                    self.hands.do()
                case "cycle":
                    self.troubled_cycle()
                case _:
                    self.wait(self.rng.choice(_PAUSES))

    def finish(self) -> None:
        """No more edits, no more faults: cycles until nothing moves, beyond the next full listing of both sides."""
        self.stage.world.faults.clear()
        self.calm()
        self.wait(8 * DAY)
        self.calm()

    def calm(self) -> None:
        """Cycles with time between them, until two in a row have nothing to do."""
        idle = 0
        for _ in range(_PATIENCE):
            report = self.cycle()
            is_stopped = self.stage.link.state not in {"active"}
            idle = idle + 1 if not report.writes and not report.settling and not is_stopped else 0
            if idle == 2:
                break
            self.wait(self.stage.terms.lag_s + 61)
        self.is_quiet = idle == 2

    def answer(self) -> None:
        """A person answers what can be answered by a word: holds are released, conflicts decided."""
        for question in models.Question.objects.using(self.stage.alias).filter(closed_at=None):
            if question.kind in {"hold", "conflict"}:
                question.choice = "release" if question.kind == "hold" else self.rng.choice(["left", "right"])
                question.save(using=self.stage.alias)
                self.released.add(question.pair_id)
                models.Pair.objects.using(self.stage.alias).filter(id=question.pair_id or 0).update(is_dirty=True)

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.note(f"wait {seconds}")
        self.stage.wait(seconds)

    def note(self, line: str) -> None:
        """A line of the trace."""
        self.hands.log.trace.append(line)

    def run_week(self, *, is_troubled: bool) -> None:
        """Seven days of the services' time: people type now and then, Tandem syncs every few hours or sooner, with or without trouble."""
        end = self.stage.world.clock.now() + timedelta(days=7)
        for _ in range(self.rng.randint(4, 8)):
            self.hands.do(self.rng.choice(["new_contact", "new_person", "same_person_twice"]))
        while self.stage.world.clock.now() < end:
            for _ in range(self.rng.choice([0, 0, 1, 1, 2, 4])):
                self.hands.do()
            self.wait(self.rng.choice([30.0, 300.0, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR]))
            if is_troubled and self.rng.random() < 0.5:
                self.troubled_cycle()
            else:
                self.cycle()

    # Trouble

    def troubled_cycle(self) -> None:
        """One cycle, with whatever may go wrong in it."""
        rng = self.rng
        is_full = rng.random() < 0.05
        for _ in range(rng.choice([0, 0, 1, 2])):
            self._break()
        if rng.random() < 0.06:
            is_full = True
            self._cut_listing()
        self._meddling = 0.08 if rng.random() < 0.3 else 0.0
        if rng.random() < 0.3:
            at = rng.randint(0, 14)
            place = rng.choice(["commit", "request"])
            self._fate = _Fate(**{place: at}, is_after=rng.random() < 0.5)
        self.cycle(is_full=is_full)
        self._fate, self._meddling = _Fate(), 0.0
        if rng.random() < 0.7 or is_full:
            self.stage.world.faults.clear()

    def _break(self) -> None:
        rng, service = self.rng, self.rng.choice(SIDES)
        effects = _ANY_EFFECTS + (_PIPEDRIVE_EFFECTS if service == PIPEDRIVE else ("429-daily",))
        method, times = rng.choice(["", "", "POST", "PATCH", "DELETE"]), rng.choice([1, 1, 1, 3])
        # A late request arrives before the client gives up: after that people may have edited what it overwrites.
        rule = Rule(service, ".", rng.choice(effects), method, skip=rng.randint(0, 8), times=times, seconds=rng.choice([3, 29]))
        self._add(rule)

    def _cut_listing(self) -> None:
        """A listing lacks its tail without any hint. On Google a full one: nobody could tell that changes were left out of a feed."""
        rng, service = self.rng, self.rng.choice(SIDES)
        effect, skip = rng.choice(["truncate", "empty"]), 0 if service == GOOGLE else rng.randint(0, 3)
        self.is_google_cut |= service == GOOGLE
        self._add(Rule(service, _LISTINGS, effect, skip=skip))

    def _add(self, rule: Rule) -> None:
        self.note(f"fault {rule.service} {rule.effect} {rule.method or rule.match} skip {rule.skip} times {rule.times}")
        self.stage.world.faults.add(rule)

    def is_calm_before(self, request: httpx2.Request) -> bool:
        """Whether nobody edits right before this request."""
        is_safe = request.method == "GET" or request.url.path.endswith(":updateContact")
        return not is_safe or self.rng.random() >= self._meddling

    def meet(self, what: str, *, is_after: bool) -> None:
        """Die here, if this is the place. What is committed by then is all that the next process finds."""
        if self._fate.meet(what, is_after=is_after):
            self._content = self.stage.database.content()
            self._fate = _Fate()
            self.note(f"dies at a {what}, {'after' if is_after else 'before'} it")
            raise Death

    # Tandem

    def cycle(self, *, is_full: bool = False) -> Report:
        """One cycle, perhaps to its end."""
        before = {side: views(self.stage, side) for side in SIDES}
        n = self.hands.log.n
        self.stage.transport = _Meddling(self)
        probes[self.stage.alias] = lambda label: self.meet("commit", is_after=label == "after-commit")
        report = Report(0)
        try:
            report = self.stage.cycle(is_full=is_full)
        except Death:
            self.deaths += 1
        finally:
            del probes[self.stage.alias]
            self.stage.transport = None
            if self._content:
                self._be_born_again()
        self.note(f"cycle: {report.state.value} {report.written} settling {report.settling} open {report.questions} {report.sentence}")
        self.reports.append(report)
        self._look_back(before, n)
        return report

    def _be_born_again(self) -> None:
        stage = Stage(self.stage.terms, self.stage.world, self._content)
        self.stage.close()
        self.stage = self.hands.stage = stage
        self._content = b""

    def _look_back(self, before: dict[str, dict[str, View]], n: int) -> None:
        """Note what the cycle deleted and paired."""
        log = self.hands.log
        for side in SIDES:
            after = views(self.stage, side)
            known = {**before[side], **{event.record: event.view for event in log.events if event.side == side and event.n > n}}
            for record in sorted(known.keys() - after.keys()):
                last = log.last("deleted", side, record)
                if last is None or _is_restored_since(log.events, last):
                    self.deletions.append(Deletion(side, record, known[record], log.n))
                    self.note(f"    Tandem deleted {side} {record}")
            for record in sorted(after.keys() - known.keys()):
                self.note(f"    Tandem made {side} {record}: {sorted(after[record].values())}")
                self.doubles += [
                    (side, record, other)
                    for other in sorted(after)
                    if other != record and not after[other].is_hidden and _is_alike(after[record], after[other])
                ]
        for pair in models.Pair.objects.using(self.stage.alias).exclude(left_id=None).exclude(right_id=None).order_by("id"):
            if (pair.left_id, pair.right_id) not in self.met:
                self.met[pair.left_id, pair.right_id] = log.n
                self.note(f"    pair {pair.left_id} {pair.right_id} ({pair.reason})")

    def digest(self) -> str:
        """One line for all that happened."""
        world = self.stage.world
        requests = [repr(replace(entry)) for entry in world.log]
        whole = json.dumps([self.hands.log.trace, requests, world.google.state(), world.pipedrive.state()], sort_keys=True, default=str)
        return hashlib.sha256(whole.encode()).hexdigest()


def _is_restored_since(events: list[Event], deleted: Event) -> bool:
    return any(
        event.n > deleted.n and event.what == "restored" and (event.side, event.record) == (deleted.side, deleted.record)
        for event in events
    )


def _is_alike(one: View, other: View) -> bool:
    """Whether two records are one person beyond doubt: the same name, and an e-mail or phone in common."""
    names = [f"{view.texts['first']} {view.texts['last']}".strip() for view in (one, other)]
    return names[0] == names[1] != "" and any(one.lists[name].keys() & other.lists[name].keys() for name in ("emails", "phones"))
