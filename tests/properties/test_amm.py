"""Properties of the AMM arithmetic over all sizes of pools, tokens and cycles."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from warden.domain.amm import Hop, SwapImpossible, best_input, cycle_profit, fold, rounding_max, route_out

# Small enough that no input up to the limits below overfills a pair of uint112.
_reserves = st.integers(1, 2**96)
_fees = st.sampled_from((0, 1, 5, 25, 30, 100))
_hops = st.builds(Hop, _reserves, _reserves, _fees)
_cycles = st.lists(_hops, min_size=2, max_size=4).map(tuple)
_amounts = st.integers(1, 2**96)
_small_hops = st.builds(Hop, st.integers(1, 400), st.integers(1, 400), _fees)
_small_cycles = st.lists(_small_hops, min_size=2, max_size=4).map(tuple)


@st.composite
def _realistic_cycles(draw: st.DrawFn) -> tuple[Hop, ...]:
    """Three pools of tokens with 6 to 18 decimals whose prices differ by some percent from fair ones."""
    worth = [10**18, *(draw(st.integers(10**3, 10**24)) for _ in range(2)), 10**18]
    hops = []
    for sold, bought in pairwise(worth):
        depth = draw(st.integers(1, 10**5))
        skew = draw(st.integers(9_900, 11_500))
        hops.append(Hop(depth * sold, max(1, depth * bought * skew // 10_000)))
    return tuple(hops)


@given(_hops, _amounts)
def test_a_pools_product_never_falls(hop: Hop, amount_in: int) -> None:
    """A swap leaves at least the constant product, and never the last unit is paid out."""
    paid = hop.amount_out(amount_in)
    assert 0 <= paid < hop.reserve_out
    assert (hop.reserve_in + amount_in) * (hop.reserve_out - paid) >= hop.reserve_in * hop.reserve_out


@given(_hops, st.data())
def test_amount_in_buys_what_it_is_for(hop: Hop, data: st.DataObject) -> None:
    """What getAmountIn asks for buys at least the amount; two units less would not."""
    assume(hop.reserve_out > 1)
    wanted = data.draw(st.integers(1, min(hop.reserve_out - 1, 2**90)))
    needed = hop.amount_in(wanted)
    assume(hop.reserve_in + needed < 2**112)
    assert hop.amount_out(needed) >= wanted
    assert needed <= 2 or hop.amount_out(needed - 2) < wanted


@given(_cycles, _amounts)
def test_rounding_is_bounded(hops: tuple[Hop, ...], amount_in: int) -> None:
    """What the chain of pools really pays is below the virtual pool's exact answer by less than the bound."""
    folded = fold(hops)
    try:
        paid = route_out(hops, amount_in)
    except SwapImpossible:
        return  # rounded down to nothing on the way: nothing to compare
    exact_numerator, denominator = folded.a * amount_in, folded.b + folded.c * amount_in
    assert paid * denominator <= exact_numerator
    assert exact_numerator < (paid + rounding_max(hops)) * denominator


@settings(max_examples=150)
@given(_small_cycles, st.integers(1, 600))
def test_no_input_beats_the_optimum_on_small_pools(hops: tuple[Hop, ...], amount_in_max: int) -> None:
    """Brute force over every input up to the limit: nothing earns more beyond the rounding."""
    best = best_input(hops, amount_in_max)
    earned = cycle_profit(hops, best) if best else 0
    for amount in range(1, amount_in_max + 1):
        try:
            profit = cycle_profit(hops, amount)
        except SwapImpossible:
            continue
        assert profit <= earned + rounding_max(hops) + 1


@given(_realistic_cycles(), st.integers(1, 10**24), st.data())
def test_no_input_beats_the_optimum_on_real_sizes(
    hops: tuple[Hop, ...], amount_in_max: int, data: st.DataObject
) -> None:
    """Neighbours near and far earn no more beyond the rounding; the limit is kept; it never loses."""
    best = best_input(hops, amount_in_max)
    assert 0 <= best <= amount_in_max
    earned = cycle_profit(hops, best) if best else 0
    assert earned > 0 or best == 0
    distance = data.draw(st.integers(1, 10**24))
    for amount in (best - 1, best + 1, best - distance, best + distance, distance, amount_in_max):
        if 0 < amount <= amount_in_max:
            try:
                profit = cycle_profit(hops, amount)
            except SwapImpossible:
                continue
            assert profit <= earned + rounding_max(hops) + 1
