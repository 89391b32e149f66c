"""Amounts: wei are integers, ether and USD are decimals, ratios are basis points. Never floats."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Final

WEI_PER_ETHER: Final = 10**18
WEI_PER_GWEI: Final = 10**9
BPS_ONE: Final = 10_000
BPS_PER_PERCENT: Final = 100

# 78 digits hold any 256-bit number; the default context of 28 would round large balances.
_PRECISION: Final = 96


class Wei(int):
    """An amount in wei or in a token's smallest unit; on the wire it travels as a decimal string.

    A type of its own because message packs refuse integers above 64 bits.
    """

    __slots__ = ()


def ether_to_wei(amount: Decimal) -> int:
    """Return `amount` ether in wei, exactly.

    Raises:
        ValueError: the amount is not finite, or finer than one wei.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of ether")
    with localcontext() as context:
        context.prec = _PRECISION
        wei = amount * WEI_PER_ETHER
        if wei != wei.to_integral_value():
            raise ValueError(f"{amount} ether is finer than one wei")
        return int(wei)


def wei_to_ether(amount_wei: int) -> Decimal:
    """Return wei as ether, exactly."""
    with localcontext() as context:
        context.prec = _PRECISION
        return Decimal(amount_wei) / WEI_PER_ETHER


def format_ether(amount_wei: int, *, places: int = 6, signed: bool = False) -> str:
    """Return wei as ether with `places` decimals, rounded towards zero so that it never flatters.

    Integer arithmetic throughout; `signed` puts a plus before what is not negative.
    """
    unit = 10 ** (18 - places)
    whole, part = divmod(abs(amount_wei) // unit, 10**places)
    sign = "-" if amount_wei < 0 else "+" if signed else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def share_bps(part_wei: int, whole_wei: int) -> int:
    """Return `part` of `whole` in basis points, rounded up: a limit is met early rather than late.

    Raises:
        ValueError: the whole is not positive, so that no share of it can be told.
    """
    if whole_wei <= 0:
        raise ValueError(f"no share of {whole_wei} wei can be told")
    return -(-part_wei * BPS_ONE // whole_wei)
