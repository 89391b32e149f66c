"""The fill model: what becomes of a swap that nobody sent, case by case (EX4)."""

from __future__ import annotations

import msgspec
import pytest

from warden.domain import fills
from warden.domain.amm import Pool, SwapImpossible, route_out
from warden.domain.fills import Block, Ending, Fill, FillModel, Footprints, Order

ETHER = 10**18
GWEI = 10**9
WETH, DAI, GEM = ("0x" + digit * 40 for digit in "123")
PATH = (WETH, DAI, GEM, WETH)
POOLS = (
    Pool("0xa", WETH, DAI, 1_000 * ETHER, 2_000_000 * ETHER),
    Pool("0xb", DAI, GEM, 2_000_000 * ETHER, 40_000 * ETHER),
    Pool("0xc", WETH, GEM, 1_100 * ETHER, 40_000 * ETHER),
)
PAYS = route_out([pool.hop(token) for pool, token in zip(POOLS, PATH, strict=False)], ETHER)
ORDER = Order("one", PATH, ETHER, ETHER + 1, not_after_s=2_000, max_fee_wei=3 * GWEI, tip_wei=GWEI)
BLOCK = Block(number=10, timestamp_s=2_000, base_fee_wei=GWEI)
LUCKY = FillModel(failure_bps=0)


def filled(order: Order = ORDER, model: FillModel = LUCKY, block: Block = BLOCK, **held: int) -> Fill:
    """Return what becomes of an order; by default the wallet holds enough."""
    return fills.fill(
        order,
        POOLS,
        block,
        model,
        held=held.get("held", 10 * ETHER),
        gas_held_wei=held.get("gas_held_wei", ETHER),
    )


def test_a_fill_pays_what_the_router_pays() -> None:
    """EX4: amounts are the contracts' own, gas is base fee and tip for the units of its pools."""
    fill = filled()
    assert (fill.ending, fill.amounts[0], fill.amounts[-1]) == (Ending.FILLED, ETHER, PAYS)
    assert (fill.gas, fill.gas_wei) == (LUCKY.gas(3), LUCKY.gas(3) * 2 * GWEI)
    assert fill.mined


@pytest.mark.parametrize(
    ("changed", "held", "reason"),
    [
        ({"min_amount_out": PAYS + 1}, 10 * ETHER, "too little came"),
        ({"not_after_s": 1_999}, 10 * ETHER, "expired"),
        ({}, ETHER - 1, "holds too little"),
        ({"amount_in": 2**112}, 2**113, "impossible"),
    ],
)
def test_what_the_router_refuses_burns_its_gas(changed: dict[str, int], held: int, reason: str) -> None:
    """EX4, CB3: too little, too late, not there, impossible: reverted in the block, paid for."""
    fill = filled(msgspec.structs.replace(ORDER, **changed), held=held)
    assert (fill.ending, fill.amounts) == (Ending.REVERTED, ())
    assert reason in fill.reason
    assert fill.gas_wei == LUCKY.gas_reverted(3) * 2 * GWEI


def test_the_bound_itself_passes() -> None:
    """EX4: exactly the least amount, at exactly the deadline, with exactly the balance, is a fill."""
    assert filled(msgspec.structs.replace(ORDER, min_amount_out=PAYS), held=ETHER).ending is Ending.FILLED


def test_a_missing_pool_reverts() -> None:
    """EX4: a path without a pool is nothing that could be filled."""
    fill = fills.fill(ORDER, (POOLS[0], None, POOLS[2]), BLOCK, LUCKY, held=ETHER, gas_held_wei=ETHER)
    assert (fill.ending, "no pool" in fill.reason) == (Ending.REVERTED, True)


def test_who_cannot_pay_for_a_place_waits() -> None:
    """EX4, EX6: gas above its cap, or no coins for gas: not mined, nothing burnt; at the cap it is mined."""
    dear = msgspec.structs.replace(BLOCK, base_fee_wei=3 * GWEI + 1)
    assert (filled(block=dear).ending, filled(block=dear).gas_wei) == (Ending.WAITS, 0)
    needed = LUCKY.gas(3) * 2 * GWEI
    assert filled(gas_held_wei=needed - 1).ending is Ending.WAITS
    assert filled(gas_held_wei=needed).ending is Ending.FILLED
    at_cap = filled(block=msgspec.structs.replace(BLOCK, base_fee_wei=3 * GWEI))
    assert (at_cap.ending, at_cap.gas_wei) == (Ending.FILLED, LUCKY.gas(3) * 3 * GWEI)


def test_chance_is_the_seeds_and_the_orders() -> None:
    """EX4: the same order has the same fate in every run; of many, as many fail as the model says."""
    model = FillModel(failure_bps=500, dropped_bps=200)
    orders = [msgspec.structs.replace(ORDER, order_id=f"order-{number}") for number in range(4_000)]
    ends = [filled(order, model).ending for order in orders]
    assert ends == [filled(order, model).ending for order in orders]
    assert ends != [filled(order, msgspec.structs.replace(model, seed=8)).ending for order in orders]
    assert 150 <= ends.count(Ending.REVERTED) <= 250
    assert 50 <= ends.count(Ending.DROPPED) <= 110
    always, never = FillModel(failure_bps=10_000), FillModel(failure_bps=0, dropped_bps=10_000)
    assert {filled(order, always).ending for order in orders[:50]} == {Ending.REVERTED}
    assert {filled(order, never).ending for order in orders[:50]} == {Ending.DROPPED}


def test_chance_is_exact_at_its_bounds() -> None:
    """EX4: a share of n in 10,000 takes exactly the n lowest draws."""
    luck = fills.draw(ORDER.order_id, LUCKY.seed)
    ends = [
        filled(model=FillModel(dropped_bps=dropped, failure_bps=failed)).ending
        for dropped, failed in ((luck + 1, 0), (luck, 0), (luck, 1), (0, luck), (0, luck + 1))
    ]
    assert ends == [Ending.DROPPED, Ending.FILLED, Ending.REVERTED, Ending.FILLED, Ending.REVERTED]


def test_what_paper_cannot_tell_reverts() -> None:
    """EX4: a call that is none of the known ones is no success."""
    fill = fills.plain(21_000, 3 * GWEI, GWEI, BLOCK, ETHER, reason="unknown")
    assert (fill.ending, fill.reason, fill.gas_wei) == (Ending.REVERTED, "unknown", 21_000 * 2 * GWEI)


def test_what_trades_nothing_only_burns_gas() -> None:
    """EX4: a cancel lands, or waits, by its fee alone."""
    cancel = fills.plain(fills.TRANSFER_GAS, 3 * GWEI, GWEI, BLOCK, ETHER)
    assert (cancel.ending, cancel.amounts, cancel.gas_wei) == (Ending.FILLED, (), 21_000 * 2 * GWEI)
    assert fills.plain(fills.TRANSFER_GAS, GWEI - 1, GWEI, BLOCK, ETHER).ending is Ending.WAITS


def test_it_lands_so_many_blocks_after_it_left() -> None:
    """EX4: latency in blocks, from the block that was the newest when it left."""
    assert [FillModel(latency_blocks=blocks).landing(10) for blocks in (1, 3)] == [11, 13]


def test_the_same_edge_is_not_filled_twice() -> None:
    """EX4: where nobody else traded a pool stands as our fills left it, elsewhere as the chain has it."""
    once = fills.quote(PATH, POOLS, 5 * ETHER)
    marks = Footprints().after(PATH, POOLS, once, 10)
    stands = tuple(marks.pool(pool) for pool in POOLS)
    twice = fills.quote(PATH, stands, 5 * ETHER)
    assert twice[-1] < once[-1]
    both = marks.after(PATH, POOLS, twice, 11)
    assert both.pool(POOLS[0]).reserve0 == POOLS[0].reserve0 + 10 * ETHER
    moved = msgspec.structs.replace(POOLS[0], reserve0=POOLS[0].reserve0 + 1)
    assert both.pool(moved) == moved
    assert both.pool(POOLS[1]) != POOLS[1]


def test_a_reorg_takes_footprints_back() -> None:
    """EX8: what was left in a block that is gone, or later, does not stand; what was left before it does."""
    amounts = fills.quote(PATH[:2], POOLS[:1], ETHER)
    marks = Footprints().after(PATH[:2], POOLS[:1], amounts, 10)
    marks = marks.after(PATH[1:3], POOLS[1:2], fills.quote(PATH[1:3], POOLS[1:2], ETHER), 12)
    assert list(marks.before(12).by_pool) == ["0xa"]
    assert list(marks.before(10).by_pool) == []


def test_one_pool_twice_counts_twice() -> None:
    """EX4: a path over one pool there and back moves it there and back."""
    path, pools = (WETH, DAI, WETH), (POOLS[0], POOLS[0])
    amounts = fills.quote(path, pools, ETHER)
    stands = Footprints().after(path, pools, amounts, 10).pool(POOLS[0])
    assert stands.reserve0 == POOLS[0].reserve0 + amounts[0] - amounts[2]
    assert stands.reserve1 == POOLS[0].reserve1


def test_footprints_are_bounded() -> None:
    """The newest 64 pools are remembered, no more."""
    marks = Footprints()
    for number in range(100):
        pool = msgspec.structs.replace(POOLS[0], address=f"0x{number}")
        marks = marks.after(PATH[:2], (pool,), (ETHER, ETHER), number)
    assert len(marks.by_pool) == 64
    assert list(marks.by_pool)[-1] == "0x99"


def test_a_quote_needs_every_pool() -> None:
    """EX4: a path with a gap has no price."""
    with pytest.raises(SwapImpossible, match="no pool"):
        fills.quote(PATH[:2], (None,), ETHER)
