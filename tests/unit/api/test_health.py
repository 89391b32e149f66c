"""Healthy: able to trade, or held still by order. Anything else is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.api.samples import NOW, S, endpoint, processes, state, stop, trading
from warden.api.health import judge
from warden.domain.causes import RULES, Cause
from warden.domain.roles import Role


def why(*causes: Cause) -> str:
    """Return the watchdog's reason for causes that stand, as it writes it."""
    return "; also: ".join(RULES[cause].text + ": detail" for cause in causes)


def test_a_trading_system_is_healthy() -> None:
    """All is well: TRADING and not one problem."""
    found = judge(state(), NOW)
    assert (found.status, found.healthy, found.problems) == ("TRADING", True, ())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"mode": 1, "why": why(Cause.NOT_ARMED)}, "OBSERVING"),
        ({"mode": 1, "why": why(Cause.ORDERED_OBSERVE_ONLY, Cause.LOGGER_LOST)}, "OBSERVING"),
        ({"mode": 2, "why": why(Cause.ORDERED_REDUCE_ONLY)}, "REDUCING"),
        ({"mode": 1, "why": why(Cause.STOP), "stops": (stop(),)}, "STOPPED"),
        ({"processes": processes(logger="LOST", api="starting")}, "TRADING"),
    ],
)
def test_holding_still_by_order_is_healthy(change: dict[str, Any], status: str) -> None:
    """Not armed, a mode lowered by an operator, a stop by hand: as ordered. A lost logger only degrades."""
    found = judge(state(None, **change), NOW)
    assert (found.status, found.healthy, found.problems) == (status, True, ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"mode": 1, "why": why(Cause.EXECUTOR_UNCLEAN)}, "OBSERVING: the executor's last run"),
        ({"mode": 1, "why": why(Cause.NOT_ARMED, Cause.GATEWAY_LOST)}, "OBSERVING: not armed"),
        ({"mode": 0, "why": "an operator shut it down"}, "shut down: an operator"),
        ({"mode": 9}, "unknown mode 9"),
        ({"stops": (stop("HEARTBEAT_LOST"),)}, "stopped: HEARTBEAT_LOST: enough"),
        ({"stop_dir": "stop directory /x: Permission denied"}, "stop directory /x: Permission denied"),
        ({"processes": processes(trader="LOST")}, "trader is LOST"),
        ({"processes": processes(executor="starting")}, "executor is starting"),
    ],
)
def test_what_nobody_ordered_is_unhealthy(change: dict[str, Any], problem: str) -> None:
    """A trip, an automatic stop, a lost process: unhealthy, and the reason is said."""
    found = judge(state(None, **change), NOW)
    assert not found.healthy
    assert any(each.startswith(problem) for each in found.problems)


def test_an_unheard_watchdog_is_unknown() -> None:
    """I10: without a current word from the watchdog nothing is claimed."""
    for now in (NOW + 4 * S, NOW + 4_000 * S):
        found = judge(state(), now)
        assert (found.status, found.healthy) == ("UNKNOWN", False)


def test_unheard_executor_and_gateway_are_unhealthy() -> None:
    """A live watchdog alone is not enough."""
    only = {Role.WATCHDOG: trading()[Role.WATCHDOG]}
    assert judge(state(only), NOW).problems == ("the executor is not heard", "the gateway is not heard")


def test_a_closed_gate_and_dead_endpoints_are_unhealthy() -> None:
    """Trading is allowed, but cannot happen."""
    told = trading()
    told[Role.EXECUTOR] = msgspec.structs.replace(told[Role.EXECUTOR], gate="permit: none")
    told[Role.GATEWAY] = msgspec.structs.replace(told[Role.GATEWAY], endpoints=(endpoint("a", "stale"),))
    assert judge(state(told), NOW).problems == ("gate closed: permit: none", "no endpoint can be used")
