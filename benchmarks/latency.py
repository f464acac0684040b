"""`latency`: from an edit by a person to its being seen on the other side, on the real clock, with a sandbox that delays nothing.

`tandem run` in one process, the sandbox in another; edits one after the other, each waited for. Pipedrive tells by webhook; Google is asked
every two seconds, which is the poll interval with a sandbox.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.figures import Figure, run
from benchmarks.worlds import ROOT, Served, served, wait_until
from tandem.app.watching import SANDBOX_LOOK_S

SIZES = (100, 200, 400)
_EDITS = 40
_TARGET_S = 1.5


def measure(size: int) -> Iterator[Figure]:
    """Edits both ways beside a book of so many people."""
    with served(common=size) as sandbox, tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        values = {"TANDEM_DATA_DIR": folder, "TANDEM_SANDBOX_URL": sandbox.url, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src")}
        server = subprocess.Popen([sys.executable, "-P", "-m", "tandem", "run", "--demo"], env=values, stdout=subprocess.DEVNULL)
        try:
            pairs = _pairs(sandbox, size)
            to_google = sorted(_wait(sandbox, "pipedrive", pairs[number % len(pairs)], number) for number in range(_EDITS))
            to_pipedrive = sorted(_wait(sandbox, "google", pairs[number % len(pairs)], number) for number in range(_EDITS))
        finally:
            server.terminate()
            server.wait(10)
    for name, seconds, target in (
        ("Pipedrive to Google", to_google, _TARGET_S),
        ("Google to Pipedrive", to_pipedrive, SANDBOX_LOOK_S + _TARGET_S),
    ):
        yield Figure(f"{name}: median", size, seconds[len(seconds) // 2], "s")
        yield Figure(f"{name}: 95 of 100", size, seconds[int(len(seconds) * 0.95)], "s", target)


def _pairs(sandbox: Served, size: int) -> list[tuple[str, int]]:
    """Contacts and persons by the same e-mail address, once the first sync is over and Pipedrive tells of changes."""
    found: list[tuple[str, int]] = []

    def is_over() -> bool:
        found.clear()
        persons = {one["emails"][0]["value"]: one["id"] for one in _state(sandbox, "pipedrive")["persons"] if one["emails"]}
        for contact in _state(sandbox, "google")["contacts"]:
            address = contact["fields"]["emailAddresses"][0]["value"]
            if "clientData" in contact["fields"] or address in persons:
                found.append((contact["id"], persons[address]))
        return len(found) == size

    wait_until(is_over, seconds=120, every_s=0.5)
    wait_until(lambda: any(entry["kind"] == "addWebhook" for entry in _log(sandbox)["entries"]), seconds=120, every_s=0.5)
    time.sleep(5)
    return found


def _state(sandbox: Served, service: str) -> dict[str, list[dict[str, object]]]:
    import httpx2  # noqa: PLC0415

    return httpx2.get(f"{sandbox.url}/_sandbox/state", params={"service": service}, timeout=60.0).json()


def _wait(sandbox: Served, service: str, pair: tuple[str, int], number: int) -> float:
    """Seconds from an edit until the other service has taken it, by the sandbox's own log: looking at everybody would hold it up."""
    contact, person = pair
    name, other = f"Edit{number}{service[0].upper()}", "google" if service == "pipedrive" else "pipedrive"
    since = _log(sandbox)["last"]
    begun = time.perf_counter()
    if service == "pipedrive":
        sandbox.call("edit", service=service, op="update_person", id=person, first_name=name)
    else:
        sandbox.call("edit", service=service, op="update", id=contact, fields={"names": [{"givenName": name, "familyName": "Edited"}]})

    def is_there() -> bool:
        entries = _log(sandbox, since)["entries"]
        return any(entry["service"] == other and entry["is_write"] and entry["status"] == 200 for entry in entries)

    wait_until(is_there, seconds=60, every_s=0.05)
    taken = time.perf_counter() - begun
    if name not in str(_state(sandbox, other)):
        raise RuntimeError(f"edit {number} in {service} was not what arrived")
    return taken


def _log(sandbox: Served, since: object = 0) -> dict[str, Any]:
    import httpx2  # noqa: PLC0415

    answer: dict[str, Any] = httpx2.get(f"{sandbox.url}/_sandbox/log", params={"since": str(since)}, timeout=60.0).json()
    return answer


if __name__ == "__main__":
    run("latency", SIZES, measure)
