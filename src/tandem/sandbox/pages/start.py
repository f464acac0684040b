"""The start page of the sandbox: what happened, breaking things, the clock, and starting anew."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from tandem.sandbox.faults import Rule
from tandem.sandbox.google_model import Life
from tandem.sandbox.pages.frame import PAGE_SIZE, Refused, Visit, sent_on, whole
from tandem.sandbox.seeding import BOOKS, start_anew
from tandem.sandbox.wire import Response
from tandem.sandbox.world import LogEntry, World

SERVICES = {"google": "Google Contacts", "pipedrive": "Pipedrive"}
#: Steps of the clock: seconds, and what the button says.
STEPS = {60: "1 minute", 600: "10 minutes", 3_600: "1 hour", 86_400: "1 day", 2_592_000: "30 days"}
_API = {"google": r"^(people|contactGroups)\.", "pipedrive": r"^(get|add|update|delete|merge|search)[A-Z]"}
_WRITES = {
    "google": r"^people\.(create|update|delete|batch(Create|Update|Delete))|^contactGroups\.(create|update|delete|members)",
    "pipedrive": r"^(add|update|delete|merge)[A-Z]",
}
SLOW_S = 3.0


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break a service: what the button says, what it means, the effect on which calls, and how often."""

    title: str
    text: str
    effect: str
    match: Mapping[str, str]
    probability: float = 1.0

    def rule(self, service: str) -> Rule:
        """As a rule without an end."""
        return Rule(service, self.match[service], self.effect, times=None, probability=self.probability, seconds=SLOW_S)


_EVERY = dict.fromkeys(SERVICES, "")
BREAKAGES: Mapping[str, Breakage] = {
    "quota": Breakage("Use up the quota", "Every call is refused: nothing is left of the day’s quota.", "429-daily", _API),
    "rate": Breakage("Limit the rate", "Every other call is refused: too many at once.", "429", _API, 0.5),
    "outage": Breakage("Outage", "Nothing works: 503 for all calls, sign-in too.", "503", _EVERY),
    "lost": Breakage("Lose answers", "Half of the changes are made, and their answers get lost.", "lost-answer", _WRITES, 0.5),
    "slow": Breakage("Slow down", f"Every answer takes {SLOW_S:g} seconds.", "slow", _EVERY),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of what happened: a request of an application, or an edit by a person."""

    at: float
    service: str
    who: str
    what: str
    detail: str
    status: str
    note: str
    is_write: bool = False
    is_bad: bool = False

    @property
    def time(self) -> str:
        """When, by the sandbox's clock."""
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def start(visit: Visit) -> Response:
    """GET: the start page."""
    world, request = visit.world, visit.request
    service, writes = request.one("service"), request.one("writes") == "1"
    number = max(1, whole(request.one("page"), 1))
    chosen = (one for one in events(world) if (not service or one.service == service) and (not writes or one.is_write))
    rows = list(islice(chosen, (number - 1) * PAGE_SIZE, number * PAGE_SIZE + 1))
    kept = "".join(
        f"{name}={value}&" for name, value in (("service", service if service in SERVICES else ""), ("writes", "1" * writes)) if value
    )
    rules = list(zip(world.faults.rules, world.faults.tallies, strict=True))
    return visit.page(
        "start.html",
        rows=rows[:PAGE_SIZE],
        number=number,
        has_older=len(rows) > PAGE_SIZE,
        address=f"/?{kept}",
        service=service,
        writes=writes,
        services=SERVICES,
        breakages=BREAKAGES,
        rules=[(SERVICES.get(rule.service, rule.service), _told(rule), tally.fired) for rule, tally in rules],
        steps=STEPS,
        now=world.clock.now().strftime("%Y-%m-%d %H:%M:%S"),
        offset=span(world.clock.offset_s),
        is_frozen=world.clock.frozen_at is not None,
        contacts=sum(one.state.life is Life.LIVE for account in world.google.accounts.values() for one in account.book.contacts.values()),
        persons=sum(not versions[-1][1].is_deleted for versions in world.pipedrive.company.persons.rows.values()),
    )


def _told(rule: Rule) -> str:
    """A rule in words: those of its button, where it has one."""
    known = next((one.text for one in BREAKAGES.values() if one.rule(rule.service) == rule), None)
    return known or f"{rule.effect} for calls like “{rule.match}”"


def span(seconds: float) -> str:
    """How far the clock is off: 2 days 3 h 4 min."""
    left, parts = int(abs(seconds)), []
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")):
        if left >= size:
            parts.append(f"{left // size} {'day' if name == 'days' and left // size == 1 else name}")
            left %= size
    return " ".join(parts) + (" behind" if seconds < 0 else "") if parts else ""


# --- what happened ----------------------------------------------------------------------------------------------------------


def events(world: World) -> Iterator[Event]:
    """Requests and people's edits, the newest first; made one by one, since nobody reads far."""
    requests = (_request(entry) for entry in reversed(world.log))
    in_google = (_edit("google", one.at, one.op, one.record_id) for one in reversed(world.google.human_log))
    in_pipedrive = (
        _edit("pipedrive", datetime.fromisoformat(one.at).timestamp(), one.op, "" if one.id is None else str(one.id))
        for one in reversed(world.pipedrive.human_log)
    )
    return heapq.merge(in_google, in_pipedrive, requests, key=lambda event: event.at, reverse=True)


def _request(entry: LogEntry) -> Event:
    told = [f"fault: {entry.fault}"] if entry.fault else []
    told += ["the answer was lost" if entry.applied else "the connection was lost"] if entry.loss != "none" else []
    told += ["and yet it was done"] if entry.is_write and entry.applied and not 200 <= entry.status < 300 else []
    is_bad = not 200 <= entry.status < 400
    return Event(
        entry.at,
        entry.service,
        "Application",
        entry.kind,
        f"{entry.method} {entry.path}",
        str(entry.status or "no answer"),
        ", ".join(told),
        entry.is_write,
        is_bad,
    )


def _edit(service: str, at: float, op: str, record_id: str) -> Event:
    return Event(at, service, "Person", op.replace("_", " "), record_id, "done", "", is_write=True)


# --- deeds ------------------------------------------------------------------------------------------------------------------


def break_it(visit: Visit) -> Response:
    """POST: one more thing goes wrong; pressed twice it is no worse."""
    form = visit.form()
    service, breakage = form.one("service"), BREAKAGES.get(form.one("do"))
    if service not in SERVICES or breakage is None:
        raise Refused("Choose one of the buttons on the start page.")
    rule = breakage.rule(service)
    if rule not in visit.world.faults.rules:
        visit.world.faults.add(rule)
    return sent_on("/", "broken")


def mend(visit: Visit) -> Response:
    """POST: take it all back."""
    visit.world.faults.clear()
    return sent_on("/", "mended")


def revoke(visit: Visit) -> Response:
    """POST: the owner withdraws what was granted to applications: every account of Google, or every user of Pipedrive."""
    world = visit.world
    match visit.form().one("service"):
        case "google":
            answers = [world.google.human("revoke", {"account": email}) for email in world.google.accounts]
            was_any = any(isinstance(one, dict) and one.get("revoked") for one in answers)
        case "pipedrive":
            answers = [world.pipedrive.human("uninstall_app", {"user": user}) for user in world.pipedrive.company.users]
            was_any = any(isinstance(one, dict) and one.get("uninstalled") for one in answers)
        case _:
            raise Refused("Choose one of the buttons on the start page.")
    return sent_on("/", "revoked" if was_any else "nothing-revoked")


def advance(visit: Visit) -> Response:
    """POST: move the clock forward by one of the steps."""
    seconds = whole(visit.form().one("seconds"), 0)
    if seconds not in STEPS:
        raise Refused("Choose one of the steps on the start page.")
    visit.world.clock.advance(seconds)
    visit.world.settle()
    return sent_on("/", "clock")


def anew(visit: Visit) -> Response:
    """GET: are you sure; POST: start anew with a book."""
    book = visit.form().one("book") if visit.request.method == "POST" else visit.request.one("book")
    if book not in BOOKS:
        raise Refused("Choose on the start page with which address book to start anew.")
    if visit.request.method != "POST":
        return visit.page("anew.html", book=book)
    start_anew(visit.world, book)
    return sent_on("/", "anew")
