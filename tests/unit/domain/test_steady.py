"""A status that follows a figure without flapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.health import Health, rank
from warden.domain.steady import Levels, Steady, step

LEVELS = Levels(70, 90, 5, looks=2)


def after(figures: list[float], levels: Levels = LEVELS) -> Health:
    """Return the status after these looks."""
    state = Steady()
    for figure in figures:
        state = step(state, figure, levels)
    return state.status


@pytest.mark.parametrize(
    ("figures", "status"),
    [
        ([69.9] * 5, Health.HEALTHY),
        ([99.0], Health.HEALTHY),
        ([99.0, 10.0, 99.0, 10.0, 99.0], Health.HEALTHY),
        ([70.0, 70.0], Health.DEGRADED),
        ([99.0, 72.0], Health.DEGRADED),
        ([99.0, 72.0, 99.0], Health.DEGRADED),
        ([90.0, 90.0], Health.CRITICAL),
        ([90.0, 90.0, 85.0, 85.0, 85.0], Health.CRITICAL),
        ([90.0, 90.0, 84.9, 84.9], Health.DEGRADED),
        ([90.0, 90.0, 10.0], Health.CRITICAL),
        ([90.0, 90.0, 84.9, 10.0], Health.DEGRADED),
        ([90.0, 90.0, 10.0, 10.0], Health.HEALTHY),
        ([70.0, 70.0, 65.0, 65.0], Health.DEGRADED),
        ([70.0, 70.0, 64.9, 64.9], Health.HEALTHY),
    ],
)
def test_two_looks_agree_before_it_changes(figures: list[float], status: Health) -> None:
    """HM1: a short peak changes nothing, and a level is left only by its margin."""
    assert after(figures) is status


def test_one_look_is_enough_where_it_says_so() -> None:
    """HM1: what moves slowly by itself needs no second look."""
    assert after([95.0], Levels(80, 95, 1)) is Health.CRITICAL
    assert after([95.0, 94.0], Levels(80, 95, 1)) is Health.CRITICAL
    assert after([95.0, 93.9], Levels(80, 95, 1)) is Health.DEGRADED


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(1, 4))
def test_it_never_flaps_within_its_margin(figures: list[float], looks: int) -> None:
    """HM1: while a figure stays between the margin and the limit, the status stays what it was."""
    levels = Levels(70, 90, 5, looks)
    state = Steady()
    for figure in figures:
        before, state = state.status, step(state, figure, levels)
        if state.status is not before:
            rose = rank(state.status) > rank(before)
            assert figure >= 70 if rose else figure < 90
    held = state.status
    for figure in (66.0, 69.0, 66.0, 69.0) * looks:
        state = step(state, figure, levels)
    assert state.status is (Health.DEGRADED if held is not Health.HEALTHY else Health.HEALTHY)
