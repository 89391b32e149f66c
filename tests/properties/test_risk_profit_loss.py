"""Profit and loss against a list of the trades that stand, added up the plain way (PL1, PL2)."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.domain.risk.trades import START_NS, closing, cycle, opening, overhead, reverted
from warden.domain.risk import profit_loss
from warden.domain.risk.events import DAY_NS, Settled, Ticked, Trade, Undone
from warden.domain.risk.figures import EMPTY, HOUR_NS, Tally, figures, joined, summed
from warden.domain.risk.profit_loss import OTHER, ProfitLoss, ProfitLossLimits
from warden.wire.codec import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LIMITS = ProfitLossLimits(
    recent_max=5, losing_max=2, hours_max=4, days_max=3, names_max=2, milestone_trades=3, milestone_net_wei=10
)
SUMS = ("records", "trades", "successes", "wins", "losses", "turnover_wei", "gross_wei", "gas_wei", "won_wei")
NAMES = st.sampled_from(["a", "b", "c", "d"])
AMOUNTS = st.integers(0, 40) | st.integers(10**20, 10**21)


def outcome(trade: Trade) -> int:
    """Return 1, -1 or 0 for won, lost, neither: what opens or is no swap is neither."""
    bought = trade.success and trade.input_wei > 0 and trade.output_wei == trade.gross_wei == 0
    if trade.kind != "swap" or bought:
        return 0
    net = trade.gross_wei - trade.gas_wei
    return 1 if net > 0 else -1 if net < 0 else 0


def plainly(trades: Sequence[Trade]) -> dict[str, int]:
    """Return every number of a tally, each worked out from the whole list by itself."""
    swaps = [each for each in trades if each.kind == "swap"]
    nets = {
        sign: [abs(each.gross_wei - each.gas_wei) for each in trades if outcome(each) == sign]
        for sign in (1, -1)
    }
    decided = [outcome(each) for each in trades if outcome(each)]
    runs = [sign * len(list(run)) for sign, run in groupby(decided)]
    return {
        "records": len(trades),
        "trades": len(swaps),
        "successes": sum(each.success for each in swaps),
        "wins": len(nets[1]),
        "losses": len(nets[-1]),
        "turnover_wei": sum(each.input_wei for each in swaps if each.success),
        "gross_wei": sum(each.gross_wei for each in trades),
        "gas_wei": sum(each.gas_wei for each in trades),
        "won_wei": sum(nets[1]),
        "lost_wei": sum(nets[-1]),
        "largest_win_wei": max(nets[1], default=0),
        "largest_loss_wei": max(nets[-1], default=0),
        "first_ns": min((each.at_ns for each in trades), default=0),
        "last_ns": max((each.at_ns for each in trades), default=0),
        "head": runs[0] if runs else 0,
        "streak": runs[-1] if runs else 0,
        "longest_wins": max((run for run in runs if run > 0), default=0),
        "longest_losses": -min((run for run in runs if run < 0), default=0),
    }


def numbers(tally: Tally) -> dict[str, int]:
    """Return a tally's numbers by name."""
    return {name: int(getattr(tally, name)) for name in tally.__struct_fields__}


@st.composite
def trades_at(draw: st.DrawFn, at_ns: int) -> Trade:
    """Draw any record, mined at a time."""
    strategy, gas = draw(NAMES), draw(AMOUNTS)
    kind = draw(st.sampled_from(["cycle", "cycle", "cycle", "reverted", "opening", "closing", "overhead"]))
    if kind == "cycle":
        gross = draw(AMOUNTS) - draw(AMOUNTS)
        return cycle(gross, gas, at_ns=at_ns, strategy=strategy, market=draw(NAMES))
    if kind == "reverted":
        return reverted(gas, at_ns=at_ns, strategy=strategy)
    if kind == "opening":
        return opening(draw(AMOUNTS) + 1, gas, at_ns=at_ns, strategy=strategy)
    if kind == "closing":
        return closing(draw(AMOUNTS) + 1, draw(AMOUNTS), gas, at_ns=at_ns, strategy=strategy)
    return overhead(gas, at_ns=at_ns, strategy=strategy)


class Counting(RuleBasedStateMachine):
    """Trades settle, are undone and settle again over days, across restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ProfitLoss()
        self.now_ns = START_NS
        self.standing: list[Trade] = []
        self.gone: list[Trade] = []
        self.told: list[str] = []

    def take(self, event: Settled | Undone | Ticked) -> None:
        """Fold one event."""
        self.state, findings = profit_loss.step(self.state, LIMITS, event, self.now_ns)
        self.told += [finding.message for finding in findings]

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """A transaction is mined."""
        trade = data.draw(trades_at(self.now_ns))
        self.take(Settled(trade))
        self.standing.append(trade)

    @precondition(lambda self: self.state.recent)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """A reorg takes back one of the recent ones."""
        trade = data.draw(st.sampled_from(self.state.recent))
        self.take(Undone(trade))
        self.standing.remove(trade)
        self.gone.append(trade)

    @precondition(lambda self: len(self.standing) > len(self.state.recent))
    @rule(data=st.data())
    def undo_old(self, data: st.DataObject) -> None:
        """A reorg deeper than what is kept takes back an old one: sums follow, extremes can't."""
        old = [each for each in self.standing if each not in self.state.recent]
        trade = data.draw(st.sampled_from(old))
        self.take(Undone(trade))
        self.standing.remove(trade)

    @precondition(lambda self: self.gone)
    @rule()
    def settle_again(self) -> None:
        """What was undone lands after all, later."""
        trade = self.gone.pop()
        again = type(trade)(**{name: getattr(trade, name) for name in trade.__struct_fields__} | self.later())
        self.take(Settled(again))
        self.standing.append(again)

    def later(self) -> dict[str, Any]:
        """Return what differs when it lands again."""
        return {"at_ns": self.now_ns, "block": 10**9 + len(self.standing)}

    @rule(hours=st.integers(0, 30))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.now_ns += hours * HOUR_NS + hours * 7
        before = self.state
        self.take(Ticked())
        assert self.state is before

    @rule()
    def restart(self) -> None:
        """The state survives as JSON."""
        again: ProfitLoss = from_json(to_json(self.state), ProfitLoss)
        assert again == self.state
        self.state = again

    def same(self, trades: Iterable[Trade], tally: Tally) -> None:
        """Compare a tally with the trades; only what can be taken back, once something old was undone."""
        expected, actual = plainly(list(trades)), numbers(tally)
        for name in SUMS if self.state.inexact else expected:
            assert expected[name] == actual[name], name

    @invariant()
    def all_time_is_what_stands(self) -> None:
        """Totals, extremes and streaks equal those of the standing trades."""
        tally = profit_loss.all_time(self.state)
        self.same(self.standing, tally)
        assert tally.net_wei == sum(each.net_wei for each in self.standing) == self.state.net_wei
        assert self.state.trades == tally.trades
        assert tally.overhead_wei == sum(each.gas_wei for each in self.standing if neither(each))

    @invariant()
    def parts_add_up(self) -> None:
        """Strategies, and markets, add up to all; a name of its own has exactly its own trades."""
        for attribute, parts in (
            ("strategy", profit_loss.by_strategy(self.state, LIMITS)),
            ("market", profit_loss.by_market(self.state, LIMITS)),
        ):
            assert len(parts) <= LIMITS.names_max + 1
            assert sum(part.net_wei for part in parts.values()) == self.state.net_wei
            assert sum(part.records for part in parts.values()) == len(self.standing)
            if OTHER not in parts:
                for name, part in parts.items():
                    self.same((each for each in self.standing if getattr(each, attribute) == name), part)

    @rule(data=st.data())
    def ask_for_a_window(self, data: st.DataObject) -> None:
        """A window is exactly what it says that it covers, and what was asked for when it says so."""
        span = self.now_ns - START_NS + HOUR_NS
        asked = sorted(START_NS + data.draw(st.integers(-HOUR_NS, span)) for _ in range(2))
        if data.draw(st.booleans()):
            asked = [each - each % HOUR_NS for each in asked]
        tally, from_ns, to_ns, exact = profit_loss.window(self.state, asked[0], asked[1])
        self.same((each for each in self.standing if from_ns <= each.at_ns < to_ns), tally)
        assert exact == ([from_ns, to_ns] == asked)
        assert from_ns >= asked[0] - asked[0] % DAY_NS
        assert to_ns < asked[1] + DAY_NS or to_ns == from_ns

    @invariant()
    def lists_and_bounds(self) -> None:
        """Recent and lost trades are the newest that stand; nothing grows without end."""
        assert profit_loss.recent_trades(self.state, 3) == tuple(self.state.recent[::-1][:3])
        if not self.state.inexact:
            lost = [each for each in reversed(self.standing) if outcome(each) < 0]
            found = profit_loss.losing_trades(self.state, 100)
            assert found == tuple(lost[: len(found)])
            assert len(found) >= min(len(lost), LIMITS.losing_max)
        assert len(self.state.recent) <= LIMITS.recent_max
        assert len(self.state.losing) <= LIMITS.losing_max
        assert len(self.state.hours.kept) <= LIMITS.hours_max
        assert len(self.state.days.kept) <= LIMITS.days_max
        assert len(self.state.strategies) <= LIMITS.names_max + 1
        assert len(set(self.told)) == len(self.told)


def neither(trade: Trade) -> bool:
    """Tell whether a trade is neither won nor lost, so that its gas is overhead."""
    return outcome(trade) == 0 and trade.gross_wei != trade.gas_wei


TestCounting = Counting.TestCase
TestCounting.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@given(data=st.data(), count=st.integers(0, 12))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_stretches_join_wherever_they_are_cut(data: st.DataObject, count: int) -> None:
    """PL2: a stretch cut into any three parts joins to what it is as a whole, streaks over the seams too."""
    trades = [data.draw(trades_at(START_NS + index)) for index in range(count)]
    first, second = sorted(data.draw(st.integers(0, count)) for _ in range(2))
    parts = [summed(trades[:first]), summed(trades[first:second]), summed(trades[second:])]
    expected = plainly(trades)
    assert expected == numbers(joined(joined(parts[0], parts[1]), parts[2]))
    assert expected == numbers(joined(parts[0], joined(parts[1], parts[2])))


@given(data=st.data(), count=st.integers(0, 8))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_figures_never_flatter_and_never_invent(data: st.DataObject, count: int) -> None:
    """PL2: averages round against us, and a ratio exists exactly where its divisor does."""
    trades = [data.draw(trades_at(START_NS + index)) for index in range(count)]
    tally = summed(trades)
    shown = figures(tally, START_NS, START_NS + HOUR_NS, invested_wei=1_000)
    assert (shown.success_rate is None) == (tally.trades == 0)
    assert (shown.win_rate is None) == (tally.wins + tally.losses == 0)
    assert (shown.profit_factor is None) == (tally.lost_wei + tally.overhead_wei == 0)
    assert shown.net_wei == shown.won_wei - shown.lost_wei - shown.overhead_wei
    assert shown.roi is not None
    assert abs(shown.roi * 1_000 - shown.net_wei) < Decimal(1)
    if shown.average_net_wei is not None:
        assert 0 <= shown.net_wei - shown.average_net_wei * tally.trades < tally.trades
    if shown.average_loss_wei is not None:
        assert 0 <= shown.average_loss_wei * tally.losses - shown.lost_wei < tally.losses
    assert numbers(EMPTY) == plainly([])
