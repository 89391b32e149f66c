"""Which change of which process is which cause, and how loudly it is told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.causes import BY_OPERATOR, RULES, Cause, LiftedBy
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.watchdog.liveness import What
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.authority import Authority
    from warden.watchdog.liveness import Change
    from warden.watchdog.outbox import Outbox

DEGRADED: Final = {Role.EXECUTOR: Cause.EXECUTOR_DEGRADED, Role.GATEWAY: Cause.GATEWAY_DEGRADED}
"""Roles whose own word that they are degraded lowers the mode."""

ENDS: Final = frozenset({What.LOST, What.LIVELOCKED, What.REPLACED, What.ENDED})
"""Changes for the worse; each ends a trader's session for good."""

_AWAY: Final = {
    Role.LOGGER: Cause.LOGGER_LOST,
    Role.NOTIFIER: Cause.NOTIFIER_LOST,
    Role.API: Cause.API_LOST,
    Role.DEVNET: Cause.DEVNET_LOST,
}

_CAUSES: Final = {
    (Role.EXECUTOR, What.LOST): Cause.EXECUTOR_LOST,
    (Role.EXECUTOR, What.REPLACED): Cause.EXECUTOR_UNCLEAN,
    (Role.EXECUTOR, What.LIVELOCKED): Cause.EXECUTOR_LIVELOCKED,
    (Role.EXECUTOR, What.ENDED): Cause.EXECUTOR_ENDED,
    (Role.GATEWAY, What.LOST): Cause.GATEWAY_LOST,
    (Role.GATEWAY, What.REPLACED): Cause.GATEWAY_LOST,
    (Role.GATEWAY, What.LIVELOCKED): Cause.GATEWAY_LIVELOCKED,
    (Role.GATEWAY, What.ENDED): Cause.GATEWAY_ENDED,
    (Role.TRADER, What.LOST): Cause.TRADER_LOST,
    (Role.TRADER, What.REPLACED): Cause.TRADER_LOST,
    (Role.TRADER, What.LIVELOCKED): Cause.TRADER_LIVELOCKED,
    (Role.TRADER, What.ENDED): Cause.TRADER_ENDED,
    **{(role, what): cause for role, cause in _AWAY.items() for what in ENDS},
}


def cause_of(change: Change, authority: Authority) -> Cause | None:
    """Return the cause that a change makes stand; None when it lowers nothing."""
    lost = Cause.EXECUTOR_LOST in authority.standing
    if change.role is Role.EXECUTOR and change.what is What.APPEARED and lost:
        return Cause.EXECUTOR_UNCLEAN
    return _CAUSES.get((change.role, change.what))


def ceiling(cause: Cause, positions: int) -> Mode:
    """Return the highest mode that a cause leaves."""
    return RULES[cause].ceiling(positions)


def severity(cause: Cause) -> Severity:
    """Return how loudly a cause is told when it comes to stand."""
    rule = RULES[cause]
    if rule.lifted_by in BY_OPERATOR:
        return Severity.CRITICAL
    if rule.lifted_by is LiftedBy.ITSELF:
        return Severity.WARNING if rule.flat is Mode.AGGRESSIVE else Severity.INFO
    return Severity.ERROR


def say(out: Outbox, kind: str, text: str, cause: Cause) -> None:
    """Tell that a cause has come to stand."""
    out.notice(severity(cause), kind, text, RULES[cause].runbook, cause=cause)
