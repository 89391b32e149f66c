"""How many positions there may be, in all, per market and per followed wallet (PS4); closing twice (PS5).

Reservations count as positions that may come to be, so `check` takes their totals too. The engine folds
`Opened` before the `Settled` of the same trade: in between no share may be free that is not.

A whale's allocation of a UTC day is what was put into positions that follow it, in USD at the price of that
moment; closing does not give it back, a reorg of that same day does (`Restored`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from warden.domain.money import Wei
from warden.domain.risk import usd
from warden.domain.risk.events import DAY_NS, OPENS, Closed, Opened, Position, Priced, Restored, RiskEvent
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from warden.domain.risk.events import Request
    from warden.domain.risk.reservations import Reservations

_CLOSED_MAX: Final = 256
_RUNBOOK: Final = "position-limit"
_SCALE: Final = 10**12  # wei in a millionth of an ether: with a price, wei in a millionth of a USD

Value = TypeVar("Value")


class PositionLimits(msgspec.Struct, frozen=True):
    """How many at most, and USD (millionths) that a whale may be followed with a day; None: no such limit."""

    max_positions: int = 10
    max_per_whale: int = 3
    max_per_market: int = 2
    whale_day_micro_usd: int | None = 500 * usd.MICRO_PER_USD


class Positions(msgspec.Struct, frozen=True):
    """The state: the open positions by id, and what is counted of them.

    Attributes:
        cost_wei: what all of them cost; with the reservations' spend it is the exposure.
        day: UTC day that `whale_day` tells of.
        whale_day: millionths of USD allocated to each whale on that day.
        allotted: of each position opened on that day, what it took of its whale's allocation.
        unpriced: opened while no price was known: by position, in wei; counted at the next price.
        closed: the last ids that were closed, oldest first, to tell a double close from an unknown one.
    """

    open: dict[str, Position] = {}
    cost_wei: Wei = Wei(0)
    markets: dict[str, int] = {}
    whales: dict[str, int] = {}
    day: int = 0
    whale_day: dict[str, Wei] = {}
    allotted: dict[str, Wei] = {}
    unpriced: dict[str, Position] = {}
    quote: usd.Quote | None = None
    closed: tuple[str, ...] = ()


def check(
    state: Positions, limits: PositionLimits, held: Reservations, request: Request, at_ns: int
) -> Refusal | None:
    """Return why the request may not open a position, or None; what reduces or cancels is not limited."""
    if request.action is not OPENS:
        return None
    if len(state.open) + len(held.held) >= limits.max_positions:
        return _count("max_positions", "in all", limits.max_positions, len(state.open) + len(held.held))
    market, whale = request.market, request.whale
    if market:
        count = state.markets.get(market, 0) + held.markets.get(market, 0)
        if count >= limits.max_per_market:
            return _count("max_positions_per_market", "in this market", limits.max_per_market, count)
    if not whale:
        return None
    count = state.whales.get(whale, 0) + held.whales.get(whale, 0)
    if count >= limits.max_per_whale:
        return _count("max_positions_per_whale", "following this wallet", limits.max_per_whale, count)
    return _allocation(state, limits, held, request, at_ns)


def room(
    state: Positions, limits: PositionLimits, held: Reservations, request: Request, at_ns: int
) -> int | None:
    """Return the wei left of its whale's allocation, for position_size.largest; None: no such limit."""
    if not request.whale or limits.whale_day_micro_usd is None or request.action is not OPENS:
        return None
    if state.quote is None or at_ns < 0:
        return 0
    left = limits.whale_day_micro_usd - _allocated(state, request.whale, at_ns)
    if left <= 0:
        return 0
    return max(0, usd.wei_of(left, state.quote) - held.whale_spend.get(request.whale, 0))


def check_close(state: Positions, position_id: str, amount: int) -> Refusal | None:
    """Return why `amount` of a position cannot be closed, or None (PS5)."""
    position = state.open.get(position_id)
    if position is None:
        if position_id in state.closed:
            return Refusal("position.closed", f"{position_id} is closed already", observed=position_id)
        return Refusal("position.unknown", f"there is no position {position_id}", observed=position_id)
    if not 0 < amount <= position.amount:
        message = "a close takes more than nothing and no more than there is"
        return Refusal("position.amount", message, str(int(position.amount)), str(amount), "units")
    return None


def step(
    state: Positions, _limits: PositionLimits, event: RiskEvent, at_ns: int
) -> tuple[Positions, tuple[Finding, ...]]:
    """Return the state after an event, and what there is to say: a wrong close or opening changes nothing."""
    if isinstance(event, Opened):
        return _opened(_today(state, at_ns), event.position)
    if isinstance(event, Closed):
        return _closed(state, event)
    if isinstance(event, Restored):
        return _restored(_today(state, at_ns), event.position), ()
    if isinstance(event, Priced):
        return _priced(state, usd.quote_of(event.usd)), ()
    return state, ()


# --- a whale's allocation


def _allocated(state: Positions, whale: str, at_ns: int) -> int:
    """Return millionths of USD allocated today; the hour of a clock that went back counts as today."""
    return state.whale_day.get(whale, 0) if at_ns // DAY_NS <= state.day else 0


def _allocation(
    state: Positions, limits: PositionLimits, held: Reservations, request: Request, at_ns: int
) -> Refusal | None:
    limit = limits.whale_day_micro_usd
    if limit is None:
        return None
    quote = state.quote
    if quote is None:
        return Refusal("price.unknown", "a limit in USD is set and the price is not known")
    allocated = _allocated(state, request.whale, at_ns)
    asked_wei = held.whale_spend.get(request.whale, 0) + request.spend_wei
    if at_ns >= 0 and asked_wei * quote.numerator <= (limit - allocated) * _SCALE * quote.denominator:
        return None
    return Refusal(
        "limits.max_whale_day_usd",
        "more than this wallet may be followed with a day",
        limit=usd.format_usd(limit),
        observed=usd.format_usd(allocated + usd.micro_usd_of(asked_wei, quote)),
        unit="USD",
        setting="limits.max_whale_day_usd",
    )


def _today(state: Positions, at_ns: int) -> Positions:
    """Return the state with a new day's allocations begun, if the day has changed."""
    day = at_ns // DAY_NS
    if day <= state.day:
        return state
    return msgspec.structs.replace(state, day=day, whale_day={}, allotted={}, unpriced={})


def _allot(state: Positions, position: Position) -> Positions:
    """Count a position just opened against its whale's day."""
    if not position.whale:
        return state
    key = position.position_id
    if state.quote is None:
        return msgspec.structs.replace(state, unpriced={**state.unpriced, key: position})
    taken = usd.micro_usd_of(position.cost_wei, state.quote)
    total = state.whale_day.get(position.whale, 0) + taken
    return msgspec.structs.replace(
        state,
        whale_day={**state.whale_day, position.whale: Wei(total)},
        allotted={**state.allotted, key: Wei(taken)},
    )


def _give_back(state: Positions, position: Position) -> Positions:
    """Take back exactly what an opening took of the day, now that a reorg says it never was."""
    key = position.position_id
    left = state.whale_day.get(position.whale, 0) - state.allotted.get(key, 0)
    whale_day = _without(state.whale_day, position.whale)
    return msgspec.structs.replace(
        state,
        whale_day={**whale_day, position.whale: Wei(left)} if left > 0 else whale_day,
        allotted=_without(state.allotted, key),
        unpriced=_without(state.unpriced, key),
    )


def _priced(state: Positions, quote: usd.Quote | None) -> Positions:
    if quote == state.quote:
        return state
    waiting = state.unpriced if quote is not None else {}
    state = msgspec.structs.replace(state, quote=quote, unpriced={} if waiting else state.unpriced)
    for position in waiting.values():
        state = _allot(state, position)
    return state


# --- the positions


def _opened(state: Positions, position: Position) -> tuple[Positions, tuple[Finding, ...]]:
    key = position.position_id
    if key in state.open or key in state.closed:
        return state, (_error("double", f"{key} was opened twice"),)
    if position.amount <= 0 or position.cost_wei < 0:
        return state, (_error("amount", f"{key} was opened with nothing in it", str(int(position.amount))),)
    return _allot(_held(state, position), position), ()


def _closed(state: Positions, event: Closed) -> tuple[Positions, tuple[Finding, ...]]:
    refusal = check_close(state, event.position_id, event.amount)
    if refusal is not None:
        kind = refusal.rule.removeprefix("position.")
        return state, (_error(kind, f"wrong close: {refusal.message}", refusal.observed, refusal.limit),)
    position = state.open[event.position_id]
    rest = position.amount - event.amount
    if not rest:
        return _dropped(state, event.position_id), ()
    # What is left keeps its share of the cost, rounded up: exposure is never told too low.
    cost_wei = -(-position.cost_wei * rest // position.amount)
    return _held(state, msgspec.structs.replace(position, amount=Wei(rest), cost_wei=Wei(cost_wei))), ()


def _restored(state: Positions, position: Position) -> Positions:
    key = position.position_id
    if position.amount > 0:
        kept = tuple(each for each in state.closed if each != key)
        return msgspec.structs.replace(_held(state, position), closed=kept)
    # It never was, so it was never closed either: should its transaction land again, it opens again.
    state = _dropped(state, key)
    kept = tuple(each for each in state.closed if each != key)
    return _give_back(msgspec.structs.replace(state, closed=kept), position)


def _held(state: Positions, position: Position) -> Positions:
    """Return the state with the position as it is now, whether it is new or another of its id stood there."""
    before = state.open.get(position.position_id)
    cost_before = 0 if before is None else before.cost_wei
    fresh = before is None
    return msgspec.structs.replace(
        state,
        open={**state.open, position.position_id: position},
        cost_wei=Wei(state.cost_wei + position.cost_wei - cost_before),
        markets=_tally(state.markets, position.market, 1) if fresh else state.markets,
        whales=_tally(state.whales, position.whale, 1) if fresh else state.whales,
    )


def _dropped(state: Positions, position_id: str) -> Positions:
    position = state.open.get(position_id)
    if position is None:
        return state
    return msgspec.structs.replace(
        state,
        open=_without(state.open, position_id),
        cost_wei=Wei(state.cost_wei - position.cost_wei),
        markets=_tally(state.markets, position.market, -1),
        whales=_tally(state.whales, position.whale, -1),
        closed=(*state.closed, position_id)[-_CLOSED_MAX:],
    )


def _tally(counts: dict[str, int], key: str, sign: int) -> dict[str, int]:
    if not key:
        return counts
    count = counts.get(key, 0) + sign
    return {**counts, key: count} if count else _without(counts, key)


def _without(counts: dict[str, Value], key: str) -> dict[str, Value]:
    return {each: value for each, value in counts.items() if each != key}


def _count(name: str, where: str, limit: int, observed: int) -> Refusal:
    rule = f"limits.{name}"
    return Refusal(
        rule, f"as many positions {where} as there may be", str(limit), str(observed), "positions", rule
    )


def _error(kind: str, message: str, observed: str = "", limit: str = "") -> Noted:
    return Noted(Weight.ERROR, f"position.{kind}", message, limit=limit, observed=observed, runbook=_RUNBOOK)
