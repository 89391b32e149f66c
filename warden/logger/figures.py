"""The figures of one status for its line in performance.log: small, flat, by name with the unit last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.health import Health
from warden.wire.telemetry import (
    ApiStatus,
    DevnetStatus,
    ExecutorStatus,
    GatewayStatus,
    LoggerStatus,
    NotifierStatus,
    TraderStatus,
    WatchdogStatus,
)

if TYPE_CHECKING:
    import msgspec

Figures = dict[str, object]


def figures(status: msgspec.Struct) -> list[Figures]:  # noqa: PLR0911 - one return per kind of status
    """Return one flat record per thing that the status measures; none for what has no figures."""
    match status:
        case WatchdogStatus():
            return [*_processes(status), *_health(status)]
        case ExecutorStatus():
            return [_executor(status)]
        case GatewayStatus():
            return _gateway(status)
        case TraderStatus():
            return [
                {
                    "block": status.block,
                    "proposals": status.proposals,
                    "approved": status.approved,
                    "refused": status.refused,
                }
            ]
        case LoggerStatus():
            return [{"lines": status.lines, "dropped": status.dropped}]
        case NotifierStatus():
            return [{"alerts": status.total, "unacknowledged": status.unacknowledged}]
        case ApiStatus():
            return [{"requests": status.requests}]
        case DevnetStatus():
            return [{"block": status.block, "noise_trades": status.noise_trades}]
        case _:
            return []


def _processes(status: WatchdogStatus) -> list[Figures]:
    return [
        {
            "process": each.name,
            "state": each.state,
            "age_ms": each.age_ms,
            "progress": each.progress,
            "pss_mb": each.pss_mb,
            "cpu_percent": each.cpu_percent,
        }
        for each in status.processes
    ]


def _health(status: WatchdogStatus) -> list[Figures]:
    health = status.health
    if health is None:
        return []
    ill = {each.name: each.status for each in health.lines if each.status is not Health.HEALTHY}
    return [{"health": health.status, "score_bps": health.score_bps, "ill": ill}]


def _executor(status: ExecutorStatus) -> Figures:
    return {
        "trades": status.trades,
        "wins": status.wins,
        "pending": status.pending,
        "net_wei": status.net_wei,
        "gas_wei": status.gas_wei,
        "exposure_wei": status.exposure_wei,
        "breaker": status.breaker,
    }


def _gateway(status: GatewayStatus) -> list[Figures]:
    total: Figures = {
        "head": status.head,
        "head_age_ms": status.head_age_ms,
        "calls": status.calls,
        "failures": status.failures,
        "refused_sends": status.refused_sends,
    }
    each: list[Figures] = [
        {
            "endpoint": line.name,
            "state": line.state,
            "latency_ms": line.latency_ms,
            "lag_blocks": line.lag_blocks,
        }
        for line in status.endpoints
    ]
    return [total, *each]
