"""The risk rules' limits in integers, out of the settings: one place where percent becomes basis points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.money import WEI_PER_GWEI, ether_to_wei
from warden.domain.risk.allocation import AllocationLimits
from warden.domain.risk.assessment import AssessmentLimits, Factors
from warden.domain.risk.books import CapitalLimits, PoolWeight
from warden.domain.risk.breaker_counts import BreakerLimits
from warden.domain.risk.drawdown import DrawdownLimits
from warden.domain.risk.engine import RiskLimits
from warden.domain.risk.events import DAY_NS, NS_PER_S
from warden.domain.risk.exit_triggers import Triggers
from warden.domain.risk.fees import FeeLimits
from warden.domain.risk.levers import GasLimits, LeverLimits
from warden.domain.risk.position_limits import PositionLimits
from warden.domain.risk.profit_loss import ProfitLossLimits
from warden.domain.risk.protection import ExitLimits
from warden.domain.risk.reservations import ReservationLimits
from warden.domain.risk.sizing import SizingLimits, SizingMode
from warden.domain.risk.thresholds import TradeLimits
from warden.domain.risk.usd import MICRO_PER_USD
from warden.domain.risk.volatility import MarketLimits
from warden.runtime.emergency_terms import emergency_limits
from warden.runtime.settings_strategies import weights

if TYPE_CHECKING:
    from decimal import Decimal

    from warden.runtime.settings import Settings

_BPS_PER_PERCENT: Final = 100
_WEEK_DAYS: Final = 7


def limits_of(settings: Settings) -> RiskLimits:
    """Return every limit that the settings set."""
    return RiskLimits(
        levers=_levers(settings),
        breaker=_breaker(settings),
        drawdown=DrawdownLimits(
            halt_bps=_bps(settings.drawdown.halt_percent),
            consecutive_losses=settings.drawdown.consecutive_losses,
            cooldown_s=settings.drawdown.cooldown_s,
            warn_bps=_bps(settings.emergency.warn_at_percent),
        ),
        emergency=emergency_limits(settings),
        reservations=ReservationLimits(unused_life_ns=settings.limits.reservation_s * NS_PER_S),
        sizing=_sizing(settings),
        exits=_exits(settings),
        capital=_capital(settings),
        profit_loss=ProfitLossLimits(calls_per_day=settings.gateway.calls_per_day or 0),
        assessment=_assessment(settings) if settings.assessment.enabled else None,
    )


def _levers(settings: Settings) -> LeverLimits:
    limits = settings.limits
    return LeverLimits(
        gas=GasLimits(
            max_fee_per_gas_wei=int(limits.max_gas_price_gwei * WEI_PER_GWEI),
            min_profit_wei=_wei(limits.min_profit_eth),
        ),
        trade=TradeLimits(
            min_trade_wei=ether_to_wei(limits.min_trade_eth),
            max_trade_wei=ether_to_wei(limits.max_trade_eth),
            max_trade_micro_usd=_micro_usd(limits.max_trade_usd),
            max_trade_bps=limits.max_trade_percent * _BPS_PER_PERCENT,
            max_exposure_bps=limits.max_exposure_percent * _BPS_PER_PERCENT,
            max_exposure_micro_usd=_micro_usd(limits.max_exposure_usd),
            max_loss_wei=_wei(limits.max_trade_loss_eth),
            max_risk_bps=_bps(limits.risk_per_trade_percent),
            gas_reserve_wei=ether_to_wei(limits.gas_reserve_eth),
            price_life_ns=settings.price.max_age_s * NS_PER_S,
        ),
        positions=PositionLimits(
            max_positions=limits.max_positions,
            max_per_whale=limits.max_positions_per_whale,
            max_per_market=limits.max_positions_per_market,
            whale_day_micro_usd=_micro_usd(limits.max_whale_day_usd),
        ),
        fees=FeeLimits(
            max_transaction_wei=_wei(limits.max_fee_eth), max_day_wei=_wei(limits.max_fees_per_day_eth)
        ),
    )


def _breaker(settings: Settings) -> BreakerLimits:
    breaker = settings.breaker
    return BreakerLimits(
        consecutive_failures=breaker.consecutive_failures,
        cooldown_s=breaker.cooldown_s,
        successes_to_close=breaker.successes_to_close,
        probe_timeout_s=breaker.probe_timeout_s,
        enabled=breaker.enabled,
        failure_rate_bps=_bps(breaker.failure_rate_percent),
        failure_window_s=breaker.failure_window_s,
        min_sample=breaker.min_sample,
        losing_trades=breaker.losing_trades,
        loss_wei=_wei(breaker.loss_eth),
        loss_micro_usd=_micro_usd(breaker.loss_usd),
        loss_bps=None if breaker.loss_percent is None else _bps(breaker.loss_percent),
        loss_window_s=breaker.loss_window_s,
        loss_cooldown_s=breaker.loss_cooldown_s,
        price_life_s=settings.price.max_age_s,
    )


def _sizing(settings: Settings) -> SizingLimits:
    sizing = settings.sizing
    return SizingLimits(
        mode=SizingMode(sizing.mode),
        window_ns=sizing.window_s * NS_PER_S,
        trades_min=sizing.min_trades,
        least_bps=_bps(sizing.min_percent),
        most_bps=_bps(sizing.max_percent),
        kelly_bps=_bps(sizing.kelly_percent),
    )


def _exits(settings: Settings) -> ExitLimits:
    exits = settings.exits
    return ExitLimits(
        triggers=Triggers(
            stop_loss_bps=_bps(exits.stop_loss_percent),
            take_profit_bps=_bps(exits.take_profit_percent),
            trailing_bps=_bps(exits.trailing_percent),
            trailing_from_bps=_bps(exits.trailing_from_percent),
        ),
        stale_after_ns=exits.stale_after_s * NS_PER_S,
        settle_within_ns=exits.settle_within_s * NS_PER_S,
        failures=exits.failures,
        heal_after=exits.heal_after,
    )


def _capital(settings: Settings) -> CapitalLimits:
    capital, profit = settings.capital, settings.profit
    pools = tuple(PoolWeight(name, weight) for name, weight in weights(settings).items())
    days = _WEEK_DAYS if profit.period == "week" else 1
    return CapitalLimits(
        pools=pools,
        allocation=AllocationLimits(period_ns=days * DAY_NS, debt_bps=_bps(profit.debt_percent)),
        unused_life_ns=settings.limits.reservation_s * NS_PER_S,
        confirm_reads=capital.confirm_reads,
        short_tolerance_wei=ether_to_wei(capital.short_tolerance_eth),
    )


def _assessment(settings: Settings) -> AssessmentLimits:
    assessment = settings.assessment
    return AssessmentLimits(
        limits=Factors(
            exposure=_bps(assessment.max_exposure_percent),
            concentration=_bps(assessment.max_concentration_percent),
            volatility=_bps(assessment.max_volatility_percent),
            impact=_bps(assessment.max_impact_percent),
            gas=_bps(assessment.max_gas_percent),
            sandwich=_bps(assessment.max_sandwich_percent),
        ),
        weights=Factors(
            exposure=assessment.weight_exposure,
            concentration=assessment.weight_concentration,
            volatility=assessment.weight_volatility,
            impact=assessment.weight_impact,
            gas=assessment.weight_gas,
            sandwich=assessment.weight_sandwich,
        ),
        score_max_bps=_bps(assessment.score_max_percent),
        private_percent=assessment.private_percent,
        reserves_stale_after_ns=assessment.reserves_stale_after_s * NS_PER_S,
        markets=MarketLimits(
            interval_ns=assessment.interval_s * NS_PER_S,
            decay_bps=_bps(assessment.decay_percent),
            returns_min=assessment.returns_min,
            stale_after_ns=assessment.stale_after_s * NS_PER_S,
            fee_decay_bps=_bps(assessment.fee_decay_percent),
            fees_min=assessment.fees_min,
        ),
    )


def _bps(percent: Decimal) -> int:
    """Return percent as basis points, rounded down: the tighter of two for what is a limit."""
    return int(percent * _BPS_PER_PERCENT)


def _wei(ether: Decimal | None) -> int | None:
    return None if ether is None else ether_to_wei(ether)


def _micro_usd(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICRO_PER_USD)
