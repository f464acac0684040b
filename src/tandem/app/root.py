"""`Tandem`: one installation, opened. Read `bench` to see what a cycle is made of.

Rules: everything is built here and handed down; clock, transport, randomness and the way of running calls at once may be given
instead, so that tests and simulations hold several installations in one process, each with a database of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

import httpx2
from django.db import connections

from tandem.app import sandboxed
from tandem.app.linking import Connecting, Linking
from tandem.app.places import DATABASE_NAME, DataDir
from tandem.app.results import Result, of_report
from tandem.app.services import Gate, Pool, Services
from tandem.app.sides import PRODUCT
from tandem.clock import Clock, SystemClock
from tandem.config import Config
from tandem.connectors.google.replica import GoogleReplica
from tandem.connectors.http import make_client
from tandem.connectors.pipedrive.layout import parse_layout
from tandem.connectors.pipedrive.reading import RunAll
from tandem.connectors.pipedrive.replica import PipedriveReplica
from tandem.core.canonical import MatchKey
from tandem.core.contact import FieldName
from tandem.core.policy import Policy
from tandem.core.state import LinkId, Side
from tandem.engine.bench import Bench, Timings
from tandem.engine.cycle import run_cycle
from tandem.engine.preview import Preview, preview
from tandem.engine.report import CycleState, Report
from tandem.errors import LeaseLost, LinkStopped, QuotaExhausted, Reach, TandemError, WrongInput
from tandem.replica import Preparation, References, Replica
from tandem.store import models, setup
from tandem.store.archive import Archive
from tandem.store.links import Accounts, Links, LinkState
from tandem.store.schedule import Lease, Schedule
from tandem.store.vault import Vault, derive

#: What a look at both sides that finds nothing costs in Pipedrive's tokens: two lists.
_LOOK_TOKENS = 20
_DAY_S = 86_400
#: No faster than this, however large the budget.
SHORTEST_POLL_S = 30.0
#: Stands for a field that enabling will make, so that a preview shows what will go there.
_FIELD_TO_COME = "0" * 40


def _no_news(line: str, /, **counts: object) -> None:
    """Nobody listens."""


class Tandem:
    """One installation. Close it, or use it as a context manager.

    `alias`: its name in Django's registry, made from the path unless given; `run_all`: how several calls to Pipedrive are made
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
        database_path: Path | None = None,
        run_all: RunAll | None = None,
        token: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        if config.text("DATABASE_URL"):
            raise WrongInput("TANDEM_DATABASE_URL: this version keeps everything in SQLite in the data directory; leave it unset.")
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
        path = database_path or config.data_dir / DATABASE_NAME
        self.alias = alias or f"tandem-{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]}"
        setup.register(self.alias, path)
        setup.migrate(self.alias)
        self._token = token
        self._digest_key = derive(ring[-1], "tandem match keys")
        self._pool = Pool()
        self._run_all: RunAll = run_all or self._pool
        self._timeout_s = config.number("HTTP_TIMEOUT_S")
        self._client = make_client(timeout_s=self._timeout_s, transport=transport)
        self.accounts = Accounts(self.alias)
        self.links = Links(self.alias)
        self.schedule = Schedule(self.alias)
        self.vault = Vault(self.alias, ring)
        self.services = Services(config, self.clock, self._client, alias=self.alias, vault=self.vault, transport=transport)
        self.connecting = Connecting(self.services, self.accounts, self.vault, self.clock)
        self.linking = Linking(self.services, self.accounts, self.links, self.clock)
        self.installation = self._installation_id()

    def __enter__(self) -> Tandem:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back: threads, connections, the lock."""
        self.services.settle_ledgers()
        self._pool.close()
        self._client.close()
        connections[self.alias].close()
        self.place.unlock()

    def _installation_id(self) -> str:
        rows = models.Installation.objects.using(self.alias)
        row = rows.order_by("id").first() or rows.create(installation_id=self._token()[:12], created_at=self.clock.now())
        return row.installation_id

    def digest(self, key: MatchKey) -> str:
        """A match key as it may be stored: nobody can read it back without the secret key."""
        return hmac.new(self._digest_key, key.text.encode(), hashlib.sha256).hexdigest()[:24]

    def follow_clock(self) -> None:
        """Take over the sandbox's time, which may have been moved."""
        if self.sandbox is not None and self._system_clock is not None:
            self._system_clock.offset_s = self.sandbox.offset_s()

    @property
    def poll_s(self) -> float:
        """Seconds between two looks when nothing happens: half of our share of Pipedrive's tokens goes to looking."""
        share = self.config.number("PIPEDRIVE_DAILY_TOKENS") * self.config.number("PIPEDRIVE_DAILY_SHARE_PERCENT") / 100
        return max(SHORTEST_POLL_S, _DAY_S * _LOOK_TOKENS * 2 / max(share, 1.0))

    # One link

    def bench(self, link: int, *, lease: Lease | None = None, news: Callable[..., None] = _no_news) -> Bench:
        """What a cycle of this link works with. Without a lease it can look and not write."""
        row = self.links.one(link)
        link_id = LinkId(row.id)
        gate = Gate(self.clock, self._timeout_s)
        archive = Archive(self.alias, link_id)
        references = {side: archive.known_references(side) for side in Side}
        replicas: dict[Side, Replica] = {
            Side.LEFT: self._google(row, gate),
            Side.RIGHT: self._pipedrive(row, gate, references[Side.RIGHT], is_shown_only=lease is None),
        }
        left, right = (_kept(settings) for settings in (row.left_settings, row.right_settings))
        policy = self.links.policy(row)
        bench = Bench(
            alias=self.alias,
            link=link_id,
            policy=policy,
            mapping_version=row.mapping_version or mapping_version(policy, left, right),
            replicas=replicas,
            references=references,
            lacking={**left.lacking, **right.lacking},
            holds_marker={Side.LEFT: left.holds_marker, Side.RIGHT: right.holds_marker},
            installation=self.installation,
            digest=self.digest,
            clock=self.clock,
            timings=Timings(http_timeout_s=self._timeout_s, birth_quiet_s=self.config.number("BIRTH_QUIET_S")),
            token=self._token,
            news=news,
            lease=lease,
        )
        gate.bench = bench
        return bench

    def _google(self, row: models.Link, gate: Gate) -> GoogleReplica:
        door = self.services.door(row.left_account, gate)
        return GoogleReplica(door, group=str(row.left_settings["group"]), read_lag_s=self.config.number("GOOGLE_READ_LAG_S"))

    def _pipedrive(self, row: models.Link, gate: Gate, references: References, *, is_shown_only: bool) -> PipedriveReplica:
        settings = row.right_settings
        layout = str(settings.get("layout", ""))
        if is_shown_only and not settings.get("is_enabled"):
            places = parse_layout(layout)
            layout = replace(places, messengers=places.messengers or _FIELD_TO_COME, address=places.address or _FIELD_TO_COME).render()
        return PipedriveReplica(
            self.services.door(row.right_account, gate),
            references=references,
            layout=layout,
            owner_id=int(settings["owner"]),
            scope=str(settings["scope"]),
            read_lag_s=self.config.number("PIPEDRIVE_READ_LAG_S"),
            run_all=self._run_all,
        )

    def survey(self, link: int, *, is_enabling: bool = False, lease: Lease | None = None) -> Mapping[Side, Preparation]:
        """Where the fields of both sides live; when enabling, those that are lacking are made. Kept with the link."""
        row = self.links.one(link)
        bench = self.bench(link, lease=lease)
        prepared = {side: replica.enable() if is_enabling else replica.survey() for side, replica in bench.replicas.items()}
        settings = {Side.LEFT: row.left_settings, Side.RIGHT: row.right_settings}
        kept = {side: {**settings[side], **_kept_data(prepared[side]), "is_enabled": is_enabling} for side in Side}
        version = mapping_version(self.links.policy(row), prepared[Side.LEFT], prepared[Side.RIGHT])
        self.links.keep_settings(LinkId(row.id), kept[Side.LEFT], kept[Side.RIGHT], version)
        return prepared

    def preview(self, link: int, *, news: Callable[..., None] = _no_news) -> Preview:
        """The plan of the next cycle. Changes nothing, here or there."""
        self.follow_clock()
        row = self.links.one(link)
        shown = preview(self.bench(link, news=news))
        for side, settings in ((Side.LEFT, row.left_settings), (Side.RIGHT, row.right_settings)):
            if not settings.get("is_enabled"):
                shown.to_create[side] = _kept(settings).to_create
        self.services.settle_ledgers()
        return shown

    def cycle(self, link: int, *, cause: str, is_full: bool = False, news: Callable[..., None] = _no_news) -> Result:
        """Run one cycle to its end. On a draft link this is the first sync, and asking for it is the approval.

        Raises:
            WrongInput: the link is paused or removed.
            LeaseLost: another process works on it, or took it over.
            StorageError: nothing can be written down any more.
        """
        row = self.links.one(link)
        state = LinkState(row.state)
        if state in {LinkState.PAUSED, LinkState.REMOVED}:
            raise WrongInput(
                f"Link {row.id} is {state.value}" + ("; `tandem link resume` lets it go on." if state is LinkState.PAUSED else ".")
            )
        self.follow_clock()
        lease = self.schedule.claim(LinkId(row.id), f"{self._token()}"[:40], self.clock.now(), is_alone=self.place.is_locked_by_us)
        if lease is None:
            raise LeaseLost(f"Another process is working on link {row.id}.")
        if state is LinkState.DRAFT:
            self.links.activate(LinkId(row.id))
        meters = {PRODUCT[side]: self.services.meter(account) for side, account in _accounts_of(row)}
        before = {name: (meter.calls, meter.tokens) for name, meter in meters.items()}
        try:
            report = self._prepare(row, lease) or run_cycle(self.bench(row.id, lease=lease, news=news), cause=cause, is_full=is_full)
            requests = {name: meter.calls - before[name][0] for name, meter in meters.items()}
            tokens = sum(meter.tokens - before[name][1] for name, meter in meters.items())
            if report.cycle:
                self.links.note_counts(report.cycle, {"requests": requests, "tokens": tokens})
        finally:
            self.services.settle_ledgers()
            self.schedule.release(lease, next_due_at=self._next_due_at(row.id))
        return of_report(report, requests, tokens)

    def _prepare(self, row: models.Link, lease: Lease) -> Report | None:
        """Before the first cycle, and after a link had stopped, the fields are made that are lacking. A report when that fails."""
        is_stopped = row.state == LinkState.NEEDS_PERSON.value
        if row.left_settings.get("is_enabled") and row.right_settings.get("is_enabled") and not is_stopped:
            return None
        try:
            self.survey(row.id, is_enabling=True, lease=lease)
        except LeaseLost:
            raise
        except TandemError as error:
            if error.reach is Reach.PROCESS:
                raise
            report = Report(row.id)
            report.conclude(error)
            if report.state is CycleState.IN_SYNC:
                report.state = CycleState.UNFINISHED
            self._keep_stop(row, error)
            return report
        return None

    def _keep_stop(self, row: models.Link, error: TandemError) -> None:
        link, now = LinkId(row.id), self.clock.now()
        match error:
            case LinkStopped():
                self.links.stop(link, LinkState.NEEDS_PERSON, type(error).__name__, str(error))
            case QuotaExhausted():
                self.links.stop(link, LinkState.WAITING, "quota", str(error), error.until)
            case _:
                self.links.stop(link, LinkState.WAITING, "unavailable", str(error), now + timedelta(seconds=60))

    def _next_due_at(self, link: int) -> datetime:
        row, now = self.links.one(link), self.clock.now()
        return max(row.wait_until or now, now + timedelta(seconds=self.poll_s if row.wait_until is None else 0))


def mapping_version(policy: Policy, left: Preparation, right: Preparation) -> str:
    """Where the synced fields live and how numbers are read; when this changes, bases made before it do not count any more."""
    places = sorted(f"{name}@{place}" for prepared in (left, right) for name, place in prepared.places.items())
    return ",".join([*places, f"region={policy.region}"])[:200]


def _accounts_of(row: models.Link) -> tuple[tuple[Side, models.Account], ...]:
    return (Side.LEFT, row.left_account), (Side.RIGHT, row.right_account)


def _kept_data(prepared: Preparation) -> dict[str, object]:
    return {
        "layout": prepared.layout,
        "places": dict(prepared.places),
        "to_create": list(prepared.to_create),
        "lacking": dict(prepared.lacking),
        "holds_marker": prepared.holds_marker,
    }


def _kept(settings: Mapping[str, object]) -> Preparation:
    """What `_kept_data` has kept."""
    places, lacking, to_create = settings.get("places"), settings.get("lacking"), settings.get("to_create")
    return Preparation(
        layout=str(settings.get("layout", "")),
        places={FieldName(name): str(place) for name, place in places.items()} if isinstance(places, dict) else {},
        to_create=tuple(str(name) for name in to_create) if isinstance(to_create, list) else (),
        lacking={FieldName(name): str(text) for name, text in lacking.items()} if isinstance(lacking, dict) else {},
        holds_marker=settings.get("holds_marker") is not False,
    )
