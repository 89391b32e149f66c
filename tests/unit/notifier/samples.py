"""Events and statuses for the notifier, with only what a test cares about to name."""

from __future__ import annotations

from warden.domain.roles import Role
from warden.notifier.alerts import Alert
from warden.notifier.core import Now
from warden.wire.telemetry import Event, LoggerStatus, Severity

S = 10**9
TIME = "2026-01-01T00:00:00.000Z"


def at(boot_ns: int) -> Now:
    """Return the moment `boot_ns` after boot."""
    return Now(boot_ns=boot_ns, wall=TIME)


def event(
    kind: str,
    severity: Severity = Severity.WARNING,
    *,
    role: Role = Role.GATEWAY,
    message: str = "it happened",
    runbook: str = "",
    **data: str,
) -> Event:
    """Return an event."""
    return Event(
        time=TIME, role=role, severity=severity, kind=kind, message=message, data=data, runbook=runbook
    )


def status(sent_ns: int) -> LoggerStatus:
    """Return a status; only when it was sent matters here."""
    return LoggerStatus(sent_ns=sent_ns, session="s", lines=0, dropped=0)


def alert(number: int = 1, severity: Severity = Severity.ERROR, *, message: str = "it happened") -> Alert:
    """Return an alert."""
    return Alert(
        alert_id=f"A{number:06d}",
        time=TIME,
        severity=severity,
        kind="endpoint.failing",
        source=Role.GATEWAY,
        title="An RPC endpoint fails",
        message=message,
        root_cause="Its server is away.",
        recommended_action="open runbooks/network-failure.md",
        runbook="network-failure",
    )
