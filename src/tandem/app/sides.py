"""Which product stands on which side. Everything below this layer speaks of left and right."""

from __future__ import annotations

from collections.abc import Mapping

from tandem.core.policy import ConflictRule, Direction
from tandem.core.state import Side

GOOGLE = "google"
PIPEDRIVE = "pipedrive"

PRODUCT: Mapping[Side, str] = {Side.LEFT: GOOGLE, Side.RIGHT: PIPEDRIVE}
SIDE: Mapping[str, Side] = {name: side for side, name in PRODUCT.items()}
#: As they are written in messages.
TITLE: Mapping[str, str] = {GOOGLE: "Google", PIPEDRIVE: "Pipedrive"}

DIRECTIONS: Mapping[str, Direction] = {
    "two-way": Direction.BOTH,
    "to-google": Direction.TO_LEFT,
    "to-pipedrive": Direction.TO_RIGHT,
}
CONFLICTS: Mapping[str, ConflictRule] = {
    "pipedrive": ConflictRule.RIGHT,
    "google": ConflictRule.LEFT,
    "ask": ConflictRule.ASK,
}
