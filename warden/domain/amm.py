"""Uniswap V2 in exact integers: what a swap pays, and how much a closed cycle is best fed with.

All amounts are `int` in a token's smallest unit. No floats: what is computed here is what the contracts
compute, to the last unit. The formulas are those of `UniswapV2Library` (getAmountOut, getAmountIn), with the
fee in basis points instead of a fixed 997/1000, which is the same fraction.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import BPS_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence

UNISWAP_FEE_BPS: Final = 30
# A pair keeps its reserves in uint112 and reverts on more.
RESERVE_MAX: Final = 2**112 - 1


class SwapImpossible(ValueError):
    """The contracts would revert on this swap: no pool, no liquidity, or an amount out of range."""


class Token(msgspec.Struct, frozen=True):
    """An ERC-20 token; `address` is hex with 0x, `decimals` how many digits of its amounts are fraction."""

    symbol: str
    address: str
    decimals: int = 18


class Hop(msgspec.Struct, frozen=True):
    """One pool seen in the direction of a swap; reserves in smallest units, `fee_bps` in basis points."""

    reserve_in: int
    reserve_out: int
    fee_bps: int = UNISWAP_FEE_BPS

    def amount_out(self, amount_in: int) -> int:
        """Return what the pool pays for `amount_in`, rounded down as getAmountOut does.

        Raises:
            SwapImpossible: the amount is not positive, the pool is empty, or it could not hold the amount.
        """
        if amount_in <= 0:
            raise SwapImpossible(f"amount in is {amount_in}, not above 0")
        if self.reserve_in <= 0 or self.reserve_out <= 0:
            raise SwapImpossible("the pool is empty")
        if self.reserve_in + amount_in > RESERVE_MAX:
            raise SwapImpossible("the pool cannot hold so much: reserves are of 112 bits")
        with_fee = amount_in * (BPS_ONE - self.fee_bps)
        return with_fee * self.reserve_out // (self.reserve_in * BPS_ONE + with_fee)

    def amount_in(self, amount_out: int) -> int:
        """Return what must be paid in for `amount_out`, rounded up as getAmountIn does.

        It is enough, and at most one unit more than the least that is: the contract always adds one.

        Raises:
            SwapImpossible: the amount is not positive, or the pool does not hold more than it.
        """
        if amount_out <= 0:
            raise SwapImpossible(f"amount out is {amount_out}, not above 0")
        if self.reserve_in <= 0 or self.reserve_out <= amount_out:
            raise SwapImpossible("the pool holds too little")
        numerator = self.reserve_in * amount_out * BPS_ONE
        return numerator // ((self.reserve_out - amount_out) * (BPS_ONE - self.fee_bps)) + 1


class Pool(msgspec.Struct, frozen=True):
    """A pair at one block.

    Attributes:
        address: of the pair, hex.
        token0, token1: addresses in the contract's own order.
        reserve0, reserve1: in smallest units, below 2**112.
        fee_bps: what a swap leaves in the pool, basis points of what goes in.
    """

    address: str
    token0: str
    token1: str
    reserve0: int
    reserve1: int
    fee_bps: int = UNISWAP_FEE_BPS

    def hop(self, token_in: str) -> Hop:
        """Return the pool as seen by who sells `token_in` (any case of hex).

        Raises:
            SwapImpossible: the pool does not trade that token.
        """
        sold = token_in.lower()
        if sold == self.token0.lower():
            return Hop(self.reserve0, self.reserve1, self.fee_bps)
        if sold == self.token1.lower():
            return Hop(self.reserve1, self.reserve0, self.fee_bps)
        raise SwapImpossible(f"pool {self.address} does not trade {token_in}")


class Folded(msgspec.Struct, frozen=True):
    """A chain of pools as one: without rounding it pays `a*x / (b + c*x)` for x; exact integers, no unit."""

    a: int
    b: int
    c: int

    @property
    def profitable(self) -> bool:
        """Whether a closed cycle over it pays back more than went in, for some real amount."""
        return self.a > self.b


def route_out(hops: Sequence[Hop], amount_in: int) -> int:
    """Return what a chain of pools pays for `amount_in`, each rounding down as on the chain.

    Raises:
        SwapImpossible: a pool in it cannot do its part.
    """
    amount = amount_in
    for hop in hops:
        amount = hop.amount_out(amount)
    return amount


def route_in(hops: Sequence[Hop], amount_out: int) -> int:
    """Return what must go into a chain of pools for `amount_out`, each rounding up as on the chain.

    Raises:
        SwapImpossible: a pool in it cannot do its part.
    """
    amount = amount_out
    for hop in reversed(hops):
        amount = hop.amount_in(amount)
    return amount


def cycle_profit(hops: Sequence[Hop], amount_in: int) -> int:
    """Return what a closed cycle pays back less `amount_in`, before gas; negative for a loss.

    Raises:
        SwapImpossible: a pool in it cannot do its part.
    """
    return route_out(hops, amount_in) - amount_in


def fold(hops: Sequence[Hop]) -> Folded:
    """Return a chain of different pools as one virtual pool.

    One pool pays `g*y*x / (B*x0 + g*x)` with reserves x0, y, fee factor g of B. Putting one such fraction
    `a*x / (b + c*x)` into the next `a'*z / (b' + c'*z)` gives `a*a'*x / (b*b' + (b'*c + c'*a)*x)`: the same
    form, so any number of pools folds into three integers.
    """
    a, b, c = 1, 1, 0
    for hop in hops:
        kept = BPS_ONE - hop.fee_bps
        a_next, b_next, c_next = kept * hop.reserve_out, BPS_ONE * hop.reserve_in, kept
        a, b, c = a * a_next, b * b_next, b_next * c + c_next * a
    return Folded(a, b, c)


def rounding_max(hops: Sequence[Hop]) -> int:
    """Return how much a chain of pools can lose to rounding, in units of its last token.

    Each pool rounds down by less than one unit, and what is lost there would have been worth at most the
    spot price of the pools after it.
    """
    total, numerator, denominator = 0, 1, 1
    for hop in reversed(hops):
        total += -(-numerator // denominator)
        numerator *= (BPS_ONE - hop.fee_bps) * hop.reserve_out
        denominator *= BPS_ONE * hop.reserve_in
    return total


def best_input(hops: Sequence[Hop], amount_in_max: int) -> int:
    """Return the input with which a closed cycle of different pools earns most before gas; 0 when none does.

    Folded, the cycle earns `a*x/(b + c*x) - x`, which is concave; its slope `a*b/(b + c*x)**2 - 1` is zero at
    `x = (sqrt(a*b) - b)/c`. The closed form for cycles of constant-product pools is treated in Wang et al.,
    "Cyclic Arbitrage in Decentralized Exchanges" (arXiv:2105.02784). The integer root is exact, and the
    contracts' own rounding is then looked at around it: neighbours, and the least input that pays the same.
    So no input up to the limit earns more by over `rounding_max(hops)` plus one unit.

    Args:
        hops: the pools in order; the last pays the token that the first takes.
        amount_in_max: the limit, in smallest units; the optimum below it is returned.
    """
    if amount_in_max <= 0 or any(hop.reserve_in <= 0 or hop.reserve_out <= 0 for hop in hops):
        return 0
    folded = fold(hops)
    if not folded.profitable:
        return 0
    root = (isqrt(folded.a * folded.b) - folded.b) // folded.c
    best, best_profit = 0, 0
    for candidate in _around(hops, min(root, amount_in_max)):
        if 0 < candidate <= amount_in_max:
            profit = _profit_or_loss(hops, candidate)
            if (profit, -candidate) > (best_profit, -best):
                best, best_profit = candidate, profit
    return best


def _around(hops: Sequence[Hop], amount_in: int) -> set[int]:
    """Return the inputs that are worth a look around the real optimum."""
    near = {amount_in - 1, amount_in, amount_in + 1}
    for each in tuple(near):
        try:
            paid = route_out(hops, each)
            # getAmountIn may name one unit more than is needed in each pool.
            least = route_in(hops, paid)
        except SwapImpossible:
            continue  # then this neighbour is no candidate either
        near |= {least - 1, least}
    return near


def _profit_or_loss(hops: Sequence[Hop], amount_in: int) -> int:
    try:
        return cycle_profit(hops, amount_in)
    except SwapImpossible:
        return -amount_in
