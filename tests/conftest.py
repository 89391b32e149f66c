"""For every test: hypothesis times nothing, for machines are busy and nothing here is measured by tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("warden", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("warden")
