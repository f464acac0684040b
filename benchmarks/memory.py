"""`memory`: resident size of an idle `tandem run`, and the most that a whole cycle over n pairs takes, every record listed anew."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, run
from benchmarks.worlds import ROOT, answer_of, child, connect, served, wait_until
from tandem.app import Tandem
from tandem.config import load

SIZES = (6_250, 12_500, 25_000)


def measure(size: int) -> Iterator[Figure]:
    """A listing of everything with so many pairs; and the idle server beside it."""
    with served(common=size) as sandbox, tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        with child("benchmarks.memory", "--cycles", sandbox.url, folder, "first") as process:
            first = answer_of(process)
        with child("benchmarks.memory", "--cycles", sandbox.url, folder, "full") as process:
            again = answer_of(process)
        yield Figure("pairs", size, first["pairs"])
        yield Figure("first sync that matches them: most memory", size, first["memory"], "MB", 250)
        yield Figure("a cycle over them, everything listed: most memory", size, again["memory"], "MB", 250)
        yield Figure("tandem run, idle", size, _idle(sandbox.url, folder), "MB", 150)


def _cycles(url: str, folder: str, which: str) -> dict[str, float]:
    values = {"TANDEM_DATA_DIR": folder, "TANDEM_SANDBOX_URL": url, "TANDEM_PIPEDRIVE_DAILY_TOKENS": "900000000"}
    limits = {"TANDEM_GOOGLE_READS_PER_MINUTE": "90000", "TANDEM_GOOGLE_WRITES_PER_MINUTE": "90000"}
    with Tandem(load({**values, **limits}, Path(folder))) as tandem:
        link = connect(tandem) if which == "first" else 1
        while tandem.cycle(link, cause="bench", is_full=which == "full").state.value != "in-sync":
            pass
        from tandem.store.pairs import Pairs  # noqa: PLC0415 - Django is up by now

        pairs = Pairs(tandem.alias, tandem.links.one(link).id).count()  # type: ignore[arg-type]
    return {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "pairs": pairs}


def _idle(url: str, folder: str) -> float:
    """Resident size of the server once it has nothing to do."""
    values = {"TANDEM_DATA_DIR": folder, "TANDEM_SANDBOX_URL": url, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src")}
    server = subprocess.Popen([sys.executable, "-P", "-m", "tandem", "run", "--demo"], env=values, stdout=subprocess.DEVNULL)
    sizes: list[float] = []

    def is_steady() -> bool:
        sizes.append(_resident_mb(server.pid))
        return len(sizes) >= 20 and max(sizes[-5:]) - min(sizes[-5:]) < 0.5

    try:
        wait_until(is_steady, seconds=60, every_s=0.5)
    finally:
        server.terminate()
        server.wait(10)
    return sizes[-1]


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "--cycles":
        print(json.dumps(_cycles(*sys.argv[2:])))  # noqa: T201 - the parent reads it
    else:
        run("memory", SIZES, measure)
