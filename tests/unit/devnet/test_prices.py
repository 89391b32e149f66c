"""The noise's arithmetic, without a chain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warden.devnet.config import NoiseConfig
from warden.devnet.prices import ONE_PPM, PriceWalk, Reserves, swap_to_price

RESERVE = st.integers(min_value=10**18, max_value=10**27)
OFFSET_PPM = st.integers(min_value=-40_000, max_value=40_000)


@given(now=st.tuples(RESERVE, RESERVE), base=st.tuples(RESERVE, RESERVE), offset_ppm=OFFSET_PPM)
def test_a_swap_without_fee_ends_at_the_price_aimed_at(
    now: tuple[int, int], base: tuple[int, int], offset_ppm: int
) -> None:
    """Selling the amount into a pool without fee gives the base price plus the offset, to a millionth."""
    x, y = now
    swap = swap_to_price(Reserves(*now), Reserves(*base), offset_ppm)
    if swap is not None:
        if swap.zero_for_one:
            x, y = x + swap.amount_in, x * y // (x + swap.amount_in)
        else:
            x, y = x * y // (y + swap.amount_in), y + swap.amount_in
    reached = y * base[0] * ONE_PPM
    aimed = x * base[1] * (ONE_PPM + offset_ppm)
    # Reserves may differ by 10**9 times: the smaller one then has few digits left.
    assert abs(reached - aimed) * ONE_PPM <= aimed * max(1, 4 * ONE_PPM // min(x, y) + 1)


def test_a_pool_at_its_aim_is_left_alone() -> None:
    """No swap of nothing."""
    assert swap_to_price(Reserves(1000, 4000), Reserves(1, 4), 0) is None


def test_the_walk_repeats_by_seed() -> None:
    """Same seed, same pushes and base fees; another seed, others."""
    one, two, other = (PriceWalk(seed, NoiseConfig(), pools=6, accounts=3) for seed in (1, 1, 2))
    steps = [[(walk.next_push(), walk.next_base_fee_wei()) for _ in range(200)] for walk in (one, two, other)]
    assert steps[0] == steps[1]
    assert steps[0] != steps[2]


def test_the_walk_stays_within_its_limits() -> None:
    """Offsets, base fees, pools and accounts keep to the configuration over many steps."""
    config = NoiseConfig(trade_percent=50, step_ppm=100_000, offset_ppm_max=30_000)
    walk = PriceWalk(5, config, pools=6, accounts=3)
    pushes = [push for _ in range(4_000) if (push := walk.next_push()) is not None]
    assert 1_700 < len(pushes) < 2_300
    assert {push.pool for push in pushes} == set(range(6))
    assert {push.account for push in pushes} == set(range(3))
    assert max(abs(push.offset_ppm) for push in pushes) == 30_000
    fees = [walk.next_base_fee_wei() for _ in range(1_000)]
    assert min(fees) >= config.base_fee_min_wei
    assert max(fees) <= config.base_fee_max_wei


def test_the_walk_returns_to_its_base() -> None:
    """The offsets' mean is about nothing: pools do not wander off over hours."""
    walk = PriceWalk(7, NoiseConfig(), pools=1, accounts=1)
    offsets = [push.offset_ppm for _ in range(20_000) if (push := walk.next_push()) is not None]
    assert abs(sum(offsets) // len(offsets)) < 1_500
