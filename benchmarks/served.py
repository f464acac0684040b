"""A filled sandbox without quotas as a process: `python -m benchmarks.served '{"contacts": 10}'` prints its port, then serves."""

from __future__ import annotations

import json
import signal
import sys

from benchmarks.worlds import fill
from tandem.sandbox.server import Shell, serve
from tandem.sandbox.world import World


def main() -> None:
    """Serve."""
    world = World(seed=7)
    world.pipedrive.switches["limits"] = False
    world.google.switches["quotas"] = False
    fill(world, **json.loads(sys.argv[1]))
    shell = Shell(world)
    signal.signal(signal.SIGTERM, lambda *_: shell.stop.set())
    serve("127.0.0.1", 0, world, lambda port: print(port, flush=True), shell=shell)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
