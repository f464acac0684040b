"""`first-sync`: a first sync of N contacts into an empty Pipedrive, and of N persons into an empty label, beside a bare loop.

The bare loop makes the very same HTTP calls - recorded from Tandem's run, in the same order, over the same number of connections, with the
bodies prepared beforehand - with the same client and nothing else. Both run in a process of their own against a freshly filled sandbox
in a third one, without quotas.
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from benchmarks.figures import Figure, run
from benchmarks.worlds import answer_of, child, connect, served
from tandem.app import Tandem
from tandem.app.services import THREADS
from tandem.config import load
from tandem.connectors.http import make_client

SIZES = (2_500, 5_000, 10_000)
#: method, address, content, content type
_Call = tuple[str, str, bytes, str]


class Recorder(httpx2.BaseTransport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self._inner = httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request on."""
        if "/_sandbox/" not in request.url.path and not request.url.path.endswith("/token"):
            content = request.read()
            self.calls.append((request.method, str(request.url), content, request.headers.get("content-type", "")))
        return self._inner.handle_request(request)


def measure(size: int) -> Iterator[Figure]:
    """Both directions at one size."""
    for name, filled in (("into Pipedrive", {"contacts": size}), ("into Google", {"persons": size})):
        with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
            path = str(Path(folder) / "calls")
            with served(**filled) as sandbox, child("benchmarks.first_sync", "--tandem", sandbox.url, path) as process:
                ours = answer_of(process)
            with served(**filled) as sandbox, child("benchmarks.first_sync", "--bare", sandbox.url, path) as process:
                bare = answer_of(process)
        is_written_singly = name == "into Pipedrive"
        yield Figure(f"{name}: wall", size, ours["wall"], "s")
        yield Figure(f"{name}: calls", size, ours["calls"])
        yield Figure(f"{name}: wall over the bare loop's", size, ours["wall"] / bare["wall"], "", 1.5 if is_written_singly else None)
        yield Figure(f"{name}: CPU over the bare loop's", size, ours["cpu"] / bare["cpu"])
        yield Figure(f"{name}: CPU per contact", size, 1e3 * ours["cpu"] / size, "ms", None if is_written_singly else 1.5)
        yield Figure(f"{name}: most memory", size, ours["memory"], "MB", 250.0)


def _tandem(url: str, path: str) -> dict[str, float]:
    """The first sync to its end."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        values = {"TANDEM_DATA_DIR": folder, "TANDEM_SANDBOX_URL": url, "TANDEM_PIPEDRIVE_BURST_PER_2S": "1000000"}
        quotas = ("GOOGLE_READS_PER_MINUTE", "GOOGLE_WRITES_PER_MINUTE", "PIPEDRIVE_DAILY_TOKENS")
        config = load({**values, **{f"TANDEM_{name}": "900000000" for name in quotas}}, Path(folder))
        with Tandem(config, transport=recorder) as tandem:
            link = connect(tandem)
            tandem.services.tokens(tandem.links.one(link).right_account)
            recorder.calls.clear()
            wall, cpu = time.perf_counter(), time.process_time()
            while True:
                result = tandem.cycle(link, cause="first")
                if result.state.value == "in-sync":
                    break
                time.sleep(0.05)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    Path(path).write_bytes(pickle.dumps((url, recorder.calls)))
    return {"wall": wall, "cpu": cpu, "calls": len(recorder.calls), "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _bare(url: str, path: str) -> dict[str, float]:
    """The same calls. Singly written records go out over as many connections as Tandem's, the rest one after the other."""
    then, recorded = pickle.loads(Path(path).read_bytes())  # noqa: S301 - our own file
    calls = [(method, address.replace(then, url), content, kind) for method, address, content, kind in recorded]
    token = httpx2.post(
        f"{url}/google/token",
        data={"grant_type": "refresh_token", "refresh_token": "sandbox-google-refresh", "client_id": "sandbox-client",
              "client_secret": "sandbox-secret"},
    ).raise_for_status().json()["access_token"]  # fmt: skip
    client = make_client(timeout_s=30.0)
    proofs = {"google": {"authorization": f"Bearer {token}"}, "pipedrive": {"x-api-token": "sandbox-pipedrive-token"}}
    failed = threading.Event()

    def send(call: _Call) -> None:
        method, address, content, kind = call
        headers = {**proofs["google" if "/google/" in address else "pipedrive"], **({"content-type": kind} if kind else {})}
        with client.stream(method, address, content=content or None, headers=headers) as answer:
            answer.read()
        if answer.status_code >= 400:
            failed.set()

    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        batch: list[_Call] = []
        for call in [*calls, None]:
            if batch and (call is None or call[:2] != batch[-1][:2]):
                list(pool.map(send, batch))
                batch.clear()
            if call is not None and call[0] == "POST" and call[1].endswith(("/persons", "/organizations")):
                batch.append(call)
            elif call is not None:
                send(call)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    client.close()
    if failed.is_set():
        raise RuntimeError("the bare loop was refused something")
    return {"wall": wall, "cpu": cpu}


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] in {"--tandem", "--bare"}:
        print(json.dumps((_tandem if sys.argv[1] == "--tandem" else _bare)(*sys.argv[2:])))  # noqa: T201 - the parent reads it
    else:
        run("first-sync", SIZES, measure)
