"""How far what a pool says is believed: a second source, or its own last blocks, must say the same.

Whoever swaps enough makes a pool say anything for a block, and pays for it only what others take meanwhile.
So where what it says is further from its second source than `max_deviation_bps` (or, without a second one,
from the median of its own last blocks) it is in dispute, and then

- `value` moves only as far as each of the last `confirm_blocks` blocks has shown: one block alone moves it by
  nothing, and a fall that stays counts in full once it has stayed so long. Exits go by it.
- `least` and `most` also bound it by what the other side says: losses and limits go by the worse of the two.
- once a dispute has gone on for `confirm_within_ns`, what the pool says now counts: a stop-loss that waited
  until everybody agrees would protect nothing.

All are whole numbers in any one unit; nothing here knows what they are the price of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.domain.amm import fold
from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import BPS_ONE
from warden.domain.risk.events import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.domain.amm import Hop


class DoubtLimits(msgspec.Struct, frozen=True):
    """When a price is in dispute, and for how long.

    Attributes:
        max_deviation_bps: how far it may be from what it is compared with, of the latter.
        confirm_blocks: so many blocks in a row must show a disputed price before it counts.
        confirm_within_ns: a dispute of this age ends in favour of what the pool says now.
        window_blocks: of how many earlier blocks the median is taken.
        depth_bps: a second source must be this deep, of the first's depth; a shallow one is cheap to move.

    Raises:
        ConfigurationInvalid: one of them would believe everything, or nothing.
    """

    max_deviation_bps: int = 500
    confirm_blocks: int = 2
    confirm_within_ns: int = 60 * NS_PER_S
    window_blocks: int = 5
    depth_bps: int = 2_500

    def __post_init__(self) -> None:
        """Refuse what bounds nothing."""
        if min(self.max_deviation_bps, self.confirm_within_ns, self.depth_bps) <= 0:
            raise ConfigurationInvalid("every bound on prices must be above 0")
        if not 1 <= self.confirm_blocks <= self.window_blocks:
            raise ConfigurationInvalid("price.confirm_blocks must be 1 to price.window_blocks")


class Belief(msgspec.Struct, frozen=True):
    """What is believed of a price.

    Attributes:
        now: what the pool says.
        against: what that was compared with.
        value: as far as it is confirmed.
        least, most: the same, bounded by the other side as well.
        disputed: the two are too far apart.
    """

    now: int
    against: int
    value: int
    least: int
    most: int
    disputed: bool = False


def believed(
    spots: Sequence[int], others: Sequence[int | None], limits: DoubtLimits, *, too_long: bool = False
) -> Belief:
    """Return what is believed of the last of `spots`.

    Args:
        spots: what the pool said at each of the last blocks, the present one last; one at least.
        others: what a second source said at each of them; None where there was none.
        limits: how far is too far.
        too_long: the dispute has gone on for as long as one may.
    """
    now, other = spots[-1], others[-1]
    against = other if other is not None else _middle(spots[:-1] or spots, now)
    if abs(now - against) * BPS_ONE <= limits.max_deviation_bps * against:
        return Belief(now, against, now, now, now)
    if too_long:
        return Belief(now, against, now, min(now, against), max(now, against), disputed=True)
    shown = spots[-limits.confirm_blocks :]
    value = max(shown) if now < against else min(shown)
    if other is None:
        low = high = against
    else:
        pairs = zip(spots, others, strict=True)
        said = [spot if each is None else each for spot, each in pairs][-limits.confirm_blocks :]
        low, high = max(said), min(said)
    return Belief(now, against, value, min(value, low), max(value, high), disputed=True)


def _middle(values: Sequence[int], now: int) -> int:
    """Return the median; of two middle ones that which is nearer to `now`: as many blocks bear it out."""
    ordered, half = sorted(values), len(values) // 2
    low, high = ordered[(len(values) - 1) // 2], ordered[half]
    return low if abs(now - low) <= abs(now - high) else high


class Ratio(msgspec.Struct, frozen=True):
    """A price as a ratio of whole numbers, both above zero."""

    numerator: int
    denominator: int

    def of(self, amount: int) -> int:
        """Return so many times this, rounded down."""
        return amount * self.numerator // self.denominator


def compared(hops: Sequence[Hop], ways: Sequence[Sequence[Hop]], limits: DoubtLimits) -> Ratio | None:
    """Return what other ways pay at the margin, for one that these pools pay; None: none of them can tell.

    Of several the middle one counts. A way that is much shallower than these pools says nothing: it would
    cost little to have it say anything. Depth is the reserve of what is paid, all pools taken as one.

    Args:
        hops: the pools that are compared.
        ways: others from the same token to the same, each with pools that are not empty.
        limits: how deep is deep enough.
    """
    if not _alive(hops):
        return None
    price, depth = _price(hops), _depth(hops)
    told = [
        Ratio(other.numerator * price.denominator, other.denominator * price.numerator)
        for way in ways
        if _alive(way) and _depth(way) * BPS_ONE >= depth * limits.depth_bps
        for other in (_price(way),)
    ]
    if not told:
        return None
    return sorted(told, key=_in_order)[(len(told) - 1) // 2]


def _in_order(ratio: Ratio) -> int:
    # Fine enough to sort by: what is closer than that is the same price.
    return (ratio.numerator << 64) // ratio.denominator


def _alive(hops: Sequence[Hop]) -> bool:
    return bool(hops) and all(hop.reserve_in > 0 and hop.reserve_out > 0 for hop in hops)


def _price(hops: Sequence[Hop]) -> Ratio:
    """Return what the smallest amount is paid with, fees apart: they are no part of a price."""
    numerator = denominator = 1
    for hop in hops:
        numerator, denominator = numerator * hop.reserve_out, denominator * hop.reserve_in
    return Ratio(numerator, denominator)


def _depth(hops: Sequence[Hop]) -> int:
    folded = fold(hops)
    return folded.a // folded.c


def marginal(hops: Sequence[Hop], scale: int) -> int | None:
    """Return the price of `scale` units without the size's own effect; None of a way with an empty pool."""
    return _price(hops).of(scale) if _alive(hops) else None
