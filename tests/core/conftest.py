"""How hard the laws of the core are tried: quickly by default, thoroughly with TANDEM_TEST_ALL=1."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large], "print_blob": True}
settings.register_profile("quick", max_examples=150, **_COMMON)
settings.register_profile("all", max_examples=2000, **_COMMON)
settings.load_profile("all" if os.environ.get("TANDEM_TEST_ALL") == "1" else "quick")
