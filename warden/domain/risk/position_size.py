"""How large a trade may be, and how much all together may be at stake (PS1). What is not known refuses.

The engine makes `Effective` by thresholds.py and asks `check` about every request; one that shrinks is given
what `largest` allows, by `resized`. A refusal names the tightest limit, in that limit's own unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import share_bps
from warden.domain.risk import usd
from warden.domain.risk.events import OPENS
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import Effective, exact_ether, format_percent, refusal_eth

if TYPE_CHECKING:
    from warden.domain.risk.events import Request

_OLD_PRICE: Final = Refusal("price.unknown", "a limit in USD is set and the price is too old to count")


def check(
    now: Effective, request: Request, exposure_wei: int, reserved_wei: int, at_ns: int
) -> Refusal | None:
    """Return why the request is refused, or None. What reduces or cancels has no size limit.

    Args:
        now: the limits in wei.
        request: what is asked for.
        exposure_wei: cost of open positions and what reservations may spend, together.
        reserved_wei: what reservations may spend.
        at_ns: UTC now.
    """
    if request.action is not OPENS:
        return None
    spend, loss = request.spend_wei, request.loss_wei
    if (
        now.closed is None
        and 0 <= at_ns < now.price_until_ns
        and now.min_wei <= spend <= now.trade.wei
        and spend + exposure_wei <= now.exposure.wei
        and spend + reserved_wei <= now.held_wei
        and 0 <= loss <= now.loss.wei
    ):
        return None
    return _shut(now, at_ns) or _too_large(now, request, exposure_wei, reserved_wei)


def _shut(now: Effective, at_ns: int) -> Refusal | None:
    if now.closed is not None:
        return now.closed
    if at_ns < 0:
        return Refusal("clock.negative", "the time is not known", observed=str(at_ns), unit="ns")
    return None if at_ns < now.price_until_ns else _OLD_PRICE


def _too_large(now: Effective, request: Request, exposure_wei: int, reserved_wei: int) -> Refusal:
    """Return the refusal by the limit that leaves least room."""
    spend, loss = request.spend_wei, request.loss_wei
    if loss < 0:
        return Refusal("request.loss", "a loss cannot be negative", observed=str(loss), unit="wei")
    if spend < now.min_wei:
        return refusal_eth("limits.min_trade_eth", "below the smallest trade", now.min_wei, spend)
    rooms = [
        (now.trade.wei, now.trade, spend),
        (now.exposure.wei - exposure_wei, now.exposure, spend + exposure_wei),
        (_affordable(now, request), now.loss, loss),
    ]
    room, ceiling, observed_wei = min(rooms, key=lambda each: each[0])
    if now.held_wei - reserved_wei < min(room, spend):
        message = "more than the wallet holds beside what is reserved"
        return refusal_eth("capital.short", message, now.held_wei, spend + reserved_wei, setting="")
    base = now.equity_wei if ceiling is now.loss else now.capital_wei
    if ceiling.unit == "USD" and now.quote is not None:
        observed = usd.format_usd(usd.micro_usd_of(observed_wei, now.quote))
    elif ceiling.unit == "%":
        observed = format_percent(share_bps(observed_wei, base))
    else:
        observed = exact_ether(observed_wei)
    return Refusal(ceiling.rule, ceiling.message, ceiling.limit, observed, ceiling.unit, ceiling.rule)


def _affordable(now: Effective, request: Request) -> int:
    """Return the largest spend whose estimated loss is allowed; gas costs the same at any size."""
    if request.loss_wei <= now.loss.wei:
        return request.spend_wei
    fixed = max(0, min(request.gas_wei, request.loss_wei))
    if fixed > now.loss.wei:
        return 0
    return (now.loss.wei - fixed) * request.spend_wei // (request.loss_wei - fixed)


def largest(
    now: Effective,
    request: Request,
    exposure_wei: int,
    reserved_wei: int,
    at_ns: int,
    *,
    room_wei: int | None = None,
) -> int:
    """Return the largest spend in wei, up to the one asked for, that every limit allows; 0 for none.

    Never below the smallest trade. A request that may not shrink gets all it asks for or nothing.

    The arguments are those of `check`, and `room_wei` is what other rules leave (position_limits.room); None:
    they set no limit.
    """
    spend = request.spend_wei
    if request.action is not OPENS:
        return spend
    if _shut(now, at_ns) is not None or request.loss_wei < 0:
        return 0
    most = min(
        spend,
        now.trade.wei,
        now.exposure.wei - exposure_wei,
        now.held_wei - reserved_wei,
        _affordable(now, request),
        spend if room_wei is None else room_wei,
    )
    return most if most >= now.min_wei and (request.shrinks or most == spend) else 0


def resized(request: Request, spend_wei: int) -> Request:
    """Return the request at another size; what it may lose beyond its gas goes along, rounded up.

    Its profit goes along rounded down; it is enforced on the chain only once the swap was made anew.
    """
    spend, gas = request.spend_wei, max(0, min(request.gas_wei, request.loss_wei))
    if spend_wei == spend or spend <= 0:
        return request
    loss = gas - (-(request.loss_wei - gas) * spend_wei // spend)
    profit = (request.profit_wei + request.gas_wei) * spend_wei // spend - request.gas_wei
    return msgspec.structs.replace(request, spend_wei=spend_wei, loss_wei=loss, profit_wei=profit)
