"""Dying at every step: snapshots of both worlds - ours on disk, the services' - taken during one run, each resumed by itself.

Theory: what a dead process leaves behind is the committed database and whatever the services had applied by then. So one run
is watched: before and after each commit, and before and after each request that changes something, both states are kept.
Dying there and starting again is the same as starting from the two states, with an empty memory. A request that was applied
while its answer never came is the state after the request and before the next commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from engine.probed.base import probes
from engine.stage import Stage, Terms
from tandem.sandbox.transport import SandboxTransport
from tandem.sandbox.world import World


@dataclass(frozen=True)
class Death:
    """One place to die at, and what is there then."""

    label: str
    database: bytes
    world: bytes


class WatchedTransport(httpx2.BaseTransport):
    """The sandbox, with a look before and after each request that changes something."""

    def __init__(self, world: World, look: Callable[[str], None]) -> None:
        self._inner = SandboxTransport(world)
        self._world = world
        self._look = look

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on; a read changes nothing but the log, so it is no place of its own."""
        if request.method != "GET":
            self._look(f"before {request.method} {request.url.path}")
        before = len(self._world.log)
        answer = self._inner.handle_request(request)
        if any(entry.is_write and entry.applied for entry in self._world.log[before:]):
            self._look(f"after {request.method} {request.url.path}, no answer yet")
        return answer


@dataclass
class Watch:
    """Watches one run and collects the places to die at. States that are the same on both sides are one place."""

    stage: Stage
    deaths: list[Death] = field(default_factory=list)
    steps: int = 0
    _seen: set[str] = field(default_factory=set)

    def look(self, label: str) -> None:
        """Keep what a process that died now would leave behind."""
        self.steps += 1
        database, world = self.stage.database.content(), self.stage.world.snapshot()
        print_ = hashlib.sha256(database + _durable(self.stage.world)).hexdigest()
        if print_ not in self._seen:
            self._seen.add(print_)
            self.deaths.append(Death(f"{self.steps}: {label}", database, world))

    def run(self, act: Callable[[], object]) -> None:
        """Watch while something runs."""
        self.stage.transport = WatchedTransport(self.stage.world, self.look)
        probes[self.stage.alias] = self.look
        try:
            self.look("start")
            act()
            self.look("end")
        finally:
            del probes[self.stage.alias]
            self.stage.transport = None


def _durable(world: World) -> bytes:
    """What the services keep; the log of reads is no state."""
    return json.dumps([world.google.state(), world.pipedrive.state()], sort_keys=True, default=str).encode()


def resume(terms: Terms, death: Death) -> Stage:
    """A new process on what a dead one left behind."""
    return Stage(terms, World.restore(death.world), death.database)


def end_state(stage: Stage) -> dict[str, list[str]]:
    """What both services hold at the end, without ids, times and markers: what a person would see."""
    contacts = [json.dumps(_bare_contact(one), sort_keys=True, ensure_ascii=False) for one in stage.google()]
    persons = [json.dumps(_bare_person(stage, one), sort_keys=True, ensure_ascii=False) for one in stage.pipedrive()]
    organizations = [str(one["name"]) for one in stage.world.pipedrive.state()["organizations"] if not one["is_deleted"]]
    return {"google": sorted(contacts), "pipedrive": sorted(persons), "organizations": sorted(organizations)}


def _bare_contact(one: dict[str, object]) -> dict[str, object]:
    fields = {name: items for name, items in one["fields"].items() if name != "clientData"}
    return {"fields": fields, "groups": sorted(one["groups"])}


def _bare_person(stage: Stage, one: dict[str, object]) -> dict[str, object]:
    organizations = {row["id"]: row["name"] for row in stage.world.pipedrive.state()["organizations"]}
    left_out = {"id", "add_time", "update_time", "org_id", "custom_fields", "version", "history", "picture_id"}
    bare = {name: value for name, value in one.items() if name not in left_out}
    return {**bare, "organization": organizations.get(one["org_id"], "")}


class LossyTransport(httpx2.BaseTransport):
    """The sandbox, with one request that changes something going wrong on its way: the n-th, counted from 0."""

    def __init__(self, world: World, number: int, effect: str) -> None:
        self._inner = SandboxTransport(world)
        self._left = number
        self._effect = effect

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on, or lose it ("lost request") or its answer ("lost answer", "reset", "server error")."""
        if request.method == "GET" or self._left < 0:
            return self._inner.handle_request(request)
        self._left -= 1
        if self._left >= 0:
            return self._inner.handle_request(request)
        if self._effect != "lost request":
            self._inner.handle_request(request)
        if self._effect == "reset":
            raise httpx2.ReadError("connection reset", request=request)
        if self._effect == "server error":
            return httpx2.Response(502, content=b"<html>Bad gateway</html>", request=request)
        raise httpx2.ReadTimeout("timed out", request=request)
