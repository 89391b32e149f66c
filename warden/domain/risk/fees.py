"""What gas may cost: by transaction, and by UTC day for all together (EX6).

A cap holds back what opens; exits and cancels pass, since they are what protects. Every transaction's gas
counts, failed ones, approvals and cancels too (CB3), on the day of its trade's own time, so that a reorg
takes back exactly what was counted; a time that is days off the clock's counts as today. What reservations
may burn counts as burnt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, OPENS, RiskEvent, Settled, Undone
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import refusal_eth

if TYPE_CHECKING:
    from warden.domain.risk.events import Request, Trade

# A reorg reaches no further back than this many days; those before are of no more use.
_DAYS_BACK: Final = 2


class FeeLimits(msgspec.Struct, frozen=True):
    """Caps in wei; None: not configured."""

    max_transaction_wei: int | None = 10**17
    max_day_wei: int | None = 5 * 10**17


class Fees(msgspec.Struct, frozen=True):
    """The state: gas burnt in wei on each of the last days, by UTC day number as text.

    Attributes:
        day: the UTC day of the last that was counted.
        burnt_wei: what was burnt on it and, should clocks differ, on days after it.
    """

    days: dict[str, Wei] = {}
    day: int = 0
    burnt_wei: Wei = Wei(0)


def step(state: Fees, _limits: FeeLimits, event: RiskEvent, at_ns: int) -> Fees:
    """Return the state after an event."""
    if isinstance(event, Settled):
        return _count(state, event.trade, 1, at_ns)
    if isinstance(event, Undone):
        return _count(state, event.trade, -1, at_ns)
    return state


def check(
    state: Fees, limits: FeeLimits, request: Request, reserved_gas_wei: int, at_ns: int
) -> Refusal | None:
    """Return why the request's gas may not be spent, or None; only what opens is held back."""
    if request.action is not OPENS:
        return None
    gas_wei = request.gas_wei
    if gas_wei < 0 or at_ns < 0:
        return Refusal("request.gas", "neither gas nor time can be negative", observed=str(gas_wei))
    if limits.max_transaction_wei is not None and gas_wei > limits.max_transaction_wei:
        message = "gas for one transaction costs more than allowed"
        return refusal_eth("limits.max_fee_eth", message, limits.max_transaction_wei, gas_wei)
    if limits.max_day_wei is None:
        return None
    today = at_ns // DAY_NS
    burnt = state.burnt_wei if today <= state.day else _from(state.days, today)
    asked = burnt + reserved_gas_wei + gas_wei
    if asked <= limits.max_day_wei:
        return None
    return refusal_eth(
        "limits.max_fees_per_day_eth", "gas of this UTC day is used up", limits.max_day_wei, asked
    )


def burnt_on(state: Fees, day: int) -> int:
    """Return what was burnt on a UTC day (days since 1970), in wei; 0 for days long past."""
    return state.days.get(str(day), 0)


def _count(state: Fees, trade: Trade, sign: int, at_ns: int) -> Fees:
    today = max(state.day, at_ns // DAY_NS)
    day = trade.at_ns // DAY_NS
    if not today - _DAYS_BACK <= day <= today + 1:
        day = today
    days = {key: wei for key, wei in state.days.items() if int(key) >= today - _DAYS_BACK}
    burnt = max(0, days.pop(str(day), 0) + sign * max(0, trade.gas_wei))
    if burnt:
        days[str(day)] = Wei(burnt)
    return Fees(days=days, day=today, burnt_wei=Wei(_from(days, today)))


def _from(days: dict[str, Wei], day: int) -> int:
    return sum(wei for key, wei in days.items() if int(key) >= day)
