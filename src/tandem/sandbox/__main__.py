"""`python -m tandem.sandbox --port 8001`: both imitated services on this machine, until Ctrl-C.

Prints one line of JSON when it is ready: the base addresses to point a client at, and how to sign in.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType

from tandem.sandbox.clock import Clock
from tandem.sandbox.control import handle
from tandem.sandbox.server import Shell, serve
from tandem.sandbox.wire import Request
from tandem.sandbox.world import World


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox; returns when told to stop."""
    options = _parser().parse_args(arguments)
    frozen_at = datetime.now(UTC) if options.virtual_clock else None
    world = World(clock=Clock(frozen_at=frozen_at), seed=options.seed)
    if options.seed_book:
        body = json.dumps({"book": options.seed_book, "seed": options.seed}).encode()
        handle(world, Request("POST", "/_sandbox/seed", body=body))
    shell = Shell(world)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        shell.stop.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    serve(options.host, options.port, world, lambda port: _say_ready(options.host, port), shell=shell)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tandem.sandbox", description="Imitations of Google Contacts and Pipedrive on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same ids (default: %(default)s)")
    parser.add_argument("--seed-book", choices=["demo", "empty"], help="fill both services with an address book")
    parser.add_argument("--virtual-clock", action="store_true", help="time stands still and moves by the control API only")
    return parser


def _say_ready(host: str, port: int) -> None:
    base = f"http://{host}:{port}"
    line = {"ready": True, "google": f"{base}/google", "pipedrive": f"{base}/pipedrive", "control": f"{base}/_sandbox", "pages": f"{base}/"}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
