"""What a refusal of Pipedrive means: status, headers and the few words in bodies that can be relied upon -> one error.

Rules: of a body only names of parameters are kept, and only those that Tandem sends itself; a remote's sentences may hold contact
data. 401, 5xx, redirections and lost answers are the door's own matter and do not come here.

    400          Rejected, `reason` names the parameters complained about (see `complaints`)
    402          AccountClosed: the company's trial has run out, or it did not pay
    403 page     Unavailable: the network in front of Pipedrive blocks who went on calling after 429
    403 scope    ConsentNarrowed: the app was not given the right
    403 capping  NotAllowed, `reason` is the code: the company's plan has no room
    403          NotAllowed; `reason` is "contact-sync" where the company lacks Pipedrive's own contact sync
    404          NotThere
    429 daily    QuotaExhausted until the budget starts anew
    429          RateLimited
    other 4xx    Rejected

Sources: Pipedrive's pages on responses, HTTP status codes and rate limiting; bodies seen by users of API v2 in public reports. The
daily 429 is told from the short one by rules that public clients use: daily remainder 0, or calls left in the short window, or a
reset that is minutes away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tandem.clock import Clock
from tandem.connectors.http import Answer, Call, JsonObject
from tandem.connectors.wire import as_object
from tandem.errors import (
    AccountClosed,
    ConsentNarrowed,
    Malformed,
    NotAllowed,
    NotThere,
    QuotaExhausted,
    RateLimited,
    Rejected,
    TandemError,
    Unavailable,
)

SERVICE = "Pipedrive"
CONTACT_SYNC = "contact-sync"
BLOCKED = "blocked"
#: Where the short window's reset is not told.
BURST_WINDOW_S = 2.0
#: A reset this far away is not that of the short window.
_LONG_RESET_S = 300.0

_PATH = re.compile(r"(?:^|[;:] )([a-z][a-z0-9_.]*): ")
_UNKNOWN_KEY = re.compile(r"Unknown key '([0-9a-z_]+)'")
_QUOTED = re.compile(r"'([a-z_]+)'")
_CODE = re.compile(r"[A-Za-z_]{1,60}")
_HASH = re.compile(r"[0-9a-f]{40}")
#: The parameters that Tandem sends.
_PARAMETERS = frozenset(
    {
        *("name", "first_name", "last_name", "emails", "phones", "im", "postal_address", "org_id", "owner_id", "visible_to"),
        *("custom_fields", "field_name", "field_type", "filter_id", "ids", "updated_since", "include_fields", "limit", "cursor"),
    }
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A parameter that a 400 names: `custom_fields` only as a whole, else its code. `is_unknown`: it may not be sent at all."""

    parameter: str
    is_unknown: bool = False


def complaints(error: Rejected) -> tuple[Complaint, ...]:
    """What the `reason` of a refusal names."""
    words = (word.partition("=") for word in error.reason.split() if word)
    return tuple(Complaint(name, kind == "unknown") for name, _, kind in words if name in _PARAMETERS or _HASH.fullmatch(name))


def explainer(clock: Clock) -> Callable[[Call, Answer], TandemError]:
    """The table above, for a door."""

    def explain(call: Call, answer: Answer) -> TandemError:
        text = f"{SERVICE} refused {call.kind}"
        match answer.status:
            case 400:
                return Rejected(text, service=SERVICE, status=400, reason=_named_in(_words(answer)))
            case 402:
                return AccountClosed()
            case 403:
                return _forbidden(text, answer)
            case 404:
                return NotThere(text, service=SERVICE, status=404)
            case 429:
                return _over_limit(answer, clock.now())
            case _:
                return Rejected(text, service=SERVICE, status=answer.status)

    return explain


def is_page(answer: Answer) -> bool:
    """Whether an answer comes from the network in front of Pipedrive, not from Pipedrive."""
    return "html" in answer.headers.get("content-type", "") or answer.content.lstrip()[:1] == b"<"


def is_daily(answer: Answer) -> bool:
    """Whether a 429 means that the company's budget of the day is gone."""
    if header_number(answer.headers, "x-daily-ratelimit-token-remaining") == 0:
        return True
    left = header_number(answer.headers, "x-ratelimit-remaining")
    reset_s = header_number(answer.headers, "x-ratelimit-reset")
    return (left is not None and left > 0) or (reset_s is not None and reset_s >= _LONG_RESET_S)


def reset_at(answer: Answer, now: datetime) -> datetime:
    """When the budget of the day starts anew: as the answer says, else at the next midnight UTC."""
    reset_s = header_number(answer.headers, "x-ratelimit-reset")
    if reset_s is not None and reset_s >= _LONG_RESET_S:
        return now + timedelta(seconds=reset_s)
    return next_midnight(now)


def next_midnight(now: datetime) -> datetime:
    """The next midnight UTC."""
    return datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)


def header_number(headers: Mapping[str, str], name: str) -> float | None:
    """A header as a number; None where it is absent or no number. All of Pipedrive's limits are optional headers."""
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if 0 <= number < 1e15 else None


def _words(answer: Answer) -> JsonObject:
    try:
        return as_object(answer.json())
    except Malformed:
        return {}


def _named_in(words: JsonObject) -> str:
    """The parameters that an error text names, with what is wrong as far as it can be told."""
    text = words.get("error")
    if not isinstance(text, str):
        return ""
    if text.startswith("Cannot set "):
        return " ".join(f"{name}=unknown" for name in _QUOTED.findall(text) if name in _PARAMETERS)
    found: dict[str, str] = {}
    for part in text.removeprefix("Validation failed: ").split("; "):
        path = _PATH.match(part)
        if path is None:
            continue
        head, *below = path.group(1).split(".")
        key = _UNKNOWN_KEY.search(part)
        name = key.group(1) if key and _HASH.fullmatch(key.group(1)) else next((step for step in below if _HASH.fullmatch(step)), head)
        if name in _PARAMETERS or _HASH.fullmatch(name):
            found[name] = "unknown" if key or "not allowed" in part else "invalid"
    return " ".join(f"{name}={kind}" for name, kind in found.items())


def _forbidden(text: str, answer: Answer) -> TandemError:
    if is_page(answer):
        return Unavailable("Pipedrive has closed its door for a while", service=SERVICE, status=403, reason=BLOCKED)
    words = _words(answer)
    said, code = words.get("error"), words.get("code")
    said = said if isinstance(said, str) else ""
    if "scope" in said.casefold():
        return ConsentNarrowed()
    if "contact sync" in said.casefold():
        return NotAllowed(text, service=SERVICE, status=403, reason=CONTACT_SYNC)
    reason = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    return NotAllowed(text, service=SERVICE, status=403, reason=reason)


def _over_limit(answer: Answer, now: datetime) -> TandemError:
    if is_daily(answer):
        return QuotaExhausted(until=reset_at(answer, now), service=SERVICE)
    waits = [header_number(answer.headers, name) for name in ("retry-after", "x-ratelimit-reset")]
    return RateLimited(retry_after_s=max((wait for wait in waits if wait is not None), default=BURST_WINDOW_S), service=SERVICE)
