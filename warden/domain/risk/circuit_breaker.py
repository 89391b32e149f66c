"""The circuit breaker: opens on failures in a row, cools down, then lets one probe through (CB1, CB2)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.risk.refusal import Refusal

_NS_PER_S = 1_000_000_000


class BreakerState(StrEnum):
    """CLOSED lets trades through, OPEN none, HALF_OPEN one probe at a time."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class BreakerLimits(msgspec.Struct, frozen=True):
    """When it opens and closes; times in seconds."""

    consecutive_failures: int
    cooldown_s: int
    successes_to_close: int
    probe_timeout_s: int


class Breaker(msgspec.Struct, frozen=True):
    """The state; a new one after every step. Times are nanoseconds of one monotonic clock."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    successes: int = 0
    opened_ns: int = 0
    probe: str = ""
    probe_ns: int = 0
    trips: int = 0


def advance(breaker: Breaker, limits: BreakerLimits, now_ns: int) -> Breaker:
    """Return the breaker after time has passed: cooled down, or its probe timed out."""
    if breaker.state is BreakerState.OPEN and now_ns - breaker.opened_ns >= limits.cooldown_s * _NS_PER_S:
        return msgspec.structs.replace(breaker, state=BreakerState.HALF_OPEN, successes=0, probe="")
    if (
        breaker.state is BreakerState.HALF_OPEN
        and breaker.probe
        and now_ns - breaker.probe_ns >= limits.probe_timeout_s * _NS_PER_S
    ):
        return _opened(breaker, now_ns)
    return breaker


def check(breaker: Breaker) -> Refusal | None:
    """Return why no trade may start now, or None; call `advance` first."""
    if breaker.state is BreakerState.OPEN:
        return Refusal("breaker.open", "the circuit breaker is open", observed=BreakerState.OPEN.value)
    if breaker.state is BreakerState.HALF_OPEN and breaker.probe:
        return Refusal("breaker.probing", "one probe trade at a time", observed=BreakerState.HALF_OPEN.value)
    return None


def begin(breaker: Breaker, intent_id: str, now_ns: int) -> Breaker:
    """Return the breaker after a trade was let through: in HALF_OPEN it is the probe."""
    if breaker.state is BreakerState.HALF_OPEN:
        return msgspec.structs.replace(breaker, probe=intent_id, probe_ns=now_ns)
    return breaker


def abandon(breaker: Breaker, intent_id: str) -> Breaker:
    """Return the breaker after a trade that was let through was never sent: it says nothing either way."""
    return msgspec.structs.replace(breaker, probe="") if breaker.probe == intent_id else breaker


def settle(breaker: Breaker, limits: BreakerLimits, intent_id: str, *, success: bool, now_ns: int) -> Breaker:
    """Return the breaker after a trade's outcome on the chain."""
    if breaker.state is BreakerState.HALF_OPEN and breaker.probe == intent_id:
        if not success:
            return _opened(breaker, now_ns)
        if breaker.successes + 1 >= limits.successes_to_close:
            return Breaker(trips=breaker.trips)
        return msgspec.structs.replace(breaker, successes=breaker.successes + 1, probe="")
    if breaker.state is not BreakerState.CLOSED:
        return breaker
    failures = 0 if success else breaker.failures + 1
    if failures >= limits.consecutive_failures:
        return _opened(msgspec.structs.replace(breaker, failures=failures), now_ns)
    return msgspec.structs.replace(breaker, failures=failures)


def _opened(breaker: Breaker, now_ns: int) -> Breaker:
    return msgspec.structs.replace(
        breaker, state=BreakerState.OPEN, opened_ns=now_ns, probe="", successes=0, trips=breaker.trips + 1
    )
