"""What the settings mean to the core."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.latch import Latch
from warden.runtime.settings import Settings, WatchdogSettings
from warden.runtime.settings_chain import ChainSettings
from warden.watchdog.main import _reserve_stops, rules_from

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environment", "arms", "restarts"),
    [(Environment.DEVNET, True, 3), (Environment.PAPER, True, 3), (Environment.LIVE, False, 0)],
)
def test_unset_means_what_the_environment_can_bear(
    environment: Environment, *, arms: bool, restarts: int
) -> None:
    """Live arms by an operator only, and lets no lost trader in again by itself."""
    rules = rules_from(Settings(environment=environment), "boot", "session")
    assert (rules.arm_on_start, rules.trader_restarts) == (arms, restarts)
    assert (Role.DEVNET in rules.names) is (environment is Environment.DEVNET)


def test_what_is_set_holds() -> None:
    """An operator's own words win, zero included."""
    watchdog = WatchdogSettings(arm_on_start="never", trader_restarts=0, lost_after_ms=120_000)
    rules = rules_from(Settings(environment=Environment.PAPER, watchdog=watchdog), "boot", "session")
    assert (rules.arm_on_start, rules.trader_restarts) == (False, 0)
    assert rules.lost_after_ns == 120_000_000_000


def test_a_word_that_is_not_known_is_refused_with_those_that_are() -> None:
    """One clear line, with the mend."""
    with pytest.raises(ConfigurationInvalid, match="use 'never' or 'if_clean'"):
        rules_from(Settings(watchdog=WatchdogSettings(arm_on_start="always")), "boot", "session")


@pytest.mark.parametrize(("block_time_s", "expected_s"), [(1.0, 10), (12.0, 36)])
def test_livelock_takes_ten_seconds_or_three_blocks(block_time_s: float, expected_s: int) -> None:
    """HM1: on a slow chain nothing can be handled faster than blocks come."""
    rules = rules_from(Settings(chain=ChainSettings(block_time_s=block_time_s)), "boot", "session")
    assert rules.livelock_ns == expected_s * 1_000_000_000


def reserved(stop: Path) -> list[str]:
    """Let a watchdog that starts fill up the room for stops; return the kinds of what it told."""
    told: list[str] = []
    frame: Any = SimpleNamespace(latch=Latch(stop), event=lambda _severity, kind, *_, **__: told.append(kind))
    _reserve_stops(frame)
    return told


def test_room_for_stops_is_filled_up_at_the_start(tmp_path: Path) -> None:
    """ES4: whoever keeps the stops makes good what earlier ones took."""
    Latch(tmp_path / "stop").create()
    slot = tmp_path / "stop.reserve" / "slot-0"
    slot.unlink()
    assert reserved(tmp_path / "stop") == []
    assert slot.exists()


def test_that_no_room_can_be_kept_is_told_and_stops_no_start(tmp_path: Path) -> None:
    """ES4: the stop directory is lost, or belongs to somebody else: an operator hears of it."""
    assert reserved(tmp_path / "stop") == ["stop.unreserved"]
