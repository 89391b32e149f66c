"""The picture of the system for people and scripts: (snapshot, now, limits) -> SystemView. Pure.

What is older than its limit is stale: it is never shown as current (I10, CO3). A part's `seen.stale` says so;
`view_to_json` gives null for the values of a stale part, so that no script takes them for current either.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.money import WEI_PER_ETHER, share_bps, wei_to_ether
from warden.domain.roles import Role, processes
from warden.operator.capital_text import capital_json
from warden.operator.health_text import health_json
from warden.operator.judgement import judge
from warden.operator.picture import (
    PASSING_STATES,
    Alerts,
    Endpoints,
    Limits,
    Money,
    ProcessView,
    Seen,
    SystemView,
)
from warden.wire.telemetry import (
    AlertLine,
    Event,
    ExecutorStatus,
    GatewayStatus,
    NotifierStatus,
    Severity,
    StopLine,
    WatchdogStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from warden.operator.link import Snapshot
    from warden.wire.messages import Head

_NS_PER_MS: Final = 1_000_000
_CENTS: Final = Decimal("0.01")
_ALARMING: Final = frozenset({Severity.WARNING, Severity.ERROR, Severity.CRITICAL})
_ALERTS_MAX: Final = 50


def build_view(snapshot: Snapshot, now_ns: int, limits: Limits | None = None) -> SystemView:
    """Return the picture at `now_ns` (CLOCK_BOOTTIME)."""
    limits = limits or Limits()
    names = processes(snapshot.traders)
    seen: dict[str, Seen] = {name: _seen(snapshot, name, now_ns, limits) for name in names}
    watchdog: WatchdogStatus | None = snapshot.status(Role.WATCHDOG)
    lines = _processes(snapshot, seen, limits)
    # Of whom nothing was ever heard is the oldest of all.
    beating = [line for line in lines if line.name != Role.WATCHDOG]
    oldest = max(beating, key=lambda line: (line.age_ms is None, line.age_ms or 0), default=None)
    money = _money(snapshot.status(Role.EXECUTOR), seen[Role.EXECUTOR])
    word, why, mode = judge(snapshot, seen, now_ns, limits)
    return SystemView(
        environment=snapshot.environment or (watchdog.environment if watchdog else ""),
        word=word,
        why=why,
        mode=mode,
        stops=_stops(snapshot, seen[Role.WATCHDOG]),
        stop_dir=snapshot.latch.unreadable,
        watchdog=seen[Role.WATCHDOG],
        oldest=Seen(age_ms=oldest.age_ms, stale=oldest.stale) if oldest else Seen(age_ms=None, stale=True),
        oldest_name=oldest.name if oldest else "",
        processes=lines,
        money=money,
        endpoints=_endpoints(snapshot, seen[Role.GATEWAY], limits),
        alerts=_alerts(snapshot, seen[Role.NOTIFIER]),
        journals=_journals(snapshot, seen),
        one_user=snapshot.one_user,
        capital=None if watchdog is None or seen[Role.WATCHDOG].stale else watchdog.capital,
        health=None if watchdog is None or seen[Role.WATCHDOG].stale else watchdog.health,
    )


def _seen(snapshot: Snapshot, name: str, now_ns: int, limits: Limits) -> Seen:
    heard = snapshot.heard.get(name)
    if heard is None:
        return Seen(age_ms=None, stale=True)
    age_ms = max(0, now_ns - heard.as_of_ns) // _NS_PER_MS
    return Seen(age_ms=age_ms, stale=age_ms > limits.stale_ms)


def _stops(snapshot: Snapshot, watchdog_seen: Seen) -> tuple[StopLine, ...]:
    """Return the stops that stand: the directory's, and what a live watchdog adds to them."""
    lines = {
        stop.stop_id: StopLine(stop.stop_id, stop.reason, stop.message, stop.operator, stop.time)
        for stop in snapshot.latch.stops
    }
    watchdog: WatchdogStatus | None = snapshot.status(Role.WATCHDOG)
    if watchdog is not None and not watchdog_seen.stale and snapshot.latch.unreadable:
        for line in watchdog.stops:
            lines.setdefault(line.id, line)
    return tuple(lines.values())


def _processes(snapshot: Snapshot, seen: Mapping[str, Seen], limits: Limits) -> tuple[ProcessView, ...]:
    """Return processes, worst first, then in their usual order."""
    watchdog: WatchdogStatus | None = snapshot.status(Role.WATCHDOG)
    by_name: dict[str, ProcessView] = {}
    if watchdog is not None:
        link_ms = seen[Role.WATCHDOG].age_ms or 0
        for line in watchdog.processes:
            age_ms = None if line.age_ms is None else line.age_ms + link_ms
            stale = age_ms is None or age_ms > max(limits.stale_ms, 2 * snapshot.beat_ms)
            by_name[line.name] = ProcessView(
                name=line.name,
                pid=line.pid,
                state="unknown" if seen[Role.WATCHDOG].stale else line.state,
                age_ms=age_ms,
                stale=stale,
                progress=line.progress,
                pss_mb=line.pss_mb,
                cpu_percent=line.cpu_percent,
                detail=line.detail,
                restarts=line.restarts,
            )
    if seen[Role.WATCHDOG].stale:
        by_name |= _without_watchdog(snapshot, seen, by_name)
    elif Role.WATCHDOG not in by_name:
        by_name[Role.WATCHDOG] = _told(Role.WATCHDOG, seen[Role.WATCHDOG])
    order = {name: place for place, name in enumerate(seen)}
    return tuple(
        sorted(by_name.values(), key=lambda line: (_rank(line), order.get(line.name, len(order)), line.name))
    )


def _rank(line: ProcessView) -> int:
    """Return 0 for what is bad, 1 for what needs a look, 2 for what is well."""
    if line.healthy:
        return 2
    return 0 if line.stale or line.state not in PASSING_STATES else 1


def _without_watchdog(
    snapshot: Snapshot, seen: Mapping[str, Seen], last: dict[str, ProcessView]
) -> dict[str, ProcessView]:
    """Return what we hear ourselves when the watchdog does not say: ages, and no state but silence."""
    lines = {}
    for name in seen:
        if name in snapshot.heard or name == Role.WATCHDOG or name in last:
            line = _told(name, seen[name])
            known = last.get(name)
            lines[name] = msgspec.structs.replace(line, pid=known.pid) if known else line
    return lines


def _told(name: str, seen: Seen) -> ProcessView:
    return ProcessView(
        name=name,
        pid=0,
        state="silent" if seen.stale else "ready" if name == Role.WATCHDOG else "unknown",
        age_ms=seen.age_ms,
        stale=seen.stale,
        progress=0,
        pss_mb=0.0,
        cpu_percent=0.0,
    )


def _money(status: ExecutorStatus | None, seen: Seen) -> Money:
    if status is None:
        return Money(seen=seen)
    capital_wei = status.capital_wei
    exposure_bps = None
    if capital_wei is not None and capital_wei > 0:
        exposure_bps = share_bps(status.exposure_wei, capital_wei)
    elif capital_wei == 0 == status.exposure_wei:
        exposure_bps = 0
    limit_bps = status.exposure_limit_bps
    return Money(
        seen=seen,
        percent=None if exposure_bps is None else Decimal(exposure_bps) / 100,
        limit_percent=Decimal(limit_bps) / 100,
        used_bps=None if exposure_bps is None or limit_bps <= 0 else share_bps(exposure_bps, limit_bps),
        exposure_wei=status.exposure_wei,
        capital_wei=capital_wei,
        gas_balance_wei=status.gas_balance_wei,
        trades=status.trades,
        wins=status.wins,
        net_wei=status.net_wei,
        gas_wei=status.gas_wei,
        net_usd=_usd(status.net_wei, status.price_usd),
        breaker=status.breaker,
        gate=status.gate,
        pending=status.pending,
        wallet=status.wallet,
        positions=status.positions,
        trades_recent=status.recent_trades,
        in_flight=status.in_flight,
        decisions=status.recent_decisions,
    )


def _usd(net_wei: int, price_usd: str) -> Decimal | None:
    """Return `net_wei` in USD, rounded down so that it never flatters; None without a usable price."""
    try:
        price = Decimal(price_usd)
    except ArithmeticError:
        return None
    if not price.is_finite() or price <= 0 or abs(net_wei) > 10**12 * WEI_PER_ETHER:
        return None
    return (wei_to_ether(net_wei) * price).quantize(_CENTS, rounding=ROUND_FLOOR)


_ENDPOINT_RANK: Final = {"ok": 3, "slow": 2, "unknown": 1}


def _endpoints(snapshot: Snapshot, seen: Seen, limits: Limits) -> Endpoints:
    status: GatewayStatus | None = snapshot.status(Role.GATEWAY)
    if status is None:
        return Endpoints(seen=seen)
    head_seen = Seen(age_ms=None, stale=True)
    if status.head_age_ms is not None:
        age_ms = status.head_age_ms + (seen.age_ms or 0)
        head_seen = Seen(age_ms=age_ms, stale=age_ms > max(limits.head_stale_ms, 3 * snapshot.block_ms))
    lines = sorted(status.endpoints, key=lambda line: (_ENDPOINT_RANK.get(line.state, 0), line.name))
    return Endpoints(seen=seen, lines=tuple(lines), head=status.head, head_seen=head_seen)


def _alerts(snapshot: Snapshot, seen: Seen) -> Alerts:
    status: NotifierStatus | None = snapshot.status(Role.NOTIFIER)
    recent = () if status is None else status.recent
    if status is None or seen.stale:
        # The notifier is the one who makes alerts of events; without it the bare events still tell.
        known = {alert.time for alert in recent}
        heard = [_as_alert(event) for event in snapshot.events if event.severity in _ALARMING]
        recent = (*(alert for alert in reversed(heard) if alert.time not in known), *recent)
    return Alerts(
        seen=seen,
        total=status.total if status else None,
        unacknowledged=status.unacknowledged if status else None,
        recent=recent[:_ALERTS_MAX],
    )


def _as_alert(event: Event) -> AlertLine:
    return AlertLine(
        alert_id="",
        time=event.time,
        severity=event.severity,
        title=event.kind,
        message=event.message,
        root_cause="",
        runbook=event.runbook,
        source=event.role,
    )


def _journals(snapshot: Snapshot, seen: Mapping[str, Seen]) -> tuple[Head, ...]:
    """Return the heads by journal, the longest that any live authority has seen."""
    heads: dict[str, Head] = {}
    for role in (Role.WATCHDOG, Role.EXECUTOR):
        status = snapshot.status(role)
        if status is None or seen[role].stale:
            continue
        for head in status.heads:
            if head.journal not in heads or heads[head.journal].rows < head.rows:
                heads[head.journal] = head
    return tuple(heads[name] for name in sorted(heads))


def view_to_json(view: SystemView) -> dict[str, Any]:
    """Return the picture as plain values under the names that scripts rely on (DESIGN §11).

    Wei are integers, USD a decimal string, percentages numbers. What is stale is null (text: "UNKNOWN"), with
    `stale` and `age_ms` beside it.
    """
    money, endpoints, alerts = view.money, view.endpoints, view.alerts
    live = not money.seen.stale
    return {
        "environment": view.environment,
        "mode": view.word.value,
        "why": view.why,
        "allowed": view.mode.name if view.mode is not None else None,
        "stops": _plain(view.stops),
        "stop_dir": view.stop_dir,
        "watchdog": {"age_ms": view.watchdog.age_ms, "stale": view.watchdog.stale},
        "processes": _plain(view.processes),
        "endpoints": [] if endpoints.seen.stale else _plain(endpoints.lines),
        "chain": {
            "head": None if endpoints.seen.stale else endpoints.head,
            "head_age_ms": endpoints.head_seen.age_ms,
            "stale": endpoints.seen.stale or endpoints.head_seen.stale,
        },
        "capital": capital_json(view.capital),
        "health": health_json(view.health),
        "breaker": money.breaker if live else "UNKNOWN",
        "gate": money.gate if live else None,
        "exposure": {
            "percent": _number(money.percent) if live else None,
            "limit_percent": _number(money.limit_percent) if live else None,
            **_seen_json(money.seen),
        },
        "positions": _plain(money.positions) if live else None,
        "pnl": {
            "trades": money.trades if live else None,
            "net_wei": _whole(money.net_wei) if live else None,
            "net_usd": str(money.net_usd) if live and money.net_usd is not None else None,
            "gas_wei": _whole(money.gas_wei) if live else None,
            **_seen_json(money.seen),
        },
        "in_flight": _plain(money.in_flight) if live else None,
        "trades": _plain(money.trades_recent) if live else None,
        "decisions": _plain(money.decisions) if live else None,
        "alerts": {
            "total": None if alerts.seen.stale else alerts.total,
            "unacknowledged": None if alerts.seen.stale else alerts.unacknowledged,
            "recent": _plain(alerts.recent),
            **_seen_json(alerts.seen),
        },
        "journals": [{"name": head.journal, "rows": head.rows, "head": head.hash} for head in view.journals],
        "one_user": view.one_user,
    }


def _seen_json(seen: Seen) -> dict[str, int | bool | None]:
    return {"age_ms": seen.age_ms, "stale": seen.stale}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)


def _plain(lines: Iterable[msgspec.Struct]) -> list[Any]:
    return [msgspec.to_builtins(line, enc_hook=int) for line in lines]
