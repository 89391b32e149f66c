"""What the emergency stop measures, and by how much each limit is met (ES1). See emergency_stop.py.

Every comparison is of whole products: shares are cross-multiplied, so that nothing is truncated (ES2).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk import day as days
from warden.domain.risk import usd
from warden.domain.risk.day import Day
from warden.domain.risk.holdings import Holdings
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import format_percent
from warden.domain.risk.usd import Quote
from warden.domain.stops import CleanUp, StopReason


class Trigger(StrEnum):
    """The conditions that are measured here."""

    CAPITAL_LOSS = "capital-loss"
    DAILY_LOSS = "daily-loss"
    DAILY_LOSS_USD = "daily-loss-usd"
    DRAWDOWN = "drawdown"
    PORTFOLIO = "portfolio"
    ERRORS = "errors"
    HEALTH = "health"


class About(NamedTuple):
    """What is said of a trigger: the stop's reason, a sentence, the unit and the setting."""

    reason: StopReason
    message: str
    unit: str
    setting: str


ABOUT: Final = {
    Trigger.CAPITAL_LOSS: About(
        StopReason.CAPITAL_LOSS, "too much of the capital is lost", "%", "emergency.capital_loss_percent"
    ),
    Trigger.DAILY_LOSS: About(
        StopReason.DAILY_LOSS, "too much is lost today", "%", "emergency.daily_loss_percent"
    ),
    Trigger.DAILY_LOSS_USD: About(
        StopReason.DAILY_LOSS, "too much is lost today", "USD", "emergency.daily_loss_usd"
    ),
    Trigger.DRAWDOWN: About(
        StopReason.DRAWDOWN,
        "equity has fallen too far below its peak",
        "%",
        "emergency.drawdown_percent",
    ),
    Trigger.PORTFOLIO: About(
        StopReason.CAPITAL_LOSS,
        "the open positions together have lost too much",
        "%",
        "emergency.portfolio_percent",
    ),
    Trigger.ERRORS: About(
        StopReason.SYSTEM_ERROR, "the system failed in a row", "errors", "emergency.consecutive_errors"
    ),
    Trigger.HEALTH: About(StopReason.HEALTH, "the health score is too low", "%", "emergency.health_percent"),
}


class EmergencyLimits(msgspec.Struct, frozen=True):
    """When everything stops; the defaults are the profile `standard`. None: no such limit.

    Attributes:
        enabled: stops come by themselves; by hand they come all the same (ES1a).
        capital_warning_bps: told as an ERROR before `capital_loss_bps` stops.
        daily_loss_micro_usd: in millionths of a USD.
        health_bps: a score below it stops; 0: none does.
        warn_bps: a warning comes at this share of a limit.
        price_life_s: a price older than this is not known.
        network_failure_s: without a read of the chain for so long the network counts as failed.
        policies: by the stop's reason, what happens to what is on the chain; cancel if not said (ES6).
    """

    enabled: bool = True
    capital_loss_bps: int | None = 2_000
    capital_warning_bps: int = 1_500
    consecutive_errors: int | None = 10
    health_bps: int = 3_000
    daily_loss_bps: int | None = 500
    daily_loss_micro_usd: int | None = 1_000 * usd.MICRO_PER_USD
    drawdown_bps: int | None = 2_000
    portfolio_bps: int | None = 500
    warn_bps: int = 9_000
    price_life_s: int = 60
    network_failure_s: int | None = 600
    policies: dict[StopReason, CleanUp] = {}


class Emergency(msgspec.Struct, frozen=True):
    """The state.

    Attributes:
        equity_wei: as last read; None until then.
        baseline_wei: the capital that losses are measured by: the first equity above zero, moved since.
        peak_wei: the highest equity so far.
        errors: failures of the system in a row; `failing` is the kind of the last.
        health_bps: the watchdog's score where it measures that; None in the executor's rules.
        demanded: triggers and raised reasons that have demanded a stop.
        told: triggers of which a warning stands, or which would have stopped if that were not switched off.
        shut: what `check` answers since the first demand, or None.
    """

    equity_wei: Wei | None = None
    baseline_wei: Wei | None = None
    peak_wei: Wei = Wei(0)
    day: Day = Day()
    quote: Quote | None = None
    price_until_ns: int = 0
    holdings: Holdings = Holdings()
    errors: int = 0
    failing: str = ""
    health_bps: int | None = None
    demanded: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    shut: Refusal | None = None


class Gauge(NamedTuple):
    """A value against its limit, both whole numbers in one unit.

    Attributes:
        warn_bps: a warning comes at this share of the limit.
        whole: of a share, what it is a share of; observed and limit are then basis points of it.
    """

    trigger: Trigger
    observed: int
    limit: int
    warn_bps: int
    whole: int = 1

    @property
    def reached(self) -> bool:
        """The limit is met."""
        return self.observed > 0 and self.observed >= self.limit

    def at_least(self, share_bps: int) -> bool:
        """Tell whether the value is at this share of the limit, or above."""
        return self.observed > 0 and self.observed * BPS_ONE >= self.limit * share_bps


MONEY: Final = (
    Trigger.CAPITAL_LOSS,
    Trigger.DAILY_LOSS,
    Trigger.DAILY_LOSS_USD,
    Trigger.DRAWDOWN,
    Trigger.PORTFOLIO,
)


def measure(state: Emergency, limits: EmergencyLimits, trigger: Trigger) -> Gauge | None:
    """Return how a trigger stands; None where it is not configured, or cannot be told."""
    if trigger is Trigger.ERRORS:
        limit = limits.consecutive_errors
        return None if limit is None else Gauge(trigger, state.errors, limit, limits.warn_bps)
    if trigger is Trigger.HEALTH:
        # Below it, not at it: the lower the score, the nearer the limit.
        score = state.health_bps
        return (
            None if score is None else Gauge(trigger, limits.health_bps, max(0, score) + 1, limits.warn_bps)
        )
    if state.equity_wei is None:
        return None
    return _money(state, limits, trigger, state.equity_wei)


def _money(state: Emergency, limits: EmergencyLimits, trigger: Trigger, equity_wei: int) -> Gauge | None:
    if trigger is Trigger.CAPITAL_LOSS:
        return _capital(state, limits, equity_wei)
    if trigger is Trigger.DRAWDOWN:
        lost = state.peak_wei - equity_wei
        return _share(trigger, lost, state.peak_wei, limits.drawdown_bps, limits.warn_bps)
    if trigger is Trigger.PORTFOLIO:
        # Of two baselines the one that stops earlier.
        base = state.day.base_wei
        whole = equity_wei if state.day.opening_wei is None else min(equity_wei, base)
        return _share(trigger, state.holdings.loss_wei, whole, limits.portfolio_bps, limits.warn_bps)
    lost = days.loss_wei(state.day, equity_wei)
    if trigger is Trigger.DAILY_LOSS:
        return _share(trigger, lost, state.day.base_wei, limits.daily_loss_bps, limits.warn_bps)
    limit = limits.daily_loss_micro_usd
    if limit is None or state.quote is None:
        return None
    return Gauge(trigger, usd.micro_usd_of(lost, state.quote), limit, limits.warn_bps)


def _capital(state: Emergency, limits: EmergencyLimits, equity_wei: int) -> Gauge | None:
    limit_bps = limits.capital_loss_bps
    if equity_wei <= 0:
        # Zero is a total loss, not "no data" (ES2's trap), whatever it began with.
        return Gauge(Trigger.CAPITAL_LOSS, BPS_ONE, min(BPS_ONE, limit_bps or BPS_ONE), BPS_ONE)
    if limit_bps is None or state.baseline_wei is None:
        return None
    warn_bps = limits.capital_warning_bps * BPS_ONE // limit_bps
    return _share(
        Trigger.CAPITAL_LOSS, state.baseline_wei - equity_wei, state.baseline_wei, limit_bps, warn_bps
    )


def _share(
    trigger: Trigger, lost_wei: int, whole_wei: int, limit_bps: int | None, warn_bps: int
) -> Gauge | None:
    """Return a loss as a share; of nothing at all any loss is too much."""
    if limit_bps is None:
        return None
    whole = max(1, whole_wei)
    return Gauge(trigger, lost_wei * BPS_ONE, limit_bps * whole, warn_bps, whole)


def texts(state: Emergency, limits: EmergencyLimits, gauge: Gauge) -> tuple[str, str]:
    """Return limit and observed value as text in the trigger's unit; the value rounded up."""
    unit = ABOUT[gauge.trigger].unit
    if gauge.trigger is Trigger.HEALTH:
        return format_percent(limits.health_bps), format_percent(max(0, state.health_bps or 0))
    if unit == "%":
        share_bps = -(-gauge.observed // gauge.whole)
        return format_percent(gauge.limit // gauge.whole), format_percent(share_bps)
    if unit == "USD":
        return usd.format_usd(gauge.limit), usd.format_usd(gauge.observed)
    return str(gauge.limit), str(gauge.observed)
