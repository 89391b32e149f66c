"""Profit and loss: every mined transaction counted once, whatever a reorg takes back (PL1, PL2).

`step` folds Settled, Undone and Calls; other events leave the state as it is. It refuses nothing.

The newest `recent_max` records are kept whole and count towards no sum. Only what leaves them at the far
end is folded: into all time, its hour, its day, its strategy, its market. So an Undone among them takes back
everything exactly, largest win and streaks too. Keep `recent_max` above what can be mined within the chain's
finality depth. An Undone of an older record still takes back every sum and count exactly; extremes and
streaks then stay as they were, and `inexact` counts such cases.

An event costs the same however long it runs, and the state has a bound: `recent_max` records, `losing_max`
lost trades, `hours_max` hours and `days_max` days in which anything was mined, `names_max` strategies and as
many markets (the surplus is summed as OTHER).

Windows go by a record's own time, and `window` says what stretch it covers and whether that is the one asked
for. Exact to the nanosecond: what begins after the newest folded record (that is, within the recent
ones), and what holds everything. Else its ends are widened to full hours; before the oldest hour that is
kept, to full UTC days; before the oldest day kept, it begins there. Records come in the order of their times,
as blocks do; streaks of a window with a record out of that order may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import InvariantBroken
from warden.domain.money import BPS_ONE, WEI_PER_ETHER, Wei, format_ether
from warden.domain.risk import buckets
from warden.domain.risk.buckets import Buckets
from warden.domain.risk.events import DAY_NS, Calls, Settled, Trade, Undone
from warden.domain.risk.figures import (
    EMPTY,
    HOUR_NS,
    Figures,
    Tally,
    figures,
    joined,
    less,
    result,
    summed,
    tally_of,
)
from warden.domain.risk.findings import Finding, Noted, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.domain.risk.events import RiskEvent

OTHER: Final = "(other)"
_QUOTA_SETTING: Final = "gateway.calls_per_day"
_NEAR, _USED_UP = 1, 2


class ProfitLossLimits(msgspec.Struct, frozen=True):
    """What is kept, and what is told.

    Attributes:
        milestone_trades, milestone_net_wei: the first milestone; then twice, five and ten times it, and so
            on (100, 200, 500, 1000, ...). 0 for none.
        calls_per_day: RPC calls of the endpoints' plan for a UTC day, 0 for no quota.
        calls_warning_bps: share of the quota that is warned at.
    """

    recent_max: int = 256
    losing_max: int = 50
    hours_max: int = 200
    days_max: int = 750
    names_max: int = 64
    milestone_trades: int = 100
    milestone_net_wei: int = WEI_PER_ETHER
    calls_per_day: int = 0
    calls_warning_bps: int = 9_000


class ProfitLoss(msgspec.Struct, frozen=True):
    """The state. `recent` is in the order of settlement; nothing of it is in the other sums yet.

    Attributes:
        folded: all records that left `recent`; `hours`, `days`, `strategies` and `markets` part these.
        losing: the newest lost trades among them.
        inexact: records that were undone after they had left `recent`.
        trades, net_wei: of all standing records, recent ones included.
        told_trades, told_net_wei: the highest milestones told.
        calls_day: the UTC day of `calls`; `calls_before` were made on the day before.
        calls_told: 0 nothing, 1 near the quota, 2 used up.
    """

    recent: tuple[Trade, ...] = ()
    folded: Tally = EMPTY
    hours: Buckets = Buckets()
    days: Buckets = Buckets()
    strategies: dict[str, Tally] = {}
    markets: dict[str, Tally] = {}
    losing: tuple[Trade, ...] = ()
    inexact: int = 0
    trades: int = 0
    net_wei: Wei = Wei(0)
    told_trades: int = 0
    told_net_wei: Wei = Wei(0)
    calls_day: int = 0
    calls: int = 0
    calls_before: int = 0
    calls_told: int = 0


class Running(msgspec.Struct, frozen=True):
    """What it costs to run: gas ever and today, RPC calls today and yesterday, and the share of the quota."""

    gas_wei: Wei
    gas_today_wei: Wei
    calls_today: int
    calls_yesterday: int
    calls_per_day: int
    quota_bps: int | None


# --- events ----------------------------------------------------------------------------------------


def step(
    state: ProfitLoss, limits: ProfitLossLimits, event: RiskEvent, at_ns: int
) -> tuple[ProfitLoss, tuple[Finding, ...]]:
    """Return the state after one event, and what it has to say.

    Raises:
        InvariantBroken: a record is settled twice, or undone though it never counted.
    """
    if isinstance(event, Settled):
        return _settled(state, limits, event.trade)
    if isinstance(event, Undone):
        return _undone(state, limits, event.trade), ()
    if isinstance(event, Calls):
        return _called(state, limits, event.count, at_ns)
    return state, ()


def _settled(
    state: ProfitLoss, limits: ProfitLossLimits, trade: Trade
) -> tuple[ProfitLoss, tuple[Finding, ...]]:
    if _index(state.recent, trade) is not None:
        raise InvariantBroken(f"trade {trade.trade_id} ({trade.tx_hash}) is settled twice")
    state = msgspec.structs.replace(
        state,
        recent=(*state.recent, trade),
        trades=state.trades + (trade.kind == "swap"),
        net_wei=Wei(state.net_wei + trade.net_wei),
    )
    while len(state.recent) > limits.recent_max:
        state = _folded(state, limits, state.recent[0])
    return _milestones(state, limits)


def _folded(state: ProfitLoss, limits: ProfitLossLimits, trade: Trade) -> ProfitLoss:
    """Return the state after its oldest recent record went into the sums."""
    losing = state.losing
    if result(trade) < 0:
        losing = (*losing, trade)[-limits.losing_max :]
    return msgspec.structs.replace(
        state,
        recent=state.recent[1:],
        folded=joined(state.folded, tally_of(trade)),
        hours=buckets.put(state.hours, trade, HOUR_NS, limits.hours_max),
        days=buckets.put(state.days, trade, DAY_NS, limits.days_max),
        strategies=_named(state.strategies, trade.strategy, trade, limits.names_max),
        markets=_named(state.markets, trade.market, trade, limits.names_max),
        losing=losing,
    )


def _undone(state: ProfitLoss, limits: ProfitLossLimits, trade: Trade) -> ProfitLoss:
    index = _index(state.recent, trade)
    counted = trade if index is None else state.recent[index]
    state = msgspec.structs.replace(
        state,
        trades=state.trades - (counted.kind == "swap"),
        net_wei=Wei(state.net_wei - counted.net_wei),
    )
    if index is not None:
        return msgspec.structs.replace(state, recent=state.recent[:index] + state.recent[index + 1 :])
    return msgspec.structs.replace(
        state,
        folded=less(state.folded, trade),
        hours=buckets.taken(state.hours, trade, HOUR_NS),
        days=buckets.taken(state.days, trade, DAY_NS),
        strategies=_unnamed(state.strategies, trade.strategy, trade),
        markets=_unnamed(state.markets, trade.market, trade),
        losing=tuple(each for each in state.losing if not _same(each, trade))[-limits.losing_max :],
        inexact=state.inexact + 1,
    )


def _same(one: Trade, other: Trade) -> bool:
    return one.tx_hash == other.tx_hash and one.trade_id == other.trade_id


def _index(recent: tuple[Trade, ...], trade: Trade) -> int | None:
    """Return where a record stands among the recent ones, looked for from the newest."""
    for index in range(len(recent) - 1, -1, -1):
        if _same(recent[index], trade):
            return index
    return None


def _named(parts: dict[str, Tally], name: str, trade: Trade, most: int) -> dict[str, Tally]:
    key = name if name in parts or len(parts) < most else OTHER
    return {**parts, key: joined(parts.get(key, EMPTY), tally_of(trade))}


def _unnamed(parts: dict[str, Tally], name: str, trade: Trade) -> dict[str, Tally]:
    key = name if name in parts else OTHER
    return {**parts, key: less(parts.get(key, EMPTY), trade)}


def _milestones(state: ProfitLoss, limits: ProfitLossLimits) -> tuple[ProfitLoss, tuple[Finding, ...]]:
    """Tell a milestone when it is first reached; never again, though a reorg or a loss goes back over it."""
    if state.trades <= state.told_trades and state.net_wei <= state.told_net_wei:
        return state, ()
    notes: list[Finding] = []
    trades = _reached(state.trades, limits.milestone_trades)
    if trades > state.told_trades:
        state = msgspec.structs.replace(state, told_trades=trades)
        notes.append(Noted(Weight.INFO, "milestone.trades", f"{trades} trades", observed=str(state.trades)))
    net = _reached(state.net_wei, limits.milestone_net_wei)
    if net > state.told_net_wei:
        state = msgspec.structs.replace(state, told_net_wei=Wei(net))
        text = f"net profit has reached {format_ether(net)} ETH"
        observed = format_ether(state.net_wei)
        notes.append(Noted(Weight.INFO, "milestone.net", text, observed=observed, unit="ETH"))
    return state, tuple(notes)


def _reached(value: int, first: int) -> int:
    """Return the highest of first, 2, 5 and 10 times first, ... that is not above `value`; 0 for none."""
    if first <= 0 or value < first:
        return 0
    decade = first
    while decade * 10 <= value:
        decade *= 10
    return decade * (5 if decade * 5 <= value else 2 if decade * 2 <= value else 1)


def _called(
    state: ProfitLoss, limits: ProfitLossLimits, count: int, at_ns: int
) -> tuple[ProfitLoss, tuple[Finding, ...]]:
    if count < 0:
        raise InvariantBroken(f"{count} RPC calls were made")
    day = at_ns // DAY_NS
    if day > state.calls_day:
        before = state.calls if day == state.calls_day + 1 else 0
        state = msgspec.structs.replace(state, calls_day=day, calls=0, calls_before=before, calls_told=0)
    calls, quota = state.calls + count, limits.calls_per_day
    level = 0
    if quota > 0 and calls * BPS_ONE >= quota * limits.calls_warning_bps:
        level = _USED_UP if calls >= quota else _NEAR
    told = max(level, state.calls_told)
    notes: tuple[Finding, ...] = ()
    if level > state.calls_told:
        up = level == _USED_UP
        notes = (
            Noted(
                Weight.ERROR if up else Weight.WARNING,
                "calls.quota-used-up" if up else "calls.near-quota",
                "the day's RPC calls are used up" if up else "the day's RPC calls are nearly used up",
                limit=str(quota),
                observed=str(calls),
                unit="calls a day",
                setting=_QUOTA_SETTING,
            ),
        )
    return msgspec.structs.replace(state, calls=calls, calls_told=told), notes


# --- what is asked ---------------------------------------------------------------------------------


def all_time(state: ProfitLoss) -> Tally:
    """Return what all standing records came to."""
    return joined(state.folded, summed(state.recent))


def by_strategy(state: ProfitLoss, limits: ProfitLossLimits) -> dict[str, Tally]:
    """Return all time by strategy; together they are `all_time`."""
    parts = state.strategies
    for trade in state.recent:
        parts = _named(parts, trade.strategy, trade, limits.names_max)
    return {name: tally for name, tally in parts.items() if tally.records}


def by_market(state: ProfitLoss, limits: ProfitLossLimits) -> dict[str, Tally]:
    """Return all time by market; together they are `all_time`."""
    parts = state.markets
    for trade in state.recent:
        parts = _named(parts, trade.market, trade, limits.names_max)
    return {name: tally for name, tally in parts.items() if tally.records}


def recent_trades(state: ProfitLoss, limit: int) -> tuple[Trade, ...]:
    """Return up to `limit` records, newest first, of the `recent_max` that are kept."""
    return state.recent[: -limit - 1 : -1]


def losing_trades(state: ProfitLoss, limit: int) -> tuple[Trade, ...]:
    """Return up to `limit` lost trades, newest first: all recent ones, and `losing_max` from before."""
    lost = [*state.losing, *(each for each in state.recent if result(each) < 0)]
    return tuple(lost[: -limit - 1 : -1])


def window(state: ProfitLoss, from_ns: int, to_ns: int) -> tuple[Tally, int, int, bool]:
    """Return what the records from `from_ns` up to, not including, `to_ns` came to.

    Returns:
        The tally, the stretch that it covers (from, to), and whether that is the one asked for; see above.
    """
    folded = state.folded
    if not folded.records or from_ns > folded.last_ns:
        return summed(_within(state.recent, from_ns, to_ns)), from_ns, to_ns, True
    if from_ns <= folded.first_ns and to_ns > folded.last_ns:
        return joined(folded, summed(_within(state.recent, from_ns, to_ns))), from_ns, to_ns, True
    hourly = from_ns - from_ns % HOUR_NS >= state.hours.floor_ns
    parts, width_ns = (state.hours, HOUR_NS) if hourly else (state.days, DAY_NS)
    start_ns = max(from_ns - from_ns % width_ns, parts.floor_ns)
    end_ns = to_ns if to_ns > folded.last_ns else to_ns + -to_ns % width_ns
    end_ns = max(start_ns, end_ns)
    tally = EMPTY
    for bucket in parts.kept:
        if start_ns <= bucket.start_ns < end_ns:
            tally = joined(tally, bucket.tally)
    tally = joined(tally, summed(_within(state.recent, start_ns, end_ns)))
    return tally, start_ns, end_ns, (start_ns, end_ns) == (from_ns, to_ns)


def _within(trades: Iterable[Trade], from_ns: int, to_ns: int) -> Iterable[Trade]:
    return (each for each in trades if from_ns <= each.at_ns < to_ns)


def figures_between(
    state: ProfitLoss, from_ns: int, to_ns: int, *, invested_wei: int | None = None
) -> Figures:
    """Return the figures of a window; ROI only if `invested_wei` is given (see `capital.invested_wei`)."""
    tally, start_ns, end_ns, exact = window(state, from_ns, to_ns)
    return figures(tally, start_ns, end_ns, exact=exact, invested_wei=invested_wei)


def figures_ever(state: ProfitLoss, at_ns: int, *, invested_wei: int | None = None) -> Figures:
    """Return the figures of all time, from the first record to now (`at_ns`)."""
    tally = all_time(state)
    from_ns = tally.first_ns if tally.records else at_ns
    exact = not state.inexact
    return figures(tally, from_ns, max(from_ns, at_ns), exact=exact, invested_wei=invested_wei)


def running(state: ProfitLoss, limits: ProfitLossLimits, at_ns: int) -> Running:
    """Return what running costs, as of `at_ns`."""
    day = at_ns // DAY_NS
    today, _, _, _ = window(state, day * DAY_NS, (day + 1) * DAY_NS)
    calls = state.calls if day <= state.calls_day else 0
    before = (
        state.calls if day == state.calls_day + 1 else state.calls_before if not day > state.calls_day else 0
    )
    quota = limits.calls_per_day
    return Running(
        gas_wei=all_time(state).gas_wei,
        gas_today_wei=today.gas_wei,
        calls_today=calls,
        calls_yesterday=before,
        calls_per_day=quota,
        quota_bps=calls * BPS_ONE // quota if quota > 0 else None,
    )
