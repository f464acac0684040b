"""The only door to the network: one `Door` for one account, through which every request of a connector goes.

Rules
    - Reads may be repeated: while the service is not available they are sent again, a few times, with growing waits.
    - A write is sent exactly once. What was lost before the first byte left is a definite no (`Unavailable`); what was lost
      afterwards (time-out, reset, 5xx, a success that does not parse) may have happened (`OutcomeUnknown`). Only definite noes
      that pass by themselves are sent again: a 401, once, under a renewed token, and a burst limit that is over in a moment.
    - Errors and logs carry the kind of call, status and ids; never queries, bodies, tokens, or what the service wrote.
    - Clock, client, authorization and budget are injected; nothing is kept but the connection, and no cookie is.

The waits of repeated reads go through the injected clock, so that a virtual clock does not really wait. That is why tenacity is
used here as it is and not through stamina, whose waiting cannot be replaced.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol

import httpx2
import tenacity

from tandem import __version__
from tandem.clock import Clock
from tandem.connectors.wire import (
    Json,
    JsonObject,
    as_list,
    as_number,
    as_object,
    as_text,
    number_at,
    object_at,
    objects_at,
    parse,
    text_at,
    whole_characters,
)
from tandem.errors import Malformed, OutcomeUnknown, QuotaExhausted, RateLimited, ReconnectNeeded, TandemError, Unavailable

__all__ = [
    "Answer",
    "Authorization",
    "Budget",
    "Call",
    "Door",
    "Json",
    "JsonObject",
    "as_list",
    "as_number",
    "as_object",
    "as_text",
    "make_client",
    "number_at",
    "object_at",
    "objects_at",
    "parse",
    "text_at",
    "trusted",
]

_log = logging.getLogger(__name__)

#: How often one read is sent before the cycle is told that the service is not available.
READ_ATTEMPTS = 4
#: The first wait between two attempts of a read; it doubles.
FIRST_WAIT_S = 1.0
#: A service that asks for more patience than this is left to the schedule.
LONGEST_WAIT_S = 90.0
#: A write that met a burst limit is sent again after a wait this short; for a longer one the link waits.
BURST_WAIT_S = 5.0
#: What went wrong before the first byte of a request had left.
_NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be made. `kind` is the service's own name of the call; `cost` counts by bucket of the account's budget."""

    kind: str
    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Json = None
    is_write: bool = False
    cost: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Json:
        """The body. Malformed when it is no JSON."""
        return parse(self.content)

    @property
    def is_success(self) -> bool:
        """Whether the service says that it did what was asked."""
        return 200 <= self.status < 300


class Authorization(Protocol):
    """How an account proves that it may."""

    def headers(self) -> Mapping[str, str]:
        """The headers that open the door now. Raises ReconnectNeeded when there are none any more."""
        ...

    def renew(self) -> bool:
        """After a 401: whether there is another token that makes one more try of the same call worth it."""
        ...


class Budget(Protocol):
    """How much of a service an account may use."""

    def before(self, call: Call) -> None:
        """Wait until the call fits, or raise RateLimited or QuotaExhausted."""
        ...

    def after(self, call: Call, answer: Answer | None) -> None:
        """Take in what the call cost, and what the answer says about what is left. None: no answer came."""
        ...


class Door:
    """The way of one account to one service.

    `explain` turns an answer that is neither a success nor a matter of the door itself (401, 5xx, lost) into an error;
    `before_write` is called right before each write leaves and raises LeaseLost when it must not. `timeout_s` bounds one answer
    as a whole, however slowly it drips: a write must be over before the lease that covers it.
    """

    def __init__(
        self,
        *,
        service: str,
        base_url: str,
        client: httpx2.Client,
        authorization: Authorization,
        budget: Budget,
        clock: Clock,
        explain: Callable[[Call, Answer], TandemError],
        before_write: Callable[[], None],
        timeout_s: float = 60.0,
    ) -> None:
        self.service = service
        self.clock = clock
        self._base_url = base_url.rstrip("/")
        self._client = client
        self._authorization = authorization
        self._budget = budget
        self._explain = explain
        self._before_write = before_write
        self._timeout = timedelta(seconds=timeout_s)

    def send(self, call: Call) -> Answer:
        """A success, else an error: see the rules of this module. The success of a write parses as JSON or is empty (204)."""
        attempts = tenacity.Retrying(
            sleep=self.clock.sleep,
            stop=tenacity.stop_after_attempt(READ_ATTEMPTS),
            wait=_pause,
            retry=tenacity.retry_if_exception(_is_untouched_and_brief if call.is_write else _is_worth_another_try),
            reraise=True,
        )
        return attempts(self._send_once, call)

    def _send_once(self, call: Call) -> Answer:
        answer = self._exchange(call)
        if answer.status == 401 and self._authorization.renew():
            answer = self._exchange(call)
        if answer.status == 401:
            raise ReconnectNeeded(f"{self.service} does not accept the account's token any more: connect it again.")
        if answer.status >= 500 or answer.status == 408:
            raise self._lost(call, answer.status)
        if 300 <= answer.status < 400:
            raise Malformed(f"{self.service} answered {call.kind} by a redirection", service=self.service, status=answer.status)
        if not answer.is_success:
            raise self._explain(call, answer)
        self._check_parses(call, answer)
        return answer

    def _exchange(self, call: Call) -> Answer:
        """One request and its answer, whatever it says."""
        self._budget.before(call)
        begun_at = self.clock.now()
        answer: Answer | None = None
        try:
            headers = self._authorization.headers()
            if call.is_write:
                self._before_write()
            begun_at = self.clock.now()
            answer = self._fetch(call, headers, begun_at + self._timeout)
        except _NOTHING_SENT:
            raise Unavailable(f"{self.service} cannot be reached", service=self.service) from None
        except httpx2.RequestError:
            raise self._lost(call) from None
        finally:
            self._budget.after(call, answer)
            elapsed_ms = (self.clock.now() - begun_at) / timedelta(milliseconds=1)
            _log.debug("%s %s -> %s in %.0f ms", self.service, call.kind, answer.status if answer else "lost", elapsed_ms)
        return answer

    def _fetch(self, call: Call, headers: Mapping[str, str], until: datetime) -> Answer:
        content = None if call.body is None else json.dumps(call.body, separators=(",", ":")).encode()
        typed = {**headers, "content-type": "application/json"} if content is not None else headers
        # Whole at once: a client that is given the query by itself takes the address apart twice.
        url = f"{self._base_url}{call.path}?{httpx2.QueryParams(list(call.query))}" if call.query else self._base_url + call.path
        with self._client.stream(call.method, url, content=content, headers=typed) as response:
            parts: list[bytes] = []
            for part in response.iter_bytes():
                parts.append(part)
                if self.clock.now() > until:
                    raise httpx2.ReadTimeout("the answer drips", request=response.request)
        lower = {key.lower(): value for key, value in response.headers.items()}
        return Answer(response.status_code, lower, whole_characters(b"".join(parts)))

    def _lost(self, call: Call, status: int | None = None) -> Unavailable | OutcomeUnknown:
        """What a missing answer means."""
        if call.is_write:
            return OutcomeUnknown(f"the answer to {call.kind} is missing: it may have happened", service=self.service, status=status)
        return Unavailable(f"{self.service} did not answer {call.kind}", service=self.service, status=status)

    def _check_parses(self, call: Call, answer: Answer) -> None:
        """A write is known to have happened only when its answer is whole; a read is taken apart by who asked."""
        if not call.is_write or answer.status == 204:
            return
        try:
            answer.json()
        except Malformed:
            raise self._lost(call, answer.status) from None


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed, for all clients of this process: reading them takes longer than ten calls. Holds no secret."""
    return httpx2.create_ssl_context()


def make_client(*, timeout_s: float, transport: httpx2.BaseTransport | None = None) -> httpx2.Client:
    """A client for all accounts of a process: no redirects, no cookies kept, and silent about URLs and headers.

    `timeout_s` is for connecting, for sending and for each silence in an answer.
    """
    for name in ("httpx2", "httpcore2"):  # they log whole URLs at INFO, and headers at DEBUG
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx2.Client(
        transport=transport,
        verify=trusted() if transport is None else True,
        timeout=timeout_s,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        # Google compresses only for agents whose name says gzip as well.
        headers={"user-agent": f"tandem/{__version__} (gzip)", "accept-encoding": "gzip", "accept": "application/json"},
    )


def _is_worth_another_try(error: BaseException) -> bool:
    if isinstance(error, QuotaExhausted) or not isinstance(error, Unavailable):
        return False
    return not (isinstance(error, RateLimited) and error.retry_after_s > LONGEST_WAIT_S)


def _is_untouched_and_brief(error: BaseException) -> bool:
    """Of what may happen to a write only a rate limit is a sure "not done, and in a moment it may pass"."""
    return isinstance(error, RateLimited) and not isinstance(error, QuotaExhausted) and error.retry_after_s <= BURST_WAIT_S


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: doubling, and never less than the service asks for."""
    error = state.outcome.exception() if state.outcome is not None else None
    asked_s = error.retry_after_s if isinstance(error, RateLimited) else 0.0
    return max(asked_s, FIRST_WAIT_S * 2.0 ** (state.attempt_number - 1))
