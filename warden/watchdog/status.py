"""The watchdog's status, for whoever listens. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.health import is_of_machine
from warden.domain.money import Wei, share_bps
from warden.watchdog.liveness import state_word
from warden.wire.capital import WalletDisputed, WalletRead, WalletUnknown
from warden.wire.telemetry import CapitalLine, HealthStatus, ProcessLine, StopLine, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.capital import Capital
    from warden.watchdog.core import Core
    from warden.watchdog.health import HealthWatch
    from warden.wire.messages import Head

# The gateway tells each second, whether a block has come or not.
_CAPITAL_STALE_MS: Final = 5_000


def capital_line(capital: Capital, now_ns: int) -> CapitalLine:
    """Return what is known of the wallet, with how well it is known."""
    if not capital.terms.read:
        return CapitalLine("PAPER", detail="nothing on a chain is at stake")
    kept, read, report = capital.kept, capital.last, capital.report
    line = CapitalLine(
        _capital_word(capital, now_ns),
        baseline_wei=kept.baseline_wei,
        opening_wei=kept.opening_wei,
        age_ms=capital.age_ms(now_ns),
        detail="" if isinstance(report, WalletRead) else report.text,
    )
    if read is None:
        return line
    loss_bps = None
    if kept.baseline_wei is not None and kept.baseline_wei > 0:
        loss_bps = share_bps(kept.baseline_wei - read.equity_wei, kept.baseline_wei)
    return msgspec.structs.replace(
        line,
        equity_wei=Wei(read.equity_wei),
        native_wei=read.native_wei,
        wrapped_wei=read.wrapped_wei,
        tokens_wei=Wei(sum(each.value_wei for each in read.tokens)),
        loss_bps=loss_bps,
        block=read.block,
        endpoints=read.endpoints,
        outvoted=read.outvoted,
    )


def _capital_word(capital: Capital, now_ns: int) -> str:
    report, age_ms = capital.report, capital.age_ms(now_ns)
    if isinstance(report, WalletDisputed):
        return "DISPUTED"
    if isinstance(report, WalletUnknown):
        return "ONE SOURCE" if report.one_source else "UNKNOWN" if age_ms is None else "STALE"
    if age_ms is None or age_ms > _CAPITAL_STALE_MS:
        return "STALE"
    return "AGREED" if len(report.endpoints) > 1 else "ONE SOURCE"


def health_status(health: HealthWatch, now_ns: int) -> HealthStatus | None:
    """Return how well the system is, each line with the time since its look; None before the first."""
    if not health.lines:
        return None
    looked_ms = max(0, now_ns - health.looked_ns) // 1_000_000
    machine_ms = max(0, now_ns - health.machine.seen_ns) // 1_000_000
    low_since_ns = health.low_since_ns
    return HealthStatus(
        score_bps=health.score,
        status=health.status,
        stop_below_bps=health.limits.health_bps,
        lines=tuple(
            msgspec.structs.replace(each, age_ms=machine_ms if is_of_machine(each.name) else looked_ms)
            for each in health.lines
        ),
        low_for_ms=None if low_since_ns is None else (now_ns - low_since_ns) // 1_000_000,
    )


def status(
    core: Core, head: Head, measured: Callable[[str], tuple[float, float]], now_ns: int
) -> WatchdogStatus:
    """Return everything that the watchdog knows; `measured` gives memory in MB and CPU in percent."""
    lines = []
    restarts = {name: each.used(now_ns) for name, each in core.healing.restarts.items()}
    for name, peer in core.liveness.peers.items():
        pss_mb, cpu_percent = measured(name) if peer.alive else (0.0, 0.0)
        lines.append(
            ProcessLine(
                name=name,
                pid=peer.pid,
                state=state_word(peer),
                age_ms=peer.age_ms(now_ns),
                progress=peer.progress,
                pss_mb=pss_mb,
                cpu_percent=cpu_percent,
                detail=peer.detail,
                restarts=restarts.get(name, 0),
            )
        )
    return WatchdogStatus(
        sent_ns=now_ns,
        session=core.rules.terms.session,
        environment=core.rules.environment.value,
        mode=int(core.authority.mode),
        why=core.why(now_ns),
        stops=tuple(
            StopLine(
                id=stop.stop_id,
                reason=stop.reason,
                message=stop.message,
                operator=stop.operator,
                time=stop.time,
            )
            for stop in core.stops.standing
        ),
        stop_dir=core.stops.unreadable,
        processes=tuple(lines),
        heads=(
            head,
            *(
                head
                for peer in core.liveness.peers.values()
                for head in peer.heads
                if head.journal != "watchdog"
            ),
        ),
        lapses=core.healing.lapses.used(now_ns),
        restarts=sum(restarts.values()),
        probation_until_ns=core.probation.until_ns,
        size_percent=core.probation.percent,
        capital=capital_line(core.capital, now_ns),
        health=health_status(core.health, now_ns),
    )
