"""So many an hour."""

from __future__ import annotations

from warden.watchdog.budget import Budget

_S = 1_000_000_000


def test_three_an_hour_and_not_a_fourth() -> None:
    """The fourth of an hour is refused, and counts for nothing."""
    budget = Budget(3)
    assert [budget.take(minute * 60 * _S) for minute in (0, 1, 2, 3)] == [True, True, True, False]
    assert budget.used(3 * 60 * _S) == 3


def test_the_hour_rolls() -> None:
    """Exactly an hour after the first there is room for one more, not for two."""
    budget = Budget(2)
    assert budget.take(0)
    assert budget.take(10 * _S)
    assert not budget.take(3_600 * _S - 1)
    assert budget.take(3_600 * _S)
    assert not budget.take(3_600 * _S)


def test_none_means_none() -> None:
    """A budget of nothing never gives one (live: a lost trader waits for an operator)."""
    assert not Budget(0).take(0)
