"""An alert: what happened, why it usually does, and what to do about it (AL2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.roles import Role
from warden.wire.telemetry import AlertLine, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

RECENT_MAX: Final = 20
# Twenty lines of these sizes stay below a message's 64 KiB even where each character takes four bytes.
_MESSAGE_MAX: Final = 280
_CAUSE_MAX: Final = 240
_TITLE_MAX: Final = 80
_NAME_MAX: Final = 40

SEVERITIES: Final = tuple(Severity)


class Alert(msgspec.Struct, frozen=True):
    """One alert, whole, as channels get it and as it is remembered.

    Attributes:
        alert_id: counts up for as long as the notifier's state lives, such as `A000017`.
        time: UTC, ISO 8601, of the first occurrence; `last_time` of the latest.
        kind: the event's, such as `endpoint.failing`.
        root_cause: what is usually behind it.
        recommended_action: one line; names the runbook.
        runbook: file and section below runbooks/, such as `process-lost#trader`.
        metadata: the event's values by name, and its trace id.
        count: how often it happened so far.
    """

    alert_id: str
    time: str
    severity: Severity
    kind: str
    source: Role
    title: str
    message: str
    root_cause: str
    recommended_action: str
    runbook: str
    metadata: dict[str, str] = {}
    count: int = 1
    last_time: str = ""
    acknowledged_by: str = ""
    acknowledged_at: str = ""


def number_of(alert_id: str) -> int:
    """Return the number in an alert's id."""
    return int(alert_id.removeprefix("A"))


def id_of(number: int) -> str:
    """Return the id of the alert with that number."""
    return f"A{number:06d}"


def rank(severity: Severity) -> int:
    """Return how much a severity matters, the most the highest."""
    return SEVERITIES.index(severity)


def line(alert: Alert) -> AlertLine:
    """Return the alert as telemetry shows it, every text bounded."""
    return AlertLine(
        alert_id=alert.alert_id,
        time=alert.time[:_NAME_MAX],
        severity=alert.severity,
        title=alert.title[:_TITLE_MAX],
        message=alert.message[:_MESSAGE_MAX],
        root_cause=alert.root_cause[:_CAUSE_MAX],
        runbook=alert.runbook[:_NAME_MAX],
        source=alert.source,
        count=alert.count,
        acknowledged_by=alert.acknowledged_by[:_NAME_MAX],
        acknowledged_at=alert.acknowledged_at[:_NAME_MAX],
    )


def recent(alerts: Iterable[Alert]) -> tuple[AlertLine, ...]:
    """Return the newest alerts first, 20 at most; `alerts` come oldest first."""
    return tuple(line(each) for each in list(alerts)[: -RECENT_MAX - 1 : -1])
