"""What would have become of a swap that nobody sent: the fill model of paper and backtest (EX4, BT1).

A transaction lands `latency` blocks after it left, as the last one of its block: it is filled from the
reserves that the block left behind, so that everybody else of that block was faster. The arithmetic is the
router's, to the unit (`amm`). What it cannot know it takes from chance, and chance from a seed and the
transaction's own id: the same order has the same fate in every run.

Nobody on the chain sees such a swap, so its edge would still be there in the next block. `Footprints`
remember what a fill would have left behind: a pool stands where we would have left it until somebody else
trades there. Amounts are in a token's smallest unit, fees in wei; no floats.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.amm import Pool, SwapImpossible
from warden.domain.money import BPS_ONE, Wei

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOOTPRINTS_MAX: Final = 64
TRANSFER_GAS: Final = 21_000
"""What a transfer of nothing to oneself burns: a cancel (yellow paper, G_transaction)."""


class Ending(StrEnum):
    """What became of a transaction in the block where it would land."""

    FILLED = "filled"
    REVERTED = "reverted"
    WAITS = "waits"
    DROPPED = "dropped"


class FillModel(msgspec.Struct, frozen=True):
    """The terms of filling.

    Attributes:
        latency_blocks: from the block that was the newest when it left to the one in which it lands.
        failure_bps: of transactions that revert although the price holds.
        dropped_bps: of transactions that are never mined.
        gas_base, gas_hop: units that a swap burns, and what each pool adds.
        revert_base, revert_hop: the same of one that reverts, for the price, the deadline or bad luck.
    """

    latency_blocks: int = 1
    failure_bps: int = 100
    dropped_bps: int = 0
    seed: int = 7
    gas_base: int = 65_000
    gas_hop: int = 48_000
    revert_base: int = 24_000
    revert_hop: int = 7_700

    def gas(self, hops: int) -> int:
        """Return what a swap over so many pools burns, in units."""
        return self.gas_base + hops * self.gas_hop

    def gas_reverted(self, hops: int) -> int:
        """Return what a swap over so many pools burns if it reverts, in units."""
        return self.revert_base + hops * self.revert_hop

    def landing(self, left_block: int) -> int:
        """Return the block in which a transaction lands that left after this one."""
        return left_block + self.latency_blocks


class Order(msgspec.Struct, frozen=True):
    """A swap on its way.

    Attributes:
        order_id: what its luck is drawn from: anything that is unlike all others.
        path: token addresses, first sold, last bought.
        not_after_s: chain time after which the router reverts.
        max_fee_wei, tip_wei: most per unit of gas, and what of it goes to the block's maker.
    """

    order_id: str
    path: tuple[str, ...]
    amount_in: int
    min_amount_out: int
    not_after_s: int
    max_fee_wei: int
    tip_wei: int


class Block(msgspec.Struct, frozen=True):
    """The block where it would land; `timestamp_s` in Unix seconds."""

    number: int
    timestamp_s: int
    base_fee_wei: int


class Fill(msgspec.Struct, frozen=True):
    """What became of an order.

    Attributes:
        amounts: what went in, then what each pool paid; empty unless it was filled.
        gas: units burnt; 0 unless it was mined.
        gas_wei: what they cost.
        reason: why it was not filled.
    """

    ending: Ending
    amounts: tuple[int, ...] = ()
    gas: int = 0
    gas_wei: int = 0
    reason: str = ""

    @property
    def mined(self) -> bool:
        """Whether it stands in the block, filled or reverted."""
        return self.ending in {Ending.FILLED, Ending.REVERTED}


class Footprint(msgspec.Struct, frozen=True):
    """A pool as fills of ours would have left it.

    Attributes:
        seen0, seen1: the reserves that the chain had; as long as it has them, nobody else traded there.
        left0, left1: what our fills made of them.
        block: of the last of these fills.
    """

    pool: str
    seen0: Wei
    seen1: Wei
    left0: Wei
    left1: Wei
    block: int


class Footprints(msgspec.Struct, frozen=True):
    """Every pool that stands otherwise for us than for the chain; the newest fills' 64 pools are kept."""

    by_pool: dict[str, Footprint] = {}

    def pool(self, pool: Pool) -> Pool:
        """Return a pool of the chain as it stands for us."""
        left = self.by_pool.get(pool.address)
        if left is None or (left.seen0, left.seen1) != (pool.reserve0, pool.reserve1):
            return pool
        return msgspec.structs.replace(pool, reserve0=int(left.left0), reserve1=int(left.left1))

    def after(
        self, path: Sequence[str], pools: Sequence[Pool], amounts: Sequence[int], block: int
    ) -> Footprints:
        """Return these once a fill has gone through `pools`, which are the chain's own."""
        marks = dict(self.by_pool)
        for (sold, _), pool, (paid_in, paid_out) in zip(
            pairwise(path), pools, pairwise(amounts), strict=True
        ):
            stands = Footprints(marks).pool(pool)
            forward = sold.lower() == pool.token0.lower()
            more0, more1 = (paid_in, -paid_out) if forward else (-paid_out, paid_in)
            marks.pop(pool.address, None)  # so that the newest stand last
            marks[pool.address] = Footprint(
                pool=pool.address,
                seen0=Wei(pool.reserve0),
                seen1=Wei(pool.reserve1),
                left0=Wei(stands.reserve0 + more0),
                left1=Wei(stands.reserve1 + more1),
                block=block,
            )
        return Footprints(dict(list(marks.items())[-_FOOTPRINTS_MAX:]))

    def before(self, block: int) -> Footprints:
        """Return these without what was left in `block` or later: a reorg took those fills back."""
        return Footprints({name: each for name, each in self.by_pool.items() if each.block < block})


def quote(path: Sequence[str], pools: Sequence[Pool | None], amount_in: int) -> tuple[int, ...]:
    """Return what goes into the first pool and what each pool pays, each rounding down as on the chain.

    Raises:
        SwapImpossible: a pool is missing, or cannot do its part.
    """
    amounts = [amount_in]
    for (sold, bought), pool in zip(pairwise(path), pools, strict=True):
        if pool is None:
            raise SwapImpossible(f"there is no pool of {sold} and {bought}")
        amounts.append(pool.hop(sold).amount_out(amounts[-1]))
    return tuple(amounts)


def fill(
    order: Order,
    pools: Sequence[Pool | None],
    block: Block,
    model: FillModel,
    *,
    held: int,
    gas_held_wei: int,
) -> Fill:
    """Return what becomes of a swap in the block where it would land.

    Args:
        order: the swap.
        pools: of each step of its path as they stand for us, None where there is none.
        block: where it lands.
        model: the terms.
        held: what the wallet has of the path's first token, in its smallest unit.
        gas_held_wei: what it has to pay for gas.
    """
    hops = len(order.path) - 1
    luck = draw(order.order_id, model.seed)
    if luck < model.dropped_bps:
        return Fill(Ending.DROPPED, reason="dropped: no block took it")
    reason = _wrong(order, block, luck - model.dropped_bps < model.failure_bps, held)
    amounts: tuple[int, ...] = ()
    if not reason:
        amounts, reason = _paid(order, pools)
    gas = model.gas_reverted(hops) if reason else model.gas(hops)
    ending = Ending.REVERTED if reason else Ending.FILLED
    return _mined(
        Fill(ending, amounts, gas, reason=reason), order.max_fee_wei, order.tip_wei, block, gas_held_wei
    )


def plain(
    gas: int, max_fee_wei: int, tip_wei: int, block: Block, gas_held_wei: int, *, reason: str = ""
) -> Fill:
    """Return what becomes of a transaction that trades nothing and burns `gas` units; `reason`: reverts."""
    ending = Ending.REVERTED if reason else Ending.FILLED
    return _mined(Fill(ending, (), gas, reason=reason), max_fee_wei, tip_wei, block, gas_held_wei)


def draw(order_id: str, seed: int) -> int:
    """Return a transaction's luck, 0 to 9999, each as likely as the others."""
    digest = hashlib.sha256(f"{seed}:{order_id}".encode()).digest()
    return int.from_bytes(digest) % BPS_ONE


def _wrong(order: Order, block: Block, failed: bool, held: int) -> str:  # noqa: FBT001 - a private step
    if block.timestamp_s > order.not_after_s:
        return "expired: its deadline has passed"
    if order.amount_in > held:
        return "the wallet holds too little of what it sells"
    return "failed: somebody was faster" if failed else ""


def _paid(order: Order, pools: Sequence[Pool | None]) -> tuple[tuple[int, ...], str]:
    """Return the amounts, or none and why the router reverts."""
    try:
        amounts = quote(order.path, pools, order.amount_in)
    except SwapImpossible as error:
        return (), f"impossible: {error}"
    if amounts[-1] < order.min_amount_out:
        return (), f"too little came: {amounts[-1]} of {order.min_amount_out} at least"
    return amounts, ""


def _mined(end: Fill, max_fee_wei: int, tip_wei: int, block: Block, gas_held_wei: int) -> Fill:
    """Return the end with its price, or that it waits because it cannot pay for a place in this block."""
    if block.base_fee_wei > max_fee_wei:
        return Fill(Ending.WAITS, reason="gas is dearer than it pays")
    price_wei = min(max_fee_wei, block.base_fee_wei + tip_wei)
    if end.gas * price_wei > gas_held_wei:
        return Fill(Ending.WAITS, reason="the wallet cannot pay for its gas")
    return msgspec.structs.replace(end, gas_wei=end.gas * price_wei)
