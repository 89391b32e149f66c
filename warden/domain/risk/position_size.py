"""How large a trade may be: the first set of limits (PS1). What is not known is refused, not passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.domain.money import BPS_ONE, format_ether, share_bps
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator


class SizeLimits(msgspec.Struct, frozen=True):
    """Limits on one trade and on all together; amounts in wei, shares in basis points of the capital."""

    max_trade_wei: int
    min_trade_wei: int
    max_trade_bps: int
    max_exposure_bps: int
    max_fee_wei: int
    gas_reserve_wei: int


class Capital(msgspec.Struct, frozen=True):
    """What there is, read from the chain: trading capital and the balance that pays for gas, in wei."""

    trading_wei: int
    gas_wei: int


def scaled(limits: SizeLimits, percent: int) -> SizeLimits:
    """Return the limits at `percent` of their sizes, never above them: probation after a recovery (ES5)."""
    share = max(0, min(100, percent))
    return msgspec.structs.replace(
        limits,
        max_trade_wei=limits.max_trade_wei * share // 100,
        max_trade_bps=limits.max_trade_bps * share // 100,
        max_exposure_bps=limits.max_exposure_bps * share // 100,
    )


def check_size(
    amount_wei: int, exposure_wei: int, capital: Capital | None, limits: SizeLimits
) -> Refusal | None:
    """Return why a trade of `amount_wei` is refused, or None.

    Args:
        amount_wei: what the trade takes out of the capital at most.
        exposure_wei: what is in flight or open already.
        capital: None when it is not known now, which refuses.
        limits: the limits in force.
    """
    return next(_refusals(amount_wei, exposure_wei, capital, limits), None)


def _refusals(
    amount_wei: int, exposure_wei: int, capital: Capital | None, limits: SizeLimits
) -> Iterator[Refusal]:
    if capital is None:
        yield Refusal("capital.unknown", "the wallet's capital is not known now")
        return
    if capital.trading_wei <= 0:
        # Zero is a total loss, not "no data" (ES2's trap).
        yield Refusal("capital.zero", "the wallet holds no trading capital", observed="0", unit="ETH")
        return
    if amount_wei < limits.min_trade_wei:
        yield _size("min_trade_eth", "below the smallest trade", limits.min_trade_wei, amount_wei)
    if amount_wei > limits.max_trade_wei:
        yield _size("max_trade_eth", "above the largest trade", limits.max_trade_wei, amount_wei)
    if amount_wei > capital.trading_wei:
        held = format_ether(capital.trading_wei)
        yield Refusal("capital.short", "more than the wallet holds", held, format_ether(amount_wei), "ETH")
    share = share_bps(amount_wei, capital.trading_wei)
    if share > limits.max_trade_bps:
        yield _share("max_trade_percent", "too large a share of the capital", limits.max_trade_bps, share)
    together = share_bps(amount_wei + exposure_wei, capital.trading_wei)
    if together > limits.max_exposure_bps:
        yield _share("max_exposure_percent", "too much at stake together", limits.max_exposure_bps, together)
    if capital.gas_wei < limits.gas_reserve_wei:
        yield _size("gas_reserve_eth", "the gas reserve is used up", limits.gas_reserve_wei, capital.gas_wei)


def check_fee(fee_per_gas_wei: int, limits: SizeLimits) -> Refusal | None:
    """Return why a fee per gas, in wei, is refused, or None (EX6)."""
    if fee_per_gas_wei <= limits.max_fee_wei:
        return None
    return Refusal(
        "limits.max_gas_price_gwei",
        "gas is dearer than allowed",
        limit=_gwei(limits.max_fee_wei),
        observed=_gwei(fee_per_gas_wei),
        unit="gwei",
        setting="limits.max_gas_price_gwei",
    )


def _gwei(amount_wei: int) -> str:
    whole, part = divmod(amount_wei, 10**9)
    return f"{whole}.{part:09d}".rstrip("0").rstrip(".")


def _size(name: str, message: str, limit_wei: int, observed_wei: int) -> Refusal:
    return Refusal(
        f"limits.{name}",
        message,
        limit=format_ether(limit_wei),
        observed=format_ether(observed_wei),
        unit="ETH",
        setting=f"limits.{name}",
    )


def _share(name: str, message: str, limit_bps: int, observed_bps: int) -> Refusal:
    return Refusal(
        f"limits.{name}",
        message,
        limit=_percent(limit_bps),
        observed=_percent(observed_bps),
        unit="%",
        setting=f"limits.{name}",
    )


def _percent(share: int) -> str:
    return f"{share * 100 // BPS_ONE}.{share % 100:02d}"
