"""Rows of bad outcomes, and taking one back as if it had never been."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warden.domain.risk.streak import EMPTY, REMEMBERED, Streak, add, without
from warden.wire.codec import from_json, to_json


def row(outcomes: str) -> Streak:
    """Return the streak after outcomes: `x` is bad, `o` is good."""
    streak = EMPTY
    for number, outcome in enumerate(outcomes):
        streak = add(streak, str(number), bad=outcome == "x")
    return streak


def test_a_good_outcome_ends_the_row() -> None:
    """CB1: only outcomes in a row count."""
    assert [row(outcomes).length for outcomes in ("", "x", "xx", "xxo", "xxox")] == [0, 1, 2, 0, 1]


def test_taking_back_the_good_one_joins_the_rows() -> None:
    """A reorg that takes back the success between two failures leaves two failures in a row."""
    assert without(row("xxoxx"), "2").length == 4


def test_a_longer_row_than_is_remembered_stays_known() -> None:
    """Taking back one of a very long row makes it one shorter, no more."""
    streak = row("x" * (REMEMBERED + 20))
    assert streak.length == REMEMBERED + 20
    assert without(streak, str(REMEMBERED + 19)).length == REMEMBERED + 19


def test_what_is_not_remembered_cannot_be_taken_back() -> None:
    """An outcome of long ago stays counted."""
    streak = row("x" * (REMEMBERED + 1))
    assert without(streak, "0") is streak


@given(st.text("xo", max_size=REMEMBERED), st.data())
def test_taking_back_any_outcome_is_as_if_it_had_not_been(outcomes: str, data: st.DataObject) -> None:
    """CB1: the row after a reorg is the row of the outcomes that remain."""
    if not outcomes:
        return
    gone = data.draw(st.integers(0, len(outcomes) - 1))
    left = without(row(outcomes), str(gone))
    assert left.length == row(outcomes[:gone] + outcomes[gone + 1 :]).length
    assert from_json(to_json(left), Streak) == left
