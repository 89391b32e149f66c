"""The sandwich bound: worked by hand, and against every front-run of small pools (RK1)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from warden.domain.amm import RESERVE_MAX, Hop, SwapImpossible, route_out
from warden.domain.risk.sandwich import front_run_max, least_in, sandwich_bps, take

ETHER = 10**18
POOL = Hop(1_000 * ETHER, 2_000 * ETHER)


def test_without_a_fee_it_is_worked_out_by_hand() -> None:
    """RK1: reserves 1000 and 1000, a swap of 1000, 1000 ahead of it: 500 bought, sold again for 2250 - ...

    After 1000 in: 2000 and 500. The swap pays in 1000: 3000 and 500 - 166 = 334 left (166.6 rounded down).
    Selling 500 into 334 and 3000 pays 3000 * 500 / 834 = 1798 (rounded down): 798 gained. The formula's
    G = f*(P*f + Q) / (d2*f**2 + d1*f + d0) with P = 1000, Q = 3*10**6, d2 = 1, d1 = 3000, d0 = 10**6 at
    f = 1000 is 4*10**9 / 5*10**6 = 800.
    """
    hop = Hop(1_000, 1_000, 0)
    assert take(hop, 1_000, 1_000) == 800
    assert take(hop, 1_000, 0) == 0
    bought = hop.amount_out(1_000)
    ahead = Hop(2_000, 1_000 - bought, 0)
    assert Hop(ahead.reserve_out - ahead.amount_out(1_000), 3_000, 0).amount_out(bought) - 1_000 == 798


def _gained(hop: Hop, amount: int, ahead: int) -> Fraction:
    """Return what a front-run gains by the constant product, step by step, without rounding."""
    kept = Fraction(10_000 - hop.fee_bps, 10_000)
    x, y = Fraction(hop.reserve_in), Fraction(hop.reserve_out)
    bought = y * kept * ahead / (x + kept * ahead)
    x, y = x + ahead, y - bought
    x, y = x + amount, y - y * kept * amount / (x + kept * amount)
    return x * kept * bought / (y + kept * bought) - ahead


@pytest.mark.parametrize("fee_bps", [0, 5, 30, 100, 500])
@pytest.mark.parametrize("amount", [1, 7, 40, 90, 300, 1_999, 2_100, 5_000])
def test_the_optimum_is_that_of_trying_every_amount(fee_bps: int, amount: int) -> None:
    """RK1: with more slack than is good for the front-runner, the best whole amount is found, exactly."""
    hop = Hop(1_000, 7_777, fee_bps)
    for most in (30, 3_000):
        best = max(_gained(hop, amount, ahead) for ahead in range(most + 1))
        assert take(hop, amount, most) == best.__floor__()


def test_the_swaps_bound_caps_what_goes_ahead() -> None:
    """RK1: at the cap the swap still pays its bound, with one unit more it reverts."""
    amount, bound = 10 * ETHER, POOL.amount_out(10 * ETHER) * 99 // 100
    most = front_run_max(POOL, amount, bound)

    def paid(ahead: int) -> int:
        bought = POOL.amount_out(ahead)
        return Hop(POOL.reserve_in + ahead, POOL.reserve_out - bought).amount_out(amount)

    assert paid(most) >= bound > paid(most + 1)
    assert 4 * ETHER < most < 6 * ETHER  # 1 % of price is about half a percent of the pool


def test_a_bound_at_the_exact_output_leaves_nothing() -> None:
    """RK1: no slack, no sandwich; also where rounding alone would leave some room."""
    for hops in ((POOL,), (POOL, Hop(7 * ETHER, 3_000_000_000), Hop(10**9, ETHER))):
        assert sandwich_bps(hops, 100 * ETHER, route_out(hops, 100 * ETHER)) == 0
    assert sandwich_bps((Hop(10**6, 10),), 5 * 10**5, 3) == 0


def test_a_small_swap_is_not_worth_its_attackers_fees() -> None:
    """RK1: two fees of 0.3 % cost more than a swap of 0.2 % of the pool moves, whatever its bound."""
    assert sandwich_bps((POOL,), 2 * ETHER, 1) == 0
    assert sandwich_bps((POOL,), 20 * ETHER, 1) > 0


def test_more_slack_is_more_to_take() -> None:
    """RK1: 0.1 %, 1 %, 5 % and no bound at all."""
    amount = 50 * ETHER
    exact = POOL.amount_out(amount)
    shares = [sandwich_bps((POOL,), amount, exact * kept // 1_000) for kept in (1_000, 999, 990, 950)]
    shares.append(sandwich_bps((POOL,), amount, 0))
    assert shares == sorted(shares)
    assert len(set(shares)) == len(shares)


def test_every_pool_of_a_path_counts() -> None:
    """RK1: two pools alike give about twice the share that one gives for the same slack."""
    amount = 50 * ETHER
    path = (POOL, Hop(2_000 * ETHER, 1_000 * ETHER))
    one = sandwich_bps((POOL,), amount, POOL.amount_out(amount) * 98 // 100)
    both = sandwich_bps(path, amount, route_out(path, amount) * 98 // 100)
    assert one < both < 3 * one


def test_a_swap_that_reverts_anyway_is_an_error() -> None:
    """RK1: a bound above what the pools pay, an empty pool, nothing in: there is no share to tell."""
    with pytest.raises(SwapImpossible, match="below its bound"):
        sandwich_bps((POOL,), ETHER, POOL.amount_out(ETHER) + 1)
    for hop, amount in ((Hop(0, 5), 5), (POOL, 0), (Hop(5, 5), RESERVE_MAX)):
        with pytest.raises(SwapImpossible):
            sandwich_bps((hop,), amount, 1)


def test_the_pools_width_caps_what_goes_ahead() -> None:
    """RK1: reserves are of 112 bits; beyond them the swap reverts, so that there is nothing to gain."""
    hop = Hop(RESERVE_MAX - 100, 10**30)
    assert front_run_max(hop, 60, 1) <= 40
    assert front_run_max(Hop(RESERVE_MAX - 10, 10**40), 10, 1) == 0
    assert front_run_max(Hop(10, 10, 10_000), 10, 1) == 0


def test_the_least_that_buys_is_one_unit_exact() -> None:
    """RK1: the contract's getAmountIn may ask for one unit more than is needed."""
    for hop in (Hop(1_000, 1_000, 0), Hop(7, 10_000), Hop(123_457, 98)):
        for amount_out in range(1, min(hop.reserve_out - 1, 900)):
            least = least_in(hop, amount_out)
            assert hop.amount_out(least) >= amount_out
            assert least == 1 or hop.amount_out(least - 1) < amount_out
