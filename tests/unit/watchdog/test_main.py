"""What the settings mean to the core."""

from __future__ import annotations

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.settings import Settings, WatchdogSettings
from warden.runtime.settings_chain import ChainSettings
from warden.watchdog.main import rules_from


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
