"""What opens the circuit breaker: each limit on both sides, and what it is counted from."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, PRICE, S, settled, trade
from tests.unit.domain.risk.test_circuit_breaker import CLOSED, GAS, LIMITS, OPEN, Bench
from tests.unit.domain.risk.test_day import moved, read
from warden.domain.money import Wei
from warden.domain.risk.circuit_breaker import Breaker, BreakerLimits, BreakerState
from warden.domain.risk.events import (
    DAY_NS,
    BreakerForced,
    BreakerOrder,
    Moved,
    Priced,
    Settled,
    Undone,
)

ONLY_ETH = msgspec.structs.replace(LIMITS, loss_micro_usd=None, loss_bps=None)
ONLY_PERCENT = msgspec.structs.replace(LIMITS, loss_micro_usd=None, loss_wei=None)


def opened_by(bench: Bench) -> str:
    """Return the setting that opened it, empty while it is CLOSED."""
    return bench.breaker.why.setting if bench.state is OPEN else ""


@pytest.mark.parametrize(("failures", "state"), [(4, CLOSED), (5, OPEN)])
def test_it_opens_at_five_failures_in_a_row_and_not_before(failures: int, state: BreakerState) -> None:
    """CB1: four failures leave it closed, the fifth opens it, counted as one trip."""
    bench = Bench().fail(failures)
    assert (bench.state, bench.breaker.trips) == (state, int(state is OPEN))
    assert opened_by(bench) == ("breaker.consecutive_failures" if state is OPEN else "")


def test_a_failed_trade_is_no_losing_trade_too() -> None:
    """CB1: or the third failure would open it as a losing trade, and five in a row never come."""
    bench = Bench().fail(4)
    assert (bench.breaker.counts.losing.length, bench.breaker.failures) == (0, 4)


def test_the_first_failure_of_all_opens_nothing() -> None:
    """CB1's trap: one failed trade of one is no failure rate of 100 %, nor are four of four."""
    assert [Bench().fail(count).state for count in (1, 2, 3, 4)] == [CLOSED] * 4


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("oxox", CLOSED),  # a half, and too few
        ("xxxo", CLOSED),  # three of four: too few
        ("xxoox", OPEN),  # three of five
        ("ooxxo", CLOSED),  # two of five
        ("ooxxx", OPEN),  # three of five, the last three
        ("oooxxx", CLOSED),  # exactly a half of six
        ("oooxxxx", OPEN),  # four of seven
    ],
)
def test_the_failure_rate_needs_a_sample_and_must_be_above_the_limit(
    outcomes: str, state: BreakerState
) -> None:
    """CB1: above 50 %, not at it, of at least five trades in the window."""
    bench = Bench()
    for outcome in outcomes:
        bench.trade(1 if outcome == "o" else -GAS, success=outcome == "o")
    assert bench.state is state
    assert opened_by(bench) == ("breaker.failure_rate_percent" if state is OPEN else "")


@pytest.mark.parametrize(("wait_ns", "state"), [(300 * S, OPEN), (300 * S + 1, CLOSED)])
def test_the_failure_rate_looks_back_exactly_its_window(wait_ns: int, state: BreakerState) -> None:
    """CB1: a failure of exactly 300 s ago counts, one of a nanosecond more does not."""
    bench = Bench().fail(1)
    bench.now_ns += wait_ns - 4
    bench.trade().trade().fail(1)
    bench.now_ns += 4
    assert bench.fail(1).state is state


@pytest.mark.parametrize(("losses", "state"), [(2, CLOSED), (3, OPEN)])
def test_it_opens_at_three_losing_trades_in_a_row(losses: int, state: BreakerState) -> None:
    """CB1: trades that went through and lost; the third opens it."""
    bench = Bench()
    for _ in range(losses):
        bench.trade(-1)
    assert bench.state is state
    assert opened_by(bench) == ("breaker.losing_trades" if state is OPEN else "")


def test_only_a_winning_trade_ends_a_losing_row() -> None:
    """CB1: a win ends it; what opens a position, nets nothing or reverts neither lengthens nor ends it."""
    opening = settled("opening", output_wei=Wei(0), gas_wei=Wei(GAS))
    assert Bench().trade(-1).trade(-1).trade(1).trade(-1).state is CLOSED
    bench = Bench().trade(-1).trade(-1).tell(opening).trade(0).fail(1)
    assert (bench.state, bench.breaker.counts.losing.length) == (CLOSED, 2)
    assert opened_by(bench.trade(-1)) == "breaker.losing_trades"


def test_positions_may_be_opened_in_a_row() -> None:
    """CB1: three openings have lost nothing but their gas."""
    bench = Bench()
    for name in "abcd":
        bench.tell(settled(name, output_wei=Wei(0), gas_wei=Wei(GAS)))
    assert bench.state is CLOSED


def test_a_success_between_ends_the_row_of_failures() -> None:
    """CB1: failures count in a row only; here the rate stays at a half."""
    bench = Bench(msgspec.structs.replace(LIMITS, failure_rate_bps=9_999)).fail(4).trade().fail(4)
    assert (bench.state, bench.breaker.failures) == (CLOSED, 4)


@pytest.mark.parametrize(("loss", "setting"), [(ETHER, ""), (ETHER + 1, "breaker.loss_eth")])
def test_it_opens_above_a_loss_of_one_ether(loss: int, setting: str) -> None:
    """CB1: at 1 ETH it is closed, a wei above it opens, and cools down 60 s."""
    bench = Bench(ONLY_ETH).trade(-loss)
    assert opened_by(bench) == setting
    if setting:
        assert bench.breaker.until_ns == bench.now_ns + 60 * S
        assert (bench.breaker.why.limit, bench.breaker.why.observed) == ("1", "1.000000000000000001")


@pytest.mark.parametrize(("micro", "setting"), [(500 * 10**6, ""), (500 * 10**6 + 1, "breaker.loss_usd")])
def test_it_opens_above_a_loss_of_500_usd(micro: int, setting: str) -> None:
    """CB1: at 2,000 USD a coin, to the millionth of a dollar."""
    bench = Bench().trade(-micro * ETHER // (2_000 * 10**6))
    assert opened_by(bench) == setting


@pytest.mark.parametrize(("loss", "setting"), [(3 * ETHER, ""), (3 * ETHER + 1, "breaker.loss_percent")])
def test_it_opens_above_three_percent_of_the_days_opening_equity(loss: int, setting: str) -> None:
    """CB1: of the 100 ETH that the day began with, whatever the equity is since; it cools down an hour."""
    bench = Bench(ONLY_PERCENT).tell(read(300 * ETHER)).trade(-loss)
    assert opened_by(bench) == setting
    if setting:
        assert bench.breaker.until_ns == bench.now_ns + 3600 * S
        assert (bench.breaker.why.limit, bench.breaker.why.observed) == ("3.00", "3.01")


def test_gas_of_what_failed_is_a_loss() -> None:
    """CB3: gas of a reverted trade, of an approval and of a cancel is lost money; none is a losing trade."""
    bench = Bench(ONLY_ETH).fail(1, gas_wei=ETHER // 2)
    bench.tell(settled("a", kind="approve", gas_wei=Wei(ETHER // 4)))
    bench.tell(settled("c", kind="cancel", success=False, gas_wei=Wei(ETHER // 4)))
    assert (bench.state, bench.breaker.failures) == (CLOSED, 1)
    assert opened_by(bench.fail(1, gas_wei=1)) == "breaker.loss_eth"


def test_last_months_loss_opens_nothing() -> None:
    """CB3's trap: losses count in the rolling window only."""
    bench = Bench(ONLY_ETH).trade(-ETHER)
    assert opened_by(Bench(ONLY_ETH, bench.breaker).trade(-1)) == "breaker.loss_eth"
    bench.now_ns += 30 * DAY_NS
    assert bench.trade(-ETHER).state is CLOSED


@pytest.mark.parametrize(("wait_ns", "state"), [(86_400 * S, OPEN), (86_400 * S + 1, CLOSED)])
def test_losses_count_for_exactly_their_window(wait_ns: int, state: BreakerState) -> None:
    """CB3: a loss of exactly the window's length ago counts still."""
    bench = Bench(ONLY_ETH).trade(-ETHER)
    bench.now_ns += wait_ns
    assert bench.trade(-1).state is state


def test_earlier_gains_excuse_no_loss_and_later_ones_make_it_good() -> None:
    """CB3: the loss is what is missing since the best moment of the window."""
    assert opened_by(Bench(ONLY_ETH).trade(50 * ETHER).trade(-ETHER - 1)) == "breaker.loss_eth"
    assert Bench(ONLY_ETH).trade(-ETHER).trade(ETHER).trade(-ETHER).state is CLOSED


# --- what is not known -----------------------------------------------------------------------------------


def test_without_a_price_nothing_new_starts() -> None:
    """CB1: a limit in USD without a price refuses, and says which limit that is."""
    bench = Bench(breaker=Breaker())
    bench.now_ns += 60 * S - 1
    assert bench.rule() == ""
    bench.now_ns += 1
    assert bench.rule() == "price.unknown"
    for worthless in (Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")):
        assert Bench().tell(Priced(worthless)).rule() == "price.unknown"
    assert Bench(ONLY_ETH).tell(Priced(Decimal(0))).rule() == ""


def test_a_loss_without_a_price_is_judged_at_the_next_one() -> None:
    """CB1: what settled while no price was known opens the breaker as soon as one is."""
    bench = Bench().tell(Priced(Decimal(0))).trade(-ETHER // 2)
    assert (bench.state, bench.rule()) == (CLOSED, "price.unknown")
    assert opened_by(bench.tell(Priced(Decimal(1_001)))) == "breaker.loss_usd"


def test_a_loss_counts_at_the_price_of_its_settlement() -> None:
    """CB1: a price that rises later makes no old loss larger."""
    bench = Bench().trade(-ETHER // 5).tell(Priced(Decimal(20_000)))
    assert bench.state is CLOSED
    assert bench.trade(-ETHER // 200).state is CLOSED  # 400 and 100 USD
    assert opened_by(bench.trade(-(10**14))) == "breaker.loss_usd"


def test_without_an_opening_equity_nothing_new_starts() -> None:
    """CB1: from midnight UTC on, until the day's first equity is read; what has settled is judged then."""
    bench = Bench(ONLY_PERCENT)
    bench.wait(DAY_NS // 2)
    assert bench.rule() == "breaker.day-unknown"
    bench.trade(-4 * ETHER)
    assert bench.state is CLOSED
    assert opened_by(bench.tell(read(96 * ETHER))) == "breaker.loss_percent"


def test_what_was_judged_is_not_judged_again_by_the_next_day() -> None:
    """CB3: a smaller equity at the next opening makes no old loss larger."""
    bench = Bench(ONLY_PERCENT).wait(DAY_NS // 2).trade(-2 * ETHER).tell(read(98 * ETHER))
    assert bench.state is CLOSED
    assert bench.wait(DAY_NS).tell(read(60 * ETHER)).state is CLOSED


def test_closed_by_hand_it_is_not_opened_by_a_price_that_comes_late() -> None:
    """CB4: an operator answers for losses that still wait for a price, too."""
    bench = Bench().tell(Priced(Decimal(0))).trade(-ETHER // 2)
    bench.tell(
        BreakerForced(BreakerOrder.OPEN, "ann", "why"), BreakerForced(BreakerOrder.CLOSE, "ann", "why"), PRICE
    )
    assert bench.state is CLOSED


def test_of_no_equity_at_all_any_loss_is_too_much() -> None:
    """ES2: a day that opened with nothing has nothing to lose."""
    bench = Bench(ONLY_PERCENT)
    bench.wait(DAY_NS).tell(read(0))
    assert opened_by(bench.trade(-1)) == "breaker.loss_percent"


def test_a_withdrawal_narrows_the_limit_and_a_deposit_does_not_widen_it() -> None:
    """CB1: 3 % of what the day began with, less what was taken out."""
    assert opened_by(Bench(ONLY_PERCENT).tell(moved(100 * ETHER)).trade(-3 * ETHER - 1))
    bench = Bench(ONLY_PERCENT).tell(moved(50 * ETHER, Moved.WITHDRAWAL))
    assert opened_by(bench.trade(-ETHER - ETHER // 2)) == ""
    assert opened_by(bench.trade(-1)) == "breaker.loss_percent"


def test_limits_that_are_not_set_open_nothing() -> None:
    """CB1: None is no limit."""
    limits = BreakerLimits(loss_wei=None, loss_micro_usd=None, loss_bps=None)
    bench = Bench(limits).trade(-1_000 * ETHER)
    assert (bench.state, bench.rule()) == (CLOSED, "")


# --- reorgs ----------------------------------------------------------------------------------------------


def test_a_reorg_takes_back_exactly_what_was_counted() -> None:
    """EX8: rows, rates and losses are as if the trade had not been, in any order."""
    bench = Bench().trade(-1, trade_id="before")
    before = bench.breaker
    lost = trade("lost", gross_wei=Wei(-GAS))
    failed = trade("failed", success=False, gas_wei=Wei(GAS))
    bench.tell(Settled(lost), Settled(failed), Undone(lost), Undone(failed))
    assert bench.breaker == before


def test_a_reorg_of_what_no_price_was_known_for_takes_it_back() -> None:
    """EX8: what waits for a price can be undone too."""
    bench = Bench().tell(Priced(Decimal(0))).trade(-ETHER // 2, trade_id="gone")
    bench.tell(Undone(trade("gone")), Priced(Decimal(2_000)))
    assert bench.state is CLOSED
    assert bench.breaker.counts.lost_micro_usd.total == 0


def test_noon_is_noon() -> None:
    """The bench begins in the middle of a UTC day."""
    assert NOON_NS % DAY_NS == DAY_NS // 2
