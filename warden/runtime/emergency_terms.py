"""When everything stops by itself, as the settings say: for the executor's rules and the watchdog's alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.risk.usd import MICRO_PER_USD

if TYPE_CHECKING:
    from decimal import Decimal

    from warden.runtime.settings import Settings

_BPS_PER_PERCENT: Final = 100


def emergency_limits(settings: Settings) -> EmergencyLimits:
    """Return the limits of [emergency]; shares in basis points, USD in millionths."""
    emergency = settings.emergency
    daily, portfolio, usd = (
        emergency.daily_loss_percent,
        emergency.portfolio_percent,
        emergency.daily_loss_usd,
    )
    return EmergencyLimits(
        enabled=emergency.enabled,
        capital_loss_bps=_bps(emergency.capital_loss_percent),
        capital_warning_bps=_bps(emergency.capital_warning_percent),
        consecutive_errors=emergency.consecutive_errors,
        health_bps=_bps(emergency.health_percent),
        daily_loss_bps=None if daily is None else _bps(daily),
        daily_loss_micro_usd=None if usd is None else int(usd * MICRO_PER_USD),
        drawdown_bps=_bps(emergency.drawdown_percent),
        portfolio_bps=None if portfolio is None else _bps(portfolio),
        warn_bps=_bps(emergency.warn_at_percent),
        price_life_s=settings.price.max_age_s,
        network_failure_s=emergency.network_failure_s,
        policies=emergency.policies,
    )


def _bps(percent: Decimal) -> int:
    return int(percent * _BPS_PER_PERCENT)
