"""Profit and loss by hand: reorgs, windows, milestones and the cost of running (PL1, PL2)."""

from __future__ import annotations

import pytest

from tests.unit.domain.risk.trades import START_NS, cycle, overhead, reverted
from warden.domain.errors import InvariantBroken
from warden.domain.money import WEI_PER_ETHER
from warden.domain.risk import profit_loss
from warden.domain.risk.events import DAY_NS, BaselinesReset, Calls, RiskEvent, Settled, Ticked, Trade, Undone
from warden.domain.risk.figures import HOUR_NS, tally_of
from warden.domain.risk.findings import Noted, Weight
from warden.domain.risk.profit_loss import OTHER, ProfitLoss, ProfitLossLimits

LIMITS = ProfitLossLimits(recent_max=2, losing_max=2)


def folded(
    events: list[RiskEvent], limits: ProfitLossLimits = LIMITS, at_ns: int = START_NS
) -> tuple[ProfitLoss, list[Noted]]:
    """Return the state after events, and what was noted."""
    state, notes = ProfitLoss(), list[Noted]()
    for event in events:
        state, more = profit_loss.step(state, limits, event, at_ns)
        notes += [each for each in more if isinstance(each, Noted)]
    return state, notes


def settled(trades: list[Trade], limits: ProfitLossLimits = LIMITS) -> ProfitLoss:
    """Return the state after trades were mined."""
    return folded([Settled(each) for each in trades], limits)[0]


def test_a_reorg_takes_back_the_largest_win_and_the_streak() -> None:
    """PL2: while a trade can be undone, what it did to extremes and streaks can be, too."""
    lost, small, large = cycle(-5), cycle(3), cycle(90)
    state = settled([lost, small, large])
    before = profit_loss.all_time(state)
    assert (before.largest_win_wei, before.streak) == (90, 2)
    state, _ = profit_loss.step(state, LIMITS, Undone(small), START_NS)
    state, _ = profit_loss.step(state, LIMITS, Undone(large), START_NS)
    after = profit_loss.all_time(state)
    assert (after.largest_win_wei, after.streak, after.net_wei) == (0, -1, -5)
    assert state.inexact == 0


def test_deeper_than_is_kept_the_sums_follow_and_it_is_said() -> None:
    """PL2: an undone old trade leaves every sum exact; that extremes may be off is counted and shown."""
    old, newer = cycle(90, at_ns=START_NS), [cycle(1), cycle(1), cycle(1)]
    state = settled([old, *newer])
    state, _ = profit_loss.step(state, LIMITS, Undone(old), START_NS)
    assert profit_loss.all_time(state).net_wei == 3
    assert profit_loss.all_time(state).wins == 3
    assert state.inexact == 1
    assert not profit_loss.figures_ever(state, START_NS).exact


def test_what_is_taken_back_is_what_was_counted() -> None:
    """PL1: a record is known by intent and hash; what its Undone says of amounts does not matter."""
    trade = cycle(90)
    state = settled([trade])
    told = cycle(5)
    twisted = type(trade)(
        **{name: getattr(told, name) for name in told.__struct_fields__}
        | {"trade_id": trade.trade_id, "tx_hash": trade.tx_hash}
    )
    state, _ = profit_loss.step(state, LIMITS, Undone(twisted), START_NS)
    assert state == ProfitLoss()


def test_a_contradiction_is_no_figure() -> None:
    """I6, PL1: settled twice, or undone without ever having counted, ends the process."""
    trade = cycle(5)
    state = settled([trade])
    with pytest.raises(InvariantBroken, match="settled twice"):
        profit_loss.step(state, LIMITS, Settled(trade), START_NS)
    with pytest.raises(InvariantBroken, match="never counted"):
        profit_loss.step(state, LIMITS, Undone(cycle(5)), START_NS)


def test_another_transaction_of_an_intent_is_another_record() -> None:
    """PL1: undone, then mined as a replacement with another hash."""
    first, second = cycle(5), cycle(6)
    state = settled([first])
    for event in (Undone(first), Settled(second)):
        state, _ = profit_loss.step(state, LIMITS, event, START_NS)
    assert profit_loss.all_time(state) == tally_of(second)


def test_events_of_others_leave_the_state_alone() -> None:
    """PL2: time and a recovery's new baselines change no history, not even the object."""
    state = settled([cycle(5)])
    for event in (Ticked(), BaselinesReset("ada", "again")):
        after, findings = profit_loss.step(state, LIMITS, event, START_NS)
        assert after is state
        assert findings == ()


# --- windows


def hourly(count: int) -> list[Trade]:
    """Return one trade an hour, half past, each a wei better than the last."""
    return [cycle(number + 1, at_ns=START_NS + number * HOUR_NS + HOUR_NS // 2) for number in range(count)]


def test_recent_windows_are_exact_to_the_nanosecond() -> None:
    """PL2: from its first instant on, up to but not including its last."""
    trades = hourly(4)
    state = settled(trades)
    from_ns, to_ns = trades[2].at_ns, trades[3].at_ns
    shown = profit_loss.figures_between(state, from_ns, to_ns)
    assert (shown.net_wei, shown.exact, shown.from_ns, shown.to_ns) == (3, True, from_ns, to_ns)
    assert profit_loss.figures_between(state, from_ns, to_ns + 1).net_wei == 7
    assert profit_loss.figures_between(state, from_ns + 1, to_ns + 1).net_wei == 4


def test_older_windows_are_whole_hours_then_whole_days_and_say_so() -> None:
    """PL2: the stretch is widened to what is known exactly, and named."""
    limits = ProfitLossLimits(recent_max=1, hours_max=3)
    state = settled(hourly(30), limits)
    tally, from_ns, to_ns, exact = profit_loss.window(
        state, START_NS + 27 * HOUR_NS + 1, START_NS + 28 * HOUR_NS
    )
    assert (from_ns, to_ns, exact) == (START_NS + 27 * HOUR_NS, START_NS + 28 * HOUR_NS, False)
    assert tally.net_wei == 28
    assert profit_loss.window(state, from_ns, to_ns) == (tally, from_ns, to_ns, True)
    tally, from_ns, to_ns, exact = profit_loss.window(state, START_NS + HOUR_NS, START_NS + 2 * HOUR_NS)
    assert (from_ns, to_ns, exact) == (START_NS, START_NS + DAY_NS, False)
    assert tally.net_wei == sum(range(1, 25))


def test_what_is_older_than_all_days_is_left_out_and_said() -> None:
    """PL2: a window begins at the first day that is kept; all time remains whole."""
    limits = ProfitLossLimits(recent_max=1, hours_max=1, days_max=1)
    state = settled(hourly(50), limits)
    tally, from_ns, _, exact = profit_loss.window(state, START_NS + HOUR_NS, START_NS + 49 * HOUR_NS)
    assert from_ns == START_NS + 2 * DAY_NS
    assert not exact
    assert tally.net_wei == 49
    tally, from_ns, to_ns, exact = profit_loss.window(state, START_NS, START_NS + 50 * HOUR_NS)
    assert (from_ns, to_ns, exact) == (START_NS, START_NS + 50 * HOUR_NS, True)
    assert tally.net_wei == sum(range(1, 51))


def test_a_record_that_comes_too_late_for_its_hour_makes_no_half_of_one() -> None:
    """PL2: hours that are no longer kept whole stay away; the record counts in its day and in all time."""
    limits = ProfitLossLimits(recent_max=1, hours_max=2)
    late = cycle(1_000, at_ns=START_NS)
    state = settled([*hourly(10), late, cycle(1, at_ns=START_NS + 10 * HOUR_NS)], limits)
    assert [each.start_ns for each in state.hours.kept] == [START_NS + 8 * HOUR_NS, START_NS + 9 * HOUR_NS]
    tally, from_ns, to_ns, _ = profit_loss.window(state, START_NS + HOUR_NS, START_NS + 2 * HOUR_NS)
    assert (from_ns, to_ns) == (START_NS, START_NS + DAY_NS)
    assert tally == profit_loss.all_time(state)
    state, _ = profit_loss.step(state, limits, Undone(late), START_NS)
    assert profit_loss.window(state, from_ns, to_ns)[0].net_wei == 56


def test_the_state_stays_bounded() -> None:
    """PL2: however many trades, strategies and markets; what has no name of its own is summed as other."""
    limits = ProfitLossLimits(recent_max=3, losing_max=2, hours_max=4, days_max=2, names_max=2)
    trades = [
        cycle(-1, at_ns=START_NS + number * HOUR_NS, strategy=f"s{number % 5}", market=f"m{number}")
        for number in range(200)
    ]
    state = settled(trades, limits)
    assert (len(state.recent), len(state.losing)) == (3, 2)
    assert (len(state.hours.kept), len(state.days.kept)) == (4, 2)
    parts = profit_loss.by_strategy(state, limits)
    assert {name: part.records for name, part in parts.items()} == {"s0": 40, "s1": 40, OTHER: 120}
    assert len(profit_loss.by_market(state, limits)) == 3
    assert profit_loss.losing_trades(state, 100) == tuple(trades[:-6:-1])
    assert profit_loss.recent_trades(state, 100) == tuple(trades[:-4:-1])


# --- what is told


def test_milestones_are_told_once() -> None:
    """PL2: at 100, 200, 500, 1000 trades; not again after a reorg or a loss went back over one."""
    limits = ProfitLossLimits(milestone_net_wei=0)
    trades = [cycle(1) for _ in range(200)]
    state, notes = folded([Settled(each) for each in trades[:99]], limits)
    assert notes == []
    last = trades[99]
    _, notes = folded([*map(Settled, trades[:100]), Undone(last), Settled(last)], limits)
    assert [note.message for note in notes] == ["100 trades"]
    assert [note.kind for note in notes] == ["milestone.trades"]
    _, notes = folded([Settled(each) for each in trades], limits)
    assert [note.message for note in notes] == ["100 trades", "200 trades"]
    assert state.told_trades == 0


def test_milestones_of_net_profit_count_gas() -> None:
    """PL2: one wei below an ether is none; several at once are told as the highest."""
    eth = WEI_PER_ETHER
    _, notes = folded(
        [Settled(cycle(eth + 9, 10)), Settled(cycle(1)), Settled(cycle(-eth)), Settled(cycle(eth))]
    )
    assert [note.message for note in notes] == ["net profit has reached 1.000000 ETH"]
    _, notes = folded([Settled(cycle(20 * eth))])
    assert [note.message for note in notes] == ["net profit has reached 20.000000 ETH"]
    assert notes[0].weight is Weight.INFO


def test_approvals_are_no_trades() -> None:
    """PL2: they cost gas and reach no milestone of trades."""
    state, notes = folded([Settled(overhead(1)) for _ in range(150)])
    assert notes == []
    assert (state.trades, state.net_wei) == (0, -150)


@pytest.mark.parametrize(
    ("calls", "kinds"),
    [
        ([899], []),
        ([900], ["calls.near-quota"]),
        ([900, 50, 49], ["calls.near-quota"]),
        ([900, 100], ["calls.near-quota", "calls.quota-used-up"]),
        ([1_000, 1, 1], ["calls.quota-used-up"]),
    ],
)
def test_rpc_calls_against_the_quota(calls: list[int], kinds: list[str]) -> None:
    """PL2, ES1a: a warning at 90 % of the plan's calls a day, an error when they are used up, each once."""
    limits = ProfitLossLimits(calls_per_day=1_000)
    _, notes = folded([Calls(count) for count in calls], limits)
    assert kinds == [note.kind for note in notes]
    assert {note.setting for note in notes} <= {"gateway.calls_per_day"}


def test_calls_begin_anew_each_day() -> None:
    """PL2: today's, yesterday's, and none after a day without any; without a quota nothing is told."""
    limits = ProfitLossLimits(calls_per_day=10)
    state, _ = profit_loss.step(ProfitLoss(), limits, Calls(10), START_NS + DAY_NS - 1)
    state, notes = profit_loss.step(state, limits, Calls(9), START_NS + DAY_NS)
    assert [getattr(note, "kind", "") for note in notes] == ["calls.near-quota"]
    shown = profit_loss.running(state, limits, START_NS + DAY_NS)
    assert (shown.calls_today, shown.calls_yesterday, shown.quota_bps) == (9, 10, 9_000)
    shown = profit_loss.running(state, limits, START_NS + 2 * DAY_NS)
    assert (shown.calls_today, shown.calls_yesterday) == (0, 9)
    shown = profit_loss.running(state, ProfitLossLimits(), START_NS + 3 * DAY_NS)
    assert (shown.calls_today, shown.calls_yesterday, shown.quota_bps) == (0, 0, None)
    state, _ = profit_loss.step(state, limits, Calls(1), START_NS + 3 * DAY_NS)
    shown = profit_loss.running(state, limits, START_NS + 3 * DAY_NS)
    assert (shown.calls_today, shown.calls_yesterday) == (1, 0)
    assert folded([Calls(10**9)], ProfitLossLimits())[1] == []
    with pytest.raises(InvariantBroken):
        profit_loss.step(state, limits, Calls(-1), START_NS)


def test_gas_burnt_today_and_ever() -> None:
    """PL2: every record's gas, reverted and overhead too; the day begins at midnight UTC."""
    day = START_NS + DAY_NS
    state = settled([cycle(5, 7, at_ns=day - 1), reverted(11, at_ns=day), overhead(13, at_ns=day + 1)])
    shown = profit_loss.running(state, LIMITS, day + HOUR_NS)
    assert (shown.gas_today_wei, shown.gas_wei) == (24, 31)
