"""The 70/30 by hand: periods, roundings, losses, and what comes late (PL3)."""

from __future__ import annotations

import msgspec
import pytest

from warden.domain.money import Wei
from warden.domain.risk.allocation import (
    AllocationLimits,
    Period,
    Periods,
    Share,
    allocate,
    booked,
    closed,
    next_close_ns,
)
from warden.domain.risk.events import DAY_NS

LIMITS = AllocationLimits(periods_max=3)


def period(nets: dict[str, int], bps: int | None = 7_000) -> Period:
    """Return a period with these results."""
    return Period(0, DAY_NS, {name: Wei(net) for name, net in nets.items()}, bps)


@pytest.mark.parametrize(
    ("net", "debts", "operating"),
    [
        (-1, 0, 0),
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 1),
        (9, 6, 3),
        (10, 7, 3),
        (11, 7, 4),
        (10**20 + 1, 7 * 10**19, 0),
    ],
)
def test_seventy_of_a_hundred_rounded_down(net: int, debts: int, operating: int) -> None:
    """PL3: both make up the profit to the wei; a loss and a nought allocate nothing."""
    share = allocate(period({"a": net})).get("a", Share())
    assert share.debts_wei == debts
    assert share.operating_wei == (operating or max(0, net - debts))


def test_an_open_period_allocates_nothing() -> None:
    """PL3: what is not over may still be lost."""
    assert allocate(period({"a": 100}, None)) == {}


def test_losing_pools_lessen_the_profit_of_all() -> None:
    """PL3: net profit is that of all pools; those that won give it, in proportion to what they won."""
    shares = allocate(period({"a": 60, "b": 40, "c": -50}))
    assert shares == {"a": Share(Wei(21), Wei(9)), "b": Share(Wei(14), Wei(6))}
    assert allocate(period({"a": 60, "b": -60})) == {}
    assert allocate(period({"a": 60, "b": -61})) == {}


def test_the_share_is_a_setting() -> None:
    """PL3: from none to all of it."""
    assert allocate(period({"a": 9}, 0)) == {"a": Share(Wei(0), Wei(9))}
    assert allocate(period({"a": 9}, 10_000)) == {"a": Share(Wei(9), Wei(0))}


def book(periods: Periods, day: int, net: int, limits: AllocationLimits = LIMITS) -> Periods:
    """Return the periods with one result more on a day's last nanosecond."""
    return booked(periods, "a", net, (day + 1) * DAY_NS - 1, limits)[0]


def test_a_period_is_a_utc_day_and_closes_at_its_end() -> None:
    """PL3: the last nanosecond belongs to it, the next is another's; it closes at midnight, not before."""
    periods = book((), 5, 10)
    periods, _, _ = booked(periods, "a", 4, 6 * DAY_NS, LIMITS)
    assert [(each.start_ns // DAY_NS, each.net_wei) for each in periods] == [(5, 10), (6, 4)]
    assert next_close_ns(periods) == 6 * DAY_NS
    assert closed(periods, 7_000, 6 * DAY_NS - 1) == (periods, ())
    periods, over = closed(periods, 7_000, 6 * DAY_NS)
    assert [each.start_ns for each in over] == [5 * DAY_NS]
    assert closed(periods, 7_000, 6 * DAY_NS) == (periods, ())
    assert next_close_ns(periods) == 7 * DAY_NS
    assert next_close_ns(closed(periods, 7_000, 7 * DAY_NS)[0]) == 0


def test_a_closed_period_keeps_the_share_it_was_closed_with() -> None:
    """PL3: a setting changed later counts from then on, for late results too."""
    periods, _ = closed(book((), 5, 10), 7_000, 6 * DAY_NS)
    periods, before, after = booked(periods, "a", 90, 6 * DAY_NS - 1, LIMITS)
    assert (before.debt_bps, after.debt_bps) == (7_000, 7_000)
    assert allocate(before)["a"].debts_wei == 7
    assert allocate(after)["a"].debts_wei == 70
    assert len(periods) == 1


def test_only_the_newest_periods_are_kept() -> None:
    """PL3: what comes later still counts in the oldest of them, and in no other."""
    periods: Periods = ()
    for day in range(6):
        periods, _ = closed(book(periods, day, 10), 7_000, (day + 1) * DAY_NS)
    assert [each.start_ns // DAY_NS for each in periods] == [3, 4, 5]
    periods, before, after = booked(periods, "a", 5, DAY_NS, LIMITS)
    assert (before.net_wei, after.net_wei, after.start_ns // DAY_NS) == (10, 15, 3)
    assert len(periods) == 3


def test_a_day_without_trades_is_inserted_when_one_comes_late() -> None:
    """PL3: between its neighbours, in the order of time."""
    periods = book(book((), 1, 10), 3, 30)
    periods = book(periods, 2, 20)
    assert [each.net_wei for each in periods] == [10, 20, 30]


def test_a_changed_length_leaves_no_gap_and_no_overlap() -> None:
    """PL3: a week that begins while a day is open starts after it, and ends before the next."""
    weeks = msgspec.structs.replace(LIMITS, period_ns=7 * DAY_NS)
    periods = book(book((), 12, 10), 16, 20)
    periods = book(periods, 14, 5, weeks)
    periods = book(periods, 13, 1, weeks)
    spans = [(each.start_ns // DAY_NS, each.end_ns // DAY_NS, each.net_wei) for each in periods]
    assert spans == [(12, 13, 10), (13, 16, 6), (16, 17, 20)]


def test_a_week_begins_on_a_monday() -> None:
    """PL3: 2026-01-05 is a Monday; Sunday evening still is of the week before."""
    weeks = msgspec.structs.replace(LIMITS, period_ns=7 * DAY_NS)
    monday = 20_458
    periods = book(book((), monday, 10, weeks), monday - 1, 20, weeks)
    spans = [(each.start_ns // DAY_NS, each.net_wei) for each in periods]
    assert spans == [(monday - 7, 20), (monday, 10)]
