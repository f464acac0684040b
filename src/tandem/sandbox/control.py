"""The control API under `/_sandbox/`: what a test or a person at the keyboard does to the sandbox itself, JSON over HTTP.

The pages for people (`pages/`) stand beside it.

POST reset     {"seed": 0}
POST seed      {"book": "demo" | "empty", "seed": 1}          start anew with an address book
POST edit      {"service": "google", "op": "update", ...}     as a person in the vendor's app
GET  edits     ?service=google                                what people did so far
GET  faults, POST faults {"service", "match", "effect", ...}, DELETE faults
GET  clock, POST clock {"advance_s": 60}
GET  log       ?since=0                                       requests with a number above it
GET  state     ?service=google                                without a service: of both
GET  switches, POST switches {"service", "name", "value"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict

from tandem.sandbox.faults import Rule
from tandem.sandbox.pages.serving import answer_page, is_from_elsewhere
from tandem.sandbox.seeding import start_anew
from tandem.sandbox.service import HumanError, flip
from tandem.sandbox.wire import Json, JsonObject, Request, Response, answer
from tandem.sandbox.world import World

PREFIX = "/_sandbox/"
SERVICES = ("google", "pipedrive")


def handle(world: World, request: Request, *, overlapping: int = 0) -> Response:
    """Answer any request to the sandbox: its services by the world, people's pages by `pages`, its control API here."""
    if not request.path.startswith(PREFIX):
        return answer_page(world, request) or world.handle(request, overlapping=overlapping)
    run = _CALLS.get((request.method, request.path.removeprefix(PREFIX)))
    if run is None:
        return answer({"error": f"no such control call; there are: {', '.join(f'{method} {name}' for method, name in _CALLS)}"}, 404)
    if request.method != "GET" and is_from_elsewhere(request):
        return answer({"error": "another site's page may not do that"}, 403)
    try:
        body = json.loads(request.body or b"{}")
        return answer(run(world, {**dict(request.query), **body}))
    except (ValueError, TypeError, KeyError, re.error) as error:
        return answer({"error": str(error)}, 400)


def _whole(given: Mapping[str, Json], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"{name} must be a whole number")
    return int(value)


def _service(given: Mapping[str, Json]) -> str:
    name = given.get("service")
    if not isinstance(name, str) or name not in SERVICES:
        raise ValueError(f"service must be one of: {', '.join(SERVICES)}")
    return name


def _reset(world: World, given: Mapping[str, Json]) -> Json:
    world.reset(_whole(given, "seed", 0))
    return {"seed": world.seed}


def _seed(world: World, given: Mapping[str, Json]) -> Json:
    """Start anew with an address book."""
    loaded = start_anew(world, str(given.get("book", "demo")), _whole(given, "seed", 1))
    if loaded is None:
        return {"contacts": 0, "persons": 0, "pairs": []}
    pairs: list[Json] = [[contact, person] for contact, person in loaded.pairs]
    return {"contacts": len(loaded.contacts), "persons": len(loaded.persons), "pairs": pairs}


def _edit(world: World, given: Mapping[str, Json]) -> Json:
    op = given.get("op")
    if not isinstance(op, str):
        raise HumanError("op must be a text")
    world.settle()
    return world.service(_service(given)).human(op, {key: value for key, value in given.items() if key not in {"service", "op"}})


def _edits(world: World, given: Mapping[str, Json]) -> Json:
    log = world.google.human_log if _service(given) == "google" else world.pipedrive.human_log
    return {"edits": [asdict(entry) for entry in log]}


def _faults(world: World, _: Mapping[str, Json]) -> Json:
    rules = zip(world.faults.rules, world.faults.tallies, strict=True)
    return {"rules": [{**asdict(rule), **asdict(tally)} for rule, tally in rules]}


def _add_fault(world: World, given: Mapping[str, Json]) -> Json:
    world.faults.add(_rule(given))
    return _faults(world, given)


def _rule(given: Mapping[str, Json]) -> Rule:
    """A rule from its parts. ValueError for one that cannot be."""
    texts = {name: str(given[name]) for name in ("match", "effect", "method") if name in given}
    numbers = {name: float(str(given[name])) for name in ("probability", "seconds") if name in given}
    if unknown := set(given) - set(Rule.__dataclass_fields__):
        raise ValueError(f"a rule has no {', '.join(sorted(unknown))}")
    times = None if given.get("times", 1) is None else _whole(given, "times", 1)
    return Rule(_service(given), **texts, **numbers, skip=_whole(given, "skip", 0), times=times)  # type: ignore[arg-type]


def _end_faults(world: World, given: Mapping[str, Json]) -> Json:
    world.faults.clear()
    return _faults(world, given)


def _clock(world: World, _: Mapping[str, Json]) -> Json:
    clock = world.clock
    return {"now": clock.now().isoformat(), "offset_s": clock.offset_s, "frozen": clock.frozen_at is not None}


def _advance(world: World, given: Mapping[str, Json]) -> Json:
    seconds = given.get("advance_s", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise ValueError("advance_s must be a number of seconds")
    world.clock.advance(seconds)
    world.settle()
    return _clock(world, given)


def _log(world: World, given: Mapping[str, Json]) -> Json:
    return {"entries": [asdict(entry) for entry in world.log[max(0, _whole(given, "since", 0)) :]], "last": len(world.log)}


def _state(world: World, given: Mapping[str, Json]) -> Json:
    world.settle()
    if "service" in given:
        return world.service(_service(given)).state()
    return {name: world.service(name).state() for name in SERVICES}


def _switches(world: World, _: Mapping[str, Json]) -> Json:
    return {name: dict[str, Json](sorted(world.service(name).switches.items())) for name in SERVICES}


def _flip(world: World, given: Mapping[str, Json]) -> Json:
    name = given.get("name")
    if not isinstance(name, str):
        raise ValueError("name must be a text")
    flip(world.service(_service(given)).switches, name, given.get("value"))
    result: JsonObject = {name: given.get("value")}
    return result


_CALLS: Mapping[tuple[str, str], Callable[[World, Mapping[str, Json]], Json]] = {
    ("POST", "reset"): _reset,
    ("POST", "seed"): _seed,
    ("POST", "edit"): _edit,
    ("GET", "edits"): _edits,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _end_faults,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("GET", "log"): _log,
    ("GET", "state"): _state,
    ("GET", "switches"): _switches,
    ("POST", "switches"): _flip,
}
