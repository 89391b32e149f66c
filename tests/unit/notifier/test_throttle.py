"""The sliding windows."""

from __future__ import annotations

from tests.unit.notifier.samples import S
from warden.notifier.throttle import ALL_MAX, ALL_SPAN_NS, KIND_MAX, KIND_SPAN_NS, Throttle


def test_the_defaults_are_those_promised() -> None:
    """AL3: 10 in 60 s of a type, 10 in 15 min overall."""
    assert (KIND_MAX, KIND_SPAN_NS, ALL_MAX, ALL_SPAN_NS) == (10, 60 * S, 10, 900 * S)


def test_the_window_slides() -> None:
    """AL3: room comes back one by one, as the oldest leaves the window, not all at once."""
    throttle = Throttle()
    for n in range(10):
        assert throttle.admit(f"k{n}", n * S)
    assert not throttle.admit("k", 899 * S)
    assert throttle.admit("k", 900 * S)
    assert not throttle.admit("k", 900 * S + 1)


def test_a_refusal_takes_no_room() -> None:
    """AL3: what is withheld does not prolong the withholding."""
    throttle = Throttle()
    for _ in range(100):
        throttle.admit("k", 0)
    assert throttle.admit("k", ALL_SPAN_NS)


def test_kinds_are_forgotten() -> None:
    """Names that a flood invents are not kept."""
    throttle = Throttle()
    for n in range(1_000):
        throttle.admit(f"k{n}", n)
    assert len(throttle._by_kind_ns) <= ALL_MAX
