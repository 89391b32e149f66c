"""The day's opening equity: when it is known, what moves it, and what a restart does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.risk.requests import ETHER, NOON_NS
from warden.domain.money import Wei
from warden.domain.risk.day import Day, is_known, loss_wei, rebased, step
from warden.domain.risk.events import DAY_NS, BaselinesReset, CapitalMoved, Moved, Read, RiskEvent, Ticked
from warden.wire.codec import from_json, to_json

MIDNIGHT_NS = NOON_NS - NOON_NS % DAY_NS + DAY_NS


def read(equity_wei: int) -> Read:
    """Return a wallet whose equity is all trading capital."""
    return Read(trading_wei=Wei(equity_wei), gas_wei=Wei(0), equity_wei=Wei(equity_wei))


def moved(amount_wei: int, move: Moved = Moved.DEPOSIT) -> CapitalMoved:
    """Return money that an operator moved."""
    return CapitalMoved(move=move, amount_wei=Wei(amount_wei), pool="a", operator="ann", reason="why")


def day_after(*events: RiskEvent, at_ns: int = NOON_NS) -> Day:
    """Return the day after events of one moment."""
    day = Day()
    for event in events:
        day = step(day, event, at_ns)
    return day


def test_the_opening_is_the_first_equity_known_in_the_day() -> None:
    """ES1: later equity, or a restart from a snapshot, does not begin the day anew."""
    day = day_after(read(100), read(80))
    day = step(from_json(to_json(day), Day), read(60), NOON_NS + 1)
    assert (day.opening_wei, loss_wei(day, 60)) == (100, 40)


@pytest.mark.parametrize(("at_ns", "known"), [(MIDNIGHT_NS - 1, True), (MIDNIGHT_NS, False)])
def test_at_midnight_utc_the_opening_is_unknown_until_read(at_ns: int, known: bool) -> None:  # noqa: FBT001 - a parameter
    """ES1: yesterday's opening is none of today's, told or not that time has passed."""
    day = day_after(read(100))
    assert is_known(day, at_ns) is known
    assert is_known(step(day, Ticked(), at_ns), at_ns) is known
    assert step(step(day, Ticked(), at_ns), read(90), at_ns).opening_wei == (100 if known else 90)


def test_no_opening_is_no_loss_and_no_base() -> None:
    """Whoever needs the opening must ask whether it is known: there is no figure without it."""
    day = step(Day(), Ticked(), NOON_NS)
    assert (day.base_wei, loss_wei(day, 5), is_known(day, NOON_NS)) == (0, 0, False)


def test_a_clock_that_goes_back_does_not_reopen_yesterday() -> None:
    """The day only goes forward."""
    day = step(day_after(read(100)), read(50), NOON_NS - DAY_NS)
    assert day.opening_wei == 100


@pytest.mark.parametrize(
    ("move", "equity", "base"),
    [
        (Moved.DEPOSIT, 150, 100),
        (Moved.WITHDRAWAL, 50, 50),
        (Moved.DEBT_PAID, 50, 50),
        (Moved.COST, 50, 50),
    ],
)
def test_the_operators_own_money_is_neither_gain_nor_loss(move: Moved, equity: int, base: int) -> None:
    """EX9, ES1: a move leaves the day's loss at zero; a deposit widens no limit, a withdrawal narrows it."""
    day = day_after(read(100), moved(50, move))
    assert (loss_wei(day, equity), loss_wei(day, equity - 7), day.base_wei) == (0, 7, base)


def test_a_deposit_before_the_first_read_is_part_of_the_opening() -> None:
    """The first equity of the day holds it already."""
    assert loss_wei(day_after(moved(50), read(150)), 150) == 0


def test_a_reset_begins_the_day_anew() -> None:
    """ES5: after it the next equity is the opening."""
    assert day_after(read(100), BaselinesReset("ann", "why"), read(60)).opening_wei == 60


def test_what_does_not_concern_it_changes_nothing() -> None:
    """The same object comes back."""
    day = day_after(read(100))
    assert step(day, Ticked(), NOON_NS) is day
    assert step(day, read(70), NOON_NS) is day


@given(st.integers(1, 10**30), st.integers(1, 10**30), st.integers(-(10**30), 10**30))
def test_a_move_of_capital_changes_no_loss_in_percent(peak: int, equity: int, change: int) -> None:
    """SL2, ES1: equity is the same share of its baseline before and after, and never a larger one."""
    if equity + change <= 0:
        return
    after = rebased(peak, equity, change)
    assert after * equity >= peak * (equity + change)
    assert (after - 1) * equity < peak * (equity + change)


@pytest.mark.parametrize("equity", [None, 0, -5])
def test_without_equity_a_baseline_moves_by_the_amount(equity: int | None) -> None:
    """ES2: after a total loss a deposit is no proof that nothing was lost."""
    assert rebased(100, equity, 50) == 150
    assert rebased(100, equity, -120) == 0
    assert rebased(100, 40, -40) == 60


def test_large_amounts_stay_exact() -> None:
    """No amount is rounded on its way through a snapshot."""
    day = day_after(read(10**9 * ETHER + 1))
    assert from_json(to_json(day), Day) == day
