"""How hard laws are tried: the same quick examples in each usual run, many random ones with TANDEM_TEST_ALL=1.

A usual run says whether a change broke something, so its examples may not change by themselves; the long run looks for what nobody
thought of, and prints how to see a finding again. Slow machines are no reason to fail.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True)
settings.register_profile("quick", _COMMON, max_examples=100, derandomize=True, database=None)
settings.register_profile("all", _COMMON, max_examples=2000)
settings.load_profile("all" if os.environ.get("TANDEM_TEST_ALL") == "1" else "quick")
