"""Price impact: exact, from reserves, without fees and rounding (RK1)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from warden.domain.amm import Hop
from warden.domain.risk.impact import impact_bps

ETHER = 10**18


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, 0),
        (1, 1),  # anything above nothing counts
        (100 * ETHER, 5_000),  # as much as the pool holds, without a fee: half is lost
        (300 * ETHER, 7_500),
        (10**60, 10_000),
    ],
)
def test_of_one_pool_without_a_fee_it_is_the_share_of_the_pool(amount: int, expected: int) -> None:
    """RK1: x / (reserve + x), rounded up."""
    assert impact_bps((Hop(100 * ETHER, 7 * ETHER, 0),), amount) == expected


def test_a_fee_is_no_impact() -> None:
    """RK1: a very small swap pays a fee of 1 % and moves nothing."""
    assert impact_bps((Hop(10**6 * ETHER, ETHER, 100),), ETHER // 1_000) == 1


def test_of_several_pools_it_is_what_the_whole_path_loses() -> None:
    """RK1: against exact fractions of the pools one after another."""
    hops = (Hop(1_000, 2_000), Hop(5_000, 700, 5), Hop(999, 1_234, 100))
    amount = 321
    exact, spot = Fraction(amount), Fraction(amount)
    for hop in hops:
        kept = Fraction(10_000 - hop.fee_bps, 10_000)
        exact = exact * kept * hop.reserve_out / (hop.reserve_in + exact * kept)
        spot = spot * kept * hop.reserve_out / hop.reserve_in
    lost = (1 - exact / spot) * 10_000
    assert impact_bps(hops, amount) - 1 < lost <= impact_bps(hops, amount)
