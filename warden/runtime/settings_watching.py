"""The checks at start and while it runs (FS2, FS3), and what shuts down when it lasts (FS1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from warden.runtime.settings_field import STRICT, Count, Seconds, setting
from warden.runtime.settings_limits import NOW, OFF


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """What is checked, how often, and what is too much (docs/checks.md)."""

    __pydantic_config__ = STRICT
    interval_s: Annotated[int, Ge(1), Le(60)] = setting(
        10, "between two answers of a process to its checks; a change is told at once", unit="s"
    )
    answer_s: Annotated[int, Ge(5), Le(600)] = setting(
        30,
        "a check that a ready process has not answered for so long has failed",
        unit="s",
        window="since it was ready, or last answered",
        tighter="lower",
    )
    clock_skew_s: Seconds | None = setting(
        None,
        "how far the wall clock may be off the chain's head, and behind the journal's last row",
        unit="s",
        window=NOW,
        tighter="lower",
        unset="120; on devnet, whose time is its own, it is not compared",
    )
    snapshot_s: Annotated[int, Ge(60), Le(31_536_000)] = setting(
        88_200,
        "age of the newest snapshot, of which one is due each day: beyond it OBSERVE_ONLY",
        unit="s",
        window=NOW,
        tighter="lower",
    )


@dataclass(frozen=True, kw_only=True)
class FailsafeSettings:
    """What becomes SHUTDOWN when it lasts although the mode is OBSERVE_ONLY."""

    __pydantic_config__ = STRICT
    market_data_s: Seconds | None = setting(
        600,
        "no head of the chain that moves",
        unit="s",
        baseline="the last head that moved",
        window="without a break",
        tighter="lower",
        unset=OFF,
    )
    ledger_s: Seconds | None = setting(
        900,
        "the executor's journal takes no rows; the gate closes at the first failure",
        unit="s",
        baseline="the first failure",
        window="without a break",
        tighter="lower",
        unset=OFF,
    )
    snapshot_s: Annotated[int, Ge(60), Le(31_536_000)] | None = setting(
        90_000,
        "no new snapshot",
        unit="s",
        baseline="the newest snapshot",
        window="without a break",
        tighter="lower",
        unset=OFF,
    )
    capital_s: Seconds | None = setting(
        600,
        "the wallet is not what the books say, or the books do not add up",
        unit="s",
        baseline="when the check failed",
        window="without a break",
        tighter="lower",
        unset=OFF,
    )
    exceptions: Count | None = setting(
        3,
        "ends of the executor or the gateway by an exception that nothing caught",
        unit="ends",
        window="exceptions_s",
        tighter="lower",
        unset=OFF,
    )
    exceptions_s: Seconds = setting(600, "how far back exceptions are counted", unit="s")
    health_s: Seconds | None = setting(
        3_600,
        "a check that stops goes on failing, or the judgement goes on being UNHEALTHY",
        unit="s",
        baseline="when it failed",
        window="without a break",
        tighter="lower",
        unset=OFF,
    )
