"""Heartbeats each 30 s, lost after 120 s, as the source documents have them: it trades, and sees a death."""

from __future__ import annotations

import msgspec

from tests.process.system import BUSY_TOML, System
from warden.domain.health import Health
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.wire.telemetry import WatchdogStatus

SELDOM = (
    BUSY_TOML
    + """
[watchdog]
beat_interval_ms = 30000
lost_after_ms = 120000
trader_restarts = 0
"""
)


def test_beats_each_half_minute_are_a_valid_setting() -> None:
    """HM4: what is news is told at once, permits keep their own rhythm, and nothing livelocks in between."""
    with System(SELDOM) as system:
        system.start_all().wait_trading(3)
        status: WatchdogStatus = system.latest[WatchdogStatus]
        assert status.health is not None
        queue = next(each for each in status.health.lines if each.name == "execution-queue")
        assert (system.mode, queue.status) == (Mode.AGGRESSIVE, Health.HEALTHY), msgspec.to_builtins(queue)
        system.kill(Role.TRADER)
        system.wait(lambda system: system.mode is not Mode.AGGRESSIVE, "end of trading by the trader's death")
        assert "trader" in system.latest[WatchdogStatus].why
