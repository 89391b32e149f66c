"""What opens the breaker, stops everything, or halts new trades for a while."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from annotated_types import Ge, Gt, Le, Lt

from warden.domain.stops import CleanUp, StopReason
from warden.runtime.settings_field import STRICT, Amount, Count, Percent, Seconds, setting, table
from warden.runtime.settings_limits import DAY, NOW, OFF

OPENING: Final = "equity at the day's opening, 00:00 UTC"


@dataclass(frozen=True, kw_only=True)
class BreakerSettings:
    """The circuit breaker (CB1 to CB3). Whichever of its conditions holds first opens it."""

    __pydantic_config__ = STRICT
    enabled: bool = setting(
        default=True,
        doc="it opens by itself; CIRCUIT_BREAKER_ENABLED too. Opening it by hand works all the same",
    )
    consecutive_failures: Count = setting(
        5,
        "failed trades in a row that open it",
        unit="trades",
        window="since the last success",
        micro=3,
        tighter="lower",
    )
    failure_rate_percent: Percent = setting(
        Decimal(50),
        "failed trades: above this it opens",
        unit="%",
        baseline="trades settled in the window, if they are min_sample or more",
        window="failure_window_s",
        tighter="lower",
    )
    failure_window_s: Seconds = setting(300, "how far back failure_rate_percent looks", unit="s")
    min_sample: Count = setting(5, "fewest trades of which a rate is told", unit="trades")
    losing_trades: Count = setting(
        3,
        "losing trades in a row that open it",
        unit="trades",
        window="since the last winning one",
        tighter="lower",
    )
    loss_eth: Amount | None = setting(
        Decimal(1),
        "net loss: above this it opens",
        unit="ETH",
        window="loss_window_s",
        micro=Decimal("0.001"),
        tighter="lower",
        unset=OFF,
    )
    loss_usd: Amount | None = setting(
        Decimal(500),
        "net loss at the price of [price]: above this it opens",
        unit="USD",
        window="loss_window_s",
        micro=Decimal("1.5"),
        tighter="lower",
        unset=OFF,
    )
    loss_percent: Percent | None = setting(
        Decimal(3),
        "net loss: above this it opens",
        unit="%",
        baseline=OPENING,
        window="loss_window_s",
        tighter="lower",
        unset=OFF,
    )
    loss_window_s: Seconds = setting(86_400, "how far back the losses count", unit="s")
    cooldown_s: Seconds = setting(60, "until one probe trade may pass", unit="s", tighter="higher")
    loss_cooldown_s: Seconds = setting(
        3600, "the same after loss_usd or loss_percent", unit="s", tighter="higher"
    )
    successes_to_close: Count = setting(
        2, "successful probes in a row that close it", unit="trades", tighter="higher"
    )
    probe_timeout_s: Seconds = setting(
        30, "after so long a probe without an outcome opens it again", unit="s", tighter="lower"
    )


@dataclass(frozen=True, kw_only=True)
class EmergencySettings:
    """When everything stops by itself (ES1, ES1a, ES6)."""

    __pydantic_config__ = STRICT
    enabled: bool = setting(
        default=True,
        doc="stops come by themselves; EMERGENCY_STOP_ENABLED too. A stop by hand works all the same",
    )
    capital_loss_percent: Percent = setting(
        Decimal(20),
        "loss of capital",
        unit="%",
        baseline="capital put in: deposits less withdrawals",
        window="since it was put in, restarts included",
        tighter="lower",
    )
    capital_warning_percent: Percent = setting(
        Decimal(15),
        "the same, told as an ERROR before it stops",
        unit="%",
        baseline="capital put in: deposits less withdrawals",
        window="since it was put in, restarts included",
        tighter="lower",
    )
    consecutive_errors: Count = setting(
        10,
        "failures of the system in a row; a reverted trade is none",
        unit="errors",
        window="since something last worked",
        tighter="lower",
    )
    health_percent: Annotated[Decimal, Ge(0), Le(100)] = setting(
        Decimal(30),
        "health score below this; 0: never, a score is not below it",
        unit="%",
        baseline="a score of 1: all healthy",
        window=NOW,
        tighter="higher",
    )
    daily_loss_usd: Amount | None = setting(
        Decimal(1000),
        "net loss at the price of [price]",
        unit="USD",
        window=DAY,
        micro=Decimal("2.5"),
        tighter="lower",
        unset=OFF,
    )
    daily_loss_percent: Percent | None = setting(
        Decimal(5), "net loss", unit="%", baseline=OPENING, window=DAY, tighter="lower", unset=OFF
    )
    drawdown_percent: Percent = setting(
        Decimal(20),
        "fall from the highest equity",
        unit="%",
        baseline="highest equity so far, restarts included",
        window="since the peak",
        tighter="lower",
    )
    portfolio_percent: Percent | None = setting(
        Decimal(5),
        "loss of all open positions together, not yet realised",
        unit="%",
        baseline=OPENING,
        window=NOW,
        tighter="lower",
        unset=OFF,
    )
    network_failure_s: Seconds | None = setting(
        600,
        "the chain cannot be read for so long; a suspended machine does not count",
        unit="s",
        window="since the last read",
        tighter="lower",
        unset=OFF,
    )
    warn_at_percent: Annotated[Decimal, Gt(0), Lt(100)] = setting(
        Decimal(90), "a warning comes at this much of a limit", unit="%", baseline="each limit", window=NOW
    )
    policies: dict[StopReason, CleanUp] = table(
        'by reason, as `DRAWDOWN = "flatten"`: what happens to what is on the chain: hold, cancel or '
        "flatten; cancel where nothing is said"
    )


@dataclass(frozen=True, kw_only=True)
class DrawdownSettings:
    """When nothing new is opened for a while (SL2)."""

    __pydantic_config__ = STRICT
    halt_percent: Percent = setting(
        Decimal(15),
        "fall from the highest equity at which nothing is opened",
        unit="%",
        baseline="highest equity so far, restarts included",
        window="since the peak",
        tighter="lower",
    )
    consecutive_losses: Count | None = setting(
        5,
        "losing trades in a row after which nothing is opened",
        unit="trades",
        window="since the last winning one",
        tighter="lower",
        unset=OFF,
    )
    cooldown_s: Seconds = setting(300, "how long nothing is opened after either", unit="s", tighter="higher")
