"""Where the noise traders want each pool's price to be: a seeded walk that always returns to its base. Pure.

Prices are `token1` per `token0` in base units. Amounts are whole base units; the walk itself is in parts per
million.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from warden.devnet.config import NoiseConfig

ONE_PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Reserves:
    """A pool's two reserves, in base units."""

    token0: int
    token1: int


@dataclass(frozen=True, slots=True)
class Swap:
    """Sell `amount_in` base units of `token0` (or of `token1`) into a pool."""

    zero_for_one: bool
    amount_in: int


@dataclass(frozen=True, slots=True)
class Push:
    """Bring pool number `pool` to its base price plus `offset_ppm`, by account number `account`."""

    pool: int
    account: int
    offset_ppm: int


class PriceWalk:
    """Seeded: the same seed and the same calls give the same pushes."""

    def __init__(self, seed: int, config: NoiseConfig, *, pools: int, accounts: int) -> None:
        """Start every pool at its base."""
        self._random = Random(seed)  # noqa: S311 # play money: repeatable is what is wanted
        self._config = config
        self._offsets_ppm = [0] * pools
        self._accounts = accounts
        self._base_fee_wei = (config.base_fee_min_wei + config.base_fee_max_wei) // 2

    def next_push(self) -> Push | None:
        """Take one step; None where nobody trades in it.

        The offset of one pool at a time is drawn towards zero and then moved at random, within its limit.
        """
        if self._random.randrange(100) >= self._config.trade_percent:
            return None
        pool = self._random.randrange(len(self._offsets_ppm))
        account = self._random.randrange(self._accounts)
        limit = self._config.offset_ppm_max
        kept = self._offsets_ppm[pool] * self._config.keep_percent // 100
        moved = kept + round(self._random.gauss(0, self._config.step_ppm))
        self._offsets_ppm[pool] = max(-limit, min(limit, moved))
        return Push(pool, account, self._offsets_ppm[pool])

    def next_base_fee_wei(self) -> int:
        """Take one step of the chain's base fee, at most an eighth up or down, within its limits."""
        step = self._base_fee_wei // 8
        moved = self._base_fee_wei + self._random.randint(-step, step)
        self._base_fee_wei = max(self._config.base_fee_min_wei, min(self._config.base_fee_max_wei, moved))
        return self._base_fee_wei


def swap_to_price(now: Reserves, base: Reserves, offset_ppm: int) -> Swap | None:
    """Give the swap that brings a pool to its base price plus `offset_ppm`; None if it is there.

    With reserves x, y and product k the price p = y/x is reached at y = sqrt(k*p) and x = sqrt(k/p). The
    pool's fee is left out, so the price ends up a little short of the aim.
    """
    product = now.token0 * now.token1
    aim_num, aim_den = base.token1 * (ONE_PPM + offset_ppm), base.token0 * ONE_PPM
    if now.token1 * aim_den < now.token0 * aim_num:
        amount_in = isqrt(product * aim_num // aim_den) - now.token1
        zero_for_one = False
    else:
        amount_in = isqrt(product * aim_den // aim_num) - now.token0
        zero_for_one = True
    return Swap(zero_for_one, amount_in) if amount_in > 0 else None
