"""Capital pools: whose money is where, to the wei (PL5), and what profit was set aside (PL3).

One pool for each strategy. Its accounts add up to the pool, and the pools with the unexplained money to the
whole, after every event; if they did not, `step` raises. Positions stand at what they cost, so that a pool
changes by a trade's net and by nothing else but deposits and withdrawals.

Accounts of a pool:
    available   what its strategy may spend. Below zero (profit was set aside that positions hold): nothing.
    reserved    held by approved intents until they settle, are released, or expire, as in reservations.py;
                what a reorg undoes holds its share again, for it may still land.
    positions   what open positions cost.
    gas         native coin that pays for gas; below zero when the pool burnt more than its part.
    debts       set aside for the operator's debts of each period's profit; below zero only when a reorg took
                back a profit that was paid out already, and then filled first by what is set aside next.
    operating   what stayed for operation of it; costs and withdrawals of profit are recorded against it.

The first Read opens the books: what the wallet holds is parted among the configured pools. From then on the
books know what the wallet must hold. When nothing is reserved and `confirm_reads` Reads one after another
differ by the very same amount, more is an unexplained inflow (EX9): noted, and kept in an account that is no
pool's and not in equity. Less is taken from there; what is missing beyond it is `short_wei`, and refuses
spending. A deposit takes what is unexplained first, for it may have been seen before it was recorded.

Periods and their allocation: see allocation.py. A trade's `trade_id` is its intent's id. `check` may be asked
at a time at which a period is over that no event has closed yet: it then counts its profits as set aside.
"""

from __future__ import annotations

from typing import Final

import msgspec

from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk import allocation, books, pools, reconciliation
from warden.domain.risk.allocation import NOTHING, Period, Share
from warden.domain.risk.books import Capital, CapitalLimits, PoolWeight
from warden.domain.risk.events import (
    OPENS,
    CapitalMoved,
    Moved,
    Read,
    Released,
    Request,
    Reserved,
    RiskEvent,
    Sent,
    Settled,
    Trade,
    Undone,
)
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.pools import Pool
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.thresholds import exact_ether

__all__ = [
    "Capital",
    "CapitalLimits",
    "PoolWeight",
    "check",
    "check_move",
    "equity_wei",
    "invested_wei",
    "step",
]

_POOLS_SETTING: Final = "capital.pools"
_DEBT_SETTING: Final = "profit.debt_percent"
_UNKNOWN: Final = Refusal("capital.unknown", "the wallet's capital was not read yet: the books are not open")
_CLOCK: Final = Refusal("capital.clock", "the clock stands before what is booked already")


def equity_wei(state: Capital) -> int:
    """Return the whole at cost, without what is unexplained."""
    return state.whole_wei - state.unexplained_wei


def invested_wei(state: Capital) -> int:
    """Return the baseline: what was put in less what was taken out of it, for `figures_ever`'s ROI."""
    return sum(pool.invested_wei for pool in state.pools.values())


# --- what is asked ---------------------------------------------------------------------------------


def check(state: Capital, limits: CapitalLimits, request: Request, at_ns: int) -> Refusal | None:
    """Return why a strategy may not spend this much of its pool now, or None.

    What does not open is never refused here: it needs no capital, and an exit must not fail for lack of it.
    """
    if request.action is not OPENS:
        return None
    if not state.opened or at_ns < state.closed_ns:
        return _CLOCK if state.opened else _UNKNOWN
    if state.short_wei > limits.short_tolerance_wei:
        return _short(state, limits)
    pool = state.pools.get(request.strategy)
    if pool is None:
        return _no_pool(state, limits, request.strategy)
    spendable = pool.spendable_wei
    if 0 < state.next_close_ns <= at_ns:
        spendable -= _undistributed(state, request.strategy, at_ns)
    if 0 <= request.spend_wei <= spendable:
        return None
    return Refusal(
        "capital.pool",
        f"the pool of {request.strategy} has not that much available",
        limit=exact_ether(spendable),
        observed=exact_ether(request.spend_wei),
        unit="ETH",
        setting=_POOLS_SETTING,
    )


def check_move(state: Capital, limits: CapitalLimits, move: CapitalMoved, at_ns: int) -> Refusal | None:
    """Return why an operator's move may not be booked, or None: then `step` books it at the same `at_ns`."""
    if not state.opened or at_ns < state.closed_ns:
        return _CLOCK if state.opened else _UNKNOWN
    if move.amount_wei <= 0:
        amount = exact_ether(move.amount_wei)
        return Refusal("capital.amount", "an amount must be above zero", "0", amount, "ETH")
    state, _ = _passed(state, limits, at_ns)
    configured = any(each.strategy == move.pool for each in limits.pools)
    if move.pool not in state.pools and not configured:
        return _no_pool(state, limits, move.pool)
    account = pools.account_of(move.move, move.account)
    if account is None:
        allowed = ", ".join(pools.ACCOUNTS[move.move])
        return Refusal("capital.account", f"{move.move} goes by {allowed}", allowed, move.account, "account")
    payable = pools.payable_wei(state.pools.get(move.pool, Pool()), account)
    if move.move is Moved.DEPOSIT or move.amount_wei <= payable:
        return None
    return Refusal(
        "capital.overdrawn",
        f"the account {account} of {move.pool} does not hold that much",
        limit=exact_ether(payable),
        observed=exact_ether(move.amount_wei),
        unit="ETH",
        setting=_DEBT_SETTING if account in {pools.Account.DEBTS, pools.Account.OPERATING} else "",
    )


def _undistributed(state: Capital, name: str, at_ns: int) -> int:
    """Return what a pool may have to set aside at most of the periods that are over but not closed."""
    return sum(
        max(0, each.nets.get(name, 0))
        for each in state.periods
        if each.debt_bps is None and each.end_ns <= at_ns
    )


def _no_pool(state: Capital, limits: CapitalLimits, name: str) -> Refusal:
    known = ", ".join(sorted({*state.pools, *(each.strategy for each in limits.pools)})) or "none"
    message = f"there is no pool for {name!r}"
    return Refusal("capital.no-pool", message, limit=known, observed=name, setting=_POOLS_SETTING)


def _short(state: Capital, limits: CapitalLimits) -> Refusal:
    return Refusal(
        "capital.short-of-books",
        "the wallet holds less than the books: record the withdrawal, or find out who took it",
        limit=exact_ether(limits.short_tolerance_wei),
        observed=exact_ether(state.short_wei),
        unit="ETH",
        setting="capital.short_tolerance_eth",
    )


# --- events ----------------------------------------------------------------------------------------


def step(
    state: Capital, limits: CapitalLimits, event: RiskEvent, at_ns: int
) -> tuple[Capital, tuple[Finding, ...]]:
    """Return the state after one event, and what it has to say.

    Raises:
        InvariantBroken: the books do not add up, or a move was booked that can mean nothing.
    """
    before = state
    state, findings = _passed(state, limits, at_ns)
    more: tuple[Finding, ...] = ()
    if isinstance(event, Settled):
        state, more = _counted(books.settle(state, event.trade), limits, event.trade, 1, at_ns)
    elif isinstance(event, Undone):
        state, more = _counted(books.undo(state, event.trade, at_ns), limits, event.trade, -1, at_ns)
    elif isinstance(event, Read):
        state, more = reconciliation.read(state, limits, event)
    elif isinstance(event, Reserved):
        state = books.hold(state, limits, event, at_ns)
    elif isinstance(event, Sent):
        state = books.sent(state, event.intent_id)
    elif isinstance(event, Released):
        state = books.let_go(state, event.intent_id)
    elif isinstance(event, CapitalMoved):
        state = _moved(state, event)
    if state is not before:
        books.prove(state)
    return state, findings + more


def _passed(state: Capital, limits: CapitalLimits, at_ns: int) -> tuple[Capital, tuple[Finding, ...]]:
    """Return the state after time has passed: unused reservations expired, periods that are over closed."""
    state = books.expire(state, limits, at_ns)
    if not 0 < state.next_close_ns <= at_ns:
        return state, ()
    periods, over = allocation.closed(state.periods, limits.allocation.debt_bps, at_ns)
    findings: list[Finding] = []
    for period in over:
        state = _shared(state, {}, allocation.allocate(period))
        if period.net_wei > 0:
            findings.append(_allocated(period))
    state = msgspec.structs.replace(
        state,
        periods=periods,
        next_close_ns=allocation.next_close_ns(periods),
        closed_ns=max([state.closed_ns, *(each.end_ns for each in over)]),
    )
    return state, tuple(findings)


def _counted(
    state: Capital, limits: CapitalLimits, trade: Trade, sign: int, at_ns: int
) -> tuple[Capital, tuple[Finding, ...]]:
    """Return the state with a trade counted in its period, or out of it; a closed one is allocated anew."""
    net = sign * trade.net_wei
    if net == 0:
        return state, ()
    periods, before, after = allocation.booked(
        state.periods, trade.strategy, net, trade.at_ns, limits.allocation
    )
    state = msgspec.structs.replace(state, periods=periods, next_close_ns=allocation.next_close_ns(periods))
    if after.debt_bps is None:
        return _passed(state, limits, at_ns)
    old, new = allocation.allocate(before), allocation.allocate(after)
    overpaid = _overpaid(state)
    state = _shared(state, old, new)
    if old == new:
        return state, ()
    debts = sum(each.debts_wei for each in new.values()) - sum(each.debts_wei for each in old.values())
    text = f"the profit of a closed period changed: {_signed(debts)} ETH for debts"
    notes = [Noted(Weight.INFO, "profit.reallocated", text, observed=exact_ether(debts), unit="ETH")]
    if overpaid == 0 < _overpaid(state):
        amount = exact_ether(_overpaid(state))
        text = f"a reorg took back profit of which {amount} ETH were paid out: the next profits fill it first"
        notes.append(Noted(Weight.WARNING, "debts.overpaid", text, observed=amount, unit="ETH"))
    return state, tuple(notes)


def _signed(amount_wei: int) -> str:
    return ("" if amount_wei < 0 else "+") + exact_ether(amount_wei)


def _overpaid(state: Capital) -> int:
    return sum(max(0, -pool.debts_wei) + max(0, -pool.operating_wei) for pool in state.pools.values())


def _shared(state: Capital, old: dict[str, Share], new: dict[str, Share]) -> Capital:
    """Return the state with an allocation changed from what it was to what it is."""
    for name in sorted({*old, *new}):
        pool = books.pool_of(state, name)
        pool = pools.shared(pool, old.get(name, NOTHING), new.get(name, NOTHING))
        state = books.with_pool(state, name, pool)
    return state


def _allocated(period: Period) -> Noted:
    debts = sum(share.debts_wei for share in allocation.allocate(period).values())
    net = exact_ether(period.net_wei)
    text = f"of {net} ETH net profit {exact_ether(debts)} ETH are set aside for debts"
    return Noted(Weight.INFO, "profit.allocated", text, observed=net, unit="ETH", setting=_DEBT_SETTING)


def _moved(state: Capital, move: CapitalMoved) -> Capital:
    """Return the state with a move booked, which `check_move` let through when it was ordered.

    It is not asked again: a journal is read under the settings of today, which may have another share for
    debts or other pools, and what was paid is paid. An account below zero is filled by what comes next.
    """
    account = pools.account_of(move.move, move.account)
    if account is None or move.amount_wei <= 0 or not state.opened:
        raise InvariantBroken(f"{move.move} of {move.amount_wei} wei was booked, but can mean nothing")
    pool = books.pool_of(state, move.pool)
    if move.move is Moved.DEPOSIT:
        explained = min(state.unexplained_wei, move.amount_wei)
        unexplained = Wei(state.unexplained_wei - explained)
        pool, change = pools.put_in(pool, account, move.amount_wei), move.amount_wei - explained
    else:
        unexplained = state.unexplained_wei
        pool, change = pools.taken_out(pool, move.move, account, move.amount_wei), -move.amount_wei
    state = msgspec.structs.replace(
        state,
        unexplained_wei=unexplained,
        inflow_told_wei=state.inflow_told_wei if unexplained else Wei(0),
        whole_wei=Wei(state.whole_wei + change),
        gap_reads=0,
    )
    return books.with_pool(state, move.pool, pool)
