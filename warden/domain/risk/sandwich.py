"""The most that a sandwich can take from a swap, in exact integers (RK1).

Who sees a swap of `v` pending buys `f` ahead of it in the same pool and sells again behind it. With reserves
x, y and the fee factor g (0.997), all three trades worked out by the constant product, what he gains is

    G(f) = f * (P*f + Q) / (d2*f**2 + d1*f + d0)
    P = g**2*(x+v) - x          Q = g**2*(x+v)*(x+g*v) - x**2
    d2 = g**2                   d1 = x + g**2*(x+g*v)            d0 = x**2

in units of what goes in: y cancels out. The slope's sign is that of (P*d1 - Q*d2)*f**2 + 2*P*d0*f + Q*d0.
With Q <= 0 (a swap that is small beside the fees) nothing can be gained. Otherwise, with P*d1 >= Q*d2 (a swap
of about twice the pool or more), more is always better; else it rises up to the one positive root and falls
beyond. The swap's own bound caps f, too: beyond `front_run_max` it reverts and there is nothing to sell into.

The contracts round each step against the trader, and the front-runner is one: what he really gets is never
above G. So this is a bound, and it is reached but for rounding; the tests try every f on small pools. The
gas of his two transactions is not taken off.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from warden.domain.amm import RESERVE_MAX, Hop, SwapImpossible
from warden.domain.money import BPS_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence


def sandwich_bps(hops: Sequence[Hop], amount_in: int, min_out: int) -> int:
    """Return the most that sandwiches can take, as a share of the swap in basis points, rounded up.

    Every pool of the path is looked at by itself, with the whole slack of the swap's bound for it alone, and
    the shares are added up: whoever attacks several pools at once has to divide the slack between them.
    A swap whose bound is its exact output has no slack: 0.

    Args:
        hops: different pools in the direction of the swap.
        amount_in: of the first pool's token.
        min_out: below it the swap reverts; below one unit counts as one, since a pair pays nothing else.

    Raises:
        SwapImpossible: the swap would revert without any sandwich.
    """
    bound = max(1, min_out)
    through = [amount_in]
    for hop in hops:
        through.append(hop.amount_out(through[-1]))
    if through[-1] < bound:
        raise SwapImpossible(f"it pays {through[-1]}, below its bound of {bound}")
    if through[-1] == bound:
        return 0
    share = 0
    for hop, amount in zip(reversed(hops), reversed(through[:-1]), strict=True):
        taken = take(hop, amount, front_run_max(hop, amount, bound))
        share += -(-taken * BPS_ONE // amount)
        bound = least_in(hop, bound)
    return share


def least_in(hop: Hop, amount_out: int) -> int:
    """Return the least that buys `amount_out`; getAmountIn may ask for one unit more.

    Raises:
        SwapImpossible: the pool does not hold more than it.
    """
    enough = hop.amount_in(amount_out)
    return enough - 1 if enough > 1 and hop.amount_out(enough - 1) >= amount_out else enough


def front_run_max(hop: Hop, amount_in: int, min_out: int) -> int:
    """Return the largest amount that may go in ahead of a swap so that it still pays `min_out`.

    Exact, rounding of the contracts included: the swap pays less the more goes ahead of it.

    Args:
        hop: the pool before either.
        amount_in: of the swap, above zero.
        min_out: above zero.
    """

    def left(ahead: int) -> bool:
        bought = hop.amount_out(ahead) if ahead else 0
        return (
            Hop(hop.reserve_in + ahead, hop.reserve_out - bought, hop.fee_bps).amount_out(amount_in)
            >= min_out
        )

    most = RESERVE_MAX - hop.reserve_in - amount_in
    if most <= 0 or not left(0):
        return 0
    # Without rounding the answer is a root; contracts that round leave it near.
    low = min(most, _front_run_root(hop, amount_in, min_out))
    step = 1
    while low and not left(low):
        low, step = max(0, low - step), step * 2
    step, high = 1, low
    while high < most and left(high):
        low, high, step = high, min(most, high + step), step * 2
    if left(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if left(middle) else (low, middle)
    return low


def _front_run_root(hop: Hop, amount_in: int, min_out: int) -> int:
    """Return about the largest f for which (x+g*f) * (x+f+g*v) <= g*v*x*y / min_out, not below 0."""
    x, kept, one = hop.reserve_in, BPS_ONE - hop.fee_bps, BPS_ONE
    if kept <= 0:
        return 0
    paid = kept * amount_in
    a = kept * one
    b = one * one * x + kept * (one * x + paid)
    c = one * x * (one * x + paid) - paid * one * x * hop.reserve_out // min_out
    return 0 if c >= 0 else (isqrt(b * b - 4 * a * c) - b) // (2 * a)


def take(hop: Hop, amount_in: int, ahead_max: int) -> int:
    """Return the most that is gained by buying up to `ahead_max` ahead of a swap and selling behind it.

    In units of the token that goes in, never negative.

    Args:
        hop: the pool before either.
        amount_in: of the swap, above zero.
        ahead_max: what may go in ahead at most.
    """
    x, v, kept, one = hop.reserve_in, amount_in, BPS_ONE - hop.fee_bps, BPS_ONE
    after = one * x + kept * v
    # All of the formula above times one**3, so that everything is whole.
    p = one * (kept * kept * (x + v) - one * one * x)
    q = kept * kept * (x + v) * after - one**3 * x * x
    d2, d1, d0 = one * kept * kept, one**3 * x + kept * kept * after, one**3 * x * x
    if q <= 0 or ahead_max <= 0:
        return 0
    bend = p * d1 - q * d2
    near = {ahead_max}
    if bend < 0:
        root = (p * d0 + isqrt(p * p * d0 * d0 - bend * q * d0)) // -bend
        near = {min(ahead_max, max(0, root + step)) for step in (0, 1, 2)}
    return max(0, *(f * (p * f + q) // ((d2 * f + d1) * f + d0) for f in near))
