"""How far a swap moves the price against itself, exactly, from the reserves of its pools (RK1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.amm import fold
from warden.domain.money import BPS_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.domain.amm import Hop


def impact_bps(hops: Sequence[Hop], amount_in: int) -> int:
    """Return how much less a swap pays than its first drop would, in basis points, rounded up.

    Folded, the pools pay `a*x / (b + c*x)` for x, and the first drop `a*x / b`: so the loss is the share
    `c*x / (b + c*x)`. Fees are in both, so that they do not count as impact; neither does the contracts'
    rounding, which is below `amm.rounding_max`. It grows with the amount, from 0 to 10000.

    Args:
        hops: different pools in the direction of the swap, none empty.
        amount_in: of the first pool's token, not negative.
    """
    folded = fold(hops)
    moved = folded.c * amount_in
    return -(-moved * BPS_ONE // (folded.b + moved))
