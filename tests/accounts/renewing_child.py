"""A process of its own, for tests of renewal: opens an installation, waits for a line, and wants a header for Google's account."""

from __future__ import annotations

import sys

from tandem.app import Tandem
from tandem.config import load


def main(data_dir: str, url: str) -> None:
    """Say when it is ready, and then the header."""
    from tandem.accounts.tokens import BearerToken
    from tandem.store.grants import GrantDrawer

    with Tandem(load({"TANDEM_DATA_DIR": data_dir, "TANDEM_SANDBOX_URL": url})) as tandem:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        (row,) = tandem.accounts.all()
        proof = BearerToken(GrantDrawer(tandem.vault, row.id), tandem.proofs.endpoint("google"), tandem.clock)
        sys.stdout.write(f"{proof.headers()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
