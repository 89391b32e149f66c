"""What the emergency stop measures of capital, the day, the peak and positions: each limit on both sides."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, opened
from tests.unit.domain.risk.test_day import moved, read
from tests.unit.domain.risk.test_emergency_stop import LIMITS, NONE, Bench, demanded, only, valued
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.emergency_gauges import Trigger, measure
from warden.domain.risk.emergency_stop import Emergency, EmergencyLimits, step
from warden.domain.risk.events import DAY_NS, Moved, Priced, Ticked
from warden.domain.risk.findings import StopDemanded, Weight
from warden.domain.stops import StopReason
from warden.wire.codec import from_json, to_json

# --- capital ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equity", "demands"), [(80 * ETHER + 1, []), (80 * ETHER, ["emergency.capital-loss"])]
)
def test_a_capital_loss_of_twenty_percent_stops(equity: int, demands: list[str]) -> None:
    """ES1: at exactly 20 % of the baseline, and not a wei before."""
    bench = Bench(only(capital_loss_bps=2_000)).tell(read(equity))
    assert bench.demands() == demands
    if demands:
        stop = demanded(bench)
        assert (stop.reason, stop.limit, stop.observed) == (StopReason.CAPITAL_LOSS, "20.00", "20.00")
        assert (stop.unit, stop.setting) == ("%", "emergency.capital_loss_percent")


def test_percentages_are_exact() -> None:
    """ES2's trap: 19.99... % is not cut to 19, nor is a fraction above 20 % lost."""
    bench = Bench(only(capital_loss_bps=2_000))
    bench.state = Emergency(baseline_wei=Wei(3), peak_wei=Wei(3))
    assert bench.tell(read(2)).demands() == ["emergency.capital-loss"]  # a third
    odd = Bench(only(capital_loss_bps=2_000))
    odd.state = Emergency(baseline_wei=Wei(10**18 + 3))
    assert odd.tell(read(8 * 10**17 + 3)).demands() == []
    assert odd.tell(read(8 * 10**17 + 2)).demands() == ["emergency.capital-loss"]


@pytest.mark.parametrize("equity", [0, -1])
@pytest.mark.parametrize("limits", [LIMITS, NONE], ids=["standard", "none"])
def test_a_capital_of_zero_is_a_total_loss(equity: int, limits: EmergencyLimits) -> None:
    """ES2's trap: nothing left stops everything; it was taken for "no data" once."""
    bench = Bench(limits).tell(read(equity))
    assert "emergency.capital-loss" in bench.demands()
    assert bench.rule() == "emergency.capital-loss"


def test_a_capital_of_zero_stops_even_as_the_first_that_is_read() -> None:
    """ES2's trap: without any baseline, too."""
    state, found = step(Emergency(), LIMITS, read(0), NOON_NS)
    assert next(each.observed for each in found if isinstance(each, StopDemanded)) == "100.00"
    assert state.baseline_wei is None


@pytest.mark.parametrize(
    ("equity", "notes"),
    [(85 * ETHER + 1, []), (85 * ETHER, [(Weight.ERROR, "capital-loss.near-limit")])],
)
def test_a_capital_loss_of_fifteen_percent_is_an_error(equity: int, notes: list[tuple[Weight, str]]) -> None:
    """ES1a: told before it stops, at exactly 15 %."""
    assert Bench(only(capital_loss_bps=2_000)).tell(read(equity)).notes() == notes


def test_the_baseline_outlives_a_restart_and_gains() -> None:
    """ES1: neither a restart nor a high in between resets what losses are measured by."""
    bench = Bench(only(capital_loss_bps=2_000)).tell(read(150 * ETHER))
    bench.state = from_json(to_json(bench.state), Emergency)
    assert bench.tell(read(81 * ETHER)).demands() == []
    assert bench.tell(read(80 * ETHER)).demands() == ["emergency.capital-loss"]


@pytest.mark.parametrize(("move", "amount"), [(Moved.DEPOSIT, 81), (Moved.WITHDRAWAL, 40)])
def test_a_deposit_hides_no_loss_and_a_withdrawal_makes_none(move: Moved, amount: int) -> None:
    """EX9, ES1: at 19 % lost, money that the operator moves changes nothing; the next percent does."""
    bench = Bench(only(capital_loss_bps=2_000, drawdown_bps=2_000)).tell(read(81 * ETHER))
    after = 81 + amount if move is Moved.DEPOSIT else 81 - amount
    bench.tell(moved(amount * ETHER, move), read(after * ETHER))
    assert bench.demands() == []
    bench.tell(read(after * ETHER * 98 // 100))
    assert bench.demands() == ["emergency.capital-loss", "emergency.drawdown"]


# --- the day ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("equity", "stops"), [(95 * ETHER + 1, False), (95 * ETHER, True)])
def test_a_daily_loss_of_five_percent_stops(equity: int, stops: bool) -> None:  # noqa: FBT001 - a parameter
    """ES1: of the equity that the UTC day began with, at exactly 5 %."""
    bench = Bench(only(daily_loss_bps=500)).tell(read(equity))
    assert bench.demands() == (["emergency.daily-loss"] if stops else [])
    if stops:
        assert demanded(bench).reason is StopReason.DAILY_LOSS


@pytest.mark.parametrize(("lost", "stops"), [(ETHER // 2 - 10**9, False), (ETHER // 2, True)])
def test_a_daily_loss_of_1000_usd_stops(lost: int, stops: bool) -> None:  # noqa: FBT001 - a parameter
    """ES1: half an ether at 2,000 USD."""
    bench = Bench(only(daily_loss_micro_usd=1_000 * 10**6)).tell(read(100 * ETHER - lost))
    assert bench.demands() == (["emergency.daily-loss-usd"] if stops else [])
    if stops:
        assert (demanded(bench).limit, demanded(bench).unit) == ("1000.00", "USD")


def test_a_price_that_rises_makes_the_days_loss_larger() -> None:
    """ES1: judged at each new price, not only at each new equity."""
    bench = Bench(only(daily_loss_micro_usd=1_000 * 10**6)).tell(read(100 * ETHER - ETHER // 4))
    assert bench.tell(Priced(Decimal(3_999))).demands() == []
    assert bench.tell(Priced(Decimal(4_000))).demands() == ["emergency.daily-loss-usd"]


def test_a_price_that_is_too_old_stops_still_but_opens_nothing() -> None:
    """ES1: the last price is better than none for stopping, and not good enough for trading."""
    bench = Bench(only(daily_loss_micro_usd=1_000 * 10**6))
    bench.now_ns += 60 * S - 1
    assert bench.rule() == ""
    bench.now_ns += 1
    assert bench.rule() == "price.unknown"
    assert bench.tell(Priced(Decimal(0)), read(99 * ETHER)).demands() == ["emergency.daily-loss-usd"]


def test_each_day_begins_anew_at_its_first_equity() -> None:
    """ES1: yesterday's loss is not today's, and before the first equity nothing is opened."""
    bench = Bench(only(daily_loss_bps=500)).tell(read(96 * ETHER))
    bench.now_ns += DAY_NS // 2
    assert bench.rule() == "emergency.day-unknown"
    assert bench.tell(Ticked()).rule() == "emergency.day-unknown"
    assert bench.tell(read(96 * ETHER)).rule() == ""
    assert bench.tell(read(92 * ETHER)).demands() == []
    assert bench.tell(read(91 * ETHER)).demands() == ["emergency.daily-loss"]


def test_of_a_day_that_opened_with_nothing_any_loss_is_too_much() -> None:
    """ES2: there is nothing that it could be a share of, and it stops all the same."""
    bench = Bench(only(daily_loss_bps=500))
    bench.now_ns += DAY_NS
    assert "emergency.daily-loss" in bench.tell(read(0), read(-1)).demands()


def test_a_gain_is_no_loss() -> None:
    """ES1: equity above every baseline demands and warns of nothing."""
    bench = Bench().tell(read(500 * ETHER))
    assert (bench.found, bench.rule()) == ([], "")


# --- drawdown and positions ------------------------------------------------------------------------------


@pytest.mark.parametrize(("equity", "stops"), [(160 * ETHER + 1, False), (160 * ETHER, True)])
def test_a_drawdown_of_twenty_percent_stops(equity: int, stops: bool) -> None:  # noqa: FBT001 - a parameter
    """SL2, ES1: measured from the peak, not from the baseline."""
    bench = Bench(only(drawdown_bps=2_000)).tell(read(200 * ETHER), read(equity))
    assert bench.demands() == (["emergency.drawdown"] if stops else [])
    if stops:
        assert demanded(bench).reason is StopReason.DRAWDOWN


@pytest.mark.parametrize(("lost", "stops"), [(5 * ETHER - 1, False), (5 * ETHER, True)])
def test_open_positions_that_lost_five_percent_together_stop(lost: int, stops: bool) -> None:  # noqa: FBT001 - a parameter
    """ES1: portfolio stop, of the equity."""
    bench = Bench(only(portfolio_bps=500)).tell(opened(cost_wei=Wei(20 * ETHER)))
    bench.tell(valued(20 * ETHER - lost))
    assert bench.demands() == (["emergency.portfolio"] if stops else [])


@pytest.mark.parametrize("equity", [50, 200])
def test_of_equity_and_the_days_opening_the_lesser_counts(equity: int) -> None:
    """ES1: the tightest wins: of 100 ETH at the opening even when equity is 200 since."""
    bench = Bench(only(portfolio_bps=500)).tell(read(equity * ETHER), opened(cost_wei=Wei(20 * ETHER)))
    limit = min(equity, 100) * ETHER // 20
    assert bench.tell(valued(20 * ETHER - limit + 1)).demands() == []
    assert bench.tell(valued(20 * ETHER - limit)).demands() == ["emergency.portfolio"]


def test_a_position_that_cannot_be_valued_opens_nothing_more() -> None:
    """ES1: what an open position would bring must be known before more is opened."""
    bench = Bench(only(portfolio_bps=500)).tell(opened(), valued(None))
    assert (bench.rule(), bench.rule(Action.REDUCE)) == ("emergency.value-unknown", "")
    assert bench.tell(valued(ETHER)).rule() == ""


@pytest.mark.parametrize(
    ("score", "limit", "reached", "near"),
    [
        (3_000, 3_000, False, True),
        (2_999, 3_000, True, True),
        (0, 3_000, True, True),
        (-5, 3_000, True, True),
        (3_332, 3_000, False, True),
        (3_333, 3_000, False, False),
        (0, 0, False, False),
    ],
)
def test_a_health_score_is_too_low_below_its_limit_and_not_at_it(
    score: int,
    limit: int,
    reached: bool,  # noqa: FBT001 - a parameter
    near: bool,  # noqa: FBT001 - a parameter
) -> None:
    """ES1, ES1a: below 0.3, a warning at 90 % of that; no score is below a limit of zero."""
    gauge = measure(Emergency(health_bps=score), only(health_bps=limit), Trigger.HEALTH)
    assert gauge is not None
    assert (gauge.reached, gauge.at_least(gauge.warn_bps)) == (reached, near)
    assert measure(Emergency(), LIMITS, Trigger.HEALTH) is None
