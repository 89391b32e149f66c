"""For any pools and orders: fills never pay more than a pool's invariant allows."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from warden.domain import fills
from warden.domain.amm import Pool
from warden.domain.fills import Block, Ending, FillModel, Footprints, Order

TOKENS = tuple("0x" + digit * 40 for digit in "1234")
RESERVES = st.integers(min_value=1, max_value=2**100)
AMOUNTS = st.integers(min_value=1, max_value=2**100)


def pool_of(one: str, other: str, reserves: tuple[int, int]) -> Pool:
    """Return the pool of two tokens, in the contract's order."""
    token0, token1 = sorted((one, other))
    return Pool(f"{token0}-{token1}", token0, token1, *reserves)


@st.composite
def markets(draw: st.DrawFn) -> dict[str, Pool]:
    """Draw a pool for each two of four tokens."""
    made = [
        pool_of(one, other, draw(st.tuples(RESERVES, RESERVES)))
        for number, one in enumerate(TOKENS)
        for other in TOKENS[number + 1 :]
    ]
    return {pool.address: pool for pool in made}


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Draw a swap along any path of two to five tokens, none beside itself."""
    path = [draw(st.sampled_from(TOKENS))]
    for _ in range(draw(st.integers(min_value=1, max_value=4))):
        path.append(draw(st.sampled_from([token for token in TOKENS if token != path[-1]])))
    return Order(
        order_id=str(draw(st.integers(min_value=0, max_value=10**6))),
        path=tuple(path),
        amount_in=draw(AMOUNTS),
        min_amount_out=draw(st.integers(min_value=1, max_value=2**60)),
        not_after_s=draw(st.integers(min_value=0, max_value=20)),
        max_fee_wei=draw(st.integers(min_value=0, max_value=10**12)),
        tip_wei=draw(st.integers(min_value=0, max_value=10**10)),
    )


BLOCKS = st.builds(
    Block,
    number=st.integers(min_value=1, max_value=5),
    timestamp_s=st.integers(min_value=0, max_value=20),
    base_fee_wei=st.integers(min_value=0, max_value=10**12),
)


@given(markets(), st.lists(st.tuples(orders(), BLOCKS), max_size=8), st.integers(0, 2**101))
def test_no_fill_beats_the_invariant(
    market: dict[str, Pool], asked: list[tuple[Order, Block]], held: int
) -> None:
    """EX4: after any row of fills each pool's product is no less than it was; gas is within its caps."""
    marks, model, gas_held = Footprints(), FillModel(failure_bps=1_000, dropped_bps=1_000), 10**17
    for order, block in asked:
        chains = [market[pool_of(one, other, (1, 1)).address] for one, other in pairwise(order.path)]
        stands = [marks.pool(pool) for pool in chains]
        end = fills.fill(order, stands, block, model, held=held, gas_held_wei=gas_held)
        assert bool(end.amounts) == (end.ending is Ending.FILLED)
        assert bool(end.gas) == end.mined
        assert end.gas_wei <= min(end.gas * order.max_fee_wei, gas_held)
        if end.ending is not Ending.FILLED:
            assert end.reason
            continue
        assert end.amounts[0] == order.amount_in <= held
        assert end.amounts[-1] >= order.min_amount_out
        assert block.timestamp_s <= order.not_after_s
        before = {pool.address: marks.pool(pool) for pool in chains}
        marks = marks.after(order.path, chains, end.amounts, block.number)
        for pool in chains:
            was, now = before[pool.address], marks.pool(pool)
            assert min(now.reserve0, now.reserve1) > 0
            assert now.reserve0 * now.reserve1 >= was.reserve0 * was.reserve1


@given(markets(), orders(), BLOCKS)
def test_a_traded_pool_is_the_chains_again(market: dict[str, Pool], order: Order, block: Block) -> None:
    """EX4: whatever we left there, a pool in which somebody else trades stands as the chain has it."""
    chains = [market[pool_of(one, other, (1, 1)).address] for one, other in pairwise(order.path)]
    end = fills.fill(order, chains, block, FillModel(failure_bps=0), held=2**101, gas_held_wei=10**30)
    if end.amounts:
        marks = Footprints().after(order.path, chains, end.amounts, block.number)
        for pool in chains:
            traded = msgspec.structs.replace(pool, reserve0=pool.reserve0 + 1)
            assert marks.pool(traded) == traded
