"""Promise: Pipedrive's own Node client works against the sandbox, and finds nothing strange in its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from replica.node import NoNpmError
from sandbox.conftest import listening
from sandbox.vendor_client import scenario
from tandem.sandbox.pipedrive_company import API_TOKEN
from tandem.sandbox.world import World


@pytest.fixture
def told(world: World) -> dict[str, Any]:
    """What the client made of a tour through the sandbox."""
    world.pipedrive.switches["limits"] = False  # the client hurries, and time stands still
    try:
        with listening(world) as base:
            answer = scenario(f"{base}/pipedrive", API_TOKEN)
    except NoNpmError as error:
        pytest.skip(f"NOT CHECKED with Pipedrive's own client: {error}")
    found = json.loads(answer)
    assert isinstance(found, dict)
    return found


def test_a_tour_with_the_official_client(told: dict[str, Any], world: World) -> None:
    """Persons page by page, made, changed, found and deleted; fields, organisations, webhooks; refusals: by the client's own methods."""
    names = [f"Anna Example{n}" for n in range(7)]
    assert (told["pages"], told["listed"]) == (3, names)
    assert (told["patched"]["name"], told["patched"]["phones"][0]["value"]) == ("Hanna Example0", "+48 600 100 001")
    assert told["patched"]["emails"][0]["value"] == "anna0@example.com"
    assert told["hobby"] == "chess"
    assert told["deleted"] == {"id": 2}
    assert told["one_after"] == ["Hanna Example0", "Anna Example2"]
    assert told["found"] == ["Anna Example3"]
    assert {"Name", "Hobby"} <= set(told["fields"])
    assert (told["organizations"], told["renamed"]) == (["Example Works"], "Example Mills")
    assert told["me"] == "you@sandbox-company.test"
    assert (told["webhooks"], told["webhooks_left"]) == (["https://tandem.example.com/hook"], 0)
    assert (told["missing"]["code"], told["nameless"]["code"]) == ("ERR_NOT_FOUND", "ERR_SCHEMA_VALIDATION_FAILED")
    assert told["stranger"]["errorCode"] == 401
    live = [one for one in world.pipedrive.state()["persons"] if not one["is_deleted"]]  # type: ignore[index,union-attr]
    assert len(live) == 6
