"""How trades are sized, judged, protected and priced, and where their profit goes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from warden.runtime.settings_field import STRICT, Amount, Count, Percent, Seconds, setting, table
from warden.runtime.settings_limits import CAPITAL, NOW, TRADE

# A factor of the assessment may be above the whole: gas at twice its trend is 100 % above it.
Factor = Annotated[Decimal, Gt(0), Le(10_000)]
Weight = Annotated[int, Ge(0), Le(1000)]


@dataclass(frozen=True, kw_only=True)
class ExitSettings:
    """How open positions are protected (SL1)."""

    __pydantic_config__ = STRICT
    stop_loss_percent: Percent = setting(
        Decimal(10), "sold at this loss", unit="%", baseline="what the position cost", tighter="lower"
    )
    take_profit_percent: Annotated[Decimal, Gt(0), Le(100_000)] = setting(
        Decimal(25), "sold at this profit", unit="%", baseline="what the position cost"
    )
    trailing_percent: Percent = setting(
        Decimal(5),
        "sold at this fall",
        unit="%",
        baseline="highest that the position could be sold for since it was opened",
        tighter="lower",
    )
    trailing_from_percent: Annotated[Decimal, Ge(0), Le(100_000)] = setting(
        Decimal(0),
        "profit from which the trailing stop guards; 0: once the position could be sold without loss",
        unit="%",
        baseline="what the position cost",
    )
    stale_after_s: Seconds = setting(
        60,
        "an exit price older than this protects nothing: the position is UNPROTECTED",
        unit="s",
        tighter="lower",
    )
    settle_within_s: Seconds = setting(
        120, "an exit without an outcome for longer protects nothing either", unit="s", tighter="lower"
    )
    failures: Count = setting(
        3, "exits that fail in a row: from then on the position is UNPROTECTED", unit="exits", tighter="lower"
    )
    heal_after: Count = setting(
        3, "good prices in a row after which it is protected again", unit="prices", tighter="higher"
    )
    max_slippage_percent: Percent = setting(
        Decimal(3),
        "least that an exit takes for what it sells: so much less than it would bring now",
        unit="%",
        baseline="what the position would bring at the last block",
        tighter="lower",
    )
    widest_slippage_percent: Percent = setting(
        Decimal(20),
        "each exit that was tried and failed doubles max_slippage_percent for the next one, up to this",
        unit="%",
        baseline="what the position would bring at the last block",
    )
    without_watchdog_s: Annotated[int, Ge(0), Le(600)] = setting(
        600,
        "how long exits go on when no permit comes any more; void at any stop. 0: not at all",
        unit="s",
        window="since the last permit ran out",
        tighter="lower",
    )
    while_observing: bool = setting(
        default=False, doc="exits go on under OBSERVE_ONLY too; without it positions are UNPROTECTED then"
    )


@dataclass(frozen=True, kw_only=True)
class SizingSettings:
    """How the size of a trade follows results (PS3); every limit is checked again afterwards."""

    __pydantic_config__ = STRICT
    mode: Literal["fixed", "dynamic", "kelly"] = setting(
        "fixed", "fixed: as proposed; dynamic: by recent results; kelly: by a share of Kelly's fraction"
    )
    window_s: Seconds = setting(3600, "how far back results count", unit="s")
    min_trades: Count = setting(10, "fewest trades in the window from which a size is told", unit="trades")
    min_percent: Percent = setting(
        Decimal(50),
        "what a window without a win makes of a size",
        unit="%",
        baseline="size that was proposed",
    )
    kelly_percent: Percent = setting(
        Decimal(25),
        "how much of Kelly's fraction is used",
        unit="%",
        baseline="full Kelly fraction",
        tighter="lower",
    )
    max_percent: Annotated[Decimal, Ge(100), Le(1000)] = setting(
        Decimal(150),
        "most that good results make of a size; 100: they only shrink it",
        unit="%",
        baseline="size that was proposed",
        micro=Decimal(100),
        strict=Decimal(100),
        tighter="lower",
    )


@dataclass(frozen=True, kw_only=True)
class ProfitSettings:
    """Where profit goes (PL3)."""

    __pydantic_config__ = STRICT
    debt_percent: Annotated[Decimal, Ge(0), Le(100)] = setting(
        Decimal(70),
        "set aside for the operator's debts; the rest stays for operation. 0: nothing is",
        unit="%",
        baseline="the period's net profit; of a loss nothing",
        window="period",
    )
    period: Literal["day", "week"] = setting(
        "day", "day or week, in UTC; a week begins on Monday", window="a loss of one period lessens no other"
    )


@dataclass(frozen=True, kw_only=True)
class CapitalSettings:
    """The books of the capital: a pool for each strategy, held against the wallet (PL5)."""

    __pydantic_config__ = STRICT
    pools: dict[str, Weight] = table(
        "by strategy, its weight in the division of the capital, as `triangular = 1`; empty: equal weights, "
        "and for an only strategy one pool"
    )
    confirm_reads: Count = setting(
        3, "reads in a row that show the same difference before it is believed", unit="reads"
    )
    short_tolerance_eth: Annotated[Decimal, Ge(0)] = setting(
        Decimal("0.001"),
        "how much the wallet may hold less than the books; beyond it nothing is opened. 0: nothing",
        unit="ETH",
        window=NOW,
        micro=Decimal("0.0001"),
        tighter="lower",
    )


@dataclass(frozen=True, kw_only=True)
class PriceSettings:
    """What a whole native coin costs in USD. While it is not known, every limit in USD refuses."""

    __pydantic_config__ = STRICT
    usd_token: str | None = setting(
        None,
        "symbol of one of venue.tokens that is worth one dollar; its pair with the wrapped native token "
        "gives the price",
        unset="no price from the chain",
    )
    fixed_usd: Amount | None = setting(
        None,
        "a price that never changes, for devnet and paper; refused in live. On the devnet 2000 where "
        "neither is set",
        unit="USD",
        unset="no fixed price",
    )
    max_age_s: Seconds = setting(60, "older than this a price is not known", unit="s", tighter="lower")
    max_deviation_percent: Percent = setting(
        Decimal(5),
        "beyond it the price of a token, or of the native coin, is in dispute: exits and stops wait for "
        "confirm_blocks, losses and limits go by the worse of the two, and no more of the token is bought",
        unit="%",
        baseline="a second source; without one the median of the same pool's last window_blocks",
        strict=Decimal(3),
        tighter="lower",
    )
    confirm_blocks: Annotated[int, Ge(1), Le(32)] = setting(
        2, "so many blocks in a row must show a disputed price before it counts", unit="blocks"
    )
    confirm_within_s: Seconds = setting(
        60, "a dispute that lasts longer ends in favour of what the pool says now", unit="s"
    )
    window_blocks: Annotated[int, Ge(2), Le(64)] = setting(
        5, "earlier blocks of a pool that a new price of it is compared with", unit="blocks"
    )
    second_routes: bool = setting(
        default=True, doc="ways through the venue's other tokens count as a second source of a token's price"
    )
    second_factories: tuple[str, ...] = setting(
        (), "factories of other venues, whose pairs of the same tokens count as a second source"
    )
    second_depth_percent: Percent = setting(
        Decimal(25),
        "a second source must be this deep to count: a shallow one is cheap to move",
        unit="%",
        baseline="depth of the pools that are traded through",
        tighter="higher",
    )
    second_usd_token: str | None = setting(
        None,
        "symbol of another of venue.tokens that is worth one dollar, held against the first",
        unset="the price in USD is held against its own last blocks only",
    )


@dataclass(frozen=True, kw_only=True)
class AssessmentSettings:
    """The risk of each opportunity (RK1): six factors, each refused above its limit, and a score of all.

    A factor's points are its share of its limit; the score is their mean by weight: 0 none, 100 all at them.
    """

    __pydantic_config__ = STRICT
    enabled: bool = setting(default=True, doc="opportunities are assessed")
    score_max_percent: Percent = setting(
        Decimal(60),
        "highest score that passes",
        unit="%",
        baseline="a score of all factors at their limits",
        window=TRADE,
        strict=Decimal(50),
        tighter="lower",
    )
    max_exposure_percent: Factor = setting(
        Decimal(50),
        "at stake together",
        unit="%",
        baseline=CAPITAL,
        window=NOW,
        tighter="lower",
    )
    max_concentration_percent: Factor = setting(
        Decimal(40),
        "at stake in markets that move together",
        unit="%",
        baseline=CAPITAL,
        window=NOW,
        tighter="lower",
    )
    max_volatility_percent: Factor = setting(
        Decimal(10),
        "one standard deviation of the path's wildest pool",
        unit="%",
        baseline="price",
        window="as long as the trade is at risk",
        strict=Decimal(5),
        tighter="lower",
    )
    max_impact_percent: Factor = setting(
        Decimal(3),
        "lost to the price that the size itself moves, exact from the reserves",
        unit="%",
        baseline="output at the price before the trade",
        window=TRADE,
        strict=Decimal(1),
        tighter="lower",
    )
    max_gas_percent: Factor = setting(
        Decimal(100),
        "fee per gas above its trend",
        unit="%",
        baseline="trend of the fee per gas",
        window="fee_decay_percent tells how far back",
        strict=Decimal(50),
        tighter="lower",
    )
    max_sandwich_percent: Factor = setting(
        Decimal(1),
        "most that others can take, given the bound on the output",
        unit="%",
        baseline="output at the price before the trade",
        window=TRADE,
        strict=Decimal("0.5"),
        tighter="lower",
    )
    weight_exposure: Weight = setting(20, "share of the score; 0: only its limit counts")
    weight_concentration: Weight = setting(10, "share of the score; 0: only its limit counts")
    weight_volatility: Weight = setting(15, "share of the score; 0: only its limit counts")
    weight_impact: Weight = setting(20, "share of the score; 0: only its limit counts")
    weight_gas: Weight = setting(10, "share of the score; 0: only its limit counts")
    weight_sandwich: Weight = setting(25, "share of the score; 0: only its limit counts")
    private_percent: Annotated[int, Ge(0), Le(100)] = setting(
        10,
        "how much of the sandwich exposure counts on a private relay; 0: nothing of it",
        unit="%",
        baseline="exposure on the public route",
    )
    reserves_stale_after_s: Seconds = setting(
        60, "reserves older than this are not known: the trade is refused", unit="s", tighter="lower"
    )
    interval_s: Seconds = setting(60, "length of the interval of one return", unit="s")
    decay_percent: Annotated[Decimal, Gt(0), Lt(100)] = setting(
        Decimal(94), "kept of the variance", unit="%", baseline="variance before", window="interval_s"
    )
    returns_min: Annotated[int, Ge(2), Le(64)] = setting(
        8, "below it neither volatility nor correlation is known, and counts as at its limit", unit="returns"
    )
    stale_after_s: Seconds = setting(300, "a market not seen for longer is not known", unit="s")
    fee_decay_percent: Annotated[Decimal, Gt(0), Lt(100)] = setting(
        Decimal(95),
        "kept of the trend of the fee per gas",
        unit="%",
        baseline="trend before",
        window="each block that is seen",
    )
    fees_min: Count = setting(8, "blocks seen before the trend of gas is known", unit="blocks")
