"""The figures of the circuit breaker for screen, reports and metrics (CB4)."""

from __future__ import annotations

import msgspec

from warden.domain.money import Wei
from warden.domain.risk import window
from warden.domain.risk.circuit_breaker import Breaker, BreakerLimits, BreakerState
from warden.domain.risk.events import NS_PER_S
from warden.domain.risk.refusal import Refusal


class Metrics(msgspec.Struct, frozen=True):
    """The figures of a breaker at one moment (CB4); amounts as breaker_counts.py defines them.

    `why` is None while it is CLOSED; `cools_for_ns` 0 unless it is OPEN and cools down.
    """

    state: BreakerState
    why: Refusal | None
    trips: int
    forced: int
    spent_open_ns: int
    cools_for_ns: int
    successes: int
    failures: int
    losing: int
    sample: int
    failed: int
    lost_wei: Wei
    lost_micro_usd: int
    operator: str
    reason: str


def metrics(breaker: Breaker, limits: BreakerLimits, at_ns: int) -> Metrics:
    """Return the figures at `at_ns`."""
    counts, is_open = breaker.counts, breaker.state is BreakerState.OPEN
    rate_ns, loss_ns = limits.failure_window_s * NS_PER_S, limits.loss_window_s * NS_PER_S
    failed = window.pruned(counts.failed, rate_ns, at_ns).total
    return Metrics(
        state=breaker.state,
        why=None if breaker.state is BreakerState.CLOSED else breaker.why,
        trips=breaker.trips,
        forced=breaker.forced,
        spent_open_ns=breaker.spent_open_ns + (max(0, at_ns - breaker.opened_ns) if is_open else 0),
        cools_for_ns=max(0, breaker.until_ns - at_ns) if is_open and not breaker.held else 0,
        successes=breaker.successes,
        failures=breaker.failures,
        losing=counts.losing.length,
        sample=failed + window.pruned(counts.passed, rate_ns, at_ns).total,
        failed=failed,
        lost_wei=window.pruned(counts.lost, loss_ns, at_ns).fall,
        lost_micro_usd=int(window.pruned(counts.lost_micro_usd, loss_ns, at_ns).fall),
        operator=breaker.operator,
        reason=breaker.reason,
    )
