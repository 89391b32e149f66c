"""What one trade and all together may risk.

Each figure is declared once, with its unit, what it is a share of, over which time it counts, and its value
in the three profiles. `standard` has the first figure that the source documents fix for a thing, `strict` the
tightest, `micro` what 10 to 50 USD of capital can bear. A limit that may be `none` is off when it is; zero is
never "no limit".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from annotated_types import Ge, Gt, Le

from warden.runtime.settings_field import STRICT, Amount, Count, Percent, Profile, Seconds, setting

CAPITAL: Final = (
    "trading capital: wrapped native token, and positions at cost or exit price, whichever is less"
)
EQUITY: Final = "equity: both balances, and positions at their exit price"
DAY: Final = "the UTC day"
TRADE: Final = "each trade"
NOW: Final = "at any moment"
OFF: Final = "no such limit"


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """What one trade and all together may risk (PS1, PS4, EX6). All that are set hold; the tightest wins."""

    __pydantic_config__ = STRICT
    profile: Profile = setting(
        Profile.STANDARD,
        "which values hold where neither file nor environment names one",
        micro=Profile.MICRO,
        strict=Profile.STRICT,
    )
    max_trade_eth: Amount = setting(
        Decimal(10), "largest trade", unit="ETH", window=TRADE, micro=Decimal("0.01"), tighter="lower"
    )
    max_trade_usd: Amount | None = setting(
        None,
        "largest trade at the price of [price]",
        unit="USD",
        window=TRADE,
        micro=Decimal(10),
        strict=Decimal(500),
        tighter="lower",
        unset=OFF,
    )
    min_trade_eth: Annotated[Decimal, Ge(0)] = setting(
        Decimal("0.01"),
        "smallest trade; 0: any size",
        unit="ETH",
        window=TRADE,
        micro=Decimal("0.00005"),
    )
    max_trade_percent: Annotated[int, Gt(0), Le(100)] = setting(
        20, "largest trade", unit="%", baseline=CAPITAL, window=TRADE, strict=10, tighter="lower"
    )
    max_trade_loss_eth: Amount | None = setting(
        None,
        "most that one trade may lose: a cycle's gas if it reverts, a position's stop-loss and gas",
        unit="ETH",
        window=TRADE,
        micro=Decimal("0.0005"),
        strict=Decimal("0.1"),
        tighter="lower",
        unset=OFF,
    )
    risk_per_trade_percent: Percent = setting(
        Decimal(2),
        "most that one trade may lose, reckoned as above",
        unit="%",
        baseline=EQUITY,
        window=TRADE,
        strict=Decimal(1),
        tighter="lower",
    )
    max_exposure_percent: Annotated[int, Gt(0), Le(100)] = setting(
        50, "in flight and open together", unit="%", baseline=CAPITAL, window=NOW, tighter="lower"
    )
    max_exposure_usd: Amount | None = setting(
        None,
        "in flight and open together at the price of [price]",
        unit="USD",
        window=NOW,
        micro=Decimal(25),
        strict=Decimal(5000),
        tighter="lower",
        unset=OFF,
    )
    max_gas_price_gwei: Amount = setting(
        Decimal(200),
        "highest fee per unit of gas",
        unit="gwei",
        window="each transaction",
        micro=Decimal(5),
        strict=Decimal(100),
        tighter="lower",
    )
    max_fee_eth: Amount | None = setting(
        Decimal("0.1"),
        "highest fee that a transaction may burn: its gas limit times its fee cap",
        unit="ETH",
        window="each transaction",
        micro=Decimal("0.0001"),
        strict=Decimal("0.02"),
        tighter="lower",
        unset=OFF,
    )
    max_fees_per_day_eth: Amount | None = setting(
        Decimal("0.5"),
        "fees burnt together; cancels and exits go on beyond it",
        unit="ETH",
        window=DAY,
        micro=Decimal("0.0005"),
        strict=Decimal("0.1"),
        tighter="lower",
        unset=OFF,
    )
    gas_reserve_eth: Annotated[Decimal, Ge(0)] = setting(
        Decimal("0.02"),
        "native coin kept for cancels and exits; below it nothing is opened; 0: none is kept",
        unit="ETH",
        window=NOW,
        micro=Decimal("0.0005"),
        strict=Decimal("0.05"),
        tighter="higher",
    )
    min_profit_eth: Annotated[Decimal, Ge(0)] | None = setting(
        None,
        "least profit that the chain must enforce on a cycle after the highest fee it may burn; 0: no loss",
        unit="ETH",
        window=TRADE,
        micro=Decimal(0),
        strict=Decimal(0),
        tighter="higher",
        unset="a profit before the fee is enough",
    )
    reservation_s: Seconds = setting(
        30, "how long an approved trade that is never sent holds its share of the limits", unit="s"
    )
    max_positions: Count = setting(
        10, "open positions", unit="positions", window=NOW, micro=3, strict=5, tighter="lower"
    )
    max_positions_per_whale: Count = setting(
        3,
        "open positions after one followed wallet",
        unit="positions",
        window=NOW,
        micro=1,
        strict=2,
        tighter="lower",
    )
    max_positions_per_market: Count = setting(
        2, "open positions in one market", unit="positions", window=NOW, micro=1, strict=1, tighter="lower"
    )
    max_whale_day_usd: Amount | None = setting(
        Decimal(500),
        "what may be put in after one followed wallet",
        unit="USD",
        window=DAY,
        micro=Decimal(5),
        tighter="lower",
        unset=OFF,
    )
