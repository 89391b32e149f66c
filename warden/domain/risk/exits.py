"""Exits of open positions (SL1): which to sell and why.

A fold like every rule, with one answer more: `step(state, limits, event, at_ns)` returns the state, findings
and exits. An `Exit` is decided once; it is decided again only after `ExitFailed`, at the next valuation. It
is over when the position is wholly closed. An exit whose fate is unknown is never taken for failed (EX3): it
is alerted instead.

What the engine that composes the rules does with it:
- Each `Exit` becomes a transaction of the executor's own that reduces: it sells `amount`, which is never more
  than is held. While it is out, nothing else sells from that position.
- After a restart it says `ExitFailed` for each position in `leaving(state)` of which nothing was ever signed.
- After a reorg it says `Restored`, or `Opened` when the purchase is mined again.
- Once `exits_left_ns` is zero, or a stop stands, it says `ExitsBarred`: then nothing is decided, and every
  position is UNPROTECTED. `ExitOrdered` sells even then: a stop that flattens has leave of its own, and
  orders again what failed.

Every position is looked at once per valuation of all; between valuations a tick costs one comparison.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.amm import SwapImpossible, route_out
from warden.domain.errors import ConfigurationInvalid
from warden.domain.money import Wei
from warden.domain.risk.events import (
    NS_PER_S,
    Closed,
    ExitFailed,
    ExitOrdered,
    ExitsBarred,
    Opened,
    Restored,
    RiskEvent,
    TriggersSet,
    Valuation,
    Valued,
)
from warden.domain.risk.exit_triggers import ExitReason, Worth, fired
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.protection import ExitLimits, ExitState, Guard, judged, triggers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from warden.domain.amm import Hop

WITHOUT_WATCHDOG_NS_MAX: Final = 600 * NS_PER_S


class Exit(msgspec.Struct, frozen=True):
    """Sell `amount` of a position now; what it should bring is `value_wei`, None where that is not known.

    `limit` and `observed` are text in `unit`, as in a refusal.
    """

    position_id: str
    token: str
    amount: Wei
    reason: ExitReason
    value_wei: Wei | None = None
    limit: str = ""
    observed: str = ""
    unit: str = "%"
    setting: str = ""


Step = tuple[ExitState, tuple[Finding, ...], tuple[Exit, ...]]


def valuation(position_id: str, amount: int, hops: Sequence[Hop]) -> Valuation:
    """Return what selling `amount` along `hops` would bring in wei; no route or no reserves: None."""
    try:
        value = Wei(route_out(hops, amount)) if hops else None
    except SwapImpossible:
        # Where a unit is worth less than a wei, the contracts pay 0 and revert in the next pool.
        value = None
    return Valuation(position_id, Wei(amount), value)


def exits_until_ns(expires_ns: int, wanted_ns: int) -> int:
    """Return until when a permit lets exits go on: `wanted_ns` past its expiry, ten minutes at most."""
    return expires_ns + max(0, min(wanted_ns, WITHOUT_WATCHDOG_NS_MAX))


def exits_left_ns(expires_ns: int, until_ns: int, now_ns: int, *, stopped: bool) -> int:
    """Return for how long protective exits may still go on without another permit; 0: not at all.

    All times are of one boot's clock, in nanoseconds. While it is above zero with the permit expired, exits
    are what is left of it; once it is zero, the engine says `ExitsBarred`.

    Args:
        expires_ns: when the last permit expires.
        until_ns: its `exits_until`; what lies beyond ten minutes after its expiry does not count.
        now_ns: the time.
        stopped: a stop stands, or has stood since that permit was granted.
    """
    if stopped:
        return 0
    last_ns = max(expires_ns, min(until_ns, expires_ns + WITHOUT_WATCHDOG_NS_MAX))
    return max(0, last_ns - now_ns)


def leaving(state: ExitState) -> tuple[str, ...]:
    """Return the positions whose exit was decided and has neither sold them nor failed."""
    return tuple(position_id for position_id, guard in state.guards.items() if guard.leaving is not None)


def unprotected(state: ExitState) -> dict[str, str]:
    """Return the positions that nothing protects, and why."""
    return {position_id: guard.gap.value for position_id, guard in state.guards.items() if guard.gap}


def step(state: ExitState, limits: ExitLimits, event: RiskEvent, at_ns: int) -> Step:
    """Take one event in; what does not concern exits returns the state itself, unless time has run out."""
    early: tuple[Finding, ...] = ()
    while state.due_ns is not None and at_ns > state.due_ns:
        # Judged when its time had come, not when it was looked at: a journal, without ticks, tells the same.
        state, told = judged(state, limits, {}, state.due_ns + 1, everyone=True)
        early += told
    take = _TAKE.get(type(event))
    if take is None:
        return state, early, ()
    state, findings, exits = take(state, limits, event, at_ns)
    return state, early + findings, exits


def _opened(state: ExitState, limits: ExitLimits, event: Opened, at_ns: int) -> Step:
    """Guard a position; one that is known already is told anew after a reorg and keeps what still holds."""
    new = event.position
    cost = Worth(new.cost_wei, new.amount)
    known = state.guards.get(new.position_id)
    if known is None:
        guard = Guard(token=new.token, cost=cost, held=new.amount, valued_ns=at_ns)
    elif known.cost == cost:
        guard = msgspec.structs.replace(known, held=new.amount)
    else:
        guard = msgspec.structs.replace(
            known, cost=cost, held=new.amount, value=Worth(), peak=Worth(), valued_ns=at_ns, lost=False
        )
    return _judged(state, limits, {new.position_id: guard}, at_ns)


def _restored(state: ExitState, limits: ExitLimits, event: Restored, at_ns: int) -> Step:
    """Take over what a reorg left; the peak is kept, what has nothing left is gone."""
    new = event.position
    known = state.guards.get(new.position_id)
    if known is None:
        return (state, (), ()) if new.amount <= 0 else _opened(state, limits, Opened(new), at_ns)
    if new.amount <= 0:
        return _closed(state, limits, Closed(new.position_id, known.held, Wei(0)), at_ns)
    guard = msgspec.structs.replace(known, cost=Worth(new.cost_wei, new.amount), held=new.amount)
    return _judged(state, limits, {new.position_id: guard}, at_ns)


def _closed(state: ExitState, _limits: ExitLimits, event: Closed, _at_ns: int) -> Step:
    """Take off what was sold. Closing what is not open is for the position limits to tell (PS5)."""
    guard = state.guards.get(event.position_id)
    if guard is None or (event.amount <= 0 and guard.held > 0):
        return state, (), ()
    guards = dict(state.guards)
    if event.amount >= guard.held:
        # What had no amount, and is closed for any, goes too.
        del guards[event.position_id]
    else:
        held = Wei(guard.held - event.amount)
        guards[event.position_id] = msgspec.structs.replace(guard, held=held, failures=0, untried=0)
    return msgspec.structs.replace(state, guards=guards), (), ()


def _valued(state: ExitState, limits: ExitLimits, event: Valued, at_ns: int) -> Step:
    read_ns = min(event.read_ns, at_ns)  # a read from the future is no fresher than one of now
    changed, exits = dict[str, Guard](), list[Exit]()
    for each in event.valuations:
        guard = changed.get(each.position_id) or state.guards.get(each.position_id)
        if guard is None or each.amount != guard.held:
            continue  # worked out for another size: the next one will fit, or the value grows old
        if read_ns < guard.valued_ns:
            continue  # overtaken by a later read, or from before it was bought
        guard = _revalued(guard, limits, each, read_ns, at_ns)
        if not state.barred:
            guard, sale = _decided(guard, limits, each, at_ns)
            if sale is not None:
                exits.append(sale)
        changed[each.position_id] = guard
    after, findings, _ = _judged(state, limits, changed, at_ns)
    return after, findings, tuple(exits)


def _revalued(guard: Guard, limits: ExitLimits, each: Valuation, read_ns: int, at_ns: int) -> Guard:
    """Return the guard with a new exit value and peak; what cannot be told, or is too old, counts as none."""
    if each.value_wei is None or each.value_wei < 0:
        return msgspec.structs.replace(guard, value=Worth(), valued_ns=read_ns, lost=True)
    if at_ns - read_ns > limits.stale_after_ns:
        return guard
    value = Worth(each.value_wei, each.amount)
    peak = value if value.above(guard.peak) else guard.peak
    good = min(guard.good + 1, limits.heal_after)
    return msgspec.structs.replace(guard, value=value, valued_ns=read_ns, peak=peak, good=good, lost=False)


def _decided(guard: Guard, limits: ExitLimits, each: Valuation, at_ns: int) -> tuple[Guard, Exit | None]:
    """Return the guard and its exit, if one is due and none is out."""
    if guard.leaving is not None or guard.held <= 0:
        return guard, None
    if guard.ordered:
        return _sold(guard, _ordered_exit(each.position_id, guard), at_ns)
    if not guard.value.amount or guard.cost.wei <= 0 or at_ns - guard.valued_ns > limits.stale_after_ns:
        return guard, None
    reached = fired(triggers(guard, limits), guard.cost, guard.value, guard.peak)
    if reached is None:
        return guard, None
    sale = Exit(
        position_id=each.position_id,
        token=guard.token,
        amount=guard.held,
        reason=reached.reason,
        value_wei=guard.value.wei,
        limit=reached.limit,
        observed=reached.observed,
        setting=_SETTINGS[reached.reason],
    )
    return _sold(guard, sale, at_ns)


def _sold(guard: Guard, sale: Exit, at_ns: int) -> tuple[Guard, Exit]:
    return msgspec.structs.replace(guard, leaving=sale.reason, leaving_ns=at_ns), sale


def _ordered_exit(position_id: str, guard: Guard) -> Exit:
    return Exit(
        position_id=position_id,
        token=guard.token,
        amount=guard.held,
        reason=ExitReason.ORDERED,
        value_wei=guard.value.wei if guard.value.amount else None,
        observed=guard.ordered,
        unit="",
    )


def _ordered(state: ExitState, limits: ExitLimits, event: ExitOrdered, at_ns: int) -> Step:
    """Sell what an operator names, whether its value is known or not; a flatten brings its own leave."""
    changed, exits, findings = dict[str, Guard](), list[Exit](), list[Finding]()
    for position_id in dict.fromkeys(event.position_ids) or state.guards:
        guard = state.guards.get(position_id)
        if guard is None:
            findings.append(_unknown(position_id, "ordered to be sold"))
            continue
        guard = msgspec.structs.replace(guard, ordered=event.operator or event.reason or "an operator")
        if guard.leaving is None and guard.held > 0:
            guard, sale = _sold(guard, _ordered_exit(position_id, guard), at_ns)
            exits.append(sale)
        changed[position_id] = guard
    after, told, _ = _judged(state, limits, changed, at_ns)
    return after, (*findings, *told), tuple(exits)


def _failed(state: ExitState, limits: ExitLimits, event: ExitFailed, at_ns: int) -> Step:
    guard = state.guards.get(event.position_id)
    if guard is None or guard.leaving is None:
        return state, (), ()
    guard = msgspec.structs.replace(
        guard,
        leaving=None,
        leaving_ns=0,
        failures=guard.failures + 1,
        untried=guard.untried + (not event.tried),
    )
    return _judged(state, limits, {event.position_id: guard}, at_ns)


def _set(state: ExitState, limits: ExitLimits, event: TriggersSet, at_ns: int) -> Step:
    """Give a position thresholds of its own; what is out of range changes nothing and is told."""
    guard = state.guards.get(event.position_id)
    if guard is None:
        return state, (_unknown(event.position_id, "given exits of its own"),), ()
    own = (event.stop_loss_bps, event.take_profit_bps, event.trailing_bps)
    guard = msgspec.structs.replace(guard, own=own)
    try:
        triggers(guard, limits)
    except ConfigurationInvalid as error:
        return state, (Noted(Weight.ERROR, "position.exits-invalid", f"{event.position_id}: {error}"),), ()
    return _judged(state, limits, {event.position_id: guard}, at_ns)


def _barred(state: ExitState, limits: ExitLimits, event: ExitsBarred, at_ns: int) -> Step:
    if event.why == state.barred:
        return state, (), ()
    return _judged(msgspec.structs.replace(state, barred=event.why), limits, {}, at_ns, everyone=True)


def _unknown(position_id: str, what: str) -> Noted:
    return Noted(Weight.ERROR, "position.unknown", f"position {position_id} was {what}, but is not open")


def _judged(
    state: ExitState, limits: ExitLimits, changed: Mapping[str, Guard], at_ns: int, *, everyone: bool = False
) -> Step:
    after, findings = judged(state, limits, changed, at_ns, everyone=everyone)
    return after, findings, ()


_SETTINGS: Final[Mapping[ExitReason, str]] = MappingProxyType(
    {
        ExitReason.STOP_LOSS: "exits.stop_loss_percent",
        ExitReason.TRAILING_STOP: "exits.trailing_percent",
        ExitReason.TAKE_PROFIT: "exits.take_profit_percent",
    }
)

_TAKE: Final[Mapping[type, Callable[[ExitState, ExitLimits, Any, int], Step]]] = MappingProxyType(
    {
        Opened: _opened,
        Closed: _closed,
        Restored: _restored,
        Valued: _valued,
        ExitOrdered: _ordered,
        ExitFailed: _failed,
        TriggersSet: _set,
        ExitsBarred: _barred,
    }
)
