"""The rolling window: what counts at its edge, what a reorg takes back, and what its bound does."""

from __future__ import annotations

import pytest

from warden.domain.money import Wei
from warden.domain.risk.window import EMPTY, ENTRIES_MAX, Window, add, after, pruned, without
from warden.wire.codec import from_json, to_json

LENGTH_NS = 1_000_000


def filled(*entries: tuple[int, int]) -> Window:
    """Return a window of (time, value), keyed by their numbers."""
    window = EMPTY
    for number, (at_ns, value) in enumerate(entries):
        window = add(window, LENGTH_NS, at_ns, str(number), value)
    return window


@pytest.mark.parametrize(("age_ns", "total"), [(LENGTH_NS - 1, 7), (LENGTH_NS, 7), (LENGTH_NS + 1, 0)])
def test_an_entry_counts_up_to_exactly_the_windows_length(age_ns: int, total: int) -> None:
    """CB3: at exactly its length an entry still counts; a nanosecond later it does not."""
    assert pruned(filled((50, 7)), LENGTH_NS, 50 + age_ns).total == total


def test_nothing_to_prune_is_the_same_object() -> None:
    """A window of which nothing leaves is not made anew."""
    window = filled((50, 7))
    assert pruned(window, LENGTH_NS, 60) is window
    assert after(window, 49) is window
    assert without(window, "unknown") is window


def test_the_sum_follows_what_comes_and_goes() -> None:
    """CB3: the total is the sum of what is in the window, after entries came, went and were taken back."""
    window = filled((0, 5), (10, 7), (LENGTH_NS + 5, 11))
    assert (window.total, window.values) == (18, (7, 11))
    window = without(window, "1")
    assert (window.total, window.keys) == (11, ("2",))


def test_only_later_entries_than_a_moment_remain() -> None:
    """CB3: what came at the very moment is not later."""
    assert after(filled((1, 1), (2, 2), (3, 4)), 2).total == 4


def test_a_clock_that_went_back_keeps_the_order() -> None:
    """Times never decrease, so that the oldest entry is always the first to leave."""
    assert filled((100, 1), (40, 1)).times == (100, 100)


@pytest.mark.parametrize(
    ("values", "depth"),
    [
        ((), 0),
        ((5,), 5),
        ((-5,), 0),
        ((-100, 6), 6),  # an earlier gain excuses nothing
        ((6, -4), 2),  # a later gain makes good
        ((6, -100, 3), 3),
        ((6, -4, 3), 5),
    ],
)
def test_the_fall_is_measured_from_the_best_moment(values: tuple[int, ...], depth: int) -> None:
    """CB3: how far the running sum stands below its best, whatever was earned before that."""
    window = filled(*((number, value) for number, value in enumerate(values)))
    assert window.fall == depth
    assert pruned(add(window, LENGTH_NS, 10, "last", 9), LENGTH_NS, 10).fall == depth + 9


def crowded(count: int, value: int = 1, *, lingers: bool = True) -> Window:
    """Return a window that got `count` entries of `value`, evenly over its length."""
    window = EMPTY
    for number in range(count):
        at_ns = number * LENGTH_NS // count
        window = add(window, LENGTH_NS, at_ns, str(number), value, lingers=lingers)
    return window


def test_it_keeps_every_entry_up_to_its_bound() -> None:
    """Up to the bound nothing is put together."""
    assert len(crowded(ENTRIES_MAX).times) == ENTRIES_MAX
    assert len(crowded(ENTRIES_MAX + 1).times) < ENTRIES_MAX


@pytest.mark.parametrize("count", [ENTRIES_MAX + 1, 3 * ENTRIES_MAX, 10 * ENTRIES_MAX])
def test_a_full_window_forgets_no_loss_and_stays_bounded(count: int) -> None:
    """CB3: beyond the bound entries are put together; the sum stays exact and the space bounded."""
    window = crowded(count)
    assert len(window.times) <= ENTRIES_MAX
    assert (window.total, window.fall) == (count, count)


def test_what_was_put_together_leaves_a_64th_late_at_the_most() -> None:
    """CB3: a crowded window fails closed, and still lets go of old losses."""
    count = 4 * ENTRIES_MAX
    window = crowded(count)
    for at_ns in range(LENGTH_NS, 2 * LENGTH_NS, LENGTH_NS // 100):
        exact = sum(1 for n in range(count) if n * LENGTH_NS // count >= at_ns - LENGTH_NS)
        late = sum(1 for n in range(count) if n * LENGTH_NS // count >= at_ns - LENGTH_NS - LENGTH_NS // 64)
        assert exact <= pruned(window, LENGTH_NS, at_ns).total <= late
    assert pruned(window, LENGTH_NS, 2 * LENGTH_NS + LENGTH_NS // 64).total == 0


def test_successes_that_were_put_together_leave_early() -> None:
    """CB1: too many successes would make a failure rate look better; they leave early instead."""
    count = 4 * ENTRIES_MAX
    window = crowded(count, lingers=False)
    for at_ns in range(LENGTH_NS, 2 * LENGTH_NS, LENGTH_NS // 100):
        exact = sum(1 for n in range(count) if n * LENGTH_NS // count >= at_ns - LENGTH_NS)
        assert pruned(window, LENGTH_NS, at_ns).total <= exact


def test_gains_that_were_put_together_make_good_nothing() -> None:
    """CB3: in the older half of a full window losses are kept without the gains beside them."""
    window = EMPTY
    for number in range(ENTRIES_MAX + 1):
        window = add(window, LENGTH_NS, 5, str(number), 3 if number % 2 else -3)
    assert window.fall > 0


def test_the_newer_half_of_a_full_window_can_be_taken_back() -> None:
    """What a reorg may still reach is never put together."""
    window = crowded(ENTRIES_MAX + 1)
    newest = str(ENTRIES_MAX - 10)
    assert without(window, newest).total == window.total - 1
    assert without(window, "0") is window


def test_a_window_is_journalled_as_it_is() -> None:
    """A snapshot holds it exactly, amounts over 64 bits too."""
    window = add(EMPTY, LENGTH_NS, 5, "whale", Wei(2**90))
    assert from_json(to_json(window), Window) == window
