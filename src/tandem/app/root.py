"""`Tandem`: one installation, opened. Read `bench` to see what a cycle is made of.

Rules: everything is built here and handed down; clock, transport, randomness and the way of running calls at once may be given
instead, so that tests and simulations hold several installations in one process, each with a database of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import date, timedelta
from types import TracebackType

import httpx2
from django.db import DatabaseError, InterfaceError, connections, transaction

from tandem.accounts.consent import Connected, Consents
from tandem.accounts.endpoints import Tokens
from tandem.app import sandboxed
from tandem.app.benches import Benches
from tandem.app.connecting import Connecting
from tandem.app.desk import HOME, Desk
from tandem.app.disconnecting import Disconnecting
from tandem.app.hearing import Hearing
from tandem.app.linking import Linking, MadeLink, Wish
from tandem.app.patience import Patience
from tandem.app.places import DataDir
from tandem.app.preparations import is_survey_due, kept, kept_data, mapping_version
from tandem.app.proofs import Proofs
from tandem.app.regrouping import Regrouping
from tandem.app.resting import Resting, Stirred
from tandem.app.results import Result, of_report, of_row
from tandem.app.routing import place_of
from tandem.app.services import Pool, Services
from tandem.app.sides import PRODUCT
from tandem.app.watching import Watching
from tandem.clock import Clock, SystemClock
from tandem.config import Config
from tandem.connectors.http import make_client
from tandem.connectors.pipedrive.reading import RunAll
from tandem.core.state import LinkId, Side
from tandem.databases import Database, SqliteFile
from tandem.engine.aged import check_rested
from tandem.engine.bench import MARKER_PREFIX, Bench
from tandem.engine.cycle import run_cycle
from tandem.engine.leaving import let_go
from tandem.engine.preview import Preview, preview
from tandem.engine.report import Report
from tandem.errors import LeaseLost, LinkStopped, QuotaExhausted, Reach, StorageUnavailable, TandemError, WrongInput
from tandem.replica import Work
from tandem.store import models, setup
from tandem.store.answers import Answers
from tandem.store.authorisations import Authorisations
from tandem.store.erasing import Erasing
from tandem.store.installation import check_writable, known_installation
from tandem.store.journal import Journal
from tandem.store.links import Accounts, Links, LinkState
from tandem.store.schedule import Lease, Schedule
from tandem.store.vault import Vault, derive

#: A link that waits for this has lost a field.
_LAYOUT = "layout"


def _no_news(line: str, /, **counts: object) -> None:
    """Nobody listens."""


class Tandem:
    """One installation. Close it, or use it as a context manager.

    `alias`: its name in Django's registry, made from the database unless given; `run_all`: how several calls to Pipedrive are made
    (default: a few at once); `token`: where random tokens come from.

    Raises:
        StorageError: data directory, key or database cannot be used.
        WrongInput: the configuration cannot be.
        Unavailable: a sandbox is configured and does not answer.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        transport: httpx2.BaseTransport | None = None,
        alias: str | None = None,
        database: Database | None = None,
        run_all: RunAll | None = None,
        token: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        database = database or config.database
        self.sandbox: sandboxed.SandboxControl | None = None
        offset_s = 0.0
        if config.text("SANDBOX_URL"):
            self.sandbox = sandboxed.SandboxControl(config.url("SANDBOX_URL"), transport)
            offset_s = self.sandbox.offset_s()
            config = sandboxed.fitted(config, self.sandbox)
        self.config = config
        self._system_clock = SystemClock(offset_s) if clock is None else None
        self.clock: Clock = clock or self._system_clock or SystemClock()
        self.place = DataDir(config.data_dir)
        ring = self.place.ring(config.text("SECRET_KEY"))
        self.alias = alias or f"tandem-{database.identity}"
        self._token = token
        installation = self._open(database, ring[-1])
        #: Proves to a command of this installation that it speaks to its own server.
        self.here_key = derive(ring[-1], "tandem here")
        self._pool = Pool()
        self._client = make_client(timeout_s=config.number("HTTP_TIMEOUT_S"), transport=transport)
        self.accounts = Accounts(self.alias)
        self.links = Links(self.alias)
        is_shared = not isinstance(database, SqliteFile)
        self.schedule = Schedule(self.alias, self.place.kin if is_shared else "")
        self.vault = Vault(self.alias, ring)
        self.proofs = Proofs(config, self.clock, transport)
        self.disconnecting = Disconnecting(self.proofs, self.accounts, self.links, self.vault, self.clock)
        self.services = self._make_services()
        self.linking = Linking(self.services, self.accounts, self.links, self.clock)
        self.watching = Watching(config, self.services, self.links, self.clock, self.alias, self.sandbox is not None)
        self.hearing = Hearing(self.services, self.vault, self.clock, self.alias)
        self.connecting = self._make_connecting(self.services, self.hearing)
        self._benches = Benches(
            alias=self.alias,
            config=config,
            clock=self.clock,
            services=self.services,
            links=self.links,
            watching=self.watching,
            run_all=run_all or self._pool,
            token=token,
            installation=installation,
            digest_key=derive(ring[-1], "tandem match keys"),
        )
        self.resting = Resting(self.alias, self.clock, self.watching, self._benches, self.schedule)
        self.regrouping = Regrouping(self.alias, self.linking, self.links, self.clock)
        self._installation = installation
        self._forgot_on: dict[int, date] = {}

    def _open(self, database: Database, key: str) -> str:
        """Bring the tables up to date, and see whether the database is ours. Returns who we are."""
        setup.register(self.alias, database)
        setup.migrate(self.alias)
        try:
            return known_installation(self.alias, key, self._token, self.clock.now())
        except BaseException:
            connections[self.alias].close()
            raise

    def __enter__(self) -> Tandem:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close(waits=isinstance(error, StorageUnavailable))

    def close(self, *, waits: bool = False) -> None:
        """Give everything back: threads, connections, the lock. `waits`: for calls that are under way, so that none is left behind."""
        with ExitStack() as last:
            last.callback(self.place.unlock)
            last.callback(connections[self.alias].close)
            last.callback(self._client.close)
            last.callback(self._pool.close, waits=waits)
            with suppress(DatabaseError, InterfaceError):  # counted too many, at most
                self.services.settle_ledgers()

    def _make_services(self) -> Services:
        return Services(self.config, self.clock, self._client, alias=self.alias, vault=self.vault, proofs=self.proofs)

    def _make_connecting(self, services: Services, hearing: Hearing) -> Connecting:
        return Connecting(services, self.proofs, self.accounts, self.links, self.vault, hearing, self.clock)

    def consents(self) -> Consents:
        """The consents in the browser, with services of their own: another thread may take an answer."""
        services = self._make_services()
        connecting = self._make_connecting(services, Hearing(services, self.vault, self.clock, self.alias))

        def connect(service: str, tokens: Tokens, expected: str, user: int | None) -> Connected:
            try:
                return connecting.by_consent(service, tokens, expected, user=user)
            finally:
                services.settle_ledgers()

        return Consents(Authorisations(self.vault), self.proofs.place, connect, self.clock)

    def desk(self) -> Desk:
        """What takes the answers of consents, over HTTP."""
        home = place_of(self.config.url("BASE_URL")).prefix + HOME
        return Desk(self.consents, self.disconnecting, self.proofs, Patience(self.clock), self.alias, self.here_key, home)

    def check_database(self) -> str:
        """Write, and take it back; says what the database is. Raises StorageError when that is not possible."""
        return check_writable(self.alias, self.clock.now())

    def follow_clock(self) -> None:
        """Take over the sandbox's time, which may have been moved."""
        if self.sandbox is not None and self._system_clock is not None:
            self._system_clock.offset_s = self.sandbox.offset_s()

    @property
    def poll_s(self) -> float:
        """Seconds between two cycles while something settles."""
        return self.watching.settle_s

    # One link

    def make_link(self, wish: Wish) -> MadeLink:
        """Make a link, as a draft, and look where its fields will live. Raises what `Linking.make` raises."""
        try:
            return self.linking.make(wish)
        finally:
            self.services.settle_ledgers()

    def pause(self, link: int) -> None:
        """Nothing more is done until it is resumed; a cycle under way ends at its next commit."""
        self.links.pause(LinkId(link))

    def resume(self, link: int, *, other_is_gone: bool = False) -> None:
        """Go on, at once. `other_is_gone`: other installations whose markers were found here do not run any more."""
        if other_is_gone:
            Answers(self.alias, LinkId(link)).declare_gone(self._installation, MARKER_PREFIX)
        self.links.resume(LinkId(link))

    def remove(self, link: int) -> None:
        """Take a link apart and erase what is stored of its contacts. Nothing is deleted on either side."""
        self.hearing.end(self.links.one(link))
        self.links.remove(LinkId(link))

    def let_go(self, link: int) -> int:
        """Agree that those who have left the group or filter stay outside. Returns how many they are."""
        count = let_go(self.alias, link)
        if count and self.links.one(link).state == LinkState.NEEDS_PERSON.value:
            self.links.activate(LinkId(link))
        return count

    def bench(self, link: int, *, lease: Lease | None = None, news: Callable[..., None] = _no_news) -> Bench:
        """What a cycle of this link works with. Without a lease it can look and not write."""
        return self._benches.make(self.links.one(link), lease, news)

    def _enable(self, row: models.Link, lease: Lease) -> None:
        """Make the fields that are lacking, and keep where they are."""
        bench = self.bench(row.id, lease=lease)
        prepared = {side: replica.enable() for side, replica in bench.replicas.items()}
        left, right = prepared[Side.LEFT], prepared[Side.RIGHT]
        version, now = mapping_version(self.links.policy(row), left, right), self.clock.now()
        with bench.commit():
            self.links.keep_settings(
                LinkId(row.id),
                {**row.left_settings, **kept_data(left), "is_enabled": True},
                {**row.right_settings, **kept_data(right), "is_enabled": True, "surveyed_at": now.isoformat()},
                version,
            )
            if version != row.mapping_version:
                bench.pairs.touch_all()

    def claim(self, link: int, owner: str) -> Lease | None:
        """Take a link, or None when somebody holds it; the working process takes over what dead ones of its directory have left."""
        return self.schedule.claim(LinkId(link), self._owner(owner), self.clock.now(), is_alone=self.place.is_locked_by_us)

    def _owner(self, name: str) -> str:
        """How we sign leases: as one of the directory's, when we are its working process."""
        return (f"{self.place.kin}{name}" if self.place.is_locked_by_us else name)[:40]

    def preview(self, link: int, *, news: Callable[..., None] = _no_news) -> Preview:
        """The plan of the next cycle. Changes nothing, here or there."""
        self.follow_clock()
        row = self.links.one(link)
        shown = preview(self.bench(link, news=news))
        for side, settings in ((Side.LEFT, row.left_settings), (Side.RIGHT, row.right_settings)):
            if not settings.get("is_enabled"):
                shown.to_create[side] = kept(settings).to_create
        self.services.settle_ledgers()
        return shown

    def cycle(self, link: int, *, cause: str, is_full: bool = False, news: Callable[..., None] = _no_news) -> Result:
        """Run one cycle to its end. On a draft link this is the first sync, and asking for it is the approval; likewise after a restore.

        Raises:
            WrongInput: the link is paused or removed.
            Unavailable: it was restored a moment ago; nothing was approved.
            LeaseLost: another process works on it, or took it over.
            StorageError: nothing can be written down any more.
        """
        row = self.links.one(link)
        state = LinkState(row.state)
        _check_may_run(row)
        self.follow_clock()
        if state is LinkState.RESTORED:
            # Its approval is for what a preview can show, so not before there can be one.
            check_rested(self.bench(row.id))
        stirred, owner = Stirred(), self._token()
        if cause == "due" and self.resting.may(row):
            rested = self.resting.look(row, self._owner(owner))
            if isinstance(rested, Result):
                return rested
            stirred = rested
        lease = stirred.lease or self.claim(row.id, owner)
        if lease is None:
            raise LeaseLost(f"Another process is working on link {row.id}.")
        if state is LinkState.DRAFT:
            self.links.activate(LinkId(row.id))
        elif state is LinkState.RESTORED:
            self.links.approve(LinkId(row.id))
        meters = {PRODUCT[side]: self.services.meter(account) for side, account in _accounts_of(row)}
        before = {name: (meter.calls, meter.tokens) for name, meter in meters.items()}
        looks, looking = self.watching.looks(row, is_due=cause == "due", is_full=is_full)
        begun_at = self.clock.now()
        due_at = begun_at + timedelta(seconds=self.watching.settle_s)
        try:
            row = self.regrouping.find_again(row, lease)

            def run() -> tuple[Bench, Report]:
                stopped = self._prepare(self.links.one(row.id), lease, cause)
                bench = self.bench(row.id, lease=lease, news=news)
                return bench, stopped or run_cycle(bench, cause=cause, looks=looks, looking=looking, seen=stirred.seen)

            bench, report = run()
            if self.links.one(row.id).reason == _LAYOUT:
                # A field has gone: where the fields live now is found out at once, and the cycle is run on that.
                bench, report = run()
            requests = {name: meter.calls - before[name][0] for name, meter in meters.items()}
            tokens = sum(meter.tokens - before[name][1] for name, meter in meters.items())
            self._forget_old(LinkId(row.id))
            if report.cycle:
                self.links.note_counts(report.cycle, {"requests": requests, "tokens": tokens})
            due_at = self.watching.plan(bench, looks, report, begun_at)
        finally:
            self.services.settle_ledgers()
            self.services.spend_as(row.right_account)(Work.PEOPLE)
            self.schedule.release(lease, next_due_at=due_at)
        return of_report(report, requests, tokens)

    def _forget_old(self, link: LinkId) -> None:
        """Once a day, erase history that is older than wished."""
        today = self.clock.now().date()
        if self._forgot_on.get(link) != today:
            self._forgot_on[link] = today
            now = self.clock.now()
            Erasing(self.alias).forget_before(link, now - timedelta(days=self.config.whole("HISTORY_DAYS")), now)

    def forget_old(self) -> None:
        """The same for every link, those too that are not going."""
        for row in self.links.all():
            self._forget_old(LinkId(row.id))

    def ask_for_cycle(self, link: int, *, is_full: bool = False) -> int:
        """Ask the working process for a cycle. Returns what `answer_to` needs: the last cycle before."""
        row = self.links.one(link)
        last = self.links.last_cycle(LinkId(link))
        _check_may_run(row)
        if LinkState(row.state) in {LinkState.DRAFT, LinkState.NEEDS_PERSON}:
            self.links.activate(LinkId(link))
        elif row.state == LinkState.RESTORED.value:
            check_rested(self.bench(link))
            self.links.approve(LinkId(link))
        if is_full:
            self.links.ask_full(LinkId(link))
        self.schedule.request(LinkId(link))
        return last.id if last else 0

    def answer_to(self, link: int, asked: int) -> Result | None:
        """The cycle that was asked for, once it has ended."""
        row = self.links.cycle_after(LinkId(link), asked)
        return of_row(row) if row is not None and "requests" in row.counts else None

    def _prepare(self, row: models.Link, lease: Lease, cause: str) -> Report | None:
        """Before the first cycle, every night, and after a link had stopped, the fields are looked for and made where they are lacking.

        Returns a report when that fails.
        """
        is_stopped = row.state == LinkState.NEEDS_PERSON.value or row.reason == _LAYOUT
        is_enabled = row.left_settings.get("is_enabled") and row.right_settings.get("is_enabled")
        if is_enabled and not is_stopped and not is_survey_due(row.right_settings, self.clock.now()):
            return None
        try:
            self._enable(row, lease)
        except LeaseLost:
            raise
        except TandemError as error:
            if error.reach is Reach.PROCESS:
                raise
            return self._keep_stop(row, lease, cause, error)
        return None

    def _keep_stop(self, row: models.Link, lease: Lease, cause: str, error: TandemError) -> Report:
        """Write down a cycle that ended before it could begin."""
        link, now = LinkId(row.id), self.clock.now()
        journal, report = Journal(self.alias, link), Report(row.id)
        with transaction.atomic(using=self.alias):
            self.schedule.hold(lease, now)
            match error:
                case LinkStopped():
                    self.links.stop(link, LinkState.NEEDS_PERSON, type(error).__name__, str(error))
                case QuotaExhausted():
                    self.links.stop(link, LinkState.WAITING, "quota", str(error), error.until)
                case _:
                    self.links.stop(link, LinkState.WAITING, "unavailable", str(error), now + timedelta(seconds=60))
            cycle = journal.open_cycle(epoch=lease.epoch, cause=cause, at=now)
            report.conclude(error)
            report.cycle = cycle.id
            journal.close_cycle(cycle, state=report.state.value, counts=report.counts(), at=now)
        return report


def _check_may_run(row: models.Link) -> None:
    if row.state in {LinkState.PAUSED.value, LinkState.REMOVED.value}:
        raise WrongInput(f"Link {row.id} is {row.state}; `tandem link resume {row.id}` lets a paused one go on.")


def _accounts_of(row: models.Link) -> tuple[tuple[Side, models.Account], ...]:
    return (Side.LEFT, row.left_account), (Side.RIGHT, row.right_account)
