"""What both imitations offer to the world, and nothing about either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tandem.sandbox.wire import Call, Json, Request, Response

Switch = bool | int | float | str


class HumanError(ValueError):
    """A person in the vendor's app could not have done that; the text says why."""


class Service(Protocol):
    """What both imitations offer. Paths come with the prefix stripped."""

    @property
    def switches(self) -> dict[str, Switch]:
        """The named behaviours, with their present values; set them by `flip`."""

    def describe(self, request: Request) -> Call:
        """Name the call without doing it; a call nobody knows gets `unknown`."""

    def handle(self, request: Request) -> Response:
        """Answer one request. Never raises for bad input: 400, 404, 501."""

    def human(self, op: str, arguments: Mapping[str, Json]) -> Json:
        """An edit as a person in the vendor's own app makes it. HumanError for nonsense."""

    def state(self) -> Json:
        """Everything, raw, sorted by id: to compare and to show."""


def flip(switches: dict[str, Switch], name: str, value: Json) -> None:
    """Set one switch to a value of the kind it already has. HumanError for an unknown name or another kind of value."""
    if name not in switches:
        raise HumanError(f"no such switch: {name}")
    old = switches[name]
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, (bool, int, float, str)) or type(value) is not type(old):
        raise HumanError(f"switch {name} wants a value like {old!r}")
    switches[name] = value
