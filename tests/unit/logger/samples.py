"""Messages as other processes send them, with only what a test cares about to name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.wire.telemetry import Event, ExecutorStatus, ProcessLine, Severity, WatchdogStatus

if TYPE_CHECKING:
    from warden.wire.messages import Head

TIME = "2026-01-01T00:00:00.000Z"


def event(
    kind: str,
    severity: Severity = Severity.INFO,
    *,
    role: Role = Role.GATEWAY,
    message: str = "something happened",
    **data: str,
) -> Event:
    """Return an event."""
    return Event(
        time=TIME,
        role=role,
        severity=severity,
        kind=kind,
        message=message,
        data=data,
        trace_id="cafe",
        runbook="network-failure",
    )


def process_line(name: str) -> ProcessLine:
    """Return one process as the watchdog sees it."""
    return ProcessLine(name=name, pid=7, state="ready", age_ms=40, progress=9, pss_mb=41.5, cpu_percent=0.5)


def watchdog_status(*, sent_ns: int = 1, heads: tuple[Head, ...] = ()) -> WatchdogStatus:
    """Return a status of the watchdog with two processes."""
    return WatchdogStatus(
        sent_ns=sent_ns,
        session="s",
        environment="devnet",
        mode=3,
        why="",
        stops=(),
        stop_dir="",
        processes=(process_line("trader"), process_line("executor")),
        heads=heads,
    )


def executor_status(*, net_wei: int = 0, heads: tuple[Head, ...] = ()) -> ExecutorStatus:
    """Return a status of the executor."""
    return ExecutorStatus(
        sent_ns=1,
        session="s",
        wallet="0x0",
        gate="",
        mode=3,
        exposure_wei=Wei(0),
        exposure_limit_bps=5_000,
        capital_wei=None,
        gas_balance_wei=None,
        trades=1,
        wins=1,
        net_wei=Wei(net_wei),
        gas_wei=Wei(0),
        price_usd="",
        breaker="CLOSED",
        pending=0,
        heads=heads,
    )
