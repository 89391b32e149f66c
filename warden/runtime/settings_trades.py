"""How trades are sized, judged, protected and priced, and where their profit goes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from warden.runtime.settings_field import STRICT, Amount, Count, Percent, Seconds, setting
from warden.runtime.settings_limits import TRADE


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


@dataclass(frozen=True, kw_only=True)
class AssessmentSettings:
    """The score of each opportunity (RK1): approved, made smaller, or refused with reasons."""

    __pydantic_config__ = STRICT
    enabled: bool = setting(default=True, doc="opportunities are scored")
    min_score_percent: Annotated[Decimal, Ge(0), Le(100)] = setting(
        Decimal(30),
        "a score below this refuses; 0: none does",
        unit="%",
        baseline="a score of 1: nothing speaks against it",
        window=TRADE,
        strict=Decimal(50),
        tighter="higher",
    )
    full_score_percent: Percent = setting(
        Decimal(70),
        "from this score on the whole size, below it less in proportion",
        unit="%",
        baseline="a score of 1: nothing speaks against it",
        window=TRADE,
        strict=Decimal(80),
        tighter="higher",
    )
    max_impact_bps: Annotated[int, Ge(1), Le(10_000)] = setting(
        300,
        "price impact, exact from the reserves",
        unit="bps",
        baseline="price before the trade",
        window=TRADE,
        strict=100,
        tighter="lower",
    )
    max_sandwich_bps: Annotated[int, Ge(1), Le(10_000)] = setting(
        100,
        "what a sandwich could take, by the bound on slippage; a private relay has none",
        unit="bps",
        baseline="what the trade puts in",
        window=TRADE,
        strict=50,
        tighter="lower",
    )
    max_volatility_bps: Annotated[int, Ge(1), Le(1_000_000)] = setting(
        1000,
        "volatility at which the score for it is 0",
        unit="bps",
        baseline="price, one standard deviation a day",
        window="weights halve every volatility_half_life_s",
        strict=500,
        tighter="lower",
    )
    volatility_half_life_s: Seconds = setting(3600, "after so long a price counts half", unit="s")
