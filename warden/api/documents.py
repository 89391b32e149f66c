"""The JSON answers. What is not known, or too old to pass for current, is null. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warden.api.core import age_ns, fresh
from warden.api.health import judge
from warden.domain.money import BPS_ONE
from warden.domain.roles import Role, processes
from warden.runtime.clock import NS_PER_MS, NS_PER_S
from warden.wire.health_json import component_json
from warden.wire.telemetry import ExecutorStatus, HealthStatus, WatchdogStatus

if TYPE_CHECKING:
    from warden.api.core import State
    from warden.wire.messages import Head

Document = dict[str, Any]


def health(state: State, now_ns: int) -> tuple[int, Document]:
    """Return /health: 200 when all is well or held still by order, else 503; why, and the health score."""
    found, judged = judge(state, now_ns), _judged(state, now_ns)
    document = {
        "status": found.status,
        "healthy": found.healthy,
        "problems": found.problems,
        "why": found.why,
        "environment": found.environment or None,
        "health": None if judged is None else judged.status,
        "health_score": None if judged is None else judged.score_bps / BPS_ONE,
    }
    return (200 if found.healthy else 503), document


def status(state: State, now_ns: int) -> Document:
    """Return /api/health/status: /health, every process, every component, and the stops that stand."""
    _, document = health(state, now_ns)
    watchdog = fresh(state, Role.WATCHDOG, WatchdogStatus, now_ns)
    return {
        **document,
        "stops": None if watchdog is None else watchdog.stops,
        "processes": None if watchdog is None else watchdog.processes,
        "components": _components(state, now_ns),
        "telemetry_age_ms": {name: _age_ms(state, name, now_ns) for name in processes(state.traders)},
    }


def uptime(state: State, now_ns: int) -> Document:
    """Return /api/health/uptime: seconds since this api began, and since each session was first heard."""
    return {
        "uptime_s": (now_ns - state.started_ns) // NS_PER_S,
        "sessions_heard_for_s": {
            name: None
            if fresh(state, name, object, now_ns) is None
            else (now_ns - state.told[name].session_since_ns) // NS_PER_S
            for name in processes(state.traders)
        },
    }


def last_snapshot(state: State, now_ns: int) -> Document:
    """Return /api/health/last_snapshot: no snapshots are taken yet, so only the journals' heads are there."""
    heads: dict[str, Head] = {}
    for role, kind in ((Role.WATCHDOG, WatchdogStatus), (Role.EXECUTOR, ExecutorStatus)):
        told = fresh(state, role, kind, now_ns)
        for head in told.heads if isinstance(told, WatchdogStatus | ExecutorStatus) else ():
            if head.journal not in heads or heads[head.journal].rows < head.rows:
                heads[head.journal] = head
    return {
        "snapshot": None,
        "taken_at": None,
        "journals": [heads[name] for name in sorted(heads)] or None,
    }


def _judged(state: State, now_ns: int) -> HealthStatus | None:
    """Return the watchdog's judgement, None when it is not current."""
    watchdog = fresh(state, Role.WATCHDOG, WatchdogStatus, now_ns)
    return None if watchdog is None else watchdog.health


def _components(state: State, now_ns: int) -> list[Document] | None:
    judged = _judged(state, now_ns)
    return None if judged is None else [component_json(each) for each in judged.lines]


def _age_ms(state: State, name: str, now_ns: int) -> int | None:
    age = age_ns(state, name, now_ns)
    return None if age is None else age // NS_PER_MS
