"""Sets Django up, with a data directory that no test uses. Imported before any table is."""

import os
import tempfile

from tandem.store import setup

os.environ.setdefault("TANDEM_DATA_DIR", tempfile.mkdtemp(prefix="tandem-test-"))
setup.prepare()
