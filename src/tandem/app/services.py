"""The two services as one installation sees them: per account a proof, a budget and a meter, and doors made of them.

Rules: proofs and budgets live as long as the installation, so that limits hold over cycles; a door is made for one piece of work
with its own gate. Nothing is written through a door without a lease.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2

from tandem.accounts.tokens import Credentials
from tandem.app.proofs import Proofs
from tandem.app.sides import GOOGLE, PIPEDRIVE, TITLE
from tandem.clock import Clock
from tandem.config import Config
from tandem.connectors.google import api as google_api
from tandem.connectors.google import reasons as google_reasons
from tandem.connectors.google.budget import MinuteBudget
from tandem.connectors.http import Answer, Authorization, Budget, Call, Door
from tandem.connectors.pipedrive import reasons as pipedrive_reasons
from tandem.connectors.pipedrive.api import Operation
from tandem.connectors.pipedrive.budget import Ledger, TokenBudget
from tandem.engine.bench import Bench
from tandem.errors import LeaseLost, Unavailable
from tandem.replica import Work
from tandem.store import models
from tandem.store.grants import GrantDrawer, GrantKind, Grants
from tandem.store.ledger import TokenLedger
from tandem.store.moments import brief
from tandem.store.schedule import MARGIN_S
from tandem.store.vault import Vault

T = TypeVar("T")

#: Calls to Pipedrive at once; each waits for its own answer, and the burst limit is kept whatever their number.
THREADS = 4


class Meter:
    """A budget of several, which counts what passes: calls sent, and tokens they cost."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self._budgets = tuple(budgets)
        self._lock = threading.Lock()
        self.calls = 0
        self.tokens = 0

    def parts(self) -> tuple[Budget, ...]:
        """The budgets."""
        return self._budgets

    def before(self, call: Call) -> None:
        """Wait for all of them."""
        for budget in self._budgets:
            budget.before(call)
        with self._lock:
            self.calls += 1
            self.tokens += call.cost.get("tokens", 0)

    def after(self, call: Call, answer: Answer | None) -> None:
        """Tell all of them."""
        for budget in self._budgets:
            budget.after(call, answer)


@dataclass(slots=True)
class Gate:
    """Lets a write pass only while the lease outlives it. Without a lease, as in a preview, nothing is ever written."""

    clock: Clock
    timeout_s: float
    bench: Bench | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> None:
        """Renew the lease where it is about to end. Raises LeaseLost."""
        with self._lock:
            bench = self.bench
            if bench is None or bench.lease is None:
                raise LeaseLost("Nothing is written without a lease on the link.")
            if self.clock.now() + timedelta(seconds=self.timeout_s + MARGIN_S) < bench.lease.until:
                return
            with brief(bench.alias), bench.commit():
                pass


def open_gate() -> None:
    """For what a person asked for by name, outside any cycle."""


class Pool:
    """Carries out tasks at once in a few threads, which do nothing but HTTP. Results stand in the order of the tasks."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None

    def __call__(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Run them all."""
        if len(tasks) < 2:
            return [task() for task in tasks]
        self._executor = self._executor or ThreadPoolExecutor(THREADS, thread_name_prefix="tandem-http")
        return [future.result() for future in [self._executor.submit(task) for task in tasks]]

    def close(self, *, waits: bool = False) -> None:
        """End the threads. After a cycle nothing is under way; after one that was cut off, what is comes to its end by itself, and is
        waited for where this process goes on.
        """  # noqa: D205 - one promise
        if self._executor is not None:
            self._executor.shutdown(wait=waits, cancel_futures=True)
            self._executor = None


class LateLedger:
    """Takes tokens before it is known whose they are."""

    def __init__(self) -> None:
        self._inner: TokenLedger | None = None
        self._waiting = 0

    def spent(self) -> int:
        """Tokens spent today."""
        return self._waiting if self._inner is None else self._inner.spent()

    def add(self, tokens: int) -> None:
        """Write down tokens that are about to be spent, as soon as that can be."""
        if self._inner is None:
            self._waiting += tokens
        else:
            self._inner.add(tokens)

    def book(self, inner: TokenLedger) -> None:
        """Now it is known."""
        self._inner = inner
        inner.add(self._waiting)


@dataclass(frozen=True, slots=True)
class Trial:
    """A door for credentials that are not kept yet, and what passed it. Nothing can be written through it."""

    door: Door
    meter: Meter
    ledger: LateLedger


class Services:
    """Doors to both services. `config` already knows about a sandbox."""

    def __init__(self, config: Config, clock: Clock, client: httpx2.Client, *, alias: str, vault: Vault, proofs: Proofs) -> None:
        self._config = config
        self._clock = clock
        self._client = client
        self._alias = alias
        self._vault = vault
        self._made_by = proofs
        self._grants = Grants(alias)
        #: By account and kind: another process may have connected it in another way since.
        self._proofs: dict[tuple[int, GrantKind], Authorization] = {}
        self._meters: dict[int, Meter] = {}
        self._ledgers: dict[str, TokenLedger] = {}
        self._project: MinuteBudget | None = None

    def door(self, account: models.Account, gate: Callable[[], None], grant: models.Grant | None = None) -> Door:
        """The door of a connected account. `grant`: what it has allowed, where that was just read."""
        grant = grant or self._grants.of(account.id)
        return self._door(
            account.service, self._proof(account, grant), self.meter(account), gate, grant.api_url if grant is not None else ""
        )

    def _proof(self, account: models.Account, grant: models.Grant | None) -> Authorization:
        kind = GrantKind(grant.kind) if grant is not None else GrantKind.OAUTH
        key = account.id, kind
        if key not in self._proofs:
            self._proofs[key] = self._made_by.make(account.service, kind, GrantDrawer(self._vault, account.id))
        return self._proofs[key]

    def trial(self, service: str, kind: GrantKind, credentials: Credentials, api_url: str = "") -> Trial:
        """A way to try credentials."""
        ledger = LateLedger()
        meter = Meter(self._budgets(service, ledger))
        proof = self._made_by.make(service, kind, credentials)
        return Trial(self._door(service, proof, meter, Gate(self._clock, 0.0), api_url), meter, ledger)

    def take_over(self, account: models.Account, trial: Trial) -> None:
        """The credentials of a trial are now the account's; what it spent counts."""
        for kind in GrantKind:
            self._proofs.pop((account.id, kind), None)
        trial.ledger.book(self._ledger(account))
        self._meters.setdefault(account.id, trial.meter)
        self._divide(account)

    def meter(self, account: models.Account) -> Meter:
        """What passes the account's door."""
        if account.id not in self._meters:
            self._meters[account.id] = Meter(self._budgets(account.service, self._ledger(account)))
            self._divide(account)
        return self._meters[account.id]

    def tokens(self, account: models.Account) -> TokenBudget:
        """The account's budget of tokens. Only accounts that have one."""
        return next(part for part in self.meter(account).parts() if isinstance(part, TokenBudget))

    def spend_as(self, account: models.Account) -> Callable[[Work], None]:
        """How to say what the calls that follow are made for."""
        budget = self.tokens(account)

        def say(work: Work) -> None:
            budget.work = work

        return say

    def _divide(self, account: models.Account) -> None:
        """What the company's links spend on looking is counted on its own, too."""
        for part in self._meters[account.id].parts():
            if isinstance(part, TokenBudget):
                part.looked = self._ledger(account, ":looking")

    def _ledger(self, account: models.Account, what: str = "") -> TokenLedger:
        """The ledger of the account's company."""
        name = f"{account.service}:{account.external_id.partition(':')[0]}{what}"
        return self._ledgers.setdefault(name, TokenLedger(self._alias, name, self._clock.now))

    def ask(self, account: models.Account, *, is_renewing: bool = False) -> float | None:
        """One cheap call with the account's proof. Returns by how many seconds the service's clock is ahead, where it says.

        `is_renewing`: a new access token is asked for before, where there are any, so that the lasting one and its rights are tried.

        Raises whatever the service says.
        """
        is_google = account.service == GOOGLE
        call = google_api.get_myself() if is_google else Operation.GET_CURRENT_USER.call()
        door = self.door(account, open_gate)
        if is_renewing:
            self._proof(account, self._grants.of(account.id)).renew()
        answer = door.send(call)
        try:
            return (parsedate_to_datetime(answer.headers["date"]) - self._clock.now()).total_seconds()
        except (KeyError, ValueError, TypeError):
            return None

    def reach(self, service: str) -> str:
        """Whether a service answers at all, without any proof. Raises Unavailable."""
        url = self._config.url("GOOGLE_API_URL" if service == GOOGLE else "PIPEDRIVE_API_URL")
        try:
            self._client.get(url)
        except httpx2.HTTPError:
            raise Unavailable(f"{url} does not answer", service=TITLE[service]) from None
        return f"{url} answers"

    def settle_ledgers(self) -> None:
        """Give back tokens that were written down and not spent."""
        for ledger in self._ledgers.values():
            ledger.give_back()

    def _door(self, service: str, proof: Authorization, budget: Budget, gate: Callable[[], None], api_url: str) -> Door:
        is_google = service == GOOGLE
        explainer = google_reasons.explainer if is_google else pipedrive_reasons.explainer
        return Door(
            service=TITLE[service],
            base_url=self._made_by.api_url(service, api_url),
            client=self._client,
            authorization=proof,
            budget=budget,
            clock=self._clock,
            explain=explainer(self._clock),
            before_write=gate,
            timeout_s=self._config.number("HTTP_TIMEOUT_S"),
        )

    def _budgets(self, service: str, ledger: Ledger) -> list[Budget]:
        config, clock = self._config, self._clock
        if service == PIPEDRIVE:
            return [
                TokenBudget(
                    clock,
                    ledger,
                    burst_calls=config.whole("PIPEDRIVE_BURST_PER_2S"),
                    daily_tokens=config.whole("PIPEDRIVE_DAILY_TOKENS"),
                    share_percent=config.whole("PIPEDRIVE_DAILY_SHARE_PERCENT"),
                )
            ]
        reads, writes = config.whole("GOOGLE_READS_PER_MINUTE"), config.whole("GOOGLE_WRITES_PER_MINUTE")
        own = MinuteBudget(clock, {"critical-read": reads, "critical-write": writes, "read": reads, "write": writes})
        return [own, self._project_budget()]

    def _project_budget(self) -> MinuteBudget:
        """What all accounts of the installation may do together; without settings, anything."""
        if self._project is None:
            reads = self._config.optional_whole("GOOGLE_PROJECT_READS_PER_MINUTE")
            writes = self._config.optional_whole("GOOGLE_PROJECT_WRITES_PER_MINUTE")
            limits = {"critical-read": reads, "read": reads, "critical-write": writes, "write": writes}
            self._project = MinuteBudget(self._clock, {name: limit for name, limit in limits.items() if limit is not None})
        return self._project
