"""What the rules allow in tests of the whole engine, and what is asked of them there."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tests.unit.domain.risk.requests import ETHER, GWEI, USD, S
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.books import CapitalLimits, PoolWeight
from warden.domain.risk.circuit_breaker import BreakerLimits
from warden.domain.risk.engine import RiskLimits
from warden.domain.risk.events import Priced, Request, Reserved
from warden.domain.risk.fees import FeeLimits
from warden.domain.risk.levers import GasLimits, LeverLimits
from warden.domain.risk.position_limits import PositionLimits
from warden.domain.risk.sizing import SizingLimits, SizingMode
from warden.domain.risk.thresholds import TradeLimits

PRICE: Final = 2_000
PRICE_LIFE_S: Final = 3_600
LIFE_NS: Final = 30 * S
LIMITS: Final = RiskLimits(
    levers=LeverLimits(
        gas=GasLimits(max_fee_per_gas_wei=100 * GWEI, min_profit_wei=None),
        trade=TradeLimits(
            max_trade_micro_usd=16_000 * USD,
            max_exposure_micro_usd=45_000 * USD,
            price_life_ns=PRICE_LIFE_S * S,
        ),
        positions=PositionLimits(max_positions=5, whale_day_micro_usd=20_000 * USD),
        fees=FeeLimits(max_transaction_wei=ETHER // 10, max_day_wei=ETHER // 4),
    ),
    breaker=BreakerLimits(price_life_s=PRICE_LIFE_S, loss_micro_usd=1_500 * USD),
    sizing=SizingLimits(mode=SizingMode.DYNAMIC, trades_min=2),
    capital=CapitalLimits(pools=(PoolWeight("a", 2), PoolWeight("b", 1)), confirm_reads=2),
    assessment=None,
)


def request(
    name: str, spend_wei: int, *, strategy: str = "a", market: str = "m", whale: str = "", gas_wei: int = 0
) -> Request:
    """Return what an intent would ask for: a cycle that shrinks, and loses its gas at most."""
    return Request(
        intent_id=name,
        strategy=strategy,
        action=Action.OPEN,
        spend_wei=spend_wei,
        loss_wei=gas_wei,
        profit_wei=ETHER // 1_000,
        fee_per_gas_wei=10 * GWEI,
        market=market,
        whale=whale,
        shrinks=True,
        gas_wei=gas_wei,
    )


def reserved(asked: Request) -> Reserved:
    """Return what the executor folds in the same step in which a request was let through."""
    return Reserved(
        intent_id=asked.intent_id,
        strategy=asked.strategy,
        market=asked.market,
        whale=asked.whale,
        spend_wei=Wei(asked.spend_wei),
        loss_wei=Wei(asked.loss_wei),
        gas_wei=Wei(asked.gas_wei),
    )


def priced() -> Priced:
    """Return the one price of this world."""
    return Priced(Decimal(PRICE))
