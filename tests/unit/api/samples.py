"""Statuses of a system that trades, with what a test changes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.unit.logger.samples import executor_status, watchdog_status
from warden.api.core import State, hear
from warden.domain.health import Health
from warden.domain.health import line as line_of
from warden.domain.roles import Role
from warden.wire.messages import Head
from warden.wire.telemetry import (
    EndpointLine,
    GatewayStatus,
    HealthStatus,
    LoggerStatus,
    NotifierStatus,
    ProcessLine,
    StopLine,
    TraderStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

S = 10**9
NOW = 100 * S


def line(name: str, state: str = "ready") -> ProcessLine:
    """Return one process as the watchdog sees it."""
    return ProcessLine(name=name, pid=7, state=state, age_ms=40, progress=9, pss_mb=41.5, cpu_percent=0.5)


def processes(**states: str) -> tuple[ProcessLine, ...]:
    """Return every process as ready, except for those named."""
    names = ("executor", "gateway", "trader", "logger", "notifier", "api")
    return tuple(line(name, states.get(name, "ready")) for name in names)


def stop(reason: str = "MANUAL") -> StopLine:
    """Return a stop."""
    return StopLine(id="s1", reason=reason, message="enough", operator="ann", time="2026-01-01T00:00:00Z")


def judged() -> HealthStatus:
    """Return a judgement with one part that is not well."""
    lines = (
        line_of("executor", Health.HEALTHY, "ready"),
        line_of("machine.cpu", Health.DEGRADED, "81 % of all cores", "70/90 %"),
    )
    return HealthStatus(9_625, Health.HEALTHY, 3_000, lines)


def endpoint(name: str, state: str = "ok") -> EndpointLine:
    """Return an endpoint."""
    return EndpointLine(name=name, state=state, latency_ms=12.5, head=900, lag_blocks=1)


def trading() -> dict[Role, Any]:
    """Return the statuses of a healthy system that trades, all sent at `NOW`."""
    gateway = GatewayStatus(
        sent_ns=NOW,
        session="g",
        url="",
        endpoints=(endpoint("a"), endpoint("b", "failing")),
        head=901,
        head_age_ms=400,
        calls=50,
        failures=2,
        refused_sends=1,
    )
    trader = TraderStatus(
        sent_ns=NOW, session="t", strategy="x", state="running", block=9, proposals=3, approved=2, refused=1
    )
    watchdog = watchdog_status(sent_ns=NOW, heads=(Head(journal="watchdog", rows=3, hash="ab"),))
    executor = executor_status(net_wei=5, heads=(Head(journal="executor", rows=9, hash="cd"),))
    return {
        Role.WATCHDOG: msgspec.structs.replace(watchdog, processes=processes(), health=judged()),
        Role.EXECUTOR: msgspec.structs.replace(executor, sent_ns=NOW),
        Role.GATEWAY: gateway,
        Role.TRADER: trader,
        Role.LOGGER: LoggerStatus(sent_ns=NOW, session="l", lines=8, dropped=1),
        Role.NOTIFIER: NotifierStatus(sent_ns=NOW, session="n", total=4, unacknowledged=2, recent=()),
    }


def state(statuses: Mapping[Role, Any] | None = None, **watchdog: object) -> State:
    """Return what the api knows after `statuses` (else `trading`), the watchdog's changed as named."""
    told = dict(trading() if statuses is None else statuses)
    if watchdog:
        told[Role.WATCHDOG] = msgspec.structs.replace(told[Role.WATCHDOG], **watchdog)
    made = State(started_ns=NOW - 50 * S)
    for role, status in told.items():
        hear(made, role, status, NOW)
    return made
