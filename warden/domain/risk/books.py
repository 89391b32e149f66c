"""The books' state and its reservations: who may spend what of which pool (PL5). The rules: capital.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk import pools
from warden.domain.risk.allocation import AllocationLimits, Period
from warden.domain.risk.events import NS_PER_S
from warden.domain.risk.pools import Pool

if TYPE_CHECKING:
    from warden.domain.risk.events import Reserved, Trade

_NEVER_NS: Final = 2**63 - 1
_SETTLED_MAX: Final = 256
_SWAP: Final = "swap"

Value = TypeVar("Value")


class PoolWeight(msgspec.Struct, frozen=True):
    """A strategy's pool, and how its part of the opening capital compares with the others'."""

    strategy: str
    weight: int = 1


class CapitalLimits(msgspec.Struct, frozen=True):
    """Who has a pool, what is set aside, and how the wallet is compared with the books.

    Attributes:
        unused_life_ns: the same as in `ReservationLimits`.
        confirm_reads: Reads in a row that must show the same difference before it is believed.
        short_tolerance_wei: how much may be missing before spending is refused.
    """

    pools: tuple[PoolWeight, ...] = ()
    allocation: AllocationLimits = AllocationLimits()
    unused_life_ns: int = 30 * NS_PER_S
    confirm_reads: int = 3
    short_tolerance_wei: int = 10**15


class Held(msgspec.Struct, frozen=True):
    """What an intent holds of its pool; `sent` once it was signed, from when on it does not expire."""

    pool: str
    spend_wei: Wei
    since_ns: int
    sent: bool = False


class Capital(msgspec.Struct, frozen=True):
    """The state.

    Attributes:
        opened: the wallet was read once; before that nothing may be spent or moved.
        unexplained_wei: what came that nothing explains; no pool's.
        whole_wei: all pools and the unexplained; equity at cost is the whole less the unexplained.
        held, settled: reservations by intent id; those of the last that settled, oldest first.
        periods: in the order of time, the open one among them; without those in which nothing was mined.
        next_close_ns, next_expiry_ns: nothing is to be closed, nothing expires before.
        closed_ns: the end of the newest closed period.
        gap_wei, gap_reads: by what the wallet differed, and in how many Reads in a row.
        short_wei: what the wallet lacks; `short_told` once that was said.
        inflow_told_wei: the unexplained total that was told last.
    """

    opened: bool = False
    pools: dict[str, Pool] = {}
    unexplained_wei: Wei = Wei(0)
    whole_wei: Wei = Wei(0)
    held: dict[str, Held] = {}
    settled: dict[str, Held] = {}
    periods: tuple[Period, ...] = ()
    next_close_ns: int = 0
    closed_ns: int = 0
    next_expiry_ns: int = _NEVER_NS
    gap_wei: Wei = Wei(0)
    gap_reads: int = 0
    short_wei: Wei = Wei(0)
    short_told: bool = False
    inflow_told_wei: Wei = Wei(0)


def pool_of(state: Capital, name: str) -> Pool:
    """Return a pool, an empty one where there is none yet."""
    return state.pools.get(name, Pool())


def with_pool(state: Capital, name: str, pool: Pool) -> Capital:
    """Return the state with one pool changed."""
    return msgspec.structs.replace(state, pools={**state.pools, name: pool})


def hold(state: Capital, limits: CapitalLimits, event: Reserved, at_ns: int) -> Capital:
    """Return the state with a new reservation; an intent has one in its life."""
    if event.intent_id in state.held or event.intent_id in state.settled:
        return state  # reservations.py says so
    held = Held(event.strategy, Wei(max(0, event.spend_wei)), at_ns)
    expiry_ns = min(state.next_expiry_ns, at_ns + limits.unused_life_ns)
    return msgspec.structs.replace(_held(state, event.intent_id, held), next_expiry_ns=expiry_ns)


def sent(state: Capital, intent_id: str) -> Capital:
    """Return the state with a reservation that no longer expires."""
    held = state.held.get(intent_id)
    if held is None:
        return state
    return msgspec.structs.replace(
        state, held={**state.held, intent_id: msgspec.structs.replace(held, sent=True)}
    )


def let_go(state: Capital, intent_id: str) -> Capital:
    """Return the state with a reservation given back to what is available."""
    held = state.held.get(intent_id)
    if held is None:
        return state
    pool = pools.reserved(pool_of(state, held.pool), -held.spend_wei)
    state = msgspec.structs.replace(state, held=_without(state.held, intent_id), gap_reads=0)
    return with_pool(state, held.pool, pool)


def expire(state: Capital, limits: CapitalLimits, at_ns: int) -> Capital:
    """Return the state without the reservations that were not used in time."""
    if at_ns < state.next_expiry_ns:
        return state
    for intent_id, held in state.held.items():
        if not held.sent and at_ns - held.since_ns >= limits.unused_life_ns:
            state = let_go(state, intent_id)
    waiting = (held.since_ns + limits.unused_life_ns for held in state.held.values() if not held.sent)
    return msgspec.structs.replace(state, next_expiry_ns=min(waiting, default=_NEVER_NS))


def settle(state: Capital, trade: Trade) -> Capital:
    """Return the state after a trade was mined: its reservation is used up, and remembered for a while."""
    held = state.held.get(trade.trade_id)
    if held is not None:
        settled = {**state.settled, trade.trade_id: held}
        if len(settled) > _SETTLED_MAX:
            del settled[next(iter(settled))]
        state = msgspec.structs.replace(let_go(state, trade.trade_id), settled=settled)
    return _traded(state, trade, 1)


def undo(state: Capital, trade: Trade, at_ns: int) -> Capital:
    """Return the state before a trade was mined: it holds again what it held, for it may still land."""
    state = _traded(state, trade, -1)
    if trade.kind != _SWAP or trade.trade_id in state.held:
        return state
    held = state.settled.get(trade.trade_id)
    if held is None:
        if trade.input_wei <= 0:
            return state  # an exit: it held nothing
        held = Held(trade.strategy, Wei(trade.input_wei), at_ns)
    state = msgspec.structs.replace(state, settled=_without(state.settled, trade.trade_id))
    return _held(state, trade.trade_id, msgspec.structs.replace(held, sent=True))


def prove(state: Capital) -> None:
    """Check that accounts add up to pools, pools to the whole, and reservations to what is reserved.

    Raises:
        InvariantBroken: they do not.
    """
    whole, reserved = int(state.unexplained_wei), dict.fromkeys(state.pools, 0)
    for name, pool in state.pools.items():
        pools.prove(name, pool)
        whole += pool.total_wei
    if whole != state.whole_wei or state.unexplained_wei < 0:
        raise InvariantBroken(f"the pools hold {whole} wei together, the books {state.whole_wei}")
    for held in state.held.values():
        reserved[held.pool] += held.spend_wei
    if any(pool.reserved_wei != reserved[name] for name, pool in state.pools.items()):
        raise InvariantBroken("what the pools have reserved is not what intents hold")


def _held(state: Capital, intent_id: str, held: Held) -> Capital:
    pool = pools.reserved(pool_of(state, held.pool), held.spend_wei)
    state = msgspec.structs.replace(state, held={**state.held, intent_id: held}, gap_reads=0)
    return with_pool(state, held.pool, pool)


def _traded(state: Capital, trade: Trade, sign: int) -> Capital:
    pool = pools.traded(pool_of(state, trade.strategy), trade, sign)
    whole = Wei(state.whole_wei + sign * trade.net_wei)
    state = msgspec.structs.replace(state, whole_wei=whole, gap_reads=0)
    return with_pool(state, trade.strategy, pool)


def _without(mapping: dict[str, Value], key: str) -> dict[str, Value]:
    return {each: value for each, value in mapping.items() if each != key}
