"""Making things go wrong: rules that say which call suffers what, scripted (skip and times) or seeded (probability).

The first rule that matches a call and fires decides. A rule has randomness of its own, so that adding one does not change the
ids and etags that the services draw.

Effects: a status number, with the body the service itself would send; `N-...` a variant of it (`429-daily`, `429-html`,
`403-html`); `after-N` applied, and then the status; `refused` nothing arrived; `lost-request` timeout, not applied;
`lost-answer` applied, then timeout; `reset` applied, then the connection is reset; `late` timeout, and applied `seconds` of
sandbox time later; `garbage` applied, and half a JSON body with status 200; `truncate` a listing page that lacks its tail without
any hint and names no next page; `empty` the same without any record; `slow` the right answer after `seconds`.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tandem.sandbox.fault_bodies import error_answer
from tandem.sandbox.wire import Call, Loss, Request, Response, answer

WORDS = frozenset({"refused", "lost-request", "lost-answer", "reset", "late", "garbage", "truncate", "empty", "slow"})
_NAME = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)+")
_STATUS = re.compile(r"(?:after-)?([45]\d\d)(?:-[a-z]+)?")
#: Where each service keeps the records of a listing.
_LISTS = ("connections", "contactGroups", "data")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to fail. `match` is a call's whole name (words and dots), or else a regular expression found in its name or path.

    `skip` matching calls pass before the first failure; `times` failures follow (None: without end), each with `probability`.
    """

    service: str
    match: str
    effect: str
    method: str = ""
    skip: int = 0
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 60.0

    def __post_init__(self) -> None:
        """Refuse an effect that does not exist. ValueError; re.error for a bad pattern."""
        if self.effect not in WORDS and not _STATUS.fullmatch(self.effect):
            raise ValueError(f"no such effect: {self.effect}")
        re.compile(self.match)

    def fits(self, service: str, call: Call, request: Request) -> bool:
        """Whether this call is one of those meant."""
        if self.service != service or (self.method and self.method != request.method):
            return False
        if _NAME.fullmatch(self.match):
            return self.match == call.kind
        return bool(re.search(self.match, call.kind) or re.search(self.match, request.path))


@dataclass(slots=True)
class _Tally:
    seen: int = 0
    fired: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force, and how often each was met."""

    rng: random.Random
    rules: list[Rule] = field(default_factory=list)
    tallies: list[_Tally] = field(default_factory=list)

    def add(self, rule: Rule) -> None:
        """Put a rule in force, behind those already there."""
        self.rules.append(rule)
        self.tallies.append(_Tally())

    def clear(self) -> None:
        """End all rules."""
        self.rules.clear()
        self.tallies.clear()

    def pick(self, service: str, call: Call, request: Request) -> Rule | None:
        """The rule that hits this call; every rule that fits counts the call, whether it fires or not."""
        hit: Rule | None = None
        for rule, tally in zip(self.rules, self.tallies, strict=True):
            if not rule.fits(service, call, request):
                continue
            tally.seen += 1
            spent = rule.times is not None and tally.fired >= rule.times
            if hit is not None or spent or tally.seen <= rule.skip or self.rng.random() >= rule.probability:
                continue
            tally.fired += 1
            hit = rule
        return hit


def before(rule: Rule) -> Response | None:
    """The failure that keeps the call from being applied now; None when the call goes through to the service."""
    match rule.effect:
        case "refused":
            return Response(0, loss=Loss.REFUSED)
        case "lost-request" | "late":
            return Response(0, loss=Loss.TIMEOUT)
        case word if word in WORDS or word.startswith("after-"):
            return None
        case _:
            return error_answer(rule.service, rule.effect)


def after(rule: Rule, response: Response, sync_token: str = "") -> Response:
    """What becomes of the service's own answer. `sync_token` closes a shortened listing of Google's."""
    match rule.effect:
        case "lost-answer":
            return replace(response, loss=Loss.TIMEOUT)
        case "reset":
            return replace(response, loss=Loss.RESET)
        case "slow":
            return replace(response, delay_s=rule.seconds)
        case "garbage":
            return replace(response, body=response.body[: len(response.body) // 2])
        case "truncate" | "empty":
            return _shortened(response, rule.effect == "empty", sync_token)
        case _:
            return replace(error_answer(rule.service, rule.effect.removeprefix("after-")), tokens=response.tokens)


def _shortened(response: Response, empty: bool, sync_token: str) -> Response:
    """The listing without its tail, made to look like the last page."""
    try:
        page = json.loads(response.body)
    except ValueError:
        return response
    name = next((name for name in _LISTS if isinstance(page, Mapping) and isinstance(page.get(name), list)), None)
    if response.status != 200 or name is None:
        return response
    page[name] = [] if empty else page[name][: len(page[name]) // 2]
    if page.pop("nextPageToken", None) and sync_token:
        page["nextSyncToken"] = sync_token
    if isinstance(extra := page.get("additional_data"), dict):
        extra["next_cursor"] = None
        if isinstance(paging := extra.get("pagination"), dict):
            paging["more_items_in_collection"] = False
            paging.pop("next_start", None)
    if name != "data" and not page[name]:
        del page[name]
    return answer(page, tokens=response.tokens)
