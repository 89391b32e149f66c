"""The wallet against the books: opening them, and what came or went that nothing explains (PL5, EX9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.domain.risk import pools
from warden.domain.risk.books import Capital, CapitalLimits, pool_of
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.domain.risk.thresholds import exact_ether

if TYPE_CHECKING:
    from warden.domain.risk.events import Read

_RUNBOOK = "manual-intervention"


def read(state: Capital, limits: CapitalLimits, event: Read) -> tuple[Capital, tuple[Finding, ...]]:
    """Return the state after the wallet was read, and what there is to say.

    While anything is reserved, a transaction may be in the wallet and not yet in the books: nothing is
    compared then.

    Raises:
        InvariantBroken: the books are to be opened, and no pool is configured.
    """
    if state.held:
        return state, ()
    if not state.opened:
        return _opened(state, limits, event), ()
    gap = _gap(state, event)
    if gap == 0:
        if state.short_wei == 0 and state.gap_reads == 0:
            return state, ()
        return msgspec.structs.replace(state, gap_reads=0, short_wei=Wei(0), short_told=False), ()
    reads = min(limits.confirm_reads, state.gap_reads + 1 if gap == state.gap_wei else 1)
    if (gap, reads) != (state.gap_wei, state.gap_reads):
        state = msgspec.structs.replace(state, gap_wei=Wei(gap), gap_reads=reads)
    if reads < limits.confirm_reads:
        return state, ()
    return _came(state, gap) if gap > 0 else _went(state, limits, -gap)


def inflow_wei(state: Capital, event: Read) -> int:
    """Return what of the wallet nothing explains, from its first look on: it is nobody's equity (EX9).

    Before it is confirmed, too: a peak or a day's opening that counted it would make a loss of it later.
    """
    if not state.opened:
        return 0
    return state.unexplained_wei + max(0, _gap(state, event))


def is_open_question(state: Capital, limits: CapitalLimits, event: Read) -> bool:
    """Tell whether the books want this very Read once more: a difference is not confirmed or not over."""
    if state.held or not state.opened:
        return False
    gap = _gap(state, event)
    if gap == 0:
        return bool(state.short_wei or state.gap_reads)
    return gap != state.gap_wei or state.gap_reads < limits.confirm_reads


def _gap(state: Capital, event: Read) -> int:
    booked = sum(pool.wallet_wei for pool in state.pools.values()) + state.unexplained_wei
    return event.trading_wei + event.gas_wei - booked


def _opened(state: Capital, limits: CapitalLimits, event: Read) -> Capital:
    """Return the state with the wallet parted by weight; the parts add up, whatever the weights."""
    weights = sum(each.weight for each in limits.pools)
    if weights <= 0:
        raise InvariantBroken("the books are to be opened, and no pool is configured")
    gas_booked = sum(pool.gas_wei for pool in state.pools.values())
    wallet_booked = sum(pool.wallet_wei for pool in state.pools.values())
    trading = event.trading_wei - (wallet_booked - gas_booked)
    gas = event.gas_wei - gas_booked
    parts, seen = dict(state.pools), 0
    for each in limits.pools:
        before, seen = seen, seen + each.weight
        parts[each.strategy] = pools.opened(
            parts.get(each.strategy, pool_of(state, each.strategy)),
            trading * seen // weights - trading * before // weights,
            gas * seen // weights - gas * before // weights,
        )
    whole = Wei(state.whole_wei + trading + gas)
    return msgspec.structs.replace(state, opened=True, pools=parts, whole_wei=whole)


def _came(state: Capital, gap: int) -> tuple[Capital, tuple[Finding, ...]]:
    """Keep an inflow apart; tell it when the unexplained has doubled, so that dust can't flood anybody."""
    unexplained = Wei(state.unexplained_wei + gap)
    state = msgspec.structs.replace(
        state,
        unexplained_wei=unexplained,
        whole_wei=Wei(state.whole_wei + gap),
        gap_reads=0,
        short_wei=Wei(0),
        short_told=False,
    )
    if unexplained < 2 * state.inflow_told_wei:
        return state, ()
    amount = exact_ether(unexplained)
    text = f"{amount} ETH came that nothing explains: kept out of equity until 'warden capital deposit'"
    note = Noted(Weight.INFO, "capital.inflow", text, observed=amount, unit="ETH")
    return msgspec.structs.replace(state, inflow_told_wei=unexplained), (note,)


def _went(state: Capital, limits: CapitalLimits, gap: int) -> tuple[Capital, tuple[Finding, ...]]:
    """Take what is missing from the unexplained; what is missing beyond that is short."""
    taken = min(gap, state.unexplained_wei)
    short = gap - taken
    if taken:
        # What is left to miss is a smaller difference by now, and stays as well confirmed.
        state = msgspec.structs.replace(
            state,
            unexplained_wei=Wei(state.unexplained_wei - taken),
            whole_wei=Wei(state.whole_wei - taken),
            inflow_told_wei=state.inflow_told_wei if taken < state.unexplained_wei else Wei(0),
            gap_wei=Wei(-short),
            gap_reads=state.gap_reads if short else 0,
        )
    if short != state.short_wei:
        state = msgspec.structs.replace(state, short_wei=Wei(short))
    if short <= limits.short_tolerance_wei:
        return (msgspec.structs.replace(state, short_told=False) if state.short_told else state), ()
    if state.short_told:
        return state, ()
    amount = exact_ether(short)
    note = Noted(
        Weight.ERROR,
        "capital.short-of-books",
        f"the wallet holds {amount} ETH less than the books: nothing is opened until that is explained",
        limit=exact_ether(limits.short_tolerance_wei),
        observed=amount,
        unit="ETH",
        setting="capital.short_tolerance_eth",
        runbook=_RUNBOOK,
    )
    return msgspec.structs.replace(state, short_told=True), (note,)
