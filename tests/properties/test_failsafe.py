"""The windows of what shuts down (FS1): exact, without a break, and never by time in which nobody looked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warden.domain.failsafe import LOOK_NS_MAX, Lasting, is_near, is_over, looked

S = 1_000_000_000
looks = st.lists(st.tuples(st.booleans(), st.integers(0, 10 * S)), max_size=60)


def after(steps: list[tuple[bool, int]]) -> Lasting:
    """Return how long it has lasted after these looks."""
    lasting = Lasting()
    for holds, since_ns in steps:
        lasting = looked(lasting, holds=holds, since_ns=since_ns)
    return lasting


@given(looks)
def test_it_is_the_time_looked_at_since_the_last_break(steps: list[tuple[bool, int]]) -> None:
    """FS1: the sum of what was looked at, two seconds a look at most, since it last did not hold."""
    tail: list[int] = []
    for holds, since_ns in steps:
        tail = [*tail, min(since_ns, LOOK_NS_MAX)] if holds else []
    assert after(steps).for_ns == sum(tail)


@given(looks, st.integers(1, 100 * S))
def test_it_never_shuts_down_early(steps: list[tuple[bool, int]], window_ns: int) -> None:
    """FS1: over means that the whole window passed, on the clock too, with nothing else in between."""
    for end in range(len(steps) + 1):
        if is_over(after(steps[:end]), window_ns):
            unbroken = 0
            for holds, since_ns in reversed(steps[:end]):
                if not holds:
                    break
                unbroken += since_ns
            assert unbroken >= window_ns


@given(st.integers(1, 1_000 * S), st.integers(1, LOOK_NS_MAX))
def test_what_goes_on_does_shut_down(window_ns: int, every_ns: int) -> None:
    """FS1: however often it is looked at, it is over after the window and one look at most."""
    looks_needed = -(-window_ns // every_ns)
    lasting = Lasting(for_ns=every_ns * (looks_needed - 1))
    assert not is_over(lasting, window_ns)
    assert is_over(looked(lasting, holds=True, since_ns=every_ns), window_ns)


@given(st.integers(0, 200 * S), st.integers(1, 100 * S), st.integers(1, 99))
def test_a_warning_comes_before_and_once(for_ns: int, window_ns: int, percent: int) -> None:
    """ES1a: whatever is over was near before; what was told is not told again before it ends."""
    lasting = Lasting(for_ns)
    assert is_near(lasting, window_ns, percent) or not is_over(lasting, window_ns)
    assert is_near(lasting, window_ns, percent) is (for_ns * 100 >= window_ns * percent)
    told = Lasting(for_ns, told=True)
    assert not is_near(told, window_ns, percent)
    assert looked(told, holds=True, since_ns=S).told
    assert not looked(told, holds=False, since_ns=S).told


@given(st.integers(-(10**18), 0))
def test_a_clock_that_goes_back_takes_nothing_away(since_ns: int) -> None:
    """What lasted has lasted."""
    assert looked(Lasting(5 * S), holds=True, since_ns=since_ns).for_ns == 5 * S
