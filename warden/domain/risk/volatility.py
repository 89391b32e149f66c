"""How much markets move, and how much they move together; whether gas is getting dearer (RK1). No floats.

Time is cut into intervals [60 s]. A market's return over one is 2*(p1-p0)/(p1+p0): the logarithm's first
terms, the same with the other sign whichever token the price is in, and between -2 and 2 whatever happens.
It is an integer of 1e-9. Variance is the RiskMetrics estimate (J.P. Morgan, 1996): the mean is taken as
zero, and each new square counts for 1 - decay [0.06]. The interval that still runs counts as soon as it makes
the variance larger, so that a crash is seen at once. Returns of two markets are set side by side by interval;
one that was not observed for an interval has no return there.

At most [64] markets are kept; the one that was observed longest ago makes room.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk.events import NS_PER_S, MarketPrice, Observed

if TYPE_CHECKING:
    from collections.abc import Iterable

RETURN_ONE: Final = 10**9
_RETURN_PER_BPS: Final = RETURN_ONE // BPS_ONE
_FEE_ONE: Final = 2**16


class MarketLimits(msgspec.Struct, frozen=True):
    """How markets are observed; what is too little to go by counts as not known.

    Attributes:
        interval_ns: length of the interval of one return.
        decay_bps: what of the variance is kept from one interval to the next, basis points.
        markets: kept at most.
        returns: kept for each market at most, for correlation.
        returns_min: below it neither volatility nor correlation is known.
        stale_after_ns: a market that was not observed for longer is not known.
        fee_decay_bps: what of the gas trend is kept from one observation to the next.
        fees_min: observations of gas before its trend is known.

    Raises:
        ConfigurationInvalid: one is out of range.
    """

    interval_ns: int = 60 * NS_PER_S
    decay_bps: int = 9_400
    markets: int = 64
    returns: int = 64
    returns_min: int = 8
    stale_after_ns: int = 300 * NS_PER_S
    fee_decay_bps: int = 9_500
    fees_min: int = 8

    def __post_init__(self) -> None:
        """Refuse what would know nothing, or would never forget."""
        least = (self.interval_ns, self.markets, self.stale_after_ns, self.fees_min)
        if min(least) <= 0:
            raise ConfigurationInvalid("every time and count of [assessment] must be above 0")
        if not 1 < self.returns_min <= self.returns:
            raise ConfigurationInvalid("assessment.returns_min must be from 2 to assessment.returns")
        if not (0 < self.decay_bps < BPS_ONE and 0 < self.fee_decay_bps < BPS_ONE):
            raise ConfigurationInvalid("assessment.decay_percent must be above 0 and below 100")


class Series(msgspec.Struct, frozen=True):
    """One market.

    Attributes:
        base: the price at the end of the last interval that ended, as a ratio of two integers.
        last: the newest price.
        interval: the number of the interval that runs; `base` is `span` intervals before its end, 0 in the
            first, of which only a part was seen: it makes no return.
        returns: of the intervals before it, newest last, None for one that was not observed.
        count: returns that were observed, up to what is kept.
        variance: of the ended intervals, 1e-18; `now` with the running one where that is larger.
        seen_ns: of the newest price.
    """

    base: tuple[Wei, Wei]
    last: tuple[Wei, Wei]
    interval: int
    seen_ns: int
    span: int = 0
    returns: tuple[int | None, ...] = ()
    count: int = 0
    variance: int = 0
    now: int = 0


class Markets(msgspec.Struct, frozen=True):
    """All markets by name, and the trend of the gas fee in wei times 2**16 after `fees` observations."""

    series: dict[str, Series] = {}
    fee_trend: Wei = Wei(0)
    fees: int = 0


def observe(markets: Markets, limits: MarketLimits, event: Observed, at_ns: int) -> Markets:
    """Return the markets after what a block showed; a price that is no ratio is left out."""
    series = dict(markets.series)
    for price in event.prices:
        if price.reserve0 > 0 and price.reserve1 > 0:
            series[price.market] = _seen(series.get(price.market), limits, price, at_ns)
    while len(series) > limits.markets:
        del series[min(series, key=lambda name: (series[name].seen_ns, name))]
    if event.fee_per_gas_wei is None or event.fee_per_gas_wei < 0:
        return msgspec.structs.replace(markets, series=series)
    fee = event.fee_per_gas_wei * _FEE_ONE
    kept = limits.fee_decay_bps if markets.fees else 0
    trend = (markets.fee_trend * kept + fee * (BPS_ONE - kept)) // BPS_ONE
    return Markets(series=series, fee_trend=Wei(trend), fees=min(markets.fees + 1, limits.fees_min))


def _seen(known: Series | None, limits: MarketLimits, price: MarketPrice, at_ns: int) -> Series:
    last, interval = (price.reserve0, price.reserve1), at_ns // limits.interval_ns
    if known is None or interval - known.interval > limits.returns:
        return Series(base=last, last=last, interval=interval, seen_ns=at_ns)
    if interval > known.interval:
        known = _ended(known, limits, interval) if known.span else _begun(known, interval)
    now = _blend(known, limits, return_between(known.base, last))
    return msgspec.structs.replace(known, last=last, seen_ns=at_ns, now=max(known.variance, now))


def _begun(known: Series, interval: int) -> Series:
    """Return the series at its first interval that is seen from the beginning."""
    return Series(
        base=known.last,
        last=known.last,
        interval=interval,
        seen_ns=known.seen_ns,
        span=interval - known.interval,
        returns=(None,) * (interval - known.interval - 1),
    )


def _ended(known: Series, limits: MarketLimits, interval: int) -> Series:
    """Return the series with its running interval ended and the one numbered `interval` begun."""
    moved = return_between(known.base, known.last)
    missed = interval - known.interval - 1
    # A move over several intervals is no return of one: it counts for the variance only, spread over them.
    returns = (*known.returns, moved if known.span == 1 else None, *[None] * missed)[-limits.returns :]
    return Series(
        base=known.last,
        last=known.last,
        interval=interval,
        seen_ns=known.seen_ns,
        span=missed + 1,
        returns=returns,
        count=min(known.count + 1, limits.returns),
        variance=_blend(known, limits, moved),
    )


def _blend(known: Series, limits: MarketLimits, moved: int) -> int:
    """Return the variance with one more move of `known.span` intervals, rounded up."""
    square = -(-moved * moved // max(1, known.span))
    if known.count == 0:
        return square
    kept: int = limits.decay_bps**known.span
    one: int = BPS_ONE**known.span
    return -(-(known.variance * kept + square * (one - kept)) // one)


def return_between(before: tuple[int, int], after: tuple[int, int]) -> int:
    """Return the move from one price to another in 1e-9, rounded towards zero; ratios above zero."""
    up, down = after[0] * before[1], before[0] * after[1]
    move = 2 * RETURN_ONE * abs(up - down) // (up + down)
    return move if up >= down else -move


def volatility_bps(
    markets: Markets, limits: MarketLimits, names: Iterable[str], horizon_ns: int, at_ns: int
) -> int | None:
    """Return one standard deviation of the market that moves most, over a horizon, rounded up.

    None when one of them is not known well enough now, or none is named.
    """
    most = -1
    for name in names:
        series = markets.series.get(name)
        if series is None or not _known(series, limits, at_ns):
            return None
        most = max(most, series.now)
    if most < 0:
        return None
    over = -(-most * horizon_ns // limits.interval_ns)
    return -(-_root_up(over) // _RETURN_PER_BPS)


def _known(series: Series, limits: MarketLimits, at_ns: int) -> bool:
    return series.count >= limits.returns_min and at_ns - series.seen_ns <= limits.stale_after_ns


def correlation_bps(markets: Markets, limits: MarketLimits, one: str, other: str, at_ns: int) -> int | None:
    """Return how closely two markets move together, 0 to 10000, or None when that is not known.

    The sign depends on which token a pool happens to name first; so only the size counts, on the safe side.
    """
    if one == other:
        return BPS_ONE
    first, second = markets.series.get(one), markets.series.get(other)
    if (
        first is None
        or second is None
        or not (_known(first, limits, at_ns) and _known(second, limits, at_ns))
    ):
        return None
    end = min(first.interval, second.interval)
    aligned = zip(reversed(_until(first, end)), reversed(_until(second, end)), strict=False)
    pairs = [(a, b) for a, b in aligned if a is not None and b is not None]
    squares = sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)
    if len(pairs) < limits.returns_min or squares == 0:
        return None
    together = abs(sum(a * b for a, b in pairs)) * BPS_ONE
    return min(BPS_ONE, _root_up(-(-together * together // squares)))


def _until(series: Series, interval: int) -> tuple[int | None, ...]:
    """Return the returns of the intervals before that one."""
    return series.returns[: max(0, len(series.returns) - (series.interval - interval))]


def gas_rise_bps(markets: Markets, limits: MarketLimits, fee_per_gas_wei: int) -> int | None:
    """Return by how much a fee per gas is above its trend, rounded up, 0 below it; None: not known."""
    if markets.fees < limits.fees_min:
        return None
    above = fee_per_gas_wei * _FEE_ONE - markets.fee_trend
    return 0 if above <= 0 else -(-above * BPS_ONE // max(1, markets.fee_trend))


def _root_up(number: int) -> int:
    root = isqrt(number)
    return root if root * root == number else root + 1
