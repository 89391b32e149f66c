"""USD beside wei, exactly: a price is a ratio of integers, an amount in USD an integer of millionths.

So that no rule divides decimals, or anything at all, while an intent waits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from warden.domain.money import WEI_PER_ETHER, Wei

MICRO_PER_USD: Final = 10**6
_MICRO_PER_CENT: Final = 10**4
_WEI_PER_ETHER_MICRO: Final = WEI_PER_ETHER // MICRO_PER_USD
# Beyond these a price is a fault of whoever told it; they also bound the integers.
_LOWEST: Final = Decimal("1e-9")
_HIGHEST: Final = Decimal("1e12")


class Quote(msgspec.Struct, frozen=True):
    """USD for one whole native coin: `numerator / denominator`, both above zero."""

    numerator: Wei
    denominator: Wei


def quote_of(usd: Decimal) -> Quote | None:
    """Return the price as a ratio; None for what is no price: not finite, or not between 1e-9 and 1e12."""
    if not usd.is_finite() or not _LOWEST <= usd <= _HIGHEST:
        return None
    numerator, denominator = usd.as_integer_ratio()
    return Quote(Wei(numerator), Wei(denominator))


def wei_of(amount_micro_usd: int, quote: Quote) -> int:
    """Return millionths of a USD in wei, rounded down: as a limit it is met early."""
    return amount_micro_usd * _WEI_PER_ETHER_MICRO * quote.denominator // quote.numerator


def micro_usd_of(amount_wei: int, quote: Quote) -> int:
    """Return wei in millionths of a USD, rounded up: what is observed is never flattered."""
    return -(-amount_wei * quote.numerator // (_WEI_PER_ETHER_MICRO * quote.denominator))


def format_usd(amount_micro_usd: int) -> str:
    """Return millionths of a USD as text: two decimals, six where it is finer than a cent."""
    sign, size = ("-" if amount_micro_usd < 0 else ""), abs(amount_micro_usd)
    whole, part = divmod(size, MICRO_PER_USD)
    if part % _MICRO_PER_CENT:
        return f"{sign}{whole}.{part:06d}"
    return f"{sign}{whole}.{part // _MICRO_PER_CENT:02d}"
