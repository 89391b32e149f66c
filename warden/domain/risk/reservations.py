"""Asking reserves (PS2): what was let through holds its share of every limit until it is settled.

The engine asks its rules, folds `Reserved` in the same step, and gives the totals kept here to every rule
that counts (`spend_wei` to position_size, the counts to position_limits, `gas_wei` to fees), so that the next
request, however soon, is asked beside this one. Only what opens reserves: an exit takes nothing of a limit.
Before it signs, the engine asks `check_send`: a share that has expired may be another's by now.

A trade's `trade_id` is the id of its intent. What was settled is remembered for a while, so that a reorg
(`Undone`) makes it hold again exactly what it held: it may land once more.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.events import (
    NS_PER_S,
    Bumped,
    Released,
    Reserved,
    RiskEvent,
    Sent,
    Settled,
    Trade,
    Undone,
)
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.refusal import Refusal

_NEVER_NS: Final = 2**63 - 1
_SETTLED_MAX: Final = 256
_SWAP: Final = "swap"
_DOUBLE: Final = Refusal("reservation.double", "this intent holds, or has used, its share already")

Value = TypeVar("Value")


class ReservationLimits(msgspec.Struct, frozen=True):
    """How long a share is held for what is not signed."""

    unused_life_ns: int = 30 * NS_PER_S


class Reservation(msgspec.Struct, frozen=True):
    """One intent's share; `sent` once it was signed, from when on only the chain ends it."""

    strategy: str
    market: str
    whale: str
    spend_wei: Wei
    loss_wei: Wei
    gas_wei: Wei
    since_ns: int
    sent: bool = False


class Reservations(msgspec.Struct, frozen=True):
    """The state: who holds what by intent id, and the totals, so that no rule ever sums.

    Attributes:
        markets, whales, strategies: how many reservations each has; who has none is not there.
        whale_spend: what the reservations of each whale may spend, in wei.
        settled: the last ones that were settled, oldest first, should a reorg undo them.
        next_expiry_ns: nothing expires before.
    """

    held: dict[str, Reservation] = {}
    spend_wei: Wei = Wei(0)
    loss_wei: Wei = Wei(0)
    gas_wei: Wei = Wei(0)
    markets: dict[str, int] = {}
    whales: dict[str, int] = {}
    strategies: dict[str, int] = {}
    whale_spend: dict[str, Wei] = {}
    settled: dict[str, Reservation] = {}
    next_expiry_ns: int = _NEVER_NS


def check(state: Reservations, intent_id: str) -> Refusal | None:
    """Return why this intent may not reserve, or None: an intent holds one share at most."""
    return _DOUBLE if intent_id in state.held or intent_id in state.settled else None


def check_send(state: Reservations, limits: ReservationLimits, intent_id: str, at_ns: int) -> Refusal | None:
    """Return why this intent may not be signed now, or None while its share is held."""
    held = state.held.get(intent_id)
    if held is None or _expired(held, limits, at_ns):
        seconds = limits.unused_life_ns // NS_PER_S
        return Refusal("reservation.expired", "its share was not used in time", str(seconds), "", "s")
    return None


def step(
    state: Reservations, limits: ReservationLimits, event: RiskEvent, at_ns: int
) -> tuple[Reservations, tuple[Finding, ...]]:
    """Return the state after an event, and what there is to say; whatever has expired by then is let go."""
    state, findings = _expire(state, limits, at_ns)
    if isinstance(event, Reserved):
        state, more = _reserve(state, limits, event, at_ns)
    elif isinstance(event, Sent):
        state, more = _send(state, event.intent_id)
    elif isinstance(event, Bumped):
        state, more = _bump(state, event), ()
    elif isinstance(event, Released):
        state, more = _let_go(state, event.intent_id), ()
    elif isinstance(event, Settled):
        state, more = _settle(state, event.trade)
    elif isinstance(event, Undone):
        state, more = _undo(state, event.trade, at_ns), ()
    else:
        more = ()
    return state, findings + more


def _expired(held: Reservation, limits: ReservationLimits, at_ns: int) -> bool:
    return not held.sent and at_ns - held.since_ns >= limits.unused_life_ns


def _expire(
    state: Reservations, limits: ReservationLimits, at_ns: int
) -> tuple[Reservations, tuple[Finding, ...]]:
    if at_ns < state.next_expiry_ns:
        return state, ()
    gone = [key for key, held in state.held.items() if _expired(held, limits, at_ns)]
    for intent_id in gone:
        state = _let_go(state, intent_id)
    waiting = (held.since_ns + limits.unused_life_ns for held in state.held.values() if not held.sent)
    state = msgspec.structs.replace(state, next_expiry_ns=min(waiting, default=_NEVER_NS))
    return state, tuple(_noted(Weight.INFO, "expired", f"{key}: not used, let go") for key in gone)


def _reserve(
    state: Reservations, limits: ReservationLimits, event: Reserved, at_ns: int
) -> tuple[Reservations, tuple[Finding, ...]]:
    if check(state, event.intent_id) is not None:
        return state, (_noted(Weight.ERROR, "double", f"{event.intent_id}: reserved twice"),)
    share = Reservation(
        strategy=event.strategy,
        market=event.market,
        whale=event.whale,
        # A negative share would widen the limit for others; rules refuse it before it comes here.
        spend_wei=_at_least_none(event.spend_wei),
        loss_wei=_at_least_none(event.loss_wei),
        gas_wei=_at_least_none(event.gas_wei),
        since_ns=at_ns,
    )
    expiry_ns = min(state.next_expiry_ns, at_ns + limits.unused_life_ns)
    return msgspec.structs.replace(_hold(state, event.intent_id, share), next_expiry_ns=expiry_ns), ()


def _send(state: Reservations, intent_id: str) -> tuple[Reservations, tuple[Finding, ...]]:
    held = state.held.get(intent_id)
    if held is None:
        # The limits do not count it: check_send was not asked.
        return state, (_noted(Weight.ERROR, "unknown", f"{intent_id}: signed without a reservation"),)
    sent = msgspec.structs.replace(held, sent=True)
    return msgspec.structs.replace(state, held={**state.held, intent_id: sent}), ()


def _bump(state: Reservations, event: Bumped) -> Reservations:
    """Return the state with a share that counts the dearer gas; either of its transactions may land."""
    held = state.held.get(event.intent_id)
    if held is None or event.gas_wei <= held.gas_wei:
        return state
    more_wei = event.gas_wei - held.gas_wei
    dearer = msgspec.structs.replace(
        held, gas_wei=Wei(event.gas_wei), loss_wei=Wei(held.loss_wei + more_wei), sent=True
    )
    return _hold(_let_go(state, event.intent_id), event.intent_id, dearer)


def _settle(state: Reservations, trade: Trade) -> tuple[Reservations, tuple[Finding, ...]]:
    held = state.held.get(trade.trade_id)
    if held is None:
        return state, ()  # an approval, a cancel or an exit: these reserve nothing
    settled = {**state.settled, trade.trade_id: held}
    if len(settled) > _SETTLED_MAX:
        del settled[next(iter(settled))]
    return msgspec.structs.replace(_let_go(state, trade.trade_id), settled=settled), ()


def _undo(state: Reservations, trade: Trade, at_ns: int) -> Reservations:
    if trade.kind != _SWAP or trade.trade_id in state.held:
        return state
    share = state.settled.get(trade.trade_id)
    if share is None:
        if trade.input_wei <= 0:
            return state  # an exit: it held nothing
        # Forgotten since: what it took is what it may take, and all of that may be lost.
        share = Reservation(
            strategy=trade.strategy,
            market=trade.market,
            whale=trade.whale,
            spend_wei=trade.input_wei,
            loss_wei=Wei(trade.input_wei + trade.gas_wei),
            gas_wei=trade.gas_wei,
            since_ns=at_ns,
        )
    share = msgspec.structs.replace(share, sent=True)
    state = msgspec.structs.replace(state, settled=_without(state.settled, trade.trade_id))
    return _hold(state, trade.trade_id, share)


def _hold(state: Reservations, intent_id: str, share: Reservation) -> Reservations:
    return _counted(state, share, {**state.held, intent_id: share}, 1)


def _let_go(state: Reservations, intent_id: str) -> Reservations:
    share = state.held.get(intent_id)
    return state if share is None else _counted(state, share, _without(state.held, intent_id), -1)


def _counted(
    state: Reservations, share: Reservation, held: dict[str, Reservation], sign: int
) -> Reservations:
    return msgspec.structs.replace(
        state,
        held=held,
        spend_wei=Wei(state.spend_wei + sign * share.spend_wei),
        loss_wei=Wei(state.loss_wei + sign * share.loss_wei),
        gas_wei=Wei(state.gas_wei + sign * share.gas_wei),
        markets=_tally(state.markets, share.market, sign),
        whales=_tally(state.whales, share.whale, sign),
        strategies=_tally(state.strategies, share.strategy, sign),
        whale_spend=_spent(state, share, sign),
    )


def _tally(counts: dict[str, int], key: str, sign: int) -> dict[str, int]:
    """Return the counts with one more or less; no name is not counted, and none at all not kept."""
    if not key:
        return counts
    count = counts.get(key, 0) + sign
    return {**counts, key: count} if count else _without(counts, key)


def _spent(state: Reservations, share: Reservation, sign: int) -> dict[str, Wei]:
    if not share.whale:
        return state.whale_spend
    if state.whales.get(share.whale, 0) + sign == 0:
        return _without(state.whale_spend, share.whale)
    spent = state.whale_spend.get(share.whale, 0) + sign * share.spend_wei
    return {**state.whale_spend, share.whale: Wei(spent)}


def _without(counts: dict[str, Value], key: str) -> dict[str, Value]:
    return {each: value for each, value in counts.items() if each != key}


def _at_least_none(amount_wei: int) -> Wei:
    return Wei(max(0, amount_wei))


def _noted(weight: Weight, kind: str, message: str) -> Noted:
    return Noted(weight, f"reservation.{kind}", message)
