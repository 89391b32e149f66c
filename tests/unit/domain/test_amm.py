"""Uniswap V2's arithmetic: the contracts' own rounding, refusals, folding, and the best size of a cycle."""

from __future__ import annotations

from fractions import Fraction

import pytest

from warden.domain.amm import (
    RESERVE_MAX,
    Hop,
    Pool,
    SwapImpossible,
    best_input,
    cycle_profit,
    fold,
    rounding_max,
    route_in,
    route_out,
)

ETHER = 10**18
WETH = "0x" + "Aa" * 20
COIN = "0x" + "bB" * 20


def test_amount_out_is_the_librarys_own_example() -> None:
    """997/1000 of what goes in counts, and the quotient is rounded down: reserves of 10 and 5 ether."""
    assert Hop(10 * ETHER, 5 * ETHER).amount_out(ETHER) == 453_305_446_940_074_565
    assert Hop(1_000, 1_000).amount_out(1) == 0
    assert Hop(1_000, 1_000).amount_out(100) == 997 * 100 * 1_000 // (1_000 * 1_000 + 997 * 100)


def test_amount_in_is_enough_and_one_less_than_two_below_is_not() -> None:
    """The contract always adds one: its answer is enough, and never two too many."""
    for reserve_in, reserve_out in ((1_000, 1_000), (7, 10_000), (123_457, 98)):
        hop = Hop(reserve_in, reserve_out)
        for amount_out in range(1, min(reserve_out, 90)):
            needed = hop.amount_in(amount_out)
            assert hop.amount_out(needed) >= amount_out
            assert needed <= 2 or hop.amount_out(needed - 2) < amount_out


@pytest.mark.parametrize(
    ("hop", "amount"),
    [
        (Hop(1_000, 1_000), 0),
        (Hop(1_000, 1_000), -5),
        (Hop(0, 1_000), 5),
        (Hop(1_000, 0), 5),
        (Hop(RESERVE_MAX, 1_000), 1),
    ],
)
def test_what_the_contracts_revert_on_is_refused(hop: Hop, amount: int) -> None:
    """Nothing, less than nothing, an empty pool, and more than a pair can hold are no swaps."""
    with pytest.raises(SwapImpossible):
        hop.amount_out(amount)


def test_more_than_the_pool_holds_cannot_be_bought() -> None:
    """Only an amount below the reserve has a price; the reserve itself is too much."""
    for amount in (0, 1_000, 1_001):
        with pytest.raises(SwapImpossible):
            Hop(1_000, 1_000).amount_in(amount)


def test_a_pool_is_seen_from_both_sides_in_any_case_of_hex() -> None:
    """Who sells token0 meets reserve0 first; addresses compare without regard to checksums."""
    pool = Pool("0x1", WETH, COIN, 10, 20, 25)
    assert pool.hop(WETH.lower()) == Hop(10, 20, 25)
    assert pool.hop(COIN.upper().replace("X", "x")) == Hop(20, 10, 25)
    with pytest.raises(SwapImpossible, match="does not trade"):
        pool.hop("0x" + "cc" * 20)


def test_folding_is_the_chain_of_pools_without_rounding() -> None:
    """The virtual pool gives the same fraction as the pools one after another in exact arithmetic."""
    hops = (Hop(1_000, 2_000), Hop(5_000, 700, 5), Hop(999, 1_234, 100))
    folded = fold(hops)
    for amount in (50, 1_000, 12_345):
        exact = Fraction(amount)
        for hop in hops:
            with_fee = exact * (10_000 - hop.fee_bps)
            exact = with_fee * hop.reserve_out / (hop.reserve_in * 10_000 + with_fee)
        assert exact == Fraction(folded.a * amount, folded.b + folded.c * amount)
        assert 0 <= exact - route_out(hops, amount) < rounding_max(hops)


def test_one_pool_there_and_back_never_pays() -> None:
    """Without a difference in price there is no cycle worth anything, whatever the limit."""
    hops = (Hop(1_000 * ETHER, 2_000 * ETHER), Hop(2_000 * ETHER, 1_000 * ETHER))
    assert best_input(hops, 10**30) == 0
    assert not fold(hops).profitable


def test_the_optimum_of_a_small_cycle_is_that_of_trying_everything() -> None:
    """On small pools every input is tried: none earns more than rounding allows (closed form, EX5)."""
    hops = (Hop(1_000_000, 1_100_000), Hop(1_000_000, 1_050_000), Hop(1_000_000, 1_000_000))
    best = best_input(hops, 10**9)
    most = max(cycle_profit(hops, amount) for amount in range(1, 200_000))
    assert most > 1_000
    assert most - cycle_profit(hops, best) <= rounding_max(hops)


def test_the_limit_caps_the_optimum() -> None:
    """Below the optimum more earns more: the limit is best, or just below it the same pay for less."""
    hops = (Hop(1_000 * ETHER, 1_100 * ETHER), Hop(1_000 * ETHER, 1_000 * ETHER))
    free = best_input(hops, 10**30)
    capped = best_input(hops, free // 3)
    assert free // 3 - 5 <= capped <= free // 3
    assert 0 < cycle_profit(hops, capped) < cycle_profit(hops, free)
    assert best_input(hops, 0) == best_input(hops, -1) == 0


def test_coarse_tokens_are_not_overpaid() -> None:
    """Where one unit of a token is worth a lot, the least input for the same pay is taken."""
    hops = (Hop(1_000 * ETHER, 2_100_000), Hop(2_000_000, 1_000 * ETHER))
    best = best_input(hops, 100 * ETHER)
    bought = hops[0].amount_out(best)
    assert hops[0].amount_out(best - 1) < bought
    assert route_in(hops, route_out(hops, best)) - 1 <= best


def test_an_empty_pool_or_an_overfull_one_makes_no_cycle() -> None:
    """Pools that could not take part give 0, not an error: there is just nothing to do."""
    assert best_input((Hop(0, 5), Hop(5, 9)), 100) == 0
    assert best_input((Hop(RESERVE_MAX, RESERVE_MAX), Hop(1, RESERVE_MAX)), 10**40) == 0
