"""How hard laws are tried: quickly by default, thoroughly with TANDEM_TEST_ALL=1. Slow machines are no reason to fail."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True)
settings.register_profile("quick", _COMMON, max_examples=100)
settings.register_profile("all", _COMMON, max_examples=2000)
settings.load_profile("all" if os.environ.get("TANDEM_TEST_ALL") == "1" else "quick")
