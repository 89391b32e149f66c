"""Figures by hand: what is won, lost and neither, and what does not exist (PL1, PL2)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.domain.risk.trades import START_NS, closing, cycle, opening, overhead, reverted
from warden.domain.errors import InvariantBroken
from warden.domain.risk.figures import EMPTY, HOUR_NS, Figures, figures, less, opens, ratio, result, summed
from warden.wire.codec import from_json, to_json


def test_every_figure_of_a_small_history() -> None:
    """PL2: two won, two lost (one by its gas alone), an opening and an approval that are neither."""
    trades = [
        cycle(50, 10),
        overhead(5),
        opening(300, 7),
        closing(300, 340, 10),
        cycle(-20, 10),
        reverted(9),
    ]
    shown = figures(summed(trades), START_NS, START_NS + 2 * HOUR_NS, invested_wei=1_000)
    assert (shown.records, shown.trades, shown.successes, shown.failures) == (6, 5, 4, 1)
    assert (shown.wins, shown.losses) == (2, 2)
    assert (shown.gross_wei, shown.gas_wei, shown.net_wei) == (70, 51, 19)
    assert (shown.won_wei, shown.lost_wei, shown.overhead_wei) == (70, 39, 12)
    assert shown.turnover_wei == 1_000 + 300 + 0 + 1_000
    assert (shown.success_rate, shown.win_rate) == (Decimal("0.8"), Decimal("0.5"))
    assert (shown.average_win_wei, shown.average_loss_wei) == (35, 20)
    assert (shown.average_net_wei, shown.average_gas_wei) == (3, 9)
    assert shown.profit_factor == Decimal(70) / Decimal(51)
    assert shown.roi == Decimal("0.019")
    assert shown.turnover_return == Decimal(19) / Decimal(2_300)
    assert (shown.trades_per_hour, shown.net_per_hour_wei) == (Decimal("2.5"), 9)
    assert (shown.largest_win_wei, shown.largest_loss_wei) == (40, 30)
    assert (shown.streak, shown.longest_wins, shown.longest_losses) == (-2, 2, 2)


def test_what_does_not_exist_is_none() -> None:
    """PL2: without trades no rate, without losses no profit factor, without an investment no return."""
    shown = figures(EMPTY, START_NS, START_NS)
    missing = {name for name in shown.__struct_fields__ if getattr(shown, name) is None}
    ratios = {"success_rate", "win_rate", "profit_factor", "roi", "turnover_return", "trades_per_hour"}
    averages = {"average_net_wei", "average_win_wei", "average_loss_wei", "average_gas_wei"}
    assert missing == ratios | averages | {"net_per_hour_wei", "largest_win_wei", "largest_loss_wei"}
    won = figures(summed([cycle(5)]), START_NS, START_NS + HOUR_NS)
    assert won.profit_factor is None
    assert won.average_loss_wei is None
    assert won.success_rate == 1
    assert figures(summed([reverted(5)]), 0, 1).profit_factor == 0


def test_a_reverted_trade_is_lost_by_its_gas() -> None:
    """CB3, PL2: it has failed, and what it cost counts as a loss."""
    assert result(reverted(1)) == -1
    assert result(reverted(0)) == 0
    assert summed([reverted(4)]).lost_wei == 4


@pytest.mark.parametrize(("gross", "came"), [(11, 1), (10, 0), (9, -1)])
def test_won_is_what_is_left_after_gas(gross: int, came: int) -> None:
    """PL1: a profit that its gas eats up is none, one wei less is a loss."""
    assert result(cycle(gross, 10)) == came


def test_an_opening_neither_wins_nor_loses() -> None:
    """PL2: buying ends no winning streak; selling for nothing is a loss all the same."""
    assert opens(opening(10))
    assert not opens(closing(10, 0))
    assert result(closing(10, 0)) == -1
    assert summed([cycle(5), opening(10, 3), overhead(2), cycle(5)]).streak == 2


def test_averages_round_against_us() -> None:
    """PL2: 10 wei over 3 trades are 3 each, a loss of 10 over 3 is 4 each."""
    won, lost = summed([cycle(5), cycle(4), cycle(1)]), summed([cycle(-5), cycle(-4), cycle(-1)])
    assert figures(won, 0, 1).average_win_wei == 3
    assert figures(won, 0, 1).average_net_wei == 3
    assert figures(lost, 0, 1).average_loss_wei == 4
    assert figures(lost, 0, 1).average_net_wei == -4


def test_taking_back_what_was_never_counted_is_refused() -> None:
    """PL1: counts below zero contradict themselves, and are not shown as figures."""
    with pytest.raises(InvariantBroken, match="never counted"):
        less(summed([cycle(-5)]), cycle(5))
    with pytest.raises(InvariantBroken):
        less(EMPTY, overhead(1))
    trade = cycle(5)
    assert less(summed([trade]), trade) == EMPTY


def test_a_ratio_needs_a_whole() -> None:
    """PL2: nothing is divided by nothing; an investment of zero or below has no return."""
    assert ratio(1, 0) is None
    assert ratio(1, -5) is None
    assert ratio(-1, 4) == Decimal("-0.25")
    assert figures(summed([cycle(5)]), 0, 1, invested_wei=0).roi is None


def test_figures_travel_as_json() -> None:
    """PL2: amounts beyond 64 bits as text, what is missing as null."""
    shown = figures(summed([cycle(10**20)]), 0, HOUR_NS)
    again: Figures = from_json(to_json(shown), Figures)
    assert again == shown
    assert b'"net_wei":"100000000000000000000"' in to_json(shown)
