"""The circuit breaker: when it opens, how it cools down, and that one probe at a time goes through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.risk.circuit_breaker import (
    Breaker,
    BreakerLimits,
    BreakerState,
    abandon,
    advance,
    begin,
    check,
    settle,
)

S = 1_000_000_000
LIMITS = BreakerLimits(consecutive_failures=5, cooldown_s=60, successes_to_close=2, probe_timeout_s=30)
BEGIN_NS = 1_000 * S


def failed(breaker: Breaker, times: int, now_ns: int = BEGIN_NS) -> Breaker:
    """Return the breaker after trades that failed."""
    for number in range(times):
        breaker = settle(breaker, LIMITS, f"intent-{number}", success=False, now_ns=now_ns)
    return breaker


def half_open(now_ns: int = BEGIN_NS + 60 * S) -> Breaker:
    """Return a breaker that opened and has cooled down at `now_ns`."""
    return advance(failed(Breaker(), 5, now_ns - 60 * S), LIMITS, now_ns)


def rule(breaker: Breaker) -> str:
    """Return the rule by which a breaker refuses, empty when it lets through."""
    refusal = check(breaker)
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(("failures", "state"), [(4, BreakerState.CLOSED), (5, BreakerState.OPEN)])
def test_it_opens_at_the_limit_and_not_before(failures: int, state: BreakerState) -> None:
    """CB1: four failures in a row leave it closed, the fifth opens it, counted as one trip."""
    breaker = failed(Breaker(), failures)
    assert breaker.state is state
    assert breaker.trips == (state is BreakerState.OPEN)
    assert rule(breaker) == ("breaker.open" if state is BreakerState.OPEN else "")


def test_the_first_failure_of_all_opens_nothing() -> None:
    """CB1's trap: one failed trade of one is no failure rate of 100 %."""
    assert check(failed(Breaker(), 1)) is None


def test_a_success_between_ends_the_row() -> None:
    """CB1: failures count in a row only."""
    breaker = settle(failed(Breaker(), 4), LIMITS, "good", success=True, now_ns=BEGIN_NS)
    assert breaker.failures == 0
    assert failed(breaker, 4).state is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("waited_ns", "state"), [(60 * S - 1, BreakerState.OPEN), (60 * S, BreakerState.HALF_OPEN)]
)
def test_the_cooldown_counts_to_the_nanosecond(waited_ns: int, state: BreakerState) -> None:
    """CB2: OPEN until the cooldown is over, HALF_OPEN from that moment on."""
    assert advance(failed(Breaker(), 5), LIMITS, BEGIN_NS + waited_ns).state is state


def test_half_open_lets_one_probe_through_at_a_time() -> None:
    """CB2's trap: while a probe is out nothing else starts; after its success the next one may."""
    breaker = half_open()
    assert rule(breaker) == ""
    breaker = begin(breaker, "probe", BEGIN_NS)
    assert rule(breaker) == "breaker.probing"
    breaker = settle(breaker, LIMITS, "probe", success=True, now_ns=BEGIN_NS)
    assert (breaker.state, rule(breaker)) == (BreakerState.HALF_OPEN, "")


def test_two_successful_probes_close_it() -> None:
    """CB2: it closes at the second success, forgets the failures and keeps the count of its trips."""
    breaker = half_open()
    for number in range(2):
        breaker = begin(breaker, f"probe-{number}", BEGIN_NS)
        breaker = settle(breaker, LIMITS, f"probe-{number}", success=True, now_ns=BEGIN_NS)
    assert (breaker.state, breaker.failures, breaker.trips) == (BreakerState.CLOSED, 0, 1)


@pytest.mark.parametrize("successes", [0, 1])
def test_a_failed_probe_opens_it_again(successes: int) -> None:
    """CB2: one failure opens it, whatever succeeded before; the cooldown begins anew and successes from 0."""
    breaker = half_open()
    for number in range(successes):
        breaker = begin(breaker, f"good-{number}", BEGIN_NS)
        breaker = settle(breaker, LIMITS, f"good-{number}", success=True, now_ns=BEGIN_NS)
    later_ns = BEGIN_NS + 100 * S
    breaker = settle(begin(breaker, "bad", later_ns), LIMITS, "bad", success=False, now_ns=later_ns)
    assert (breaker.state, breaker.opened_ns, breaker.trips) == (BreakerState.OPEN, later_ns, 2)
    assert advance(breaker, LIMITS, later_ns + 60 * S).successes == 0


@pytest.mark.parametrize(
    ("waited_ns", "state"), [(30 * S - 1, BreakerState.HALF_OPEN), (30 * S, BreakerState.OPEN)]
)
def test_a_probe_without_an_end_opens_it_again(waited_ns: int, state: BreakerState) -> None:
    """CB2: a probe that times out counts as failed."""
    now_ns = BEGIN_NS + 60 * S
    breaker = begin(half_open(now_ns), "probe", now_ns)
    assert advance(breaker, LIMITS, now_ns + waited_ns).state is state


def test_a_probe_that_was_never_sent_says_nothing() -> None:
    """CB2: an abandoned probe makes room for another; another trade's end is not taken for the probe's."""
    breaker = begin(half_open(), "probe", BEGIN_NS)
    assert abandon(breaker, "another") == breaker
    assert settle(breaker, LIMITS, "another", success=False, now_ns=BEGIN_NS) == breaker
    assert rule(abandon(breaker, "probe")) == ""


def test_trades_of_before_change_nothing_while_it_is_open() -> None:
    """CB2: what was in flight when it opened neither closes it nor prolongs the cooldown."""
    breaker = failed(Breaker(), 5)
    for success in (True, False):
        assert settle(breaker, LIMITS, "late", success=success, now_ns=BEGIN_NS + S) == breaker


def test_a_closed_breaker_has_no_probe() -> None:
    """CB2: while it is CLOSED trades are trades."""
    assert begin(Breaker(), "intent", BEGIN_NS) == Breaker()


STEPS = st.lists(st.tuples(st.sampled_from(["win", "lose", "drop", "hang"]), st.integers(0, 40)), max_size=60)


@given(STEPS)
def test_whatever_happens_it_is_never_wide_open(steps: list[tuple[str, int]]) -> None:
    """CB1, CB2: never five failures in a row while CLOSED, never two probes, never a trade while OPEN."""
    breaker, now_ns, out, failures = Breaker(), BEGIN_NS, "", 0
    for number, (step, wait_s) in enumerate(steps):
        now_ns += wait_s * S
        before = breaker
        breaker = advance(breaker, LIMITS, now_ns)
        if before.state is BreakerState.OPEN and breaker.state is not BreakerState.OPEN:
            assert now_ns - before.opened_ns >= LIMITS.cooldown_s * S
        if breaker.state is BreakerState.OPEN:
            assert check(breaker) is not None
            failures = 0
            continue
        if breaker.probe:
            assert rule(breaker) == "breaker.probing"
            continue
        assert check(breaker) is None
        out = f"intent-{number}"
        breaker = begin(breaker, out, now_ns)
        if step == "drop":
            breaker = abandon(breaker, out)
        elif step != "hang":
            trips = breaker.trips
            was = breaker.state
            breaker = settle(breaker, LIMITS, out, success=step == "win", now_ns=now_ns)
            failures = failures + 1 if step == "lose" else 0
            opened = (was is BreakerState.HALF_OPEN and step == "lose") or failures >= 5
            assert (breaker.state is BreakerState.OPEN, breaker.trips - trips) == (opened, int(opened))
