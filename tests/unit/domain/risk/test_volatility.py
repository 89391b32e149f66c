"""Markets: returns, variance, correlation and the gas trend in whole numbers, worked by hand (RK1)."""

from __future__ import annotations

import msgspec
import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import Wei
from warden.domain.risk.events import MarketPrice, Observed
from warden.domain.risk.volatility import (
    MarketLimits,
    Markets,
    correlation_bps,
    gas_rise_bps,
    observe,
    return_between,
    volatility_bps,
)
from warden.wire.codec import from_json, to_json

S = 1_000_000_000
MINUTE = 60 * S
LIMITS = MarketLimits()


def seen(markets: Markets, minute: int, at_s: int = 0, **prices: int) -> Markets:
    """Return the markets after prices, in parts of 10000, that were seen at that minute."""
    event = Observed(tuple(MarketPrice(name, Wei(price), Wei(10_000)) for name, price in prices.items()))
    return observe(markets, LIMITS, event, minute * MINUTE + at_s * S)


def swinging(minutes: int, **steps: int) -> Markets:
    """Return markets whose prices go up and down by a step every minute."""
    markets = Markets()
    for minute in range(minutes):
        markets = seen(
            markets, minute, **{name: 10_000 + step * (minute % 2) for name, step in steps.items()}
        )
    return markets


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1, 1), (1, 1), 0),
        ((1, 1), (3, 1), 10**9),  # 2 * 2 / 4
        ((3, 1), (1, 1), -(10**9)),
        ((1, 1), (1, 3), -(10**9)),  # the other token's price
        ((10_000, 1), (10_100, 1), 9_950_248),  # log(1.01) is 9950331e-9
        ((1, 1), (10**30, 1), 2 * 10**9 - 1),
    ],
)
def test_a_return_has_the_same_size_both_ways(
    before: tuple[int, int], after: tuple[int, int], expected: int
) -> None:
    """RK1: the other way, and in the other token, only its sign changes."""
    assert return_between(before, after) == expected
    assert return_between(after, before) == -expected


def test_the_variance_is_weighted_by_hand() -> None:
    """RK1: first square as it is, then 94 % of the old and 6 % of the new, rounded up."""
    markets = seen(seen(seen(Markets(), 0, a=10_000), 1, a=10_050), 1, 30, a=10_100)
    first = 9_950_248**2
    assert markets.series["a"].now == first
    markets = seen(markets, 2, a=10_100)
    assert (markets.series["a"].variance, markets.series["a"].returns) == (first, (9_950_248,))
    markets = seen(markets, 3, a=10_100)  # minute 2 brought no move
    assert markets.series["a"].variance == -(-first * 94 // 100)


def test_the_interval_that_runs_counts_when_it_is_wilder() -> None:
    """RK1: a crash shows at once, not a minute later; a calm half minute hides nothing."""
    calm = swinging(20, a=10)
    crashed = seen(calm, 19, 40, a=5_000)
    assert crashed.series["a"].now > 10 * calm.series["a"].now
    assert calm.series["a"].now >= calm.series["a"].variance


def test_volatility_grows_with_the_root_of_time() -> None:
    """RK1: moves of 1 % a minute are 1 % over a minute and 2 % over four, rounded up."""
    markets, at_ns = swinging(40, a=100), 39 * MINUTE
    assert volatility_bps(markets, LIMITS, ["a"], MINUTE, at_ns) == 100
    assert volatility_bps(markets, LIMITS, ["a"], 4 * MINUTE, at_ns) == 200
    assert volatility_bps(markets, LIMITS, ["a"], 0, at_ns) == 0


def test_the_wildest_market_counts() -> None:
    """RK1: of a path's pools the one that moves most."""
    markets = swinging(40, a=100, b=300)
    assert volatility_bps(markets, LIMITS, ["a", "b"], MINUTE, 39 * MINUTE) == 296


def test_what_is_not_known_well_enough_is_not_known() -> None:
    """RK1: eight returns are enough, of nine minutes; a market must have been seen, and lately."""
    assert volatility_bps(swinging(9, a=1), LIMITS, ["a"], MINUTE, 8 * MINUTE) is None
    markets, at_ns = swinging(10, a=1), 9 * MINUTE
    assert volatility_bps(markets, LIMITS, ["a"], MINUTE, at_ns) is not None
    assert volatility_bps(markets, LIMITS, ["a", "b"], MINUTE, at_ns) is None
    assert volatility_bps(markets, LIMITS, [], MINUTE, at_ns) is None
    assert volatility_bps(markets, LIMITS, ["a"], MINUTE, at_ns + 300 * S) is not None
    assert volatility_bps(markets, LIMITS, ["a"], MINUTE, at_ns + 300 * S + 1) is None


def test_a_move_over_a_gap_is_spread_over_it() -> None:
    """RK1: what moved in four minutes that nobody saw is no return of one minute, but counts for variance."""
    markets = seen(swinging(10, a=0), 13, a=10_400)
    markets = seen(markets, 14, a=10_400)
    series = markets.series["a"]
    assert series.returns[-4:] == (None, None, None, None)
    square = -(-(return_between((10_000, 1), (10_400, 1)) ** 2) // 4)
    assert series.variance == -(-square * (10**16 - 9_400**4) // 10**16)


def test_after_a_long_gap_a_market_is_new() -> None:
    """RK1: what was known an hour ago says nothing about now."""
    assert seen(swinging(20, a=100), 83, a=10_000).series["a"].count > 0
    assert seen(swinging(20, a=100), 84, a=10_000).series["a"].count == 0


@pytest.mark.parametrize(("one", "other", "expected"), [(100, 100, 10_000), (100, 20, 10_000)])
def test_markets_that_move_together_are_one(one: int, other: int, expected: int) -> None:
    """RK1: the size of the moves does not matter, only that they come together."""
    markets = swinging(20, a=one, b=other)
    assert correlation_bps(markets, LIMITS, "a", "b", 19 * MINUTE) == expected


def test_opposite_moves_are_as_close() -> None:
    """RK1: a pool's price may be that of either token; so the sign does not count."""
    markets = swinging(20, a=100, b=-100)
    assert correlation_bps(markets, LIMITS, "a", "b", 19 * MINUTE) in {9_999, 10_000}


def test_moves_at_different_times_are_unrelated() -> None:
    """RK1: returns are set side by side by interval: a market that moves when the other rests is another."""
    markets = Markets()
    for minute in range(41):
        markets = seen(
            markets, minute, a=10_000 + 100 * (minute // 2 % 2), b=10_000 + 100 * ((minute + 1) // 2 % 2)
        )
    assert correlation_bps(markets, LIMITS, "a", "b", 40 * MINUTE) == 0
    # One that stopped being seen some intervals ago is compared up to there.
    for minute in range(41, 44):
        markets = seen(markets, minute, a=10_000 + 100 * (minute // 2 % 2))
    assert correlation_bps(markets, LIMITS, "a", "b", 43 * MINUTE) == 0


def test_correlation_that_cannot_be_told_is_not_told() -> None:
    """RK1: too few returns in common, no moves at all, a market that is not there; a market is itself."""
    at_ns = 19 * MINUTE
    markets = swinging(20, a=100, flat=0)
    assert correlation_bps(markets, LIMITS, "a", "flat", at_ns) is None
    assert correlation_bps(markets, LIMITS, "a", "none", at_ns) is None
    assert correlation_bps(markets, LIMITS, "none", "none", at_ns) == 10_000
    for minute in range(20, 30):
        price = 10_000 + 100 * (minute % 2)
        markets = seen(markets, minute, a=price, late=price)
    assert correlation_bps(markets, LIMITS, "a", "late", 29 * MINUTE) == 10_000
    # Both are known well, but only six minutes of both together.
    markets = swinging(20, a=100)
    markets.series["late"] = swinging(20, late=100).series["late"]
    for minute in range(20, 26):
        markets = seen(markets, minute, late=10_000 + 100 * (minute % 2))
    short = msgspec.structs.replace(markets.series["late"], returns=markets.series["late"].returns[-12:])
    markets.series["late"] = short
    assert correlation_bps(markets, MarketLimits(returns_min=6), "a", "late", 24 * MINUTE) == 10_000
    assert correlation_bps(markets, MarketLimits(returns_min=7), "a", "late", 24 * MINUTE) is None


def test_at_most_so_many_markets_are_kept() -> None:
    """RK1: 64 stay; the one that was seen longest ago makes room, the name decides between equals."""
    markets = Markets()
    for number in range(64):
        markets = seen(markets, number // 2, **{f"m{number:02d}": 10_000})
    assert len(markets.series) == 64
    markets = seen(markets, 40, m00=10_000, new=10_000)
    assert len(markets.series) == 64
    assert "m01" not in markets.series
    assert {"m00", "m02", "new"} <= set(markets.series)
    many = {f"n{number:03d}": 10_000 for number in range(200)}
    assert set(seen(markets, 41, **many).series) == set(sorted(many)[-64:])


def test_the_returns_that_are_kept_are_bounded() -> None:
    """RK1: a market's history does not grow with its age."""
    assert len(swinging(200, a=10).series["a"].returns) == 64


@pytest.mark.parametrize("price", [0, -5])
def test_a_price_that_is_none_is_left_out(price: int) -> None:
    """RK1: an empty pool has no price; the market then grows stale."""
    markets = swinging(10, a=10)
    assert seen(markets, 10, a=price).series == markets.series


def fees(*each: int) -> Markets:
    """Return markets that saw these gas fees."""
    markets = Markets()
    for fee in each:
        markets = observe(markets, LIMITS, Observed((), Wei(fee)), 0)
    return markets


def test_gas_is_measured_against_its_trend() -> None:
    """RK1: eight observations make a trend; double it is 100 % above, at or below it nothing."""
    assert gas_rise_bps(fees(*[10**9] * 7), LIMITS, 10**9) is None
    markets = fees(*[10**9] * 8)
    assert [gas_rise_bps(markets, LIMITS, fee) for fee in (0, 10**9, 2 * 10**9, 10**9 + 1)] == [
        0,
        0,
        10_000,
        1,
    ]
    risen = fees(*[10**9] * 8, 2 * 10**9)  # 95 % of the old, 5 % of the new
    assert gas_rise_bps(risen, LIMITS, 1_050_000_000) == 0
    assert gas_rise_bps(risen, LIMITS, 1_050_000_001) == 1
    assert gas_rise_bps(fees(*[0] * 8), LIMITS, 1) == 65_536 * 10_000
    assert observe(markets, LIMITS, Observed(()), 0) == markets


def test_markets_survive_the_journal() -> None:
    """RK1: a snapshot gives back the same state, None among the returns included."""
    markets = seen(swinging(10, a=100, b=7), 13, a=10_400)
    assert from_json(to_json(markets), Markets) == markets


@pytest.mark.parametrize(
    "broken",
    [
        {"interval_ns": 0},
        {"markets": 0},
        {"decay_bps": 0},
        {"decay_bps": 10_000},
        {"fee_decay_bps": 10_000},
        {"returns_min": 1},
        {"returns_min": 65},
        {"fees_min": 0},
        {"stale_after_ns": 0},
    ],
)
def test_limits_out_of_range_are_refused(broken: dict[str, int]) -> None:
    """RK1: a setting that would know nothing or never forget is refused."""
    with pytest.raises(ConfigurationInvalid, match="assessment"):
        MarketLimits(**broken)
