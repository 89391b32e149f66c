"""How far prices are believed, as the settings say: for the executor and for the watchdog's capital."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.money import BPS_PER_PERCENT
from warden.domain.risk.doubt import DoubtLimits
from warden.domain.risk.events import NS_PER_S

if TYPE_CHECKING:
    from warden.runtime.settings import Settings


def doubt_limits(settings: Settings) -> DoubtLimits:
    """Return the limits of [price]."""
    price = settings.price
    return DoubtLimits(
        max_deviation_bps=int(price.max_deviation_percent * BPS_PER_PERCENT),
        confirm_blocks=price.confirm_blocks,
        confirm_within_ns=price.confirm_within_s * NS_PER_S,
        window_blocks=price.window_blocks,
        depth_bps=int(price.second_depth_percent * BPS_PER_PERCENT),
    )
